package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"
	"unicode"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connecthttp"
	"connectrpc.com/connect/v2/connectproto"
	"golang.org/x/term"
	"google.golang.org/genproto/googleapis/rpc/errdetails"

	cpisv1 "cpis/proto/cpis/v1"
	"cpis/proto/cpis/v1/cpisv1connect"
)

// connection is how the commands that are clients reach the service. A token
// comes in a file, never on the command line, where others on the machine
// could read it.
type connection struct {
	URL        string `env:"CPIS_URL" default:"http://127.0.0.1:8443" placeholder:"URL" help:"Address of the service: https, or http on this machine (default ${default})."`
	TokenFile  string `env:"CPIS_TOKEN_FILE" type:"path" placeholder:"FILE" help:"File with the access token."`
	As         string `placeholder:"NAME" help:"In the demo: act as one of its people, such as nurse (cpis token lists them)."`
	IDP        string `name:"idp" env:"CPIS_IDP_URL" default:"http://127.0.0.1:8444" placeholder:"URL" help:"The demo's identity provider (default ${default})."`
	SignInFile string `env:"CPIS_SIGN_IN_FILE" type:"path" placeholder:"FILE" help:"File that cpis sign-in keeps its token in, if not the usual one."`
	CA         string `name:"ca" env:"CPIS_CA" type:"path" placeholder:"FILE" help:"File with the certificate authorities to trust, in PEM; those of this machine if not given."`
	Cert       string `env:"CPIS_CERT" type:"path" placeholder:"FILE" help:"Client certificate to present, in PEM; needs --key."`
	Key        string `env:"CPIS_KEY" type:"path" placeholder:"FILE" help:"Private key of that certificate, in PEM."`
}

// clients are the services of the contract that the commands use.
type clients struct {
	connect  *connect.Client
	lookups  cpisv1connect.LookupServiceClient
	plans    cpisv1connect.PlanServiceClient
	uploads  cpisv1connect.UploadServiceClient
	contacts cpisv1connect.ContactServiceClient
	log      cpisv1connect.LogServiceClient
	exports  cpisv1connect.ExportServiceClient
}

// dial creates clients that send the token. Nothing is sent yet to the service.
func (c *connection) dial(ctx context.Context) (*clients, error) {
	if err := onlySafe("--url", c.URL); err != nil {
		return nil, err
	}
	secure, err := c.tls()
	if err != nil {
		return nil, err
	}
	token, err := c.token(ctx)
	if err != nil {
		return nil, err
	}
	transport := &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		TLSClientConfig:       secure,
		ForceAttemptHTTP2:     true,
		TLSHandshakeTimeout:   10 * time.Second,
		ResponseHeaderTimeout: 15 * time.Minute, // longer than the service takes for a file
	}
	// A redirect would take the token elsewhere.
	client := &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse
	}}
	return newClients(client, c.URL, token), nil
}

func newClients(client connecthttp.HTTPClient, address, token string) *clients {
	transport := connecthttp.NewTransport(client, address)
	c := connect.NewClient(transport, func(next connect.ClientFunc) connect.ClientFunc {
		return func(ctx context.Context, spec connect.Spec) (connect.ClientStream, error) {
			if info, ok := connect.CallInfoForClientContext(ctx); ok {
				info.RequestHeader().Set("Authorization", "Bearer "+token)
			}
			return next(ctx, spec)
		}
	})
	return &clients{
		connect:  c,
		lookups:  cpisv1connect.NewLookupServiceClient(c),
		plans:    cpisv1connect.NewPlanServiceClient(c),
		uploads:  cpisv1connect.NewUploadServiceClient(c),
		contacts: cpisv1connect.NewContactServiceClient(c),
		log:      cpisv1connect.NewLogServiceClient(c),
		exports:  cpisv1connect.NewExportServiceClient(c),
	}
}

// withRequestID adds the id that makes a write idempotent.
func withRequestID(ctx context.Context, id string) context.Context {
	ctx, info := connect.NewClientContext(ctx)
	info.RequestHeader().Set("X-Request-ID", id)
	return ctx
}

