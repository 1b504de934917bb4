package planfile

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"cpis/service/text"
)

// The columns of the CSV file, in the template's order.
const (
	colNHSNumber = iota
	colFamily
	colGiven
	colDateOfBirth
	colKind
	colStart
	colEnd
	colExpected
	colBasis
	colReference
	colRestricted
)

// sheetColumns says how the columns are named, and which of them a file may
// leave out. Restricted is not one of these: a list without it would show where
// people are who must not be found.
var sheetColumns = columns{
	colNHSNumber:   {name: FieldNHSNumber},
	colFamily:      {name: FieldFamily},
	colGiven:       {name: FieldGiven},
	colDateOfBirth: {name: FieldDateOfBirth, day: true},
	colKind:        {name: FieldKind},
	colStart:       {name: FieldStart, day: true},
	colEnd:         {name: FieldEnd, optional: true, day: true},
	colExpected:    {name: FieldExpected, optional: true, day: true},
	colBasis:       {name: FieldBasis, optional: true},
	colReference:   {name: FieldReference, optional: true},
	colRestricted:  {name: FieldRestricted},
}

// Template returns an empty CSV file: the header, with a mark by which spreadsheets
// know that it is UTF-8.
func Template() string {
	return string(markUTF8) + strings.ReplaceAll(sheetColumns.names(), ", ", ",") + "\r\n"
}

// readSheet reads a CSV file with the columns of the template.
func readSheet(ctx context.Context, sources []Source, fn func(*Row) error) (Summary, error) {
	if len(sources) != 1 {
		return Summary{}, broken("", 0, "is not one file: a CSV upload has exactly one")
	}
	at := &watched{at: sources[0].At, size: sources[0].Size}
	if HoldsTables([]Source{{Size: sources[0].Size, At: at}}) {
		return Summary{}, broken("", 0, sheetTables)
	}
	file := func() io.Reader { return io.NewSectionReader(at, 0, sources[0].Size) }
	var order dayOrder
	if err := order.learnFrom(ctx, file(), sheetColumns); err != nil {
		return Summary{}, at.cause(err)
	}
	t, err := newTable("", file(), sheetColumns, true, order)
	if err != nil {
		return Summary{}, at.cause(err)
	}
	sum := Summary{Absent: absent(t)}
	row := Row{Absent: sum.Absent}
	for {
		err := t.next(ctx)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return sum, at.cause(err)
		}
		if sum.Rows == MaxRows {
			return sum, broken("", t.line, tooManyRows)
		}
		row.reset("", t.line)
		readRow(&row, t)
		sum.Rows++
		if err := fn(&row); err != nil {
			return sum, err
		}
	}
	if sum.Rows == 0 {
		return sum, broken("", t.records.line, "no rows below the header")
	}
	return sum, nil
}

// sheetTables says that a file is of the other format.
const sheetTables = "is an archive with tables of the Standard Safeguarding Dataset: upload it in the format ssd"

// tooManyRows says that a file is too long.
var tooManyRows = fmt.Sprintf("is beyond the %d plans that a file may hold", MaxRows)

// absent returns the fields that a file has no column for.
func absent(t *table) []string {
	var fields []string
	for c := range sheetColumns {
		if !t.has(c) {
			fields = append(fields, sheetColumns[c].name)
		}
	}
	return fields
}

// readRow reads one row.
func readRow(row *Row, t *table) {
	if problem := t.misfit(); problem != "" {
		row.wrong(FieldRow, problem, "")
		return
	}
	var problem string
	row.NHSNumber, problem = parseNumber(t.texts[colNHSNumber])
	row.wrong(FieldNHSNumber, problem, exampleNumber)
	row.Family = oneLine(t.texts[colFamily])
	row.Given = oneLine(t.texts[colGiven])
	day := func(field string, c int, example string) string {
		d, problem := parseDay(t.texts[c], t.order)
		row.wrong(field, problem, example)
		return d.String()
	}
	row.DateOfBirth = day(FieldDateOfBirth, colDateOfBirth, exampleBorn)
	row.Kind = readKind(row, t.texts[colKind])
	row.Start = day(FieldStart, colStart, exampleDay)
	row.End = day(FieldEnd, colEnd, exampleDay)
	row.Expected = day(FieldExpected, colExpected, exampleDay)
	row.Basis = readBasis(row, t.texts[colBasis])
	row.Reference = oneLine(t.texts[colReference])
	var ok bool
	if row.Restricted, ok = parseYesNo(t.texts[colRestricted]); !ok {
		row.wrong(FieldRestricted, "must be yes or no", "yes")
	}
}

func readKind(row *Row, cell string) string {
	switch kind := strings.ToLower(text.Plain(cell)); kind {
	case kindCPP, kindLAC, kindUCPP:
		return kind
	}
	row.wrong(FieldKind, "must be cpp, lac or ucpp", exampleKind)
	return ""
}

func readBasis(row *Row, cell string) string {
	switch basis := strings.ToLower(text.Plain(cell)); basis {
	case "", basisS20, basisS31, basisS38:
		return basis
	}
	row.wrong(FieldBasis, "must be s20, s31 or s38; others are not in scope", exampleBasis)
	return ""
}

// parseYesNo reads the words that spreadsheets and people write. Nothing means
// no; but what cannot be read must not.
func parseYesNo(cell string) (yes, ok bool) {
	switch strings.ToLower(text.Plain(cell)) {
	case "", "no", "n", "false", "0":
		return false, true
	case "yes", "y", "true", "1":
		return true, true
	}
	return false, false
}
