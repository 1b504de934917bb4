package vaultdev

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"sync"
	"syscall"

	"cpis/deploy/dev/process"
)

// vault is a running server.
type vault struct {
	*process.Process

	said *tail
}

// spawn starts cmd, which ends with this process.
func spawn(cmd *exec.Cmd) (vault, error) {
	v := vault{said: &tail{}}
	cmd.Stdout, cmd.Stderr = v.said, v.said
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Pdeathsig: syscall.SIGKILL,
		Setpgid:   true, // Ctrl-C is for the one who started it
	}
	var err error
	v.Process, err = process.Start(cmd, nil)
	return v, err
}

// signal sends a signal, if there is still somebody to get it.
func (v vault) signal(s syscall.Signal) error {
	if v.Ended() {
		return errEnded
	}
	if err := syscall.Kill(v.PID(), s); err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("signalling Vault: %w", err)
	}
	return nil
}

// stop asks the server to end and waits; if ctx ends first, it is killed.
func (v vault) stop(ctx context.Context) error {
	if v.Ended() {
		return nil
	}
	// A paused server could not obey.
	if err := errors.Join(v.signal(syscall.SIGTERM), v.signal(syscall.SIGCONT)); err != nil && !v.Ended() {
		return err
	}
	select {
	case <-v.Done():
		return nil
	case <-ctx.Done():
		return errors.Join(fmt.Errorf("waiting for Vault to stop: %w", context.Cause(ctx)), v.kill())
	}
}

// kill ends the server at once.
func (v vault) kill() error {
	if v.Ended() {
		return nil
	}
	if err := v.signal(syscall.SIGKILL); err != nil && !v.Ended() {
		return err
	}
	<-v.Done()
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
