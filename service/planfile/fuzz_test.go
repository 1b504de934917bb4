package planfile_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cpis/service/planfile"
)

// FuzzReadCSV: a file is refused with a reason, or every row of it is right or
// wrong with reasons.
func FuzzReadCSV(f *testing.F) {
	f.Add([]byte(sheetHeader + sheetRow()))
	f.Add([]byte(sheetHeader + sheetRow("nhs_number=9.99E+09", "start=46266")))
	f.Add([]byte(sheetHeader + sheetRow("family_name=O\x92Neill")))
	f.Add([]byte("\xef\xbb\xbf" + strings.ReplaceAll(sheetHeader+sheetRow("family_name=\"a\r\nb\""), "\n", "\r\n")))
	f.Add([]byte("kind" + strings.Repeat(",", 63) + "\n"))
	f.Add([]byte(sheetHeader + "too,few,caf\xc3\xa9,\x81\xe9\n" + sheetRow()))
	addFiles(f, "testdata/csv/*.csv")
	addFiles(f, "testdata/cases/*.csv")
	f.Fuzz(func(t *testing.T, file []byte) {
		check(t, planfile.CSV, source("plans.csv", string(file)))
	})
}

// FuzzReadSSD: the same of the tables of the dataset, in an archive or as
// files, of which one is what is tried.
func FuzzReadSSD(f *testing.F) {
	for i, table := range tableNames {
		f.Add(byte(i), []byte(smallDataset()[table]))
	}
	f.Add(byte(3), []byte(strings.Replace(smallDataset()["ssd_cla_episodes"], ",,,k1", `,2026-11-20,"""Episode ceases, and new episode begins",k1`, 1)))
	f.Add(byte(4), []byte(strings.Replace(smallDataset()["ssd_legal_status"], "C2", "Care Order Sec.31(a) & Placement Order (Sec. 21)", 1)))
	f.Add(byte(len(tableNames)), zipped(f, smallDataset()))
	f.Add(byte(len(tableNames)), zippedWith(f, "../x.zip", "PK"))
	f.Fuzz(func(t *testing.T, which byte, file []byte) {
		if int(which) >= len(tableNames) {
			check(t, planfile.SSD, archive(file))
			return
		}
		d := smallDataset()
		d[tableNames[which]] = string(file)
		check(t, planfile.SSD, d.sources()...)
	})
}

func addFiles(f *testing.F, pattern string) {
	f.Helper()
	names, err := filepath.Glob(pattern)
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range names {
		content, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(content)
	}
}

// checkRowLines checks that each row is one of the lines that a result is made of.
func checkRowLines(t *testing.T, rows []planfile.Row, format planfile.Format, sources ...planfile.Source) {
	t.Helper()
	there := map[string]bool{}
	err := planfile.Lines(t.Context(), format, sources, func(l *planfile.Line) error {
		there[fmt.Sprint(l.File, l.Line)] = !l.Header
		return nil
	})
	if err != nil {
		t.Fatalf("a file that was read has no lines: %v", err)
	}
	for i := range rows {
		if !there[fmt.Sprint(rows[i].File, rows[i].Line)] {
			t.Fatalf("%s is no line of the file", short(&rows[i]))
		}
	}
}

// check reads files twice, and checks what holds of whatever was sent.
func check(t *testing.T, format planfile.Format, sources ...planfile.Source) {
	t.Helper()
	rows, sum, err := read(t, format, sources...)
	if err == nil {
		checkRowLines(t, rows, format, sources...)
	}
	again, sumAgain, errAgain := read(t, format, sources...)
	if diff := cmp.Diff(rows, again); diff != "" {
		t.Fatalf("read again, it says something else (-first +again):\n%s", diff)
	}
	if diff := cmp.Diff(sum, sumAgain); diff != "" {
		t.Fatalf("read again, it says something else (-first +again):\n%s", diff)
	}
	if err != nil {
		if errAgain == nil || err.Error() != errAgain.Error() {
			t.Fatalf("got %v, and again %v", err, errAgain)
		}
		checkText(t, broken(t, err).Problem)
	}
	if len(rows) > planfile.MaxRows {
		t.Fatalf("%d rows were given", len(rows))
	}
	for i := range rows {
		checkRow(t, &rows[i])
		for _, p := range rows[i].Problems {
			checkText(t, p.Problem)
		}
	}
}

