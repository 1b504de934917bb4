package pgdev

import (
	"context"
	"fmt"
	"syscall"
	"time"

	"cpis/deploy/dev/process"
)

// tick is how often a state that nobody announces is looked at.
const tick = 10 * time.Millisecond

// postmaster is the server's first process, the parent of the others.
type postmaster struct{ *process.Process }

// stop sends the signal and waits for the end.
func (p postmaster) stop(ctx context.Context, s syscall.Signal) error {
	if p.Ended() {
		return nil
	}
	if err := syscall.Kill(p.PID(), s); err != nil && err != syscall.ESRCH {
		return fmt.Errorf("signalling PostgreSQL: %w", err)
	}
	select {
	case <-p.Done():
		return nil
	case <-ctx.Done():
		return fmt.Errorf("waiting for PostgreSQL to stop: %w", context.Cause(ctx))
	}
}

// kill kills the postmaster and all its children at once. The postmaster is
// frozen first, so that no child is born unseen; children that are only told
// by the postmaster's death could still commit and answer meanwhile.
func (p postmaster) kill() error {
	if p.Ended() {
		return nil
	}
	if err := p.Freeze(); err != nil {
		return fmt.Errorf("freezing PostgreSQL: %w", err)
	}
	family := children(p.PID())
	for _, pid := range append(family, p.PID()) {
		_ = syscall.Kill(pid, syscall.SIGKILL) // one that ended by itself is as dead
	}
	<-p.Done()
	awaitGone(family)
	return nil
}

// awaitGone waits until none of the killed processes is left: while one lives,
// PostgreSQL refuses to start again on its data. SIGKILL cannot be refused, so
// this ends.
func awaitGone(pids []int) {
	for _, pid := range pids {
		for syscall.Kill(pid, 0) == nil {
			time.Sleep(tick)
		}
	}
}
