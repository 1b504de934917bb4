package idp_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"errors"
	"io"
	"math/big"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"cpis/deploy/dev/idp"
	"cpis/policy"
	"cpis/service/identity"
	"cpis/service/reference"
)

const audience = "https://cpis.test"

// directory is a directory of organisations by code.
type directory map[string]policy.Class

func (d directory) Class(code string) (policy.Class, bool) {
	class, ok := d[code]
	return class, ok
}

// organisations returns a directory of the reference data, and of what has to
// be added to it.
func organisations(tb testing.TB) directory {
	tb.Helper()
	known, err := reference.Organisations()
	if err != nil {
		tb.Fatal(err)
	}
	authorities, err := reference.Authorities()
	if err != nil {
		tb.Fatal(err)
	}
	d := make(directory)
	for _, o := range known {
		d[o.Code] = o.Class
	}
	for _, a := range authorities {
		d[a.GSS] = policy.LocalAuthority
	}
	for _, o := range idp.Organisations() {
		d[o.Code] = o.Class
	}
	return d
}

func start(tb testing.TB, change ...func(*idp.Config)) *idp.Provider {
	tb.Helper()
	c := idp.Config{Address: "127.0.0.1:0", Directory: tb.TempDir(), Audience: audience, Now: time.Now}
	for _, apply := range change {
		apply(&c)
	}
	p, err := idp.Start(tb.Context(), c)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		for range 2 {
			if err := p.Close(context.WithoutCancel(tb.Context())); err != nil {
				tb.Errorf("Close: %v", err)
			}
		}
	})
	return p
}

func verifier(tb testing.TB, p *idp.Provider) *identity.Verifier {
	tb.Helper()
	v, err := identity.New(tb.Context(), identity.Config{
		Audiences: []string{audience}, Issuers: []identity.Issuer{p.Issuer()},
	}, organisations(tb), time.Now)
	if err != nil {
		tb.Fatal(err)
	}
	return v
}

func mustToken(tb testing.TB, p *idp.Provider, key string, options ...idp.Option) string {
	tb.Helper()
	token, err := p.Token(key, options...)
	if err != nil {
		tb.Fatal(err)
	}
	return token
}

func mustVerify(tb testing.TB, v *identity.Verifier, token string) identity.Caller {
	tb.Helper()
	caller, err := v.Verify(tb.Context(), token, nil)
	if err != nil {
		tb.Fatalf("Verify: got error %v, want a caller", err)
	}
	return caller
}

// answer is an HTTP response that was read.
type answer struct {
	Status int
	Header http.Header
}

func do(tb testing.TB, request *http.Request) (answer, []byte) {
	tb.Helper()
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := client.Do(request.WithContext(tb.Context()))
	if err != nil {
		tb.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		tb.Fatal(err)
	}
	return answer{response.StatusCode, response.Header}, body
}

