// Package process runs programs that must not outlive the one that started
// them: databases and Vaults for development and tests.
package process

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Process is a program that was started. It is safe for concurrent use.
type Process struct {
	pid  int
	done chan struct{}
	err  error // read after done
}

// Start starts cmd on an operating system thread of its own, which lives as
// long as the child: the kernel sends the signal that ends orphans (Pdeathsig)
// when the thread that forked them ends, not when the process does, and Go ends
// threads as it likes. keep is not collected while the child lives: it may hold
// files whose closing would end it.
func Start(cmd *exec.Cmd, keep any) (*Process, error) {
	p := &Process{done: make(chan struct{})}
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

// PID is the process's number. Once the process has ended it may be another's.
func (p *Process) PID() int { return p.pid }

// Done is closed when the process has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// Ended reports whether the process has ended.
func (p *Process) Ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// Wait waits for the end of the process and says how it ended, as exec.Cmd.Wait
// does.
func (p *Process) Wait() error {
	<-p.done
	return p.err
}

const (
	freezeTime = 10 * time.Second // that a busy machine may take to stop a process
	freezeTick = time.Millisecond
)

// Freeze stops the process until it gets SIGCONT, and returns when it stands
// still. The signal alone does not: on a busy machine threads that are running
// go on until the one that takes the signal gets its turn.
func (p *Process) Freeze() error {
	if err := syscall.Kill(p.pid, syscall.SIGSTOP); err != nil {
		return fmt.Errorf("freezing process: %w", err)
	}
	for range freezeTime / freezeTick {
		stopped, err := p.stopped()
		if stopped || err != nil {
			return err
		}
		time.Sleep(freezeTick)
	}
	return errors.New("freezing process: it goes on")
}

// stopped reports whether the process stands still, be it for good.
func (p *Process) stopped() (bool, error) {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(p.pid) + "/stat")
	if p.Ended() || errors.Is(err, fs.ErrNotExist) {
		return true, nil
	}
	if err != nil {
		return false, fmt.Errorf("freezing process: %w", err)
	}
	// PID (NAME) STATE …, where anything may stand in NAME.
	after := string(stat[bytes.LastIndexByte(stat, ')')+1:])
	return strings.HasPrefix(after, " T"), nil
}

// Until looks at done every tick until it says true, fails, or ctx ends.
func Until(ctx context.Context, tick time.Duration, done func() (bool, error)) error {
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
