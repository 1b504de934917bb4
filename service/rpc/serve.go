package rpc

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/rs/zerolog"
)

// Bounds of a connection.
const (
	readHeaderTimeout = 5 * time.Second
	readTimeout       = 20 * time.Second // of a whole request; uploads have their own
	writeTimeout      = 40 * time.Second // from the end of the headers to the end of the answer
	idleTimeout       = 2 * time.Minute
	maxHeaderBytes    = 32 << 10
	pingAfter         = 30 * time.Second // of silence on an HTTP/2 connection
	pingTimeout       = 15 * time.Second
)

// NewServer creates an HTTP server with the bounds that the face needs. Without
// a TLS configuration it serves plain HTTP, version 2 included; CheckListen
// says where that may be.
func NewServer(h http.Handler, secure *tls.Config, log zerolog.Logger) *http.Server {
	s := &http.Server{
		Handler:           h,
		TLSConfig:         secure,
		ReadHeaderTimeout: readHeaderTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ConnContext:       withJoined,
		Protocols:         new(http.Protocols),
		HTTP2:             &http.HTTP2Config{SendPingTimeout: pingAfter, PingTimeout: pingTimeout},
	}
	s.Protocols.SetHTTP1(true)
	s.Protocols.SetHTTP2(secure != nil)
	s.Protocols.SetUnencryptedHTTP2(secure == nil)
	new(visitors).watch(s)
	if streams, ok := h.(interface{ Stop() }); ok {
		s.RegisterOnShutdown(streams.Stop) // it would wait for them
	}
	s.ErrorLog = made(s.ErrorLog)
	s.ErrorLog.SetOutput(complaints{log})
	return s
}

// made returns a new value of what a pointer points to, whose package need not
// be imported: an HTTP server takes no logger but the standard library's, and
// without one it writes to the global logger.
func made[T any](*T) *T { return new(T) }

// complaints takes what an HTTP server complains of. Its texts are not kept: a
// panic's may hold anything, and that of a handshake the names in certificates.
type complaints struct{ log zerolog.Logger }

// failedHandshake begins a complaint about a handshake; address and cause follow.
const failedHandshake = "http: TLS handshake error from "

// Write logs that there was a complaint, and of which kind; of a handshake, with
// whom, and why it failed.
func (c complaints) Write(text []byte) (int, error) {
	complaint := string(text)
	if about, ok := strings.CutPrefix(complaint, failedHandshake); ok {
		c.handshake(about)
		return len(text), nil
	}
	kind := "other"
	for _, known := range []string{"panic serving", "Accept error"} {
		if strings.Contains(complaint[:min(len(complaint), 64)], known) {
			kind = known
		}
	}
	c.log.Warn().Str("kind", kind).Msg("http server complained")
	return len(text), nil
}

func (c complaints) handshake(about string) {
	from, why, _ := strings.Cut(about, ": ")
	log := c.log.With().Str("kind", "TLS handshake error").Logger()
	if address, err := netip.ParseAddrPort(from); err == nil {
		log = log.With().Stringer("address", address).Logger()
	}
	log.Warn().Str("cause", handshakeCause(why)).Msg("http server complained")
}

// handshakeCauses are why handshakes fail, as crypto/tls and the network put
// it: the first that is found in a complaint is logged, and nothing else of it.
var handshakeCauses = []string{
	"client sent an HTTP request to an HTTPS server", "first record does not look like a TLS handshake",
	"client didn't provide a certificate", "certificate signed by unknown authority", "certificate has expired or is not yet valid",
	"certificate specifies an incompatible key usage", "failed to verify certificate",
	"client offered only unsupported versions", "no cipher suite supported by both client and server",
	"client requested unsupported application protocols", "unknown certificate authority", "bad certificate",
	"expired certificate", "certificate required", "protocol version not supported", "handshake failure", "unrecognized name", "bad record MAC",
	"i/o timeout", "connection reset by peer", "broken pipe", "EOF",
}

func handshakeCause(why string) string {
	for _, cause := range handshakeCauses {
		if strings.Contains(why, cause) {
			return cause
		}
	}
	return "other"
}

// CheckListen refuses plain HTTP on an address that others can reach.
func CheckListen(address string, encrypted bool) error {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("reading the listen address: %w", err)
	}
	if encrypted || isLoopback(host) {
		return nil
	}
	return errors.New("plain HTTP is served on loopback addresses only, such as 127.0.0.1: configure TLS")
}

func isLoopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}

// Listener is a server and where it listens.
type Listener struct {
	Server *http.Server
	Listen net.Listener
}

func (l *Listener) serve() error {
	listen := joining{l.Listen}
	if l.Server.TLSConfig != nil {
		return l.Server.ServeTLS(listen, "", "")
	}
	return l.Server.Serve(listen)
}

// Serve serves on all listeners until ctx ends or one of them fails. Then it
// takes no new connections, and returns the requests under way the time drain to
// finish. It returns nil if ctx ended and all requests finished.
func Serve(ctx context.Context, drain time.Duration, listeners ...Listener) error {
	failed := make(chan error, len(listeners))
	for i := range listeners {
		go func() { failed <- listeners[i].serve() }()
	}
	var err error
	running := len(listeners)
	select {
	case <-ctx.Done():
	case err = <-failed:
		running--
		err = fmt.Errorf("serving: %w", err)
	}
	err = errors.Join(err, shutDown(ctx, drain, listeners))
	for range running {
		if end := <-failed; !errors.Is(end, http.ErrServerClosed) {
			err = errors.Join(err, fmt.Errorf("serving: %w", end))
		}
	}
	return err
}

// shutDown ends all servers at once.
func shutDown(ctx context.Context, drain time.Duration, listeners []Listener) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), drain)
	defer cancel()
	errs := make(chan error, len(listeners))
	for _, l := range listeners {
		go func() {
			err := l.Server.Shutdown(ctx)
			if err != nil {
				_ = l.Server.Close() // whoever is left is cut off
				err = fmt.Errorf("draining requests: %w", err)
			}
			errs <- err
		}()
	}
	var all []error
	for range listeners {
		all = append(all, <-errs)
	}
	return errors.Join(all...)
}
