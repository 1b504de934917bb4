// Package webhook sends notices as webhooks of the Standard Webhooks kind: a
// POST of JSON, signed with the receiver's secrets.
//
// Authorities choose where messages go, so nothing is sent to where only this
// installation can reach: private networks, this machine, and the like, however
// a name leads there.
package webhook

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"cpis/service/deliver"
	"cpis/service/deliver/outbound"
)

// timeout bounds one attempt.
const timeout = 10 * time.Second

// example is a right address.
const example = "https://cases.example.gov.uk/notices"

// Config is what a Sender is made of. The zero value is right for a service on
// the Internet.
type Config struct {
	// Allowed are networks that messages may go to though they are not of the
	// Internet.
	Allowed []netip.Prefix
	// CAs sign receivers' certificates; nil are the system's.
	CAs *x509.CertPool
	// Timeout bounds an attempt; 0 is ten seconds.
	Timeout time.Duration
}

// Sender sends webhooks. It implements [service.Sender].
type Sender struct {
	allowed []netip.Prefix
	client  *http.Client
}

// New creates a Sender.
func New(cfg Config) *Sender {
	s := &Sender{allowed: slices.Clone(cfg.Allowed)}
	if cfg.Timeout == 0 {
		cfg.Timeout = timeout
	}
	s.client = outbound.Client(outbound.Options{Timeout: cfg.Timeout, CAs: cfg.CAs, Admit: s.admit})
	return s
}

// Check says what is wrong with the address of a webhook.
func (s *Sender) Check(to string) (problem, right string) {
	u, err := url.Parse(to)
	switch {
	case err != nil || len(to) > 500 || u.Opaque != "" || u.Hostname() == "" || strings.ContainsAny(to, " \t\r\n"):
		return "must be an address of at most 500 characters", example
	case u.Scheme != "https":
		return "must begin with https://", example
	case u.User != nil:
		return "must hold no user name or password: messages are signed", example
	case u.Fragment != "":
		return "must hold no #: what follows it would not be sent", example
	case !isPort(u.Port()):
		return "must hold a port of 1 to 65535, or none", example
	}
	return s.checkHost(u.Hostname())
}

func isPort(text string) bool {
	n, err := strconv.ParseUint(text, 10, 16)
	return text == "" || err == nil && n > 0
}

// Send sends a message. Every answer of 200 to 299 says that it arrived.
func (s *Sender) Send(ctx context.Context, m *deliver.Message) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, m.To, bytes.NewReader(m.Body))
	if err != nil {
		return &deliver.DeliveryError{Word: outbound.Connection} // not err: it quotes the address
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "cpis")
	sign(r.Header, m)
	status, _, err := outbound.Do(s.client, r)
	switch {
	case status >= 200 && status < 300:
		return nil // though the answer may have broken off
	case err != nil:
		return err
	}
	return outbound.Status(status)
}

// sign adds what tells who sent a message, which, and when.
func sign(h http.Header, m *deliver.Message) {
	at := strconv.FormatInt(m.At.Unix(), 10)
	signatures := make([]string, len(m.Secrets))
	for i, secret := range m.Secrets {
		mac := hmac.New(sha256.New, secret)
		_, _ = mac.Write([]byte(m.ID + "." + at + "."))
		_, _ = mac.Write(m.Body)
		signatures[i] = "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
	}
	h.Set("Webhook-Id", m.ID)
	h.Set("Webhook-Timestamp", at)
	h.Set("Webhook-Signature", strings.Join(signatures, " "))
}
