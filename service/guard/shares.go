package guard

import (
	"context"
	"sync"
	"time"
)

// Shares are slots of which each organisation has only some, so that none keeps
// the others out. Who waits longest comes first.
type Shares struct {
	all     Slots
	perEach int
	mu      sync.Mutex
	each    map[string]Slots // by organisation, of which there are few
}

// NewShares creates slots, all of them free, and says how many of them one
// organisation may have.
func NewShares(all, each int) *Shares {
	return &Shares{all: NewSlots(all), perEach: each, each: make(map[string]Slots)}
}

// Acquire waits for a slot for an organisation. release returns it; without a slot
// it does nothing, and the error is *OverloadedError or that of ctx.
func (s *Shares) Acquire(ctx context.Context, organisation string, wait time.Duration) (release func(), err error) {
	none := func() {}
	waiting, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	own, err := s.of(organisation).Acquire(waiting, wait)
	if err != nil {
		return none, whyNone(ctx, wait)
	}
	one, err := s.all.Acquire(waiting, wait)
	if err != nil {
		own()
		return none, whyNone(ctx, wait)
	}
	return func() {
		one()
		own()
	}, nil
}

// of returns the slots of one organisation.
func (s *Shares) of(organisation string) Slots {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.each[organisation] == nil {
		s.each[organisation] = NewSlots(s.perEach)
	}
	return s.each[organisation]
}

// whyNone says why no slot came: the caller hung up, or there was none.
func whyNone(ctx context.Context, wait time.Duration) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return &OverloadedError{RetryAfter: wait}
}
