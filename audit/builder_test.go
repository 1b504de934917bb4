package audit_test

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cpis/audit"
)

// The tiles that a Builder makes are those of the definition, wherever it goes on
// from.
func TestBuilderMakesTheTilesOfTheLog(t *testing.T) {
	t.Parallel()
	l := bigLog()
	for _, size := range []int{0, 1, 255, 256, 257, 511, 65_535, 65_536, 65_537, 69_999, 70_000} {
		b, err := audit.NewBuilder(t.Context(), l.at(size).tree, l.at(size).tiles())
		if err != nil {
			t.Fatalf("from %d: %v", size, err)
		}
		got := l.at(size).stored()
		for _, leaf := range l.leaves[size:] {
			b.Append(leaf)
		}
		for _, full := range b.Full() {
			got[full.Tile] = full.Hashes
		}
		if b.Tree() != l.tree {
			t.Errorf("from %d: another tree", size)
		}
		if !maps.EqualFunc(l.stored(), got, bytes.Equal) {
			t.Errorf("from %d: other tiles", size)
		}
		b.Forget()
		if len(b.Full()) > 0 {
			t.Error("tiles are not forgotten")
		}
	}
}

// Whatever stands at the right edge is compared with the tree before anything is
// made of it.
func TestBuilderBelievesNothingButTheTree(t *testing.T) {
	t.Parallel()
	l := bigLog()
	leaves := func(change func([]audit.Hash)) audit.LeafReader {
		return func(_ context.Context, from, to int64) ([]audit.Hash, error) {
			read := slices.Clone(l.leaves[from:to])
			if from >= 69_888 { // the first leaf of the tile that is not full
				change(read)
			}
			return read, nil
		}
	}
	nothing := func([]audit.Hash) {}
	planted := l.stored()
	planted[audit.Tile{Level: 0, Index: 260, Width: 256}] = make([]byte, audit.TileSize)
	higher := l.stored()
	higher[audit.Tile{Level: 1, Index: 0, Width: 256}] = make([]byte, audit.TileSize)
	for name, c := range map[string]struct {
		stored audit.Tiles
		leaves audit.LeafReader
		want   audit.Tile
	}{
		"a line":        {l.stored(), leaves(func(read []audit.Hash) { read[3][0] ^= 1 }), audit.Tile{Level: 0, Index: 273, Width: 112}},
		"a tile":        {planted, leaves(nothing), audit.Tile{Level: 1, Index: 1, Width: 17}},
		"a higher tile": {higher, leaves(nothing), audit.Tile{Level: 2, Index: 0, Width: 1}},
	} {
		_, err := audit.NewBuilder(t.Context(), l.tree, audit.Derive(c.stored, c.leaves))
		var got *audit.Mismatch
		if !errors.As(err, &got) || !errors.Is(err, audit.ErrBroken) {
			t.Errorf("%s: got %v, want a mismatch", name, err)
			continue
		}
		if diff := cmp.Diff(c.want, got.Tile); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	if _, err := audit.NewBuilder(t.Context(), l.tree, failing{}); !errors.Is(err, errRead) {
		t.Errorf("tiles that cannot be read: got %v", err)
	}
}

// A copy goes its own way, and one that is blind makes the tree and no tiles.
func TestBuilderCopies(t *testing.T) {
	t.Parallel()
	l := newLog(300)
	b := &audit.Builder{}
	for _, leaf := range l.leaves[:250] {
		b.Append(leaf)
	}
	c, blind := b.Clone(), audit.BlindBuilder(b.Tree())
	for _, leaf := range l.leaves[250:] {
		b.Append(leaf)
		blind.Append(leaf)
	}
	if len(b.Full()) != 1 || len(c.Full()) != 0 || len(blind.Full()) != 0 || !blind.Blind() || b.Blind() {
		t.Errorf("%d, %d and %d tiles", len(b.Full()), len(c.Full()), len(blind.Full()))
	}
	if b.Tree() != l.tree || blind.Tree() != l.tree || c.Tree() != l.at(250).tree {
		t.Error("other trees")
	}
}
