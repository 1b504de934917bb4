package planfile

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
)

// Bounds of one record of a file. Real ones stay far below.
const (
	maxRecordSize  = 16 << 10 // bytes
	maxRecordCells = 64
)

const (
	problemLong      = "is longer than 16 KiB: not a file of plans, or a line break is missing"
	problemUnclosed  = "begins a quoted text that does not end: a closing quotation mark is missing, or the file was cut off"
	problemBareQuote = "has a quotation mark inside a text that is not quoted: put the text in quotation marks and double those inside"
	problemAfter     = "has something after a closing quotation mark: double the quotation marks inside a quoted text"
	problemReturn    = "has a line break of the form CR: save the file with line breaks of the form LF or CRLF"
	problemCells     = "has more than 64 cells: not a file of plans"
)

// record is one record of a file. Its cells are valid until the next is read,
// and as the file has them: not decoded.
type record struct {
	line  int // on which it begins, from 1
	cells [][]byte
	ended bool // by a line break, not by the end of the file
}

// records reads a file of comma-separated values (RFC 4180) record by record
// and holds no more than one. It differs from encoding/csv in three ways: what
// it holds is bounded, whatever the file; it knows whether the last line was
// ended; and its errors say what to do and quote nothing.
type records struct {
	in      *bufio.Reader
	charset charset
	line    int    // on which the record begins, from 1
	size    int    // bytes read of the record
	text    []byte // its cells, one behind the other
	ends    []int  // where in text they end
	cells   [][]byte
	err     error // once met, given for ever
}

func newRecords(file io.Reader) *records {
	r := &records{in: bufio.NewReaderSize(file, 2*maxRecordSize), line: 1}
	start, err := r.in.Peek(longestMark)
	if err != nil && !errors.Is(err, io.EOF) {
		r.err = readingError(err)
		return r
	}
	if bytes.HasPrefix(start, markUTF8) {
		_, _ = r.in.Discard(len(markUTF8)) // buffered: cannot fail
		r.charset = charsetUTF8
	} else if problem := markProblem(start); problem != "" {
		r.err = broken("", 1, problem)
	}
	return r
}

// next returns the next record, blank ones included. The error is io.EOF after
// the last, an *Error if the file is broken, or the file's own.
func (r *records) next() (record, error) {
	if r.err != nil {
		return record{}, r.err
	}
	r.err = r.read()
	last := errors.Is(r.err, io.EOF) && r.size > 0
	if r.err != nil && !last {
		return record{}, r.err
	}
	if bytes.IndexByte(r.text, 0) >= 0 {
		r.err = broken("", r.line, problemNotText)
		return record{}, r.err
	}
	rec := record{line: r.line, cells: r.split(), ended: !last}
	r.line += 1 + bytes.Count(r.text, []byte{'\n'})
	return rec, nil
}

// split returns the cells of the record that was read.
func (r *records) split() [][]byte {
	start := 0
	r.cells = r.cells[:0]
	for _, end := range r.ends {
		r.cells = append(r.cells, r.text[start:end])
		start = end
	}
	return r.cells
}

// decode returns the text of a cell.
func (r *records) decode(rec *record, cell []byte) (string, error) {
	text, problem := r.charset.decode(cell)
	if problem != "" {
		r.err = broken("", rec.line, problem)
		return "", r.err
	}
	return text, nil
}

// read reads one record into text and ends. At the end of the file it gives
// io.EOF, with what stood before it.
func (r *records) read() error {
	r.size, r.text, r.ends = 0, r.text[:0], r.ends[:0]
	for {
		more, err := r.readCell()
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		if r.size > 0 {
			r.ends = append(r.ends, len(r.text))
		}
		if !more || err != nil {
			return err
		}
		if len(r.ends) == maxRecordCells {
			return broken("", r.line, problemCells)
		}
	}
}

// readCell reads one cell and what ends it, and reports whether it was a comma.
func (r *records) readCell() (more bool, err error) {
	b, err := r.readByte()
	switch {
	case err != nil:
		return false, err
	case b == '"':
		return r.readQuoted()
	}
	for {
		switch b {
		case ',':
			return true, nil
		case '\n':
			return false, nil
		case '\r':
			return false, r.lineFeed()
		case '"':
			return false, broken("", r.line, problemBareQuote)
		}
		r.text = append(r.text, b)
		if b, err = r.readByte(); err != nil {
			return false, err
		}
	}
}

// readQuoted reads a cell after its opening quotation mark.
func (r *records) readQuoted() (more bool, err error) {
	for {
		b, err := r.readByte()
		if err != nil {
			return false, r.unclosed(err)
		}
		if b != '"' {
			r.text = append(r.text, b)
			continue
		}
		b, err = r.readByte()
		switch {
		case err != nil:
			return false, err
		case b == ',':
			return true, nil
		case b == '\n':
			return false, nil
		case b == '\r':
			return false, r.lineFeed()
		case b != '"':
			return false, broken("", r.line, problemAfter)
		}
		r.text = append(r.text, '"')
	}
}

// unclosed returns the error of a quoted cell that ends too late or never.
func (r *records) unclosed(err error) error {
	if r.size == maxRecordSize || errors.Is(err, io.EOF) {
		return broken("", r.line, problemUnclosed)
	}
	return err
}

// lineFeed reads what must follow a carriage return.
func (r *records) lineFeed() error {
	b, err := r.readByte()
	if err == nil && b == '\n' {
		return nil
	}
	if err == nil || errors.Is(err, io.EOF) {
		return broken("", r.line, problemReturn)
	}
	return err
}

// readByte reads one byte of a record.
func (r *records) readByte() (byte, error) {
	if r.size == maxRecordSize {
		return 0, broken("", r.line, problemLong)
	}
	b, err := r.in.ReadByte()
	switch {
	case errors.Is(err, io.EOF):
		return 0, io.EOF
	case err != nil:
		return 0, readingError(err)
	}
	r.size++
	return b, nil
}

// readingError returns what a file's own reader failed with.
func readingError(err error) error {
	if _, ok := errors.AsType[*Error](err); ok {
		return err // of an archive: it says all there is to say
	}
	return fmt.Errorf("reading file: %w", err)
}
