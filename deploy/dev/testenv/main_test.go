package main

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/url"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// given are addresses that no test here calls, so that nothing is started.
var given = []string{
	"PATH=/usr/bin:/bin", "TEST_DATABASE_URL=postgres://given", "TEST_VAULT_ADDR=http://given", "TEST_VAULT_TOKEN=given",
}

func TestCommandEndsAsItEndsByItself(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, script string
		want         int
	}{
		{"Success", "exit 0", 0},
		{"Failure", "exit 7", 7},
		{"Killed", "kill -TERM $$", 128 + 15},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := run(t.Context(), []string{"--", "sh", "-c", tt.script}, given, io.Discard, io.Discard)
			if err != nil || got != tt.want {
				t.Errorf("run: got %d, %v, want %d", got, err, tt.want)
			}
		})
	}
}

func TestOutputPassesThrough(t *testing.T) {
	t.Parallel()
	var out, errOut bytes.Buffer
	script := `echo "$TEST_DATABASE_URL $TEST_VAULT_ADDR $TEST_VAULT_TOKEN"; echo oh >&2`
	if _, err := run(t.Context(), []string{"--", "sh", "-c", script}, given, &out, &errOut); err != nil {
		t.Fatal(err)
	}
	want := []string{"postgres://given http://given given\n", "oh\n"}
	if diff := cmp.Diff(want, []string{out.String(), errOut.String()}); diff != "" {
		t.Errorf("output (-want +got):\n%s", diff)
	}
}

func TestWhatCannotBeRunIsSaid(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{nil, {"--"}, {"go", "test"}, {"--", "/nowhere/at-all"}} {
		if code, err := run(t.Context(), args, given, io.Discard, io.Discard); err == nil || code != failed {
			t.Errorf("run(%q): got %d, %v, want %d and an error", args, code, err, failed)
		}
	}
}

func TestInterruptReachesAllThatWasStarted(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	// The child of the command says its number when it is there.
	said := &listener{heard: cancel}
	code, err := run(ctx, []string{"--", "sh", "-c", "sh -c 'echo $$; exec sleep 600'; exit 0"}, given, said, io.Discard)
	if err != nil || code == 0 {
		t.Errorf("run: got %d, %v, want another exit code than 0", code, err)
	}
	child, err := strconv.Atoi(strings.TrimSpace(said.text.String()))
	if err != nil {
		t.Fatal(err)
	}
	wantGone(t, child)
}

// A listener tells when something was written.
type listener struct {
	text  bytes.Buffer
	heard func()
}

func (l *listener) Write(b []byte) (int, error) {
	defer l.heard()
	return l.text.Write(b)
}

func TestServersLiveAsLongAsTheCommand(t *testing.T) {
	t.Parallel()
	if os.Getenv("TEST_DATABASE_URL") == "" || os.Getenv("TEST_VAULT_ADDR") == "" {
		if os.Getenv("CI") != "" {
			t.Fatal("run this through make test")
		}
		t.Skip("run this through make test, which knows that both servers are installed")
	}
	var out, errOut bytes.Buffer
	script := `echo "$TEST_DATABASE_URL"; echo "$TEST_VAULT_ADDR $TEST_VAULT_TOKEN"; exit 3`
	code, err := run(t.Context(), []string{"--", "sh", "-c", script}, []string{"PATH=" + os.Getenv("PATH")}, &out, &errOut)
	if err != nil || code != 3 {
		t.Fatalf("run: got %d, %v, want 3\n%s", code, err, errOut.String())
	}
	fields := strings.Fields(out.String())
	if len(fields) != 3 {
		t.Fatalf("addresses: got %q, want three", fields)
	}
	wantStopped(t, "unix", socketOf(t, fields[0]))
	wantStopped(t, "tcp", strings.TrimPrefix(fields[1], "http://"))
}

// socketOf returns the unix socket of a database's address.
func socketOf(t *testing.T, address string) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil || !u.Query().Has("host") || !u.Query().Has("port") {
		t.Fatalf("%q is not the address of a database at a unix socket", address)
	}
	return u.Query().Get("host") + "/.s.PGSQL." + u.Query().Get("port")
}

func wantStopped(t *testing.T, network, address string) {
	t.Helper()
	var dialer net.Dialer
	conn, err := dialer.DialContext(t.Context(), network, address)
	if err == nil {
		t.Errorf("somebody still answers at %s", address)
		_ = conn.Close()
	}
}

// wantGone waits until a process has ended.
func wantGone(t *testing.T, pid int) {
	t.Helper()
	deadline := time.After(10 * time.Second)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for syscall.Kill(pid, 0) == nil {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("process %d is still there", pid)
		}
	}
}
