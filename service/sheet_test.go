package service_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cpis/service"
)

const sheetHeader = "nhs_number,family_name,given_name,date_of_birth,kind,start,end,expected,legal_basis,reference,restricted\n"

// sheetRow is one row that is right, with some cells changed: "column=text".
func sheetRow(changes ...string) string {
	names := strings.Split(strings.TrimSpace(sheetHeader), ",")
	cells := strings.Split("9990000018,Example,Robin,2019-04-30,cpp,2026-09-01,,,,CASE-1042,no", ",")
	for _, c := range changes {
		name, text, _ := strings.Cut(c, "=")
		for i := range names {
			if names[i] == name {
				cells[i] = text
			}
		}
	}
	return strings.Join(cells, ",") + "\n"
}

func TestReadSheet_ReadsEveryWrittenForm(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, file string }{
		{"as the template has it", sheetHeader + sheetRow()},
		{"CRLF", strings.ReplaceAll(sheetHeader+sheetRow(), "\n", "\r\n")},
		{"mark of UTF-8", "\xef\xbb\xbf" + sheetHeader + sheetRow()},
		{"number with spaces", sheetHeader + sheetRow("nhs_number=999 000 0018")},
		{"number with hard spaces", sheetHeader + sheetRow("nhs_number=999\u00a0000\u00a00018")},
		{"number with hyphens", sheetHeader + sheetRow("nhs_number=999-000-0018")},
		{"dates as people write them", sheetHeader + sheetRow("date_of_birth=30/04/2019", "start=01/09/2026")},
		{"dates without zeros", sheetHeader + sheetRow("date_of_birth=30/4/2019", "start=1/9/2026")},
		{"kind in capitals", sheetHeader + sheetRow("kind=CPP")},
		{"white space around cells", sheetHeader + sheetRow("kind= cpp ", "given_name=\tRobin ", "restricted= No", "end=  ")},
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
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			rows, err := service.ReadSheet(strings.NewReader(tt.file), day(t, testToday))
			if err != nil {
				t.Fatalf("%v: %+v", err, violationsOf(t, err))
			}
			if len(rows) != 1 || len(rows[0].Wrong) > 0 {
				t.Fatalf("got %+v", rows)
			}
			r := rows[0]
			want := service.Details{Kind: service.CPP, Start: day(t, "2026-09-01"), Reference: "CASE-1042"}
			if r.Details != want || r.Restricted {
				t.Errorf("got %+v, want %+v", r.Details, want)
			}
			p := r.Person
			if p.NHSNumber.Reveal() != "9990000018" || p.Family != "Example" || p.Given != "Robin" || p.DateOfBirth != day(t, "2019-04-30") {
				t.Errorf("another person was read")
			}
		})
	}
}

func TestReadSheet_ReadsEveryColumn(t *testing.T) {
	t.Parallel()
	file := sheetHeader +
		sheetRow("kind=lac", "legal_basis=S31", "end=2026-10-01", "restricted=yes", "family_name=\"Exam\nple, \"\"B\"\"\"") +
		sheetRow("kind=ucpp", "date_of_birth=1998-04-30", "expected=01/02/2027", "reference=")
	rows, err := service.ReadSheet(strings.NewReader(file), day(t, testToday))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := rows[0].Person.Family, `Exam ple, "B"`; got != want {
		t.Errorf("family name: got %q, want %q", got, want)
	}
	want := service.Details{
		Kind: service.LAC, Basis: service.S31, Start: day(t, "2026-09-01"), End: day(t, "2026-10-01"), Reference: "CASE-1042",
	}
	if rows[0].Details != want || !rows[0].Restricted || rows[0].Line != 2 {
		t.Errorf("first row: got %+v, line %d", rows[0].Details, rows[0].Line)
	}
	want = service.Details{Kind: service.UCPP, Start: day(t, "2026-09-01"), Expected: day(t, "2027-02-01")}
	if rows[1].Details != want || rows[1].Line != 4 { // the first row holds a line break
		t.Errorf("second row: got %+v, line %d", rows[1].Details, rows[1].Line)
	}
}

