package archive

import (
	"archive/zip"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"

	"cpis/audit"
)

// Report says what a verification found to be true.
type Report struct {
	Log         string // whose key signed the manifest
	Manifest    Manifest
	Entries     int64
	WithoutLine int64 // of how many of them the line is not there
}

// Verify verifies an archive with the public keys of its logs alone: that one of
// them signed the manifest and the checkpoints, that each entry is in its log at
// the index that is said, line by line, that each format says what the lines say,
// and that nothing is missing or added.
//
// It reads the archive once, in constant memory. If something does not hold, the
// error wraps audit.ErrBroken and names the first thing that is wrong; of an
// entry it is a *audit.BadEntry. Any other error says that the archive could not
// be read.
func Verify(ctx context.Context, archive io.ReaderAt, size int64, keys []audit.VerifierKey) (Report, error) {
	in := &watched{from: archive}
	v := &verifier{ctx: ctx, keys: keys}
	err := v.verify(in, size)
	switch {
	case in.err != nil:
		return v.report, fmt.Errorf("reading the archive: %w", in.err)
	case err != nil && ctx.Err() != nil:
		return v.report, ctx.Err() //nolint:wrapcheck // the caller's own
	case err != nil && !errors.Is(err, audit.ErrBroken): // not whole, or compressed wrongly
		err = fmt.Errorf("%w: %w", audit.ErrBroken, err)
	}
	return v.report, err
}

// watched remembers that something could not be read, which is no finding.
type watched struct {
	from io.ReaderAt

	mu  sync.Mutex
	err error
}

// ReadAt implements io.ReaderAt.
func (w *watched) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 { // where what the archive says of itself leads
		return 0, audit.ErrBroken
	}
	n, err := w.from.ReadAt(p, off)
	if err != nil && !errors.Is(err, io.EOF) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.err = err
	}
	return n, err //nolint:wrapcheck // judged by who reads
}

type verifier struct {
	ctx    context.Context //nolint:containedctx // of the one verification
	keys   []audit.VerifierKey
	in     io.ReaderAt
	files  map[string]*zip.File
	sums   map[string]FileSum
	opened []*reading
	report Report
}

func (v *verifier) verify(in io.ReaderAt, size int64) error {
	v.in = in
	archive, err := zip.NewReader(in, size)
	if err != nil {
		return err //nolint:wrapcheck // Verify does
	}
	archive.RegisterDecompressor(zip.Deflate, inflate)
	defer v.close()
	if err := v.openManifest(archive); err != nil {
		return err
	}
	if err := checkContainer(in, size, archive.File, v.report.Manifest.Made); err != nil {
		return err
	}
	if err := v.checkEntries(); err != nil {
		return err
	}
	return v.checkSums()
}

// openManifest finds the files, and compares them with what the manifest lists.
func (v *verifier) openManifest(archive *zip.Reader) error {
	v.files = map[string]*zip.File{}
	for _, f := range archive.File {
		if v.files[f.Name] != nil {
			return fmt.Errorf("%w: %q is there twice", audit.ErrBroken, f.Name)
		}
		v.files[f.Name] = f
	}
	signed, err := v.readAll(manifestFile, maxManifest)
	if err != nil {
		return err
	}
	if v.report.Log, v.report.Manifest, err = OpenManifest(signed, v.keys); err != nil {
		return fmt.Errorf("%w: %s: %w", audit.ErrBroken, manifestFile, err)
	}
	delete(v.files, manifestFile)
	if err := v.compareNames(); err != nil {
		return err
	}
	return v.compareOrder(archive.File)
}

// compareNames makes sure that all files are there that should be, and no others.
func (v *verifier) compareNames() error {
	m := &v.report.Manifest
	v.sums = map[string]FileSum{}
	var listed []string
	for _, f := range m.Files {
		v.sums[f.Name] = f
		listed = append(listed, f.Name)
		if v.files[f.Name] == nil {
			return fmt.Errorf("%w: %s is missing", audit.ErrBroken, f.Name)
		}
	}
	for name := range v.files {
		if _, ok := v.sums[name]; !ok {
			return fmt.Errorf("%w: %q is not in the manifest", audit.ErrBroken, name)
		}
	}
	want, err := m.names()
	if err != nil || !slices.Equal(want, listed) {
		return fmt.Errorf("%w: %s does not list the files of such an archive", audit.ErrBroken, manifestFile)
	}
	return nil
}