const (
	// tries is how often a request is sent to a service that is busy.
	tries = 5
	// soon is when to try again if the service does not say.
	soon = 2 * time.Second
)

// again calls fn until its error is none that passes, within bounds. What fn
// asks for must be safe to repeat.
func again(ctx context.Context, passes func(error) bool, fn func() error) error {
	for attempt := 1; ; attempt++ {
		err := fn()
		if !passes(err) || attempt == tries || pause(ctx, retryAfter(err)) != nil {
			return err
		}
	}
}

// pause waits.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// isBusy reports whether the service answered that it should be asked again.
func isBusy(err error) bool {
	remote, ok := errors.AsType[*connect.Error](err)
	return ok && remote.IsRemote() &&
		(remote.Code() == connect.CodeUnavailable || remote.Code() == connect.CodeResourceExhausted)
}

// isAway is isBusy also if the service cannot be reached.
func isAway(err error) bool { return isBusy(err) || connect.CodeOf(err) == connect.CodeUnavailable }

// retryAfter is when the service wants to be asked again.
func retryAfter(err error) time.Duration {
	if remote, ok := errors.AsType[*connect.Error](err); ok {
		for _, d := range remote.Details() {
			m, err := connectproto.UnmarshalErrorDetail(d)
			if info, ok := m.(*errdetails.RetryInfo); ok && err == nil {
				return max(time.Second, min(info.GetRetryDelay().AsDuration(), time.Minute))
			}
		}
	}
	return soon
}

// mayBeDone reports whether a request that failed may have been carried out.
func mayBeDone(err error) bool {
	remote, ok := errors.AsType[*connect.Error](err)
	if !ok || !remote.IsRemote() {
		return true
	}
	switch remote.Code() { //nolint:exhaustive // the others say that nothing was done
	case connect.CodeUnavailable, connect.CodeDeadlineExceeded, connect.CodeCanceled, connect.CodeInternal, connect.CodeUnknown:
		return true
	}
	return false
}

// onlySafe refuses addresses to which a token, or a question, would travel in
// the clear.
func onlySafe(flag, address string) error {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") {
		return fmt.Errorf("%s must be an address such as https://cpis.example.org", flag)
	}
	if u.Scheme == "http" && !loopback(net.JoinHostPort(u.Hostname(), "0")) {
		return fmt.Errorf("%s must be https: http is for this machine only", flag)
	}
	return nil
}

// tls returns the settings for https; nil if they are the usual ones.
func (c *connection) tls() (*tls.Config, error) {
	if (c.Cert == "") != (c.Key == "") {
		return nil, errors.New("--cert and --key belong together")
	}
	cfg := &tls.Config{MinVersion: tls.VersionTLS12}
	if c.CA != "" {
		pem, err := os.ReadFile(c.CA)
		if err != nil {
			return nil, fmt.Errorf("reading --ca: %w", err)
		}
		cfg.RootCAs = x509.NewCertPool()
		if !cfg.RootCAs.AppendCertsFromPEM(pem) {
			return nil, errors.New("--ca holds no certificate")
		}
	}
	if c.Cert != "" {
		pair, err := tls.LoadX509KeyPair(c.Cert, c.Key)
		if err != nil {
			return nil, fmt.Errorf("reading --cert and --key: %w", err)
		}
		cfg.Certificates = []tls.Certificate{pair}
	}
	return cfg, nil
}

// token gets the token from where the flags say.
func (c *connection) token(ctx context.Context) (string, error) {
	switch {
	case c.As != "":
		return demoToken(ctx, c.IDP, c.As)
	case c.TokenFile == "":
		return c.signedIn()
	}
	token, err := readSecret("--token-file", c.TokenFile)
	if err != nil {
		return "", err
	}
	if !isToken(token) {
		return "", errors.New("--token-file must hold one token and nothing else")
	}
	return token, nil
}

