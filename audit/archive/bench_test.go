package archive_test

import (
	"archive/zip"
	"bufio"
	"bytes"
	"crypto/sha256"
	"errors"
	"io"
	"os"
	"runtime"
	"strconv"
	"syscall"
	"testing"
	"time"

	"cpis/audit"
	"cpis/audit/archive"
)

// benchEntries is how many entries are written and verified: BENCH_EXPORT, such as
// 1000000, or few enough to be done in a moment.
func benchEntries(b *testing.B) int {
	b.Helper()
	n, err := strconv.Atoi(os.Getenv("BENCH_EXPORT"))
	if err != nil {
		return 20_000
	}
	return n
}

// report is a report of a log in some formats, without entries that lack their line.
// The lines are made when they are asked for: of the log, only the hashes are in
// memory, 32 bytes an entry.
func report(b *testing.B, n int, formats ...archive.Format) archive.Source {
	b.Helper()
	l := newLog(origin, 0)
	l.leaves = make([]audit.Hash, 0, n)
	line := func(i int) []byte { e := entry(i); return e.AppendLine(nil) }
	for i := range n {
		l.leaves = append(l.leaves, audit.LeafHash(line(i)))
		l.tree.Append(l.leaves[i])
	}
	part := l.part(b, 0, 1)
	part.Entries = func(yield func(*archive.Found, error) bool) {
		for i := range n {
			if !yield(&archive.Found{Index: int64(i), Line: line(i)}, nil) {
				return
			}
		}
	}
	src := sourceOf(part)
	src.Manifest.Formats = formats
	src.Scratch = func() (archive.File, error) { return onDisk(b), nil }
	return src
}

// disk is a file on disk.
type disk struct{ *os.File }

func onDisk(b *testing.B) *disk {
	b.Helper()
	f, err := os.CreateTemp(b.TempDir(), "")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = f.Close() })
	return &disk{f}
}

// From implements archive.File.
func (d *disk) From(offset int64) io.Reader { return io.NewSectionReader(d, offset, 1<<62) }

// BenchmarkWrite writes archives with each format. The memory is the most that the
// process ever had, so ask for one format at a time.
func BenchmarkWrite(b *testing.B) {
	n := benchEntries(b)
	for _, formats := range [][]archive.Format{nil, {archive.CSV}, {archive.XLSX}, {archive.BALP}, {archive.NHS}, archive.Formats()} {
		b.Run(nameOf(formats), func(b *testing.B) {
			src := report(b, n, formats...)
			perCore(b, n, func() {
				if _, err := archive.Write(b.Context(), src, onDisk(b)); err != nil {
					b.Fatal(err)
				}
			})
			b.ReportMetric(float64(used(b).Maxrss)/1024, "MiB")
		})
	}
}

func nameOf(formats []archive.Format) string {
	switch len(formats) {
	case 0:
		return "lines"
	case 1:
		return string(formats[0])
	}
	return "all"
}

// BenchmarkVerify verifies archives with each format, and beside them two yardsticks:
// bare hashing, which only decompresses the lines, and makes the sum of the file, the
// hashes of the leaves and the tree; and sha256sum, which makes the sum alone. All are
// told by processor time, which a busy machine distorts less.
func BenchmarkVerify(b *testing.B) {
	n := benchEntries(b)
	for _, formats := range [][]archive.Format{nil, {archive.CSV}, archive.Formats()} {
		b.Run(nameOf(formats), func(b *testing.B) {
			file, keys := mustWrite(b, report(b, n, formats...)), keysOf(b, origin)
			perCore(b, n, func() {
				if _, err := verify(b, file, keys); err != nil {
					b.Fatal(err)
				}
			})
		})
	}
	file := mustWrite(b, report(b, n))
	b.Run("bare hashing", func(b *testing.B) { perCore(b, n, func() { hashTree(b, file) }) })
	b.Run("sha256sum", func(b *testing.B) { perCore(b, n, func() { hashLines(b, file) }) })
}

// perCore reports how many entries are worked on in a second of processor time.
func perCore(b *testing.B, n int, do func()) {
	b.Helper()
	runtime.GC()
	before := processorTime(b)
	for b.Loop() {
		do()
	}
	took := processorTime(b) - before
	b.ReportMetric(float64(n)*float64(b.N)/took.Seconds(), "entries/s/core")
	b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "entries/s")
}

// processorTime returns how long this process has computed.
func processorTime(b *testing.B) time.Duration {
	b.Helper()
	r := used(b)
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

func used(b *testing.B) (r syscall.Rusage) {
	b.Helper()
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		b.Fatal(err)
	}
	return r
}

// hashTree reads the lines, and makes the sum of the file and the root of the tree.
func hashTree(b *testing.B, file []byte) {
	b.Helper()
	sum := sha256.New()
	lines := bufio.NewReaderSize(io.TeeReader(linesOf(b, file), sum), 128<<10)
	var tree audit.Tree
	for {
		line, err := lines.ReadSlice('\n')
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			b.Fatal(err)
		}
		tree.Append(audit.LeafHash(line[:len(line)-1]))
	}
	tree.Root()
	sum.Sum(nil)
}

// hashLines reads the lines and hashes them, as sha256sum would.
func hashLines(b *testing.B, file []byte) {
	b.Helper()
	if _, err := io.Copy(sha256.New(), linesOf(b, file)); err != nil {
		b.Fatal(err)
	}
}

// linesOf are the lines of an archive.
func linesOf(b *testing.B, file []byte) io.Reader {
	b.Helper()
	r, err := zip.NewReader(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		b.Fatal(err)
	}
	in, err := r.Open("log-1/entries.ndjson")
	if err != nil {
		b.Fatal(err)
	}
	return in
}
