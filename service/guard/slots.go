package guard

import (
	"context"
	"time"
)

// Slots are a limited number of rights to do something at the same time.
type Slots chan struct{}

// NewSlots creates slots, all of them free.
func NewSlots(n int) Slots { return make(Slots, n) }

// Acquire waits for a slot. release gives it back; without a slot it is nil, and
// the error *OverloadedError or that of ctx.
func (s Slots) Acquire(ctx context.Context, wait time.Duration) (release func(), err error) {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case s <- struct{}{}:
		return func() { <-s }, nil
	case <-timer.C:
		return nil, &OverloadedError{RetryAfter: wait}
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
