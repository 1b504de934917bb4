package audit_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/binary"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"cpis/audit"
)

var update = flag.Bool("update", false, "write the golden files anew")

const origin = "cpis.example/log/1"

// signer returns the private key number n of the tests.
func signer(n byte) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{n}, ed25519.SeedSize))
}

// public returns the public half of a private key.
func public(priv ed25519.PrivateKey) ed25519.PublicKey {
	return ed25519.PublicKey(priv[ed25519.SeedSize:])
}

// keyOf returns the verifier key of a signer for a log.
func keyOf(tb testing.TB, name string, priv ed25519.PrivateKey) audit.VerifierKey {
	tb.Helper()
	key, err := audit.NewVerifierKey(name, public(priv))
	if err != nil {
		tb.Fatalf("NewVerifierKey: %v", err)
	}
	return key
}

// logKeys are the keys that an auditor of the fixture's log is given.
func logKeys(tb testing.TB) []audit.VerifierKey {
	tb.Helper()
	return []audit.VerifierKey{keyOf(tb, origin, signer(1))}
}

// mustSign returns a checkpoint signed with priv.
func mustSign(tb testing.TB, c audit.Checkpoint, priv ed25519.PrivateKey) []byte {
	tb.Helper()
	signed, err := audit.SignCheckpoint(c, public(priv), ed25519.Sign(priv, c.Body()))
	if err != nil {
		tb.Fatalf("SignCheckpoint: %v", err)
	}
	return signed
}

// exampleEntry is an entry of version 1.
func exampleEntry() audit.Entry {
	return audit.Entry{
		Version:      1,
		Time:         time.Date(2026, 11, 23, 17, 5, 6, 123456000, time.UTC),
		Salt:         [16]byte([]byte("sixteen bytes!!!")),
		Actor:        "555254240100",
		Client:       "ed-system-7",
		Issuer:       "https://am.example.nhs.uk",
		Organisation: "RJ1",
		Role:         "clinician_unscheduled",
		Action:       "look_up",
		Mode:         "unscheduled",
		Purpose:      "direct_care",
		Subject:      bytes.Repeat([]byte{0xa5}, 32),
		Encounter:    bytes.Repeat([]byte{0x3c}, 16),
		Request:      "0193596c-7b1e-7cc2-8f0e-2f2f4f0a9a11",
		Outcome:      "flag_held",
		Rule:         "clinician_unscheduled at acute_trust may look_up unscheduled",
		Disclosed:    []audit.Disclosed{{Plan: "01935970-2a4b-7a10-9d3e-6a5f1c2b3d4e", Version: 3}},
	}
}

// secondEntry is an entry of version 2: a look-up by break-glass that found a
// flag.
func secondEntry() audit.Entry {
	e := exampleEntry()
	e.Version, e.Assurance, e.From, e.Procedure = 2, 2, "203.0.113.0/24", "LookUp"
	e.Setting, e.Grounds, e.BreakGlass, e.Rule, e.Policy = "emergency_department", "cover", true, "B1", "5d1f0c2e8a47b936"
	e.History = 3
	e.Review = audit.Review{ID: "0193596c-7b20-7d01-9c44-51c02b7f3e08", Reason: bytes.Repeat([]byte{0x5a}, 32)}
	return e
}

// fullEntry is an entry with every field.
func fullEntry() audit.Entry {
	e := secondEntry()
	e.Responsible, e.Target, e.Recipient = []byte{1}, audit.Thing{Kind: "notice", ID: "0193596c-7b20-7d01-9c44-51c02b7f3e09"}, "X26"
	e.Reason, e.PolicyText = "kinds_only", "[matchers]\n"
	e.Restricted, e.Degraded = true, true
	e.Shown = []audit.Shown{{Kind: "notice", IDs: []string{"a", "b"}}, {Kind: "transfer"}}
	e.Counts = audit.Counts{"rows": 1}
	return e
}

// testLog is a log in memory.
type testLog struct {
	lines  [][]byte
	leaves []audit.Hash
	tree   audit.Tree
}

// newLog returns a log of n different entries, the same on every run.
func newLog(n int) *testLog {
	random := rand.New(rand.NewPCG(1, uint64(n)))
	l := &testLog{}
	for i := range n {
		e := audit.Entry{
			Time:         time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC).Add(time.Duration(i) * time.Millisecond),
			Actor:        "555254240100",
			Organisation: "RJ1",
			Action:       "look_up",
			Outcome:      "no_flag_known",
		}
		binary.BigEndian.PutUint64(e.Salt[:], random.Uint64())
		binary.BigEndian.PutUint64(e.Salt[8:], random.Uint64())
		l.append(e.AppendLine(nil))
	}
	return l
}

