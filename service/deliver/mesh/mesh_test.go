package mesh_test

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"cpis/deploy/dev/meshdev"
	"cpis/service/deliver"
	"cpis/service/deliver/mesh"
)

const (
	ours     = "X26HUB1"
	theirs   = "X26LA01"
	password = "a password"
	key      = "a shared key"
	workflow = "CPIS_NOTICE"
)

// exchange is a MESH, and a Sender that uses it.
type exchange struct {
	*meshdev.Server
	*mesh.Sender

	http *httptest.Server
	now  time.Time
}

func newExchange(t *testing.T, change func(*mesh.Config)) *exchange {
	t.Helper()
	x := &exchange{now: time.Date(2026, 11, 23, 12, 0, 30, 0, time.UTC)}
	now := func() time.Time { return x.now }
	x.Server = meshdev.New(meshdev.Config{
		SharedKey: key, Mailboxes: map[string]string{ours: password, theirs: "another"}, Workflows: []string{workflow}, Now: now,
	})
	x.http = httptest.NewTLSServer(x.Server)
	t.Cleanup(x.http.Close)
	cfg := mesh.Config{
		URL: x.http.URL, Mailbox: ours, Password: password, SharedKey: key, Workflow: workflow, CAs: x509.NewCertPool(), Now: now,
	}
	cfg.CAs.AddCert(x.http.Certificate())
	change(&cfg)
	var err error
	if x.Sender, err = mesh.New(cfg); err != nil {
		t.Fatalf("New: %v", err)
	}
	return x
}

func message(body string) *deliver.Message {
	return &deliver.Message{ID: "0192-notice", At: time.Now(), To: theirs, Body: []byte(body)}
}

func word(err error) string {
	if e, ok := errors.AsType[*deliver.DeliveryError](err); ok {
		return e.Word
	}
	return ""
}

// A message arrives whole, in one piece or many.
func TestSend_ArrivesWhole(t *testing.T) {
	t.Parallel()
	body := strings.Repeat(`{"notice": "whole"}`, 10)
	for _, tt := range []struct{ chunk, pieces int }{{0, 1}, {len(body), 1}, {len(body) - 1, 2}, {7, 28}, {1, len(body)}} {
		x := newExchange(t, func(c *mesh.Config) { c.Chunk = tt.chunk })
		if err := x.Send(t.Context(), message(body)); err != nil {
			t.Fatalf("chunks of %d: %v", tt.chunk, err)
		}
		got := x.Messages(theirs)
		if len(got) != 1 || string(got[0].Body()) != body || len(got[0].Chunks) != tt.pieces {
			t.Fatalf("chunks of %d: got %d messages: %+v", tt.chunk, len(got), got)
		}
		sum := sha256.Sum256([]byte(body))
		m := got[0]
		if m.From != ours || m.Workflow != workflow || m.LocalID != "0192-notice" || m.FileName != "0192-notice.json" ||
			m.ContentType != "application/json" || m.Checksum != "SHA-256:"+hex.EncodeToString(sum[:]) {
			t.Errorf("chunks of %d: %+v", tt.chunk, m)
		}
	}
}

// The mailbox says once a day that it is in use.
func TestSend_GreetsOnceADay(t *testing.T) {
	t.Parallel()
	x := newExchange(t, func(*mesh.Config) {})
	for _, want := range []int{1, 1, 2} {
		if err := x.Send(t.Context(), message("{}")); err != nil {
			t.Fatal(err)
		}
		if got := x.Greeted(); got != want {
			t.Errorf("greeted %d times, want %d", got, want)
		}
		x.now = x.now.Add(12*time.Hour + time.Minute)
	}
}

