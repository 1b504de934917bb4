package audit_test

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"cpis/audit"
)

// verify verifies an export of the fixture's log.
func verify(tb testing.TB, export fs.FS, kept ...[]byte) (audit.Report, error) {
	tb.Helper()
	return audit.Verify(tb.Context(), export, origin, logKeys(tb), kept...)
}

// verifyFrom is verify for whoever knows at which index the log begins.
func verifyFrom(tb testing.TB, export fs.FS, first int, kept ...[]byte) (audit.Report, error) {
	tb.Helper()
	return audit.VerifyFrom(tb.Context(), export, int64(first), origin, logKeys(tb), kept...)
}

// wantBad fails unless the error names the entry and the problem.
func wantBad(tb testing.TB, err error, want audit.BadEntry) {
	tb.Helper()
	var got *audit.BadEntry
	if !errors.As(err, &got) || !errors.Is(err, audit.ErrBroken) {
		tb.Errorf("got %v, want %v", err, &want)
		return
	}
	if diff := cmp.Diff(want, *got); diff != "" {
		tb.Errorf("got %v (-want +got):\n%s", got, diff)
	}
}

// wantBadTile fails unless the error says that only tiles are bad.
func wantBadTile(tb testing.TB, err error, path string, count int64) {
	tb.Helper()
	var got *audit.BadTile
	if !errors.As(err, &got) || !errors.Is(err, audit.ErrBroken) || got.Path != path || got.Count != count {
		tb.Errorf("got %v, want %d bad files, first %s", err, count, path)
	}
}

func TestVerifyAcceptsWhatWasSigned(t *testing.T) {
	t.Parallel()
	whole := newLog(sizes[len(sizes)-1])
	for _, size := range sizes {
		t.Run(strconv.Itoa(size), func(t *testing.T) {
			t.Parallel()
			l := whole.at(size)
			got, err := verify(t, l.export(t))
			if err != nil {
				t.Fatal(err)
			}
			want := audit.Report{Checkpoint: l.tree.Checkpoint(origin), Entries: int64(size)}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("report (-want +got):\n%s", diff)
			}
		})
	}
}

func TestVerifyDoesWithoutTheFrontier(t *testing.T) {
	t.Parallel()
	for _, l := range []*testLog{newLog(0), newLog(1), newLog(300), bigLog()} {
		size := len(l.lines)
		src := l.source(t, 0)
		src.Tree = audit.Tree{}
		export := mustExport(t, src)
		if size > 0 && export["frontier"] != nil {
			t.Errorf("a frontier was exported that is not known")
		}
		if _, err := verify(t, export); err != nil {
			t.Errorf("%d entries: %v", size, err)
		}
		if size == 0 {
			continue
		}
		lines := bytes.Clone(export["entries.ndjson"].Data)
		lines[10] ^= 1
		export["entries.ndjson"].Data = lines
		_, err := verify(t, export)
		wantBad(t, err, audit.BadEntry{Index: 0, Problem: audit.Changed, Other: -1})
	}
}

// TestVerifyAcceptsALogShortenedByRetention removes the oldest lines, at and
// around every boundary.
func TestVerifyAcceptsALogShortenedByRetention(t *testing.T) {
	t.Parallel()
	small := newLog(1000)
	for first, l := range map[int]*testLog{
		1: small, 2: small, 255: small, 256: small, 257: small, 700: small, 999: small, 1000: small,
		65_535: bigLog(), 65_536: bigLog(), 65_537: bigLog(), 65_900: bigLog(), 69_999: bigLog(), 70_000: bigLog(),
	} {
		t.Run(strconv.Itoa(first), func(t *testing.T) {
			t.Parallel()
			got, err := verifyFrom(t, mustExport(t, l.source(t, first)), first)
			want := audit.Report{Checkpoint: l.tree.Checkpoint(origin), First: int64(first), Entries: l.tree.Size() - int64(first)}
			if diff := cmp.Diff(want, got); err != nil || diff != "" {
				t.Errorf("%v, report (-want +got):\n%s", err, diff)
			}
		})
	}
}

