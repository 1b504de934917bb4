package idp_test

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/oauth2"

	"cpis/deploy/dev/idp"
	"cpis/service/identity"
)

const callback = "http://127.0.0.1:9/callback" // where nobody listens

// application is a web application that people sign in to.
type application struct {
	oauth2.Config
	provider *oidc.Provider
}

func newApplication(tb testing.TB, p *idp.Provider, id, secret string) application {
	tb.Helper()
	provider, err := oidc.NewProvider(tb.Context(), p.URL())
	if err != nil {
		tb.Fatal(err)
	}
	endpoint := provider.Endpoint()
	// Said, because otherwise both are tried, and the first try spends the code.
	if endpoint.AuthStyle = oauth2.AuthStyleInHeader; secret == "" {
		endpoint.AuthStyle = oauth2.AuthStyleInParams
	}
	return application{oauth2.Config{
		ClientID: id, ClientSecret: secret, RedirectURL: callback, Endpoint: endpoint,
		Scopes: []string{"openid", "profile", "nhsperson", "nationalrbacaccess", "selectedrole"},
	}, provider}
}

func withApplications(c *idp.Config) {
	c.Applications = []idp.Application{
		{ID: "web", RedirectURIs: []string{callback}, PostLogoutRedirectURIs: []string{"http://localhost:9/out"}},
		{ID: "secretive", Secret: "s3cret", RedirectURIs: []string{callback}},
	}
}

var requestField = regexp.MustCompile(`name="request" value="([^"]+)"`)

// signIn plays the browser of somebody who signs in, and returns the code.
func signIn(tb testing.TB, p *idp.Provider, authorize, person string) string {
	tb.Helper()
	response, body := get(tb, authorize)
	if response.Status != http.StatusFound {
		tb.Fatalf("authorize: got %d %s", response.Status, body)
	}
	response, body = get(tb, p.URL()+response.Header.Get("Location"))
	field := requestField.FindSubmatch(body)
	if response.Status != http.StatusOK || field == nil {
		tb.Fatalf("sign-in page: got %d %s", response.Status, body)
	}
	response, body = post(tb, p.URL()+"/signin", url.Values{"request": {string(field[1])}, "person": {person}})
	if response.Status != http.StatusSeeOther {
		tb.Fatalf("sign-in: got %d %s", response.Status, body)
	}
	response, body = get(tb, response.Header.Get("Location"))
	back, err := url.Parse(response.Header.Get("Location"))
	if err != nil || !strings.HasPrefix(back.String(), callback) || back.Query().Get("state") != "the state" {
		tb.Fatalf("going back: got %d to %s %s", response.Status, back, body)
	}
	return back.Query().Get("code")
}

func TestCodeFlow(t *testing.T) {
	t.Parallel()

	for _, c := range []struct{ name, id, secret string }{
		{"OfAnApplicationWithoutSecret", "web", ""},
		{"OfAnApplicationWithASecret", "secretive", "s3cret"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := start(t, withApplications)
			a := newApplication(t, p, c.id, c.secret)
			pkce := oauth2.GenerateVerifier()
			code := signIn(t, p, a.AuthCodeURL("the state", oauth2.S256ChallengeOption(pkce), oidc.Nonce("the nonce")), "lead")
			tokens, err := a.Exchange(t.Context(), code, oauth2.VerifierOption(pkce))
			if err != nil {
				t.Fatal(err)
			}
			checkIDToken(t, a, tokens)
			checkUserInfo(t, a, tokens)

			// The service accepts the access token, and not the ID token.
			v := verifier(t, p)
			caller := mustVerify(t, v, tokens.AccessToken)
			if caller.Organisation != "E09000019" || caller.ClientID != c.id || caller.Assurance != 3 {
				t.Errorf("Verify: got %+v", caller)
			}
			id, _ := tokens.Extra("id_token").(string)
			if _, err := v.Verify(t.Context(), id, nil); identity.ReasonOf(err) == "" {
				t.Errorf("Verify of the ID token: got error %v, want a refusal", err)
			}
		})
	}
}

