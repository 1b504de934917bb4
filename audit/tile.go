package audit

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
)

// The tiling of C2SP tlog-tiles.
const (
	// TileHeight is the number of levels of the tree in a tile.
	TileHeight = 8
	// TileWidth is the number of hashes in a full tile.
	TileWidth = 1 << TileHeight
	// TileSize is the number of bytes of a full tile.
	TileSize = TileWidth * tlog.HashSize

	maxTileLevel = 7 // a tile of level 7 spans more entries than there can be
)

// Tile names a tile: a row of consecutive hashes of the tree. A tile of level 0
// holds leaf hashes; a hash in a tile of level l+1 is the root over a full tile
// of level l.
type Tile struct {
	Level int   // 0 for leaf hashes
	Index int64 // within its level, from the left
	Width int   // how many hashes: TileWidth if full, less at the right edge of the tree
}

// Path returns where the tile lies according to C2SP tlog-tiles: "tile/0/000",
// "tile/1/x001/234", and for one that is not full "tile/0/001.p/17".
func (t Tile) Path() string {
	path := tlog.Tile{H: TileHeight, L: t.Level, N: t.Index, W: t.Width}.Path()
	return "tile/" + strings.TrimPrefix(path, tilePrefix)
}

// tilePrefix is how tlog begins its paths, which name the height as well.
const tilePrefix = "tile/8/"

// ParseTilePath returns the tile that Path was called on.
func ParseTilePath(path string) (Tile, error) {
	rest, ok := strings.CutPrefix(path, "tile/")
	if ok {
		t, err := tlog.ParseTilePath(tilePrefix + rest)
		if err == nil && t.L >= 0 && t.L <= maxTileLevel && t.N < maxSize>>(TileHeight*(t.L+1)) {
			return Tile{Level: t.L, Index: t.N, Width: t.W}, nil
		}
	}
	return Tile{}, fmt.Errorf("%w tile path", ErrMalformed)
}

// Full reports whether the tile has all its hashes and so never changes.
func (t Tile) Full() bool { return t.Width == TileWidth }

// full returns the tile that this one is or will be.
func (t Tile) full() Tile { return Tile{t.Level, t.Index, TileWidth} }

// End returns how many entries a tree must have to have the tile; more than any
// has if there can be none.
func (t Tile) End() int64 {
	hashes := t.Index<<TileHeight + int64(t.Width)
	if hashes > maxSize>>(TileHeight*t.Level) {
		return maxSize
	}
	return hashes << (TileHeight * t.Level)
}

// children returns the full tiles of the level below whose roots are the tile's
// hashes from the given one up.
func (t Tile) children(from int) []Tile {
	children := make([]Tile, 0, t.Width-from)
	for i := from; i < t.Width; i++ {
		children = append(children, Tile{t.Level - 1, t.Index<<TileHeight + int64(i), TileWidth})
	}
	return children
}

// widthAt returns how many hashes a tile has in the tree of the given size.
func widthAt(level int, index, size int64) int {
	hashes := size >> (TileHeight * level)
	return int(min(max(hashes-index<<TileHeight, 0), TileWidth))
}

// TilesAt yields every tile of the tree of the given size, level by level from
// the leaves up and from left to right.
func TilesAt(size int64) iter.Seq[Tile] {
	return func(yield func(Tile) bool) {
		for level := 0; size>>(TileHeight*level) > 0; level++ {
			for index := int64(0); ; index++ {
				width := widthAt(level, index, size)
				if width == 0 {
					break
				}
				if !yield(Tile{level, index, width}) {
					return
				}
			}
		}
	}
}

// FullTiles yields the tiles that become full when a log grows from one size to
// another: those to be stored, in an order in which each comes after those it
// is made from.
func FullTiles(from, to int64) iter.Seq[Tile] {
	return func(yield func(Tile) bool) {
		for level := 0; to>>(TileHeight*(level+1)) > 0; level++ {
			shift := TileHeight * (level + 1)
			for index := from >> shift; index < to>>shift; index++ {
				if !yield(Tile{level, index, TileWidth}) {
					return
				}
			}
		}
	}
}

// TileOf returns the bytes of the tile with the given hashes.
func TileOf(hashes []Hash) []byte {
	tile := make([]byte, 0, len(hashes)*tlog.HashSize)
	for i := range hashes {
		tile = append(tile, hashes[i][:]...)
	}
	return tile
}

// TileRoot returns the root over a full tile: its hash in the tile above.
func TileRoot(tile []byte) (Hash, error) {
	if len(tile) != TileSize {
		return Hash{}, fmt.Errorf("%w tile: %d bytes", ErrMalformed, len(tile))
	}
	var hashes [TileWidth]Hash
	splitTile(hashes[:0], tile)
	return fold(hashes[:]), nil
}

// HashesOf returns the hashes of a full tile.
func HashesOf(tile []byte) ([]Hash, error) {
	if len(tile) != TileSize {
		return nil, fmt.Errorf("%w tile: %d bytes", ErrMalformed, len(tile))
	}
	return splitTile(make([]Hash, 0, TileWidth), tile), nil
}

// splitTile appends the hashes of a tile to dst.
func splitTile(dst []Hash, tile []byte) []Hash {
	for h := range slices.Chunk(tile, tlog.HashSize) {
		dst = append(dst, Hash(h))
	}
	return dst
}

// Tiles supplies tiles, from a database, a directory or a server.
type Tiles interface {
	// ReadTiles returns the bytes of each tile, in order: Width hashes of 32
	// bytes, or nil if the tile is not there. An error means that reading
	// went wrong, not that something is missing. What is returned is not
	// trusted, only ever compared; it must not be changed afterwards by either
	// side.
	ReadTiles(ctx context.Context, tiles []Tile) ([][]byte, error)
}

// readTile reads one tile. It is nil if it is not there or not of the right
// length, which comes to the same.
func readTile(ctx context.Context, tiles Tiles, t Tile) ([]byte, error) {
	data, err := tiles.ReadTiles(ctx, []Tile{t})
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", t.Path(), err)
	}
	if len(data) != 1 || len(data[0]) != t.Width*tlog.HashSize {
		return nil, nil
	}
	return data[0], nil
}
