package idp

import (
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"time"

	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

// Paths of our own; the others are the library's.
const (
	tokenPath     = "/oauth/token" //nolint:gosec // an address, not a secret
	signInPath    = "/signin"
	signedOutPath = "/signedout"
	devTokenPath  = "/dev/token"
	devLogOutPath = "/dev/log-out"
)

// maxForm is the largest request body that is read.
const maxForm = 64 << 10

// handler returns all that the provider answers. Of the library's endpoints
// only those are reachable that are named here.
func (p *Provider) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+oidc.DiscoveryEndpoint, p.discovery)
	for _, e := range []*op.Endpoint{
		p.op.AuthorizationEndpoint(), p.op.UserinfoEndpoint(), p.op.EndSessionEndpoint(), p.op.KeysEndpoint(),
	} {
		mux.Handle(e.Relative(), p.op)
	}
	mux.Handle("GET "+p.op.AuthorizationEndpoint().Relative()+"/callback", p.op)
	mux.HandleFunc("POST "+tokenPath, p.exchange)
	mux.HandleFunc("GET "+signInPath, p.signInPage)
	mux.HandleFunc("POST "+signInPath, p.signIn)
	mux.HandleFunc("GET "+signInPath+"/style.css", style)
	mux.HandleFunc("GET "+signedOutPath, p.signedOut)
	mux.HandleFunc("POST "+devTokenPath, p.devToken)
	mux.HandleFunc("POST "+devLogOutPath, p.devLogOut)
	return onlyLocal(http.NewCrossOriginProtection().Handler(mux))
}

// onlyLocal refuses requests that were sent to another name: a page elsewhere
// on the web could have its own name lead to this machine, and so speak to the
// provider with the browser's blessing.
func onlyLocal(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host, _, err := net.SplitHostPort(r.Host)
		if err != nil {
			host = r.Host
		}
		if !isLoopback(host) {
			http.Error(w, "this provider is only for the machine it runs on", http.StatusMisdirectedRequest)
			return
		}
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Referrer-Policy", "no-referrer")
		r.Body = http.MaxBytesReader(w, r.Body, maxForm)
		next.ServeHTTP(w, r)
	})
}

// discovery tells what the provider can do, which is less than the library
// would say.
func (p *Provider) discovery(w http.ResponseWriter, r *http.Request) {
	d := op.CreateDiscoveryConfig(op.ContextWithIssuer(r.Context(), p.url), p.op, p.storage)
	d.IntrospectionEndpoint, d.IntrospectionEndpointAuthMethodsSupported = "", nil
	d.IntrospectionEndpointAuthSigningAlgValuesSupported = nil
	d.RevocationEndpoint, d.RevocationEndpointAuthMethodsSupported = "", nil
	d.RevocationEndpointAuthSigningAlgValuesSupported = nil
	d.DeviceAuthorizationEndpoint = ""
	d.ResponseTypesSupported = []string{string(oidc.ResponseTypeCode)}
	d.GrantTypesSupported = []oidc.GrantType{oidc.GrantTypeCode, oidc.GrantTypeClientCredentials}
	d.TokenEndpointAuthMethodsSupported = []oidc.AuthMethod{
		oidc.AuthMethodNone, oidc.AuthMethodBasic, oidc.AuthMethodPrivateKeyJWT,
	}
	d.TokenEndpointAuthSigningAlgValuesSupported = assertionAlgorithmNames()
	d.ACRValuesSupported = []string{"AAL2_ANY", "AAL3_ANY"}
	writeJSON(w, http.StatusOK, d)
}

// devToken answers with a token of the person named in the query, without
// asking anybody. It is how the program's own client gets one.
func (p *Provider) devToken(w http.ResponseWriter, r *http.Request) {
	token, err := p.Token(r.FormValue("as"))
	switch {
	case errors.Is(err, ErrNobody):
		writeJSON(w, http.StatusNotFound, map[string]any{"error": "unknown_person", "known": keys()})
	case err != nil:
		writeJSON(w, http.StatusInternalServerError, map[string]any{"error": "server_error"})
	default:
		writeJSON(w, http.StatusOK, map[string]any{
			"access_token": token, "token_type": oidc.BearerToken, "expires_in": int64(p.lifetime / time.Second),
		})
	}
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	data, err := json.Marshal(v)
	if err != nil {
		http.Error(w, "internal error", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(data)
}
