package service

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// maxRows is the longest file: more than the plans of all authorities.
const maxRows = 200_000

// column is one of the columns of a file of plans, in the template's order.
type column int

const (
	colNHSNumber column = iota
	colFamilyName
	colGivenName
	colDateOfBirth
	colKind
	colStart
	colEnd
	colExpected
	colLegalBasis
	colReference
	colRestricted
	columnCount
)

// columns says how the columns are named, and which of them a file may leave
// out. Restricted is not one of these: a list without it would show where
// people are who must not be found.
var columns = [columnCount]struct {
	name     string
	optional bool
}{
	colNHSNumber:   {name: "nhs_number"},
	colFamilyName:  {name: "family_name"},
	colGivenName:   {name: "given_name"},
	colDateOfBirth: {name: "date_of_birth"},
	colKind:        {name: "kind"},
	colStart:       {name: "start"},
	colEnd:         {name: "end", optional: true},
	colExpected:    {name: "expected", optional: true},
	colLegalBasis:  {name: "legal_basis", optional: true},
	colReference:   {name: "reference", optional: true},
	colRestricted:  {name: "restricted"},
}

// sheet is a file of plans that was read to its end.
type sheet struct {
	rows   []row
	digest [sha256.Size]byte // of the file's bytes
}

// row is one row of a file: a draft, or what is wrong with it.
type row struct {
	line  int // on which it begins, from 1
	draft draft
	wrong violations
}

// readSheet reads a file of plans. The error is an *InvalidError where the file
// as a whole is wrong, or the file's own; what is wrong with a row stands there.
func readSheet(file io.Reader, today Date) (*sheet, error) {
	hash := sha256.New()
	r := sheetReader{records: newRecords(io.TeeReader(file, hash)), today: today}
	if err := r.readHeader(); err != nil {
		return nil, err
	}
	if err := r.readRows(); err != nil {
		return nil, err
	}
	s := &sheet{rows: r.rows}
	hash.Sum(s.digest[:0])
	return s, nil
}

// sheetReader is a sheet being read.
type sheetReader struct {
	records *records
	today   Date
	width   int              // cells of the header
	at      [columnCount]int // where each column stands in a record; -1 where the file lacks it
	rows    []row
}

// readHeader reads the line that names the columns.
func (r *sheetReader) readHeader() error {
	rec, err := r.nextWritten()
	if errors.Is(err, io.EOF) {
		return fileError(1, "is empty: the first line must name the columns")
	}
	if err != nil {
		return err
	}
	r.width = len(rec.cells)
	known, v := r.findColumns(rec.cells)
	if known == 0 {
		return fileError(rec.line, headerProblem(rec.cells))
	}
	return v.err()
}

// findColumns notes where each column stands, how many there are, and what is
// wrong with them. It does not repeat unknown names: where the header is
// missing, they are somebody's.
func (r *sheetReader) findColumns(cells []string) (known int, v violations) {
	for i := range r.at {
		r.at[i] = -1
	}
	for i, cell := range cells {
		c, ok := columnOf(cell)
		switch {
		case !ok:
			v.add(fileColumn, fmt.Sprintf("column %d of the header has a name that is not known: %s", i+1, columnNames()), "")
		case r.at[c] >= 0:
			v.add(columns[c].name, "is there twice", "")
		default:
			r.at[c] = i
			known++
		}
	}
	for c, at := range r.at {
		if at < 0 && !columns[c].optional {
			v.add(columns[c].name, "is missing: the header has no such column", columns[c].name)
		}
	}
	return known, v
}

// columnOf finds a column by its name in a header.
func columnOf(cell string) (column, bool) {
	name := strings.NewReplacer(" ", "_", "-", "_").Replace(strings.ToLower(strings.TrimSpace(cell)))
	for c := range columns {
		if columns[c].name == name {
			return column(c), true
		}
	}
	return 0, false
}

