package planfile_test

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cpis/service/planfile"
)

const sheetHeader = "nhs_number,family_name,given_name,date_of_birth,kind,start,end,expected,legal_basis,reference,restricted\n"

// sheetRow is one row that is right, with some cells changed: "column=text".
func sheetRow(changes ...string) string {
	names := strings.Split(strings.TrimSpace(sheetHeader), ",")
	cells := strings.Split("9990000018,Example,Robin,2019-04-30,cpp,2026-09-01,,,,CASE-1042,no", ",")
	for _, c := range changes {
		name, text, _ := strings.Cut(c, "=")
		i := slices.Index(names, name)
		cells[i] = text
	}
	return strings.Join(cells, ",") + "\n"
}

func TestReadCSV_ReadsEveryWrittenForm(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, file string }{
		{"as the template has it", sheetHeader + sheetRow()},
		{"CRLF", strings.ReplaceAll(sheetHeader+sheetRow(), "\n", "\r\n")},
		{"mark of UTF-8", "\xef\xbb\xbf" + sheetHeader + sheetRow()},
		{"number with spaces", sheetHeader + sheetRow("nhs_number=999 000 0018")},
		{"number with hard spaces", sheetHeader + sheetRow("nhs_number=999\u00a0000\u00a00018")},
		{"number with hard spaces in Windows-1252", sheetHeader + sheetRow("nhs_number=999\xa0000\xa00018")},
		{"number with hyphens", sheetHeader + sheetRow("nhs_number=999-000-0018")},
		{"dates as people write them", sheetHeader + sheetRow("date_of_birth=30/04/2019", "start=01/09/2026")},
		{"dates without zeros", sheetHeader + sheetRow("date_of_birth=30/4/2019", "start=1/9/2026")},
		{"dates with short months", sheetHeader + sheetRow("date_of_birth=30-Apr-2019", "start=01-SEP-2026")},
		{"dates with months in words", sheetHeader + sheetRow("date_of_birth=30 April 2019", "start=1 Sep 2026")},
		{"dates with other hyphens", sheetHeader + sheetRow("date_of_birth=2019\u201104\u201130", "start=2026\u201309\u201301")},
		{"number with thin spaces and joiners", sheetHeader + sheetRow("nhs_number=\ufeff999\u2009\u200d000\u202f0018")},
		{"number with other hyphens", sheetHeader + sheetRow("nhs_number=999\u2011000\u20130018")},
		{"hidden characters", sheetHeader + sheetRow("given_name=Rob\u200bin", "kind=c\u00adpp", "restricted=\u2060no")},
		{"rows of spaces", sheetHeader + " , ,\u00a0,\u200b,\t,,,,,, \n" + sheetRow() + " \n"},
		{"header with hard spaces", "NHS\u00a0Number,Family\u2011name,given  name\u200b,DATE_OF_BIRTH,Kind,Start,End,Expected,Legal\u2009Basis,Reference,Restricted\n" + sheetRow()},
		{"empty columns without a name", strings.ReplaceAll(sheetHeader+sheetRow(), "\n", ", ,\n")},
		{"kind in capitals", sheetHeader + sheetRow("kind=CPP")},
		{"white space around cells", sheetHeader + sheetRow("kind= cpp ", "given_name=\tRobin ", "restricted= No", "end=  ")},
		{"hard white space around cells", sheetHeader + sheetRow("kind=\u00a0cpp\u00a0", "reference=CASE-1042 \u00a0 ")},
		{"restricted empty", sheetHeader + sheetRow("restricted=")},
		{"restricted as a truth value", sheetHeader + sheetRow("restricted=FALSE")},
		{"quoted cells", sheetHeader + sheetRow(`family_name="Example"`, `reference="CASE-1042"`)},
		{"empty rows between and after", sheetHeader + "\n,,,,,,,,,,\n" + sheetRow() + "\r\n,,,,,,,,,,\n\n"},
		{"header as people write it", "NHS Number,Family-Name, Given name ,DATE_OF_BIRTH,Kind,Start,End,Expected,Legal Basis,Reference,Restricted\n" + sheetRow()},
		{
			"columns in another order, and none that may be left out",
			"restricted,start,kind,date_of_birth,given_name,family_name,nhs_number,reference\n" +
				"no,2026-09-01,cpp,2019-04-30,Robin,Example,9990000018,CASE-1042\n",
		},
	}
	want := planfile.Row{
		NHSNumber: "9990000018", Family: "Example", Given: "Robin", DateOfBirth: "2019-04-30",
		Kind: "cpp", Start: "2026-09-01", Reference: "CASE-1042",
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			rows, err := readCSV(t, tt.file)
			if err != nil {
				t.Fatal(err)
			}
			if len(rows) != 1 {
				t.Fatalf("got %d rows", len(rows))
			}
			got := rows[0]
			got.Line, got.Absent = 0, nil
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestReadCSV_ReadsEveryColumn(t *testing.T) {
	t.Parallel()
	file := sheetHeader +
		sheetRow("kind=lac", "legal_basis=S31", "end=2026-10-01", "restricted=yes", "family_name=\"Exam\nple, \"\"B\"\"\"") +
		sheetRow("kind=ucpp", "date_of_birth=1998-04-30", "expected=01/02/2027", "reference=")
	rows, err := readCSV(t, file)
	if err != nil {
		t.Fatal(err)
	}
	want := []planfile.Row{
		{
			Line: 2, NHSNumber: "9990000018", Family: `Exam ple, "B"`, Given: "Robin", DateOfBirth: "2019-04-30",
			Kind: "lac", Start: "2026-09-01", End: "2026-10-01", Basis: "s31", Reference: "CASE-1042", Restricted: true,
		},
		{ // the first row holds a line break
			Line: 4, NHSNumber: "9990000018", Family: "Example", Given: "Robin", DateOfBirth: "1998-04-30",
			Kind: "ucpp", Start: "2026-09-01", Expected: "2027-02-01",
		},
	}
	if diff := cmp.Diff(want, rows); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Names in the characters of Windows are read as they are, and so is what is
// valid in both.
func TestReadCSV_ReadsWindowsNames(t *testing.T) {
	t.Parallel()
	rows, err := readCSV(t, sheetHeader+
		sheetRow("family_name=Example")+
		sheetRow("family_name=O\x92Neill", "given_name=Zo\xeb")+
		sheetRow("family_name=\x8akoda-Fran\xe7ois", "given_name=Ren\xe9e")+
		sheetRow("family_name=B\x9ch", "given_name=\xc9lodie"))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range rows {
		got = append(got, r.Family+", "+r.Given)
	}
	want := []string{"Example, Robin", "O’Neill, Zoë", "Škoda-François, Renée", "Bœh, Élodie"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// A column that a file lacks is not one that is empty.
func TestReadCSV_TellsAbsentColumnsFromEmptyCells(t *testing.T) {
	t.Parallel()
	required := "nhs_number,family_name,given_name,date_of_birth,kind,start,restricted"
	cells := "9990000018,Example,Robin,2019-04-30,cpp,2026-09-01,no"
	optional := []string{planfile.FieldEnd, planfile.FieldExpected, planfile.FieldBasis, planfile.FieldReference}
	for _, column := range optional {
		rows, sum, err := read(t, planfile.CSV, source("", required+","+column+"\n"+cells+",\n"))
		if err != nil {
			t.Fatal(err)
		}
		for _, other := range optional {
			if got, want := rows[0].Has(other), other == column; got != want {
				t.Errorf("with %s: Has(%s) is %t", column, other, got)
			}
		}
		if !rows[0].Has(planfile.FieldStart) || !rows[0].Has(planfile.FieldRestricted) {
			t.Errorf("with %s: required columns are absent", column)
		}
		if diff := cmp.Diff(rows[0].Absent, sum.Absent); diff != "" || len(sum.Absent) != 3 {
			t.Errorf("summary: %v, row: %v", sum.Absent, rows[0].Absent)
		}
	}
}

func TestReadCSV_NamesWhatSpreadsheetsDid(t *testing.T) {
	t.Parallel()
	tests := []struct{ change, want string }{
		{"nhs_number=9.99E+09", "nhs_number: was written like 1.2E+09"},
		{"nhs_number=9,99E+09", "row: has 12 cells"}, // the comma of other countries
		{`nhs_number="9,99E+09"`, "nhs_number: was written like 1.2E+09"},
		{"nhs_number=1E10", "nhs_number: was written like 1.2E+09"},
		{"nhs_number=9.99000002e9", "nhs_number: was written like 1.2E+09"},
		{`nhs_number="9,990,000,018"`, "nhs_number: has thousands separators"},
		{`nhs_number="9,990,000,018.00"`, "nhs_number: has thousands separators"},
		{"nhs_number=9990000018.0", "nhs_number: has decimals"},
		{"nhs_number='9990000018", "nhs_number: begins with an apostrophe"},
		{`nhs_number="=""9990000018"""`, "nhs_number: begins with an apostrophe or an equals sign"},
		{"nhs_number=120000005", "nhs_number: has nine digits"},
		{"nhs_number=########", "nhs_number: shows ###"},
		{"nhs_number=", "nhs_number: must be ten digits"},
		{"nhs_number=999 000-0018", "nhs_number: must be ten digits"},
		{"nhs_number=٩٩٩٠٠٠٠٠١٨", "nhs_number: must be ten digits"},
		{"start=46266", "start: is the number by which a spreadsheet counts days"},
		{"start=01/09/26", "start: must have a year of four digits"},
		{"start=09/22/2026", "start: has no such month: the day comes first"},
		{"start=2026-09-01 00:00:00", "start: has a time of day"},
		{"start=01/09/2026 00:00", "start: has a time of day"},
		{"start=########", "start: shows ###"},
		{"start=31/09/2026", "start: is a day that the calendar does not have"},
		{"start=2026-09-31", "start: is a day that the calendar does not have"},
		{"start=0000-01-01", "start: is a day that the calendar does not have"},
		{"start=01-Sep-26", "start: must have a year of four digits"},
		{"start=2026/09/01", "start: has its year first, which needs hyphens"},
		{"start=20260901", "start: has nothing between year, month and day"},
		{"start=01.09.2026", "start: has dots or hyphens where slashes must be"},
		{"start=01-09-2026", "start: has dots or hyphens where slashes must be"},
		{"start=00:00.0", "start: is a time of day without a date, because the spreadsheet lost the date"},
		{"start=0:00:00", "start: is a time of day without a date, because the spreadsheet lost the date"},
		{"start=00/01/1900", "start: is the day that a spreadsheet shows for an empty cell"},
		{"start=\u200e2026-09-01", "start: holds marks that cannot be seen"},
		{"nhs_number=\u202a9990000018\u202c", "nhs_number: holds marks that cannot be seen"},
		{"start=Sep 1, 2026", "row: has 12 cells"},
		{"start=2026", "start: must be a date of the form"},
		{"end=46266", "end: is the number by which"},
		{"expected=soon", "expected: must be a date"},
		{"date_of_birth=30/04/19", "date_of_birth: must have a year of four digits"},
		{"restricted=maybe", "restricted: must be yes or no"},
		{"restricted=ye", "restricted: must be yes or no"},
		{"kind=child protection", "kind: must be cpp, lac or ucpp"},
		{"kind=", "kind: must be cpp, lac or ucpp"},
		{"legal_basis=s17", "legal_basis: must be s20, s31 or s38"},
	}
	for _, tt := range tests {
		t.Run(tt.change, func(t *testing.T) {
			t.Parallel()
			rows, err := readCSV(t, sheetHeader+sheetRow(tt.change)+sheetRow())
			if err != nil {
				t.Fatal(err)
			}
			if got := onlyProblem(&rows[0]); !strings.HasPrefix(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			code := planfile.CodeOther
			if strings.HasPrefix(tt.want, "nhs_number") {
				code = planfile.CodeNumber
			}
			if got := rows[0].Problems[0].Code; got != code {
				t.Errorf("got code %s, want %s", got, code)
			}
			if len(rows[1].Problems) > 0 {
				t.Errorf("the next row is wrong too: %+v", rows[1].Problems)
			}
		})
	}
}

// What can be read of a wrong row is: whom it is about protects that person's
// plans.
func TestReadCSV_ReadsTheRestOfAWrongRow(t *testing.T) {
	t.Parallel()
	rows, err := readCSV(t, sheetHeader+sheetRow("start=46266", "kind=x")+sheetRow("nhs_number=1"))
	if err != nil {
		t.Fatal(err)
	}
	if r := rows[0]; r.NHSNumber != "9990000018" || r.Reference != "CASE-1042" || r.Start != "" || len(r.Problems) != 2 {
		t.Errorf("got %s", short(&r))
	}
	if r := rows[1]; r.NHSNumber != "" || r.Reference != "CASE-1042" || len(r.Problems) != 1 {
		t.Errorf("got %s", short(&r))
	}
}

// Whether the check digit fits is for the service to say.
func TestReadCSV_LeavesCheckDigitsAlone(t *testing.T) {
	t.Parallel()
	rows, err := readCSV(t, sheetHeader+sheetRow("nhs_number=9990000019"))
	if err != nil || len(rows[0].Problems) > 0 || rows[0].NHSNumber != "9990000019" {
		t.Errorf("got %v, %v", rows, err)
	}
}

func TestReadCSV_RefusesBrokenFiles(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, file, want string }{
		{"empty", "", "line 1: is empty"},
		{"only the mark of UTF-8", "\xef\xbb\xbf", "line 1: is empty"},
		{"only empty lines", "\n\n,,\n", "line 1: is empty"},
		{"no rows", sheetHeader, "line 2: no rows"},
		{"only empty rows", sheetHeader + ",,,,,,,,,,\n", "line 3: no rows"},
		{"no header", sheetRow(), "line 1: does not name the columns"},
		{"semicolons", strings.ReplaceAll(sheetHeader+sheetRow(), ",", ";"), "line 1: is separated by semicolons"},
		{"tabs", strings.ReplaceAll(sheetHeader+sheetRow(), ",", "\t"), "line 1: is separated by tabs"},
		{
			"columns missing", "nhs_number,family_name,given_name,kind,start\n9990000018,Example,Robin,cpp,2026-09-01\n",
			"line 1: the header lacks columns: date_of_birth, restricted",
		},
		{"a column unknown", strings.Replace(sheetHeader, "reference", "Robin", 1) + sheetRow(), "line 1: the header has columns that are not known, by their place: 10"},
		{"a column twice", strings.Replace(sheetHeader, "reference", "Start", 1) + sheetRow(), "line 1: the header has columns more than once: start"},
		{"cut off in a row", sheetHeader + sheetRow() + "9990000026,Exam\n", "line 3: the last row has fewer cells than the header: the file may have been cut off"},
		{
			"cut off in the last cell", sheetHeader + strings.TrimSuffix(sheetRow("restricted=ye"), "\n"),
			"line 2: has no line break at its end",
		},
		{"cut off in a quoted text", sheetHeader + sheetRow() + "9990000026,\"Exam", "line 3: begins a quoted text"},
		{"a workbook", "PK\x03\x04\x14\x00\x06\x00", "line 1: is a workbook"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := readCSV(t, tt.file)
			got := broken(t, err).Error()
			if !strings.HasPrefix(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			for _, secret := range []string{"Robin", "9990000018", "Exam"} {
				if strings.Contains(got, secret) {
					t.Errorf("the file is quoted: %q", got)
				}
			}
		})
	}
}

func TestReadCSV_TakesOneFile(t *testing.T) {
	t.Parallel()
	file := source("plans.csv", sheetHeader+sheetRow())
	for _, sources := range [][]planfile.Source{nil, {file, file}} {
		_, _, err := read(t, planfile.CSV, sources...)
		_ = broken(t, err)
	}
}

// Wherever a file is cut, it is refused, but between two rows.
func TestReadCSV_RefusesEveryCutFile(t *testing.T) {
	t.Parallel()
	file := sheetHeader + sheetRow() + sheetRow("nhs_number=9990000026", "family_name=\"Exam\nple\"") + sheetRow("nhs_number=9990000034")
	wholeRows := 0
	for i := range file {
		rows, err := readCSV(t, file[:i])
		if err != nil {
			_ = broken(t, err)
			continue
		}
		wholeRows++
		if !strings.HasSuffix(file[:i], "no\n") {
			t.Errorf("cut after %q: %d rows were read", file[:i], len(rows))
		}
	}
	if wholeRows != 2 {
		t.Errorf("%d cuts were accepted, want the 2 between rows", wholeRows)
	}
}

// endlessAt is a header and one byte for ever after it, 2 GiB of them.
type endlessAt struct {
	header string
	b      byte
	read   int64
}

func (e *endlessAt) ReadAt(p []byte, off int64) (int, error) {
	for i := range p {
		p[i] = e.b
	}
	if off < int64(len(e.header)) {
		copy(p, e.header[off:])
	}
	e.read = max(e.read, off+int64(len(p)))
	return len(p), nil
}

// A line of 2 GiB is refused without reading on.
func TestReadCSV_HoldsNoEndlessLine(t *testing.T) {
	t.Parallel()
	for _, header := range []string{"", sheetHeader, sheetHeader + sheetRow()} {
		for _, b := range []byte{'x', '"', ',', 0xff} {
			at := &endlessAt{header: header, b: b}
			_, _, err := read(t, planfile.CSV, planfile.Source{Size: 2 << 30, At: at})
			_ = broken(t, err)
			if at.read > int64(len(header))+(64<<10) {
				t.Errorf("%q without end: %d bytes were read", b, at.read)
			}
		}
	}
}

// repeated is a file of the same row as often as wanted.
type repeated struct{ header, row string }

func (r repeated) source(rows int) planfile.Source {
	return planfile.Source{Size: int64(len(r.header) + rows*len(r.row)), At: r}
}

// ReadAt returns a part of the file.
func (r repeated) ReadAt(p []byte, off int64) (int, error) {
	for n := 0; n < len(p); {
		from := r.header
		at := off + int64(n)
		if at >= int64(len(r.header)) {
			from = r.row
			at = (at - int64(len(r.header))) % int64(len(r.row))
		}
		n += copy(p[n:], from[at:])
	}
	return len(p), nil
}

func TestReadCSV_RefusesTooManyRows(t *testing.T) {
	t.Parallel()
	file := repeated{sheetHeader, sheetRow()}
	count := func(rows int) (n int, err error) {
		_, err = planfile.Read(t.Context(), planfile.CSV, today, []planfile.Source{file.source(rows)},
			func(*planfile.Row) error {
				n++
				return nil
			})
		return n, err
	}
	if n, err := count(planfile.MaxRows); n != planfile.MaxRows || err != nil {
		t.Errorf("%d rows were read: %v", n, err)
	}
	n, err := count(planfile.MaxRows + 1)
	if e := broken(t, err); n != planfile.MaxRows || e.Line != planfile.MaxRows+2 || !strings.Contains(e.Problem, "50000 plans") {
		t.Errorf("%d rows were read: %+v", n, e)
	}
}

// The files in testdata are what programs really write; beside each stands what
// is read of it.
func TestReadCSV_FilesOfPrograms(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/csv/*.csv")
	if err != nil || len(files) == 0 {
		t.Fatalf("files: %v, %v", files, err)
	}
	for _, name := range files {
		t.Run(filepath.Base(name), func(t *testing.T) {
			t.Parallel()
			content, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			golden(t, strings.TrimSuffix(name, ".csv")+".want", verdict(t, planfile.CSV, source(name, string(content))))
		})
	}
}

// What is kept of a row is as long as what is written there, not as the record.
func TestReadCSV_KeepsNoRecords(t *testing.T) {
	padded := repeated{sheetHeader, sheetRow("given_name=Robin"+strings.Repeat(" ", 7<<10), "family_name=Example"+strings.Repeat("\u00a0", 3<<10))}
	const rows = 1000
	before := heapInUse()
	got, _, err := read(t, planfile.CSV, padded.source(rows))
	if err != nil || len(got) != rows {
		t.Fatalf("%d rows, %v", len(got), err)
	}
	if kept := heapInUse() - before; kept > rows<<10 {
		t.Errorf("%d bytes are kept of each row", kept/rows)
	}
	runtime.KeepAlive(got)
}

// heapInUse is how much memory is in use.
func heapInUse() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

func BenchmarkReadCSV(b *testing.B) {
	const rows = 10_000
	file := repeated{sheetHeader, sheetRow("kind=lac", "legal_basis=s20", "date_of_birth=30/04/2019")}.source(rows)
	b.SetBytes(file.Size)
	b.ReportAllocs()
	for b.Loop() {
		sum, err := planfile.Read(b.Context(), planfile.CSV, today, []planfile.Source{file}, func(*planfile.Row) error { return nil })
		if err != nil || sum.Rows != rows {
			b.Fatalf("%d rows, %v", sum.Rows, err)
		}
	}
}

// The document names every column and table, its examples are right, and the
// template has the header of the first.
func TestUploadFormat_IsAsDocumented(t *testing.T) {
	t.Parallel()
	document, err := os.ReadFile("../../docs/upload-format.md")
	if err != nil {
		t.Fatal(err)
	}
	template, err := os.ReadFile("../../docs/upload-template.csv")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(document), "```csv\n")
	example, _, found := strings.Cut(rest, "```")
	if !found || !strings.HasPrefix(example, sheetHeader) {
		t.Fatal("there is no example")
	}
	if string(template) != planfile.Template() {
		t.Errorf("the template is %q, and the program's %q", template, planfile.Template())
	}
	if got := strings.Trim(string(template), "\ufeff\r\n") + "\n"; got != sheetHeader {
		t.Errorf("the template has the header %q", got)
	}
	for name := range strings.SplitSeq(strings.TrimSpace(sheetHeader), ",") {
		if !strings.Contains(string(document), "\n| `"+name+"` |") {
			t.Errorf("the column %s is not described", name)
		}
	}
	for _, table := range tableNames {
		if !strings.Contains(string(document), "\n| `"+table+"` |") {
			t.Errorf("the table %s is not described", table)
		}
	}
	if want := fmt.Sprintf("%d,000 plans", planfile.MaxRows/1000); !strings.Contains(string(document), want) {
		t.Errorf("the document does not speak of %s", want)
	}
	rows, err := readCSV(t, example)
	if err != nil || len(rows) != 4 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	for i := range rows {
		if len(rows[i].Problems) > 0 {
			t.Errorf("%s", short(&rows[i]))
		}
	}
}
