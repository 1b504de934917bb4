package audit_test

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/mod/sumdb/tlog"
	"pgregory.net/rapid"

	"cpis/audit"
)

func TestTilePaths(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		tile audit.Tile
		path string
	}{
		{audit.Tile{Level: 0, Index: 0, Width: 256}, "tile/0/000"},
		{audit.Tile{Level: 0, Index: 273, Width: 112}, "tile/0/273.p/112"},
		{audit.Tile{Level: 1, Index: 1234067, Width: 256}, "tile/1/x001/x234/067"},
		{audit.Tile{Level: 2, Index: 1000, Width: 1}, "tile/2/x001/000.p/1"},
	} {
		if got := c.tile.Path(); got != c.path {
			t.Errorf("path of %v: got %s, want %s", c.tile, got, c.path)
		}
		got, err := audit.ParseTilePath(c.path)
		if err != nil || got != c.tile {
			t.Errorf("tile of %s: got %v, %v, want %v", c.path, got, err, c.tile)
		}
	}
	for _, path := range []string{
		"", "tile", "tile/", "tile/0", "tile/0/", "tile/0/0", "tile/0/00", "tile/0/x000", "tile/0/x000/000",
		"tile/00/000", "tile/-1/000", "tile/8/000", "tile/data/000", "tile/entries/000", "tile/0/000.p/0", "tile/0/000.p/256",
		"tile/0/000.p/01", "/tile/0/000", "tile/0/../000", "tile/0/x999/x999/x999/x999/x999/x999/999", "other/0/000",
	} {
		if got, err := audit.ParseTilePath(path); !errors.Is(err, audit.ErrMalformed) {
			t.Errorf("tile of %q: got %v, %v, want ErrMalformed", path, got, err)
		}
	}
}

// TestTilesAt checks the example of the specification.
func TestTilesAt(t *testing.T) {
	t.Parallel()
	var full [3]int
	var partial []audit.Tile
	for tile := range audit.TilesAt(70_000) {
		if tile.Full() {
			full[tile.Level]++
		} else {
			partial = append(partial, tile)
		}
	}
	if full != [3]int{273, 1, 0} {
		t.Errorf("full tiles: got %v", full)
	}
	want := []audit.Tile{{Level: 0, Index: 273, Width: 112}, {Level: 1, Index: 1, Width: 17}, {Level: 2, Index: 0, Width: 1}}
	if diff := cmp.Diff(want, partial); diff != "" {
		t.Errorf("partial tiles (-want +got):\n%s", diff)
	}
}

func TestTilesAgreeWithTlog(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		from := rapid.Int64Range(0, 1<<18).Draw(t, "from")
		to := from + rapid.Int64Range(0, 1<<18).Draw(t, "more")
		var at, grown []audit.Tile
		for _, tile := range tlog.NewTiles(audit.TileHeight, 0, to) {
			at = append(at, audit.Tile{Level: tile.L, Index: tile.N, Width: tile.W})
		}
		for _, tile := range tlog.NewTiles(audit.TileHeight, from, to) {
			if tile.W == audit.TileWidth {
				grown = append(grown, audit.Tile{Level: tile.L, Index: tile.N, Width: tile.W})
			}
		}
		if diff := cmp.Diff(at, slices.Collect(audit.TilesAt(to))); diff != "" {
			t.Fatalf("at %d (-want +got):\n%s", to, diff)
		}
		if diff := cmp.Diff(grown, slices.Collect(audit.FullTiles(from, to))); diff != "" {
			t.Fatalf("from %d to %d (-want +got):\n%s", from, to, diff)
		}
	})
}

// TestTilesYieldStops makes sure that a loop over tiles can be left.
func TestTilesYieldStops(t *testing.T) {
	t.Parallel()
	for range audit.TilesAt(1 << 20) {
		break
	}
	for range audit.FullTiles(0, 1<<20) {
		break
	}
}

