// Package mesh sends notices over MESH, the NHS message exchange: it puts them
// into the mailboxes of authorities, from a mailbox of this installation's.
//
// A message counts as delivered when MESH has taken it. Its local id is that of
// the notice, so that a receiver can tell one that comes twice.
package mesh

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"cpis/service/deliver"
	"cpis/service/deliver/outbound"
)

const (
	// timeout bounds one request.
	timeout = 30 * time.Second
	// DefaultChunk is how many bytes go in one piece.
	DefaultChunk = 20 << 20
	// greetEvery is how often the mailbox says that it is in use.
	greetEvery = 24 * time.Hour
	// example is a right mailbox.
	example = "X26ABC1"
	// jsonType is the type of messages, pieceType that of their pieces.
	jsonType  = "application/json"
	pieceType = "application/octet-stream"
	// answerType asks for answers of the second version.
	answerType = "application/vnd.mesh.v2+json"
)

// Words for failures that only MESH has.
const (
	unknownMailbox = "unknown_mailbox" // nobody has the authority's mailbox
	unauthorised   = "unauthorised"    // MESH does not know this installation's mailbox, password or key
)

// Config is what a Sender is made of.
type Config struct {
	URL       string // of MESH, https; required
	Mailbox   string // of this installation; required
	Password  string // of that mailbox; required
	SharedKey string // of the environment; required
	Workflow  string // workflow id of notices; required
	// CAs sign the certificate of MESH; nil are the system's.
	CAs *x509.CertPool
	// Certificate is this installation's, which MESH asks for.
	Certificate *tls.Certificate
	// Chunk is how many bytes go in one piece; 0 is DefaultChunk.
	Chunk int
	// Now is the clock; required.
	Now func() time.Time
}

// Sender sends into mailboxes. It implements [service.Sender].
type Sender struct {
	cfg    Config
	base   string // of this installation's mailbox
	client *http.Client

	mu      sync.Mutex // held while MESH is greeted
	greeted time.Time
}

// New creates a Sender.
func New(cfg Config) (*Sender, error) {
	var errs []error
	u, err := url.Parse(cfg.URL)
	if err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		errs = append(errs, errors.New("address must be https://, and nothing behind a ? or #"))
	}
	if !isMailbox(cfg.Mailbox) {
		errs = append(errs, errors.New("mailbox must be letters and digits"))
	}
	if cfg.Password == "" || cfg.SharedKey == "" || cfg.Workflow == "" || cfg.Now == nil {
		errs = append(errs, errors.New("password, shared key, workflow and clock are required"))
	}
	if len(errs) > 0 {
		return nil, fmt.Errorf("setting up MESH: %w", errors.Join(errs...))
	}
	if cfg.Chunk <= 0 {
		cfg.Chunk = DefaultChunk
	}
	return &Sender{
		cfg:    cfg,
		base:   strings.TrimSuffix(cfg.URL, "/") + "/messageexchange/" + cfg.Mailbox,
		client: outbound.Client(outbound.Options{Timeout: timeout, CAs: cfg.CAs, Certificate: cfg.Certificate}),
	}, nil
}

var mailbox = regexp.MustCompile(`^[A-Za-z0-9]{1,64}$`)

func isMailbox(text string) bool { return mailbox.MatchString(text) }

// Check says what is wrong with a mailbox.
func (s *Sender) Check(to string) (problem, right string) {
	if !isMailbox(to) {
		return "must be letters and digits, at most 64", example
	}
	return "", ""
}

// Send puts a message into a mailbox, in pieces if it is long.
func (s *Sender) Send(ctx context.Context, m *deliver.Message) error {
	if err := s.greet(ctx); err != nil {
		return err
	}
	pieces := split(m.Body, s.cfg.Chunk)
	id, err := s.first(ctx, m, pieces[0], len(pieces))
	if err != nil {
		return err
	}
	for i, piece := range pieces[1:] {
		if err := s.further(ctx, id, piece, i+2, len(pieces)); err != nil {
			return err // MESH forgets what stays incomplete
		}
	}
	return nil
}

// split cuts a body into pieces, of which there is one at least.
func split(body []byte, size int) [][]byte {
	var pieces [][]byte
	for len(body) > size {
		pieces = append(pieces, body[:size])
		body = body[size:]
	}
	return append(pieces, body)
}

