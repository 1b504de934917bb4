// Package outbound is what senders of notices have in common: a client that
// trusts nobody, and words for what goes wrong.
//
// Nothing that is sent, and no address, ever stands in an error: errors are
// words.
package outbound

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"syscall"
	"time"

	"cpis/service/deliver"
)

// Words for what goes wrong. An answer with another status than was hoped for
// is "status_" and the number.
const (
	Timeout     = "timeout"
	Refused     = "refused"         // nobody listens
	Certificate = "certificate"     // it does not verify
	Name        = "name"            // the name cannot be resolved
	Blocked     = "blocked_address" // the name leads to where nothing is sent
	Redirect    = "redirect"
	Connection  = "connection" // it broke, or something else was answered
)

// Bounds of a client.
const (
	maxAnswer    = 64 << 10 // bytes that are read of an answer
	maxHeader    = 64 << 10 // bytes of its header
	dialTimeout  = 5 * time.Second
	helloTimeout = 5 * time.Second
	idleTimeout  = 30 * time.Second
	maxIdle      = 2 // connections to one receiver
)

// Options make a client.
type Options struct {
	// Timeout bounds a request with its answer.
	Timeout time.Duration
	// CAs sign receivers' certificates; nil are the system's.
	CAs *x509.CertPool
	// Certificate, if there is one, is shown to receivers that ask for it.
	Certificate *tls.Certificate
	// Admit, if there is one, decides on each address that a name led to,
	// before anything is sent there.
	Admit func(network, address string) error
}

// errBlocked says that an address was not admitted.
var errBlocked = errors.New("address is not admitted")

// ErrBlocked is what Admit returns for an address where nothing is sent.
func ErrBlocked() error { return errBlocked }

// Client creates a client: it follows no redirect, asks no proxy, verifies
// certificates, and looks at addresses after names were resolved, so that a
// name cannot lead elsewhere than where it was seen to.
func Client(o Options) *http.Client {
	dialer := &net.Dialer{Timeout: dialTimeout}
	if o.Admit != nil {
		dialer.Control = func(network, address string, _ syscall.RawConn) error { return o.Admit(network, address) }
	}
	secure := &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: o.CAs}
	if o.Certificate != nil {
		secure.Certificates = []tls.Certificate{*o.Certificate}
	}
	return &http.Client{
		Timeout:       o.Timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			DialContext:            dialer.DialContext,
			TLSClientConfig:        secure,
			TLSHandshakeTimeout:    helloTimeout,
			ForceAttemptHTTP2:      true,
			DisableCompression:     true,
			MaxIdleConnsPerHost:    maxIdle,
			IdleConnTimeout:        idleTimeout,
			MaxResponseHeaderBytes: maxHeader,
		},
	}
}

// Do sends a request, and returns the status and what was read of the answer.
// The error is a *service.DeliveryError.
func Do(client *http.Client, r *http.Request) (status int, answer []byte, err error) {
	resp, err := client.Do(r) //nolint:gosec // where it leads is decided when it is dialled
	if err != nil {
		return 0, nil, Failure(err)
	}
	defer func() { _ = resp.Body.Close() }() // what is left unread does not matter
	answer, err = io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return resp.StatusCode, nil, Failure(err)
	}
	return resp.StatusCode, answer, nil
}

// Status returns the failure for the status of an answer.
func Status(status int) error {
	if status >= 300 && status < 400 {
		return &deliver.DeliveryError{Word: Redirect}
	}
	return &deliver.DeliveryError{Word: "status_" + strconv.Itoa(status)}
}

// Failure returns the word for what went wrong before there was an answer.
func Failure(err error) error { return &deliver.DeliveryError{Word: word(err)} }

func word(err error) string {
	var (
		name    *net.DNSError
		verify  *tls.CertificateVerificationError
		network net.Error
	)
	switch {
	case errors.Is(err, errBlocked):
		return Blocked
	case errors.As(err, &verify):
		return Certificate
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded):
		return Timeout
	case errors.As(err, &name):
		return Name
	case errors.As(err, &network) && network.Timeout():
		return Timeout
	case errors.Is(err, syscall.ECONNREFUSED):
		return Refused
	}
	return Connection
}
