package planfile

import (
	"archive/zip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
)

// Bounds of the tables of one upload. The dataset of the largest authority
// stays below if it holds only what is read.
const (
	maxEntries  = 16       // of an archive, folders counted, but not what systems add
	maxListed   = 128      // of an archive, all counted
	maxUnpacked = 64 << 20 // bytes of all tables together
	maxRatio    = 100      // by which an entry may be packed
	freeRatio   = 1 << 20  // bytes of an entry that may be packed better: tables repeat themselves
)

const (
	archiveBroken    = "is not a ZIP archive that can be read, or was cut off: make it anew"
	archiveEntries   = "holds more than 16 entries: put the six tables into the archive and nothing else"
	archiveEncrypted = "is encrypted: what is sent is encrypted on its way and where it is kept; make the archive without a password"
	archiveMethod    = "is packed in a way that is not known here: make the archive with ordinary compression (deflate)"
	archiveNested    = "holds an archive inside the archive: put the tables themselves into it"
	archivePath      = "holds an entry whose name leads out of the archive: make it anew"
	archiveBomb      = "holds an entry that unpacks to more than 100 times its size: not a table of people"
	archiveLies      = "holds an entry that is not as large as it says: make the archive anew"
	archiveWorkbook  = "is a workbook: save each of the six tables as CSV, named as the table"
	archiveDamaged   = "is damaged in the archive: make it anew and send it again"
)

var archiveLarge = fmt.Sprintf("is more than %d MiB of tables: leave out whoever has neither a plan nor an episode of care",
	maxUnpacked>>20)

// opener opens a table for reading from its start.
type opener func() (io.ReadCloser, error)

// isArchive reports whether a source begins as a ZIP archive does.
func isArchive(at io.ReaderAt, size int64) (bool, error) {
	start := make([]byte, len(markZIP))
	n, err := at.ReadAt(start[:min(size, int64(len(start)))], 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return false, fmt.Errorf("reading source: %w", err)
	}
	text := string(start[:n])
	return text == string(markZIP) || text == "PK\x05\x06", nil
}

// openArchive finds the tables of an archive. All of the archive is checked
// before anything of it is unpacked, and nothing is ever written anywhere.
func (c *contents) openArchive(at io.ReaderAt, size int64) error {
	if problem, err := directoryProblem(at, size); problem != "" || err != nil {
		return problemOr(problem, err)
	}
	archive, err := zip.NewReader(at, size)
	if err != nil {
		return broken("", 0, archiveBroken)
	}
	files := slices.DeleteFunc(archive.File, func(f *zip.File) bool { return addedBySystem(slashed(f.Name)) })
	switch {
	case slices.ContainsFunc(files, func(f *zip.File) bool { return strings.EqualFold(slashed(f.Name), "xl/workbook.xml") }):
		return broken("", 0, archiveWorkbook)
	case len(files) > maxEntries:
		return broken("", 0, archiveEntries)
	}
	for _, f := range files {
		if problem := entryProblem(f); problem != "" {
			return broken("", 0, problem)
		}
		open := func() (io.ReadCloser, error) { return openEntry(f) }
		if err := c.add(slashed(f.Name), f.UncompressedSize64, open); err != nil {
			return err
		}
	}
	return nil
}

func problemOr(problem string, err error) error {
	if err != nil {
		return err
	}
	return broken("", 0, problem)
}

// What ends an archive: a signature, 16 bytes of numbers, and the length of a
// comment.
const (
	directoryEnd     = "PK\x05\x06"
	directoryEndSize = 22
	maxDirectory     = 0xfffe // bytes; more is written otherwise, and read otherwise
)

// directoryProblem looks at where an archive ends, before it is read as one:
// what lists its entries is read whole, and could say that there are millions.
// What is written there must be plain, so that there is one way to read it: no
// comment, nothing before the first entry, no large numbers.
func directoryProblem(at io.ReaderAt, size int64) (problem string, err error) {
	if size < directoryEndSize {
		return archiveBroken, nil
	}
	end := make([]byte, directoryEndSize)
	if _, err := at.ReadAt(end, size-directoryEndSize); err != nil && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("reading source: %w", err)
	}
	number := binary.LittleEndian
	entries := number.Uint16(end[10:])
	length, offset := int64(number.Uint32(end[12:])), int64(number.Uint32(end[16:]))
	switch {
	case string(end[:4]) != directoryEnd, number.Uint16(end[20:]) != 0:
		return archiveBroken, nil
	case entries > maxListed, length > maxDirectory:
		return archiveEntries, nil
	case offset+length != size-directoryEndSize:
		return archiveBroken, nil
	}
	return "", nil
}

// entryProblem says what is wrong with an entry as the archive describes it.
func entryProblem(f *zip.File) string {
	const encrypted, strongly, masked = 1 << 0, 1 << 6, 1 << 13
	name := slashed(strings.ToLower(f.Name))
	switch {
	case f.Flags&(encrypted|strongly|masked) != 0:
		return archiveEncrypted
	case f.Method != zip.Store && f.Method != zip.Deflate:
		return archiveMethod
	case misleading(name):
		return archivePath
	case hasAnySuffix(name, ".zip", ".7z", ".rar", ".gz", ".tar", ".tgz", ".bz2", ".xz", ".xlsx", ".xlsm", ".jar"):
		return archiveNested
	case f.UncompressedSize64 > freeRatio && f.UncompressedSize64/maxRatio > f.CompressedSize64:
		return archiveBomb
	}
	return ""
}

// misleading reports whether a name leads out of the archive, or would on some
// machine. Nothing is unpacked to where a name says, but whoever sends such an
// archive did not make it from tables.
func misleading(name string) bool {
	return strings.ContainsAny(name, ":\x00") || strings.HasPrefix(name, "/") ||
		slices.Contains(strings.Split(name, "/"), "..")
}

// addedBySystem reports whether an entry is one that nobody asked for: what
// machines keep beside files about folders and the look of things.
func addedBySystem(name string) bool {
	switch strings.ToLower(path.Base(name)) {
	case ".ds_store", "thumbs.db", "desktop.ini":
		return true
	}
	return name == "__MACOSX" || strings.HasPrefix(name, "__MACOSX/") || strings.HasPrefix(path.Base(name), "._")
}

// slashed returns a name with the slashes that archives should have: some Windows
// programs write the others.
func slashed(name string) string { return strings.ReplaceAll(name, `\`, "/") }

func hasAnySuffix(text string, suffixes ...string) bool {
	for _, s := range suffixes {
		if strings.HasSuffix(text, s) {
			return true
		}
	}
	return false
}

// entry is a table of an archive being read. It gives no more bytes than the
// archive says it has.
type entry struct {
	io.ReadCloser
	left int64
}

func openEntry(f *zip.File) (io.ReadCloser, error) {
	r, err := f.Open()
	if err != nil {
		return nil, broken("", 0, archiveDamaged)
	}
	return &entry{r, int64(f.UncompressedSize64)}, nil //nolint:gosec // at most maxUnpacked
}

// Read reads what is unpacked.
func (e *entry) Read(p []byte) (int, error) {
	if int64(len(p)) > e.left+1 {
		p = p[:e.left+1] // one more, to see whether there is
	}
	n, err := e.ReadCloser.Read(p)
	e.left -= int64(n)
	switch {
	case e.left < 0, errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, zip.ErrFormat):
		return 0, broken("", 0, archiveLies)
	case err != nil && !errors.Is(err, io.EOF):
		return 0, broken("", 0, archiveDamaged)
	}
	return n, err
}
