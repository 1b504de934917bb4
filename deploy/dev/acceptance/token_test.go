package acceptance_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"io"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// forgeries returns tokens that must be refused, each made from a good one.
func (s *site) forgeries(good string) map[string]string {
	s.tb.Helper()
	header, claims := parts(s.tb, good)
	kid, _ := header["kid"].(string)
	with := func(changes map[string]any) map[string]any {
		c := maps.Clone(claims)
		maps.Copy(c, changes)
		return c
	}
	mint := func(h, c map[string]any) string {
		token, err := s.idp.MintRaw(h, c)
		must(s.tb, err)
		return token
	}
	now := s.clock.Now()
	tokens := hmacForged(s.tb, s, header, claims)
	maps.Copy(tokens, map[string]string{
		"signed by somebody else":    forge(s.tb, kid, claims),
		"expired":                    mint(nil, with(map[string]any{"exp": now.Add(-time.Second).Unix(), "iat": now.Add(-time.Hour / 2).Unix()})),
		"not yet valid":              mint(nil, with(map[string]any{"nbf": now.Add(time.Hour / 2).Unix()})),
		"for another audience":       mint(nil, with(map[string]any{"aud": "another service"})),
		"unsigned":                   join(s.tb, map[string]any{"alg": "none", "typ": "at+jwt"}, claims, nil),
		"of an unknown issuer":       mint(nil, with(map[string]any{"iss": "https://elsewhere.example"})),
		"by an unknown key":          mint(map[string]any{"kid": "nobody-knows"}, claims),
		"with a changed claim":       tampered(s.tb, good, "555021935101", "555021935109"),
		"of an unknown organisation": mint(nil, with(map[string]any{"nhsid_nrbac_roles": rolesAt(claims, "NOWHERE")})),
		"bound to another certificate": mint(nil, with(map[string]any{
			"cnf": map[string]any{"x5t#S256": base64.RawURLEncoding.EncodeToString(make([]byte, 32))},
		})),
		"nothing at all": "",
		"not a token":    "open sesame",
	})
	return tokens
}

// Tokens that must be refused are refused before the body is read: the body of
// these requests never comes, and the answer does.
func TestForgedTokensAreRefusedBeforeTheBodyIsRead(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	good := s.token("nurse")
	for name, token := range s.forgeries(good) {
		if status := s.postWithoutBody(token); status != http.StatusUnauthorized {
			t.Errorf("%s: got status %d, want 401", name, status)
		}
	}
	if n := s.lookupEntries(); n != 0 {
		t.Errorf("refused tokens left %d look-ups in the log", n)
	}
	// The same door opens for the token that all of these were made from.
	if _, err := s.lookups(protocols[0], "nurse").LookUp(t.Context(), lookUpOf(unknown)); err != nil {
		t.Errorf("the good token: %v", err)
	}
	if strings.Contains(s.logs.String(), strings.Split(good, ".")[1]) || strings.Contains(s.logs.String(), strings.Split(good, ".")[2]) {
		t.Error("a token is in the operator's log")
	}
}

// On HTTP/1.1 the server's own stack takes a short body in before it answers,
// but nobody looks at it: of a body that cannot be decoded nothing is said to
// those who may not ask, and nothing is recorded.
func TestForgedTokensAreRefusedWithoutDecodingTheBody(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	good, before := s.token("nurse"), s.size()
	for _, body := range []string{`{"nhsNumber": "` + unknown + `"}`, `{"nhsNumber": `, "\x00", ""} {
		for name, token := range s.forgeries(good) {
			if status := s.postHTTP1(token, body); status != http.StatusUnauthorized {
				t.Errorf("%s, body %q: got status %d, want 401", name, body, status)
			}
		}
	}
	if n := s.size() - before; n != 0 {
		t.Errorf("refused tokens left %d entries in the log", n)
	}
	if status := s.postHTTP1(good, `{"nhsNumber": `); status != http.StatusBadRequest {
		t.Errorf("the good token, a bad body: got status %d, want 400", status)
	}
	if status := s.postHTTP1(good, `{"nhsNumber": "`+unknown+`"}`); status != http.StatusOK {
		t.Errorf("the good token, a good body: got status %d, want 200", status)
	}
}

// postHTTP1 posts a body on HTTP/1.1.
func (s *site) postHTTP1(token, body string) int {
	s.tb.Helper()
	r, err := http.NewRequestWithContext(s.tb.Context(), http.MethodPost,
		s.base+"/cpis.v1.LookupService/LookUp", strings.NewReader(body))
	must(s.tb, err)
	r.Header.Set("Content-Type", "application/json")
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	only := new(http.Protocols)
	only.SetHTTP1(true)
	client := http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{Protocols: only}}
	defer client.CloseIdleConnections()
	resp, err := client.Do(r)
	must(s.tb, err)
	must(s.tb, resp.Body.Close())
	if resp.ProtoMajor != 1 {
		s.tb.Errorf("spoke %s", resp.Proto)
	}
	return resp.StatusCode
}

func (s *site) lookupEntries() int {
	n := 0
	for _, e := range s.entries(0) {
		if e.Action == "look_up" {
			n++
		}
	}
	return n
}

