package servicetest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/standard-webhooks/standard-webhooks/libraries/go"

	"cpis/service"
	"cpis/service/deliver"
	"cpis/service/deliver/webhook"
)

// slow is how long tests wait for a receiver that does not answer.
const slow = 300 * time.Millisecond

// authority signs certificates.
type authority struct {
	tb   testing.TB
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(tb testing.TB) *authority {
	tb.Helper()
	a := &authority{tb: tb}
	var err error
	if a.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		tb.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test authority"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &a.key.PublicKey, a.key)
	if err != nil {
		tb.Fatal(err)
	}
	if a.cert, err = x509.ParseCertificate(der); err != nil {
		tb.Fatal(err)
	}
	return a
}

// pool is this authority alone.
func (a *authority) pool() *x509.CertPool {
	p := x509.NewCertPool()
	p.AddCert(a.cert)
	return p
}

// certify creates a certificate for 127.0.0.1.
func (a *authority) certify() *tls.Certificate {
	a.tb.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.tb.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, &key.PublicKey, a.key)
	if err != nil {
		a.tb.Fatal(err)
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// delivered is a message that a receiver has taken.
type delivered struct {
	ID     string
	Header http.Header
	Body   []byte
}

// Receiver takes webhooks over TLS, in any mood.
type Receiver struct {
	tb      testing.TB
	address string
	right   *tls.Certificate
	wrong   *tls.Certificate // of an authority that nobody knows
	gone    chan struct{}

	mu      sync.Mutex
	server  *http.Server // nil while it is down
	handle  http.HandlerFunc
	misled  bool // shows the wrong certificate
	taken   []delivered
	refused int // requests that it did not take
}

// NewReceiver starts a receiver whose certificate an authority signs.
func NewReceiver(tb testing.TB, a *authority) *Receiver {
	tb.Helper()
	r := &Receiver{tb: tb, right: a.certify(), wrong: newAuthority(tb).certify(), gone: make(chan struct{})}
	r.address = "127.0.0.1:0"
	r.Up()
	tb.Cleanup(r.Down)
	tb.Cleanup(func() { close(r.gone) })
	return r
}

// URL is its address.
func (r *Receiver) URL() string { return "https://" + r.address + "/notices" }

// Up has it listen, at the address that it had before.
func (r *Receiver) Up() {
	r.tb.Helper()
	l, err := new(net.ListenConfig).Listen(r.tb.Context(), "tcp", r.address)
	if err != nil {
		r.tb.Fatalf("listening: %v", err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.address = l.Addr().String()
	r.server = &http.Server{Handler: http.HandlerFunc(r.serve), ReadHeaderTimeout: time.Minute}
	secure := &tls.Config{GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
		r.mu.Lock()
		defer r.mu.Unlock()
		if r.misled {
			return r.wrong, nil
		}
		return r.right, nil
	}}
	server := r.server
	go func() { _ = server.Serve(tls.NewListener(l, secure)) }()
}

// Down has it vanish.
func (r *Receiver) Down() {
	r.mu.Lock()
	server := r.server
	r.server = nil
	r.mu.Unlock()
	if server != nil {
		_ = server.Close()
	}
}

// Behave sets how requests are answered; nil is as they should be.
func (r *Receiver) Behave(h http.HandlerFunc) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.handle = h
}

// Mislead has it show the certificate of an authority that nobody knows, from
// the next connection on.
func (r *Receiver) Mislead(on bool) {
	r.mu.Lock()
	r.misled = on
	r.mu.Unlock()
	r.Down()
	r.Up()
}

func (r *Receiver) serve(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	r.mu.Lock()
	handle := r.handle
	if handle == nil && err == nil {
		r.taken = append(r.taken, delivered{req.Header.Get("Webhook-Id"), req.Header.Clone(), body})
	} else {
		r.refused++
	}
	r.mu.Unlock()
	if handle != nil {
		handle(w, req)
	}
}

// Taken returns what it took, in the order in which it came.
func (r *Receiver) Taken() []delivered {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]delivered(nil), r.taken...)
}

// Refused is how many requests it did not take.
func (r *Receiver) Refused() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.refused
}

// Status answers every request with a status.
func Status(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
}

// Silent answers nobody before the test is over.
func (r *Receiver) Silent(http.ResponseWriter, *http.Request) { <-r.gone }

// Verifies reports whether a message was signed with a secret.
func (d *delivered) Verifies(tb testing.TB, secret string) bool {
	tb.Helper()
	w, err := standardwebhooks.NewWebhook(secret)
	if err != nil {
		tb.Fatalf("reading secret: %v", err)
	}
	return w.VerifyIgnoringTimestamp(d.Body, d.Header) == nil
}

// Reference reads what a webhook says.
func (d *delivered) Reference(tb testing.TB) (kind, notice string, priority bool) {
	tb.Helper()
	var m struct {
		Type string
		Data struct {
			Notice   string `json:"notice_id"`
			Kind     string
			Priority bool
		}
	}
	if err := json.Unmarshal(d.Body, &m); err != nil || m.Type != "notice.made" {
		tb.Fatalf("message %s: %v", d.Body, err)
	}
	return m.Data.Kind, m.Data.Notice, m.Data.Priority
}

// loopback is where tests receive.
var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}

// NewSending creates a fixture that sends webhooks to receivers of an authority.
func NewSending(tb testing.TB) (*Fixture, *authority) {
	tb.Helper()
	a := newAuthority(tb)
	return NewWith(tb, func(c *service.Config) {
		c.Senders = map[deliver.ChannelKind]deliver.Sender{
			deliver.WebhookChannel: webhook.New(webhook.Config{Allowed: loopback, CAs: a.pool(), Timeout: slow}),
		}
	}), a
}
