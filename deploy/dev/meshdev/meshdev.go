// Package meshdev is a small server of the NHS message exchange for tests and
// demonstrations. It checks what the real one checks of a sender (the
// authorisation header, the workflow, the ranges of chunks) and hands out what
// it holds, over HTTP as the real one does and to the program that runs it. It
// forgets everything when it ends.
package meshdev

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
)

// window is how far the time of a header may be from the server's. Headers
// carry whole minutes.
const window = 2 * time.Hour

// Config is what a Server is made of.
type Config struct {
	SharedKey string
	Mailboxes map[string]string // password by name
	Workflows []string          // that mailboxes may send
	Now       func() time.Time
}

// Message is what somebody put into a mailbox.
type Message struct {
	ID          string
	From, To    string
	Workflow    string
	LocalID     string
	FileName    string
	ContentType string
	Checksum    string
	Chunks      [][]byte
	Taken       bool // all chunks came
	Fetched     bool // the receiver acknowledged it
	total       int
}

// Body is the whole of a message.
func (m *Message) Body() []byte { return slices.Concat(m.Chunks...) }

// Server is the exchange. It is an [http.Handler], safe for concurrent use.
type Server struct {
	cfg Config
	mux *http.ServeMux

	mu       sync.Mutex
	used     map[string]bool // nonce and count of each mailbox
	messages []*Message
	greeted  int
	fail     int
}

// New creates a Server.
func New(cfg Config) *Server {
	s := &Server{cfg: cfg, mux: http.NewServeMux(), used: make(map[string]bool)}
	s.mux.HandleFunc("POST /messageexchange/{mailbox}", s.as(s.greet))
	s.mux.HandleFunc("POST /messageexchange/{mailbox}/outbox", s.as(s.send))
	s.mux.HandleFunc("POST /messageexchange/{mailbox}/outbox/{id}/{chunk}", s.as(s.sendChunk))
	s.mux.HandleFunc("GET /messageexchange/{mailbox}/inbox", s.as(s.list))
	s.mux.HandleFunc("GET /messageexchange/{mailbox}/inbox/{id}", s.as(s.fetch))
	s.mux.HandleFunc("GET /messageexchange/{mailbox}/inbox/{id}/{chunk}", s.as(s.fetch))
	s.mux.HandleFunc("PUT /messageexchange/{mailbox}/inbox/{id}/status/acknowledged", s.as(s.acknowledge))
	return s
}

// ServeHTTP answers a request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

// Fail makes every request fail with a status, until it is told 0.
func (s *Server) Fail(status int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fail = status
}

// Greeted says how often a mailbox was said to be in use.
func (s *Server) Greeted() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.greeted
}

// Messages returns what was put into a mailbox, as a whole, in the order in which
// it began to come.
func (s *Server) Messages(mailbox string) []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []Message
	for _, m := range s.messages {
		if m.To == mailbox && m.Taken {
			out = append(out, *m)
		}
	}
	return out
}

// Incomplete is how many messages lack chunks.
func (s *Server) Incomplete() (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range s.messages {
		if !m.Taken {
			n++
		}
	}
	return n
}

// as lets nobody through but the mailbox's own, with the server locked.
func (s *Server) as(handle func(w http.ResponseWriter, r *http.Request, mailbox string)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, tooLong := readBody(w, r)
		if tooLong {
			refuse(w, http.StatusRequestEntityTooLarge, "", "")
			return
		}
		r.Body = body
		s.mu.Lock()
		defer s.mu.Unlock()
		mailbox := r.PathValue("mailbox")
		switch {
		case s.fail != 0:
			refuse(w, s.fail, "", "")
		case !s.authorised(mailbox, r.Header.Get("Authorization")):
			refuse(w, http.StatusForbidden, "", "")
		default:
			handle(w, r, mailbox)
		}
	}
}

// authorised checks an authorisation header: the scheme, whose mailbox it is
// for, the hash over what only its owner knows, the time, and that nonce and
// count were not used before.
func (s *Server) authorised(mailbox, header string) bool {
	password, known := s.cfg.Mailboxes[mailbox]
	token, scheme := strings.CutPrefix(header, "NHSMESH ")
	parts := strings.Split(token, ":")
	if !known || !scheme || len(parts) != 5 || parts[0] != mailbox {
		return false
	}
	nonce, count, stamp := parts[1], parts[2], parts[3]
	mac := hmac.New(sha256.New, []byte(s.cfg.SharedKey))
	_, _ = mac.Write([]byte(mailbox + ":" + nonce + ":" + count + ":" + password + ":" + stamp))
	hash, err := hex.DecodeString(parts[4])
	if err != nil || !hmac.Equal(hash, mac.Sum(nil)) {
		return false
	}
	at, err := time.Parse("200601021504", stamp)
	if err != nil || at.Sub(s.cfg.Now()).Abs() > window {
		return false
	}
	if _, err := strconv.ParseUint(count, 10, 31); err != nil || nonce == "" {
		return false
	}
	once := strings.Join(parts[:3], ":")
	if s.used[once] {
		return false
	}
	s.used[once] = true
	return true
}