func TestVerifyReadsAnArchive(t *testing.T) {
	t.Parallel()
	l := newLog(700)
	var buf bytes.Buffer
	archive := zip.NewWriter(&buf)
	create := func(name string) (io.WriteCloser, error) {
		w, err := archive.Create(name)
		return nopCloser{w}, err
	}
	if err := audit.Export(t.Context(), l.source(t, 0), create); err != nil {
		t.Fatal(err)
	}
	if err := archive.Close(); err != nil {
		t.Fatal(err)
	}
	files, err := zip.NewReader(bytes.NewReader(buf.Bytes()), int64(buf.Len()))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := verify(t, files); err != nil || got.Entries != 700 {
		t.Errorf("got %v, %v", got, err)
	}
}

type nopCloser struct{ io.Writer }

func (nopCloser) Close() error { return nil }

func TestVerifyNamesABadCheckpoint(t *testing.T) {
	t.Parallel()
	l := newLog(5)
	c := l.tree.Checkpoint(origin)
	elsewhere := c
	elsewhere.Origin = "other.example/log"
	for name, e := range map[string]struct {
		checkpoint []byte
		want       error
	}{
		"signed with another key": {mustSign(t, c, signer(2)), audit.ErrSignature},
		"of another log":          {mustSign(t, elsewhere, signer(1)), audit.ErrOtherLog},
		"changed":                 {damaged(l.signed(t), len(origin)+3), audit.ErrSignature},
		"empty":                   {[]byte{}, audit.ErrMalformed},
		"not there":               {nil, audit.ErrBroken},
	} {
		export := l.export(t)
		export["checkpoint"].Data = e.checkpoint
		if e.checkpoint == nil {
			delete(export, "checkpoint")
		}
		if _, err := verify(t, export); !errors.Is(err, e.want) || !errors.Is(err, audit.ErrBroken) {
			t.Errorf("%s: got %v, want %v", name, err, e.want)
		}
	}
}

// TestVerifyAgainstAnotherTree puts the checkpoint of another history beside
// entries and hashes that are consistent with each other.
func TestVerifyAgainstAnotherTree(t *testing.T) {
	t.Parallel()
	for _, size := range []int{5, 600} {
		l := newLog(size)
		export := l.export(t)
		other := audit.Checkpoint{Origin: origin, Size: int64(size), Root: leafNumber(1)}
		export["checkpoint"].Data = mustSign(t, other, signer(1))
		_, err := verify(t, export)
		wantBad(t, err, audit.BadEntry{Index: 0, Last: int64(size) - 1, Problem: audit.Unlocated, Other: -1})
	}
	none := mustExport(t, newLog(600).source(t, 600))
	none["checkpoint"].Data = mustSign(t, audit.Checkpoint{Origin: origin, Size: 600, Root: leafNumber(1)}, signer(1))
	if _, err := verify(t, none); !errors.Is(err, audit.ErrBroken) {
		t.Errorf("nothing but hashes: got %v, want ErrBroken", err)
	}
	empty := newLog(0).export(t)
	empty["checkpoint"].Data = mustSign(t, audit.Checkpoint{Origin: origin, Root: leafNumber(1)}, signer(1))
	if _, err := verify(t, empty); !errors.Is(err, audit.ErrBroken) {
		t.Errorf("nothing at all: got %v, want ErrBroken", err)
	}
}

// TestVerifyNamesLinesThatAreNoEntries has the log itself contain them: they
// are as signed, and still no good.
func TestVerifyNamesLinesThatAreNoEntries(t *testing.T) {
	t.Parallel()
	for name, line := range map[string]string{
		"prose":          "drop table entry",
		"empty":          "",
		"later version":  `{"v":3}`,
		"unknown field":  strings.Replace(string(newLog(1).lines[0]), `"org"`, `"name":"x","org"`, 1),
		"far too long":   strings.Repeat("x", 300_000),
		"longer by one":  strings.Repeat("x", audit.MaxLine+1),
		"with CR at end": string(newLog(1).lines[0]) + "\r",
	} {
		l := newLog(400)
		honest := newLog(400)
		l.append([]byte(line))
		for _, more := range honest.lines[:10] {
			l.append(more)
		}
		got, err := verify(t, l.export(t))
		wantBad(t, err, audit.BadEntry{Index: 400, Last: 400, Problem: audit.NotAnEntry, Other: -1})
		if got.Entries != 411 || got.Malformed != 1 {
			t.Errorf("%s: got %+v", name, got)
		}
	}
}

