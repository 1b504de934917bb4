// Package vault is the keys.Keeper for production: key-encryption and signing
// keys live in the Transit engine of HashiCorp Vault, or of OpenBao, and never
// leave it.
//
// Every call obeys its context and a limit of its own. What may be passing (a
// lost connection, a time-out, 429, 5xx) is tried again, with growing, random
// pauses, while there is time; after too many failures in a row a circuit
// breaker refuses calls at once until Vault answers again. A goroutine keeps
// the service signed in; a token that dies nevertheless is replaced by the
// first call that notices.
//
// The package never logs. Its errors carry statuses and causes of its own
// wording, never what Vault wrote, nor any token, key or ciphertext.
package vault

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"sync/atomic"
	"time"

	"cpis/service/keys"
)

// Keeper is a keys.Keeper over Vault's Transit engine.
type Keeper struct {
	cfg     Config
	breaker breaker
	session *session

	bound  atomic.Bool                               // the wrapping key is known to bind
	public atomic.Pointer[map[int]ed25519.PublicKey] // by version, as last seen

	stop    context.CancelFunc
	stopped chan struct{} // closed when the renewing goroutine has ended
}

var _ keys.Keeper = (*Keeper)(nil)

// New creates a keeper and begins to sign in. It does not wait for Vault: while
// Vault is away calls give keys.ErrUnavailable, and work once it is there. The
// keeper lives until Close, also when ctx ends before.
func New(ctx context.Context, cfg Config) (*Keeper, error) {
	if err := cfg.complete(); err != nil {
		return nil, fmt.Errorf("configuring Vault: %w", err)
	}
	k := &Keeper{cfg: cfg, stopped: make(chan struct{})}
	k.breaker = breaker{after: cfg.BreakAfter, pause: cfg.BreakFor, now: cfg.Now}
	session, err := newSession(k)
	if err != nil {
		return nil, fmt.Errorf("configuring Vault: %w", err)
	}
	k.session = session
	ctx, k.stop = context.WithCancel(context.WithoutCancel(ctx))
	go func() {
		defer close(k.stopped)
		k.session.keepAlive(ctx)
	}()
	return k, nil
}

// Close stops the renewing of the token. Calls are refused from then on.
func (k *Keeper) Close() error {
	k.stop()
	<-k.stopped
	k.session.transport.CloseIdleConnections()
	return nil
}

func (k *Keeper) closed() bool {
	select {
	case <-k.stopped:
		return true
	default:
		return false
	}
}

// Ready implements keys.Keeper. It asks Vault for the public keys: that works
// only if Vault is there, unsealed, and lets the service in.
func (k *Keeper) Ready(ctx context.Context) error {
	_, err := k.readPublicKeys(ctx)
	return err
}

// State is how the keeper is doing, for metrics.
type State struct {
	Breaker      BreakerState
	SignedIn     bool
	TokenExpires time.Time // zero: never, or nobody is signed in
	SignIns      uint64    // since New
	Renewals     uint64    // since New
}

// State says how the keeper is doing. It asks nobody.
func (k *Keeper) State() State {
	s := State{
		Breaker:  k.breaker.state(),
		SignIns:  k.session.signIns.Load(),
		Renewals: k.session.renewals.Load(),
	}
	if l := k.session.current.Load(); l != nil {
		s.SignedIn = true
		s.TokenExpires = l.expires()
	}
	return s
}
