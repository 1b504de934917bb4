package idp

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/zitadel/oidc/v3/pkg/op"
)

// ErrNotLoopback says that an address could be reached from elsewhere.
var ErrNotLoopback = errors.New("not on the loopback interface")

// defaultLifetime is how long tokens last.
const defaultLifetime = 15 * time.Minute

// Config says how a provider is run.
type Config struct {
	// Address is where to listen, host and port. The host must be on the
	// loopback interface; port 0 takes a free one. Required.
	Address string

	// Directory is where the signing keys are kept. It must exist. Required.
	Directory string

	// Audience is the name of the service that access tokens are for.
	// Required.
	Audience string

	// Applications are the web applications that people sign in to.
	Applications []Application

	// Lifetime is how long tokens last. Default 15 minutes.
	Lifetime time.Duration

	// Now is the clock. Required.
	Now func() time.Time
}

// Application is a web application that sends people here to sign in. It must
// use PKCE.
type Application struct {
	// ID is its client id. Required.
	ID string

	// Secret is its client secret, for HTTP basic authentication. Empty for an
	// application that cannot keep one.
	Secret string

	// RedirectURIs are where people may be sent back to after signing in, on
	// the loopback interface. At least one is required.
	RedirectURIs []string

	// Native says that it is a program on the user's machine: it may take people
	// back at any port of its redirect URIs.
	Native bool

	// PostLogoutRedirectURIs are where people may be sent back to after
	// signing out, on the loopback interface.
	PostLogoutRedirectURIs []string

	// BackChannelLogoutURI is where the application is told that somebody has signed
	// out. Empty if it does not want to know.
	BackChannelLogoutURI string

	// Client tells it so. If nil, the default client does.
	Client *http.Client
}

// Provider is a running identity provider. It is safe for concurrent use.
type Provider struct {
	url      string
	audience string
	lifetime time.Duration
	now      func() time.Time

	keys       *keyring
	storage    *storage
	assertions *assertions
	op         *op.Provider
	server     *http.Server
	done       chan struct{} // closed when serving has ended
	err        error         // what it ended with; to be read when done is closed
}

// Start runs a provider until it is closed.
func Start(ctx context.Context, c Config) (*Provider, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	keys, err := openKeyring(c.Directory)
	if err != nil {
		return nil, err
	}
	listener, err := listen(ctx, c.Address)
	if err != nil {
		return nil, err
	}
	p := &Provider{
		url:      "http://" + listener.Addr().String(),
		audience: c.Audience,
		lifetime: c.Lifetime,
		now:      c.Now,
		keys:     keys,
		done:     make(chan struct{}),
	}
	if p.lifetime == 0 {
		p.lifetime = defaultLifetime
	}
	if err := p.assemble(c.Applications); err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	go func() {
		defer close(p.done)
		p.err = p.server.Serve(listener)
	}()
	return p, nil
}

func (c *Config) check() error {
	var errs []error
	if c.Directory == "" || c.Audience == "" || c.Now == nil {
		errs = append(errs, errors.New("starting identity provider: directory, audience and clock are needed"))
	}
	for _, a := range c.Applications {
		if a.ID == "" || len(a.RedirectURIs) == 0 {
			errs = append(errs, errors.New("starting identity provider: an application needs an id and a redirect URI"))
		}
		for _, address := range append(a.RedirectURIs, a.PostLogoutRedirectURIs...) {
			if u, err := url.Parse(address); err != nil || !isLoopback(u.Hostname()) {
				errs = append(errs, fmt.Errorf("%w: redirect URI %q of %s", ErrNotLoopback, address, a.ID))
			}
		}
	}
	return errors.Join(errs...)
}

// listen listens on an address if it is on the loopback interface, however it
// is written.
func listen(ctx context.Context, address string) (net.Listener, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("starting identity provider: %w", err)
	}
	if !isLoopback(host) {
		return nil, fmt.Errorf("%w: %s", ErrNotLoopback, address)
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("starting identity provider: %w", err)
	}
	if at, ok := listener.Addr().(*net.TCPAddr); !ok || !at.IP.IsLoopback() {
		return nil, errors.Join(fmt.Errorf("%w: %s", ErrNotLoopback, listener.Addr()), listener.Close())
	}
	return listener, nil
}

func isLoopback(host string) bool {
	return strings.EqualFold(host, "localhost") || net.ParseIP(host).IsLoopback()
}

// assemble puts the parts together.
func (p *Provider) assemble(applications []Application) error {
	p.storage = newStorage(p, applications)
	p.assertions = newAssertions(p.now, p.url, p.url+tokenPath)
	config := &op.Config{
		CodeMethodS256:           true,
		SupportedScopes:          scopes[:],
		DefaultLogoutRedirectURI: p.url + signedOutPath,
	}
	if _, err := rand.Read(config.CryptoKey[:]); err != nil {
		return fmt.Errorf("making a key: %w", err)
	}
	var err error
	p.op, err = op.NewProvider(config, p.storage, op.StaticIssuer(p.url),
		op.WithAllowInsecure(), // on the loopback interface
		op.WithCORSOptions(nil),
		op.WithCustomTokenEndpoint(op.NewEndpoint(tokenPath)),
		op.WithAccessTokenVerifierOpts(op.WithSupportedAccessTokenSigningAlgorithms(string(algorithm))),
		op.WithIDTokenHintVerifierOpts(op.WithSupportedIDTokenHintSigningAlgorithms(string(algorithm))),
	)
	if err != nil {
		return fmt.Errorf("starting identity provider: %w", err)
	}
	p.server = &http.Server{
		Handler:           p.handler(),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      10 * time.Second,
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    32 << 10,
	}
	return nil
}

// Close stops the provider after the requests under way, or when ctx ends. It
// may be called again.
func (p *Provider) Close(ctx context.Context) error {
	if err := p.server.Shutdown(ctx); err != nil {
		return fmt.Errorf("stopping identity provider: %w", err)
	}
	<-p.done
	if !errors.Is(p.err, http.ErrServerClosed) {
		return fmt.Errorf("running identity provider: %w", p.err)
	}
	return nil
}

// URL returns the address of the provider, which is also its name as issuer.
func (p *Provider) URL() string { return p.url }

// RotateKeys creates a new signing key. The old ones stay published, so that
// tokens signed with them still count.
func (p *Provider) RotateKeys() error { return p.keys.rotate() }

// RemoveOldKeys publishes only the key that signs now.
func (p *Provider) RemoveOldKeys() error { return p.keys.removeOld() }