func TestReadSheet_NamesWhatSpreadsheetsDid(t *testing.T) {
	t.Parallel()
	tests := []struct{ change, want string }{
		{"nhs_number=9.99E+09", "nhs_number: written like 1.2E+09"},
		{"nhs_number=9,99E+09", "row: cells"}, // the comma of other countries
		{`nhs_number="9,99E+09"`, "nhs_number: ten digits"},
		{"nhs_number=1E10", "nhs_number: written like 1.2E+09"},
		{"nhs_number=9.99000002e9", "nhs_number: written like 1.2E+09"},
		{`nhs_number="9,990,000,018"`, "nhs_number: thousands separators"},
		{`nhs_number="9,990,000,018.00"`, "nhs_number: thousands separators"},
		{"nhs_number=9990000018.0", "nhs_number: decimals"},
		{"nhs_number='9990000018", "nhs_number: apostrophe"},
		{`nhs_number="=""9990000018"""`, "nhs_number: equals sign"},
		{"nhs_number=120000005", "nhs_number: nine digits"},
		{"nhs_number=########", "nhs_number: too narrow"},
		{"nhs_number=", "nhs_number: ten digits"},
		{"nhs_number=9990000019", "nhs_number: check digit"},
		{"start=46266", "start: counts days"},
		{"start=01/09/26", "start: four digits"},
		{"start=09/22/2026", "start: the day comes first"},
		{"start=2026-09-01 00:00:00", "start: time of day"},
		{"start=01/09/2026 00:00", "start: time of day"},
		{"start=########", "start: too narrow"},
		{"start=31/09/2026", "start: calendar"},
		{"start=2026-09-31", "start: calendar"},
		{"start=1 Sep 2026", "start: of the form"},
		{"start=2026", "start: of the form"},
		{"end=46266", "end: counts days"},
		{"restricted=maybe", "restricted: yes or no"},
		{"restricted=ye", "restricted: yes or no"},
		{"kind=child protection", "kind: cpp, lac or ucpp"},
		{"legal_basis=s20", "legal_basis: looked-after children only"},
	}
	for _, tt := range tests {
		t.Run(tt.change, func(t *testing.T) {
			t.Parallel()
			file := sheetHeader + sheetRow(tt.change) + sheetRow()
			rows, err := service.ReadSheet(strings.NewReader(file), day(t, testToday))
			if err != nil {
				t.Fatal(err)
			}
			field, problem, _ := strings.Cut(tt.want, ": ")
			v := rows[0].Wrong
			if len(v) != 1 || v[0].Field != field || !strings.Contains(v[0].Problem, problem) {
				t.Errorf("got %+v, want only %q", v, tt.want)
			}
			if len(rows[1].Wrong) > 0 {
				t.Errorf("the next row is wrong too: %+v", rows[1].Wrong)
			}
		})
	}
}

func TestReadSheet_RefusesBrokenFiles(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, file string
		want       []string // field: part of the problem
	}{
		{"empty", "", []string{"file: line 1: is empty"}},
		{"only the mark of UTF-8", "\xef\xbb\xbf", []string{"file: line 1: is empty"}},
		{"only empty lines", "\n\n,,\n", []string{"file: line 1: is empty"}},
		{"no rows", sheetHeader, []string{"file: line 2: no rows"}},
		{"only empty rows", sheetHeader + ",,,,,,,,,,\n", []string{"file: line 3: no rows"}},
		{"no header", sheetRow(), []string{"file: line 1: does not name the columns"}},
		{"semicolons", strings.ReplaceAll(sheetHeader+sheetRow(), ",", ";"), []string{"file: line 1: is not separated by commas"}},
		{"tabs", strings.ReplaceAll(sheetHeader+sheetRow(), ",", "\t"), []string{"file: line 1: is not separated by commas"}},
		{
			"columns missing", "nhs_number,family_name,given_name,kind,start\n9990000018,Example,Robin,cpp,2026-09-01\n",
			[]string{"date_of_birth: is missing", "restricted: is missing"},
		},
		{
			"a column unknown", strings.Replace(sheetHeader, "reference", "Robin", 1) + sheetRow(),
			[]string{"file: column 10 of the header"},
		},
		{
			"a column twice", strings.Replace(sheetHeader, "reference", "Start", 1) + sheetRow(),
			[]string{"start: is there twice"},
		},
		{
			"cut off in a row", sheetHeader + sheetRow() + "9990000026,Exam\n",
			[]string{"file: line 3: the last row has not as many cells"},
		},
		{
			"cut off in the last cell", sheetHeader + strings.TrimSuffix(sheetRow("restricted=ye"), "\n"),
			[]string{"file: line 2: has no line break at its end"},
		},
		{
			"cut off in a quoted text", sheetHeader + sheetRow() + "9990000026,\"Exam",
			[]string{"file: line 3: begins a quoted text"},
		},
		{"a workbook", "PK\x03\x04\x14\x00\x06\x00", []string{"file: line 1: holds bytes"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := service.ReadSheet(strings.NewReader(tt.file), day(t, testToday))
			v := violationsOf(t, err)
			if len(v) != len(tt.want) {
				t.Fatalf("got %+v, want %q", v, tt.want)
			}
			for i, want := range tt.want {
				field, problem, _ := strings.Cut(want, ": ")
				if v[i].Field != field || !strings.Contains(v[i].Problem, problem) {
					t.Errorf("got %+v, want %q", v[i], want)
				}
			}
			for _, secret := range []string{"Robin", "9990000018", "Exam\""} {
				if strings.Contains(fmt.Sprint(v), secret) {
					t.Errorf("the file is quoted: %+v", v)
				}
			}
		})
	}
}

