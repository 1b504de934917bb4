package webhook_test

import (
	"context"
	"crypto/x509"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"cpis/service/deliver"
	"cpis/service/deliver/webhook"
)

// Addresses that are of no network of the Internet, however they are written,
// are refused before anything is asked of anybody.
func TestCheck_Addresses(t *testing.T) {
	t.Parallel()
	s := webhook.New(webhook.Config{Allowed: []netip.Prefix{netip.MustParsePrefix("10.9.0.0/16"), netip.MustParsePrefix("fd00:9::/32")}})
	for address, open := range map[string]bool{
		"8.8.8.8": true, "1.1.1.1": true, "192.0.1.1": true, "172.32.0.1": true, "100.128.0.1": true, "223.255.255.255": true,
		"2606:4700::1111": true, "2a00:1450::1": true, "::ffff:8.8.8.8": true, "64:ff9b::8.8.8.8": true,

		"0.0.0.0": false, "0.1.2.3": false, "127.0.0.1": false, "127.255.0.1": false,
		"10.0.0.1": false, "172.16.0.1": false, "172.31.255.255": false, "192.168.1.1": false,
		"100.64.0.1": false, "100.127.255.255": false, "169.254.169.254": false,
		"192.0.0.8": false, "192.0.2.1": false, "198.51.100.1": false, "203.0.113.1": false, "198.18.0.1": false, "198.19.255.255": false,
		"192.88.99.1": false, "224.0.0.1": false, "239.255.255.255": false, "240.0.0.1": false, "255.255.255.255": false,

		"::": false, "::1": false, "::127.0.0.1": false, "::ffff:127.0.0.1": false, "::ffff:10.0.0.1": false, "::ffff:169.254.169.254": false,
		"::ffff:0:127.0.0.1": false,
		"64:ff9b::10.0.0.1":  false, "64:ff9b::7f00:1": false, "64:ff9b::a9fe:a9fe": false, "64:ff9b:1::1": false,
		"2002:7f00:1::": false, "2002:808:808::": false, "2001::1": false, "2001:db8::1": false, "3fff::1": false,
		"100::1": false, "fc00::1": false, "fd12::1": false, "fe80::1": false, "fec0::1": false, "ff02::1": false, "5f00::1": false,

		"10.9.1.2": true, "::ffff:10.9.1.2": true, "10.10.0.1": false, "fd00:9::1": true, "fd00:8::1": false,
	} {
		host := address
		if strings.Contains(address, ":") {
			host = "[" + address + "]"
		}
		problem, right := s.Check("https://" + host + "/notices")
		if open != (problem == "") {
			t.Errorf("%s: got %q, want it allowed: %v", address, problem, open)
		}
		if problem != "" && (right == "" || strings.Contains(problem, address)) {
			t.Errorf("%s: says %q, and %q is right", address, problem, right)
		}
	}
}

func TestCheck_Forms(t *testing.T) {
	t.Parallel()
	s := webhook.New(webhook.Config{})
	for _, right := range []string{
		"https://cases.example.gov.uk/notices", "https://cases.example.gov.uk", "https://cases.example.gov.uk:8443/a?b=c",
		"https://" + strings.Repeat("a", 480) + ".uk",
	} {
		if problem, _ := s.Check(right); problem != "" {
			t.Errorf("%s: %s", right, problem)
		}
	}
	for _, wrong := range []string{
		"", "notices", "cases.example.gov.uk/notices", "//cases.example.gov.uk", "https://", "https:///notices", "https:cases.example.gov.uk",
		"http://cases.example.gov.uk", "HTTP://cases.example.gov.uk", "ftp://cases.example.gov.uk", "file:///etc/passwd", "javascript:alert(1)",
		"https://user:secret@cases.example.gov.uk", "https://user@cases.example.gov.uk", "https://cases.example.gov.uk/#part",
		"https://cases.example.gov.uk:0/", "https://cases.example.gov.uk:65536/", "https://cases.example.gov.uk:x/",
		"https://cases.example.gov.uk/\n", "https://cases.example.gov.uk/a b", "https://[fe80::1%25eth0]/", "https://[::1", "https://127.0.0.1/",
		"https://" + strings.Repeat("a", 500) + ".uk",
	} {
		if problem, right := s.Check(wrong); problem == "" || right == "" {
			t.Errorf("%q is taken for an address", wrong)
		}
	}
}

// What can only lead to this machine or its network is refused when it is set,
// not when it is dialled.
func TestCheck_NamesThatLeadNowhereElse(t *testing.T) {
	t.Parallel()
	s := webhook.New(webhook.Config{})
	inside := webhook.New(webhook.Config{Allowed: []netip.Prefix{netip.MustParsePrefix("10.9.0.0/16")}})
	for _, host := range []string{"127.1", "127.0.1", "0177.0.0.1", "2130706433", "0x7f000001", "0x7f.1", "0x7F.0.0.1", "127.0.0.1.", "10.1", "1.2.3.4.5"} {
		for _, s := range []*webhook.Sender{s, inside} {
			if problem, right := s.Check("https://" + host + "/"); problem == "" || right == "" {
				t.Errorf("%s is taken for an address", host)
			}
		}
	}
	for _, host := range []string{"localhost", "LOCALHOST", "localhost.", "a.localhost", "printer.local", "cases", "cases.internal", "nas.home.arpa"} {
		if problem, right := s.Check("https://" + host + ":8443/"); problem == "" || right == "" {
			t.Errorf("%s is taken for an address", host)
		}
		if problem, _ := inside.Check("https://" + host + ":8443/"); problem != "" {
			t.Errorf("%s: %s, though names may lead inside", host, problem)
		}
	}
	for _, host := range []string{"cases.example.gov.uk", "3com.example.com", "cases.0x.example.org", "localhost.example.org", "local.gov.uk"} {
		if problem, _ := s.Check("https://" + host + "/"); problem != "" {
			t.Errorf("%s: %s", host, problem)
		}
	}
}

