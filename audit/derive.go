package audit

import (
	"context"
	"fmt"
	"sync"

	"golang.org/x/mod/sumdb/tlog"
)

// LeafReader returns the leaf hashes of the entries from one index up to, not
// including, another, at most TileWidth of them.
type LeafReader func(ctx context.Context, from, to int64) ([]Hash, error)

// Derive completes a source that has only full tiles, and perhaps not all of
// them: a tile that is not stored is made from leaf hashes or from the roots of
// the tiles below. It is asked for full tiles only.
//
// The result remembers, for each level, the roots that make up the newest tile
// it derived, at most 8 KiB each, so that a busy server does not read hundreds
// of tiles for each proof. It is safe for concurrent use if stored and leaves
// are.
func Derive(stored Tiles, leaves LeafReader) Tiles {
	return &derived{stored: stored, leaves: leaves}
}

type derived struct {
	stored Tiles
	leaves LeafReader

	mu   sync.Mutex                   // guards open; never held while reading
	open [maxTileLevel + 1]openedTile // by level
}

// openedTile is as much as is known of a tile that was derived.
type openedTile struct {
	index  int64
	hashes []Hash // only ever appended to by replacing the slice
}

// ReadTiles implements Tiles. A tile that cannot be derived either is nil.
func (d *derived) ReadTiles(ctx context.Context, tiles []Tile) ([][]byte, error) {
	asked := make([]Tile, len(tiles))
	for i, t := range tiles {
		asked[i] = t.full()
	}
	data, err := d.stored.ReadTiles(ctx, asked)
	if err != nil {
		return nil, err
	}
	if len(data) != len(tiles) {
		return nil, fmt.Errorf("%w: %d tiles for %d asked", ErrNoTile, len(data), len(tiles))
	}
	result := make([][]byte, len(tiles))
	for i, t := range tiles {
		if len(data[i]) == TileSize {
			result[i] = data[i][:t.Width*tlog.HashSize]
			continue
		}
		if result[i], err = d.derive(ctx, t); err != nil {
			return nil, err
		}
	}
	return result, nil
}

// derive creates a tile that is not stored. It is nil if that is impossible.
func (d *derived) derive(ctx context.Context, t Tile) ([]byte, error) {
	var hashes []Hash
	var err error
	if t.Level == 0 {
		first := t.Index << TileHeight
		hashes, err = d.leaves(ctx, first, first+int64(t.Width))
	} else {
		hashes, err = d.roots(ctx, t)
	}
	if err != nil || len(hashes) < t.Width {
		return nil, err
	}
	return TileOf(hashes[:t.Width]), nil
}

// roots returns the hashes of a tile of level 1 or more, from the tiles below
// as far as they are not remembered. It returns fewer if one below is missing.
func (d *derived) roots(ctx context.Context, t Tile) ([]Hash, error) {
	known := d.remembered(t)
	if len(known) >= t.Width {
		return known, nil
	}
	below, err := d.ReadTiles(ctx, t.children(len(known)))
	if err != nil {
		return nil, err
	}
	hashes := append(make([]Hash, 0, t.Width), known...)
	for _, tile := range below {
		root, err := TileRoot(tile)
		if err != nil {
			return nil, nil //nolint:nilerr // absent, which the caller sees
		}
		hashes = append(hashes, root)
	}
	d.remember(t, hashes)
	return hashes, nil
}

// remembered returns the hashes known of a tile.
func (d *derived) remembered(t Tile) []Hash {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.open[t.Level].index != t.Index {
		return nil
	}
	return d.open[t.Level].hashes
}

// remember keeps the hashes of a tile, unless more is known of it or of one
// further right. Roots of full tiles never change, so nothing here goes stale.
func (d *derived) remember(t Tile, hashes []Hash) {
	d.mu.Lock()
	defer d.mu.Unlock()
	open := &d.open[t.Level]
	if t.Index > open.index || t.Index == open.index && len(hashes) > len(open.hashes) {
		*open = openedTile{index: t.Index, hashes: hashes}
	}
}
