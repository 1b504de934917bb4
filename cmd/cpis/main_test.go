package main

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write golden files anew")

// outcome is what a command line came to.
type outcome struct {
	status         int
	stdout, stderr string
}

// command runs a command line with an empty environment and nobody at a
// terminal.
func command(tb testing.TB, stdin string, args ...string) outcome {
	tb.Helper()
	var stdout, stderr bytes.Buffer
	status := run(tb.Context(), args, &world{
		getenv: func(string) string { return "" },
		stdin:  strings.NewReader(stdin),
		stdout: &stdout,
		stderr: &stderr,
	})
	return outcome{status, stdout.String(), stderr.String()}
}

func (o outcome) want(tb testing.TB, status int, said ...string) {
	tb.Helper()
	if o.status != status {
		tb.Errorf("status: got %d, want %d; stdout:\n%s\nstderr:\n%s", o.status, status, o.stdout, o.stderr)
	}
	for _, text := range said {
		if !strings.Contains(o.stdout+o.stderr, text) {
			tb.Errorf("got\n%s%s\nwant %q in it", o.stdout, o.stderr, text)
		}
	}
}

func TestHelpIsAsReviewed(t *testing.T) {
	t.Parallel()
	var all strings.Builder
	for _, line := range []string{
		"", "serve", "dev", "migrate", "lookup", "token",
		"plan", "plan register", "plan amend", "plan birth", "plan list", "plan propose", "person", "person find", "work", "upload", "upload send", "upload approve",
		"notice", "notice watch", "notice acknowledge", "channel", "channel put", "contact", "contact set", "encounter", "encounter missed", "admin", "admin policy", "admin explain", "admin status",
		"report", "report child", "report break-glass", "report many", "report count", "report rebuild", "report check",
		"audit export", "audit verify", "audit key", "audit checkpoint", "audit consistency", "audit proof", "audit prove", "audit verify-proof", "sign-in", "sign-out",
		"keys rewrap", "keys rotate-index", "keys retag", "keys retire-index",
		"instance claim", "organisation list", "organisation add", "authority list", "authority contact",
	} {
		o := command(t, "", append(strings.Fields(line), "--help")...)
		o.want(t, 0)
		all.WriteString("$ cpis " + strings.TrimSpace(line+" --help") + "\n" + o.stdout + o.stderr + "\n")
	}
	golden(t, "help.golden", all.String())
}

// golden compares a text with a file of testdata.
func golden(tb testing.TB, name, got string) {
	tb.Helper()
	name = filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(name, []byte(got), 0o600); err != nil {
			tb.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		tb.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		tb.Errorf("%s (-want +got); -update writes it anew:\n%s", name, diff)
	}
}

func TestNoCommandPrintsTheHelp(t *testing.T) {
	t.Parallel()
	help := command(t, "", "--help")
	if diff := cmp.Diff(outcome{status: 2, stderr: help.stdout}, command(t, ""), cmp.AllowUnexported(outcome{})); diff != "" {
		t.Errorf("cpis alone (-want +got):\n%s", diff)
	}
}

func TestWrongCommandLinesEndWithTwo(t *testing.T) {
	t.Parallel()
	for _, line := range []string{"", "look", "lookup", "lookup --mode sometimes 9990000018", "serve now", "audit", "dev --port 1", "plan", "plan list all"} {
		o := command(t, "", strings.Fields(line)...)
		if o.status != 2 || o.stderr == "" || o.stdout != "" {
			t.Errorf("cpis %s: got status %d, stdout %q, stderr %q", line, o.status, o.stdout, o.stderr)
		}
	}
}