func (s *Server) greet(w http.ResponseWriter, r *http.Request, _ string) {
	for _, name := range []string{"Mex-ClientVersion", "Mex-OSName", "Mex-OSVersion"} {
		if r.Header.Get(name) == "" {
			refuse(w, http.StatusBadRequest, "", name+" is missing")
			return
		}
	}
	s.greeted++
	w.WriteHeader(http.StatusOK)
}

// send takes the first chunk of a message.
func (s *Server) send(w http.ResponseWriter, r *http.Request, mailbox string) {
	number, total, ok := chunkOf(r.Header.Get("Mex-Chunk-Range"))
	to := strings.ToUpper(r.Header.Get("Mex-To"))
	_, known := s.cfg.Mailboxes[to]
	chunk := allOf(r)
	switch {
	case !ok || number != 1:
		refuse(w, http.StatusExpectationFailed, "InvalidHeaderChunks", "Invalid chunk values sent in mex-Chunk-Range header")
	case !known:
		refuse(w, http.StatusExpectationFailed, "12", "Unregistered to address")
	case !slices.Contains(s.cfg.Workflows, r.Header.Get("Mex-WorkflowID")):
		refuse(w, http.StatusExpectationFailed, "17", "Workflow ID not registered for mailbox")
	case len(chunk) == 0:
		refuse(w, http.StatusExpectationFailed, "02", "Data file is missing or inaccessible.")
	default:
		m := &Message{
			ID: strings.ToUpper(uuid.NewString()), From: mailbox, To: to,
			Workflow: r.Header.Get("Mex-WorkflowID"), LocalID: r.Header.Get("Mex-LocalID"),
			FileName: r.Header.Get("Mex-FileName"), Checksum: r.Header.Get("Mex-Content-Checksum"),
			ContentType: contentType(r), Chunks: [][]byte{chunk}, Taken: total == 1, total: total,
		}
		s.messages = append(s.messages, m)
		answer(w, http.StatusAccepted, map[string]string{"message_id": m.ID})
	}
}

// contentType is that of the message, which may not be that of its chunks.
func contentType(r *http.Request) string {
	if t := r.Header.Get("Mex-Content-Type"); t != "" {
		return t
	}
	return r.Header.Get("Content-Type")
}

// sendChunk takes a further chunk: the next one, of as many as were announced.
func (s *Server) sendChunk(w http.ResponseWriter, r *http.Request, mailbox string) {
	m := s.find(r.PathValue("id"))
	number, total, ok := chunkOf(r.Header.Get("Mex-Chunk-Range"))
	switch {
	case m == nil:
		refuse(w, http.StatusNotFound, "20", "Message does not exist")
	case m.From != mailbox:
		refuse(w, http.StatusForbidden, "", "")
	case !ok || strconv.Itoa(number) != r.PathValue("chunk") || total != m.total:
		refuse(w, http.StatusExpectationFailed, "InvalidHeaderChunks", "Invalid chunk values sent in mex-Chunk-Range header")
	case m.Taken:
		refuse(w, http.StatusLocked, "", "")
	case number != len(m.Chunks)+1:
		refuse(w, http.StatusNotAcceptable, "", "")
	default:
		m.Chunks = append(m.Chunks, allOf(r))
		m.Taken = len(m.Chunks) == m.total
		answer(w, http.StatusAccepted, nil)
	}
}

// chunkOf reads the range of a chunk: its number and how many there are.
func chunkOf(text string) (number, total int, ok bool) {
	if text == "" {
		return 1, 1, true
	}
	n, of, found := strings.Cut(text, ":")
	number, err := strconv.Atoi(n)
	if err != nil || !found {
		return 0, 0, false
	}
	total, err = strconv.Atoi(of)
	return number, total, err == nil && number >= 1 && number <= total
}

func (s *Server) find(id string) *Message {
	for _, m := range s.messages {
		if m.ID == id {
			return m
		}
	}
	return nil
}
