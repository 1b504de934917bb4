package audit_test

import (
	"bytes"
	"errors"
	"testing"

	"cpis/audit"
)

func mustProve(tb testing.TB, l *testLog, index int64) []byte {
	tb.Helper()
	p, err := audit.Prove(tb.Context(), l.tiles(), l.signed(tb), index)
	if err != nil {
		tb.Fatalf("Prove(%d): %v", index, err)
	}
	return p.Text()
}

func TestProofIsAsSpecified(t *testing.T) {
	t.Parallel()
	golden(t, "proof.golden", mustProve(t, exampleLog(), 1))
}

func TestEveryEntryIsProved(t *testing.T) {
	t.Parallel()
	for _, size := range []int{1, 2, 3, 7, 256, 300} {
		l := newLog(size)
		tiles, signed, keys := l.tiles(), l.signed(t), logKeys(t)
		for index := range l.lines {
			p, err := audit.Prove(t.Context(), tiles, signed, int64(index))
			if err != nil {
				t.Fatal(err)
			}
			got, c, err := audit.VerifyProof(p.Text(), l.leaves[index], origin, keys)
			if err != nil || got != int64(index) || c != l.tree.Checkpoint(origin) {
				t.Fatalf("entry %d of %d: got %d, %v, %v", index, size, got, c, err)
			}
		}
	}
}

func TestProofOfALargeLog(t *testing.T) {
	t.Parallel()
	l := bigLog()
	for _, index := range []int64{0, 1, 255, 256, 65_535, 65_536, 65_791, 65_792, 69_999} {
		text := mustProve(t, l, index)
		if got, _, err := audit.VerifyProof(text, l.leaves[index], origin, logKeys(t)); err != nil || got != index {
			t.Errorf("entry %d: got %d, %v", index, got, err)
		}
	}
}

func TestNoProofShowsAnotherEntry(t *testing.T) {
	t.Parallel()
	l := newLog(20)
	text := mustProve(t, l, 7)
	for index, leaf := range l.leaves {
		_, _, err := audit.VerifyProof(text, leaf, origin, logKeys(t))
		if index != 7 && !errors.Is(err, audit.ErrBroken) {
			t.Errorf("entry %d: got %v, want ErrBroken", index, err)
		}
	}
}

func TestNoChangedProofVerifies(t *testing.T) {
	t.Parallel()
	l := newLog(20)
	text := mustProve(t, l, 7)
	for i := range text {
		for _, bit := range []int{0, 3, 7} {
			changed := bytes.Clone(text)
			changed[i] ^= 1 << bit
			// Base64 has bits that mean nothing at the end of the signature.
			if _, _, err := audit.VerifyProof(changed, l.leaves[7], origin, logKeys(t)); err == nil && i < len(text)-4 {
				t.Errorf("bit %d of byte %d does not matter", bit, i)
			}
		}
	}
	for n := range text {
		if _, _, err := audit.VerifyProof(text[:n], l.leaves[7], origin, logKeys(t)); err == nil {
			t.Errorf("the first %d bytes verify", n)
		}
	}
}

// TestAProofThatDoesNotHoldIsBroken, and one that cannot be read is not.
func TestAProofThatDoesNotHoldIsBroken(t *testing.T) {
	t.Parallel()
	l := newLog(20)
	p, err := audit.ParseProof(mustProve(t, l, 7))
	if err != nil {
		t.Fatal(err)
	}
	with := func(signed []byte) []byte {
		changed := p
		changed.Checkpoint = signed
		return changed.Text()
	}
	for name, c := range map[string]struct {
		text   []byte
		want   error
		broken bool
	}{
		"an answer in JSON":      {[]byte(`{"proof":"x"}`), audit.ErrMalformed, false},
		"a checkpoint cut short": {with(p.Checkpoint[:len(p.Checkpoint)-4]), audit.ErrMalformed, false},
		"signed by a stranger":   {with(mustSign(t, l.tree.Checkpoint(origin), signer(2))), audit.ErrSignature, true},
		"of another log":         {with(mustSign(t, l.tree.Checkpoint("elsewhere.example/log"), signer(1))), audit.ErrOtherLog, true},
	} {
		_, _, err := audit.VerifyProof(c.text, l.leaves[7], origin, logKeys(t))
		if !errors.Is(err, c.want) || errors.Is(err, audit.ErrBroken) != c.broken {
			t.Errorf("%s: got %v, want %v, broken %v", name, err, c.want, c.broken)
		}
	}
}