func checkIDToken(t *testing.T, a application, tokens *oauth2.Token) {
	t.Helper()
	raw, _ := tokens.Extra("id_token").(string)
	id, err := a.provider.Verifier(&oidc.Config{ClientID: a.ClientID}).Verify(t.Context(), raw)
	if err != nil {
		t.Fatal(err)
	}
	if err := id.VerifyAccessToken(tokens.AccessToken); err != nil {
		t.Errorf("at_hash: %v", err)
	}
	if diff := cmp.Diff([]string{a.ClientID}, id.Audience); diff != "" {
		t.Errorf("audience of the ID token (-want +got):\n%s", diff)
	}
	var claims struct {
		Name  string `json:"name"`
		ACR   string `json:"acr"`
		Level string `json:"authentication_assurance_level"`
	}
	if err := id.Claims(&claims); err != nil {
		t.Fatal(err)
	}
	if id.Nonce != "the nonce" || claims.Name != "LINDQVIST Grace (Ms)" || claims.ACR != "AAL3_ANY" || claims.Level != "3" {
		t.Errorf("ID token: got nonce %q and %+v", id.Nonce, claims)
	}
}

func checkUserInfo(t *testing.T, a application, tokens *oauth2.Token) {
	t.Helper()
	info, err := a.provider.UserInfo(t.Context(), oauth2.StaticTokenSource(tokens))
	if err != nil {
		t.Fatal(err)
	}
	var claims struct {
		User     string `json:"nhsid_useruid"`
		Selected string `json:"selected_roleid"`
		Roles    []struct {
			ID  string `json:"person_roleid"`
			Org string `json:"org_code"`
		} `json:"nhsid_nrbac_roles"`
	}
	if err := info.Claims(&claims); err != nil {
		t.Fatal(err)
	}
	if claims.User != info.Subject || len(claims.Roles) != 2 || claims.Roles[1].ID != claims.Selected || claims.Roles[1].Org != "E09000019" {
		t.Errorf("user info: got %+v", claims)
	}
}

