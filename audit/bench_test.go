package audit_test

import (
	"context"
	"encoding/binary"
	"os"
	"syscall"
	"testing"
	"time"

	"cpis/audit"
)

func BenchmarkAppendLine(b *testing.B) {
	e := secondEntry()
	buf := e.AppendLine(nil)
	b.SetBytes(int64(len(buf)))
	b.ReportAllocs()
	for b.Loop() {
		buf = e.AppendLine(buf[:0])
	}
}

func BenchmarkParseLine(b *testing.B) {
	e := secondEntry()
	line := e.AppendLine(nil)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := audit.ParseLine(line); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkLeafHash(b *testing.B) {
	e := secondEntry()
	line := e.AppendLine(nil)
	b.SetBytes(int64(len(line)))
	b.ReportAllocs()
	for b.Loop() {
		audit.LeafHash(line)
	}
}

// BenchmarkTreeAppend measures one leaf, given its hash.
func BenchmarkTreeAppend(b *testing.B) {
	leaf := audit.LeafHash(nil)
	var tree audit.Tree
	b.ReportAllocs()
	for b.Loop() {
		tree.Append(leaf)
	}
}

// BenchmarkTreeGroup measures what a group of 64 entries costs the one who
// appends it: a copy of the tree, the leaves, the frontier to be stored and the
// new root.
func BenchmarkTreeGroup(b *testing.B) {
	leaf := audit.LeafHash(nil)
	var tree audit.Tree
	for range 1_000_003 {
		tree.Append(leaf)
	}
	buf := make([]byte, 0, 64*32)
	b.ReportAllocs()
	for b.Loop() {
		next := tree
		for range 64 {
			next.Append(leaf)
		}
		buf = next.AppendFrontier(buf[:0])
		next.Root()
		tree = next
	}
}

// BenchmarkVerify reports how many entries are verified in a second of processor
// time (which a busy machine does not distort), from files on disk. They are what most entries are: look-ups without a flag.
func BenchmarkVerify(b *testing.B) {
	const size = 100_000
	e := secondEntry()
	e.Outcome, e.Disclosed, e.Grounds, e.BreakGlass, e.History, e.Review = "no_flag_known", nil, "", false, 0, audit.Review{}
	l := &testLog{}
	for i := range size {
		binary.BigEndian.PutUint64(e.Salt[:], uint64(i))
		l.append(e.AppendLine(nil))
	}
	dir := b.TempDir()
	root, err := os.OpenRoot(dir)
	if err != nil {
		b.Fatal(err)
	}
	defer root.Close()
	if err := audit.Export(b.Context(), l.source(b, 0), audit.CreateIn(root)); err != nil {
		b.Fatal(err)
	}
	keys := logKeys(b)
	b.ReportAllocs()
	before := processorTime(b)
	for b.Loop() {
		if _, err := audit.Verify(b.Context(), root.FS(), origin, keys); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(size)*float64(b.N)/(processorTime(b)-before).Seconds(), "entries/cpu-s")
}

// processorTime returns how long this process has computed.
func processorTime(b *testing.B) time.Duration {
	b.Helper()
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		b.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// synthetic is a log of millions of entries whose full tiles are made when they
// are asked for, as a database would read them.
type synthetic struct {
	size  int64
	above storedTiles // of level 1 and more
	tree  audit.Tree
}

func leafNumber(n int64) audit.Hash {
	var h audit.Hash
	binary.BigEndian.PutUint64(h[:], uint64(n)+1)
	return h
}

func newSynthetic(size int64) *synthetic {
	l := &testLog{}
	s := &synthetic{size: size, above: storedTiles{}}
	roots := make([]audit.Hash, 0, size>>audit.TileHeight)
	for n := range size {
		s.tree.Append(leafNumber(n))
	}
	for i := range size >> audit.TileHeight {
		root, err := audit.TileRoot(s.leafTile(i))
		if err != nil {
			panic(err)
		}
		roots = append(roots, root)
	}
	l.leaves = roots
	for t, data := range l.stored() {
		t.Level++
		s.above[t] = data
	}
	return s
}

func (s *synthetic) leafTile(index int64) []byte {
	hashes := make([]audit.Hash, audit.TileWidth)
	for i := range hashes {
		hashes[i] = leafNumber(index<<audit.TileHeight + int64(i))
	}
	return audit.TileOf(hashes)
}

func (s *synthetic) ReadTiles(ctx context.Context, tiles []audit.Tile) ([][]byte, error) {
	result, err := s.above.ReadTiles(ctx, tiles)
	for i, t := range tiles {
		if t.Level == 0 && (t.Index+1)<<audit.TileHeight <= s.size {
			result[i] = s.leafTile(t.Index)
		}
	}
	return result, err
}

func (s *synthetic) leaves(_ context.Context, from, to int64) ([]audit.Hash, error) {
	var hashes []audit.Hash
	for n := from; n < to; n++ {
		hashes = append(hashes, leafNumber(n))
	}
	return hashes, nil
}

// BenchmarkProve measures one inclusion proof in a log of ten million entries
// that stores full tiles only: cold, as the first proof after a start, and
// warm, as every later one.
func BenchmarkProve(b *testing.B) {
	s := newSynthetic(10_000_000 + 123)
	signed := mustSign(b, s.tree.Checkpoint(origin), signer(1))
	prove := func(b *testing.B, tiles audit.Tiles, index int64) {
		b.Helper()
		p, err := audit.Prove(b.Context(), tiles, signed, index)
		if err != nil {
			b.Fatal(err)
		}
		if len(p.Hashes) != 24 && index < 1<<23 {
			b.Fatalf("a proof of %d hashes", len(p.Hashes))
		}
	}
	b.Run("cold", func(b *testing.B) {
		for n := int64(0); b.Loop(); n++ {
			prove(b, audit.Derive(s, s.leaves), n*7919%s.size)
		}
	})
	b.Run("warm", func(b *testing.B) {
		tiles := audit.Derive(s, s.leaves)
		for n := int64(0); b.Loop(); n++ {
			prove(b, tiles, n*7919%s.size)
		}
	})
}
