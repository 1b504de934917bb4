package audit

import (
	"context"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"
)

// ReadTile returns a tile after comparing it, by way of the tiles above, with a
// tree that is known to be true. ErrBroken says that they do not add up,
// ErrNoTile that one is not there, or that the tree does not reach so far.
func ReadTile(ctx context.Context, tree Tree, tiles Tiles, t Tile) ([]byte, error) {
	if t.Width < 1 || t.Width > widthAt(t.Level, t.Index, tree.size) {
		return nil, fmt.Errorf("%w: %s", ErrNoTile, t.Path())
	}
	source := &comparedTiles{ctx: ctx, tiles: tiles}
	indexes := make([]int64, t.Width)
	for i := range indexes {
		indexes[i] = tlog.StoredHashIndex(TileHeight*t.Level, t.Index<<TileHeight+int64(i))
	}
	hashes, err := tlog.TileHashReader(tlog.Tree{N: tree.size, Hash: tree.Root()}, source).ReadHashes(indexes)
	switch {
	case source.err != nil:
		return nil, source.err
	case err != nil:
		return nil, fmt.Errorf("%w: %s, or a tile above it, does not add up to what was signed", ErrBroken, t.Path())
	}
	return TileOf(hashes), nil
}

// comparedTiles are tiles as tlog wants them, which compares them.
type comparedTiles struct {
	ctx   context.Context //nolint:containedctx // of the one reading
	tiles Tiles
	err   error // of reading, as opposed to comparing
}

// Height implements tlog.TileReader.
func (c *comparedTiles) Height() int { return TileHeight }

// SaveTiles implements tlog.TileReader. Nothing is kept.
func (c *comparedTiles) SaveTiles([]tlog.Tile, [][]byte) {}

// ReadTiles implements tlog.TileReader.
func (c *comparedTiles) ReadTiles(wanted []tlog.Tile) ([][]byte, error) {
	tiles := make([]Tile, len(wanted))
	for i, t := range wanted {
		tiles[i] = Tile{Level: t.L, Index: t.N, Width: t.W}
	}
	data, err := c.tiles.ReadTiles(c.ctx, tiles)
	if err != nil {
		c.err = fmt.Errorf("reading tiles: %w", err)
		return nil, c.err
	}
	for i, t := range tiles {
		if i >= len(data) || len(data[i]) != t.Width*tlog.HashSize {
			c.err = fmt.Errorf("%w: %s", ErrNoTile, t.Path())
			return nil, c.err
		}
	}
	return data, nil
}