func post(tb testing.TB, address string, form url.Values) (answer, []byte) {
	tb.Helper()
	request, err := http.NewRequest(http.MethodPost, address, strings.NewReader(form.Encode()))
	if err != nil {
		tb.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return do(tb, request)
}

func get(tb testing.TB, address string) (answer, []byte) {
	tb.Helper()
	request, err := http.NewRequest(http.MethodGet, address, http.NoBody)
	if err != nil {
		tb.Fatal(err)
	}
	return do(tb, request)
}

func TestPeople_AreWhoTheyShouldBe(t *testing.T) {
	t.Parallel()
	p := start(t)
	v := verifier(t, p)
	want := map[string]struct {
		role      policy.Role
		class     policy.Class
		assurance int
	}{
		"nurse":            {policy.ClinicianUnscheduled, policy.AcuteTrust, 2},
		"call-handler":     {policy.ClinicianUnscheduled, policy.NHS111, 2},
		"gp":               {policy.ClinicianScheduled, policy.GeneralPractice, 2},
		"lead":             {policy.SafeguardingLead, policy.LocalAuthority, 3},
		"second-lead":      {policy.SafeguardingLead, policy.LocalAuthority, 3},
		"camden-lead":      {policy.SafeguardingLead, policy.LocalAuthority, 3},
		"privacy":          {policy.PrivacyOfficer, policy.AcuteTrust, 3},
		"second-privacy":   {policy.PrivacyOfficer, policy.AcuteTrust, 3},
		"practice-privacy": {policy.PrivacyOfficer, policy.GeneralPractice, 3},
		"other-privacy":    {policy.PrivacyOfficer, policy.AcuteTrust, 3},
		"step-up-lead":     {policy.SafeguardingLead, policy.LocalAuthority, 3},
		"level-2-lead":     {policy.SafeguardingLead, policy.LocalAuthority, 2},
		"auditor":          {policy.Auditor, policy.Oversight, 3},
		"administrator":    {policy.Administrator, policy.Operator, 3},
		"system":           {policy.ClinicalSystem, policy.AcuteTrust, 0},
		"la-system":        {policy.LASystem, policy.LocalAuthority, 0},
	}
	for _, person := range idp.People() {
		if person.NoRole || len(person.More) > 0 { // roles are for applications to ask for
			if _, err := v.Verify(t.Context(), mustToken(t, p, person.Key), nil); identity.ReasonOf(err) == "" {
				t.Errorf("%s: got %v, want refused", person.Key, err)
			}
			continue
		}
		w, ok := want[person.Key]
		if !ok {
			t.Errorf("%s: is not expected", person.Key)
		}
		delete(want, person.Key)
		caller := mustVerify(t, v, mustToken(t, p, person.Key))
		if caller.Roles != policy.Roles(w.role) || caller.Class != w.class || caller.Assurance != w.assurance ||
			caller.ID != person.ID || caller.Organisation != person.Place || caller.System != person.System {
			t.Errorf("%s: got caller %+v, want %+v", person.Key, caller, w)
		}
		if !person.System && (caller.Name != person.Name || caller.Title != person.JobTitle) {
			t.Errorf("%s: got name %q and title %q", person.Key, caller.Name, caller.Title)
		}
	}
	for key := range want {
		t.Errorf("%s: is missing", key)
	}
	if _, err := p.Token("nobody"); !errors.Is(err, idp.ErrNobody) {
		t.Errorf("Token of nobody: got error %v, want ErrNobody", err)
	}
}

func TestToken_Options(t *testing.T) {
	t.Parallel()
	p := start(t)
	v := verifier(t, p)

	caller := mustVerify(t, v, mustToken(t, p, "nurse", idp.Lifetime(time.Minute), idp.Claim("authentication_assurance_level", "1")))
	if left := time.Until(caller.Expires); left > time.Minute || caller.Assurance != 1 {
		t.Errorf("got a token for another %v at level %d", left, caller.Assurance)
	}

	_, err := v.Verify(t.Context(), mustToken(t, p, "nurse", idp.Claim("selected_roleid", nil)), nil)
	if got := identity.ReasonOf(err); got != identity.Claims {
		t.Errorf("Verify without a selected role: got %v", err)
	}

	cert := newCertificate(t)
	bound := mustToken(t, p, "system", idp.BoundTo(cert))
	if _, err := v.Verify(t.Context(), bound, cert); err != nil {
		t.Errorf("Verify of a bound token: got error %v", err)
	}
	if _, err := v.Verify(t.Context(), bound, nil); identity.ReasonOf(err) != identity.Certificate {
		t.Errorf("Verify of a bound token without certificate: got error %v", err)
	}

	raw, err := p.MintRaw(map[string]any{"typ": "logout+jwt"}, map[string]any{"iss": p.URL()})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := v.Verify(t.Context(), raw, nil); identity.ReasonOf(err) != identity.Type {
		t.Errorf("Verify of a logout token: got error %v", err)
	}
}

func newCertificate(tb testing.TB) *x509.Certificate {
	tb.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "client"}}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		tb.Fatal(err)
	}
	cert, err := x509.ParseCertificate(raw)
	if err != nil {
		tb.Fatal(err)
	}
	return cert
}

func TestKeys(t *testing.T) {
	t.Parallel()

	t.Run("OutliveARestart", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		in := func(c *idp.Config) { c.Directory = dir }
		first := start(t, in)
		claims := map[string]any{"iss": "x"}
		before, err := first.MintRaw(nil, claims)
		if err != nil {
			t.Fatal(err)
		}
		second := start(t, in)
		after, err := second.MintRaw(nil, claims)
		if err != nil {
			t.Fatal(err)
		}
		if a, b := strings.Split(before, ".")[0], strings.Split(after, ".")[0]; a != b {
			t.Errorf("the header with the key's name: got %s after a restart, want %s", b, a)
		}
		info, err := os.Stat(filepath.Join(dir, "idp-keys.json"))
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o600 {
			t.Errorf("file of the keys: got mode %v, want 0600", info.Mode().Perm())
		}
	})

	t.Run("AreRotatedAndRemoved", func(t *testing.T) {
		t.Parallel()
		p := start(t)
		v := verifier(t, p)
		old := mustToken(t, p, "nurse")
		mustVerify(t, v, old)
		if err := p.RotateKeys(); err != nil {
			t.Fatal(err)
		}
		if err := v.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
		mustVerify(t, v, mustToken(t, p, "nurse"))
		mustVerify(t, v, old)
		if err := p.RemoveOldKeys(); err != nil {
			t.Fatal(err)
		}
		if err := v.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
		mustVerify(t, v, mustToken(t, p, "nurse"))
		if _, err := v.Verify(t.Context(), old, nil); identity.ReasonOf(err) != identity.UnknownKey {
			t.Errorf("Verify of a token of a removed key: got error %v", err)
		}
	})

	t.Run("ThatOthersCanReadAreRefused", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		write(t, dir, `{}`, 0o644)
		_, err := idp.Start(t.Context(), idp.Config{Address: "127.0.0.1:0", Directory: dir, Audience: audience, Now: time.Now})
		if !errors.Is(err, idp.ErrKeysReadable) {
			t.Errorf("Start: got error %v, want ErrKeysReadable", err)
		}
	})

	t.Run("ThatAreNoneAreRefused", func(t *testing.T) {
		t.Parallel()
		for _, text := range []string{``, `{}`, `{"keys":[]}`, `{"keys":[{"kty":"oct","k":"AAAA","kid":"x"}]}`} {
			dir := t.TempDir()
			write(t, dir, text, 0o600)
			if _, err := idp.Start(t.Context(), idp.Config{Address: "127.0.0.1:0", Directory: dir, Audience: audience, Now: time.Now}); err == nil {
				t.Errorf("Start with keys %q: got no error", text)
			}
		}
	})
}

