package frame

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-jose/go-jose/v4"
	"golang.org/x/oauth2"

	"cpis/service/identity"
)

// askProvider bounds each question to an identity provider.
const askProvider = 10 * time.Second

// provider is an identity provider at which people log in. What it offers is asked
// for when it is first needed: one that is away keeps nobody else out.
type provider struct {
	identity.LogIn

	back   string // where people come back to
	client *http.Client
	now    func() time.Time
	secret string
	key    crypto.Signer // instead of a secret

	mu    sync.Mutex // guards known
	known *knownProvider
}

// knownProvider is what a provider offers.
type knownProvider struct {
	*oidc.Provider

	verifier   *oidc.IDTokenVerifier
	endSession string
}

// newProvider reads the secret or the key of the pages at a provider.
func (p *Pages) newProvider(l identity.LogIn) (*provider, error) {
	out := &provider{LogIn: l, back: p.origin + "/log-in/" + l.Path + "/back", client: p.Client, now: p.Now}
	if out.client == nil {
		out.client = &http.Client{Timeout: askProvider, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	}
	name := l.SecretFile
	if name == "" {
		name = l.KeyFile
	}
	text, err := os.ReadFile(name) //nolint:gosec // the operator's configuration names it
	switch {
	case err != nil:
		return nil, err
	case l.KeyFile != "":
		out.key, err = readKey(text)
		return out, err
	}
	if out.secret = strings.TrimSpace(string(text)); out.secret == "" {
		return nil, errors.New("the file with the secret is empty")
	}
	return out, nil
}

// readKey reads a private key, RSA or P-256.
func readKey(text []byte) (crypto.Signer, error) {
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, errors.New("the file with the key is not PEM")
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, errors.New("the file with the key holds no private key (PKCS #8)")
	}
	switch k := key.(type) {
	case *rsa.PrivateKey:
		return k, nil
	case *ecdsa.PrivateKey:
		return k, nil
	}
	return nil, errors.New("the key is neither RSA nor P-256")
}

// ask returns what the provider offers.
func (o *provider) ask(ctx context.Context) (*knownProvider, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.known != nil {
		return o.known, nil
	}
	// The keys are asked for again and again with this context.
	long := oidc.ClientContext(context.WithoutCancel(ctx), o.client)
	found, err := oidc.NewProvider(long, o.URL)
	if err != nil {
		return nil, errProviderAway
	}
	var more struct {
		EndSession string `json:"end_session_endpoint"`
	}
	_ = found.Claims(&more) // one that offers no log-out is asked for none
	o.known = &knownProvider{
		Provider: found, endSession: more.EndSession,
		verifier: found.VerifierContext(long, &oidc.Config{ClientID: o.Client, SupportedSigningAlgs: o.Algorithms, Now: o.now}),
	}
	return o.known, nil
}

// errProviderAway says that an identity provider does not answer.
var errProviderAway = errors.New("identity provider away")

// config is the pages as a client of the provider.
func (o *provider) config(known *knownProvider) *oauth2.Config {
	endpoint := known.Endpoint()
	if o.key != nil {
		endpoint.AuthStyle = oauth2.AuthStyleInParams
	}
	return &oauth2.Config{ClientID: o.Client, ClientSecret: o.secret, Endpoint: endpoint, RedirectURL: o.back, Scopes: o.Scopes}
}

// sent is what a log-in asks the provider for.
type sent struct {
	State, Nonce, Verifier string
	Stronger               bool
}

// address is where a log-in begins.
func (o *provider) address(ctx context.Context, s sent) (string, error) {
	known, err := o.ask(ctx)
	if err != nil {
		return "", err
	}
	options := []oauth2.AuthCodeOption{oidc.Nonce(s.Nonce), oauth2.S256ChallengeOption(s.Verifier)}
	if s.Stronger {
		options = append(options, oauth2.SetAuthURLParam("acr_values", o.StrongerACR), oauth2.SetAuthURLParam("prompt", "login"),
			oauth2.SetAuthURLParam("max_age", "0"))
	} else if o.ACR != "" {
		options = append(options, oauth2.SetAuthURLParam("acr_values", o.ACR))
	}
	return o.config(known).AuthCodeURL(s.State, options...), nil
}

// vouched is whom a provider vouches for.
type vouched struct {
	raw      string // the ID token
	claims   json.RawMessage
	userInfo json.RawMessage // nil if it was not asked for
	subject  string
	sid      string
}

