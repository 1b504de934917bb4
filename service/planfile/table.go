package planfile

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

const (
	problemEmpty   = "is empty: the first line must name the columns"
	problemNoBreak = "has no line break at its end: the file may have been cut off; where it was not, add one"
	problemShort   = "the last row has not as many cells as the header: the file may have been cut off"
)

// columns are the columns of a table in our own order.
type columns []struct {
	name     string
	optional bool // a file may lack it
}

// names gives the names, for people to read.
func (cs columns) names() string {
	names := make([]string, len(cs))
	for i := range cs {
		names[i] = cs[i].name
	}
	return strings.Join(names, ", ")
}

// find finds a column by its name in a header.
func (cs columns) find(cell string) (int, bool) {
	name := strings.NewReplacer(" ", "_", "-", "_").Replace(strings.ToLower(strings.TrimSpace(cell)))
	for c := range cs {
		if cs[c].name == name {
			return c, true
		}
	}
	return 0, false
}

// table reads a CSV file whose first line names the columns, row by row.
type table struct {
	name    string // of which errors speak; empty where there is one file only
	columns columns
	closed  bool // no other columns may be there
	records *records
	width   int      // cells of the header
	at      []int    // where each column stands in a record; -1 where the file lacks it
	texts   []string // of the row, a text for each column
	line    int      // on which the row begins, from 1
	cells   int      // of the row
}

// newTable reads the header of a table.
func newTable(name string, file io.Reader, cs columns, closed bool) (*table, error) {
	t := &table{
		name: name, columns: cs, closed: closed, records: newRecords(file),
		at: make([]int, len(cs)), texts: make([]string, len(cs)),
	}
	if err := t.readHeader(); err != nil {
		return nil, t.named(err)
	}
	return t, nil
}

// named says of which table an error speaks.
func (t *table) named(err error) error {
	if e, ok := errors.AsType[*Error](err); ok {
		e.File = t.name
	}
	return err
}

// has says whether the file has a column.
func (t *table) has(c int) bool { return t.at[c] >= 0 }

// readHeader reads the line that names the columns.
func (t *table) readHeader() error {
	rec, err := t.nextWritten()
	if errors.Is(err, io.EOF) {
		return broken("", 1, problemEmpty)
	}
	if err != nil {
		return err
	}
	names := make([]string, len(rec.cells))
	for i, cell := range rec.cells {
		if names[i], err = t.records.decode(&rec, cell); err != nil {
			return err
		}
	}
	t.width = len(names)
	known, problem := t.findColumns(names)
	switch {
	case known == 0:
		return broken("", rec.line, t.headerProblem(names))
	case problem != "":
		return broken("", rec.line, problem)
	case !rec.ended: // it may lack the end of a column's name, or columns
		return broken("", rec.line, problemNoBreak)
	}
	t.cells = t.width
	return nil
}

// findColumns notes where each column stands, how many there are, and what is
// wrong with them. It does not repeat unknown names: where the header is
// missing, they are somebody's.
func (t *table) findColumns(names []string) (known int, problem string) {
	var unknown, twice, lacking []string
	for i := range t.at {
		t.at[i] = -1
	}
	for i, name := range names {
		c, ok := t.columns.find(name)
		switch {
		case !ok && t.closed:
			unknown = append(unknown, strconv.Itoa(i+1))
		case !ok:
		case t.at[c] >= 0:
			twice = append(twice, t.columns[c].name)
		default:
			t.at[c] = i
			known++
		}
	}
	for c, at := range t.at {
		if at < 0 && !t.columns[c].optional {
			lacking = append(lacking, t.columns[c].name)
		}
	}
	var problems []string
	for _, p := range []struct {
		text string
		of   []string
	}{
		{"the header lacks columns: ", lacking},
		{"the header has columns more than once: ", twice},
		{"the header has columns that are not known, by their place: ", unknown},
	} {
		if len(p.of) > 0 {
			problems = append(problems, p.text+strings.Join(p.of, ", "))
		}
	}
	return known, strings.Join(problems, "; ")
}

// headerProblem says what is wrong with a header that names no column.
func (t *table) headerProblem(names []string) string {
	if len(names) == 1 {
		switch {
		case strings.Contains(names[0], ";"):
			return "is separated by semicolons: save the file as CSV with commas"
		case strings.Contains(names[0], "\t"):
			return "is separated by tabs: save the file as CSV with commas"
		}
	}
	return "does not name the columns: they are " + t.columns.names()
}

// next reads the next row in which something is written. The error is io.EOF
// after the last, or an *Error, that of the source or of ctx.
func (t *table) next(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	rec, err := t.nextWritten()
	switch {
	case errors.Is(err, io.EOF) && t.cells != t.width:
		// Elsewhere a row that lacks cells is only wrong itself; at the end it is
		// the sign of a file that was cut off.
		return broken(t.name, t.line, problemShort)
	case err != nil:
		return t.named(err)
	case !rec.ended:
		return broken(t.name, rec.line, problemNoBreak)
	}
	t.line, t.cells = rec.line, len(rec.cells)
	if t.cells != t.width {
		clear(t.texts)
		return nil
	}
	for c, at := range t.at {
		if at < 0 {
			continue
		}
		if t.texts[c], err = t.read(&rec, rec.cells[at]); err != nil {
			return t.named(err)
		}
	}
	return nil
}

// read gives the text of a cell without the white space around it. It is as
// long as what it says: no record is kept because of a cell.
func (t *table) read(rec *record, cell []byte) (string, error) {
	text, err := t.records.decode(rec, bytes.Trim(cell, " \t\r\n"))
	if trimmed := strings.TrimSpace(text); len(trimmed) < len(text) {
		text = strings.Clone(trimmed)
	}
	return text, err
}

// misfit says what is wrong with a row that has not as many cells as the
// header.
func (t *table) misfit() string {
	if t.cells == t.width {
		return ""
	}
	return fmt.Sprintf("has %d cells where the header has %d: a text with a comma in it must stand in quotation marks",
		t.cells, t.width)
}

// nextWritten gives the next record in which something is written:
// spreadsheets leave rows of empty cells behind.
func (t *table) nextWritten() (record, error) {
	for {
		rec, err := t.records.next()
		if err != nil || !rec.blank() {
			return rec, err
		}
	}
}

// oneLine puts a single space wherever there is white space: cells of
// spreadsheets hold line breaks that nobody sees.
func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }
