package pgdev

import (
	"context"
	"fmt"
	"os/exec"
	"runtime"
	"syscall"
	"time"
)

// tick is how often a state that nobody announces is looked at.
const tick = 10 * time.Millisecond

// process is a running postmaster.
type process struct {
	pid  int
	done chan struct{} // closed when it has ended
	err  error         // how it ended; read after done
}

// spawn starts cmd on an operating system thread of its own, which lives as
// long as the child: the kernel sends the signal that ends orphans when the
// thread that forked them ends, not when the process does, and Go ends threads
// as it likes. keep is not collected while the child lives: it holds files whose
// closing would end it.
func spawn(cmd *exec.Cmd, keep any) (*process, error) {
	p := &process{done: make(chan struct{})}
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		if err != nil {
			started <- err
			return
		}
		p.pid = cmd.Process.Pid
		started <- nil
		p.err = cmd.Wait()
		close(p.done)
		runtime.KeepAlive(keep)
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("starting %s: %w", cmd.Path, err)
	}
	return p, nil
}

// ended says whether the process has ended.
func (p *process) ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// stop sends the signal and waits for the end.
func (p *process) stop(ctx context.Context, s syscall.Signal) error {
	if p.ended() {
		return nil
	}
	if err := syscall.Kill(p.pid, s); err != nil && err != syscall.ESRCH {
		return fmt.Errorf("signalling PostgreSQL: %w", err)
	}
	select {
	case <-p.done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("waiting for PostgreSQL to stop: %w", context.Cause(ctx))
	}
}

// kill kills the postmaster and all its children at once. The postmaster is
// frozen first, so that no child is born unseen; children that are only told
// by the postmaster's death could still commit and answer meanwhile.
func (p *process) kill() error {
	if p.ended() {
		return nil
	}
	if err := syscall.Kill(p.pid, syscall.SIGSTOP); err != nil {
		return fmt.Errorf("freezing PostgreSQL: %w", err)
	}
	family := children(p.pid)
	for _, pid := range append(family, p.pid) {
		_ = syscall.Kill(pid, syscall.SIGKILL) // one that ended by itself is as dead
	}
	<-p.done
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

// until looks at done every tick until it says true, fails, or ctx ends.
func until(ctx context.Context, done func() (bool, error)) error {
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	for {
		ok, err := done()
		if ok || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-ticker.C:
		}
	}
}
