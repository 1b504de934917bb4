package archive_test

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"io"
	"os"
	"strconv"
	"testing"

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

// linesOnly is a report without formats.
func linesOnly(b *testing.B, n int, formats ...archive.Format) archive.Source {
	b.Helper()
	l := newLog(origin, n)
	part := l.part(b, 0, 1)
	part.Entries = func(yield func(*archive.Found, error) bool) {
		for i, line := range l.lines {
			if !yield(&archive.Found{Index: int64(i), Line: line}, nil) {
				return
			}
		}
	}
	src := sourceOf(part)
	src.Manifest.Formats = formats
	return src
}

// BenchmarkWrite writes archives with each format.
func BenchmarkWrite(b *testing.B) {
	n := benchEntries(b)
	for _, formats := range [][]archive.Format{nil, {archive.CSV}, {archive.XLSX}, {archive.BALP}, {archive.NHS}, archive.Formats()} {
		b.Run(nameOf(formats), func(b *testing.B) {
			src := linesOnly(b, n, formats...)
			for b.Loop() {
				mustWrite(b, src)
			}
			b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "entries/s")
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

// BenchmarkVerify verifies archives with each format, and hashes their lines alone
// for comparison.
func BenchmarkVerify(b *testing.B) {
	n := benchEntries(b)
	for _, formats := range [][]archive.Format{nil, {archive.CSV}, archive.Formats()} {
		file := mustWrite(b, linesOnly(b, n, formats...))
		b.Run(nameOf(formats), func(b *testing.B) {
			for b.Loop() {
				if _, err := verify(b, file, keysOf(b, origin)); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "entries/s")
		})
	}
	file := mustWrite(b, linesOnly(b, n))
	b.Run("hashing", func(b *testing.B) {
		for b.Loop() {
			hashLines(b, file)
		}
		b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "entries/s")
	})
}

// hashLines reads the lines and hashes them, as sha256sum would.
func hashLines(b *testing.B, file []byte) {
	b.Helper()
	r, err := zip.NewReader(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		b.Fatal(err)
	}
	in, err := r.Open("log-1/entries.ndjson")
	if err != nil {
		b.Fatal(err)
	}
	if _, err := io.Copy(sha256.New(), in); err != nil {
		b.Fatal(err)
	}
}
