package audit_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"iter"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"cpis/audit"
)

// TestExportIsAsSpecified compares a small export, file by file.
func TestExportIsAsSpecified(t *testing.T) {
	t.Parallel()
	export := exampleLog().export(t)
	for name, file := range export {
		if !strings.HasPrefix(name, "tile/") && name != "frontier" {
			golden(t, "export/"+name, file.Data)
			continue
		}
		goldenBytes(t, "export/"+name, file.Data)
	}
	if _, err := verify(t, os.DirFS("testdata/export")); err != nil {
		t.Errorf("the golden export does not verify: %v", err)
	}
}

// exampleLog is the log of the worked example, of version 1: a look-up that found a flag, one
// that was refused, and one by a system that could not be answered.
func exampleLog() *testLog {
	l := &testLog{}
	e := exampleEntry()
	l.append(e.AppendLine(nil))
	e = audit.Entry{
		Version: 1, Time: e.Time.Add(1500000000), Salt: [16]byte([]byte("another sixteen.")),
		Actor: "555254240101", Organisation: "A81001", Role: "clinician_scheduled", Action: "look_up",
		Mode: "unscheduled", Subject: e.Subject, Request: "0193596c-8123-7d11-b6c2-90c5a3e1f0aa",
		Outcome: "denied", Rule: "no rule allows it",
	}
	l.append(e.AppendLine(nil))
	e.Time, e.Salt = e.Time.Add(2250000000), [16]byte([]byte("the third sixtee"))
	e.Actor, e.Client, e.Role, e.Mode = "gp-system-2", "gp-system-2", "clinical_system", "scheduled"
	e.Request, e.Responsible = "0193596c-89ec-7a3f-8c11-1f6de2b0c7d4", bytes.Repeat([]byte{0x96}, 32)
	e.Outcome, e.Reason, e.Rule = "cannot_say", "identity_mismatch", "clinical_system at general_practice may look_up scheduled"
	l.append(e.AppendLine(nil))
	return l
}

func TestExportGoesIntoADirectory(t *testing.T) {
	t.Parallel()
	dir, err := os.OpenRoot(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	l := newLog(700)
	if err := audit.Export(t.Context(), l.source(t, 100), audit.CreateIn(dir)); err != nil {
		t.Fatal(err)
	}
	if got, err := verifyFrom(t, dir.FS(), 100); err != nil || got.Entries != 600 {
		t.Errorf("got %+v, %v", got, err)
	}
	if err := audit.Export(t.Context(), l.source(t, 100), audit.CreateIn(dir)); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a second export over the first: got %v, want fs.ErrExist", err)
	}
}

// TestExportOfABrokenLogSucceeds, because it is the evidence.
func TestExportOfABrokenLogSucceeds(t *testing.T) {
	t.Parallel()
	l := newLog(700)
	src := l.source(t, 0)
	src.Lines = linesOf(slices.Delete(slices.Clone(l.lines), 300, 301))
	src.Tiles = hiding{src.Tiles, audit.Tile{Level: 0, Index: 0, Width: 256}}
	got, err := verify(t, mustExport(t, src))
	if got.BadFiles != 1 {
		t.Errorf("got %d bad files, want 1", got.BadFiles)
	}
	wantBad(t, err, audit.BadEntry{Index: 300, Last: 300, Problem: audit.Missing, Other: 301})
}

// hiding is a source that lacks one tile.
type hiding struct {
	audit.Tiles
	hidden audit.Tile
}

func (h hiding) ReadTiles(ctx context.Context, tiles []audit.Tile) ([][]byte, error) {
	data, err := h.Tiles.ReadTiles(ctx, tiles)
	if i := slices.Index(tiles, h.hidden); i >= 0 {
		data[i] = nil
	}
	return data, err
}

// TestProofsCanBeMadeFromAnExport needs nothing but the export.
func TestProofsCanBeMadeFromAnExport(t *testing.T) {
	t.Parallel()
	l := newLog(700)
	export := l.export(t)
	for _, index := range []int64{0, 300, 699} {
		p, err := audit.Prove(t.Context(), audit.ExportedTiles(export), export["checkpoint"].Data, index)
		if err != nil {
			t.Fatal(err)
		}
		if got, _, err := audit.VerifyProof(p.Text(), l.leaves[index], origin, logKeys(t)); err != nil || got != index {
			t.Errorf("entry %d: got %d, %v", index, got, err)
		}
	}
}

// failingFile cannot be written to, or not be closed.
type failingFile struct{ write, closing error }

func (f failingFile) Write(p []byte) (int, error) { return len(p), f.write }
func (f failingFile) Close() error                { return f.closing }

func TestExportReportsWhatWentWrong(t *testing.T) {
	t.Parallel()
	l := newLog(600)
	at := func(name string, file io.WriteCloser, err error) audit.Create {
		files := fstest.MapFS{}
		return func(made string) (io.WriteCloser, error) {
			if made == name {
				return file, err
			}
			return createIn(files)(made)
		}
	}
	for _, name := range []string{"first", entriesFile, "tile/0/000", "tile/0/002.p/88", "tile/1/000.p/2", "frontier", "checkpoint"} {
		for what, create := range map[string]audit.Create{
			"creating": at(name, nil, errRead),
			"writing":  at(name, failingFile{write: errRead}, nil),
			"closing":  at(name, failingFile{closing: errRead}, nil),
		} {
			if err := audit.Export(t.Context(), l.source(t, 1), create); !errors.Is(err, errRead) {
				t.Errorf("%s %s: got %v, want the error", what, name, err)
			}
		}
	}
}

func TestExportNeedsARealDirectory(t *testing.T) {
	t.Parallel()
	dir, err := os.OpenRoot(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	if err := dir.WriteFile("tile", nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := audit.Export(t.Context(), newLog(3).source(t, 0), audit.CreateIn(dir)); err == nil {
		t.Error("an export into a directory with a file in the way: no error")
	}
}

func TestExportReportsABadSource(t *testing.T) {
	t.Parallel()
	l := newLog(20_000) // more tiles than are read at once
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	failingLines := iter.Seq2[[]byte, error](func(yield func([]byte, error) bool) { yield(nil, errRead) })
	for name, c := range map[string]struct {
		late   bool
		change func(*audit.Source)
		want   error
	}{
		"checkpoint that is none":   {false, func(s *audit.Source) { s.Checkpoint = []byte("x") }, audit.ErrMalformed},
		"lines that cannot be read": {false, func(s *audit.Source) { s.Lines = failingLines }, errRead},
		"tiles that cannot be read": {false, func(s *audit.Source) { s.Tiles = failing{} }, errRead},
		"time is up":                {true, func(*audit.Source) {}, context.Canceled},
		"time is up after no lines": {true, func(s *audit.Source) { s.Lines = linesOf(nil) }, context.Canceled},
	} {
		src := l.source(t, 0)
		c.change(&src)
		files := fstest.MapFS{}
		ctx := t.Context()
		if c.late {
			ctx = cancelled
		}
		if err := audit.Export(ctx, src, createIn(files)); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", name, err, c.want)
		}
		if files["checkpoint"] != nil {
			t.Errorf("%s: an export that failed has a checkpoint", name)
		}
	}
}