// checkText checks that a text is one of ours: what anybody sends looks
// otherwise soon.
func checkText(t *testing.T, text string) {
	t.Helper()
	foreign := func(r rune) bool { return (r < ' ' || r > '~') && r != '“' && r != '”' }
	if len(text) > 700 || strings.ContainsFunc(text, foreign) {
		t.Fatalf("not a text of ours: %q", text)
	}
}

// checkRow checks the form of what was read.
func checkRow(t *testing.T, r *planfile.Row) {
	t.Helper()
	if r.Line < 1 {
		t.Fatalf("a row on line %d", r.Line)
	}
	if r.NHSNumber != "" && (len(r.NHSNumber) != 10 || strings.Trim(r.NHSNumber, "0123456789") != "") {
		t.Fatal("a number that is not ten digits")
	}
	for _, day := range []string{r.DateOfBirth, r.Start, r.End, r.Expected} {
		if day != "" && (len(day) != 10 || day[4] != '-' || day[7] != '-') {
			t.Fatal("a day that is not YYYY-MM-DD")
		}
	}
	for _, text := range []string{r.Family, r.Given, r.Reference} {
		if text != strings.Join(strings.Fields(text), " ") {
			t.Fatal("a text with white space around or twice")
		}
	}
	if len(r.Problems) > 0 {
		checkProblems(t, r)
		return
	}
	if r.NHSNumber == "" || r.Kind == "" {
		t.Fatal("a row without its parts is right")
	}
	if r.Kind == "lac" && r.File != "" && r.Basis == "" {
		t.Fatal("a looked-after child of the dataset without a legal basis is right")
	}
}

func checkProblems(t *testing.T, r *planfile.Row) {
	t.Helper()
	for _, p := range r.Problems {
		if p.Field == "" || p.Problem == "" || (p.Code != planfile.CodeNumber && p.Code != planfile.CodeOther) {
			t.Fatalf("a problem that says nothing: %+v", p)
		}
	}
	if r.NHSNumber == "" || r.Problems[0].Field != planfile.FieldNHSNumber {
		return
	}
	t.Fatal("a number is wrong and given")
}

// A file that is refused is never quoted, wherever in it a text stands.
func TestRead_QuotesNothing(t *testing.T) {
	t.Parallel()
	const secret = "Zaphod"
	sheet := sheetHeader + sheetRow() + sheetRow()
	for i := range sheet {
		content := sheet[:i] + secret + sheet[i:]
		checkSecret(t, secret, planfile.CSV, source(secret, content))
	}
	for _, table := range tableNames {
		whole := smallDataset()[table]
		for i := range whole {
			d := smallDataset()
			d[table] = whole[:i] + secret + whole[i:]
			checkSecret(t, secret, planfile.SSD, append(d.sources(), source(secret, secret))...)
		}
	}
	_, _, err := read(t, planfile.SSD, archive(zippedWith(t, "../"+secret+"/ssd_person.csv", secret)))
	if e, ok := errors.AsType[*planfile.Error](err); !ok || strings.Contains(e.Error(), secret) {
		t.Errorf("got %v", err)
	}
}

func checkSecret(t *testing.T, secret string, f planfile.Format, sources ...planfile.Source) {
	t.Helper()
	rows, sum, err := read(t, f, sources...)
	if err != nil && strings.Contains(broken(t, err).Error(), secret) {
		t.Fatalf("the file is quoted: %v", err)
	}
	for _, n := range sum.Notes {
		if strings.Contains(n.Text, secret) {
			t.Fatalf("the file is quoted: %v", n)
		}
	}
	for i := range rows {
		for _, p := range rows[i].Problems {
			if strings.Contains(p.Problem+p.Example+p.Field, secret) {
				t.Fatalf("the file is quoted: %+v", p)
			}
		}
	}
}