func write(tb testing.TB, dir, text string, mode os.FileMode) {
	tb.Helper()
	if err := os.WriteFile(filepath.Join(dir, "idp-keys.json"), []byte(text), mode); err != nil {
		tb.Fatal(err)
	}
}

func TestStart_RefusesWhatCanBeReachedFromElsewhere(t *testing.T) {
	t.Parallel()
	app := idp.Application{ID: "web", RedirectURIs: []string{"https://elsewhere.test/callback"}}
	for _, c := range []idp.Config{
		{Address: "0.0.0.0:0"},
		{Address: ":0"},
		{Address: "[::]:0"},
		{Address: "192.0.2.1:0"},
		{Address: "issuer.test:0"},
		{Address: "127.0.0.1:0", Applications: []idp.Application{app}},
	} {
		c.Directory, c.Audience, c.Now = t.TempDir(), audience, time.Now
		if _, err := idp.Start(t.Context(), c); !errors.Is(err, idp.ErrNotLoopback) {
			t.Errorf("Start at %s: got error %v, want ErrNotLoopback", c.Address, err)
		}
	}
	if _, err := idp.Start(t.Context(), idp.Config{Address: "127.0.0.1:0"}); err == nil {
		t.Errorf("Start without directory: got no error")
	}
}

func TestDevToken(t *testing.T) {
	t.Parallel()
	p := start(t)

	t.Run("GivesTheTokenOfTheNamedPerson", func(t *testing.T) {
		t.Parallel()
		response, body := post(t, p.URL()+"/dev/token?as=nurse", nil)
		var given struct {
			Token   string `json:"access_token"`
			Type    string `json:"token_type"`
			Seconds int    `json:"expires_in"`
		}
		if err := json.Unmarshal(body, &given); err != nil || response.Status != http.StatusOK {
			t.Fatalf("got %d %s", response.Status, body)
		}
		if caller := mustVerify(t, verifier(t, p), given.Token); caller.Organisation != "RKE" {
			t.Errorf("got caller %+v", caller)
		}
		if given.Type != "Bearer" || given.Seconds != 900 || response.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("got %+v with %v", given, response.Header)
		}
	})

	t.Run("SaysWhoThereIs", func(t *testing.T) {
		t.Parallel()
		response, body := post(t, p.URL()+"/dev/token?as=nobody", nil)
		if response.Status != http.StatusNotFound || !bytes.Contains(body, []byte("la-system")) {
			t.Errorf("got %d %s", response.Status, body)
		}
	})

	t.Run("IsNotForOtherPagesOrOtherNames", func(t *testing.T) {
		t.Parallel()
		for name, change := range map[string]func(*http.Request){
			"a page elsewhere": func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") },
			"another origin":   func(r *http.Request) { r.Header.Set("Origin", "https://evil.test") },
			"another name":     func(r *http.Request) { r.Host = "evil.test" },
			"GET":              func(r *http.Request) { r.Method = http.MethodGet },
		} {
			request, err := http.NewRequest(http.MethodPost, p.URL()+"/dev/token?as=nurse", http.NoBody)
			if err != nil {
				t.Fatal(err)
			}
			change(request)
			response, body := do(t, request)
			if response.Status < 400 || bytes.Contains(body, []byte("access_token")) {
				t.Errorf("%s: got %d", name, response.Status)
			}
			if got := response.Header.Get("Access-Control-Allow-Origin"); got != "" {
				t.Errorf("%s: got Access-Control-Allow-Origin %q", name, got)
			}
		}
	})
}
