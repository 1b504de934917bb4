package audit_test

import (
	"bytes"
	"errors"
	"testing"

	"cpis/audit"
)

func TestKeptCheckpointsAgree(t *testing.T) {
	t.Parallel()
	l := newLog(1000)
	var kept [][]byte
	for _, size := range []int{1000, 0, 1, 255, 256, 300, 511, 512, 999} { // in no order
		kept = append(kept, l.at(size).signed(t))
	}
	for _, first := range []int{0, 400, 1000} {
		got, err := verifyFrom(t, mustExport(t, l.source(t, first)), first, kept...)
		if err != nil || got.Kept != len(kept) {
			t.Errorf("lines from %d: got %d of %d, %v", first, got.Kept, len(kept), err)
		}
	}
}

// TestKeptCheckpointsRevealARewrittenLog has an operator with the signing key
// change an entry and sign the whole log anew. Nothing is wrong with the export
// but that somebody remembers.
func TestKeptCheckpointsRevealARewrittenLog(t *testing.T) {
	t.Parallel()
	honest := newLog(1000)
	for _, at := range []int{0, 254, 255, 256, 511, 700, 998} {
		forged := &testLog{}
		for i, line := range honest.lines {
			if i == at {
				line = bytes.Replace(line, []byte("RJ1"), []byte("RJ2"), 1)
			}
			forged.append(line)
		}
		export := forged.export(t)
		if _, err := verify(t, export); err != nil {
			t.Fatalf("entry %d: a log signed anew does not verify: %v", at, err)
		}
		if _, err := verify(t, export, honest.at(at).signed(t)); err != nil {
			t.Errorf("entry %d: a checkpoint of before contradicts: %v", at, err)
		}
		for _, size := range []int{at + 1, 1000} {
			if _, err := verify(t, export, honest.at(size).signed(t)); !errors.Is(err, audit.ErrForked) || !errors.Is(err, audit.ErrBroken) {
				t.Errorf("entry %d: kept checkpoint of %d: got %v, want ErrForked", at, size, err)
			}
		}
	}
}

func TestKeptCheckpointsRevealALogCutShort(t *testing.T) {
	t.Parallel()
	l := newLog(600)
	export := l.at(500).export(t)
	if _, err := verify(t, export); err != nil {
		t.Fatal(err)
	}
	if _, err := verify(t, export, l.signed(t)); !errors.Is(err, audit.ErrRolledBack) || !errors.Is(err, audit.ErrBroken) {
		t.Errorf("got %v, want ErrRolledBack", err)
	}
}

func TestKeptCheckpointsMustBeGood(t *testing.T) {
	t.Parallel()
	l := newLog(600)
	c := l.at(500).tree.Checkpoint(origin)
	if _, err := verify(t, l.export(t), mustSign(t, c, signer(2))); !errors.Is(err, audit.ErrSignature) {
		t.Errorf("got %v, want ErrSignature", err)
	}
}

// TestWhatIsNoCheckpointOfTheLogIsNoEvidence: a file that was kept in another
// form, or of another log, says nothing about this one.
func TestWhatIsNoCheckpointOfTheLogIsNoEvidence(t *testing.T) {
	t.Parallel()
	l := newLog(5)
	elsewhere := l.tree.Checkpoint("elsewhere.example/log")
	for name, c := range map[string]struct {
		kept []byte
		want error
	}{
		"an answer in JSON": {[]byte(`{"checkpoint":"x"}`), audit.ErrMalformed},
		"cut off":           {l.signed(t)[:40], audit.ErrMalformed},
		"empty":             {nil, audit.ErrMalformed},
		"of another log":    {mustSign(t, elsewhere, signer(1)), audit.ErrOtherLog},
	} {
		if _, err := verify(t, l.export(t), c.kept); !errors.Is(err, c.want) || errors.Is(err, audit.ErrBroken) {
			t.Errorf("%s: got %v, want %v and not ErrBroken", name, err, c.want)
		}
	}
}

// TestKeptCheckpointAmongLostHashes cannot be compared, and says so.
func TestKeptCheckpointAmongLostHashes(t *testing.T) {
	t.Parallel()
	l := newLog(1000)
	export := mustExport(t, l.source(t, 800))
	delete(export, "tile/0/001")
	got, err := verify(t, export, l.at(256).signed(t), l.at(300).signed(t), l.at(900).signed(t))
	var tile *audit.BadTile
	if !errors.Is(err, audit.ErrBroken) || errors.As(err, &tile) || errors.Is(err, audit.ErrForked) || got.Kept != 2 {
		t.Errorf("got %d kept, %v", got.Kept, err)
	}
}