func TestCodeFlow_Refuses(t *testing.T) {
	t.Parallel()
	p := start(t, withApplications)
	a := newApplication(t, p, "web", "")
	pkce := oauth2.GenerateVerifier()
	authorize := func() string { return a.AuthCodeURL("the state", oauth2.S256ChallengeOption(pkce)) }

	t.Run("ACodeASecondTime", func(t *testing.T) {
		t.Parallel()
		a := newApplication(t, p, "web", "") // its configuration remembers things as it is used
		code := signIn(t, p, authorize(), "nurse")
		if _, err := a.Exchange(t.Context(), code, oauth2.VerifierOption(pkce)); err != nil {
			t.Fatal(err)
		}
		wantOAuthError(t, exchange(t, a, code, oauth2.VerifierOption(pkce)), "invalid_grant")
	})

	t.Run("AWrongVerifierWhichSpendsTheCode", func(t *testing.T) {
		t.Parallel()
		a := newApplication(t, p, "web", "") // its configuration remembers things as it is used
		code := signIn(t, p, authorize(), "nurse")
		wantOAuthError(t, exchange(t, a, code, oauth2.VerifierOption(oauth2.GenerateVerifier())), "invalid_grant")
		wantOAuthError(t, exchange(t, a, code, oauth2.VerifierOption(pkce)), "invalid_grant")
	})

	t.Run("NoVerifier", func(t *testing.T) {
		t.Parallel()
		a := newApplication(t, p, "web", "") // its configuration remembers things as it is used
		wantOAuthError(t, exchange(t, a, signIn(t, p, authorize(), "nurse")), "invalid_request")
	})

	t.Run("AnotherApplication", func(t *testing.T) {
		t.Parallel()
		other := newApplication(t, p, "secretive", "s3cret")
		wantOAuthError(t, exchange(t, other, signIn(t, p, authorize(), "nurse"), oauth2.VerifierOption(pkce)), "invalid_grant")
	})

	t.Run("AWrongSecret", func(t *testing.T) {
		t.Parallel()
		other := newApplication(t, p, "secretive", "guess")
		code := signIn(t, p, other.AuthCodeURL("the state", oauth2.S256ChallengeOption(pkce)), "nurse")
		wantOAuthError(t, exchange(t, other, code, oauth2.VerifierOption(pkce)), "invalid_client")
	})

	t.Run("AnAddressThatWasNotRegistered", func(t *testing.T) {
		t.Parallel()
		a := newApplication(t, p, "web", "") // its configuration remembers things as it is used
		other := a
		other.RedirectURL = "http://127.0.0.1:9/other"
		response, body := get(t, other.AuthCodeURL("the state", oauth2.S256ChallengeOption(pkce)))
		if response.Status != http.StatusBadRequest || response.Header.Get("Location") != "" {
			t.Errorf("got %d %s", response.Status, body)
		}
	})

	t.Run("WithoutPKCE", func(t *testing.T) {
		t.Parallel()
		response, _ := get(t, a.AuthCodeURL("the state"))
		if location := response.Header.Get("Location"); !strings.Contains(location, "error=invalid_request") {
			t.Errorf("got %d to %s", response.Status, location)
		}
	})

	t.Run("GoingBackBeforeSigningIn", func(t *testing.T) {
		t.Parallel()
		response, _ := get(t, authorize())
		login, err := url.Parse(response.Header.Get("Location"))
		if err != nil {
			t.Fatal(err)
		}
		response, _ = get(t, p.URL()+"/authorize/callback?id="+login.Query().Get("request"))
		if location := response.Header.Get("Location"); !strings.Contains(location, "error=interaction_required") {
			t.Errorf("got %d to %s", response.Status, location)
		}
	})

	t.Run("NobodyAndSystems", func(t *testing.T) {
		t.Parallel()
		for _, person := range []string{"", "nobody", "system"} {
			response, _ := post(t, p.URL()+"/signin", url.Values{"request": {"x"}, "person": {person}})
			if response.Status != http.StatusBadRequest {
				t.Errorf("signing in as %q: got %d", person, response.Status)
			}
		}
	})

	t.Run("ASignInThatIsNotUnderWay", func(t *testing.T) {
		t.Parallel()
		response, _ := post(t, p.URL()+"/signin", url.Values{"request": {"x"}, "person": {"nurse"}})
		if response.Status != http.StatusNotFound {
			t.Errorf("signing in: got %d", response.Status)
		}
		if response, _ = get(t, p.URL()+"/signin?request=x"); response.Status != http.StatusNotFound {
			t.Errorf("the page: got %d", response.Status)
		}
	})

	t.Run("OtherGrants", func(t *testing.T) {
		t.Parallel()
		for _, grant := range []string{"", "password", "refresh_token", "urn:ietf:params:oauth:grant-type:token-exchange"} {
			response, body := post(t, p.URL()+"/oauth/token", url.Values{"grant_type": {grant}})
			if response.Status != http.StatusBadRequest || !strings.Contains(string(body), "unsupported_grant_type") {
				t.Errorf("grant %q: got %d %s", grant, response.Status, body)
			}
		}
	})
}

func TestCodeFlow_EndsAfterTenMinutes(t *testing.T) {
	t.Parallel()
	var ahead atomic.Int64
	p := start(t, withApplications, func(c *idp.Config) {
		c.Now = func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
	})
	a := newApplication(t, p, "web", "")
	pkce := oauth2.GenerateVerifier()
	code := signIn(t, p, a.AuthCodeURL("the state", oauth2.S256ChallengeOption(pkce)), "nurse")
	ahead.Store(int64(11 * time.Minute))
	wantOAuthError(t, exchange(t, a, code, oauth2.VerifierOption(pkce)), "invalid_grant")
}

func exchange(tb testing.TB, a application, code string, options ...oauth2.AuthCodeOption) error {
	tb.Helper()
	_, err := a.Exchange(tb.Context(), code, options...)
	return err
}

func wantOAuthError(tb testing.TB, err error, want string) {
	tb.Helper()
	refused, ok := err.(*oauth2.RetrieveError) //nolint:errorlint // it is not wrapped
	if !ok || refused.ErrorCode != want {
		tb.Errorf("got error %v, want %s", err, want)
	}
}

