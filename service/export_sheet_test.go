package service

import (
	"errors"
	"io"
)

// CSVRecord is a record of a CSV file with the line on which it begins.
type CSVRecord struct {
	Line  int
	Cells []string
	Ended bool
}

// ReadCSV reads all records of a file, blank ones included.
func ReadCSV(file io.Reader) ([]CSVRecord, error) {
	var all []CSVRecord
	r := newRecords(file)
	for {
		rec, err := r.next()
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return all, err
		}
		all = append(all, CSVRecord{rec.line, append([]string(nil), rec.cells...), rec.ended})
	}
}

// SheetRow is a row of a file of plans as it was read.
type SheetRow struct {
	Line       int
	Person     Person
	Details    Details
	Restricted bool
	Wrong      []Violation
}

// ReadSheet reads a file of plans as an upload does.
func ReadSheet(file io.Reader, today Date) ([]SheetRow, error) {
	s, err := readSheet(file, today)
	if err != nil {
		return nil, err
	}
	rows := make([]SheetRow, len(s.rows))
	for i, r := range s.rows {
		rows[i] = SheetRow{r.line, r.draft.person, r.draft.details, r.draft.restricted, r.wrong}
	}
	return rows, nil
}

// CheckRegistration says what is wrong with a registration on its face.
func CheckRegistration(r *Registration, today Date) []Violation {
	_, v := r.read(requestForms, today)
	return v
}

// MaxRecordSize is the length in bytes of the longest record of a file.
const MaxRecordSize = maxRecordSize

// MaxRows is the longest file.
const MaxRows = maxRows
