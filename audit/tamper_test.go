package audit_test

import (
	"bytes"
	"errors"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"cpis/audit"
)

// bigLog is a log with tiles of three levels, made once and only ever read.
var bigLog = sync.OnceValue(func() *testLog { return newLog(70_000) })

// bigExport returns an export of bigLog, of which files can be replaced but not
// changed.
func bigExport(tb testing.TB) fstest.MapFS {
	tb.Helper()
	return maps.Clone(bigFiles(tb))
}

var (
	bigOnce sync.Once
	bigMade fstest.MapFS
)

func bigFiles(tb testing.TB) fstest.MapFS {
	tb.Helper()
	bigOnce.Do(func() { bigMade = bigLog().export(tb) })
	return bigMade
}

// damage changes one byte of a file.
func damage(export fstest.MapFS, name string, at int) {
	export[name] = &fstest.MapFile{Data: damaged(export[name].Data, at)}
}

// forgeEntry changes the line of an entry, and nothing else.
func forgeEntry(export fstest.MapFS, l *testLog, index int) []byte {
	lines := slices.Clone(l.lines)
	lines[index] = forge(lines[index])
	export[entriesFile] = &fstest.MapFile{Data: ndjson(lines)}
	return lines[index]
}

// TestVerifyTellsDamagedTilesFromDamagedEntries damages each kind of file with
// hashes: all entries must still be found good, and the file be named.
func TestVerifyTellsDamagedTilesFromDamagedEntries(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"frontier", "tile/0/000", "tile/0/272", "tile/0/273.p/112", "tile/1/000", "tile/1/001.p/17", "tile/2/000.p/1"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			export := bigExport(t)
			damage(export, name, -1)
			got, err := verify(t, export)
			wantBadTile(t, err, name, 1)
			if got.Entries != 70_000 || got.BadFiles != 1 {
				t.Errorf("got %+v", got)
			}
		})
	}
}

// TestVerifyNoticesEveryKindOfDamageToATile does the same to a smaller log, in
// more ways.
func TestVerifyNoticesEveryKindOfDamageToATile(t *testing.T) {
	t.Parallel()
	small := newLog(700).export(t)
	for _, name := range []string{"frontier", "tile/0/000", "tile/0/001", "tile/0/002.p/188", "tile/1/000.p/2"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			data := small[name].Data
			for what, damaged := range map[string][]byte{
				"first byte": damaged(data, 0), "last byte": damaged(data, -1), "middle byte": damaged(data, len(data)/2),
				"one byte less": data[:len(data)-1], "one byte more": append(bytes.Clone(data), 0), "emptied": {}, "hashes swapped": slices.Concat(data[32:], data[:32]),
			} {
				export := maps.Clone(small)
				export[name] = &fstest.MapFile{Data: damaged}
				got, err := verify(t, export)
				wantBadTile(t, err, name, 1)
				if got.Entries != 700 || got.BadFiles != 1 {
					t.Errorf("%s: got %+v", what, got)
				}
			}
		})
	}
}

func TestVerifyDoesWithoutTiles(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		gone, first string
		count       int64
	}{
		{"tile/0/", "tile/0/000", 274},
		{"tile/1/", "tile/1/000", 2},
		{"tile/", "tile/2/000.p/1", 5}, // as many as were looked for
	} {
		export := bigExport(t)
		for name := range export {
			if strings.HasPrefix(name, c.gone) {
				delete(export, name)
			}
		}
		got, err := verify(t, export)
		var bad *audit.BadTile
		if !errors.As(err, &bad) || got.Entries != 70_000 || bad.Path != c.first || bad.Count != c.count {
			t.Errorf("without %s: got %+v, %v", c.gone, got, err)
		}
	}
}

// TestManyDamagedTilesAreCounted, and each once.
func TestManyDamagedTilesAreCounted(t *testing.T) {
	t.Parallel()
	export := bigExport(t)
	for _, name := range []string{"tile/0/003", "tile/0/200", "tile/0/273.p/112", "tile/2/000.p/1"} {
		damage(export, name, 7)
	}
	_, err := verify(t, export)
	wantBadTile(t, err, "tile/2/000.p/1", 4)
}

