package audit

import (
	"encoding/base64"
	"encoding/csv"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// csvColumns are the columns of the table, named as the fields of the lines. Those
// that came later stand behind the others, so that what reads the table by their
// places goes on.
var csvColumns = []string{
	"index", "time", "actor", "client", "iss", "org", "role", "action", "mode",
	"purpose", "subject", "encounter", "request", "responsible", "outcome", "reason", "rule",
	"break_glass", "restricted", "degraded", "disclosed", "counts",
	"assurance", "from", "procedure", "setting", "grounds", "target", "recipient", "policy", "history", "shown",
	"review", "review_reason",
}

// CSVWriter renders entries as a table for people with spreadsheets. The table
// is for reading; what proves anything are the lines.
//
// Cells that a spreadsheet could take for a formula begin with an apostrophe
// instead, and line breaks and other control characters become spaces, so that
// one entry is one row.
type CSVWriter struct {
	csv   *csv.Writer
	row   []string
	begun bool
}

// NewCSVWriter returns a writer of a table to w. The first row names the
// columns.
func NewCSVWriter(w io.Writer) *CSVWriter {
	return &CSVWriter{csv: csv.NewWriter(w), row: make([]string, 0, len(csvColumns))}
}

// Write writes the entry at index as a row. It is buffered: an error may come
// only with a later row, or with Flush.
func (w *CSVWriter) Write(index int64, e *Entry) error {
	if err := w.begin(); err != nil {
		return err
	}
	w.row = e.AppendCells(w.row[:0], index)
	for i, cell := range w.row {
		w.row[i] = HarmlessCell(cell)
	}
	return w.csv.Write(w.row)
}

// Columns are what AppendCells appends, named as the fields of the lines.
func Columns() []string { return slices.Clone(csvColumns) }

// AppendCells appends the cells of the entry at an index, as they are said: who
// writes them where a program may take them for more looks after that.
func (e *Entry) AppendCells(row []string, index int64) []string {
	return append(row,
		strconv.FormatInt(index, 10), string(appendTime(nil, e.Time)),
		e.Actor, e.Client, e.Issuer, e.Organisation, e.Role, e.Action, e.Mode, e.Purpose,
		base64.RawURLEncoding.EncodeToString(e.Subject),
		base64.RawURLEncoding.EncodeToString(e.Encounter),
		e.Request, base64.RawURLEncoding.EncodeToString(e.Responsible), e.Outcome, e.Reason, e.Rule,
		yes(e.BreakGlass), yes(e.Restricted), yes(e.Degraded),
		e.disclosedCell(), e.countsCell(),
		count(e.Assurance), e.From, e.Procedure, e.Setting, e.Grounds, e.Target.cell(), e.Recipient, e.Policy,
		count(e.History), e.shownCell(), e.Review.ID, base64.RawURLEncoding.EncodeToString(e.Review.Reason))
}

// Flush writes what is buffered and returns the first error there was. A table
// without entries still names its columns.
func (w *CSVWriter) Flush() error {
	if err := w.begin(); err != nil {
		return err
	}
	w.csv.Flush()
	return w.csv.Error()
}

func (w *CSVWriter) begin() error {
	if w.begun {
		return nil
	}
	w.begun = true
	return w.csv.Write(csvColumns)
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return ""
}

// count writes a number that is absent if it is 0.
func count(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

// cell names the thing: "notice id".
func (t Thing) cell() string { return strings.TrimSpace(t.Kind + " " + t.ID) }

// shownCell lists what was shown: "notice id; notice id; transfer id".
func (e *Entry) shownCell() string {
	var things []string
	for _, s := range e.Shown {
		for _, id := range s.IDs {
			things = append(things, Thing{s.Kind, id}.cell())
		}
	}
	return strings.Join(things, "; ")
}

// disclosedCell lists the disclosed plans: "id v3; id v1".
func (e *Entry) disclosedCell() string {
	plans := make([]string, len(e.Disclosed))
	for i, d := range e.Disclosed {
		plans[i] = d.Plan + " v" + strconv.Itoa(d.Version)
	}
	return strings.Join(plans, "; ")
}

// countsCell lists the counts in the order of their names: "new 3; rows 10".
func (e *Entry) countsCell() string {
	counts := make([]string, 0, len(e.Counts))
	for name, n := range e.Counts {
		counts = append(counts, name+" "+strconv.FormatInt(n, 10))
	}
	slices.Sort(counts)
	return strings.Join(counts, "; ")
}

// HarmlessCell returns a cell that no spreadsheet takes for a formula, on one
// line. Programs look past white space and, in some languages, at full-width
// signs.
func HarmlessCell(cell string) string {
	if strings.ContainsFunc(cell, unicode.IsControl) {
		cell = strings.Map(func(r rune) rune {
			if unicode.IsControl(r) {
				return ' '
			}
			return r
		}, cell)
	}
	if first, _ := utf8.DecodeRuneInString(strings.TrimSpace(cell)); strings.ContainsRune("=+-@＝＋－＠", first) {
		return "'" + cell
	}
	return cell
}
