package audit

import (
	"context"
	"fmt"
	"slices"
)

// Builder makes the tree of a log grow leaf by leaf, and with it the tiles that
// become full. It holds the hashes at the right edge of each level, at most 64
// KiB, so that no tile is ever made from hashes that were stored and not
// compared.
//
// The zero value begins an empty log.
type Builder struct {
	tree  Tree
	blind bool // the hashes at the right edge are not known: no tiles are made
	open  [maxTileLevel + 1][]Hash
	full  []FullTile
}

// FullTile is a tile that became full.
type FullTile struct {
	Tile   Tile
	Hashes []byte
}

// Mismatch names a tile that does not add up to a tree that is known to be
// true. It wraps ErrBroken.
type Mismatch struct { //nolint:errname // as BadEntry
	Tile Tile
}

// Error implements error.
func (m *Mismatch) Error() string {
	return m.Tile.Path() + " does not add up to what was signed"
}

// Unwrap returns ErrBroken.
func (m *Mismatch) Unwrap() error { return ErrBroken }

// NewBuilder returns a Builder that goes on from a tree that is known to be
// true. The tiles at its right edge, which are not full, are read and compared
// with it; a *Mismatch names the first that does not add up.
func NewBuilder(ctx context.Context, tree Tree, tiles Tiles) (*Builder, error) {
	b := &Builder{tree: tree}
	for level := range b.open {
		t := edgeTile(level, tree.size)
		if t.Width == 0 {
			continue
		}
		data, err := readTile(ctx, tiles, t)
		if err != nil {
			return nil, err
		}
		hashes := splitTile(nil, data)
		if len(hashes) != t.Width || !tree.endsIn(level, hashes) {
			return nil, &Mismatch{t}
		}
		b.open[level] = hashes
	}
	return b, nil
}

// BlindBuilder returns a Builder that makes no tiles: for a tree whose right
// edge cannot be had.
func BlindBuilder(tree Tree) *Builder { return &Builder{tree: tree, blind: true} }

// edgeTile returns the tile at the right edge of a level in the tree of the
// given size. Its width is 0 if the last one is full.
func edgeTile(level int, size int64) Tile {
	index := size >> (TileHeight * (level + 1))
	return Tile{level, index, widthAt(level, index, size)}
}

// endsIn reports whether hashes, fewer than a tile's width, are those at the
// right edge of a level of tiles.
func (t *Tree) endsIn(level int, hashes []Hash) bool {
	var end Tree
	for _, h := range hashes {
		end.Append(h)
	}
	from := level * TileHeight
	to := min(from+TileHeight, len(t.edge))
	return slices.Equal(end.edge[:to-from], t.edge[from:to])
}

// Tree returns the tree as far as it has grown.
func (b *Builder) Tree() Tree { return b.tree }

// Blind reports whether no tiles are made.
func (b *Builder) Blind() bool { return b.blind }

// Append adds a leaf.
func (b *Builder) Append(leaf Hash) {
	b.tree.Append(leaf)
	if b.blind {
		return
	}
	for level := range b.open {
		b.open[level] = append(b.open[level], leaf)
		if len(b.open[level]) < TileWidth {
			return
		}
		index := b.tree.size>>(TileHeight*(level+1)) - 1
		b.full = append(b.full, FullTile{Tile{level, index, TileWidth}, TileOf(b.open[level])})
		leaf = fold(b.open[level])
		b.open[level] = b.open[level][:0]
	}
}

// Full returns the tiles that became full since they were last forgotten, each
// after those it is made from.
func (b *Builder) Full() []FullTile { return b.full }

// Forget forgets the tiles that became full.
func (b *Builder) Forget() { b.full = nil }

// Clone returns a copy that goes its own way, and has no full tiles yet.
func (b *Builder) Clone() *Builder {
	c := &Builder{tree: b.tree, blind: b.blind}
	for level := range b.open {
		c.open[level] = slices.Clone(b.open[level])
	}
	return c
}

// Over returns tiles of which those at the right edge, as it is now, are the
// Builder's, and all others those that are stored.
func (b *Builder) Over(stored Tiles) Tiles {
	return &edged{edge: b.Clone(), stored: stored}
}

type edged struct {
	edge   *Builder
	stored Tiles
}

// ReadTiles implements Tiles.
func (e *edged) ReadTiles(ctx context.Context, tiles []Tile) ([][]byte, error) {
	data, err := e.stored.ReadTiles(ctx, tiles)
	if err != nil {
		return nil, err
	}
	if len(data) != len(tiles) {
		return nil, fmt.Errorf("%w: %d tiles for %d asked", ErrNoTile, len(data), len(tiles))
	}
	for i, t := range tiles {
		if !e.edge.blind && !t.Full() && t == edgeTile(t.Level, e.edge.tree.size) {
			data[i] = TileOf(e.edge.open[t.Level])
		}
	}
	return data, nil
}
