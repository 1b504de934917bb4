package servicetest

import (
	"context"
	"crypto/ed25519"
	"sync"
	"sync/atomic"
	"time"

	"cpis/service"
	"cpis/service/keys"
)

// Clock is a clock that is set by hand. As soon as it is, services check their
// keys, as they do every second of another clock.
type Clock struct {
	mu   sync.Mutex
	now  time.Time
	kept []*service.Service
}

// keep has a service check its keys when time has passed.
func (c *Clock) keep(s *service.Service) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.kept = append(c.kept, s)
}

// Now returns the time that was set.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Set sets the time.
func (c *Clock) Set(t time.Time) {
	c.mu.Lock()
	c.now = t
	kept := c.kept
	c.mu.Unlock()
	for _, s := range kept {
		_ = s.Records.CheckKeys(context.Background()) // fails if a test took something away
	}
}

// Advance lets time pass.
func (c *Clock) Advance(d time.Duration) { c.Set(c.Now().Add(d)) }

// Keeper is a real keeper that can be taken away.
type Keeper struct {
	keys.Keeper

	away    atomic.Bool
	Wraps   atomic.Int64 // calls
	Unwraps atomic.Int64
}

// TakeAway makes the keeper unreachable, or reachable again.
func (k *Keeper) TakeAway(away bool) { k.away.Store(away) }

// Wrap implements keys.Keeper.
func (k *Keeper) Wrap(ctx context.Context, plain []keys.Plain) ([]keys.Wrapped, error) {
	if k.away.Load() {
		return nil, keys.ErrUnavailable
	}
	k.Wraps.Add(1)
	return k.Keeper.Wrap(ctx, plain)
}

// Unwrap implements keys.Keeper.
func (k *Keeper) Unwrap(ctx context.Context, wrapped []keys.Wrapped) ([]keys.Result[keys.Plain], error) {
	if k.away.Load() {
		return nil, keys.ErrUnavailable
	}
	k.Unwraps.Add(1)
	return k.Keeper.Unwrap(ctx, wrapped)
}

// Ready implements keys.Keeper.
func (k *Keeper) Ready(ctx context.Context) error {
	if k.away.Load() {
		return keys.ErrUnavailable
	}
	return k.Keeper.Ready(ctx)
}

// Sign implements keys.Keeper.
func (k *Keeper) Sign(ctx context.Context, message []byte) ([]byte, ed25519.PublicKey, error) {
	if k.away.Load() {
		return nil, nil, keys.ErrUnavailable
	}
	return k.Keeper.Sign(ctx, message)
}
