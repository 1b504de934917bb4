// Package planfile reads the files in which local authorities send their plans:
// one CSV file with the columns of docs/upload-template.csv, or tables of the
// Standard Safeguarding Dataset. docs/upload-format.md describes both.
//
// It knows how files are written, and nothing of plans but their form: whether
// a check digit fits, days are in order or somebody is too old is for the
// service to say. What it gives is either read well or named in
// [Row.Problems], never guessed.
//
// Something that a file cannot say differs from something that it says is
// empty. If a column is missing altogether, its field is among
// [Summary.Absent] and [Row.Has] is false of it: such a field must leave alone
// what is held. An empty cell of a column that is there says that there is
// nothing.
//
// Files come from anybody who may upload, so everything is bounded: the size of
// a record, the number of rows, what an archive may unpack to. No error and no
// problem quotes anything that stands in a file, nor its name.
package planfile

import (
	"context"
	"errors"
	"io"
	"slices"
	"time"
)

// Format is how a file is written.
type Format string

// The formats.
const (
	CSV Format = "csv" // one file with the columns of the template
	SSD Format = "ssd" // tables of the Standard Safeguarding Dataset: CSV files, or one ZIP with them
)

// MaxRows is how many plans a file may hold: more than the largest authority
// has.
const MaxRows = 50_000

// Source is one file as it was sent. It is read more than once.
type Source struct {
	Name string
	Size int64
	At   io.ReaderAt
}

// The fields of a row, named as the columns of a CSV file are.
const (
	FieldNHSNumber   = "nhs_number"
	FieldFamily      = "family_name"
	FieldGiven       = "given_name"
	FieldDateOfBirth = "date_of_birth"
	FieldKind        = "kind"
	FieldStart       = "start"
	FieldEnd         = "end"
	FieldExpected    = "expected"
	FieldBasis       = "legal_basis"
	FieldReference   = "reference"
	FieldRestricted  = "restricted"

	// FieldRow names a row as a whole.
	FieldRow = "row"
)

// Row is one plan of a file. Texts have no white space around them; days are
// written YYYY-MM-DD, NHS numbers as ten digits, kinds and legal bases as the
// template has them. What could not be read is empty and among the problems.
type Row struct {
	File string // table of which it is a row; empty of a CSV file
	Line int    // on which it begins, from 1

	NHSNumber   string
	Family      string
	Given       string
	DateOfBirth string
	Kind        string // cpp, lac or ucpp
	Start       string
	End         string
	Expected    string
	Basis       string // s20, s31 or s38
	Reference   string
	Restricted  bool

	Absent   []string // fields that the file has no column for; not to be changed
	Problems []Problem
}

// Has reports whether the file has a column for a field. If it has none, the
// row says nothing of the field, not even that it is empty.
func (r *Row) Has(field string) bool { return !slices.Contains(r.Absent, field) }

// reset makes a row ready for the next.
func (r *Row) reset(file string, line int) {
	*r = Row{File: file, Line: line, Absent: r.Absent}
}

// wrong adds what is wrong with a field. Nothing is said if problem is
// empty.
func (r *Row) wrong(field, problem, example string) {
	if problem == "" {
		return
	}
	code := CodeOther
	if field == FieldNHSNumber {
		code = CodeNumber
	}
	r.Problems = append(r.Problems, Problem{field, code, problem, example})
}

// Record codes of the national service that a file alone can give rise to.
const (
	CodeNumber = "CPR04" // the NHS number has not the form of one
	CodeOther  = "CPR07" // anything else
)

// Problem says what is wrong with a row, and shows a right value.
type Problem struct {
	Field   string // one of the fields
	Code    string // CPR04, CPR07
	Problem string
	Example string // a right value; may be empty
}

// Right values, shown beside what is wrong.
const (
	exampleNumber = "999 000 0018"
	exampleBorn   = "2019-04-30"
	exampleDay    = "2026-09-01"
	exampleKind   = "cpp"
	exampleBasis  = "s20"
)

// Summary says what is to be known of a file beside its rows.
type Summary struct {
	Rows   int      // given to the caller
	Absent []string // fields that the file has no column for
	Notes  []Note   // what was left out on purpose
}

// Note says what was left out of a file, how often, and why.
type Note struct {
	Count int
	Text  string
}

// Read reads a file and calls fn with each row, in the order of the file. The
// row belongs to fn until it returns, and is used again. Today bounds how long
// ago a plan of the dataset may have ended. The error is an [*Error] if the
// file is broken, which may be found after rows were given, what fn or the
// source failed with, or that of ctx.
func Read(ctx context.Context, f Format, today time.Time, sources []Source, fn func(*Row) error) (Summary, error) {
	switch f {
	case CSV:
		return readSheet(ctx, sources, fn)
	case SSD:
		return readDataset(ctx, today, sources, fn)
	}
	return Summary{}, errors.New("no such format of files")
}
