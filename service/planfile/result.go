package planfile

import (
	"archive/zip"
	"encoding/csv"
	"io"
	"slices"
	"strconv"
)

// ResultColumns are the columns that the result of a file has before those of the
// file. [Read] passes over them, so that a result can be corrected and sent.
var ResultColumns = []string{"Line", "Result", "What to do"}

// ResultWriter writes the result of a file: its lines, each behind what becomes of
// it. It is a CSV file or, of the dataset, a ZIP with a CSV file for each table. Its
// errors are those of what it writes to.
type ResultWriter struct {
	out     io.Writer
	cell    func(string) string
	archive *zip.Writer // nil of a CSV file
	sheet   *csv.Writer // nil before the first line
	table   string      // of which it is
}

// NewResultWriter returns a writer that writes to out. Cells are written as cell
// returns them: it may put an apostrophe before what a spreadsheet would take for a
// formula, which [Read] takes off.
func NewResultWriter(out io.Writer, f Format, cell func(string) string) *ResultWriter {
	w := &ResultWriter{out: out, cell: cell}
	if f == SSD {
		w.archive = zip.NewWriter(out)
	}
	return w
}

// WriteLine writes a line as [Lines] finds it. Outcome and advice say what becomes of
// its row, and what to do; they are empty of lines that are about no plan.
func (w *ResultWriter) WriteLine(l *Line, outcome, advice string) error {
	if w.sheet == nil || l.File != w.table {
		if err := w.begin(l.File); err != nil {
			return err
		}
	}
	cells := []string{strconv.Itoa(l.Line), outcome, advice}
	if l.Header {
		cells = slices.Clone(ResultColumns)
	}
	for _, cell := range l.Cells {
		cells = append(cells, w.cell(cell))
	}
	return w.sheet.Write(cells)
}

// Close writes what is not written yet. It does not close what it writes to.
func (w *ResultWriter) Close() error {
	if err := w.flush(); err != nil || w.archive == nil {
		return err
	}
	return w.archive.Close()
}

// begin begins a sheet as spreadsheets like it best.
func (w *ResultWriter) begin(table string) error {
	if err := w.flush(); err != nil {
		return err
	}
	out := w.out
	if w.archive != nil {
		var err error
		if out, err = w.archive.CreateHeader(&zip.FileHeader{Name: table + ".csv", Method: zip.Deflate}); err != nil {
			return err
		}
	}
	if _, err := out.Write(markUTF8); err != nil {
		return err
	}
	w.sheet, w.table = csv.NewWriter(out), table
	w.sheet.UseCRLF = true
	return nil
}

func (w *ResultWriter) flush() error {
	if w.sheet == nil {
		return nil
	}
	w.sheet.Flush()
	return w.sheet.Error()
}