// compareOrder makes sure that the files stand in the order in which they are listed.
func (v *verifier) compareOrder(files []*zip.File) error {
	listed := append(slices.Clone(v.report.Manifest.Files), FileSum{Name: manifestFile})
	for i, f := range files {
		if f.Name != listed[i].Name {
			return fmt.Errorf("%w: %q stands in the place of %q", audit.ErrBroken, f.Name, listed[i].Name)
		}
	}
	return nil
}

// names are the files that an archive has, in their order, the manifest excepted.
func (m *Manifest) names() ([]string, error) {
	names := []string{readmeFile}
	for n := range m.Logs {
		for _, name := range []string{entriesFile, checkpointFile, proofFile, besideFile} {
			names = append(names, logFile(n, name))
		}
	}
	for _, f := range m.Formats {
		form, ok := forms[f]
		if !ok {
			return nil, fmt.Errorf("%w format", audit.ErrMalformed)
		}
		names = append(names, form.file)
	}
	return names, nil
}

// readAll reads a small file.
func (v *verifier) readAll(name string, limit int64) ([]byte, error) {
	f := v.files[name]
	if f == nil {
		return nil, fmt.Errorf("%w: %s is missing", audit.ErrBroken, name)
	}
	r, err := f.Open()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	defer r.Close()
	text, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err == nil && int64(len(text)) > limit {
		err = audit.ErrBroken
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return text, nil
}

// checkEntries goes through the entries of all logs once, and compares each format
// with them.
func (v *verifier) checkEntries() error {
	m := &v.report.Manifest
	formats := make([]*checked, len(m.Formats))
	for i, format := range m.Formats {
		var err error
		if formats[i], err = v.openFormat(format); err != nil {
			return err
		}
	}
	for n := range m.Logs {
		if err := v.checkLog(n, formats); err != nil {
			return err
		}
	}
	for _, f := range formats {
		if err := f.end(); err != nil {
			return err
		}
	}
	if v.report.Entries != m.Entries {
		return fmt.Errorf("%w: there are %d entries, and the manifest says %d", audit.ErrBroken, v.report.Entries, m.Entries)
	}
	return nil
}

// checkLog verifies the entries of a log.
func (v *verifier) checkLog(n int, formats []*checked) error {
	about := &v.report.Manifest.Logs[n]
	p, err := v.openPart(n, about)
	if err != nil {
		return err
	}
	records := newRecords(p)
	before, since := v.report.Entries, 0
	err = records.each(func(r *Record) error {
		if since++; since%1024 == 0 && v.ctx.Err() != nil {
			return v.ctx.Err() //nolint:wrapcheck // the caller's own
		}
		v.report.Entries++
		for _, f := range formats {
			if err := f.write(r); err != nil {
				return err
			}
		}
		return nil
	})
	v.report.WithoutLine += records.without
	switch got := v.report.Entries - before; {
	case err != nil:
		return fmt.Errorf("%s: %w", logFile(n, entriesFile), err)
	case got != about.Entries || records.without != about.WithoutLine:
		return fmt.Errorf("%w: of %s there are %d entries, %d without their line; the manifest says %d and %d",
			audit.ErrBroken, about.Origin, got, records.without, about.Entries, about.WithoutLine)
	}
	return nil
}

// openPart opens the files of a log.
func (v *verifier) openPart(n int, about *LogPart) (*part, error) {
	name := logFile(n, checkpointFile)
	signed, err := v.readAll(name, maxManifest)
	if err != nil {
		return nil, err
	}
	c, err := audit.OpenCheckpoint(signed, about.Origin, v.keys)
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", audit.ErrBroken, name, err)
	}
	if c.Size != about.Size || c.Root.String() != about.Root || !slices.Equal(witnesses(signed, c.Origin), about.Witnesses) {
		return nil, fmt.Errorf("%w: %s is another one than the manifest says", audit.ErrBroken, name)
	}
	p := &part{origin: c.Origin, checkpoint: c}
	for name, to := range map[string]*io.Reader{entriesFile: &p.entries, proofFile: &p.proof, besideFile: &p.beside} {
		if *to, err = v.open(logFile(n, name)); err != nil {
			return nil, err
		}
	}
	return p, nil
}
