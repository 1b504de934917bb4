package process_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
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

// A frozen process does nothing more until it may go on.
func TestAFrozenProcessStandsStill(t *testing.T) {
	t.Parallel()
	p := start(t, "sh", "-c", "while :; do :; done")
	if err := p.Freeze(); err != nil {
		t.Fatal(err)
	}
	used := func() string {
		stat, err := os.ReadFile("/proc/" + strconv.Itoa(p.PID()) + "/stat")
		if err != nil {
			t.Fatal(err)
		}
		return strings.Join(strings.Fields(string(stat))[13:15], " ") // processor time
	}
	before := used()
	if err := exec.CommandContext(t.Context(), "sleep", "0.2").Run(); err != nil {
		t.Fatal(err)
	}
	if after := used(); after != before {
		t.Errorf("it went on: used %s before and %s after", before, after)
	}
	if err := syscall.Kill(p.PID(), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if err := p.Wait(); err == nil {
		t.Error("it ended well")
	}
}
