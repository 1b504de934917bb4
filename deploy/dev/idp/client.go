package idp

import (
	"crypto/rand"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

// Scopes of CIS2 beside those of OpenID Connect.
const (
	scopePerson   = "nhsperson"
	scopeAccess   = "nationalrbacaccess"
	scopeSelected = "selectedrole"
)

// scopes are all that an application may ask for.
var scopes = [...]string{oidc.ScopeOpenID, oidc.ScopeProfile, scopePerson, scopeAccess, scopeSelected}

// signIn is one person's way through the sign-in. It is not changed once it is
// shared: the library reads it without a lock.
type signIn struct {
	id, client, redirectURI, state, nonce string
	scopes                                []string
	mode                                  oidc.ResponseMode
	challenge                             oidc.CodeChallenge
	strongest                             bool // the strongest sign-in is asked for
	sid                                   string
	begun                                 time.Time

	done   bool
	person Person
	at     time.Time // when the person signed in
}

func newSignIn(r *oidc.AuthRequest, now time.Time) *signIn {
	return &signIn{
		id: rand.Text(), client: r.ClientID, redirectURI: r.RedirectURI, state: r.State, nonce: r.Nonce,
		scopes: slices.Clone(r.Scopes), mode: r.ResponseMode,
		challenge: oidc.CodeChallenge{Challenge: r.CodeChallenge, Method: r.CodeChallengeMethod},
		strongest: slices.Contains(r.ACRValues, "AAL3_ANY"), sid: rand.Text(),
		begun: now,
	}
}

// The methods of op.AuthRequest, which documents them.

func (s *signIn) GetID() string { return s.id }

func (s *signIn) GetACR() string                        { return "AAL" + strconv.Itoa(s.level()) + "_ANY" }
func (s *signIn) GetAMR() []string                      { return []string{"DEMONSTRATION"} }
func (s *signIn) GetAudience() []string                 { return []string{s.client} }
func (s *signIn) GetAuthTime() time.Time                { return s.at }
func (s *signIn) GetClientID() string                   { return s.client }
func (s *signIn) GetCodeChallenge() *oidc.CodeChallenge { return &s.challenge }
func (s *signIn) GetNonce() string                      { return s.nonce }
func (s *signIn) GetRedirectURI() string                { return s.redirectURI }
func (s *signIn) GetResponseType() oidc.ResponseType    { return oidc.ResponseTypeCode }
func (s *signIn) GetResponseMode() oidc.ResponseMode    { return s.mode }
func (s *signIn) GetScopes() []string                   { return s.scopes }
func (s *signIn) GetState() string                      { return s.state }
func (s *signIn) GetSubject() string                    { return s.person.ID }
func (s *signIn) Done() bool                            { return s.done }

// level is how strongly the person signed in.
func (s *signIn) level() int { return s.person.signsInAt(s.strongest) }

// client is an application as the library sees it.
type client struct {
	application Application
	provider    *Provider
}

// The methods of op.Client, which documents them.

func (c client) GetID() string                    { return c.application.ID }
func (c client) RedirectURIs() []string           { return c.application.RedirectURIs }
func (c client) PostLogoutRedirectURIs() []string { return c.application.PostLogoutRedirectURIs }

func (c client) ApplicationType() op.ApplicationType {
	if c.application.Native {
		return op.ApplicationTypeNative
	}
	return op.ApplicationTypeWeb
}

func (c client) ResponseTypes() []oidc.ResponseType {
	return []oidc.ResponseType{oidc.ResponseTypeCode}
}

func (c client) GrantTypes() []oidc.GrantType         { return []oidc.GrantType{oidc.GrantTypeCode} }
func (c client) AccessTokenType() op.AccessTokenType  { return op.AccessTokenTypeJWT }
func (c client) IDTokenLifetime() time.Duration       { return c.provider.lifetime }
func (c client) DevMode() bool                        { return false }
func (c client) IsScopeAllowed(scope string) bool     { return slices.Contains(scopes[:], scope) }
func (c client) IDTokenUserinfoClaimsAssertion() bool { return true }
func (c client) ClockSkew() time.Duration             { return 0 }
func (c client) LoginURL(id string) string {
	return signInPath + "?request=" + url.QueryEscape(id)
}

func (c client) AuthMethod() oidc.AuthMethod {
	if c.application.Secret == "" {
		return oidc.AuthMethodNone
	}
	return oidc.AuthMethodBasic
}

func (c client) RestrictAdditionalIdTokenScopes() func([]string) []string { //nolint:revive,staticcheck // the library's name
	return func(s []string) []string { return s }
}

func (c client) RestrictAdditionalAccessTokenScopes() func([]string) []string {
	return func(s []string) []string { return s }
}

// signingKey and publicKey are keys as the library sees them.
type (
	signingKey struct{ key jose.JSONWebKey }
	publicKey  struct{ key jose.JSONWebKey }
)

func (k signingKey) ID() string                                  { return k.key.KeyID }
func (k signingKey) Key() any                                    { return k.key.Key }
func (k signingKey) SignatureAlgorithm() jose.SignatureAlgorithm { return algorithm }

func (k publicKey) ID() string                         { return k.key.KeyID }
func (k publicKey) Key() any                           { return k.key.Key }
func (k publicKey) Algorithm() jose.SignatureAlgorithm { return algorithm }
func (k publicKey) Use() string                        { return "sig" }