// What MESH refuses is told by a word, and nothing arrives.
func TestSend_Failures(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		change func(*mesh.Config)
		to     string
		fail   int
		want   string
	}{
		{"wrong shared key", func(c *mesh.Config) { c.SharedKey = "another" }, theirs, 0, "unauthorised"},
		{"wrong password", func(c *mesh.Config) { c.Password = "another" }, theirs, 0, "unauthorised"},
		{"a mailbox that is not ours", func(c *mesh.Config) { c.Mailbox = "X26NONE" }, theirs, 0, "unauthorised"},
		{"a clock that is wrong", func(c *mesh.Config) {
			now := c.Now
			c.Now = func() time.Time { return now().Add(3 * time.Hour) }
		}, theirs, 0, "unauthorised"},
		{"a mailbox that does not exist", func(*mesh.Config) {}, "X26NONE", 0, "unknown_mailbox"},
		{"a workflow that is not ours", func(c *mesh.Config) { c.Workflow = "ANOTHER" }, theirs, 0, "status_417"},
		{"MESH is away", func(*mesh.Config) {}, theirs, http.StatusServiceUnavailable, "status_503"},
		{"MESH moves", func(*mesh.Config) {}, theirs, http.StatusMovedPermanently, "redirect"},
		{"another certificate", func(c *mesh.Config) { c.CAs = x509.NewCertPool() }, theirs, 0, "certificate"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			x := newExchange(t, tt.change)
			x.Fail(tt.fail)
			m := message("{}")
			m.To = tt.to
			if got := word(x.Send(t.Context(), m)); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			if n := len(x.Messages(theirs)) + x.Incomplete(); n != 0 {
				t.Errorf("%d messages arrived", n)
			}
		})
	}
}

// A message of which a piece is missing never shows in the mailbox, and comes
// whole the next time.
func TestSend_BreaksOff(t *testing.T) {
	t.Parallel()
	x := newExchange(t, func(c *mesh.Config) { c.Chunk = 1 })
	requests := 0
	x.http.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if requests++; requests == 4 {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		x.ServeHTTP(w, r)
	})
	if got := word(x.Send(t.Context(), message("12345"))); got != "status_500" {
		t.Errorf("got %q", got)
	}
	if len(x.Messages(theirs)) != 0 || x.Incomplete() != 1 {
		t.Errorf("%d messages arrived", len(x.Messages(theirs)))
	}
	if err := x.Send(t.Context(), message("12345")); err != nil {
		t.Fatal(err)
	}
	if got := x.Messages(theirs); len(got) != 1 || string(got[0].Body()) != "12345" {
		t.Errorf("got %+v", got)
	}
}

// The receiver finds it in the inbox, fetches it piece by piece and
// acknowledges it.
func TestReceiving(t *testing.T) {
	t.Parallel()
	x := newExchange(t, func(c *mesh.Config) { c.Chunk = 4 })
	if err := x.Send(t.Context(), message("whole body")); err != nil {
		t.Fatal(err)
	}
	count := 0
	ask := func(method, path string) (status int, body []byte) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), method, x.http.URL+"/messageexchange/"+theirs+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		count++
		r.Header.Set("Authorization", mesh.Credentials{Mailbox: theirs, Password: "another", SharedKey: key}.Authorization("nonce", count, x.now))
		resp, err := x.http.Client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if body, err = io.ReadAll(resp.Body); err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, body
	}
	var inbox struct{ Messages []string }
	_, list := ask(http.MethodGet, "/inbox")
	if err := json.Unmarshal(list, &inbox); err != nil || len(inbox.Messages) != 1 {
		t.Fatalf("inbox: %s", list)
	}
	path := "/inbox/" + inbox.Messages[0]
	var whole []byte
	for _, piece := range []string{"", "/2", "/3"} {
		_, part := ask(http.MethodGet, path+piece)
		whole = append(whole, part...)
	}
	if string(whole) != "whole body" {
		t.Errorf("got %q", whole)
	}
	if got, _ := ask(http.MethodPut, path+"/status/acknowledged"); got != http.StatusOK {
		t.Errorf("acknowledging: %d", got)
	}
	if got, _ := ask(http.MethodGet, path); got != http.StatusGone {
		t.Errorf("fetching again: %d", got)
	}
}