func TestTileRoot(t *testing.T) {
	t.Parallel()
	leaves := newLog(256).leaves
	got, err := audit.TileRoot(audit.TileOf(leaves))
	if err != nil || got != rootOf(leaves) {
		t.Errorf("got %v, %v, want %v", got, err, rootOf(leaves))
	}
	if _, err := audit.TileRoot(audit.TileOf(leaves[1:])); !errors.Is(err, audit.ErrMalformed) {
		t.Errorf("of a partial tile: got %v, want ErrMalformed", err)
	}
}

// sizes are those where trees change their shape.
var sizes = []int{0, 1, 2, 3, 5, 255, 256, 257, 300, 511, 512, 1000, 1023, 65_536, 65_793}

// TestDeriveMakesEveryTile compares with tiles cut from the rows of the tree,
// for every shape of tree, with full tiles stored and with nothing stored.
func TestDeriveMakesEveryTile(t *testing.T) {
	t.Parallel()
	whole := newLog(sizes[len(sizes)-1])
	stored := whole.stored()
	for _, size := range sizes {
		for _, source := range []storedTiles{stored, {}} {
			tiles := audit.Derive(source, whole.tilesLeaves)
			for tile := range audit.TilesAt(int64(size)) {
				got, err := tiles.ReadTiles(t.Context(), []audit.Tile{tile})
				if err != nil || !bytes.Equal(got[0], whole.cut(tile)) {
					t.Fatalf("%s at %d: wrong, %v", tile.Path(), size, err)
				}
			}
		}
	}
}

func (l *testLog) tilesLeaves(_ context.Context, from, to int64) ([]audit.Hash, error) {
	return l.leaves[from:min(to, int64(len(l.leaves)))], nil
}

// cut returns a tile right from the definition.
func (l *testLog) cut(t audit.Tile) []byte {
	span := 1 << (t.Level * audit.TileHeight)
	var hashes []audit.Hash
	for i := range t.Width {
		from := (int(t.Index)*audit.TileWidth + i) * span
		hashes = append(hashes, rootOf(l.leaves[from:from+span]))
	}
	return audit.TileOf(hashes)
}

// TestDeriveRemembers counts what is read: a second proof must not read the
// tiles below again.
func TestDeriveRemembers(t *testing.T) {
	t.Parallel()
	l := newLog(2000)
	stored := &counting{Tiles: l.stored()}
	tiles := audit.Derive(stored, l.tilesLeaves)
	for i, want := range []int{1 + 7, 1} {
		before := stored.read
		if _, err := tiles.ReadTiles(t.Context(), []audit.Tile{{Level: 1, Index: 0, Width: 7}}); err != nil {
			t.Fatal(err)
		}
		if got := stored.read - before; got != want {
			t.Errorf("time %d: %d tiles read, want %d", i+1, got, want)
		}
	}
}

type counting struct {
	audit.Tiles
	read int
}

func (c *counting) ReadTiles(ctx context.Context, tiles []audit.Tile) ([][]byte, error) {
	c.read += len(tiles)
	return c.Tiles.ReadTiles(ctx, tiles)
}

func TestDeriveIsSafeForConcurrentUse(t *testing.T) {
	t.Parallel()
	l := newLog(3000)
	tiles := audit.Derive(l.stored(), l.tilesLeaves)
	var group sync.WaitGroup
	for width := 1; width <= 11; width++ {
		group.Go(func() {
			tile := audit.Tile{Level: 1, Index: 0, Width: width}
			for range 20 {
				got, err := tiles.ReadTiles(context.Background(), []audit.Tile{tile})
				if err != nil || !bytes.Equal(got[0], l.cut(tile)) {
					t.Errorf("width %d: wrong, %v", width, err)
				}
			}
		})
	}
	group.Wait()
}

var errRead = errors.New("reading went wrong")

