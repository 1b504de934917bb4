package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// patience is how long an interrupted command may take to end.
const patience = 20 * time.Second

// execute runs a command in a process group of its own, so that an interrupt
// reaches all it started: the go command does not pass one on to the tests.
func execute(ctx context.Context, command, environ []string, out, errOut io.Writer) (code int, err error) {
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Env = environ
	cmd.Stdout = out
	cmd.Stderr = errOut
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return signalGroup(cmd.Process.Pid, syscall.SIGINT) }
	cmd.WaitDelay = patience
	if err := cmd.Start(); err != nil {
		return failed, fmt.Errorf("starting the command: %w", err)
	}
	err = cmd.Wait()
	// Whoever is left of the group has nobody to wait for it.
	killErr := signalGroup(cmd.Process.Pid, syscall.SIGKILL)
	if killErr != nil && !errors.Is(killErr, os.ErrProcessDone) {
		return failed, fmt.Errorf("ending what the command left behind: %w", killErr)
	}
	return codeOf(err)
}

// codeOf is the exit code that a shell would see.
func codeOf(err error) (int, error) {
	if err == nil {
		return 0, nil
	}
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return failed, fmt.Errorf("running the command: %w", err)
	}
	if status, ok := exit.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return 128 + int(status.Signal()), nil
	}
	return exit.ExitCode(), nil
}

// signalGroup signals a process and all it started. It returns
// os.ErrProcessDone if there is nobody left.
func signalGroup(pid int, s syscall.Signal) error {
	err := syscall.Kill(-pid, s)
	if errors.Is(err, syscall.ESRCH) {
		return os.ErrProcessDone
	}
	return err
}
