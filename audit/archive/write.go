package archive

import (
	"archive/zip"
	"bufio"
	"compress/flate"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"iter"

	"cpis/audit"
)

// The files of an archive that are in every one.
const (
	readmeFile   = "README.txt"
	manifestFile = "manifest.txt"
)

// logFile names a file of the n-th log, counted from 0.
func logFile(n int, name string) string { return fmt.Sprintf("log-%d/%s", n+1, name) }

// The files of a log.
const (
	checkpointFile = "checkpoint.txt"
	entriesFile    = "entries.ndjson"
	proofFile      = "proof.txt"
	besideFile     = "beside.ndjson"
)

// File is a file that is being made: what was written to it can be read while it
// grows.
type File interface {
	io.Writer
	// From returns what is in the file from a place on, as far as it was written.
	From(offset int64) io.Reader
}

// Source is what an archive is made of.
type Source struct {
	// Manifest says what was asked for. Entries, logs and files are filled in.
	Manifest Manifest
	Logs     []Log
	// Signer is the origin of the log whose key signs the manifest, and Sign has
	// it signed.
	Signer string
	Sign   func(ctx context.Context, body []byte) (sig []byte, pub ed25519.PublicKey, err error)
	// Scratch returns an empty file for what is needed until the archive is made.
	Scratch func() (File, error)
	// Progress is told of each entry that was written, once for its line and once
	// for each format, and ends it with an error. It may be nil.
	Progress func() error
}

// Log is what is taken from one log.
type Log struct {
	// Checkpoint is a signed checkpoint that covers all entries.
	Checkpoint []byte
	Tiles      audit.Tiles
	// Entries yields the entries of the report, in the order of the log. Each is
	// valid until the next.
	Entries iter.Seq2[*Found, error]
}

// Write makes an archive, in memory that does not depend on how many entries it
// has. If the error is not nil, what was written is none. An error that wraps
// audit.ErrBroken says that the entries are not those that were signed.
func Write(ctx context.Context, src Source, out File) (Manifest, error) {
	if src.Progress == nil {
		src.Progress = func() error { return nil }
	}
	w := &writer{ctx: ctx, src: &src, m: src.Manifest, file: out, out: &counted{to: out}}
	w.zip = newZip(w.out)
	for _, step := range []func() error{w.writeReadme, w.writeLogs, w.writeFormats, w.writeManifest, w.zip.Close} {
		if err := step(); err != nil {
			return Manifest{}, fmt.Errorf("making an archive: %w", err)
		}
	}
	return w.m, nil
}

// newZip returns a writer of a zip that is compressed fast rather than well.
func newZip(to io.Writer) *zip.Writer {
	z := zip.NewWriter(to)
	z.RegisterCompressor(zip.Deflate, func(to io.Writer) (io.WriteCloser, error) {
		return flate.NewWriter(to, flate.BestSpeed) //nolint:wrapcheck // archive/zip hands it on
	})
	return z
}

type writer struct {
	ctx    context.Context //nolint:containedctx // of the one archive that is made
	src    *Source
	m      Manifest
	file   File
	out    *counted
	zip    *zip.Writer
	member *member
	kept   []keptLog
}

// keptLog is a log that was written, and where to read it again.
type keptLog struct {
	part          part
	entriesAt     int64
	proof, beside *scratch
}

// counted counts what is written.
type counted struct {
	to io.Writer
	n  int64
}

// Write implements io.Writer.
func (c *counted) Write(p []byte) (int, error) {
	n, err := c.to.Write(p)
	c.n += int64(n)
	return n, err //nolint:wrapcheck // of a writer of ours
}

// member is a file of the archive that is written.
type member struct {
	name string
	to   io.Writer
	sum  hash.Hash
	n    int64
}

// Write implements io.Writer.
func (m *member) Write(p []byte) (int, error) {
	m.sum.Write(p)
	m.n += int64(len(p))
	return m.to.Write(p) //nolint:wrapcheck // of a writer of ours
}

// create begins the next file of the archive, and lists the one before.
func (w *writer) create(name string) (io.Writer, error) {
	w.list()
	to, err := w.zip.CreateHeader(announced(name, w.m.Made))
	w.member = &member{name: name, to: to, sum: sha256.New()}
	return w.member, err //nolint:wrapcheck // of a writer of ours
}

// list lists the file that was written in the manifest.
func (w *writer) list() {
	if m := w.member; m != nil {
		w.m.Files = append(w.m.Files, FileSum{m.name, m.n, hex.EncodeToString(m.sum.Sum(nil))})
		w.member = nil
	}
}

// put writes a whole file.
func (w *writer) put(name string, content io.Reader) error {
	to, err := w.create(name)
	if err == nil {
		_, err = io.Copy(to, content)
	}
	return err //nolint:wrapcheck // of a writer of ours
}

func (w *writer) writeLogs() error {
	for n := range w.src.Logs {
		if err := w.writeLog(n, &w.src.Logs[n]); err != nil {
			return err
		}
	}
	return nil
}

// scratch is a file that is needed for a while.
type scratch struct {
	file File
	out  *bufio.Writer
	n    counted
}

func (w *writer) scratch() (*scratch, error) {
	file, err := w.src.Scratch()
	if err != nil {
		return nil, err
	}
	s := &scratch{file: file}
	s.n.to = file
	s.out = bufio.NewWriter(&s.n)
	return s, nil
}

// again returns what was written, once it was flushed.
func (s *scratch) again() io.Reader { return io.LimitReader(s.file.From(0), s.n.n) }