// TestTilesDoNotHideATamperedEntry damages an entry together with tiles, in
// ways that leave less and less to compare with.
func TestTilesDoNotHideATamperedEntry(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		entry  int
		damage func(export fstest.MapFS, leaf audit.Hash)
		want   audit.BadEntry
	}{
		"nothing else": {
			300, func(fstest.MapFS, audit.Hash) {},
			audit.BadEntry{Index: 300, Last: 300, Problem: audit.Changed, Other: -1},
		},
		"a tile elsewhere": {
			300, func(export fstest.MapFS, _ audit.Hash) { damage(export, "tile/0/200", 5) },
			audit.BadEntry{Index: 300, Last: 300, Problem: audit.Changed, Other: -1},
		},
		"the frontier": {
			300, func(export fstest.MapFS, _ audit.Hash) { damage(export, "frontier", 5) },
			audit.BadEntry{Index: 300, Last: 300, Problem: audit.Changed, Other: -1},
		},
		"the frontier and the tile at the top": {
			300, func(export fstest.MapFS, _ audit.Hash) {
				damage(export, "frontier", 5)
				damage(export, "tile/2/000.p/1", 5)
				damage(export, "tile/1/001.p/17", 5)
			},
			audit.BadEntry{Index: 300, Last: 300, Problem: audit.Changed, Other: -1},
		},
		"the tile above": {
			300, func(export fstest.MapFS, _ audit.Hash) { damage(export, "tile/1/000", 5) },
			audit.BadEntry{Index: 300, Last: 300, Problem: audit.Changed, Other: -1},
		},
		"its leaf hash": {
			300, func(export fstest.MapFS, leaf audit.Hash) { setHash(export, "tile/0/001", 44, leaf) },
			audit.BadEntry{Index: 256, Last: 511, Problem: audit.Unlocated, Other: -1},
		},
		"its leaf hash, near the end": {
			69_990, func(export fstest.MapFS, leaf audit.Hash) { setHash(export, "tile/0/273.p/112", 102, leaf) },
			audit.BadEntry{Index: 69_984, Last: 69_999, Problem: audit.Unlocated, Other: -1},
		},
		"its leaf hash and all above": {
			300, func(export fstest.MapFS, leaf audit.Hash) {
				setHash(export, "tile/0/001", 44, leaf)
				root, _ := audit.TileRoot(export["tile/0/001"].Data)
				setHash(export, "tile/1/000", 1, root)
				root, _ = audit.TileRoot(export["tile/1/000"].Data)
				setHash(export, "tile/2/000.p/1", 0, root)
			},
			audit.BadEntry{Index: 0, Last: 65_535, Problem: audit.Unlocated, Other: -1},
		},
		"its tile and the one above": {
			300, func(export fstest.MapFS, _ audit.Hash) {
				delete(export, "tile/0/001")
				damage(export, "tile/1/000", 5)
			},
			audit.BadEntry{Index: 0, Last: 65_535, Problem: audit.Unlocated, Other: -1},
		},
		"every tile": {
			300, func(export fstest.MapFS, _ audit.Hash) {
				maps.DeleteFunc(export, func(name string, _ *fstest.MapFile) bool { return strings.HasPrefix(name, "tile/") })
			},
			audit.BadEntry{Index: 0, Last: 65_535, Problem: audit.Unlocated, Other: -1},
		},
		"everything that has hashes": {
			300, func(export fstest.MapFS, _ audit.Hash) {
				maps.DeleteFunc(export, func(name string, _ *fstest.MapFile) bool { return strings.HasPrefix(name, "tile/") })
				delete(export, "frontier")
			},
			audit.BadEntry{Index: 0, Last: 69_999, Problem: audit.Unlocated, Other: -1},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			export := bigExport(t)
			forged := forgeEntry(export, bigLog(), c.entry)
			c.damage(export, audit.LeafHash(forged))
			_, err := verify(t, export)
			wantBad(t, err, c.want)
		})
	}
}

// setHash replaces one hash of a tile.
func setHash(export fstest.MapFS, name string, i int, h audit.Hash) {
	data := bytes.Clone(export[name].Data)
	copy(data[32*i:], h[:])
	export[name] = &fstest.MapFile{Data: data}
}

// TestAForgerWithoutTheKeyIsFound has somebody who can write to all of the
// database, but not sign, rewrite history as well as can be done: with a
// changed entry, all tiles made anew and the frontier to match.
func TestAForgerWithoutTheKeyIsFound(t *testing.T) {
	t.Parallel()
	for _, size := range []int{5, 300, 3000} {
		honest := newLog(size)
		forged := &testLog{}
		for i, line := range honest.lines {
			if i == size/2 {
				line = forge(line)
			}
			forged.append(line)
		}
		src := forged.source(t, 0)
		src.Checkpoint = honest.signed(t)
		got, err := verify(t, mustExport(t, src))
		var bad *audit.BadEntry
		if !errors.As(err, &bad) || bad.Problem != audit.Unlocated || bad.Index > int64(size/2) || bad.Last < int64(size/2) {
			t.Errorf("of %d: got %+v, %v", size, got, err)
		}
	}
}

