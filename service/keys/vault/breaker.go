package vault

import (
	"fmt"
	"sync"
	"time"
)

// BreakerState says whether calls are let through to Vault.
type BreakerState int

// The states of the circuit breaker.
const (
	Closed   BreakerState = iota // calls go through
	Open                         // calls are refused: Vault failed too often
	HalfOpen                     // one call is trying whether Vault is back
)

// String returns the state's name.
func (s BreakerState) String() string {
	switch s {
	case Closed:
		return "closed"
	case Open:
		return "open"
	case HalfOpen:
		return "half-open"
	}
	return "unknown"
}

// outcome is what an attempt told about Vault's health.
type outcome int

const (
	healthy outcome = iota // it answered, be it with a refusal
	failing                // it did not, or could not
	unknown                // the caller left before it could be known
)

// breaker refuses calls at once while Vault is away, so that nobody waits for
// time-outs and Vault, coming back, is not met by a crowd.
type breaker struct {
	after int
	pause time.Duration
	now   func() time.Time

	mu       sync.Mutex // guards what follows
	failures int        // in a row
	openedAt time.Time  // meaningful once failures reached after
	probing  bool       // somebody is trying
	last     error      // the last failure
}

// allow reports whether to go ahead: with nil, and then the caller must report, or
// with the failure that was the last.
func (b *breaker) allow() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.failures < b.after {
		return nil
	}
	if b.probing || b.now().Sub(b.openedAt) < b.pause {
		return fmt.Errorf("%w: %w", errBreakerOpen, b.last)
	}
	b.probing = true
	return nil
}

// report says how it went, and for a failure why.
func (b *breaker) report(o outcome, why error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.probing = false
	switch o {
	case healthy:
		b.failures = 0
	case failing:
		b.failures++
		b.openedAt = b.now()
		b.last = why
	case unknown:
	}
}

func (b *breaker) state() BreakerState {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.failures < b.after:
		return Closed
	case b.probing:
		return HalfOpen
	default:
		return Open
	}
}
