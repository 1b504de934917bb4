package archive

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"

	"cpis/audit"
)

// open opens a file, to be read from the beginning to the end.
func (v *verifier) open(name string) (*reading, error) {
	from, err := v.files[name].Open()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	r := readAhead(name, from)
	v.opened = append(v.opened, r)
	return r, nil
}

func (v *verifier) close() {
	for _, r := range v.opened {
		r.close()
	}
}

// checkSums compares all files with the hashes in the manifest: what was read for
// its content to its end, and the others now.
func (v *verifier) checkSums() error {
	opened := map[string]*reading{}
	for _, r := range v.opened {
		opened[r.name] = r
	}
	for _, want := range v.report.Manifest.Files {
		r := opened[want.Name]
		if r == nil {
			var err error
			if r, err = v.open(want.Name); err != nil {
				return err
			}
		}
		if _, err := io.Copy(io.Discard, io.LimitReader(r, max(0, want.Bytes-r.n)+1)); err != nil { // no bomb goes off
			return err //nolint:wrapcheck // names the file
		}
		if r.n != want.Bytes || r.sum() != want.SHA256 {
			return fmt.Errorf("%w: %s is not the file that the manifest names", audit.ErrBroken, want.Name)
		}
	}
	return nil
}

// checked is a format that is compared with what the entries say.
type checked struct {
	file     string
	renderer renderer
	files    []*comparer
	members  map[string]*zip.File // of a format that is a zip: those not created yet
}

// openFormat opens a file of the archive as what a renderer writes to.
func (v *verifier) openFormat(format Format) (*checked, error) {
	form := forms[format]
	c := &checked{file: form.file}
	in := func(string) (io.Writer, error) {
		r, err := v.open(form.file)
		return c.compare(r), err
	}
	if form.zipped {
		var err error
		if in, err = v.openZipped(form.file, c); err != nil {
			return nil, err
		}
	}
	var err error
	if c.renderer, err = form.open(v.report.Manifest.head(), in); err != nil {
		return nil, fmt.Errorf("%s: %w", form.file, err)
	}
	return c, nil
}

// openZipped opens a zip within the archive, where it lies.
func (v *verifier) openZipped(name string, c *checked) (create, error) {
	f := v.files[name]
	at, err := f.DataOffset()
	if err != nil || f.Method != zip.Store {
		return nil, fmt.Errorf("%s: %w", name, errors.Join(audit.ErrBroken, err))
	}
	size := int64(f.UncompressedSize64) //nolint:gosec // a negative size is an empty file
	inner, err := zip.NewReader(io.NewSectionReader(v.in, at, size), size)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	c.members = map[string]*zip.File{}
	for _, m := range inner.File {
		if c.members[m.Name] != nil {
			return nil, fmt.Errorf("%w: %s has %q twice", audit.ErrBroken, name, m.Name)
		}
		c.members[m.Name] = m
	}
	return func(member string) (io.Writer, error) {
		m := c.members[member]
		if m == nil {
			return nil, fmt.Errorf("%w: %s is missing", audit.ErrBroken, member)
		}
		delete(c.members, member)
		r, err := m.Open()
		return c.compare(r), err
	}, nil
}

// compare returns a writer that compares with what is read.
func (c *checked) compare(with io.Reader) *comparer {
	f := &comparer{with: with}
	c.files = append(c.files, f)
	return f
}

// write compares an entry.
func (c *checked) write(r *Record) error {
	err := c.renderer.Write(r)
	if errors.Is(err, errDiffers) {
		return fmt.Errorf("%w: %s does not say what entry %d says", audit.ErrBroken, c.file, r.Index)
	}
	if err != nil {
		return fmt.Errorf("%s, entry %d: %w", c.file, r.Index, err)
	}
	return nil
}

// end makes sure that nothing follows.
func (c *checked) end() error {
	err := c.renderer.Close()
	for _, f := range c.files {
		if err == nil {
			err = f.end()
		}
	}
	if err != nil || len(c.members) > 0 {
		return fmt.Errorf("%w: %s does not end as its entries do", errors.Join(audit.ErrBroken, err), c.file)
	}
	return nil
}

// errDiffers says that a file has something else than it should.
var errDiffers = fmt.Errorf("%w: something else is there", audit.ErrBroken)

// comparer compares what is written with what is read.
type comparer struct {
	with io.Reader
	buf  []byte
}

// Write implements io.Writer.
func (c *comparer) Write(p []byte) (int, error) {
	if len(c.buf) < len(p) {
		c.buf = make([]byte, len(p))
	}
	got := c.buf[:len(p)]
	_, err := io.ReadFull(c.with, got)
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return 0, errDiffers
	case err != nil:
		return 0, err //nolint:wrapcheck // of a reader of ours
	case !bytes.Equal(got, p):
		return 0, errDiffers
	}
	return len(p), nil
}

// end makes sure that nothing is left.
func (c *comparer) end() error {
	var one [1]byte
	if n, err := io.ReadFull(c.with, one[:]); n > 0 || !errors.Is(err, io.EOF) {
		return errors.Join(errDiffers, err)
	}
	return nil
}
