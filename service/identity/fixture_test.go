package identity_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"cpis/policy"
	"cpis/service/identity"
)

const audience = "https://cpis.test"

// begin is when every test begins.
var begin = time.Date(2026, 11, 23, 17, 0, 0, 0, time.UTC)

// clock is a clock that moves when told.
type clock struct{ nanos atomic.Int64 }

func newClock() *clock {
	c := new(clock)
	c.nanos.Store(begin.UnixNano())
	return c
}

func (c *clock) Now() time.Time          { return time.Unix(0, c.nanos.Load()).UTC() }
func (c *clock) Advance(d time.Duration) { c.nanos.Add(int64(d)) }

// directory is a directory whose organisations can change.
type directory struct {
	mu      sync.RWMutex
	classes map[string]policy.Class
}

func newDirectory() *directory {
	return &directory{classes: map[string]policy.Class{
		"RKE":       policy.AcuteTrust,
		"F83004":    policy.GeneralPractice,
		"E09000019": policy.LocalAuthority,
	}}
}

func (d *directory) Class(code string) (policy.Class, bool) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	class, ok := d.classes[code]
	return class, ok
}

func (d *directory) Set(code string, class policy.Class) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if delete(d.classes, code); class != "" {
		d.classes[code] = class
	}
}

// signer is a key of an issuer, with the name it bears.
type signer struct {
	id        string
	algorithm jose.SignatureAlgorithm
	key       crypto.Signer
}

func newSigner(tb testing.TB, id string) signer {
	tb.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	return signer{id, jose.ES256, key}
}

func (s signer) public() jose.JSONWebKey {
	return jose.JSONWebKey{Key: s.key.Public(), KeyID: s.id, Algorithm: string(s.algorithm), Use: "sig"}
}

// issuer is an issuer that publishes its keys over HTTP.
type issuer struct {
	*httptest.Server
	asked atomic.Int64 // times the keys were asked for

	mu     sync.Mutex
	keys   []any
	answer http.HandlerFunc // instead of the keys, if not nil
}

func newIssuer(tb testing.TB, keys ...signer) *issuer {
	tb.Helper()
	i := new(issuer)
	i.Publish(keys...)
	mux := http.NewServeMux()
	mux.HandleFunc("/.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, map[string]any{"issuer": i.URL, "jwks_uri": i.URL + "/keys"})
	})
	mux.HandleFunc("/keys", i.serveKeys)
	i.Server = httptest.NewServer(mux)
	tb.Cleanup(i.Close)
	return i
}

func writeJSON(w http.ResponseWriter, v any) {
	if err := json.NewEncoder(w).Encode(v); err != nil {
		panic(err)
	}
}

func (i *issuer) serveKeys(w http.ResponseWriter, r *http.Request) {
	i.asked.Add(1)
	i.mu.Lock()
	keys, answer := i.keys, i.answer
	i.mu.Unlock()
	if answer != nil {
		answer(w, r)
		return
	}
	writeJSON(w, map[string]any{"keys": keys})
}

// Publish makes these the issuer's keys.
func (i *issuer) Publish(keys ...signer) {
	public := []any{}
	for _, k := range keys {
		public = append(public, k.public())
	}
	i.PublishRaw(public...)
}

func (i *issuer) PublishRaw(keys ...any) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.keys = keys
}

// Answer makes the issuer answer in another way; nil makes it well again.
func (i *issuer) Answer(h http.HandlerFunc) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.answer = h
}

func down(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) }

// fixture is a verifier that trusts one issuer with one key.
type fixture struct {
	*identity.Verifier
	tb        testing.TB
	issuer    *issuer
	signer    signer
	clock     *clock
	directory *directory
}

func newFixture(tb testing.TB, change ...func(*identity.Config)) *fixture {
	tb.Helper()
	f := &fixture{tb: tb, signer: newSigner(tb, "k1"), clock: newClock(), directory: newDirectory()}
	f.issuer = newIssuer(tb, f.signer)
	f.Verifier = f.MustNew(tb, change...)
	return f
}

func (f *fixture) Config() identity.Config {
	return identity.Config{
		Audiences: []string{audience},
		Issuers: []identity.Issuer{{
			URL:        f.issuer.URL,
			JWKSURL:    f.issuer.URL + "/keys",
			Algorithms: []string{"ES256"},
			People:     cis2(),
			Systems: &identity.Mapping{
				Organisation: "organisation",
				Roles:        []identity.RoleRule{{Claim: "scope", Values: map[string]string{"system/cpis.lookup": "clinical_system"}}},
			},
		}},
	}
}

func (f *fixture) MustNew(tb testing.TB, change ...func(*identity.Config)) *identity.Verifier {
	tb.Helper()
	c := f.Config()
	for _, apply := range change {
		apply(&c)
	}
	v, err := identity.New(tb.Context(), c, f.directory, f.clock.Now)
	if err != nil {
		tb.Fatal(err)
	}
	return v
}

// cis2 reads tokens shaped like those of NHS Care Identity Service 2.
func cis2() *identity.Mapping {
	const role = "nhsid_nrbac_roles[person_roleid=selected_roleid]"
	return &identity.Mapping{
		ID:           "nhsid_useruid",
		Name:         "name",
		Title:        role + ".role_name",
		Organisation: role + ".org_code",
		Roles: []identity.RoleRule{
			{Claim: role + ".activity_codes", Values: map[string]string{"B0107": "clinician_unscheduled", "B0170": "clinician_scheduled"}},
			{Claim: role + ".role_code", After: ":", Values: map[string]string{"R0001": "privacy_officer"}},
		},
		Assurance: []identity.AssuranceRule{
			{Claim: "authentication_assurance_level", Values: map[string]int{"1": 1, "2": 2, "3": 3}},
		},
	}
}

