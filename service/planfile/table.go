package planfile

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"cpis/service/text"
)

const (
	problemEmpty   = "is empty: the first line must name the columns"
	problemNoBreak = "has no line break at its end: the file may have been cut off; if it was not, add one"
	problemShort   = "the last row has fewer cells than the header: the file may have been cut off, " +
		"or a spreadsheet left out the commas of empty cells; write something into the last column of every row, " +
		"such as no for restricted, and export again"
	problemDropped = "the last rows have fewer cells than the header, all of them equally many: " +
		"a spreadsheet left out the commas of empty cells at the end of rows; " +
		"write something into the last column of every row, such as no for restricted, and export again"
)

// columns are the columns of a table in our own order.
type columns []column

type column struct {
	name     string
	optional bool // a file may lack it
	day      bool // its cells are days
}

// names returns the names, for people to read.
func (cs columns) names() string {
	names := make([]string, len(cs))
	for i := range cs {
		names[i] = cs[i].name
	}
	return strings.Join(names, ", ")
}

// find finds a column by its name in a header.
func (cs columns) find(name string) (int, bool) {
	for c := range cs {
		if cs[c].name == name {
			return c, true
		}
	}
	return 0, false
}

// columnName returns the name of a column from a cell of a header.
func columnName(cell string) string {
	words := strings.FieldsFunc(strings.ToLower(text.Plain(cell)), func(r rune) bool {
		return r == ' ' || r == '-' || r == '_' || r == '\n' || r == '\r'
	})
	return strings.Join(words, "_")
}

// table reads a CSV file whose first line names the columns, row by row.
type table struct {
	name     string // of which errors speak; empty if there is one file only
	columns  columns
	closed   bool // no other columns may be there
	records  *records
	order    dayOrder // of the days of all files that belong together
	width    int      // cells of the header
	at       []int    // if each column stands in a record; -1 if the file lacks it
	nameless []int    // where cells of the header are empty
	texts    []string // of the row, a text for each column
	line     int      // on which the row begins, from 1
	cells    int      // of the row
	alike    int      // rows up to this one that have as few cells as it
	stray    int      // place of a text of the row in a column without a name, from 1
}

// newTable reads the header of a table.
func newTable(name string, file io.Reader, cs columns, closed bool, order dayOrder) (*table, error) {
	t := &table{
		name: name, columns: cs, closed: closed, records: newRecords(file), order: order,
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

// has reports whether the file has a column.
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
	h := t.readNames(names)
	switch {
	case h.known == 0 && len(h.near) < 2:
		return broken("", rec.line, t.headerProblem(names))
	case h.problem() != "":
		return broken("", rec.line, h.problem())
	case !rec.ended: // it may lack the end of a column's name, or columns
		return broken("", rec.line, problemNoBreak)
	}
	t.cells = t.width
	return nil
}

// readNames notes where each column stands, and returns what is to be said of
// the names.
func (t *table) readNames(names []string) header {
	h := header{near: map[int]string{}}
	for i := range t.at {
		t.at[i] = -1
	}
	for i, cell := range names {
		name := columnName(cell)
		c, ok := t.columns.find(name)
		switch {
		case name == "":
			t.nameless = append(t.nameless, i)
		case !ok && ofResult(name):
		case !ok && t.closed:
			h.unknown = append(h.unknown, i)
		case !ok:
		case t.at[c] >= 0:
			h.twice = append(h.twice, t.columns[c].name)
		default:
			t.at[c] = i
			h.known++
		}
	}
	for c, at := range t.at {
		if at < 0 && !t.columns[c].optional {
			h.lacking = append(h.lacking, t.columns[c].name)
		}
	}
	for _, i := range h.unknown {
		if c, ok := t.columns.near(columnName(names[i])); ok && t.at[c] < 0 {
			h.near[i] = t.columns[c].name
		}
	}
	return h
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
		return broken(t.name, t.line, t.endProblem())
	case err != nil:
		return t.named(err)
	case !rec.ended:
		return broken(t.name, rec.line, problemNoBreak)
	}
	if len(rec.cells) != t.cells {
		t.alike = 0
	}
	t.line, t.cells = rec.line, len(rec.cells)
	t.alike++
	if t.cells != t.width {
		clear(t.texts)
		return nil
	}
	if t.stray, err = t.findStray(&rec); err != nil {
		return t.named(err)
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

// read returns the text of a cell as people see it. It is as long as what it
// says: no record is kept because of a cell.
func (t *table) read(rec *record, cell []byte) (string, error) {
	decoded, err := t.records.decode(rec, bytes.Trim(cell, " \t\r\n"))
	seen := unguarded(text.Fold(decoded))
	if len(seen) < len(decoded) {
		seen = strings.Clone(seen)
	}
	return seen, err
}

// findStray finds a text in a column without a name, and returns its place from
// 1, or 0 if there is none: spreadsheets leave empty columns behind.
func (t *table) findStray(rec *record) (int, error) {
	for _, at := range t.nameless {
		if seen, err := t.read(rec, rec.cells[at]); seen != "" || err != nil {
			return at + 1, err
		}
	}
	return 0, nil
}

// endProblem says what happened to a file whose last row has not as many cells
// as the header. One that was cut off has one such row.
func (t *table) endProblem() string {
	switch {
	case t.cells > t.width:
		return "the last row " + t.misfit()
	case t.alike > 1:
		return problemDropped
	}
	return problemShort
}

// misfit says what is wrong with a row whose cells do not fit the header.
func (t *table) misfit() string {
	switch {
	case t.cells > t.width:
		return fmt.Sprintf("has %d cells where the header has %d: a text with a comma in it must stand in quotation marks",
			t.cells, t.width)
	case t.cells < t.width:
		return fmt.Sprintf("has %d cells where the header has %d: commas are missing; "+
			"a spreadsheet leaves them out at the end of rows whose last cells are empty", t.cells, t.width)
	case t.stray > 0 && t.closed:
		return fmt.Sprintf("has a text in a column without a name, the one at place %d: "+
			"name the column, or empty it", t.stray)
	}
	return ""
}

// nextWritten returns the next record in which something is written:
// spreadsheets leave rows of empty cells behind, and people rows of spaces.
func (t *table) nextWritten() (record, error) {
	for {
		rec, err := t.records.next()
		if err != nil {
			return rec, err
		}
		if blank, err := t.blank(&rec); !blank || err != nil {
			return rec, err
		}
	}
}

// blank reports whether nothing is to be seen in any cell.
func (t *table) blank(rec *record) (bool, error) {
	for _, cell := range rec.cells {
		if seen, err := t.read(rec, cell); seen != "" || err != nil {
			return false, err
		}
	}
	return true, nil
}

// learnFrom takes what the days of a file tell. That the file is broken is for
// whoever reads it afterwards to say.
func (o *dayOrder) learnFrom(ctx context.Context, file io.Reader, cs columns) error {
	t, err := newTable("", file, cs, false, dayOrder{})
	for err == nil {
		if err = t.next(ctx); err != nil {
			break
		}
		for c := range cs {
			if cs[c].day {
				o.learn(t.texts[c])
			}
		}
	}
	if _, isBroken := errors.AsType[*Error](err); isBroken || errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// oneLine puts a single space wherever there is white space: cells of
// spreadsheets hold line breaks that nobody sees.
func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }
