package process_test

import (
	"context"
	"errors"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"cpis/deploy/dev/process"
)

func start(t *testing.T, name string, args ...string) *process.Process {
	t.Helper()
	p, err := process.Start(exec.CommandContext(t.Context(), name, args...), nil)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestHowAProcessEndsIsTold(t *testing.T) {
	t.Parallel()
	if err := start(t, "true").Wait(); err != nil {
		t.Errorf("true: got %v", err)
	}
	p := start(t, "sh", "-c", "exit 3")
	exit, ok := errors.AsType[*exec.ExitError](p.Wait())
	if !ok || exit.ExitCode() != 3 || !p.Ended() {
		t.Errorf("exit 3: got %v, ended %v", p.Wait(), p.Ended())
	}
}

func TestAProcessRunsUntilItIsEnded(t *testing.T) {
	t.Parallel()
	p := start(t, "sleep", "3600")
	if p.Ended() {
		t.Error("it has ended by itself")
	}
	if err := syscall.Kill(p.PID(), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	<-p.Done()
	if !p.Ended() {
		t.Error("it has not ended")
	}
}

func TestWhatCannotBeStartedIsAnError(t *testing.T) {
	t.Parallel()
	cmd := exec.CommandContext(t.Context(), filepath.Join(t.TempDir(), "absent"))
	if _, err := process.Start(cmd, nil); err == nil {
		t.Error("an absent program was started")
	}
}

func TestUntil(t *testing.T) {
	t.Parallel()
	looks := 0
	if err := process.Until(t.Context(), time.Nanosecond, func() (bool, error) { looks++; return looks == 3, nil }); err != nil || looks != 3 {
		t.Errorf("got %v after %d looks, want none after 3", err, looks)
	}
	broken := errors.New("broken")
	if err := process.Until(t.Context(), time.Hour, func() (bool, error) { return false, broken }); !errors.Is(err, broken) {
		t.Errorf("got %v, want what went wrong", err)
	}
	gone := errors.New("no longer needed")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(gone)
	if err := process.Until(ctx, time.Hour, func() (bool, error) { return false, nil }); !errors.Is(err, gone) {
		t.Errorf("got %v, want why the context ended", err)
	}
}
