package service

import (
	"context"
	"sync"
	"time"
)

// turns are the rights to work on uploads: few in all, and fewer for each
// authority, so that none keeps the others out. Who waits longest comes first.
type turns struct {
	all     chan struct{}
	perEach int
	mu      sync.Mutex
	each    map[string]chan struct{} // by authority, of which there are few
}

func newTurns(all, each int) *turns {
	return &turns{all: make(chan struct{}, all), perEach: each, each: make(map[string]chan struct{})}
}

// take waits for a turn. leave ends it, and does nothing where there is none;
// the error is *OverloadedError then, or that of ctx.
func (t *turns) take(ctx context.Context, authority string, wait time.Duration) (leave func(), err error) {
	none := func() {}
	waiting, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	own, err := takePlace(waiting, t.of(authority), wait)
	if err != nil {
		return none, whyNone(ctx, wait)
	}
	one, err := takePlace(waiting, t.all, wait)
	if err != nil {
		own()
		return none, whyNone(ctx, wait)
	}
	return func() {
		one()
		own()
	}, nil
}

// of gives the places of one authority.
func (t *turns) of(authority string) chan struct{} {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.each[authority] == nil {
		t.each[authority] = make(chan struct{}, t.perEach)
	}
	return t.each[authority]
}

// whyNone says why no turn came: the caller hung up, or there was none.
func whyNone(ctx context.Context, wait time.Duration) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return &OverloadedError{RetryAfter: wait}
}

const (
	// busyShare is how many times as long as it worked something in the background
	// pauses while look-ups wait: they must not notice it.
	busyShare = 4
	// maxPause bounds that.
	maxPause = 250 * time.Millisecond
)

// giveWay lets look-ups have the processor and the database after something in
// the background worked for a while. Where none waits, it pauses as long as it
// worked, if that holds up nobody else.
func (s *Service) giveWay(ctx context.Context, worked time.Duration, gently bool) error {
	var pause time.Duration
	switch {
	case s.group.waiting.Load() > 0:
		pause = busyShare * worked
	case gently:
		pause = worked
	}
	return rest(ctx, min(pause, maxPause))
}

// rest waits for a while.
func rest(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