// A header counts once, within its time, for the mailbox that it names.
func TestAuthorizationIsChecked(t *testing.T) {
	t.Parallel()
	x := newExchange(t, func(*mesh.Config) {})
	ask := func(header string) int {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/messageexchange/"+ours+"/inbox", nil)
		r.Header.Set("Authorization", header)
		w := httptest.NewRecorder()
		x.ServeHTTP(w, r)
		return w.Code
	}
	right := mesh.Credentials{Mailbox: ours, Password: password, SharedKey: key}.Authorization("n", 0, x.now)
	again := mesh.Credentials{Mailbox: ours, Password: password, SharedKey: key}.Authorization("n", 1, x.now)
	for _, tt := range []struct {
		name, header string
		want         int
	}{
		{"right", right, 200},
		{"used before", right, 403},
		{"the nonce with another count", again, 200},
		{"none", "", 403},
		{"another scheme", strings.Replace(mesh.Credentials{Mailbox: ours, Password: password, SharedKey: key}.Authorization("a", 0, x.now), "NHSMESH", "Bearer", 1), 403},
		{"another mailbox", mesh.Credentials{Mailbox: theirs, Password: "another", SharedKey: key}.Authorization("b", 0, x.now), 403},
		{"too late", mesh.Credentials{Mailbox: ours, Password: password, SharedKey: key}.Authorization("c", 0, x.now.Add(-3*time.Hour)), 403},
		{"too early", mesh.Credentials{Mailbox: ours, Password: password, SharedKey: key}.Authorization("d", 0, x.now.Add(3*time.Hour)), 403},
		{"another count than was hashed", strings.Replace(mesh.Credentials{Mailbox: ours, Password: password, SharedKey: key}.Authorization("e", 0, x.now), ":e:0:", ":e:1:", 1), 403},
		{"cut off", mesh.Credentials{Mailbox: ours, Password: password, SharedKey: key}.Authorization("f", 0, x.now)[:40], 403},
	} {
		if got := ask(tt.header); got != tt.want {
			t.Errorf("%s: got %d, want %d", tt.name, got, tt.want)
		}
	}
}

// The example that the exchange's documentation computes holds: hash over
// mailbox, nonce, count, password and time, under the shared key.
func TestAuthorization(t *testing.T) {
	t.Parallel()
	own := mesh.Credentials{Mailbox: "MB1", Password: "pw", SharedKey: "k"}
	got := own.Authorization("nonce", 7, time.Date(2026, 3, 29, 1, 2, 3, 0, time.FixedZone("BST", 3600)))
	const want = "NHSMESH MB1:nonce:7:202603290002:"
	if !strings.HasPrefix(got, want) || len(got) != len(want)+64 {
		t.Errorf("got %s, want %s and a hash", got, want)
	}
}

func TestNew_Refuses(t *testing.T) {
	t.Parallel()
	right := mesh.Config{URL: "https://mesh.example", Mailbox: ours, Password: "p", SharedKey: "k", Workflow: "w", Now: time.Now}
	if _, err := mesh.New(right); err != nil {
		t.Errorf("the right one: %v", err)
	}
	for name, change := range map[string]func(*mesh.Config){
		"plain HTTP":  func(c *mesh.Config) { c.URL = "http://mesh.example" },
		"no host":     func(c *mesh.Config) { c.URL = "https://" },
		"a query":     func(c *mesh.Config) { c.URL += "?a" },
		"no mailbox":  func(c *mesh.Config) { c.Mailbox = "" },
		"a path":      func(c *mesh.Config) { c.Mailbox = "../x" },
		"no password": func(c *mesh.Config) { c.Password = "" },
		"no key":      func(c *mesh.Config) { c.SharedKey = "" },
		"no workflow": func(c *mesh.Config) { c.Workflow = "" },
		"no clock":    func(c *mesh.Config) { c.Now = nil },
	} {
		c := right
		change(&c)
		if _, err := mesh.New(c); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	x := newExchange(t, func(*mesh.Config) {})
	if problem, _ := x.Check("X26LA01"); problem != "" {
		t.Error(problem)
	}
	for _, wrong := range []string{"", "X26 LA01", "../X26", "X26\r\nMex-To: Y", strings.Repeat("X", 65)} {
		if problem, right := x.Check(wrong); problem == "" || right == "" {
			t.Errorf("%q is taken for a mailbox", wrong)
		}
	}
}