// nurse returns the claims of a nurse's token.
func (f *fixture) nurse() map[string]any {
	now := f.clock.Now().Unix()
	return map[string]any{
		"iss": f.issuer.URL, "sub": "555021935107", "aud": audience, "client_id": "symphony",
		"iat": now, "nbf": now, "exp": now + 600, "jti": rand.Text(),
		"nhsid_useruid": "555021935107", "name": "OKAFOR Ngozi (Mrs)",
		"authentication_assurance_level": "2",
		"selected_roleid":                "555021935200",
		"nhsid_nrbac_roles": []any{
			map[string]any{"person_roleid": "555021935100", "org_code": "F83004", "activity_codes": []string{"B0170"}, "role_name": "other", "role_code": "S8000:G8000:R8001"},
			map[string]any{"person_roleid": "555021935200", "org_code": "RKE", "activity_codes": []string{"B0107", "B0085"}, "role_name": "Nurse Access Role", "role_code": "S8000:G8000:R8001"},
		},
	}
}

// system returns the claims of the token of a trust's system.
func (f *fixture) system() map[string]any {
	now := f.clock.Now().Unix()
	return map[string]any{
		"iss": f.issuer.URL, "sub": "epr-7", "client_id": "epr-7", "aud": []string{"https://other.test", audience},
		"iat": now, "exp": now + 300, "organisation": "RKE", "scope": "openid system/cpis.lookup",
	}
}

// with returns a copy of claims with changes; a nil value removes a claim.
func with(claims, changes map[string]any) map[string]any {
	out := maps.Clone(claims)
	for name, v := range changes {
		if out[name] = v; v == nil {
			delete(out, name)
		}
	}
	return out
}

func part(v any) string {
	raw, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return base64.RawURLEncoding.EncodeToString(raw)
}

// Sign signs claims with an ordinary header.
func (s signer) Sign(claims map[string]any) string { return s.SignWith(nil, claims) }

// SignWith signs claims with a header that is changed like with does.
func (s signer) SignWith(header, claims map[string]any) string {
	full := with(map[string]any{"alg": s.algorithm, "kid": s.id, "typ": "at+jwt"}, header)
	return s.SignText(part(full) + "." + part(claims))
}

// SignText appends the signature to the first two parts of a token.
func (s signer) SignText(text string) string {
	sum := sha256.Sum256([]byte(text))
	key, ok := s.key.(*ecdsa.PrivateKey)
	if !ok {
		panic("only for ES256")
	}
	r, ss, err := ecdsa.Sign(rand.Reader, key, sum[:])
	if err != nil {
		panic(err)
	}
	signature := slices.Concat(r.FillBytes(make([]byte, 32)), ss.FillBytes(make([]byte, 32)))
	return text + "." + base64.RawURLEncoding.EncodeToString(signature)
}

func thumbprint(cert *x509.Certificate) string {
	sum := sha256.Sum256(cert.Raw)
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// wantRefusal checks that err is a refusal for one reason, and says nothing
// more.
func wantRefusal(tb testing.TB, err error, want identity.Reason) {
	tb.Helper()
	if !errors.Is(err, identity.ErrUnauthenticated) || errors.Is(err, identity.ErrUnavailable) {
		tb.Fatalf("Verify: got error %v, want ErrUnauthenticated", err)
	}
	if got := identity.ReasonOf(err); got != want {
		tb.Fatalf("Verify: refused for %q, want %q", got, want)
	}
	if got, want := err.Error(), "not authenticated: "+string(want); got != want {
		tb.Fatalf("Verify: error says %q, want %q", got, want)
	}
}

func (f *fixture) mustVerify(tb testing.TB, token string) identity.Caller {
	tb.Helper()
	caller, err := f.Verify(tb.Context(), token, nil)
	if err != nil {
		tb.Fatalf("Verify: got error %v, want a caller", err)
	}
	return caller
}

func (f *fixture) mustRefuse(tb testing.TB, token string, want identity.Reason) {
	tb.Helper()
	caller, err := f.Verify(tb.Context(), token, nil)
	wantRefusal(tb, err, want)
	if caller != (identity.Caller{}) {
		tb.Fatalf("Verify: a refusal came with a caller")
	}
}

// eventually waits for what happens in the background.
func eventually(tb testing.TB, what string, holds func() bool) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), 10*time.Second)
	defer cancel()
	for !holds() {
		if ctx.Err() != nil {
			tb.Fatalf("%s: still not so after 10 seconds", what)
		}
		runtime.Gosched()
	}
}

// Jose signs claims with a library, for algorithms that SignText cannot do.
func (s signer) Jose(tb testing.TB, claims map[string]any) string {
	tb.Helper()
	made, err := jose.NewSigner(
		jose.SigningKey{Algorithm: s.algorithm, Key: jose.JSONWebKey{Key: s.key, KeyID: s.id}},
		(&jose.SignerOptions{}).WithType("JWT"))
	if err != nil {
		tb.Fatal(err)
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		tb.Fatal(err)
	}
	signed, err := made.Sign(payload)
	if err != nil {
		tb.Fatal(err)
	}
	token, err := signed.CompactSerialize()
	if err != nil {
		tb.Fatal(err)
	}
	return token
}
