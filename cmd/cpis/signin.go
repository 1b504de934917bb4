package main

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

const (
	// signInTime is how long somebody has to sign in.
	signInTime = 5 * time.Minute
	// askIssuer bounds each question to the identity provider.
	askIssuer = 15 * time.Second
	// callbackPath is where the browser comes back to, on this machine.
	callbackPath = "/callback"
)

type signInCmd struct {
	URL        string   `env:"CPIS_URL" default:"http://127.0.0.1:8443" placeholder:"URL" help:"Address of the service that the token is for. It is sent nowhere else (default ${default})."`
	Issuer     string   `env:"CPIS_SIGN_IN_ISSUER" required:"" placeholder:"URL" help:"Identity provider to sign in to, as the operator of the service names it."`
	Client     string   `env:"CPIS_SIGN_IN_CLIENT" required:"" placeholder:"ID" help:"Client ID of this program there: a public client that may return to http://127.0.0.1 at any port."`
	Scopes     []string `name:"scope" env:"CPIS_SIGN_IN_SCOPES" default:"openid" placeholder:"SCOPE" help:"Scopes to ask for, such as openid,profile,nhsperson (default ${default})."`
	ACR        string   `name:"acr" placeholder:"LEVEL" help:"Ask for a stronger sign-in, in the provider's words, such as AAL3_ANY."`
	Resource   string   `env:"CPIS_SIGN_IN_RESOURCE" placeholder:"NAME" help:"Name of the service as the token must have it, if the provider wants to be told (RFC 8707)."`
	Port       int      `placeholder:"N" help:"Port to return to, if the provider does not allow any."`
	SignInFile string   `env:"CPIS_SIGN_IN_FILE" type:"path" placeholder:"FILE" help:"Where to keep the sign-in; a file of your own under your configuration directory if not given."`
}

// Help says what happens.
func (signInCmd) Help() string {
	return "Prints an address. Open it in a browser on this machine and sign in there; this program never sees your password. " +
		"The access token is kept in a file that only you can read. Other commands use it until it expires, or until cpis sign-out."
}

// Run signs somebody in with the authorization code flow: PKCE, a state and a
// nonce of its own, and an answer that is taken on the loopback interface only.
func (c *signInCmd) Run(ctx context.Context, w *world) error {
	if err := errors.Join(onlySafe("--url", c.URL), onlySafe("--issuer", c.Issuer)); err != nil {
		return err
	}
	file, err := signInFile(c.SignInFile)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, signInTime)
	defer cancel()
	ctx = oidc.ClientContext(ctx, &http.Client{Timeout: askIssuer, CheckRedirect: stay})
	provider, err := oidc.NewProvider(ctx, c.Issuer)
	if err != nil {
		return fmt.Errorf("reading what the identity provider offers at %s: %s", c.Issuer, printable(err.Error()))
	}
	flow, err := c.begin(ctx, provider)
	if err != nil {
		return err
	}
	defer flow.close() //nolint:contextcheck // it must also end when ctx has
	_, _ = fmt.Fprintf(w.stderr, "Open this address in a browser on this machine, and sign in within five minutes:\n\n%s\n\n", flow.address)
	s, err := flow.finish(ctx)
	if err != nil {
		return err
	}
	s.Service, s.Issuer = c.URL, c.Issuer
	if err := s.keep(file); err != nil {
		return fmt.Errorf("keeping the sign-in: %w", err)
	}
	_, err = fmt.Fprintf(w.stdout, "Signed in%s until %s.\n", named(s.Name), s.Expires.In(englandsZone()).Format("15:04"))
	return err
}

func named(name string) string {
	if name == "" {
		return ""
	}
	return " as " + printable(name)
}

