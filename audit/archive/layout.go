package archive

import (
	"archive/zip"
	"bufio"
	"bytes"
	"compress/flate"
	"errors"
	"fmt"
	"io"
	"math"
	"time"

	"cpis/audit"
)

// announced is what the container says about a file before its content is known.
func announced(name string, made time.Time) *zip.FileHeader {
	h := &zip.FileHeader{Name: name, Method: zip.Deflate, Modified: made.UTC()}
	for _, form := range forms {
		if form.zipped && form.file == name {
			h.Method = zip.Store // it is compressed inside, and can be opened where it lies
		}
	}
	return h
}

// checkContainer makes sure that a zip is what the writer of this package makes
// around files with these contents, byte for byte: so nothing stands between,
// before or behind them, no program can take it for other files than another does,
// and the directory says nothing that nobody signed.
func checkContainer(in io.ReaderAt, size int64, files []*zip.File, made time.Time) error {
	c := &container{in: in, size: size}
	again := zip.NewWriter(c)
	for _, f := range files {
		if err := c.addFile(again, f, made); err != nil {
			return err
		}
	}
	c.part = "the directory at the end"
	if err := again.Close(); err != nil {
		return c.judge(err)
	}
	if c.part = "its end"; c.at != size {
		return c.judge(errDiffers)
	}
	return nil
}

// container compares what is written with what is there.
type container struct {
	in    io.ReaderAt
	size  int64
	at    int64
	part  string // that is compared
	blind bool   // a content is skipped: what belongs there is checked elsewhere
	buf   [4 << 10]byte
}

// addFile compares what surrounds a file.
func (c *container) addFile(again *zip.Writer, f *zip.File, made time.Time) error {
	h, err := prepared(f, made)
	if err != nil {
		return err
	}
	c.part = fmt.Sprintf("what comes before the content of %q", f.Name)
	to, err := again.CreateRaw(h)
	if err == nil {
		err = again.Flush()
	}
	if max(h.CompressedSize64, h.UncompressedSize64) >= math.MaxUint32 {
		h.ReaderVersion = zip64Version // known only when the content was written
	}
	if err == nil && f.CompressedSize64 > uint64(c.size-c.at) { //nolint:gosec // at is not beyond size
		err = errDiffers
	}
	if err == nil {
		err = c.skip(again, to, int64(f.CompressedSize64)) //nolint:gosec // see above
	}
	return c.judge(err)
}

// zip64Version is what must be understood to read files of 4 GiB and more.
const zip64Version = 45

// prepared returns what our writer has written about a file of this size.
func prepared(f *zip.File, made time.Time) (*zip.FileHeader, error) {
	h := announced(f.Name, made)
	fill := zip.NewWriter(io.Discard)
	fill.RegisterCompressor(zip.Deflate, func(to io.Writer) (io.WriteCloser, error) { return unclosed{to}, nil })
	if _, err := fill.CreateHeader(h); err != nil {
		return nil, fmt.Errorf("%w: %q: %w", audit.ErrBroken, f.Name, err)
	}
	h.CRC32, h.CompressedSize64, h.UncompressedSize64 = f.CRC32, f.CompressedSize64, f.UncompressedSize64
	return h, nil
}

// unclosed is a writer without an end.
type unclosed struct{ io.Writer }

// Close implements io.Closer.
func (unclosed) Close() error { return nil }

var zeros [64 << 10]byte

// skip moves over a content.
func (c *container) skip(again *zip.Writer, to io.Writer, n int64) error {
	c.blind = true
	defer func() { c.blind = false }()
	for n > 0 {
		some := min(n, int64(len(zeros)))
		if _, err := to.Write(zeros[:some]); err != nil {
			return err //nolint:wrapcheck // of a writer of ours
		}
		n -= some
	}
	return again.Flush() //nolint:wrapcheck // of a writer of ours
}

// Write implements io.Writer.
func (c *container) Write(p []byte) (n int, err error) {
	for n < len(p) && err == nil {
		some := p[n:min(len(p), n+len(c.buf))]
		if !c.blind {
			err = c.compare(some)
		}
		if err == nil {
			n, c.at = n+len(some), c.at+int64(len(some))
		}
	}
	return n, err
}

func (c *container) compare(p []byte) error {
	got := c.buf[:len(p)]
	n, err := c.in.ReadAt(got, c.at)
	if err != nil && !errors.Is(err, io.EOF) {
		return err //nolint:wrapcheck // of a reader of ours
	}
	if !bytes.Equal(got[:n], p) {
		return errDiffers
	}
	return nil
}

// judge names the part that is not as it is written.
func (c *container) judge(err error) error {
	if errors.Is(err, errDiffers) {
		return fmt.Errorf("%w: the zip is not put together as exports are: %s, near byte %d", audit.ErrBroken, c.part, c.at)
	}
	return err
}

// errBehind says that something follows what is compressed.
var errBehind = fmt.Errorf("%w: something stands behind what is compressed", audit.ErrBroken)

// inflate reads a compressed content, and makes sure that it ends where the container
// says.
func inflate(from io.Reader) io.ReadCloser {
	in := bufio.NewReaderSize(from, 64<<10)
	return &inflating{ReadCloser: flate.NewReader(in), in: in}
}

type inflating struct {
	io.ReadCloser

	in *bufio.Reader
}

// Read implements io.Reader.
func (i *inflating) Read(p []byte) (int, error) {
	n, err := i.ReadCloser.Read(p)
	if errors.Is(err, io.EOF) {
		if _, behind := i.in.ReadByte(); !errors.Is(behind, io.EOF) {
			err = errors.Join(errBehind, behind)
		}
	}
	return n, err //nolint:wrapcheck // archive/zip hands it on
}
