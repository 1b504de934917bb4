package vaulttest

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"cpis/service/keys/keystest"
	"cpis/service/keys/vault"
)

// Canary is in every secret of the fake and in the texts of its errors: none
// may show up in an error of the keeper.
const Canary = "canary-of-the-fake"

// Fake is a small Vault in memory: one transit engine with the service's keys,
// one AppRole, Kubernetes accounts and tokens. It does what the real one does,
// unless it is told to fail.
type Fake struct {
	*httptest.Server
	dir string

	mu       sync.Mutex // guards what follows
	faults   map[string][]Fault
	always   map[string]Fault
	asked    map[string]int // by last but one part of the path
	headers  http.Header    // of the last request
	tokens   map[string]bool
	life     int // seconds that tokens live
	longest  int // seconds that renewals can make of it
	renewing bool
	transit  transit
}

// NewFake starts a fake that ends with the test.
func NewFake(tb testing.TB) *Fake {
	tb.Helper()
	f := &Fake{
		dir:    tb.TempDir(),
		faults: map[string][]Fault{}, always: map[string]Fault{}, asked: map[string]int{},
		tokens: map[string]bool{}, life: 1200, longest: 1200, renewing: true,
		transit: newTransit(),
	}
	f.Server = httptest.NewServer(f)
	tb.Cleanup(f.Close)
	f.save(tb, "role-id", "role-"+Canary)
	f.save(tb, "secret-id", "secret-"+Canary)
	return f
}

func (f *Fake) save(tb testing.TB, file, content string) {
	tb.Helper()
	must(tb, os.WriteFile(f.Path(file), []byte(content+"\n"), 0o600))
}

// Path names a file among those of the fake: role-id, secret-id, or another.
func (f *Fake) Path(file string) string { return filepath.Join(f.dir, file) }

// Config is a configuration that signs in by AppRole. It has patience with a busy
// machine: a test of what hangs asks for less.
func (f *Fake) Config() vault.Config {
	return vault.Config{
		Address:        f.URL,
		Auth:           vault.AppRole{RoleIDFile: f.Path("role-id"), SecretIDFile: f.Path("secret-id")},
		CallTimeout:    20 * time.Second,
		AttemptTimeout: 5 * time.Second,
		Now:            time.Now,
	}
}

// Subject creates a keeper for the conformance suite.
func (f *Fake) Subject(tb testing.TB) keystest.Subject {
	tb.Helper()
	return keystest.Subject{
		Keeper:         NewKeeper(tb, f.Config()),
		RotateWrapping: func(context.Context) error { f.do(f.transit.rotateWrapping); return nil },
		RotateSigning:  func(context.Context) error { f.do(f.transit.rotateSigning); return nil },
	}
}

// do does something with the fake's state.
func (f *Fake) do(what func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	what()
}

// Fail makes the next requests of a kind fail, one with each fault. The kind
// is a part of the path: "encrypt", "login", "renew-self", "keys".
func (f *Fake) Fail(kind string, faults ...Fault) {
	f.do(func() { f.faults[kind] = append(f.faults[kind], faults...) })
}

// FailAlways makes all requests of a kind fail until Heal.
func (f *Fake) FailAlways(kind string, fault Fault) { f.do(func() { f.always[kind] = fault }) }

// Heal ends all faults.
func (f *Fake) Heal() {
	f.do(func() { clear(f.faults); clear(f.always) })
}

// Asked says how many requests of a kind there were.
func (f *Fake) Asked(kind string) (n int) {
	f.do(func() { n = f.asked[kind] })
	return n
}

// Headers returns the headers of the last request.
func (f *Fake) Headers() (h http.Header) {
	f.do(func() { h = f.headers })
	return h
}

// Revoke ends all tokens.
func (f *Fake) Revoke() { f.do(func() { clear(f.tokens) }) }

// NewToken creates a token as somebody else would get it.
func (f *Fake) NewToken() (token string) {
	f.do(func() { token = f.newToken() })
	return token
}

// SetTokenLife says for how many seconds new tokens are good, for how many a
// renewal creates them, and whether they can be renewed at all.
func (f *Fake) SetTokenLife(life, longest int, renewable bool) {
	f.do(func() { f.life, f.longest, f.renewing = life, longest, renewable })
}

// Retire forbids wrappings of versions below min.
func (f *Fake) Retire(minVersion int) { f.do(func() { f.transit.minVersion = minVersion }) }

// Underive makes the wrapping key one that does not bind to a context.
func (f *Fake) Underive() { f.do(func() { f.transit.derived = false }) }

// DeleteKeys deletes both keys.
func (f *Fake) DeleteKeys() {
	f.do(func() { f.transit.wrapping, f.transit.signing = nil, nil })
}

// ReplaceSigningKey deletes the signing key and makes another of that name.
func (f *Fake) ReplaceSigningKey() {
	f.do(func() { f.transit.signing = nil; f.transit.rotateSigning() })
}

// ServeHTTP answers a request, or fails as told.
func (f *Fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if fault := f.take(r); fault != nil {
		fault(w, r, f.answer)
		return
	}
	f.answer(w, r)
}

// take notes a request and finds the fault that is meant for it.
func (f *Fake) take(r *http.Request) Fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.headers = r.Header.Clone()
	var found Fault
	for kind := range strings.SplitSeq(strings.TrimPrefix(r.URL.Path, "/v1/"), "/") {
		f.asked[kind]++
		if found != nil {
			continue
		}
		if queue := f.faults[kind]; len(queue) > 0 {
			found, f.faults[kind] = queue[0], queue[1:]
			continue
		}
		found = f.always[kind]
	}
	return found
}

// answer answers as the real one would.
func (f *Fake) answer(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	path := strings.TrimPrefix(r.URL.Path, "/v1/")
	if strings.HasSuffix(path, "/login") {
		f.logIn(w, r)
		return
	}
	if !f.tokens[r.Header.Get("X-Vault-Token")] {
		refuse(w, http.StatusForbidden, "permission denied "+Canary)
		return
	}
	switch path {
	case "auth/token/lookup-self":
		reply(w, http.StatusOK, map[string]any{"data": map[string]any{"ttl": f.life, "renewable": f.renewing}})
	case "auth/token/renew-self":
		reply(w, http.StatusOK, f.auth("", f.longest))
	default:
		f.transit.answer(w, r, strings.TrimPrefix(path, "transit/"))
	}
}

func (f *Fake) newToken() string {
	token := "hvs." + Canary + rand.Text()
	f.tokens[token] = true
	return token
}

// logIn signs in whoever shows one of the canaries.
func (f *Fake) logIn(w http.ResponseWriter, r *http.Request) {
	var credentials map[string]string
	err := json.NewDecoder(r.Body).Decode(&credentials)
	app := credentials["role_id"] == "role-"+Canary && credentials["secret_id"] == "secret-"+Canary
	pod := credentials["role"] == "cpis" && credentials["jwt"] == "jwt-"+Canary
	if err != nil || !app && !pod {
		refuse(w, http.StatusBadRequest, "invalid credentials "+Canary)
		return
	}
	reply(w, http.StatusOK, f.auth(f.newToken(), f.life))
}

func (f *Fake) auth(token string, life int) map[string]any {
	return map[string]any{"auth": map[string]any{
		"client_token": token, "lease_duration": life, "renewable": f.renewing,
	}}
}

// refuse answers with an error, as Vault writes it.
func refuse(w http.ResponseWriter, code int, text string) {
	reply(w, code, map[string]any{"errors": []string{text}})
}

func reply(w http.ResponseWriter, code int, content any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(content) // if the client has left nobody minds
}
