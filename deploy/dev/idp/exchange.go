package idp

import (
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

// exchange is the token endpoint. It is our own because access tokens are for
// the service and ID tokens for the application; the library gives both the
// same audience.
func (p *Provider) exchange(w http.ResponseWriter, r *http.Request) {
	var (
		response *oidc.AccessTokenResponse
		err      error
	)
	switch r.PostFormValue("grant_type") {
	case string(oidc.GrantTypeCode):
		response, err = p.exchangeCode(r)
	case string(oidc.GrantTypeClientCredentials):
		response, err = p.clientCredentials(r)
	default:
		err = oidc.ErrUnsupportedGrantType()
	}
	if err != nil {
		writeError(w, err)
		return
	}
	writeJSON(w, http.StatusOK, response)
}

// writeError answers as RFC 6749 says. Only the library's own errors are made
// to be shown.
func writeError(w http.ResponseWriter, err error) {
	shown, ok := errors.AsType[*oidc.Error](err)
	if !ok {
		shown = oidc.ErrServerError()
	}
	status := http.StatusBadRequest
	if shown.ErrorType == oidc.InvalidClient {
		status = http.StatusUnauthorized
	}
	if shown.ErrorType == oidc.ServerError {
		status = http.StatusInternalServerError
	}
	writeJSON(w, status, map[string]string{
		"error": string(shown.ErrorType), "error_description": shown.Description,
	})
}

// exchangeCode issues the tokens of the person who signed in to an application.
func (p *Provider) exchangeCode(r *http.Request) (*oidc.AccessTokenResponse, error) {
	ctx := op.ContextWithIssuer(r.Context(), p.url)
	request, err := op.ParseAccessTokenRequest(r, p.op.Decoder())
	if err != nil {
		return nil, err
	}
	begun, client, err := op.ValidateAccessTokenRequest(ctx, request, p.op)
	if err != nil {
		return nil, err
	}
	person, ok := byID(begun.GetSubject())
	if !ok {
		return nil, oidc.ErrInvalidGrant()
	}
	var options []Option
	if s, ok := begun.(*signIn); ok {
		options = append(options, Claim("authentication_assurance_level", strconv.Itoa(s.level())), Claim("acr", s.GetACR()))
	}
	access, err := p.accessToken(person, client.GetID(), begun.GetScopes(), options...)
	if err != nil {
		return nil, err
	}
	id, err := op.CreateIDToken(ctx, p.url, begun, client.IDTokenLifetime(), access, request.Code, p.storage, client)
	if err != nil {
		return nil, err
	}
	return p.response(access, id, begun.GetScopes()), nil
}

// clientCredentials issues a system its token for a signed assertion.
func (p *Provider) clientCredentials(r *http.Request) (*oidc.AccessTokenResponse, error) {
	if r.PostFormValue("client_assertion_type") != oidc.ClientAssertionTypeJWTAssertion {
		return nil, oidc.ErrInvalidClient().WithDescription("a signed assertion is needed")
	}
	id, err := p.assertions.check(r.PostFormValue("client_assertion"))
	if err != nil {
		return nil, oidc.ErrInvalidClient().WithDescription("the assertion was refused: %s", err.Error())
	}
	system, ok := byID(id)
	if !ok || !system.System {
		return nil, oidc.ErrInvalidClient()
	}
	granted, ok := system.grant(strings.Fields(r.PostFormValue("scope")))
	if !ok {
		return nil, oidc.ErrInvalidScope()
	}
	access, err := p.accessToken(system, id, granted)
	if err != nil {
		return nil, err
	}
	return p.response(access, "", granted), nil
}

// grant returns the scopes a system gets of those it wants: all, if it names
// none, but none that it has no right to.
func (p Person) grant(wanted []string) ([]string, bool) {
	if len(wanted) == 0 {
		return p.Scopes, true
	}
	for _, scope := range wanted {
		if !slices.Contains(p.Scopes, scope) {
			return nil, false
		}
	}
	return wanted, true
}

func (p *Provider) response(access, id string, scopes []string) *oidc.AccessTokenResponse {
	return &oidc.AccessTokenResponse{
		AccessToken: access,
		TokenType:   oidc.BearerToken,
		ExpiresIn:   uint64(p.lifetime / time.Second), //nolint:gosec // never negative
		IDToken:     id,
		Scope:       scopes,
	}
}