// postWithoutBody begins a request whose body never comes. It speaks HTTP/2:
// on HTTP/1.1 the server's own stack waits for a short body before it answers,
// although nobody looks at it.
func (s *site) postWithoutBody(token string) int {
	s.tb.Helper()
	body, never := io.Pipe()
	defer func() { _ = never.Close() }()
	r, err := http.NewRequestWithContext(s.tb.Context(), http.MethodPost, s.base+"/cpis.v1.LookupService/LookUp", body)
	must(s.tb, err)
	r.ContentLength = 1000
	r.Header.Set("Content-Type", "application/json")
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	only := new(http.Protocols)
	only.SetUnencryptedHTTP2(true)
	client := http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{Protocols: only}}
	defer client.CloseIdleConnections()
	resp, err := client.Do(r)
	if err != nil {
		s.tb.Errorf("no answer before the body: %v", err)
		return 0
	}
	must(s.tb, never.Close()) // closing the answer waits for the request to end
	must(s.tb, resp.Body.Close())
	return resp.StatusCode
}

// parts decodes header and claims of a token.
func parts(tb testing.TB, token string) (header, claims map[string]any) {
	tb.Helper()
	for i, into := range []*map[string]any{&header, &claims} {
		text, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[i])
		must(tb, err)
		must(tb, json.Unmarshal(text, into))
	}
	return header, claims
}

// join makes a token of its parts.
func join(tb testing.TB, header, claims map[string]any, signature []byte) string {
	tb.Helper()
	h, err := json.Marshal(header)
	must(tb, err)
	c, err := json.Marshal(claims)
	must(tb, err)
	e := base64.RawURLEncoding
	return e.EncodeToString(h) + "." + e.EncodeToString(c) + "." + e.EncodeToString(signature)
}

// forge signs claims with a key of its own, under the name of the right one.
func forge(tb testing.TB, kid string, claims map[string]any) string {
	tb.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(tb, err)
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: key, KeyID: kid}},
		(&jose.SignerOptions{}).WithType("at+jwt"))
	must(tb, err)
	text, err := json.Marshal(claims)
	must(tb, err)
	signed, err := signer.Sign(text)
	must(tb, err)
	token, err := signed.CompactSerialize()
	must(tb, err)
	return token
}

// hmacForged signs with the public key as the secret of an HMAC, in every form
// in which a careless verifier could hold that key.
func hmacForged(tb testing.TB, s *site, header, claims map[string]any) map[string]string {
	tb.Helper()
	kid, _ := header["kid"].(string)
	var set jose.JSONWebKeySet
	must(tb, json.Unmarshal([]byte(s.get(s.jwksURL())), &set))
	jwk := set.Key(kid)[0]
	public, ok := jwk.Key.(*ecdsa.PublicKey)
	if !ok {
		tb.Fatalf("the key is a %T", jwk.Key)
	}
	der, err := x509.MarshalPKIXPublicKey(public)
	must(tb, err)
	point, err := public.Bytes() // 4, x, y
	must(tb, err)
	text, err := jwk.MarshalJSON()
	must(tb, err)
	thumb, err := jwk.Thumbprint(crypto.SHA256)
	must(tb, err)
	block := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	secrets := map[string][]byte{
		"PEM": block, "PEM without the last line break": bytes.TrimSpace(block), "DER": der,
		"coordinates": point[1:], "point": point, "x": point[1:33], "y": point[33:],
		"x in base64": []byte(base64.RawURLEncoding.EncodeToString(point[1:33])),
		"JWK":         text, "thumbprint": thumb, "key id": []byte(kid), "nothing": nil,
	}
	tokens := make(map[string]string)
	for form, secret := range secrets {
		tokens["HMAC with the public key: "+form] = hmacWith(tb, secret, header, claims)
	}
	return tokens
}

func hmacWith(tb testing.TB, secret []byte, header, claims map[string]any) string {
	tb.Helper()
	h := maps.Clone(header)
	h["alg"] = "HS256"
	unsigned := strings.TrimSuffix(join(tb, h, claims, nil), ".")
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(unsigned))
	return unsigned + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

func (s *site) jwksURL() string {
	var discovered struct {
		JWKS string `json:"jwks_uri"`
	}
	must(s.tb, json.Unmarshal([]byte(s.get(s.idp.URL()+"/.well-known/openid-configuration")), &discovered))
	return discovered.JWKS
}

// tampered changes a claim and keeps the signature.
func tampered(tb testing.TB, token, old, changed string) string {
	tb.Helper()
	p := strings.Split(token, ".")
	claims, err := base64.RawURLEncoding.DecodeString(p[1])
	must(tb, err)
	if !strings.Contains(string(claims), old) {
		tb.Fatal("the claim to change is not there")
	}
	p[1] = base64.RawURLEncoding.EncodeToString([]byte(strings.ReplaceAll(string(claims), old, changed)))
	return strings.Join(p, ".")
}

// rolesAt returns the claim with the roles, all at another organisation.
func rolesAt(claims map[string]any, organisation string) []any {
	var moved []any
	roles, _ := claims["nhsid_nrbac_roles"].([]any)
	for _, r := range roles {
		role, _ := r.(map[string]any)
		role = maps.Clone(role)
		role["org_code"] = organisation
		moved = append(moved, role)
	}
	return moved
}
