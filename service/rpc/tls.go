package rpc

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"
)

// TLSFiles are the files that TLS needs, in PEM form.
type TLSFiles struct {
	Certificate string // chain of the server's certificate, its own first; required
	Key         string // its private key; required
	// ClientCAs are the authorities whose client certificates count. Empty
	// means that none is asked for.
	ClientCAs string
	// RequireClient refuses connections without a client certificate.
	RequireClient bool
}

// reloadEvery is how often the files are looked at, when somebody connects.
const reloadEvery = time.Minute

// TLSConfig creates the configuration of a TLS listener: version 1.2 or newer,
// HTTP/2 and 1.1, client certificates as the files say. Files that change are
// loaded anew within a minute; if they cannot be, those loaded before go on and
// a line is logged.
func TLSConfig(files TLSFiles, now func() time.Time, log zerolog.Logger) (*tls.Config, error) {
	r := &reloader{files: files, now: now, log: log}
	if err := r.load(); err != nil {
		return nil, err
	}
	r.checked.Store(now().UnixNano())
	return &tls.Config{
		MinVersion:         tls.VersionTLS12,
		NextProtos:         protocols(),
		GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) { return r.config(), nil },
	}, nil
}

func protocols() []string { return []string{"h2", "http/1.1"} }

// reloader keeps the configuration made of the files as they are now.
type reloader struct {
	files TLSFiles
	now   func() time.Time
	log   zerolog.Logger

	current atomic.Pointer[tls.Config]
	checked atomic.Int64 // when, in nanoseconds
	mu      sync.Mutex   // held while loading; whoever connects meanwhile gets what was there
	sum     [sha256.Size]byte
}

// config returns the configuration for a new connection.
func (r *reloader) config() *tls.Config {
	now := r.now().UnixNano()
	if now-r.checked.Load() >= int64(reloadEvery) && r.mu.TryLock() {
		defer r.mu.Unlock()
		r.checked.Store(now)
		if err := r.load(); err != nil {
			r.log.Error().Err(err).Msg("certificates could not be loaded anew")
		}
	}
	return r.current.Load()
}

// load reads the files, and if they changed makes a new configuration.
func (r *reloader) load() error {
	chain, err := os.ReadFile(r.files.Certificate)
	if err != nil {
		return fmt.Errorf("reading the certificate: %w", err)
	}
	key, err := os.ReadFile(r.files.Key)
	if err != nil {
		return fmt.Errorf("reading the private key: %w", err)
	}
	var authorities []byte
	if r.files.ClientCAs != "" {
		if authorities, err = os.ReadFile(r.files.ClientCAs); err != nil {
			return fmt.Errorf("reading the client authorities: %w", err)
		}
	}
	sum := sumOf(chain, key, authorities)
	if sum == r.sum {
		return nil
	}
	c, err := r.parse(chain, key, authorities)
	if err != nil {
		return err
	}
	r.current.Store(c)
	r.sum = sum
	return nil
}

func sumOf(files ...[]byte) [sha256.Size]byte {
	var sums []byte
	for _, f := range files {
		sum := sha256.Sum256(f)
		sums = append(sums, sum[:]...)
	}
	return sha256.Sum256(sums)
}

func (r *reloader) parse(chain, key, authorities []byte) (*tls.Config, error) {
	pair, err := tls.X509KeyPair(chain, key)
	if err != nil {
		return nil, fmt.Errorf("pairing certificate and key: %w", err)
	}
	c := &tls.Config{
		MinVersion:   tls.VersionTLS12,
		NextProtos:   protocols(),
		Certificates: []tls.Certificate{pair},
	}
	switch {
	case r.files.ClientCAs == "" && r.files.RequireClient:
		return nil, errors.New("client certificates are required, but no authority counts")
	case r.files.ClientCAs == "":
		return c, nil
	}
	c.ClientCAs = x509.NewCertPool()
	if !c.ClientCAs.AppendCertsFromPEM(authorities) {
		return nil, errors.New("no certificate among the client authorities")
	}
	c.ClientAuth = tls.VerifyClientCertIfGiven
	if r.files.RequireClient {
		c.ClientAuth = tls.RequireAndVerifyClientCert
	}
	return c, nil
}