// Wherever a file is cut, it is refused, but between two rows.
func TestReadSheet_RefusesEveryCutFile(t *testing.T) {
	t.Parallel()
	file := sheetHeader + sheetRow() + sheetRow("nhs_number=9990000026", "family_name=\"Exam\nple\"") + sheetRow("nhs_number=9990000034")
	wholeRows := 0
	for i := range file {
		rows, err := service.ReadSheet(strings.NewReader(file[:i]), day(t, testToday))
		if err != nil {
			violationsOf(t, err)
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

func TestReadSheet_RefusesTooManyRows(t *testing.T) {
	t.Parallel()
	rows := bytes.Repeat([]byte(sheetRow()), service.MaxRows)
	if _, err := service.ReadSheet(strings.NewReader(sheetHeader+string(rows)), day(t, testToday)); err != nil {
		t.Fatalf("%d rows: %v", service.MaxRows, err)
	}
	_, err := service.ReadSheet(strings.NewReader(sheetHeader+string(rows)+sheetRow()), day(t, testToday))
	if v := violationsOf(t, err); len(v) != 1 || !strings.Contains(v[0].Problem, "200000 rows") {
		t.Errorf("got %+v", v)
	}
}

var update = flag.Bool("update", false, "write the golden files of testdata anew")

// The files in testdata are what programs really write; beside each
// stands what is wrong with it.
func TestReadSheet_FilesOfPrograms(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/uploads/*.csv")
	if err != nil || len(files) == 0 {
		t.Fatalf("files: %v, %v", files, err)
	}
	for _, name := range files {
		t.Run(filepath.Base(name), func(t *testing.T) {
			t.Parallel()
			golden, got := strings.TrimSuffix(name, ".csv")+".want", verdicts(t, name)
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// verdicts gives a line for each row of a file, or for what is wrong with it.
func verdicts(tb testing.TB, name string) string {
	tb.Helper()
	file, err := os.Open(name)
	if err != nil {
		tb.Fatal(err)
	}
	defer file.Close()
	var b strings.Builder
	write := func(line int, v []service.Violation) {
		if len(v) == 0 {
			fmt.Fprintf(&b, "%d: right\n", line)
		}
		for _, one := range v {
			fmt.Fprintf(&b, "%d: %s %s\n", line, one.Field, one.Problem)
		}
	}
	rows, err := service.ReadSheet(file, day(tb, testToday))
	if invalid, ok := errors.AsType[*service.InvalidError](err); ok {
		write(0, invalid.Violations)
	} else if err != nil {
		tb.Fatal(err)
	}
	for _, r := range rows {
		write(r.Line, r.Wrong)
	}
	return b.String()
}

// FuzzReadSheet: a file is refused with reasons or every row of it is right or
// wrong with reasons.
func FuzzReadSheet(f *testing.F) {
	f.Add([]byte(sheetHeader + sheetRow()))
	f.Add([]byte(sheetHeader + sheetRow("nhs_number=9.99E+09", "start=46266")))
	f.Add([]byte("\xef\xbb\xbf" + strings.ReplaceAll(sheetHeader+sheetRow("family_name=\"a\r\nb\""), "\n", "\r\n")))
	today, err := service.ParseDate(testToday)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		rows, err := service.ReadSheet(bytes.NewReader(file), today)
		if err != nil {
			if len(violationsOf(t, err)) == 0 {
				t.Fatal("refused without a reason")
			}
			return
		}
		for _, r := range rows {
			if len(r.Wrong) == 0 && (r.Person.NHSNumber.IsZero() || r.Details.Start.IsZero() || r.Person.Family == "") {
				t.Fatalf("a row without its parts is right: line %d", r.Line)
			}
			if len(r.Wrong) > 0 && !r.Person.NHSNumber.IsZero() {
				t.Fatalf("a wrong row is kept: line %d", r.Line)
			}
		}
	})
}

// manyRows writes n right rows about different people; what differs in start
// makes other people.
func manyRows(n, start int) []byte {
	var b bytes.Buffer
	b.WriteString(sheetHeader)
	for i := range n {
		b.WriteString(sheetRow("nhs_number="+numberAt(start+i), fmt.Sprintf("reference=CASE-%d", i)))
	}
	return b.Bytes()
}

// numberAt gives the i-th of the valid NHS numbers that are kept for tests.
func numberAt(i int) string {
	// One prefix in eleven has no check digit; the next one then has. Counting
	// in threes, no number comes twice.
	for prefix := 999_000_000 + 3*i; ; prefix++ {
		for check := range 10 {
			if n, _ := service.ParseNHSNumber(fmt.Sprintf("%09d%d", prefix, check)); !n.IsZero() {
				return n.Reveal()
			}
		}
	}
}

func BenchmarkReadSheet(b *testing.B) {
	file := manyRows(10_000, 0)
	today := day(b, testToday)
	b.SetBytes(int64(len(file)))
	b.ReportAllocs()
	for b.Loop() {
		rows, err := service.ReadSheet(bytes.NewReader(file), today)
		if err != nil || len(rows) != 10_000 {
			b.Fatalf("%d rows, %v", len(rows), err)
		}
	}
}

// The document names every column, its example is right, and the template has
// the header of the example.
func TestUploadFormat_IsAsDocumented(t *testing.T) {
	t.Parallel()
	document, err := os.ReadFile("../docs/upload-format.md")
	if err != nil {
		t.Fatal(err)
	}
	template, err := os.ReadFile("../docs/upload-template.csv")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(document), "```csv\n")
	example, _, found := strings.Cut(rest, "```")
	if !found || !strings.HasPrefix(example, sheetHeader) {
		t.Fatal("there is no example")
	}
	if got := strings.Trim(string(template), "\ufeff\r\n") + "\n"; got != sheetHeader {
		t.Errorf("the template has the header %q", got)
	}
	for name := range strings.SplitSeq(strings.TrimSpace(sheetHeader), ",") {
		if !strings.Contains(string(document), "\n| `"+name+"` |") {
			t.Errorf("the column %s is not described", name)
		}
	}
	rows, err := service.ReadSheet(strings.NewReader(example), day(t, testToday))
	if err != nil || len(rows) != 4 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	for _, r := range rows {
		if len(r.Wrong) > 0 {
			t.Errorf("line %d: %+v", r.Line, r.Wrong)
		}
	}
}

// What is kept of a row is as long as what is written there, not as the record.
func TestReadSheet_KeepsNoRecords(t *testing.T) {
	var file bytes.Buffer
	file.WriteString(sheetHeader)
	const rows = 1000
	for i := range rows {
		file.WriteString(sheetRow("nhs_number="+numberAt(i), "given_name=Robin"+strings.Repeat(" ", 15<<10)))
	}
	before := heapInUse()
	got, err := service.ReadSheet(bytes.NewReader(file.Bytes()), day(t, "2026-11-23"))
	if err != nil || len(got) != rows {
		t.Fatalf("%d rows, %v", len(got), err)
	}
	if kept := heapInUse() - before; kept > rows<<10 {
		t.Errorf("%d bytes are kept of each row", kept/rows)
	}
	runtime.KeepAlive(got)
	runtime.KeepAlive(file)
}

// heapInUse is how much memory is in use.
func heapInUse() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