// stay keeps codes and tokens from being sent elsewhere by a redirect.
func stay(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// signInFlow is a sign-in that is under way.
type signInFlow struct {
	config   oauth2.Config
	provider *oidc.Provider
	address  string // to be opened in a browser
	issuer   string
	state    string
	nonce    string
	pkce     string

	server *http.Server
	back   chan url.Values // how the browser came back
}

// begin listens for the browser, and makes the address that it starts at.
func (c *signInCmd) begin(ctx context.Context, provider *oidc.Provider) (*signInFlow, error) {
	endpoint := provider.Endpoint()
	endpoint.AuthStyle = oauth2.AuthStyleInParams // a public client has no secret to put elsewhere
	if err := errors.Join(onlySafe("the provider's sign-in page", endpoint.AuthURL), onlySafe("the provider's token endpoint", endpoint.TokenURL)); err != nil {
		return nil, err
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", fmt.Sprintf("127.0.0.1:%d", c.Port))
	if err != nil {
		return nil, fmt.Errorf("listening for the browser: %w", err)
	}
	f := &signInFlow{
		provider: provider, issuer: c.Issuer,
		state: rand.Text(), nonce: rand.Text(), pkce: oauth2.GenerateVerifier(), back: make(chan url.Values, 1),
		config: oauth2.Config{
			ClientID: c.Client, Endpoint: endpoint, Scopes: c.Scopes, RedirectURL: "http://" + listener.Addr().String() + callbackPath,
		},
	}
	options := []oauth2.AuthCodeOption{oauth2.S256ChallengeOption(f.pkce), oidc.Nonce(f.nonce)}
	if c.ACR != "" {
		options = append(options, oauth2.SetAuthURLParam("acr_values", c.ACR), oauth2.SetAuthURLParam("prompt", "login"))
	}
	if c.Resource != "" {
		options = append(options, oauth2.SetAuthURLParam("resource", c.Resource))
	}
	f.address = f.config.AuthCodeURL(f.state, options...)
	f.server = &http.Server{Handler: f.handler(listener.Addr().String()), ReadHeaderTimeout: 5 * time.Second, MaxHeaderBytes: 32 << 10}
	go func() { _ = f.server.Serve(listener) }() // ends with close
	return f, nil
}

func (f *signInFlow) close() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second) // lets the page reach the browser
	defer cancel()
	_ = f.server.Shutdown(ctx)
}

// handler takes the browser back, once. A request with another state is not of
// this sign-in, and changes nothing.
func (f *signInFlow) handler(host string) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+callbackPath, func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("Referrer-Policy", "no-referrer")
		if r.Host != host || subtle.ConstantTimeCompare([]byte(q.Get("state")), []byte(f.state)) != 1 {
			http.Error(w, "This is not the sign-in that was begun.", http.StatusBadRequest)
			return
		}
		select {
		case f.back <- q:
		default: // it came back before
		}
		_, _ = fmt.Fprintln(w, "You can close this page and go back to the terminal.")
	})
	return mux
}

// finish waits for the browser, and exchanges the code that it brings.
func (f *signInFlow) finish(ctx context.Context) (*signIn, error) {
	var q url.Values
	select {
	case q = <-f.back:
	case <-ctx.Done():
		return nil, errors.New("nobody signed in: nothing was kept")
	}
	switch {
	case q.Get("error") != "":
		return nil, fmt.Errorf("the identity provider refused the sign-in: %s", printable(strings.TrimSpace(q.Get("error")+" "+q.Get("error_description"))))
	case q.Has("iss") && q.Get("iss") != f.issuer: // RFC 9207
		return nil, errors.New("another identity provider answered: nothing was kept")
	}
	token, err := f.config.Exchange(ctx, q.Get("code"), oauth2.VerifierOption(f.pkce))
	if err != nil {
		return nil, refusedBy(err)
	}
	return f.signIn(ctx, token)
}

// refusedBy says why a code was not exchanged, without what else the provider
// wrote.
func refusedBy(err error) error {
	if refused, ok := errors.AsType[*oauth2.RetrieveError](err); ok && refused.ErrorCode != "" {
		return fmt.Errorf("the identity provider gives no token: %s", printable(refused.ErrorCode))
	}
	return errors.New("the identity provider gives no token")
}

// signIn checks what came of the code. The ID token shows that the answer
// belongs to this sign-in; the access token is for the service to judge.
func (f *signInFlow) signIn(ctx context.Context, token *oauth2.Token) (*signIn, error) {
	s := &signIn{Token: token.AccessToken, Expires: token.Expiry}
	if s.Expires.IsZero() {
		s.Expires = time.Now().Add(unknownLife)
	}
	raw, ok := token.Extra("id_token").(string)
	if !ok {
		return nil, errors.New("the identity provider sent no ID token: ask for the scope openid")
	}
	id, err := f.provider.Verifier(&oidc.Config{ClientID: f.config.ClientID}).Verify(ctx, raw)
	if err != nil || subtle.ConstantTimeCompare([]byte(id.Nonce), []byte(f.nonce)) != 1 {
		return nil, errors.New("the identity provider's ID token is not of this sign-in: nothing was kept")
	}
	if id.AccessTokenHash != "" && id.VerifyAccessToken(token.AccessToken) != nil {
		return nil, errors.New("the access token does not belong to the ID token: nothing was kept")
	}
	var claims struct {
		Name string `json:"name"`
	}
	_ = id.Claims(&claims) // a name is only for the eye
	s.Name = claims.Name
	return s, nil
}