// isToken reports whether a text can be sent as a token.
func isToken(text string) bool {
	return text != "" && !strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' })
}

// signedIn gets the token of whoever signed in to this program.
func (c *connection) signedIn() (string, error) {
	name, err := signInFile(c.SignInFile)
	if err != nil {
		return "", err
	}
	s, err := readSignIn(name)
	if err != nil {
		return "", err
	}
	if s == nil {
		return "", errors.New("who asks? Sign in with cpis sign-in, or give --token-file, or --as for the demo")
	}
	return s.tokenFor(c.URL, time.Now())
}

// demoToken gets a token of somebody from the demo's identity provider.
func demoToken(ctx context.Context, idp, name string) (string, error) {
	if err := onlySafe("--idp", idp); err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	form := url.Values{"as": {name}}.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimRight(idp, "/")+"/dev/token", strings.NewReader(form))
	if err != nil {
		return "", fmt.Errorf("asking for a token: %w", err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", fmt.Errorf("asking for a token (does the demo run?): %w", err)
	}
	defer res.Body.Close()
	var answer struct {
		Token string   `json:"access_token"`
		Known []string `json:"known"`
	}
	if err := json.NewDecoder(io.LimitReader(res.Body, 1<<20)).Decode(&answer); err != nil {
		return "", errors.New("asking for a token: this is not the demo's identity provider")
	}
	switch {
	case len(answer.Known) > 0:
		return "", fmt.Errorf("nobody of the demo is called that; there are %s", strings.Join(answer.Known, ", "))
	case res.StatusCode != http.StatusOK || answer.Token == "":
		return "", fmt.Errorf("asking for a token: answered with status %d", res.StatusCode)
	}
	return answer.Token, nil
}

// refusedError is what the service, or the way to it, said instead of an
// answer, in words for people.
type refusedError struct{ err error }

// Unwrap returns the error of the call.
func (e *refusedError) Unwrap() error { return e.err }

// Error says what happened, and of a request that is not valid everything that
// is wrong with it.
func (e *refusedError) Error() string {
	remote, ok := errors.AsType[*connect.Error](e.err)
	if !ok {
		return e.err.Error()
	}
	if !remote.IsRemote() {
		return "the service could not be reached: " + remote.Error()
	}
	lines := []string{printable(remote.Message())}
	switch remote.Code() { //nolint:exhaustive // the others say it themselves
	case connect.CodeUnauthenticated:
		lines[0] += ": the token is not accepted. It may have expired: sign in again"
	case connect.CodePermissionDenied:
		lines = append(lines, whyDenied(remote.Message()), "The attempt is in the audit log.")
	}
	for _, d := range remote.Details() {
		m, err := connectproto.UnmarshalErrorDetail(d)
		if err != nil {
			continue // of a newer service
		}
		switch m := m.(type) {
		case *cpisv1.InvalidRequest:
			for _, v := range m.GetViolations() {
				lines = append(lines, violationText(v))
			}
		case *cpisv1.StaleVersion:
			lines = append(lines, fmt.Sprintf("its version is %d now", m.GetCurrent()))
		}
	}
	return strings.Join(lines, "\n  ")
}

// whyDenied says what a refusal means for whoever asked. The texts are fixed.
func whyDenied(message string) string {
	switch message {
	case "a stronger sign-in is needed":
		return "You have the right to this, but not with the way in which you signed in. Sign in again with your smartcard or a second factor (cpis sign-in --acr)."
	case "somebody else must decide":
		return "You proposed this yourself: a colleague has to decide about it."
	}
	return "Your role or your organisation does not give you the right to this."
}

func violationText(v *cpisv1.FieldViolation) string {
	text := strings.TrimSpace(v.GetField() + " " + v.GetProblem())
	if v.GetExample() != "" {
		text += ", such as " + v.GetExample()
	}
	return printable(text)
}

// printable keeps what was sent by others from steering the terminal.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, text)
}

// onTerminal reports whether a stream is a terminal, with somebody before it.
func onTerminal(stream any) bool {
	f, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
