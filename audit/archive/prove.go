package archive

import (
	"archive/zip"
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"

	"cpis/audit"
)

// ErrNoEntry says that an archive has no line of an entry.
var ErrNoEntry = errors.New("the archive does not hold the line of this entry")

// Prove takes a line out of an archive, with the proof that it is an entry of its
// log: for whoever shows one line to others, and for tools that know no archives. An
// empty origin is that of the first log.
//
// It makes sure that the proof leads to the checkpoint in the archive, and does not
// ask who signed that.
func Prove(archive io.ReaderAt, size int64, origin string, index int64) (p audit.Proof, line []byte, err error) {
	z, err := zip.NewReader(archive, size)
	if err != nil {
		return p, nil, fmt.Errorf("reading the archive: %w", err)
	}
	z.RegisterDecompressor(zip.Deflate, inflate)
	for n := 0; ; n++ {
		signed, err := readFile(z, logFile(n, checkpointFile))
		if err != nil {
			return p, nil, fmt.Errorf("%w: %w", ErrNoEntry, err)
		}
		c, err := audit.ReadCheckpoint(signed)
		if err != nil {
			return p, nil, err
		}
		if origin == "" || c.Origin == origin {
			return proveIn(z, n, signed, index)
		}
	}
}

// readFile reads a small file.
func readFile(z *zip.Reader, name string) ([]byte, error) {
	f, err := z.Open(name)
	if err != nil {
		return nil, err //nolint:wrapcheck // names the file
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, maxManifest)) //nolint:wrapcheck // names the file
}

// proveIn proves an entry of the n-th log.
func proveIn(z *zip.Reader, n int, signed []byte, index int64) (p audit.Proof, line []byte, err error) {
	subset, err := z.Open(logFile(n, proofFile))
	if err != nil {
		return p, nil, err //nolint:wrapcheck // names the file
	}
	defer subset.Close()
	entries, err := z.Open(logFile(n, entriesFile))
	if err != nil {
		return p, nil, err //nolint:wrapcheck // names the file
	}
	defer entries.Close()
	lines := bufio.NewReaderSize(entries, 2*audit.MaxLine)
	p, err = audit.ProveOne(signed, subset, index, func(at int64) (audit.Hash, error) {
		text, err := lines.ReadSlice('\n')
		if err != nil {
			return audit.Hash{}, fmt.Errorf("%w: reading the line of entry %d: %w", audit.ErrBroken, at, err)
		}
		text = bytes.TrimSuffix(text, []byte("\n"))
		if at == index {
			line = slices.Clone(text)
		}
		return audit.LeafHash(text), nil
	})
	if err == nil && line == nil {
		err = ErrNoEntry
	}
	return p, line, err
}