// failing is a source that cannot be read, for levels at least as high as its
// number.
type failing struct {
	audit.Tiles
	level int
}

func (f failing) ReadTiles(ctx context.Context, tiles []audit.Tile) ([][]byte, error) {
	for _, t := range tiles {
		if t.Level >= f.level {
			return nil, errRead
		}
	}
	return f.Tiles.ReadTiles(ctx, tiles)
}

func TestDeriveReportsWhatWentWrong(t *testing.T) {
	t.Parallel()
	l := newLog(600)
	noLeaves := func(context.Context, int64, int64) ([]audit.Hash, error) { return nil, errRead }
	want := []audit.Tile{{Level: 0, Index: 2, Width: 88}}
	above := []audit.Tile{{Level: 1, Index: 0, Width: 2}}
	for name, c := range map[string]struct {
		tiles audit.Tiles
		ask   []audit.Tile
	}{
		"leaves":                    {audit.Derive(l.stored(), noLeaves), want},
		"tiles":                     {audit.Derive(failing{l.stored(), 0}, l.tilesLeaves), want},
		"leaves of a tile not kept": {audit.Derive(storedTiles{}, noLeaves), above},
	} {
		if _, err := c.tiles.ReadTiles(t.Context(), c.ask); !errors.Is(err, errRead) {
			t.Errorf("%s: got %v, want the error", name, err)
		}
	}
	none := audit.Derive(storedTiles{}, func(context.Context, int64, int64) ([]audit.Hash, error) { return nil, nil })
	if got, err := none.ReadTiles(t.Context(), above); err != nil || got[0] != nil {
		t.Errorf("where there is nothing: got %v, %v, want nil", got, err)
	}
	short := audit.Derive(lacking{}, l.tilesLeaves)
	if _, err := short.ReadTiles(t.Context(), above); !errors.Is(err, audit.ErrNoTile) {
		t.Errorf("from a source that answers too little: got %v, want ErrNoTile", err)
	}
}

// lacking is a source that does not keep its contract.
type lacking struct{}

func (lacking) ReadTiles(context.Context, []audit.Tile) ([][]byte, error) { return nil, nil }

func TestReadTreeIsTheTree(t *testing.T) {
	t.Parallel()
	whole := newLog(sizes[len(sizes)-1])
	for _, size := range sizes {
		got, err := audit.ReadTree(t.Context(), int64(size), whole.tiles())
		if want := whole.at(size).tree; err != nil || got != want {
			t.Errorf("of %d entries: got root %v, %v, want %v", size, got.Root(), err, want.Root())
		}
	}
	if _, err := audit.ReadTree(t.Context(), 1000, storedTiles{}); !errors.Is(err, audit.ErrNoTile) {
		t.Errorf("without tiles: got %v, want ErrNoTile", err)
	}
	if _, err := audit.ReadTree(t.Context(), 1000, failing{}); !errors.Is(err, errRead) {
		t.Errorf("with tiles that cannot be read: got %v, want the error", err)
	}
}

func TestHashReaderKnowsEveryNode(t *testing.T) {
	t.Parallel()
	l := newLog(777)
	var nodes memoryHashes
	for i, line := range l.lines {
		hashes, err := tlog.StoredHashes(int64(i), line, nodes)
		if err != nil {
			t.Fatal(err)
		}
		nodes = append(nodes, hashes...)
	}
	reader := audit.HashReader(t.Context(), 777, l.tiles())
	for index := range nodes {
		got, err := reader.ReadHashes([]int64{int64(index)})
		if err != nil || got[0] != nodes[index] {
			t.Fatalf("node %d: got %v, %v, want %v", index, got, err, nodes[index])
		}
	}
	for _, index := range []int64{int64(len(nodes)), 1 << 40} {
		if got, err := reader.ReadHashes([]int64{index}); err == nil {
			t.Errorf("node %d, which is not in the tree: got %v", index, got)
		}
	}
}
