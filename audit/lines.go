package audit

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"errors"
	"io"
	"io/fs"
)

// lineSource returns lines one after the other, with their leaf hashes, until
// io.EOF. A line is valid until the next is read; one that cannot be an entry is
// nil.
type lineSource interface {
	read() ([]byte, Hash, error)
	cutOff() bool // the last line did not end with a line feed
}

// lineReader reads the lines of an export one after the other, in constant
// memory however long a line is.
type lineReader struct {
	buf  *bufio.Reader
	file io.Closer
	cut  bool // the last line did not end with a line feed
}

// openLines opens the lines of an export. If the file is not there, it is as if
// it were empty: all entries are missing.
func openLines(export fs.FS) (*lineReader, error) {
	file, err := export.Open(entriesFile)
	if errors.Is(err, fs.ErrNotExist) {
		none := io.NopCloser(bytes.NewReader(nil))
		return &lineReader{buf: bufio.NewReader(none), file: none}, nil
	}
	if err != nil {
		return nil, err
	}
	return &lineReader{buf: bufio.NewReaderSize(file, 2*MaxLine), file: file}, nil
}

// read returns the next line and its leaf hash, or io.EOF. The line is valid
// until the next call. A line that is far too long to be an entry is returned
// as nil, with its true hash. One that does not end with a line feed is
// returned as nil, with a hash that no entry has.
func (r *lineReader) read() ([]byte, Hash, error) {
	line, err := r.buf.ReadSlice('\n')
	switch {
	case err == nil:
		line = line[:len(line)-1]
		return line, LeafHash(line), nil
	case errors.Is(err, bufio.ErrBufferFull):
		h, err := r.long(line)
		return nil, h, err
	case errors.Is(err, io.EOF) && len(line) > 0:
		r.cut = true
		return nil, Hash{}, nil
	}
	return nil, Hash{}, err
}

// long hashes a line that does not fit the buffer, of which start was read.
func (r *lineReader) long(start []byte) (Hash, error) {
	h := sha256.New()
	h.Write([]byte{leafPrefix})
	h.Write(start)
	for {
		line, err := r.buf.ReadSlice('\n')
		switch {
		case err == nil:
			h.Write(line[:len(line)-1])
			return Hash(h.Sum(nil)), nil
		case errors.Is(err, bufio.ErrBufferFull):
			h.Write(line)
		case errors.Is(err, io.EOF):
			r.cut = true
			return Hash{}, nil
		default:
			return Hash{}, err
		}
	}
}

// cutOff implements lineSource.
func (r *lineReader) cutOff() bool { return r.cut }

func (r *lineReader) close() { _ = r.file.Close() } // only read, so nothing is lost
