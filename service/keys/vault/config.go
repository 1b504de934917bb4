package vault

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/hashicorp/vault/api"
)

// What a Config's zero values stand for.
const (
	DefaultMount          = "transit"
	DefaultWrappingKey    = "cpis-kek"
	DefaultSigningKey     = "cpis-log"
	DefaultCallTimeout    = 5 * time.Second
	DefaultAttemptTimeout = 2 * time.Second
	DefaultBreakAfter     = 5
	DefaultBreakFor       = 2 * time.Second
)

// Config says where Vault is and how to use it.
type Config struct {
	// Address is Vault's, such as "https://vault.example:8200". Required. It
	// must be https unless the host is a loopback address: localhost, 127.0.0.1
	// or ::1. Redirects are not followed; Vault's standby nodes forward.
	Address string
	// CAFile names a PEM file with the certificate authorities that may have
	// signed Vault's certificate. Empty: those of the operating system.
	CAFile string
	// Namespace is Vault's namespace of mount and auth method. Empty: none.
	Namespace string
	// Mount is where the transit engine is mounted. Empty: DefaultMount.
	Mount string
	// WrappingKey names the transit key that wraps data keys: aes256-gcm96 and
	// derived. Empty: DefaultWrappingKey.
	WrappingKey string
	// SigningKey names the transit key that signs checkpoints: ed25519. Empty:
	// DefaultSigningKey.
	SigningKey string
	// Auth is how to sign in: an AppRole, a TokenFile or a Kubernetes account.
	// Required.
	Auth Auth
	// CallTimeout limits a call with all its attempts, in addition to the
	// deadline of its context. 0: DefaultCallTimeout.
	CallTimeout time.Duration
	// AttemptTimeout limits one attempt. 0: DefaultAttemptTimeout.
	AttemptTimeout time.Duration
	// BreakAfter is after how many failed attempts in a row calls are refused
	// at once. 0: DefaultBreakAfter.
	BreakAfter int
	// BreakFor is for how long they are refused until one may try again. 0:
	// DefaultBreakFor.
	BreakFor time.Duration
	// Now is the clock. Required.
	Now func() time.Time
	// Observe, if set, is told of every call once it has ended. It is for
	// metrics: it is called by many goroutines at once and must not block.
	Observe func(Call)
}

// Call is what Observe learns: nothing that is secret.
type Call struct {
	Operation string        // "wrap", "unwrap", "rewrap", "sign", "public keys", "check the wrapping key", "sign in", "renew", "read a document", "write a document"
	Items     int           // in the batch; 0 if there is none
	Tries     int           // until it succeeded or was given up
	Took      time.Duration // from the caller's point of view
	Err       error         // of the whole call, not of single items
}

// complete fills in defaults and reports everything that is wrong at once.
func (c *Config) complete() error {
	setDefault(&c.Mount, DefaultMount)
	setDefault(&c.WrappingKey, DefaultWrappingKey)
	setDefault(&c.SigningKey, DefaultSigningKey)
	setDefault(&c.CallTimeout, DefaultCallTimeout)
	setDefault(&c.AttemptTimeout, DefaultAttemptTimeout)
	setDefault(&c.BreakAfter, DefaultBreakAfter)
	setDefault(&c.BreakFor, DefaultBreakFor)
	errs := []error{checkAddress(c.Address)}
	if c.Auth == nil {
		errs = append(errs, errors.New("a way to sign in is required"))
	} else {
		errs = append(errs, c.Auth.check())
	}
	if c.Now == nil {
		errs = append(errs, errors.New("a clock is required"))
	}
	if c.CallTimeout < 0 || c.AttemptTimeout < 0 || c.BreakAfter < 0 || c.BreakFor < 0 {
		errs = append(errs, errors.New("limits cannot be negative"))
	}
	errs = append(errs, checkPath("mount", c.Mount), checkName("wrapping key", c.WrappingKey), checkName("signing key", c.SigningKey))
	return errors.Join(errs...)
}

func setDefault[T comparable](field *T, standard T) {
	var zero T
	if *field == zero {
		*field = standard
	}
}

// checkAddress sees to it that tokens and keys travel encrypted.
func checkAddress(address string) error {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" {
		return errors.New("the address must look like https://vault.example:8200")
	}
	if u.Scheme == "https" || u.Scheme == "http" && isLoopback(u.Hostname()) {
		return nil
	}
	return errors.New("the address must be https, for it is not a loopback address")
}

func isLoopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}

// checkPath refuses what would lead to another place than was meant.
func checkPath(what, path string) error {
	for part := range strings.SplitSeq(path, "/") {
		if err := checkName(what, part); err != nil {
			return err
		}
	}
	return nil
}

func checkName(what, name string) error {
	if name == "" || name == "." || name == ".." || strings.ContainsFunc(name, func(r rune) bool {
		return !strings.ContainsRune("-_.", r) && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
	}) {
		return fmt.Errorf("the %s has an impossible name", what)
	}
	return nil
}

// newClient creates the official client, without what it takes from the
// environment and without its own retries: ours know the deadline.
func newClient(c *Config, transport *http.Transport) (*api.Client, error) {
	client, err := api.NewClient(&api.Config{
		Address:          c.Address,
		HttpClient:       &http.Client{Transport: transport, CheckRedirect: noRedirect},
		CheckRetry:       noRetry,
		DisableRedirects: true, // following one, the client would send another body
	})
	if err != nil {
		return nil, errors.New("the client of Vault refuses its configuration")
	}
	client.SetToken("")
	client.SetHeaders(http.Header{api.RequestHeaderName: {"true"}})
	if c.Namespace != "" {
		client.SetNamespace(c.Namespace)
	}
	return client, nil
}

func newTransport(caFile string) (*http.Transport, error) {
	t := &http.Transport{
		TLSClientConfig:     &tls.Config{MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout: DefaultAttemptTimeout,
		ForceAttemptHTTP2:   true,
		MaxIdleConnsPerHost: 16,
		IdleConnTimeout:     90 * time.Second,
	}
	if caFile == "" {
		return t, nil
	}
	pem, err := os.ReadFile(caFile) //nolint:gosec // the path is the operator's choice
	if err != nil {
		return nil, fmt.Errorf("reading certificate authorities: %w", err)
	}
	t.TLSClientConfig.RootCAs = x509.NewCertPool()
	if !t.TLSClientConfig.RootCAs.AppendCertsFromPEM(pem) {
		return nil, errors.New("reading certificate authorities: there is none in the file")
	}
	return t, nil
}

func noRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

func noRetry(context.Context, *http.Response, error) (bool, error) { return false, nil }
