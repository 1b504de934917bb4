package upload

import (
	"context"
	"sync"
	"time"

	"cpis/service/guard"
)

// turns are the rights to work on uploads: few in all, and fewer for each
// authority, so that none keeps the others out. Who waits longest comes first.
type turns struct {
	all     guard.Slots
	perEach int
	mu      sync.Mutex
	each    map[string]guard.Slots // by authority, of which there are few
}

func newTurns(all, each int) *turns {
	return &turns{all: guard.NewSlots(all), perEach: each, each: make(map[string]guard.Slots)}
}

// take waits for a turn. leave ends it, and does nothing if there is none;
// the error is *OverloadedError then, or that of ctx.
func (t *turns) take(ctx context.Context, authority string, wait time.Duration) (leave func(), err error) {
	none := func() {}
	waiting, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	own, err := t.of(authority).Acquire(waiting, wait)
	if err != nil {
		return none, whyNone(ctx, wait)
	}
	one, err := t.all.Acquire(waiting, wait)
	if err != nil {
		own()
		return none, whyNone(ctx, wait)
	}
	return func() {
		one()
		own()
	}, nil
}

// of returns the slots of one authority.
func (t *turns) of(authority string) guard.Slots {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.each[authority] == nil {
		t.each[authority] = guard.NewSlots(t.perEach)
	}
	return t.each[authority]
}

// whyNone says why no turn came: the caller hung up, or there was none.
func whyNone(ctx context.Context, wait time.Duration) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return &guard.OverloadedError{RetryAfter: wait}
}
