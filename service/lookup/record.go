package lookup

import (
	"context"
	"errors"

	"cpis/audit"
	"cpis/service/guard"
)

// Record records that an act was refused or failed, and returns why. If it
// cannot be recorded, that comes first. The entry goes with a group of
// look-ups, so that whoever floods the service with what must be refused costs
// it little.
func (s *LookUps) Record(ctx context.Context, e *audit.Entry, why error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), guard.Timeout)
	defer cancel()
	e.Reason = guard.ReasonOf(why)
	l := &lookup{ctx: ctx, entry: *e, verdict: why, done: make(chan struct{})}
	if err := s.group.submit(ctx, l); err != nil {
		return err // and nothing is said of why: it is not recorded
	}
	if _, err := l.wait(ctx); !errors.Is(err, why) {
		return errors.Join(guard.ErrUnrecorded, why)
	}
	return why
}
