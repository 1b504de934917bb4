package archive

import (
	"io"
	"time"

	"cpis/audit"
)

// Format is a form in which the entries are in an archive besides their lines.
type Format string

// The formats.
const (
	CSV  Format = "csv"
	XLSX Format = "xlsx"
	// BALP and NHS are FHIR R4 AuditEvents: as IHE's Basic Audit Log Patterns have
	// them, and as NHS England's Patient Audit Record Service does.
	BALP Format = "fhir_balp"
	NHS  Format = "fhir_nhs"
)

// head is what the files of a format say besides the entries.
type head struct {
	id      string
	made    time.Time
	entries int64
}

// renderer writes the entries in one format. Each Write writes all of an entry, so
// that what differs can be named.
type renderer interface {
	Write(r *Record) error
	Close() error
}

// create makes the next of a format's files.
type create func(name string) (io.Writer, error)

// form is how a format is written.
type form struct {
	file string // in the archive
	// zipped says that the file is a zip itself, which holds what is created.
	// Otherwise the one file that is created is it.
	zipped bool
	open   func(h *head, in create) (renderer, error)
}

// forms are all of them.
var forms = map[Format]form{
	CSV:  {file: "entries.csv", open: openCSV},
	XLSX: {file: "entries.xlsx", zipped: true, open: openXLSX},
	BALP: {file: "audit-events-balp.json", open: openFHIR(balpEvent)},
	NHS:  {file: "audit-events-nhs.json", open: openFHIR(nhsEvent)},
}

// Formats are all formats, in the order in which they are written.
func Formats() []Format { return []Format{CSV, XLSX, BALP, NHS} }

// columns are those of the tables.
func columns() []string {
	return append(append([]string{"log"}, audit.Columns()...), "line", "reviewed", "review_outcome")
}

// appendCells appends what stands in the columns.
func (r *Record) appendCells(row []string) []string {
	row = r.Entry.AppendCells(append(row, r.Log), r.Index)
	return append(row, r.Without, instant(r.Reviewed), r.ReviewOutcome)
}

// instant is a moment in UTC, as lines of the log have it; empty if there is none.
func instant(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02T15:04:05.000000Z")
}