// word returns the word of a failure.
func word(err error) string {
	if e, ok := errors.AsType[*deliver.DeliveryError](err); ok {
		return e.Word
	}
	return ""
}

func message(to string) *deliver.Message {
	return &deliver.Message{
		ID: "0192", At: time.Now(), To: to, Body: []byte(`{"a": 1}`),
		Secrets: [][]byte{[]byte(strings.Repeat("n", 32)), []byte(strings.Repeat("o", 32))},
	}
}

// A name that leads into this machine is found out when it is dialled, whatever
// it looked like, and nothing is sent.
func TestSend_LooksWhereNamesLead(t *testing.T) {
	t.Parallel()
	reached := false
	server := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached = true }))
	defer server.Close()
	s := webhook.New(webhook.Config{CAs: poolOf(server)})
	_, port, _ := strings.Cut(strings.TrimPrefix(server.URL, "https://"), ":")
	for _, to := range []string{
		"https://localhost:" + port, server.URL, "https://127.1:" + port, "https://0x7f000001:" + port, "https://2130706433:" + port,
		"https://[::ffff:127.0.0.1]:" + port, "https://[::1]:" + port, "https://0.0.0.0:" + port,
	} {
		err := s.Send(t.Context(), message(to))
		if w := word(err); w != "blocked_address" && w != "name" {
			t.Errorf("%s: got %v", to, err)
		}
		if err != nil && strings.Contains(err.Error(), port) {
			t.Errorf("the error holds the address: %v", err)
		}
	}
	if reached {
		t.Error("this machine was reached")
	}
}

func TestSend_IsSigned(t *testing.T) {
	t.Parallel()
	var header http.Header
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header = r.Header.Clone()
		w.WriteHeader(http.StatusNoContent)
	}))
	defer server.Close()
	s := webhook.New(webhook.Config{Allowed: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, CAs: poolOf(server)})
	m := message(server.URL)
	if err := s.Send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	for _, secret := range m.Secrets {
		w, err := standardwebhooks.NewWebhookRaw(secret)
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Verify(m.Body, header); err != nil {
			t.Errorf("Verify: %v", err)
		}
		if err := w.Verify([]byte(`{"a": 2}`), header); err == nil {
			t.Error("another body verifies")
		}
	}
	if header.Get("Content-Type") != "application/json" || header.Get("Webhook-Id") != m.ID {
		t.Errorf("header: %v", header)
	}
}

// What a receiver answers costs little, and says no more than a word.
func TestSend_Failures(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	mux := http.NewServeMux()
	mux.HandleFunc("/endless", func(w http.ResponseWriter, _ *http.Request) {
		for range 1 << 14 {
			if _, err := w.Write(make([]byte, 1<<14)); err != nil {
				return
			}
		}
	})
	mux.HandleFunc("/header", func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("X", strings.Repeat("x", 1<<20)) })
	mux.HandleFunc("/silent", func(http.ResponseWriter, *http.Request) { <-release })
	mux.HandleFunc("/moved", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/", http.StatusFound) })
	mux.HandleFunc("/teapot", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })
	server := httptest.NewTLSServer(mux)
	defer server.Close() // waits for its handlers
	defer close(release)
	allowed := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	s := webhook.New(webhook.Config{Allowed: allowed, CAs: poolOf(server)})
	hasty := webhook.New(webhook.Config{Allowed: allowed, CAs: poolOf(server), Timeout: 500 * time.Millisecond})
	if got := word(hasty.Send(t.Context(), message(server.URL+"/silent"))); got != "timeout" {
		t.Errorf("nothing is answered: got %q", got)
	}
	for path, want := range map[string]string{
		"/endless": "", "/header": "connection", "/moved": "redirect", "/teapot": "status_418", "/nothing": "status_404",
	} {
		if got := word(s.Send(t.Context(), message(server.URL+path))); got != want {
			t.Errorf("%s: got %q, want %q", path, got, want)
		}
	}
	strict := webhook.New(webhook.Config{Allowed: allowed})
	if got := word(strict.Send(t.Context(), message(server.URL))); got != "certificate" {
		t.Errorf("unknown authority: got %q", got)
	}
	if got := word(s.Send(t.Context(), message("https://127.0.0.1:1/"))); got != "refused" {
		t.Errorf("nobody listens: got %q", got)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Send(ctx, message(server.URL)); err == nil {
		t.Error("sent though the context was over")
	}
}

// poolOf trusts a server.
func poolOf(s *httptest.Server) *x509.CertPool {
	p := x509.NewCertPool()
	p.AddCert(s.Certificate())
	return p
}

// Whatever is taken for an address is one that can be sent to safely.
func FuzzCheck(f *testing.F) {
	for _, seed := range []string{"https://a.example/b?c", "https://[::ffff:127.0.0.1]", "https://a@b", "http://a", "https://0177.0.0.1", "https://a:1#"} {
		f.Add(seed)
	}
	s := webhook.New(webhook.Config{})
	f.Fuzz(func(t *testing.T, to string) {
		problem, right := s.Check(to)
		if problem != "" {
			if right == "" {
				t.Errorf("%q: no right value is shown", to)
			}
			return
		}
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, to, nil)
		if err != nil || r.URL.Scheme != "https" || r.URL.User != nil || r.URL.Hostname() == "" || len(to) > 500 {
			t.Errorf("%q is taken for an address: %v", to, err)
		}
	})
}
