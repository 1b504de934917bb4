package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"cpis/audit"
	"cpis/service/auditlog"
)

// The printed command can be pasted again and again, and verifies what it has
// just exported or nothing.
func TestAuditingExportsAnewEachTime(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	// The program is stood in for by a script that notes how it was called.
	program := filepath.Join(dir, "cpis")
	script := "#!/bin/sh\n" +
		`case "$2" in export) ` + `[ ! -e ` + dir + `/away ] && mkdir "$5" || exit 1;; key) echo a key; exit;; esac` + "\n" +
		`echo "$*" >>` + dir + "/calls\n"
	if err := os.WriteFile(program, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	paste := func() error {
		cmd := exec.CommandContext(t.Context(), "sh", "-c", auditing(program))
		cmd.Env = append(os.Environ(), "TMPDIR="+dir)
		said, err := cmd.CombinedOutput()
		if err != nil {
			err = fmt.Errorf("%w: %s", err, said)
		}
		return err
	}
	for range 2 {
		if err := paste(); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "away"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := paste(); err == nil {
		t.Error("an export that failed was taken for one that did not")
	}
	calls, err := os.ReadFile(filepath.Join(dir, "calls"))
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(calls)), "\n")
	if len(lines) != 4 || lines[0] == lines[2] {
		t.Fatalf("got calls\n%s", calls)
	}
	for i := 0; i < len(lines); i += 2 {
		name, ok := strings.CutPrefix(lines[i], "audit export --reason routine ")
		if want := "audit verify " + name + " --key a key"; !ok || lines[i+1] != want {
			t.Errorf("after %q: got %q, want %q", lines[i], lines[i+1], want)
		}
	}
}

func TestExportSaysWhatItLacks(t *testing.T) {
	t.Parallel()
	const exported = "Exported 7 entries of log.example/1 to export.\n"
	for unsigned, want := range map[int64]string{
		0: exported,
		1: exported + "1 newer entry is not signed yet: a running server signs it within a second.\n",
		3: exported + "3 newer entries are not signed yet: a running server signs them within a second.\n",
	} {
		var out strings.Builder
		e := auditlog.Exported{Checkpoint: audit.Checkpoint{Origin: "log.example/1", Size: 7}, Unsigned: unsigned}
		if err := printExported(&out, e, "export"); err != nil || out.String() != want {
			t.Errorf("got %q, %v, want %q", out.String(), err, want)
		}
	}
}