func columnNames() string {
	names := make([]string, 0, columnCount)
	for c := range columns {
		names = append(names, columns[c].name)
	}
	return "the columns are " + strings.Join(names, ", ")
}

// headerProblem says what is wrong with a header that names no column.
func headerProblem(cells []string) string {
	if len(cells) == 1 && strings.ContainsAny(cells[0], ";\t") {
		return "is not separated by commas: save the file as CSV with commas"
	}
	return "does not name the columns: " + columnNames()
}

// readRows reads the rows below the header.
func (r *sheetReader) readRows() error {
	for {
		rec, err := r.nextWritten()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		if len(r.rows) == maxRows {
			return fileError(rec.line, fmt.Sprintf("is beyond the %d rows that a file may have", maxRows))
		}
		if !rec.ended {
			return fileError(rec.line, "has no line break at its end: the file may have been cut off; where it was not, add one")
		}
		r.rows = append(r.rows, r.readRow(rec))
	}
	if len(r.rows) == 0 {
		return fileError(r.records.line, "no rows below the header")
	}
	return r.whole()
}

// whole says whether the last row is. Elsewhere a row that lacks cells is only
// wrong itself; at the end it is the sign of a file that was cut off.
func (r *sheetReader) whole() error {
	last := &r.rows[len(r.rows)-1]
	if slices.ContainsFunc(last.wrong, func(v Violation) bool { return v.Field == rowColumn }) {
		return fileError(last.line, "the last row has not as many cells as the header: the file may have been cut off")
	}
	return nil
}

// nextWritten gives the next record in which something is written:
// spreadsheets leave rows of empty cells behind.
func (r *sheetReader) nextWritten() (record, error) {
	for {
		rec, err := r.records.next()
		if err != nil || !rec.blank() {
			return rec, err
		}
	}
}

// rowColumn names a row as a whole in a Violation.
const rowColumn = "row"

// readRow reads one row.
func (r *sheetReader) readRow(rec record) row {
	out := row{line: rec.line}
	if len(rec.cells) != r.width {
		out.wrong.add(rowColumn, fmt.Sprintf("has %d cells where the header has %d: "+
			"a text with a comma in it must stand in quotation marks", len(rec.cells), r.width), "")
		return out
	}
	restricted, ok := parseYesNo(r.cell(rec, colRestricted))
	reg := Registration{
		NHSNumber:   r.cell(rec, colNHSNumber),
		Family:      oneLine(r.cell(rec, colFamilyName)),
		Given:       oneLine(r.cell(rec, colGivenName)),
		DateOfBirth: r.cell(rec, colDateOfBirth),
		Kind:        Kind(strings.ToLower(r.cell(rec, colKind))),
		Start:       r.cell(rec, colStart),
		End:         r.cell(rec, colEnd),
		Expected:    r.cell(rec, colExpected),
		Basis:       Basis(strings.ToLower(r.cell(rec, colLegalBasis))),
		Reference:   oneLine(r.cell(rec, colReference)),
		Restricted:  restricted,
	}
	out.draft, out.wrong = reg.read(fileForms, r.today)
	if !ok {
		out.wrong.add(columns[colRestricted].name, "must be yes or no", "yes")
	}
	if len(out.wrong) > 0 {
		out.draft = draft{}
	}
	return out
}

// cell gives what stands in a column, without the white space around it. It is
// a copy: the record, of which little may be left, is not kept because of it.
func (r *sheetReader) cell(rec record, c column) string {
	if r.at[c] < 0 {
		return ""
	}
	return strings.Clone(strings.TrimSpace(rec.cells[r.at[c]]))
}

// oneLine puts a single space wherever there is white space: cells of
// spreadsheets hold line breaks that nobody sees.
func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

// parseYesNo reads the words that spreadsheets and people write. Nothing means
// no; but what cannot be read must not.
func parseYesNo(text string) (yes, ok bool) {
	switch strings.ToLower(text) {
	case "", "no", "n", "false", "0":
		return false, true
	case "yes", "y", "true", "1":
		return true, true
	}
	return false, false
}