// brokenFS cannot read a file that exists.
type brokenFS struct {
	fs.FS
	name  string
	later bool // only reading fails, not opening
}

func (b brokenFS) Open(name string) (fs.File, error) {
	file, err := b.FS.Open(name)
	switch {
	case name != b.name:
		return file, err
	case b.later:
		return brokenFile{file}, err
	}
	return nil, errRead
}

type brokenFile struct{ fs.File }

func (brokenFile) Read([]byte) (int, error) { return 0, errRead }

func TestVerifyDoesNotMistakeABadDiskForABadLog(t *testing.T) {
	t.Parallel()
	export := mustExport(t, newLog(1200).source(t, 10))
	for _, name := range []string{"checkpoint", "first", "frontier", "entries.ndjson", "tile/0/000", "tile/0/003", "tile/0/004.p/176", "tile/1/000.p/4"} {
		for _, later := range []bool{false, true} {
			_, err := verify(t, brokenFS{export, name, later})
			if !errors.Is(err, errRead) || errors.Is(err, audit.ErrBroken) {
				t.Errorf("%s: got %v, want the error", name, err)
			}
		}
	}
	changed := copyOf(export)
	changed["entries.ndjson"].Data[10_000] ^= 1
	if _, err := verify(t, brokenFS{changed, "tile/0/003", false}); !errors.Is(err, errRead) {
		t.Errorf("looking for a changed entry: got %v, want the error", err)
	}
	big := bigExport(t)
	if _, err := verify(t, brokenFS{big, "tile/1/000", false}); !errors.Is(err, errRead) {
		t.Errorf("on the way down: got %v, want the error", err)
	}
	damage(big, "tile/1/000", 5)
	if _, err := verify(t, brokenFS{big, "tile/0/200", true}); !errors.Is(err, errRead) {
		t.Errorf("making a damaged tile anew: got %v, want the error", err)
	}
}

func TestVerifyStopsWhenToldTo(t *testing.T) {
	t.Parallel()
	export := newLog(600).export(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := audit.Verify(ctx, export, origin, logKeys(t)); !errors.Is(err, context.Canceled) || errors.Is(err, audit.ErrBroken) {
		t.Errorf("got %v, want context.Canceled", err)
	}
}

// endless is an export whose lines, all the same, are made while they are read.
type endless struct {
	fstest.MapFS
	line []byte
	left int
	peak uint64 // the most memory in use when a tile was opened
}

func (e *endless) Open(name string) (fs.File, error) {
	if strings.HasSuffix(name, "50") { // now and then
		e.peak = max(e.peak, heapInUse())
	}
	file, err := e.MapFS.Open(name)
	if name == "entries.ndjson" {
		return &endlessFile{file, e, nil}, err
	}
	return file, err
}

type endlessFile struct {
	fs.File
	of   *endless
	rest []byte
}

func (f *endlessFile) Read(p []byte) (int, error) {
	if len(f.rest) == 0 {
		if f.of.left == 0 {
			return 0, io.EOF
		}
		f.of.left--
		f.rest = f.of.line
	}
	n := copy(p, f.rest)
	f.rest = f.rest[n:]
	return n, nil
}

func newEndless(tb testing.TB, size int) *endless {
	tb.Helper()
	line := newLog(1).lines[0]
	l := &testLog{}
	for range size {
		l.leaves = append(l.leaves, audit.LeafHash(line))
		l.tree.Append(l.leaves[0])
	}
	return &endless{MapFS: l.export(tb), line: append(line, '\n'), left: size}
}

func heapInUse() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapInuse
}

// TestVerifyTakesLittleMemory verifies a log that is much larger than the
// memory it may use. It runs alone, so that the memory is its own.
func TestVerifyTakesLittleMemory(t *testing.T) {
	const size = 200_000
	export := newEndless(t, size)
	runtime.GC()
	before := heapInUse()
	if _, err := verify(t, export); err != nil {
		t.Fatal(err)
	}
	if export.peak == 0 || int64(export.peak)-int64(before) > 32<<20 {
		t.Errorf("used %d MiB", (int64(export.peak)-int64(before))>>20)
	}
}
