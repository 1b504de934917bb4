package planfile

import (
	"errors"
	"fmt"
	"io"
	"strconv"
)

// CodeBroken is the file code of the national service for a file that is broken
// as a whole.
const CodeBroken = "CPF01"

// Error says that a file cannot be read as a whole.
type Error struct {
	File    string // table that is meant; empty if it is the only file, or all of them
	Line    int    // from 1; 0 if no line is meant
	Code    string // CPF01
	Problem string
}

// Error returns where and what, as in "ssd_person, line 3: is not text".
func (e *Error) Error() string {
	where := e.File
	if e.Line > 0 {
		if where != "" {
			where += ", "
		}
		where += "line " + strconv.Itoa(e.Line)
	}
	if where == "" {
		return e.Problem
	}
	return where + ": " + e.Problem
}

// broken says that a file cannot be read from some line on.
func broken(file string, line int, problem string) *Error {
	return &Error{File: file, Line: line, Code: CodeBroken, Problem: problem}
}

// watched is a source that remembers what it failed with: what reads an archive
// does not tell that from an archive that is damaged.
type watched struct {
	at   io.ReaderAt
	size int64
	err  error
}

// ReadAt reads from the source.
func (w *watched) ReadAt(p []byte, off int64) (int, error) {
	n, err := w.at.ReadAt(p, off)
	if n < len(p) && err != nil && w.err == nil {
		switch {
		case !errors.Is(err, io.EOF):
			w.err = err
		case off+int64(n) < w.size: // shorter than it said
			err = io.ErrUnexpectedEOF
			w.err = err
		}
	}
	return n, err
}

// cause returns what the source failed with, if that is why reading failed.
func (w *watched) cause(err error) error {
	if w.err != nil {
		return fmt.Errorf("reading source: %w", w.err)
	}
	return err
}
