package archive

import (
	"encoding/csv"
	"errors"
	"io"

	"cpis/audit"
)

// csvFile is a table for people with spreadsheets. No cell can be taken for a
// formula.
type csvFile struct {
	csv *csv.Writer
	row []string
}

func openCSV(_ *head, in create) (renderer, error) {
	w, err := in("")
	if err != nil {
		return nil, err
	}
	f := &csvFile{csv: csv.NewWriter(w)}
	return f, f.write(columns())
}

// Write writes a row.
func (f *csvFile) Write(r *Record) error {
	f.row = r.appendCells(f.row[:0])
	for i, cell := range f.row {
		f.row[i] = audit.HarmlessCell(cell)
	}
	return f.write(f.row)
}

func (f *csvFile) write(row []string) error {
	err := f.csv.Write(row)
	f.csv.Flush()
	return errors.Join(err, f.csv.Error())
}

// Close implements renderer.
func (f *csvFile) Close() error { return nil }

// once lets a single file be created.
func once(w io.Writer) create {
	return func(string) (io.Writer, error) { return w, nil }
}
