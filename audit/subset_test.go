package audit_test

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"slices"
	"testing"

	"golang.org/x/mod/sumdb/tlog"

	"cpis/audit"
)

// proveSubset proves some entries of a log. Of those in without the line is not
// there.
func proveSubset(tb testing.TB, l *testLog, indexes []int64, without map[int64]bool) ([]byte, error) {
	tb.Helper()
	var text bytes.Buffer
	w := audit.NewSubsetWriter(tb.Context(), l.tree.Checkpoint(origin), l.tiles(), &text)
	for _, i := range indexes {
		var err error
		if without[i] {
			_, err = w.AddUnknown(i)
		} else {
			err = w.Add(i, l.leaves[i], true)
		}
		if err != nil {
			return nil, err
		}
	}
	err := w.Close()
	return text.Bytes(), err
}

// readSubset returns which entries a proof shows.
func readSubset(c audit.Checkpoint, text []byte, leaf func(int64) audit.Hash) (indexes []int64, err error) {
	r := audit.NewSubsetReader(c, bytes.NewReader(text))
	for {
		e, err := r.Next()
		if errors.Is(err, io.EOF) {
			return indexes, nil
		}
		if err != nil {
			return indexes, err
		}
		h := e.Leaf
		if e.Line {
			h = leaf(e.Index)
		}
		if !e.Fits(h) {
			return indexes, &audit.BadEntry{Index: e.Index, Last: e.Index, Problem: audit.Changed, Other: -1}
		}
		r.Confirm(h)
		indexes = append(indexes, e.Index)
	}
}

// subsetsOf are some of the entries of a log: none, all, the ends, every third, and
// by chance.
func subsetsOf(n int) [][]int64 {
	all := make([]int64, n)
	for i := range all {
		all[i] = int64(i)
	}
	random := rand.New(rand.NewPCG(7, uint64(n)))
	some := func(keep func(i int64) bool) []int64 {
		return slices.DeleteFunc(slices.Clone(all), func(i int64) bool { return !keep(i) })
	}
	return [][]int64{
		nil, all,
		some(func(i int64) bool { return i == 0 || i == int64(n)-1 }),
		some(func(i int64) bool { return i%3 == 1 }),
		some(func(int64) bool { return random.IntN(10) == 0 }),
	}
}

// Whatever entries are proved, the proof shows exactly those, and that of each
// alone satisfies the reference implementation.
func TestSubset_ShowsTheEntriesAndNoOthers(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 1, 2, 3, 7, 8, 255, 256, 257, 700} {
		l := newLog(n)
		signed := l.signed(t)
		for _, indexes := range subsetsOf(n) {
			without := map[int64]bool{}
			for i, index := range indexes {
				without[index] = i%5 == 4
			}
			text, err := proveSubset(t, l, indexes, without)
			if err != nil {
				t.Fatalf("%d of %d entries: %v", len(indexes), n, err)
			}
			got, err := readSubset(l.tree.Checkpoint(origin), text, func(i int64) audit.Hash { return l.leaves[i] })
			if err != nil || !slices.Equal(got, indexes) {
				t.Fatalf("%d of %d entries: got %v, %v", len(indexes), n, got, err)
			}
			for _, index := range indexes[:min(len(indexes), 5)] {
				checkOne(t, l, signed, text, index)
			}
		}
	}
}

// checkOne checks the proof of one entry that is made out of that of several.
func checkOne(t *testing.T, l *testLog, signed, text []byte, index int64) {
	t.Helper()
	p, err := audit.ProveOne(signed, bytes.NewReader(text), index, func(at int64) (audit.Hash, error) { return l.leaves[at], nil })
	if err != nil {
		t.Fatalf("ProveOne(%d): %v", index, err)
	}
	if err := tlog.CheckRecord(p.Hashes, l.tree.Size(), l.tree.Root(), index, l.leaves[index]); err != nil {
		t.Errorf("entry %d of %d: %v", index, l.tree.Size(), err)
	}
	if i, _, err := audit.VerifyProof(p.Text(), l.leaves[index], origin, logKeys(t)); err != nil || i != index {
		t.Errorf("VerifyProof of entry %d: got %d, %v", index, i, err)
	}
}

