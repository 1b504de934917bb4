package planfile

import (
	"errors"
	"io"
)

// Record is a record of a CSV file with the line on which it begins.
type Record struct {
	Line  int
	Cells []string
	Ended bool
}

// ReadRecords reads all records of a file, blank ones included.
func ReadRecords(file io.Reader) ([]Record, error) {
	var all []Record
	r := newRecords(file)
	for {
		rec, err := r.next()
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return all, err
		}
		out := Record{Line: rec.line, Ended: rec.ended}
		for _, cell := range rec.cells {
			text, err := r.decode(&rec, cell)
			if err != nil {
				return all, err
			}
			out.Cells = append(out.Cells, text)
		}
		all = append(all, out)
	}
}

// MaxRecordSize is the length in bytes of the longest record of a file.
const MaxRecordSize = maxRecordSize