// errNotVouched says that what a provider answered is not of the log-in that was begun.
var errNotVouched = errors.New("the answer is not of this log-in")

// exchange takes the code of a log-in to the provider, and checks what it answers.
func (o *provider) exchange(ctx context.Context, code, nonce, verifier string) (*vouched, error) {
	ctx, cancel := context.WithTimeout(oidc.ClientContext(ctx, o.client), askProvider)
	defer cancel()
	known, err := o.ask(ctx)
	if err != nil {
		return nil, err
	}
	options := []oauth2.AuthCodeOption{oauth2.VerifierOption(verifier)}
	if o.key != nil {
		assertion, err := o.assertion(known.Endpoint().TokenURL)
		if err != nil {
			return nil, err
		}
		options = append(options, oauth2.SetAuthURLParam("client_assertion", assertion),
			oauth2.SetAuthURLParam("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"))
	}
	token, err := o.config(known).Exchange(ctx, code, options...)
	if err != nil {
		if _, refused := errors.AsType[*oauth2.RetrieveError](err); refused {
			return nil, errNotVouched
		}
		return nil, errProviderAway
	}
	return o.check(ctx, known, token, nonce)
}

// check verifies the ID token, and asks for what it lacks.
func (o *provider) check(ctx context.Context, known *knownProvider, token *oauth2.Token, nonce string) (*vouched, error) {
	raw, _ := token.Extra("id_token").(string)
	id, err := known.verifier.Verify(ctx, raw)
	if err != nil || id.Nonce != nonce {
		return nil, errNotVouched
	}
	if id.AccessTokenHash != "" && id.VerifyAccessToken(token.AccessToken) != nil {
		return nil, errNotVouched
	}
	out := &vouched{raw: raw, subject: id.Subject}
	var more struct {
		SID string `json:"sid"`
	}
	if id.Claims(&out.claims) != nil || id.Claims(&more) != nil {
		return nil, errNotVouched
	}
	out.sid = more.SID
	if !o.UserInfo {
		return out, nil
	}
	info, err := known.UserInfo(ctx, oauth2.StaticTokenSource(token))
	if err != nil {
		return nil, errProviderAway
	}
	if info.Claims(&out.userInfo) != nil {
		return nil, errNotVouched
	}
	return out, nil
}

// assertion is how the pages sign in with a key (RFC 7523).
func (o *provider) assertion(audience string) (string, error) {
	algorithm := jose.RS256
	if _, elliptic := o.key.(*ecdsa.PrivateKey); elliptic {
		algorithm = jose.ES256
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: algorithm, Key: jose.JSONWebKey{Key: o.key, KeyID: o.KeyID}}, nil)
	if err != nil {
		return "", errors.New("the pages' key cannot sign")
	}
	now := o.now()
	claims, err := json.Marshal(map[string]any{
		"iss": o.Client, "sub": o.Client, "aud": audience, "jti": rand.Text(), "iat": now.Unix(), "exp": now.Add(time.Minute).Unix(),
	})
	if err != nil {
		return "", fmt.Errorf("writing assertion: %w", err)
	}
	signed, err := signer.Sign(claims)
	if err != nil {
		return "", errors.New("the pages' key cannot sign")
	}
	return signed.CompactSerialize()
}

// logOutAddress is where somebody logs out at the provider as well; nothing if it
// offers that nowhere, or does not answer.
func (o *provider) logOutAddress(ctx context.Context, idToken, to string) string {
	known, err := o.ask(ctx)
	if err != nil || known.endSession == "" {
		return ""
	}
	u, err := url.Parse(known.endSession)
	if err != nil {
		return ""
	}
	q := u.Query()
	q.Set("client_id", o.Client)
	q.Set("id_token_hint", idToken)
	q.Set("post_logout_redirect_uri", to)
	u.RawQuery = q.Encode()
	return u.String()
}

// providerOrigins are where forms may lead in the end: browsers hold form-action
// against all redirections that follow.
func (p *Pages) providerOrigins() string {
	var origins []string
	for _, o := range p.providers {
		if u, err := url.Parse(o.URL); err == nil {
			origins = append(origins, " "+u.Scheme+"://"+u.Host)
		}
	}
	slices.Sort(origins)
	return strings.Join(slices.Compact(origins), "")
}
