package audit_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"cpis/audit"
)

func TestBundlePath(t *testing.T) {
	t.Parallel()
	for path, tile := range map[string]audit.Tile{
		"tile/entries/000":             {Index: 0, Width: 256},
		"tile/entries/000.p/17":        {Index: 0, Width: 17},
		"tile/entries/x001/x234/067":   {Index: 1234067, Width: 256},
		"tile/entries/x001/234.p/255":  {Index: 1234, Width: 255},
		"tile/entries/999":             {Index: 999, Width: 256},
		"tile/entries/x001/000.p/1":    {Index: 1000, Width: 1},
		"tile/entries/x072/x057/593":   {Index: 72057593, Width: 256},
		"tile/entries/x123/x456/x789/": {},
	} {
		got, err := audit.ParseBundlePath(path)
		if tile.Width == 0 {
			if !errors.Is(err, audit.ErrMalformed) {
				t.Errorf("%s: got %+v, %v", path, got, err)
			}
			continue
		}
		if err != nil || got != tile || audit.BundlePath(tile) != path {
			t.Errorf("%s: got %+v, %v; and back %s", path, got, err, audit.BundlePath(tile))
		}
	}
	for _, path := range []string{"", "tile/entries/", "tile/entries/0", "tile/entries/1000", "tile/entries/x001", "tile/entries/000.p/0", "tile/entries/000.p/256", "tile/0/000", "tile/entries/entries/000"} {
		if got, err := audit.ParseBundlePath(path); !errors.Is(err, audit.ErrMalformed) {
			t.Errorf("%s: got %+v, %v, want %v", path, got, err, audit.ErrMalformed)
		}
	}
}

func TestBundlesAreReadAsTheyWereWritten(t *testing.T) {
	t.Parallel()
	lines := [][]byte{[]byte("one"), {}, bytes.Repeat([]byte("x"), audit.MaxLine), []byte("two")}
	var bundle []byte
	for _, line := range lines {
		bundle = audit.AppendBundled(bundle, line)
	}
	got, err := audit.ReadBundle(bundle)
	if err != nil || len(got) != len(lines) {
		t.Fatalf("%d lines, %v", len(got), err)
	}
	for i := range lines {
		if !bytes.Equal(got[i], lines[i]) {
			t.Errorf("line %d is another", i)
		}
	}
	for _, cut := range []int{1, 4, len(bundle) - 1} {
		if _, err := audit.ReadBundle(bundle[:cut]); !errors.Is(err, audit.ErrMalformed) {
			t.Errorf("cut after %d bytes: got %v", cut, err)
		}
	}
}

func FuzzParseBundlePath(f *testing.F) {
	for _, path := range []string{"tile/entries/000", "tile/entries/x001/234.p/17", "tile/0/000"} {
		f.Add(path)
	}
	f.Fuzz(func(t *testing.T, path string) {
		tile, err := audit.ParseBundlePath(path)
		if err == nil && audit.BundlePath(tile) != path {
			t.Errorf("%q is read as %+v, whose path is %q", path, tile, audit.BundlePath(tile))
		}
	})
}

func FuzzReadBundle(f *testing.F) {
	f.Add([]byte("\x00\x03one\x00\x00"))
	f.Fuzz(func(t *testing.T, bundle []byte) {
		lines, err := audit.ReadBundle(bundle)
		if err != nil {
			return
		}
		var again []byte
		for _, line := range lines {
			again = audit.AppendBundled(again, line)
		}
		if !bytes.Equal(again, bundle) {
			t.Error("a bundle is read as another")
		}
	})
}

func TestReadTileComparesWithTheTree(t *testing.T) {
	t.Parallel()
	l := bigLog()
	for tile := range audit.TilesAt(int64(len(l.lines))) {
		got, err := audit.ReadTile(t.Context(), l.tree, l.tiles(), tile)
		want, _ := l.tiles().ReadTiles(t.Context(), []audit.Tile{tile})
		if err != nil || !bytes.Equal(got, want[0]) {
			t.Fatalf("%s: %v, or another tile", tile.Path(), err)
		}
	}
	narrow := audit.Tile{Level: 0, Index: 3, Width: 5}
	if got, err := audit.ReadTile(t.Context(), l.tree, l.tiles(), narrow); err != nil || len(got) != 5*32 {
		t.Errorf("a part of a tile: %d bytes, %v", len(got), err)
	}
	for _, beyond := range []audit.Tile{{0, 273, 113}, {0, 274, 1}, {1, 2, 1}, {2, 0, 2}, {3, 0, 1}, {0, 0, 0}} {
		if got, err := audit.ReadTile(t.Context(), l.tree, l.tiles(), beyond); !errors.Is(err, audit.ErrNoTile) {
			t.Errorf("%+v: got %d bytes, %v, want %v", beyond, len(got), err, audit.ErrNoTile)
		}
	}
}

func TestReadTileBelievesNoTile(t *testing.T) {
	t.Parallel()
	l := bigLog()
	asked := audit.Tile{Level: 0, Index: 3, Width: 256}
	for _, bad := range []audit.Tile{asked, {Level: 1, Index: 0, Width: 256}} {
		stored := l.stored()
		stored[bad] = bytes.Repeat([]byte{7}, audit.TileSize)
		tiles := audit.Derive(stored, nil)
		_, err := audit.ReadTile(t.Context(), l.at(65_536).tree, tiles, asked)
		if !errors.Is(err, audit.ErrBroken) || !strings.Contains(err.Error(), "tile/0/003") {
			t.Errorf("%s is another: got %v", bad.Path(), err)
		}
	}
	if _, err := audit.ReadTile(t.Context(), l.tree, failing{}, asked); !errors.Is(err, errRead) || errors.Is(err, audit.ErrBroken) {
		t.Errorf("got %v, want the error of reading", err)
	}
	if _, err := audit.ReadTile(t.Context(), l.tree, storedTiles{}, asked); !errors.Is(err, audit.ErrNoTile) {
		t.Errorf("got %v, want %v", err, audit.ErrNoTile)
	}
}

func TestEndOfATile(t *testing.T) {
	t.Parallel()
	for tile, want := range map[audit.Tile]int64{
		{0, 0, 1}: 1, {0, 3, 17}: 785, {1, 0, 1}: 256, {1, 2, 256}: 768 * 256, {2, 0, 1}: 65_536, {7, 0, 256}: 1 << 62, {7, 1, 1}: 1 << 62,
	} {
		if got := tile.End(); got != want {
			t.Errorf("%+v: got %d, want %d", tile, got, want)
		}
	}
}