func (l *testLog) append(line []byte) {
	leaf := audit.LeafHash(line)
	l.lines = append(l.lines, line)
	l.leaves = append(l.leaves, leaf)
	l.tree.Append(leaf)
}

// at returns the log as it was when it had n entries.
func (l *testLog) at(n int) *testLog {
	past := &testLog{lines: l.lines[:n:n], leaves: l.leaves[:n:n]}
	for _, leaf := range past.leaves {
		past.tree.Append(leaf)
	}
	return past
}

// signed returns the signed checkpoint of the log.
func (l *testLog) signed(tb testing.TB) []byte {
	tb.Helper()
	return mustSign(tb, l.tree.Checkpoint(origin), signer(1))
}

// stored returns the log's full tiles, each made right from the definition.
func (l *testLog) stored() storedTiles {
	stored := storedTiles{}
	row := l.leaves
	for level := 0; len(row) >= audit.TileWidth; level++ {
		var above []audit.Hash
		for i := 0; i+audit.TileWidth <= len(row); i += audit.TileWidth {
			hashes := row[i : i+audit.TileWidth]
			stored[audit.Tile{Level: level, Index: int64(i / audit.TileWidth), Width: audit.TileWidth}] = audit.TileOf(hashes)
			above = append(above, rootOf(hashes))
		}
		row = above
	}
	return stored
}

// tiles returns all of the log's tiles, partial ones derived.
func (l *testLog) tiles() audit.Tiles {
	return audit.Derive(l.stored(), func(_ context.Context, from, to int64) ([]audit.Hash, error) {
		return l.leaves[from:to], nil
	})
}

// rootOf returns the root over hashes by the recursion of RFC 6962.
func rootOf(hashes []audit.Hash) audit.Hash {
	var tree audit.Tree
	for _, h := range hashes {
		tree.Append(h)
	}
	return tree.Root()
}

// source returns what the log is exported from, without the lines before first.
func (l *testLog) source(tb testing.TB, first int) audit.Source {
	tb.Helper()
	return audit.Source{
		Checkpoint: l.signed(tb),
		First:      int64(first),
		Lines:      linesOf(l.lines[first:]),
		Tiles:      l.tiles(),
		Tree:       l.tree,
	}
}

func linesOf(lines [][]byte) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		for _, line := range lines {
			if !yield(line, nil) {
				return
			}
		}
	}
}

// export returns an export of the log.
func (l *testLog) export(tb testing.TB) fstest.MapFS {
	tb.Helper()
	return mustExport(tb, l.source(tb, 0))
}

// mustExport exports into memory.
func mustExport(tb testing.TB, src audit.Source) fstest.MapFS {
	tb.Helper()
	files := fstest.MapFS{}
	if err := audit.Export(tb.Context(), src, createIn(files)); err != nil {
		tb.Fatalf("Export: %v", err)
	}
	return files
}

// storedTiles are tiles in memory.
type storedTiles map[audit.Tile][]byte

func (s storedTiles) ReadTiles(_ context.Context, tiles []audit.Tile) ([][]byte, error) {
	result := make([][]byte, len(tiles))
	for i, t := range tiles {
		result[i] = s[t]
	}
	return result, nil
}

// createIn makes files in memory.
func createIn(files fstest.MapFS) audit.Create {
	return func(name string) (io.WriteCloser, error) {
		if files[name] != nil {
			return nil, fmt.Errorf("%w: %s", fs.ErrExist, name)
		}
		files[name] = &fstest.MapFile{Mode: 0o644}
		return memoryFile{files[name]}, nil
	}
}

type memoryFile struct{ file *fstest.MapFile }

func (f memoryFile) Write(p []byte) (int, error) {
	f.file.Data = append(f.file.Data, p...)
	return len(p), nil
}

func (f memoryFile) Close() error { return nil }

// copyOf returns an export that can be changed without changing the other.
func copyOf(export fstest.MapFS) fstest.MapFS {
	other := maps.Clone(export)
	for name, file := range other {
		other[name] = &fstest.MapFile{Data: slices.Clone(file.Data), Mode: file.Mode}
	}
	return other
}

// golden compares got with a file in testdata.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", filepath.FromSlash(name))
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s differs (-want +got):\n%s", path, diff)
	}
}

// goldenBytes is golden for files that are not text.
func goldenBytes(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", filepath.FromSlash(name))
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(want, got) {
		t.Errorf("%s differs: want %x, got %x", path, want, got)
	}
}