func TestSignInPage(t *testing.T) {
	t.Parallel()
	p := start(t, withApplications)
	a := newApplication(t, p, "web", "")
	response, _ := get(t, a.AuthCodeURL("s", oauth2.S256ChallengeOption(oauth2.GenerateVerifier())))
	response, body := get(t, p.URL()+response.Header.Get("Location"))
	for _, person := range idp.People() {
		if got := strings.Contains(string(body), `value="`+person.Key+`"`); got == person.System {
			t.Errorf("%s: is on the page: %v", person.Key, got)
		}
	}
	policy := response.Header.Get("Content-Security-Policy")
	if !strings.Contains(policy, "default-src 'none'") || !strings.Contains(policy, "form-action 'self' http://127.0.0.1:9") {
		t.Errorf("Content-Security-Policy: got %s", policy)
	}
	if response, _ := get(t, p.URL()+"/signin/style.css"); response.Header.Get("Content-Type") != "text/css; charset=utf-8" {
		t.Errorf("style: got %v", response.Header)
	}
}

func TestSigningOut(t *testing.T) {
	t.Parallel()
	p := start(t, withApplications)
	response, _ := get(t, p.URL()+"/end_session?client_id=web&post_logout_redirect_uri="+url.QueryEscape("http://localhost:9/out"))
	if got := response.Header.Get("Location"); got != "http://localhost:9/out" {
		t.Errorf("got %d to %s", response.Status, got)
	}
	response, _ = get(t, p.URL()+"/end_session")
	if response, body := get(t, response.Header.Get("Location")); response.Status != http.StatusOK || !strings.Contains(string(body), "signed out") {
		t.Errorf("got %d %s", response.Status, body)
	}
}

func TestDiscovery_SaysWhatThereIs(t *testing.T) {
	t.Parallel()
	p := start(t)
	_, body := get(t, p.URL()+"/.well-known/openid-configuration")
	var document map[string]any
	if err := json.Unmarshal(body, &document); err != nil {
		t.Fatal(err)
	}
	for name, v := range document {
		address, ok := v.(string)
		if !ok || !strings.HasSuffix(name, "_endpoint") && name != "jwks_uri" {
			continue
		}
		if response, body := get(t, address); response.Status == http.StatusNotFound {
			t.Errorf("%s %s: got %d %s", name, address, response.Status, body)
		}
	}
	for _, path := range []string{"/oauth/introspect", "/revoke", "/device_authorization"} {
		if response, _ := get(t, p.URL()+path); response.Status != http.StatusNotFound {
			t.Errorf("%s: got %d, want 404", path, response.Status)
		}
	}
}

// system is a system with a key of its own.
type system struct {
	key    *rsa.PrivateKey
	signer jose.Signer
	token  string // address of the token endpoint
}

func newSystem(tb testing.TB, p *idp.Provider) system {
	tb.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		tb.Fatal(err)
	}
	signer, err := jose.NewSigner(
		jose.SigningKey{Algorithm: jose.RS512, Key: jose.JSONWebKey{Key: key, KeyID: "test-1"}},
		(&jose.SignerOptions{}).WithType("JWT"))
	if err != nil {
		tb.Fatal(err)
	}
	if err := p.RegisterKey("system", "test-1", key.Public()); err != nil {
		tb.Fatal(err)
	}
	return system{key, signer, p.URL() + "/oauth/token"}
}

func (s system) claims() jwt.Claims {
	return jwt.Claims{
		Issuer: "whittington-epr", Subject: "whittington-epr", Audience: jwt.Audience{s.token},
		ID: rand.Text(), Expiry: jwt.NewNumericDate(time.Now().Add(4 * time.Minute)),
	}
}

func (s system) assertion(tb testing.TB, c jwt.Claims) string {
	tb.Helper()
	text, err := jwt.Signed(s.signer).Claims(c).Serialize()
	if err != nil {
		tb.Fatal(err)
	}
	return text
}

