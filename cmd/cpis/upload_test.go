package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestUpload_AsksOrIsTold(t *testing.T) {
	t.Parallel()
	file := tokenFile(t, "any file")
	command(t, "y\n", "upload", "--token-file", file, file).want(t, 1, "give --yes")
}

func TestUpload_AsksUntilYes(t *testing.T) {
	t.Parallel()
	for answer, want := range map[string]bool{"y\n": true, "Yes\n": true, "n\n": false, "\n": false, "": false, "yesterday\n": false} {
		var prompt strings.Builder
		u := uploader{w: &world{stdin: strings.NewReader(answer), stderr: &prompt}}
		if got, err := u.ask(); got != want || err != nil {
			t.Errorf("ask, answered %q: got %v, %v, want %v", answer, got, err, want)
		}
	}
}

func TestCellsAreNoFormulas(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{"": "", "fine": "fine", "=1+1": "'=1+1", "-2": "'-2", "@x": "'@x", "\tx": "'\tx"} {
		if got := cell(text); got != want {
			t.Errorf("cell(%q): got %q, want %q", text, got, want)
		}
	}
}

// testUploads tries uploads against a running demo.
func testUploads(t *testing.T, d *running) {
	t.Helper()
	const header = "nhs_number,family_name,given_name,date_of_birth,kind,start,restricted\n"
	good := header + "999 123 4578,Testname,Zofia,2019-03-01,cpp,2026-05-01,no\n"
	write := func(text string) string {
		name := filepath.Join(t.TempDir(), "plans.csv")
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	lookup := func(status int) {
		t.Helper()
		d.command(t, "", "lookup", "--as", "gp", "999 123 4578").want(t, status)
	}

	name := write(good)
	d.command(t, "", "upload", "--as", "lead", "--check-only", name).want(t, 0, "Only checked: nothing was changed.")
	lookup(exitNoFlagKnown)

	u := d.uploader(t, name, good)
	err := u.upload(t.Context(), func() (bool, error) { return false, nil })
	if !errors.Is(err, errDeclined) {
		t.Errorf("upload that was declined: got %v", err)
	}
	lookup(exitNoFlagKnown)

	wrong := write(good + "999 123 4579,Othername,Anton,2019-03-01,cpp,2026-05-01,no\n")
	d.command(t, "", "upload", "--as", "lead", "--yes", wrong).want(t, exitRejected,
		"line 3, rejected: nhs_number is not an NHS number", "Nothing was applied")
	lookup(exitNoFlagKnown)
	result, err := os.ReadFile(wrong + ".result.csv")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(result), "\n2,new,,,,\n3,rejected,,nhs_number,") {
		t.Errorf("result: got\n%s", result)
	}
	for _, personal := range []string{"9991234579", "999 123 457", "Testname", "Othername", "Zofia", "Anton", "2019-03-01"} {
		if strings.Contains(string(result), personal) {
			t.Errorf("the result repeats %q:\n%s", personal, result)
		}
	}

	applied := d.command(t, "", "upload", "--as", "lead", "--yes", name)
	applied.want(t, 0, "Applied: entry ", "What became of each row stands in "+name+".result.csv.")
	if n := strings.Count(applied.stdout, "What became of each row"); n != 1 {
		t.Errorf("upload --yes: reported %d times, want once:\n%s", n, applied.stdout)
	}
	lookup(exitFlagHeld)
	d.command(t, "", "upload", "--as", "nurse", "--yes", name).want(t, 1, "not permitted")
}

func (d *running) uploader(t *testing.T, name, text string) *uploader {
	t.Helper()
	service, err := (&connection{URL: d.url, As: "lead", IDP: d.idp}).dial(context.WithoutCancel(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	return &uploader{service: service, file: []byte(text), name: name, w: &world{stdout: &strings.Builder{}, stderr: &strings.Builder{}}}
}