func TestProveRefuses(t *testing.T) {
	t.Parallel()
	l := newLog(300)
	signed := l.signed(t)
	wrong := l.stored()
	tile := audit.Tile{Level: 0, Index: 0, Width: 256}
	wrong[tile] = damaged(wrong[tile], 5*32)
	for name, c := range map[string]struct {
		tiles  audit.Tiles
		signed []byte
		index  int64
		want   error
	}{
		"a checkpoint that is none":    {l.tiles(), []byte("x"), 0, audit.ErrMalformed},
		"tiles that are not there":     {storedTiles{}, signed, 0, audit.ErrNoTile},
		"tiles that cannot be read":    {failing{}, signed, 0, errRead},
		"a leaf hash that was changed": {audit.Derive(wrong, l.tilesLeaves), signed, 5, audit.ErrBroken},
		"its sibling":                  {audit.Derive(wrong, l.tilesLeaves), signed, 4, audit.ErrBroken},
		"tiles of another log":         {newLog(301).tiles(), signed, 5, audit.ErrBroken},
	} {
		if _, err := audit.Prove(t.Context(), c.tiles, c.signed, c.index); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", name, err, c.want)
		}
	}
	for _, index := range []int64{-1, 300, 1 << 40} {
		if _, err := audit.Prove(t.Context(), l.tiles(), signed, index); err == nil {
			t.Errorf("entry %d, which is not covered: no error", index)
		}
	}
}

func TestProofKeepsExtraData(t *testing.T) {
	t.Parallel()
	l := newLog(5)
	p, err := audit.Prove(t.Context(), l.tiles(), l.signed(t), 2)
	if err != nil {
		t.Fatal(err)
	}
	p.Extra = []byte("anything\n\nat all")
	got, err := audit.ParseProof(p.Text())
	if err != nil || !bytes.Equal(got.Extra, p.Extra) {
		t.Errorf("got %q, %v", got.Extra, err)
	}
	if _, _, err := audit.VerifyProof(p.Text(), l.leaves[2], origin, logKeys(t)); err != nil {
		t.Errorf("got %v", err)
	}
}

// TestConsistencyOfEveryPast proves every earlier checkpoint of a log to be
// within the last.
func TestConsistencyOfEveryPast(t *testing.T) {
	t.Parallel()
	l := newLog(600)
	later := l.tree.Checkpoint(origin)
	tiles := l.tiles()
	var past audit.Tree
	for n := range 601 {
		earlier := past.Checkpoint(origin)
		proof, err := audit.ProveConsistency(t.Context(), tiles, earlier, later)
		if err != nil {
			t.Fatalf("of %d entries: %v", n, err)
		}
		if err := audit.VerifyConsistency(proof, earlier, later); err != nil {
			t.Fatalf("of %d entries: %v", n, err)
		}
		if n < 600 {
			past.Append(l.leaves[n])
		}
	}
}

func TestInconsistencyIsFound(t *testing.T) {
	t.Parallel()
	l := newLog(600)
	later := l.tree.Checkpoint(origin)
	past := l.at(300).tree
	earlier := past.Checkpoint(origin)
	proof, err := audit.ProveConsistency(t.Context(), l.tiles(), earlier, later)
	if err != nil {
		t.Fatal(err)
	}
	other := newLog(301).at(300).tree
	var empty audit.Tree
	for name, c := range map[string]struct {
		proof          []audit.Hash
		earlier, later audit.Checkpoint
		want           error
	}{
		"history rewritten":       {proof, other.Checkpoint(origin), later, audit.ErrForked},
		"two of the same size":    {nil, audit.Checkpoint{Origin: origin, Size: 600}, later, audit.ErrForked},
		"no proof":                {nil, earlier, later, audit.ErrForked},
		"proof cut short":         {proof[1:], earlier, later, audit.ErrForked},
		"empty log with entries":  {nil, audit.Checkpoint{Origin: origin}, later, audit.ErrForked},
		"needless proof":          {proof, empty.Checkpoint(origin), later, audit.ErrForked},
		"the wrong way round":     {proof, later, earlier, audit.ErrRolledBack},
		"checkpoints of two logs": {proof, past.Checkpoint("other.example/log"), later, audit.ErrOtherLog},
	} {
		if err := audit.VerifyConsistency(c.proof, c.earlier, c.later); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", name, err, c.want)
		}
	}
	if _, err := audit.ProveConsistency(t.Context(), l.tiles(), other.Checkpoint(origin), later); !errors.Is(err, audit.ErrForked) {
		t.Errorf("proving a rewritten history: got %v, want ErrForked", err)
	}
	if _, err := audit.ProveConsistency(t.Context(), failing{}, earlier, later); !errors.Is(err, errRead) {
		t.Errorf("tiles that cannot be read: got %v, want the error", err)
	}
}

func FuzzParseProof(f *testing.F) {
	l := newLog(9)
	f.Add(mustProve(f, l, 0))
	f.Add(mustProve(f, l, 8))
	f.Add([]byte("c2sp.org/tlog-proof@v1\n\n"))
	f.Add([]byte("c2sp.org/tlog-proof@v1\nextra \nindex 0\n\n"))
	f.Add([]byte("c2sp.org/tlog-proof@v1\nextra AA==\n\n"))
	keys := logKeys(f)
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := audit.ParseProof(text)
		if err != nil {
			if !errors.Is(err, audit.ErrMalformed) {
				t.Fatalf("an error of another kind: %v", err)
			}
			return
		}
		if !bytes.Equal(p.Text(), text) {
			t.Fatalf("%q is written %q", text, p.Text())
		}
		for index, leaf := range l.leaves {
			if got, _, err := audit.VerifyProof(text, leaf, origin, keys); err == nil && got != int64(index) {
				t.Fatalf("entry %d proved to be %d", index, got)
			}
		}
	})
}
