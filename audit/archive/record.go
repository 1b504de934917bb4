package archive

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"cpis/audit"
)

// Why an entry is without its line.
const (
	// Withheld: the line says more than the report may show.
	Withheld = "withheld"
	// Removed: the line is no longer in the log.
	Removed = "removed"
)

// Record is an entry as the report shows it. It is valid until the next one.
type Record struct {
	Log   string // its origin
	Index int64
	Leaf  audit.Hash
	Entry *audit.Entry // as its line says, or as the report shows it
	Beside
}

// Beside is what a report shows of an entry beyond its line.
type Beside struct {
	// Without says why the line is not there; empty if it is.
	Without string
	// Shown is the entry as the report shows it, if its line is not there.
	Shown *audit.Entry
	// Reviewed is when the review of a break-glass look-up was closed, and
	// ReviewOutcome what it found.
	Reviewed      time.Time
	ReviewOutcome string
}

// empty reports whether there is nothing.
func (b *Beside) empty() bool { return b.Without == "" && b.Reviewed.IsZero() }

// besideLine is how it is written. Shown is written as a line of the log is, with
// a salt of zeros.
type besideLine struct {
	Index         int64           `json:"index"`
	Without       string          `json:"without_line,omitempty"`
	Shown         json.RawMessage `json:"shown,omitempty"`
	Reviewed      *time.Time      `json:"reviewed,omitempty"`
	ReviewOutcome string          `json:"review_outcome,omitempty"`
}

// write writes what there is beside the entry at an index.
func (b *Beside) write(w io.Writer, index int64) error {
	line := besideLine{Index: index, Without: b.Without, ReviewOutcome: b.ReviewOutcome}
	if b.Shown != nil {
		line.Shown = b.Shown.AppendLine(nil)
	}
	if !b.Reviewed.IsZero() {
		at := b.Reviewed.UTC()
		line.Reviewed = &at
	}
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return enc.Encode(line) //nolint:wrapcheck // of a writer of ours
}

// Found is an entry of a report, on its way into an archive.
type Found struct {
	Index int64
	// Line is the log's line; nil if it is no longer there.
	Line []byte
	Beside
}

// part is what is read of one log, in an archive that is made or verified.
type part struct {
	origin                 string
	checkpoint             audit.Checkpoint
	entries, proof, beside io.Reader
}

// maxBeside bounds a line beside an entry: a line of the log, and more.
const maxBeside = 2 * audit.MaxLine

// records are the entries of a part, one after the other.
type records struct {
	part    *part
	subset  *audit.SubsetReader
	lines   *hashedLines
	beside  *bufio.Reader
	next    besideLine // not reached yet
	more    bool       // there is one
	entry   audit.Entry
	shown   audit.Entry
	record  Record
	without int64
}

func newRecords(p *part) *records {
	return &records{
		part: p, subset: audit.NewSubsetReader(p.checkpoint, p.proof),
		lines: hashLines(p.entries), beside: bufio.NewReaderSize(p.beside, maxBeside),
		record: Record{Log: p.origin},
	}
}

// errPart says that the files of a log do not belong together.
var errPart = fmt.Errorf("%w: %w line", audit.ErrBroken, audit.ErrMalformed)

// each calls do with each record. An entry that is not as it was signed ends it
// with a *audit.BadEntry.
func (r *records) each(do func(*Record) error) error {
	defer r.lines.close()
	if err := r.readBeside(-1); err != nil {
		return err
	}
	for {
		e, err := r.subset.Next()
		if errors.Is(err, io.EOF) {
			return r.atEnd()
		}
		if err != nil {
			return fmt.Errorf("proof: %w", err)
		}
		if err := r.read(&e); err != nil {
			return err
		}
		r.subset.Confirm(r.record.Leaf)
		if err := do(&r.record); err != nil {
			return err
		}
	}
}

// read reads what belongs to an entry.
func (r *records) read(e *audit.SubsetEntry) error {
	r.record.Index, r.record.Leaf, r.record.Entry, r.record.Beside = e.Index, e.Leaf, &r.entry, Beside{}
	if r.more && r.next.Index == e.Index {
		if err := r.takeBeside(); err != nil {
			return err
		}
	}
	if e.Line != (r.record.Without == "") {
		return fmt.Errorf("%w: beside.ndjson does not say of entry %d whether its line is there", errPart, e.Index)
	}
	if !e.Line {
		r.without++
		r.record.Entry = r.record.Shown
		return nil
	}
	return r.readLine(e)
}

// readLine reads the line of an entry.
func (r *records) readLine(e *audit.SubsetEntry) error {
	bad := func(p audit.Problem) error {
		return &audit.BadEntry{Index: e.Index, Last: e.Index, Problem: p, Other: -1}
	}
	line, leaf, err := r.lines.line()
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		return bad(audit.Truncated)
	case errors.Is(err, io.EOF):
		return bad(audit.Missing)
	case errors.Is(err, bufio.ErrBufferFull):
		return bad(audit.Changed)
	case err != nil:
		return fmt.Errorf("entries: %w", err)
	}
	if r.record.Leaf = leaf; !e.Fits(leaf) {
		return bad(audit.Changed)
	}
	if r.entry.Reparse(line) != nil {
		return bad(audit.NotAnEntry)
	}
	return nil
}

// takeBeside takes what stands beside the entry.
func (r *records) takeBeside() error {
	b := &r.record.Beside
	b.Without, b.ReviewOutcome = r.next.Without, r.next.ReviewOutcome
	if r.next.Reviewed != nil {
		b.Reviewed = *r.next.Reviewed
	}
	if b.Without != "" {
		if r.shown.Reparse(r.next.Shown) != nil {
			return fmt.Errorf("%w: beside.ndjson does not say what is shown of entry %d", errPart, r.record.Index)
		}
		b.Shown = &r.shown
	}
	return r.readBeside(r.next.Index)
}

// readBeside reads the next line beside an entry, of one after another.
func (r *records) readBeside(after int64) error {
	line, err := r.beside.ReadSlice('\n')
	if errors.Is(err, io.EOF) && len(line) == 0 {
		r.more = false
		return nil
	}
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, bufio.ErrBufferFull) {
		return fmt.Errorf("beside: %w", err)
	}
	r.next = besideLine{}
	d := json.NewDecoder(bytes.NewReader(line))
	d.DisallowUnknownFields()
	if err != nil || d.Decode(&r.next) != nil || r.next.Index <= after {
		return fmt.Errorf("%w: beside.ndjson, after entry %d", errPart, after)
	}
	r.more = true
	return nil
}

// atEnd makes sure that nothing is left over.
func (r *records) atEnd() error {
	switch _, _, err := r.lines.line(); {
	case err == nil, errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, bufio.ErrBufferFull):
		end := r.record.Index + 1
		return &audit.BadEntry{Index: end, Last: end, Problem: audit.Inserted, Other: -1}
	case !errors.Is(err, io.EOF):
		return fmt.Errorf("reading what follows the lines: %w", err)
	}
	if r.more {
		return fmt.Errorf("%w: beside.ndjson speaks of entry %d, which is not there", errPart, r.next.Index)
	}
	return nil
}
