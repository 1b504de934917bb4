package audit_test

import (
	"errors"
	"iter"
	"slices"
	"testing"

	"cpis/audit"
)

// checkRange verifies a part of a log whose right edge a Builder holds.
func checkRange(t *testing.T, l *testLog, stored audit.Tiles, from, to int, lines iter.Seq2[[]byte, error]) (audit.Report, error) {
	t.Helper()
	b := &audit.Builder{}
	for _, leaf := range l.leaves {
		b.Append(leaf)
	}
	return audit.CheckRange(t.Context(), l.tree, int64(from), int64(to), b.Over(stored), lines)
}

func TestCheckRangeAcceptsEachPart(t *testing.T) {
	t.Parallel()
	l := bigLog()
	for _, c := range [][2]int{{0, 0}, {0, 256}, {256, 1024}, {65_280, 65_792}, {69_632, 70_000}, {69_888, 70_000}, {0, 70_000}} {
		got, err := checkRange(t, l, l.stored(), c[0], c[1], linesOf(l.lines[c[0]:c[1]]))
		if err != nil || got.Entries != int64(c[1]-c[0]) {
			t.Errorf("%v: got %+v, %v", c, got, err)
		}
	}
	for _, c := range [][2]int{{1, 256}, {0, 255}, {512, 256}, {0, 70_001}, {0, 70_144}} {
		if _, err := checkRange(t, l, l.stored(), c[0], c[1], linesOf(nil)); err == nil || errors.Is(err, audit.ErrBroken) {
			t.Errorf("%v: got %v, want an error that says nothing about the log", c, err)
		}
	}
}

// The first bad entry is named, also among those whose tile is not full yet.
func TestCheckRangeNamesTheFirstBadEntry(t *testing.T) {
	t.Parallel()
	l := bigLog()
	for _, c := range []struct{ from, to, bad int }{
		{0, 512, 0}, {256, 768, 511}, {65_280, 65_792, 65_536}, {69_632, 70_000, 69_887}, {69_632, 70_000, 69_888}, {69_888, 70_000, 69_999},
	} {
		lines := slices.Clone(l.lines[c.from:c.to])
		lines[c.bad-c.from] = forge(lines[c.bad-c.from])
		_, err := checkRange(t, l, l.stored(), c.from, c.to, linesOf(lines))
		wantBad(t, err, audit.BadEntry{Index: int64(c.bad), Last: int64(c.bad), Problem: audit.Changed, Other: -1})
		lines[c.bad-c.from] = nil
		_, err = checkRange(t, l, l.stored(), c.from, c.to, linesOf(lines))
		wantBad(t, err, audit.BadEntry{Index: int64(c.bad), Last: int64(c.bad), Problem: audit.Missing, Other: -1})
	}
}

// A tile that lies is named, and hides neither a bad line nor a good one.
func TestCheckRangeBelievesNoTile(t *testing.T) {
	t.Parallel()
	l := bigLog()
	for _, bad := range []audit.Tile{{Level: 0, Index: 3, Width: 256}, {Level: 1, Index: 0, Width: 256}} {
		stored := l.stored()
		stored[bad] = make([]byte, audit.TileSize)
		got, err := checkRange(t, l, stored, 768, 1024, linesOf(l.lines[768:1024]))
		wantBadTile(t, err, bad.Path(), 1)
		if got.Entries != 256 {
			t.Errorf("%s: %d entries are as signed, want 256", bad.Path(), got.Entries)
		}
		lines := slices.Clone(l.lines[768:1024])
		lines[5] = forge(lines[5])
		var entry *audit.BadEntry
		if _, err := checkRange(t, l, stored, 768, 1024, linesOf(lines)); !errors.As(err, &entry) || entry.Index > 773 || entry.Last < 773 {
			t.Errorf("%s, and a line: got %v", bad.Path(), err)
		}
	}
	stored := l.stored()
	stored[audit.Tile{Level: 1, Index: 0, Width: 256}] = nil
	stored[audit.Tile{Level: 0, Index: 9, Width: 256}] = nil
	if _, err := checkRange(t, l, stored, 0, 256, linesOf(l.lines[:256])); !errors.Is(err, audit.ErrBroken) {
		t.Errorf("with tiles of two levels gone: got %v, want ErrBroken", err)
	}
}

func TestCheckRangeReportsWhatCannotBeRead(t *testing.T) {
	t.Parallel()
	l := newLog(700)
	lines := iter.Seq2[[]byte, error](func(yield func([]byte, error) bool) { yield(nil, errRead) })
	if _, err := checkRange(t, l, l.stored(), 0, 256, lines); !errors.Is(err, errRead) || errors.Is(err, audit.ErrBroken) {
		t.Errorf("got %v, want the error", err)
	}
	if _, err := checkRange(t, l, failing{}, 0, 256, linesOf(l.lines[:256])); !errors.Is(err, errRead) || errors.Is(err, audit.ErrBroken) {
		t.Errorf("got %v, want the error", err)
	}
}