func (s system) ask(tb testing.TB, assertion, scope string) (answer, string, string) {
	tb.Helper()
	form := url.Values{
		"grant_type":            {"client_credentials"},
		"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"},
		"client_assertion":      {assertion},
	}
	if scope != "" {
		form.Set("scope", scope)
	}
	response, body := post(tb, s.token, form)
	var given struct {
		Token string `json:"access_token"`
		Error string `json:"error"`
	}
	if err := json.Unmarshal(body, &given); err != nil {
		tb.Fatalf("got %d %s", response.Status, body)
	}
	return response, given.Token, given.Error
}

func TestClientCredentials(t *testing.T) {
	t.Parallel()
	p := start(t)
	s := newSystem(t, p)
	v := verifier(t, p)
	for _, scope := range []string{"", "system/cpis.lookup"} {
		_, token, _ := s.ask(t, s.assertion(t, s.claims()), scope)
		caller := mustVerify(t, v, token)
		if caller.ID != "whittington-epr" || !caller.System || caller.Organisation != "RKE" {
			t.Errorf("scope %q: got caller %+v", scope, caller)
		}
	}
}

func TestClientCredentials_Refuses(t *testing.T) {
	t.Parallel()
	p := start(t)
	s := newSystem(t, p)
	other, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	spent := s.assertion(t, s.claims())
	s.ask(t, spent, "")

	changed := func(change func(*jwt.Claims)) string {
		c := s.claims()
		change(&c)
		return s.assertion(t, c)
	}
	cases := map[string]string{
		"Nothing":            "",
		"Nonsense":           "a.b.c",
		"Spent":              spent,
		"ForSomebodyElse":    changed(func(c *jwt.Claims) { c.Audience = jwt.Audience{"https://other.test/token"} }),
		"OfAnotherSubject":   changed(func(c *jwt.Claims) { c.Subject = "islington-cms" }),
		"OfAnotherSystem":    changed(func(c *jwt.Claims) { c.Issuer, c.Subject = "islington-cms", "islington-cms" }),
		"Ended":              changed(func(c *jwt.Claims) { c.Expiry = jwt.NewNumericDate(time.Now().Add(-time.Minute)) }),
		"EndsInAnHour":       changed(func(c *jwt.Claims) { c.Expiry = jwt.NewNumericDate(time.Now().Add(time.Hour)) }),
		"WithoutEnd":         changed(func(c *jwt.Claims) { c.Expiry = nil }),
		"WithoutID":          changed(func(c *jwt.Claims) { c.ID = "" }),
		"SignedWithOtherKey": signedBy(t, jose.RS512, other, s.claims()),
		"SignedWithHMAC":     signedBy(t, jose.HS256, []byte("0123456789abcdef0123456789abcdef"), s.claims()),
	}
	for name, assertion := range cases {
		response, token, code := s.ask(t, assertion, "")
		if response.Status != http.StatusUnauthorized || code != "invalid_client" || token != "" {
			t.Errorf("%s: got %d %s", name, response.Status, code)
		}
	}

	if _, token, code := s.ask(t, s.assertion(t, s.claims()), "system/cpis.plans"); code != "invalid_scope" || token != "" {
		t.Errorf("a scope without right: got %q", code)
	}
	response, _ := post(t, s.token, url.Values{"grant_type": {"client_credentials"}, "client_id": {"whittington-epr"}, "client_secret": {"x"}})
	if response.Status != http.StatusUnauthorized {
		t.Errorf("a secret: got %d", response.Status)
	}
	if err := p.RegisterKey("nurse", "k", other.Public()); err == nil {
		t.Errorf("RegisterKey for a person: got no error")
	}
}

func signedBy(tb testing.TB, algorithm jose.SignatureAlgorithm, key any, c jwt.Claims) string {
	tb.Helper()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: algorithm, Key: jose.JSONWebKey{Key: key, KeyID: "test-1"}}, nil)
	if err != nil {
		tb.Fatal(err)
	}
	text, err := jwt.Signed(signer).Claims(c).Serialize()
	if err != nil {
		tb.Fatal(err)
	}
	return text
}