// TestTheStoredFrontierNamesWhatWasChangedAtTheEnd covers the last entries,
// whose tile is not full and hence was made from the lines that were changed.
func TestTheStoredFrontierNamesWhatWasChangedAtTheEnd(t *testing.T) {
	t.Parallel()
	honest := newLog(600) // 512 + 64 + 16 + 8
	forged := honest.at(580)
	for i, line := range honest.lines[580:] {
		if i == 3 {
			line = forge(line)
		}
		forged.append(line)
	}
	src := forged.source(t, 0)
	src.Checkpoint, src.Tree = honest.signed(t), honest.tree
	_, err := verify(t, mustExport(t, src))
	wantBad(t, err, audit.BadEntry{Index: 576, Last: 591, Problem: audit.Unlocated, Other: -1})
}

// TestDamagedHashesOfRemovedLines concern no entry, wherever they are.
func TestDamagedHashesOfRemovedLines(t *testing.T) {
	t.Parallel()
	l := bigLog()
	export := mustExport(t, l.source(t, 66_000))
	for name, count := range map[string]int64{"tile/0/000": 1, "tile/1/000": 1, "tile/0/256": 1} {
		broken := maps.Clone(export)
		damage(broken, name, 100)
		got, err := verifyFrom(t, broken, 66_000)
		wantBadTile(t, err, name, count)
		if got.Entries != 4000 {
			t.Errorf("%s: got %+v", name, got)
		}
	}
	both := maps.Clone(export)
	damage(both, "tile/0/000", 100)
	damage(both, "tile/1/000", 100)
	got, err := verifyFrom(t, both, 66_000)
	wantBadTile(t, err, "tile/1/000", 1)
	if got.Entries != 4000 {
		t.Errorf("got %+v", got)
	}
}

// TestDamagedHashesWhereLinesBegin concern the entries that share their tile:
// with part of the lines gone, nothing can be said about the others.
func TestDamagedHashesWhereLinesBegin(t *testing.T) {
	t.Parallel()
	l := newLog(1000)
	export := mustExport(t, l.source(t, 300))
	before, within := maps.Clone(export), maps.Clone(export)
	damage(before, "tile/0/001", 10*32)
	_, err := verifyFrom(t, before, 300)
	wantBad(t, err, audit.BadEntry{Index: 300, Last: 511, Problem: audit.Unlocated, Other: -1})
	delete(before, "tile/0/001")
	_, err = verifyFrom(t, before, 300)
	wantBad(t, err, audit.BadEntry{Index: 300, Last: 511, Problem: audit.Unlocated, Other: -1})
	damage(within, "tile/0/001", 100*32)
	_, err = verifyFrom(t, within, 300)
	wantBadTile(t, err, "tile/0/001", 1)
}

// TestRetentionAndDamageAbove goes through the lines of a tile without any hash
// to compare them with but the one far above.
func TestRetentionAndDamageAbove(t *testing.T) {
	t.Parallel()
	l := bigLog()
	export := mustExport(t, l.source(t, 300))
	damage(export, "tile/1/000", 5)
	damage(export, "tile/0/200", 5)
	got, err := verifyFrom(t, export, 300, l.at(700).signed(t), l.at(69_000).signed(t))
	wantBadTile(t, err, "tile/1/000", 1)
	if got.Entries != 69_700 || got.Kept != 2 {
		t.Errorf("got %+v", got)
	}
	_, err = verifyFrom(t, export, 300, newLog(701).at(700).signed(t))
	if !errors.Is(err, audit.ErrForked) {
		t.Errorf("another history: got %v, want ErrForked", err)
	}
}

// TestAnyDamageIsFound changes random bytes of random files of a large log.
func TestAnyDamageIsFound(t *testing.T) {
	t.Parallel()
	names := slices.Sorted(maps.Keys(bigFiles(t)))
	random := rand.New(rand.NewPCG(2, 3))
	for range 4 {
		export := bigExport(t)
		var what []string
		for range 1 + random.IntN(3) {
			name := names[random.IntN(len(names))]
			if random.IntN(2) == 0 {
				name = entriesFile
			}
			damage(export, name, random.IntN(len(export[name].Data)))
			what = append(what, name)
		}
		got, err := verify(t, export)
		if !errors.Is(err, audit.ErrBroken) {
			t.Errorf("%v damaged: got %+v, %v", what, got, err)
		}
		var tiles *audit.BadTile
		if slices.Contains(what, entriesFile) && errors.As(err, &tiles) {
			t.Errorf("%v damaged: got %v", what, err)
		}
	}
}