// Another line, another text, or another checkpoint: nothing passes.
func TestSubset_FindsWhatIsWrong(t *testing.T) {
	t.Parallel()
	l := newLog(300)
	indexes := subsetsOf(300)[3]
	text, err := proveSubset(t, l, indexes, map[int64]bool{indexes[1]: true})
	if err != nil {
		t.Fatal(err)
	}
	right := func(i int64) audit.Hash { return l.leaves[i] }
	for _, bad := range indexes[2:8] {
		_, err := readSubset(l.tree.Checkpoint(origin), text, func(i int64) audit.Hash {
			if i == bad {
				return l.leaves[i+1]
			}
			return l.leaves[i]
		})
		if e, ok := errors.AsType[*audit.BadEntry](err); !ok || e.Index != bad {
			t.Errorf("entry %d was changed: got %v", bad, err)
		}
	}
	for at := 0; at < len(text); at += 13 {
		changed := slices.Clone(text)
		changed[at] ^= 1
		if got, err := readSubset(l.tree.Checkpoint(origin), changed, right); err == nil {
			t.Fatalf("byte %d of the proof was changed, and it shows %v", at, got)
		} else if !errors.Is(err, audit.ErrBroken) {
			t.Fatalf("byte %d of the proof was changed: got %v", at, err)
		}
	}
	for end := 0; end < len(text); end += 11 {
		if got, err := readSubset(l.tree.Checkpoint(origin), text[:end], right); err == nil {
			t.Fatalf("the proof was cut off at %d, and shows %v", end, got)
		}
	}
	other := newLog(301)
	if _, err := readSubset(other.tree.Checkpoint(origin), text, right); !errors.Is(err, audit.ErrBroken) {
		t.Errorf("another checkpoint: got %v", err)
	}
}

// A proof that would show nothing is not written.
func TestSubset_RefusesWhatDoesNotAddUp(t *testing.T) {
	t.Parallel()
	l := newLog(600)
	w := audit.NewSubsetWriter(t.Context(), l.tree.Checkpoint(origin), l.tiles(), io.Discard)
	if err := errors.Join(w.Add(5, l.leaves[6], true), w.Close()); !errors.Is(err, audit.ErrBroken) {
		t.Errorf("another line: got %v", err)
	}
	w = audit.NewSubsetWriter(t.Context(), l.tree.Checkpoint(origin), l.tiles(), io.Discard)
	if err := w.Add(600, l.leaves[0], true); err == nil {
		t.Error("an entry behind the checkpoint was taken")
	}
	if err := errors.Join(w.Add(7, l.leaves[7], true), w.Add(7, l.leaves[7], true)); err == nil {
		t.Error("an entry was taken twice")
	}
	stored := l.stored()
	wrong := slices.Clone(stored[audit.Tile{Width: audit.TileWidth}])
	wrong[3] ^= 1
	stored[audit.Tile{Width: audit.TileWidth}] = wrong
	w = audit.NewSubsetWriter(t.Context(), l.tree.Checkpoint(origin), stored, io.Discard)
	if err := errors.Join(w.Add(590, l.leaves[590], true), w.Close()); err == nil {
		t.Error("a changed tile was believed")
	}
}

// FuzzSubsetReader: nothing shows an entry that is not in the log.
func FuzzSubsetReader(f *testing.F) {
	l := newLog(40)
	for _, indexes := range subsetsOf(40) {
		text, err := proveSubset(f, l, indexes, map[int64]bool{1: true})
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		_, err := readSubset(l.tree.Checkpoint(origin), text, func(i int64) audit.Hash { return l.leaves[i] })
		if err != nil && !errors.Is(err, audit.ErrBroken) {
			t.Errorf("got %v", err)
		}
	})
}
