package vaultdev

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"runtime"
	"sync"
	"syscall"
)

// process is a running server.
type process struct {
	pid  int
	done chan struct{} // closed when it has ended
	said *tail
}

// spawn starts cmd on an operating system thread of its own, which lives as
// long as the child: the kernel sends the signal that ends orphans when the
// thread that forked them ends, not when the process does, and Go ends threads
// as it likes.
func spawn(cmd *exec.Cmd) (*process, error) {
	p := &process{done: make(chan struct{}), said: &tail{}}
	cmd.Stdout, cmd.Stderr = p.said, p.said
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Pdeathsig: syscall.SIGKILL,
		Setpgid:   true, // Ctrl-C is for the one who started it
	}
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
		_ = cmd.Wait() // how it ended is of no interest: that it did is
		close(p.done)
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

// signal sends a signal, if there is still somebody to get it.
func (p *process) signal(s syscall.Signal) error {
	if p.ended() {
		return errEnded
	}
	if err := syscall.Kill(p.pid, s); err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("signalling Vault: %w", err)
	}
	return nil
}

// stop asks the server to end and waits; if ctx ends first, it is killed.
func (p *process) stop(ctx context.Context) error {
	if p.ended() {
		return nil
	}
	// A paused server could not obey.
	if err := errors.Join(p.signal(syscall.SIGTERM), p.signal(syscall.SIGCONT)); err != nil && !p.ended() {
		return err
	}
	select {
	case <-p.done:
		return nil
	case <-ctx.Done():
		return errors.Join(fmt.Errorf("waiting for Vault to stop: %w", context.Cause(ctx)), p.kill())
	}
}

// kill ends the server at once.
func (p *process) kill() error {
	if p.ended() {
		return nil
	}
	if err := p.signal(syscall.SIGKILL); err != nil && !p.ended() {
		return err
	}
	<-p.done
	return nil
}

// tail keeps the last of what the server says, to explain why it did not
// start.
type tail struct {
	mu   sync.Mutex
	said []byte
}

const tailSize = 4096

// Write implements io.Writer.
func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.said = append(t.said, b...)
	if extra := len(t.said) - tailSize; extra > 0 {
		t.said = append(t.said[:0], t.said[extra:]...)
	}
	return len(b), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.said)
}
