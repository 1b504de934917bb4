package planfile

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
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
	colDateOfBirth: {name: FieldDateOfBirth},
	colKind:        {name: FieldKind},
	colStart:       {name: FieldStart},
	colEnd:         {name: FieldEnd, optional: true},
	colExpected:    {name: FieldExpected, optional: true},
	colBasis:       {name: FieldBasis, optional: true},
	colReference:   {name: FieldReference, optional: true},
	colRestricted:  {name: FieldRestricted},
}

// readSheet reads a CSV file with the columns of the template.
func readSheet(ctx context.Context, sources []Source, fn func(*Row) error) (Summary, error) {
	if len(sources) != 1 {
		return Summary{}, broken("", 0, "is not one file: a CSV upload has exactly one")
	}
	at := &watched{at: sources[0].At, size: sources[0].Size}
	t, err := newTable("", io.NewSectionReader(at, 0, sources[0].Size), sheetColumns, true)
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

// tooManyRows says that a file is too long.
var tooManyRows = fmt.Sprintf("is beyond the %d plans that a file may hold", MaxRows)

// absent gives the fields that a file has no column for.
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
	row.DateOfBirth = readDay(row, FieldDateOfBirth, t.texts[colDateOfBirth], exampleBorn)
	row.Kind = readKind(row, t.texts[colKind])
	row.Start = readDay(row, FieldStart, t.texts[colStart], exampleDay)
	row.End = readDay(row, FieldEnd, t.texts[colEnd], exampleDay)
	row.Expected = readDay(row, FieldExpected, t.texts[colExpected], exampleDay)
	row.Basis = readBasis(row, t.texts[colBasis])
	row.Reference = oneLine(t.texts[colReference])
	var ok bool
	if row.Restricted, ok = parseYesNo(t.texts[colRestricted]); !ok {
		row.wrong(FieldRestricted, "must be yes or no", "yes")
	}
}

func readDay(row *Row, field, text, example string) string {
	d, problem := parseDay(text)
	row.wrong(field, problem, example)
	return d.String()
}

func readKind(row *Row, text string) string {
	switch kind := strings.ToLower(text); kind {
	case kindCPP, kindLAC, kindUCPP:
		return kind
	}
	row.wrong(FieldKind, "must be cpp, lac or ucpp", exampleKind)
	return ""
}

func readBasis(row *Row, text string) string {
	switch basis := strings.ToLower(text); basis {
	case "", basisS20, basisS31, basisS38:
		return basis
	}
	row.wrong(FieldBasis, "must be s20, s31 or s38; others are not in scope", exampleBasis)
	return ""
}

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
