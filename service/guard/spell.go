package guard

import (
	"context"
	"time"

	"cpis/service/domain"
)

const (
	// busyShare is how many times as long as it worked something in the background
	// pauses while people look up: they must not notice it.
	busyShare = 4
	// maxPause bounds that.
	maxPause = 500 * time.Millisecond
)

// Background is what works in the background, and gives way to look-ups.
type Background struct {
	Clock     domain.Clock
	Submitted func() uint64 // how many look-ups there were so far
}

// Spell is a while in which it works.
type Spell struct {
	of    Background
	began time.Time
	taken uint64
}

// Begin begins a spell.
func (b Background) Begin() Spell { return Spell{b, b.Clock.Now(), b.Submitted()} }

// End lets look-ups have the processor and the database, if any came meanwhile.
// If none did, it pauses as long as it worked, if that holds up nobody else.
func (p Spell) End(ctx context.Context, gently bool) error {
	worked := p.of.Clock.Now().Sub(p.began)
	var pause time.Duration
	switch {
	case p.of.Submitted() != p.taken:
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
