package service

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"
)

// Bounds of one record of a file. Real ones stay far below.
const (
	maxRecordSize  = 16 << 10 // bytes
	maxRecordCells = 64
)

// fileColumn names the file as a whole in a Violation.
const fileColumn = "file"

// fileError says that a file cannot be read from some line on.
func fileError(line int, problem string) *InvalidError {
	return &InvalidError{[]Violation{{Field: fileColumn, Problem: fmt.Sprintf("line %d: %s", line, problem)}}}
}

const (
	problemLong      = "is longer than 16 KiB: not a file of plans, or a line break is missing"
	problemUnclosed  = "begins a quoted text that does not end: a closing quotation mark is missing, or the file was cut off"
	problemBareQuote = "has a quotation mark inside a text that is not quoted: put the text in quotation marks and double those inside"
	problemAfter     = "has something after a closing quotation mark: double the quotation marks inside a quoted text"
	problemReturn    = "has a line break of the form CR: save the file with line breaks of the form LF or CRLF"
	problemNotText   = "holds bytes that no text has: the file must be CSV, not a workbook, an archive or a picture"
	problemNotUTF8   = "is not UTF-8: save the file as “CSV UTF-8”"
	problemCells     = "has more than 64 cells: not a file of plans"
)

// record is one record of a file. Its cells are valid until the next is read.
type record struct {
	line  int // on which it begins, from 1
	cells []string
	ended bool // by a line break, not by the end of the file
}

// blank says whether nothing is written in any cell.
func (r *record) blank() bool {
	for _, c := range r.cells {
		if c != "" {
			return false
		}
	}
	return true
}

// records reads a file of comma-separated values (RFC 4180) record by record
// and holds no more than one. It differs from encoding/csv in three ways: what
// it holds is bounded, whatever the file; it knows whether the last line was
// ended; and its errors say what to do and quote nothing.
type records struct {
	in    *bufio.Reader
	line  int    // on which the record begins, from 1
	size  int    // bytes read of the record
	text  []byte // its cells, one behind the other
	ends  []int  // where in text they end
	cells []string
	err   error // once met, given for ever
}

// What files begin with: the byte order mark of UTF-8, which is skipped, those
// of UTF-16, and the signatures of workbooks and archives.
var (
	markUTF8   = []byte("\xef\xbb\xbf")
	markLittle = []byte("\xff\xfe")
	markBig    = []byte("\xfe\xff")
	markZIP    = []byte("PK\x03\x04")
	markOLE    = []byte("\xd0\xcf\x11\xe0")
)

func newRecords(file io.Reader) *records {
	r := &records{in: bufio.NewReaderSize(file, 64<<10), line: 1}
	start, err := r.in.Peek(len(markZIP))
	switch {
	case err != nil && !errors.Is(err, io.EOF):
		r.err = fmt.Errorf("reading file: %w", err)
	case bytes.HasPrefix(start, markUTF8):
		_, _ = r.in.Discard(len(markUTF8)) // buffered: cannot fail
	case bytes.HasPrefix(start, markLittle), bytes.HasPrefix(start, markBig):
		r.err = fileError(1, problemNotUTF8)
	case bytes.HasPrefix(start, markZIP), bytes.HasPrefix(start, markOLE):
		r.err = fileError(1, problemNotText)
	}
	return r
}

// next gives the next record, blank ones included. The error is io.EOF after
// the last, an *InvalidError where the file is broken, or the file's own.
func (r *records) next() (record, error) {
	if r.err != nil {
		return record{}, r.err
	}
	r.err = r.read()
	last := errors.Is(r.err, io.EOF) && r.size > 0
	if r.err != nil && !last {
		return record{}, r.err
	}
	if problem := textProblem(r.text); problem != "" {
		r.err = fileError(r.line, problem)
		return record{}, r.err
	}
	rec := record{line: r.line, cells: r.split(), ended: !last}
	r.line += 1 + bytes.Count(r.text, []byte{'\n'})
	return rec, nil
}

// textProblem says what is wrong with the bytes of a record.
func textProblem(text []byte) string {
	switch {
	case bytes.IndexByte(text, 0) >= 0:
		return problemNotText
	case !utf8.Valid(text):
		return problemNotUTF8
	}
	return ""
}

// split gives the cells of the record that was read.
func (r *records) split() []string {
	all, start := string(r.text), 0
	r.cells = r.cells[:0]
	for _, end := range r.ends {
		r.cells = append(r.cells, all[start:end])
		start = end
	}
	return r.cells
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
			return fileError(r.line, problemCells)
		}
	}
}

// readCell reads one cell and what ends it, and says whether it was a comma.
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
			return false, fileError(r.line, problemBareQuote)
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
			return false, fileError(r.line, problemAfter)
		}
		r.text = append(r.text, '"')
	}
}

// unclosed gives the error of a quoted cell that ends too late or never.
func (r *records) unclosed(err error) error {
	if _, tooLong := errors.AsType[*InvalidError](err); tooLong || errors.Is(err, io.EOF) {
		return fileError(r.line, problemUnclosed)
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
		return fileError(r.line, problemReturn)
	}
	return err
}

// readByte reads one byte of a record.
func (r *records) readByte() (byte, error) {
	if r.size == maxRecordSize {
		return 0, fileError(r.line, problemLong)
	}
	b, err := r.in.ReadByte()
	switch {
	case errors.Is(err, io.EOF):
		return 0, io.EOF
	case err != nil:
		return 0, fmt.Errorf("reading file: %w", err)
	}
	r.size++
	return b, nil
}