// writeLog writes the files of a log.
func (w *writer) writeLog(n int, l *Log) error {
	c, err := audit.ReadCheckpoint(l.Checkpoint)
	if err != nil {
		return err
	}
	k := keptLog{part: part{origin: c.Origin, checkpoint: c}}
	if k.proof, err = w.scratch(); err != nil {
		return err
	}
	if k.beside, err = w.scratch(); err != nil {
		return err
	}
	about := LogPart{Origin: c.Origin, Size: c.Size, Root: c.Root.String(), Witnesses: witnesses(l.Checkpoint, c.Origin)}
	if k.entriesAt, err = w.writeEntries(n, l, &k, &about); err != nil {
		return fmt.Errorf("entries of %s: %w", c.Origin, err)
	}
	w.m.Logs = append(w.m.Logs, about)
	w.m.Entries += about.Entries
	w.kept = append(w.kept, k)
	for _, file := range []struct {
		name    string
		content io.Reader
	}{{checkpointFile, bytesOf(l.Checkpoint)}, {proofFile, k.proof.again()}, {besideFile, k.beside.again()}} {
		if err := w.put(logFile(n, file.name), file.content); err != nil {
			return err
		}
	}
	return nil
}

// writeEntries writes the lines of a log into the archive, and what belongs to
// them beside it. It returns where the lines are in the archive.
func (w *writer) writeEntries(n int, l *Log, k *keptLog, about *LogPart) (int64, error) {
	to, err := w.create(logFile(n, entriesFile))
	if err != nil {
		return 0, err
	}
	if err := w.zip.Flush(); err != nil {
		return 0, err //nolint:wrapcheck // of a writer of ours
	}
	at := w.out.n
	lines := bufio.NewWriterSize(to, 64<<10)
	proof := audit.NewSubsetWriter(w.ctx, k.part.checkpoint, l.Tiles, k.proof.out)
	for e, err := range l.Entries {
		if err == nil {
			err = w.ctx.Err()
		}
		if err == nil {
			err = writeEntry(e, lines, proof, k.beside.out)
		}
		if err != nil {
			return 0, err
		}
		about.Entries++
		if e.Without != "" {
			about.WithoutLine++
		}
		if err := w.src.Progress(); err != nil {
			return 0, err
		}
	}
	for _, flush := range []func() error{proof.Close, lines.Flush, k.proof.out.Flush, k.beside.out.Flush} {
		if err := flush(); err != nil {
			return 0, err
		}
	}
	return at, nil
}

func writeEntry(e *Found, lines *bufio.Writer, proof *audit.SubsetWriter, beside io.Writer) error {
	var err error
	if e.Line == nil {
		_, err = proof.AddUnknown(e.Index)
	} else {
		err = proof.Add(e.Index, audit.LeafHash(e.Line), e.Without == "")
	}
	if err != nil {
		return err
	}
	if e.Without == "" {
		_, _ = lines.Write(e.Line) // the writer remembers its error
		if err := lines.WriteByte('\n'); err != nil {
			return err //nolint:wrapcheck // of a writer of ours
		}
	}
	if e.empty() {
		return nil
	}
	return e.write(beside, e.Index)
}

// witnesses are who signed a checkpoint besides its log.
func witnesses(signed []byte, origin string) (names []string) {
	for _, name := range signers(signed) {
		if name != origin {
			names = append(names, name)
		}
	}
	return names
}

// writeFormats writes the entries in each format. They are read from what was
// written already: nothing else can be in them.
func (w *writer) writeFormats() error {
	for _, format := range w.m.Formats {
		form, ok := forms[format]
		if !ok {
			return fmt.Errorf("%w format", audit.ErrMalformed)
		}
		if err := w.writeFormat(&form); err != nil {
			return fmt.Errorf("%s: %w", form.file, err)
		}
	}
	return nil
}

func (w *writer) writeFormat(form *form) error {
	to, err := w.create(form.file)
	if err != nil {
		return err
	}
	in, done := once(to), func() error { return nil }
	if form.zipped {
		inner := newZip(to)
		in, done = inner.Create, inner.Close
	}
	r, err := form.open(w.m.head(), in)
	if err != nil {
		return err
	}
	for i := range w.kept {
		if err := w.again(&w.kept[i], r); err != nil {
			return err
		}
	}
	if err := r.Close(); err != nil {
		return err
	}
	return done()
}

// head is what formats are told.
func (m *Manifest) head() *head { return &head{id: m.ID, made: m.Made.UTC(), entries: m.Entries} }

// again reads the entries of a log again.
func (w *writer) again(k *keptLog, to renderer) error {
	if err := w.zip.Flush(); err != nil { // what is read must have been written
		return err //nolint:wrapcheck // of a writer of ours
	}
	p := k.part
	lines := flate.NewReader(bufio.NewReaderSize(w.file.From(k.entriesAt), 64<<10))
	p.entries, p.proof, p.beside = lines, k.proof.again(), k.beside.again()
	return newRecords(&p).each(func(r *Record) error {
		if err := w.ctx.Err(); err != nil {
			return err //nolint:wrapcheck // the caller's own
		}
		if err := w.src.Progress(); err != nil {
			return err
		}
		return to.Write(r)
	})
}

// writeManifest ends the archive with what it holds, signed.
func (w *writer) writeManifest() error {
	w.list()
	body, err := w.m.Body(w.src.Signer)
	if err != nil {
		return err
	}
	sig, pub, err := w.src.Sign(w.ctx, body)
	if err != nil {
		return fmt.Errorf("signing the manifest: %w", err)
	}
	signed, err := SignManifest(body, pub, sig)
	if err != nil {
		return fmt.Errorf("signing the manifest: %w", err)
	}
	to, err := w.create(manifestFile)
	if err == nil {
		_, err = to.Write(signed)
	}
	return err //nolint:wrapcheck // of a writer of ours
}
