package audit

import (
	"context"
	"fmt"
	"math/bits"

	"golang.org/x/mod/sumdb/tlog"
)

// HashReader returns a reader of the nodes of the tree of the given size, as
// tlog's functions want it, that gets them from tiles. All tiles that one call
// needs are read at once, and none twice.
//
// The reader verifies nothing. What is made with it (a proof, a root) must be
// compared with a signed root, as Prove and ProveConsistency do.
func HashReader(ctx context.Context, size int64, tiles Tiles) tlog.HashReader {
	read := map[Tile][]byte{}
	return tlog.HashReaderFunc(func(indexes []int64) ([]Hash, error) {
		if err := readNew(ctx, size, tiles, indexes, read); err != nil {
			return nil, err
		}
		hashes := make([]Hash, len(indexes))
		for i, index := range indexes {
			t := tileAt(index, size)
			var err error
			if hashes[i], err = tlog.HashFromTile(toTlog(t), read[t], index); err != nil {
				return nil, fmt.Errorf("reading %s: %w", t.Path(), err)
			}
		}
		return hashes, nil
	})
}

// readNew reads the tiles that hold the given nodes into read, as far as they
// are not there.
func readNew(ctx context.Context, size int64, tiles Tiles, indexes []int64, read map[Tile][]byte) error {
	var missing []Tile
	for _, index := range indexes {
		t := tileAt(index, size)
		if t.Width == 0 {
			return fmt.Errorf("%w: the tree of %d entries does not reach so far", ErrNoTile, size)
		}
		if _, ok := read[t]; !ok {
			read[t] = nil
			missing = append(missing, t)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	data, err := tiles.ReadTiles(ctx, missing)
	if err != nil {
		return fmt.Errorf("reading tiles: %w", err)
	}
	for i, t := range missing {
		if i >= len(data) || len(data[i]) != t.Width*tlog.HashSize {
			return fmt.Errorf("%w: %s", ErrNoTile, t.Path())
		}
		read[t] = data[i]
	}
	return nil
}

// tileAt returns the tile that holds the node with tlog's number index, as wide
// as it is in the tree of the given size.
func tileAt(index, size int64) Tile {
	t := tlog.TileForIndex(TileHeight, index)
	return Tile{Level: t.L, Index: t.N, Width: widthAt(t.L, t.N, size)}
}

func toTlog(t Tile) tlog.Tile {
	return tlog.Tile{H: TileHeight, L: t.Level, N: t.Index, W: t.Width}
}

// ReadTree returns the tree of the given size from its tiles. Compare its Root
// before believing it.
func ReadTree(ctx context.Context, size int64, tiles Tiles) (Tree, error) {
	var indexes []int64
	for first := int64(0); first < size; {
		level := bits.Len64(unsigned(size-first)) - 1
		indexes = append(indexes, tlog.StoredHashIndex(level, first>>level))
		first += 1 << level
	}
	frontier, err := HashReader(ctx, size, tiles).ReadHashes(indexes)
	if err != nil {
		return Tree{}, err
	}
	return NewTree(size, frontier)
}