// greet says once a day that the mailbox is in use, and so tries the key and
// the password out before anything about anybody leaves.
func (s *Sender) greet(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.cfg.Now()
	if !s.greeted.IsZero() && now.Sub(s.greeted) < greetEvery {
		return nil
	}
	r, err := s.request(ctx, s.base, nil)
	if err != nil {
		return err
	}
	r.Header.Set("Mex-ClientVersion", "cpis")
	r.Header.Set("Mex-OSName", "Linux")
	r.Header.Set("Mex-OSVersion", "N/A")
	r.Header.Set("Mex-OSArchitecture", "N/A")
	status, _, err := outbound.Do(s.client, r)
	switch {
	case err != nil:
		return err
	case status != http.StatusOK:
		return failure(status, nil)
	}
	s.greeted = now
	return nil
}

// first sends the first piece of a message, and returns the id that MESH has
// given the message.
func (s *Sender) first(ctx context.Context, m *deliver.Message, piece []byte, pieces int) (string, error) {
	r, err := s.request(ctx, s.base+"/outbox", piece)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(m.Body)
	for name, value := range map[string]string{
		"Mex-From":               s.cfg.Mailbox,
		"Mex-To":                 m.To,
		"Mex-WorkflowID":         s.cfg.Workflow,
		"Mex-LocalID":            m.ID,
		"Mex-FileName":           m.ID + ".json",
		"Mex-Chunk-Range":        chunkRange(1, pieces),
		"Mex-Content-Checksum":   "SHA-256:" + hex.EncodeToString(sum[:]),
		"Mex-Content-Compressed": "N",
		"Mex-Content-Encrypted":  "N",
	} {
		r.Header.Set(name, value)
	}
	r.Header.Set("Content-Type", jsonType)
	if pieces > 1 {
		r.Header.Set("Content-Type", pieceType)
		r.Header.Set("Mex-Content-Type", jsonType)
	}
	status, answer, err := outbound.Do(s.client, r)
	switch {
	case err != nil:
		return "", err
	case status != http.StatusAccepted:
		return "", failure(status, answer)
	}
	var accepted struct {
		ID string `json:"message_id"`
	}
	if json.Unmarshal(answer, &accepted) != nil || accepted.ID == "" {
		return "", &deliver.DeliveryError{Word: outbound.Connection} // whatever answered, it is not MESH
	}
	return accepted.ID, nil
}

// further sends a piece that is not the first.
func (s *Sender) further(ctx context.Context, id string, piece []byte, number, pieces int) error {
	r, err := s.request(ctx, s.base+"/outbox/"+url.PathEscape(id)+"/"+strconv.Itoa(number), piece)
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", pieceType)
	r.Header.Set("Mex-Chunk-Range", chunkRange(number, pieces))
	status, answer, err := outbound.Do(s.client, r)
	switch {
	case err != nil:
		return err
	case status != http.StatusAccepted && status != http.StatusOK:
		return failure(status, answer)
	}
	return nil
}

func chunkRange(number, of int) string { return strconv.Itoa(number) + ":" + strconv.Itoa(of) }

// request begins a request from this installation's mailbox.
func (s *Sender) request(ctx context.Context, address string, body []byte) (*http.Request, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return nil, &deliver.DeliveryError{Word: outbound.Connection}
	}
	r.Header.Set("Accept", answerType)
	r.Header.Set("User-Agent", "cpis")
	own := Credentials{s.cfg.Mailbox, s.cfg.Password, s.cfg.SharedKey}
	r.Header.Set("Authorization", own.Authorization(rand.Text(), 0, s.cfg.Now()))
	return r, nil
}

// Credentials are what a mailbox authenticates itself with.
type Credentials struct{ Mailbox, Password, SharedKey string }

// Authorization returns the header that authenticates a mailbox. Nonce and count
// together must not be used twice.
func (c Credentials) Authorization(nonce string, count int, at time.Time) string {
	stamp, number := at.UTC().Format("200601021504"), strconv.Itoa(count)
	mac := hmac.New(sha256.New, []byte(c.SharedKey))
	_, _ = mac.Write([]byte(strings.Join([]string{c.Mailbox, nonce, number, c.Password, stamp}, ":")))
	public := strings.Join([]string{c.Mailbox, nonce, number, stamp, hex.EncodeToString(mac.Sum(nil))}, ":")
	return "NHSMESH " + public
}

// noRecipient is the code of MESH for a mailbox that does not exist.
const noRecipient = "12"

// failure returns the failure for an answer.
func failure(status int, answer []byte) error {
	var told struct {
		Detail []struct {
			Code string `json:"code"`
		} `json:"detail"`
	}
	switch {
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		return &deliver.DeliveryError{Word: unauthorised}
	case status == http.StatusExpectationFailed && json.Unmarshal(answer, &told) == nil &&
		len(told.Detail) > 0 && told.Detail[0].Code == noRecipient:
		return &deliver.DeliveryError{Word: unknownMailbox}
	}
	return outbound.Status(status)
}
