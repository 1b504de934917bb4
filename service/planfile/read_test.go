package planfile_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cpis/service/planfile"
)

var update = flag.Bool("update", false, "write the golden files of testdata anew")

// today is the day of all tests.
var today = time.Date(2026, time.November, 23, 0, 0, 0, 0, time.UTC)

// source returns a file.
func source(name, content string) planfile.Source {
	return planfile.Source{Name: name, Size: int64(len(content)), At: strings.NewReader(content)}
}

// read reads files and keeps their rows.
func read(tb testing.TB, f planfile.Format, sources ...planfile.Source) ([]planfile.Row, planfile.Summary, error) {
	tb.Helper()
	var rows []planfile.Row
	sum, err := planfile.Read(tb.Context(), f, today, sources, func(r *planfile.Row) error {
		rows = append(rows, *r)
		return nil
	})
	if err == nil && sum.Rows != len(rows) {
		tb.Errorf("%d rows were given, and %d counted", len(rows), sum.Rows)
	}
	return rows, sum, err
}

// readCSV reads a CSV file.
func readCSV(tb testing.TB, content string) ([]planfile.Row, error) {
	tb.Helper()
	rows, _, err := read(tb, planfile.CSV, source("plans.csv", content))
	return rows, err
}

// short writes a row on one line: what it says and what is wrong with it.
func short(r *planfile.Row) string {
	where := fmt.Sprintf("%d:", r.Line)
	if r.File != "" {
		where = fmt.Sprintf("%s %d:", r.File, r.Line)
	}
	cells := []string{
		r.NHSNumber, r.Family, r.Given, r.DateOfBirth, r.Kind, r.Start, r.End, r.Expected, r.Basis, r.Reference,
	}
	if r.Restricted {
		cells = append(cells, "restricted")
	}
	out := where + " " + strings.Join(cells, "|")
	for _, p := range r.Problems {
		out += fmt.Sprintf("\n\t%s %s: %s", p.Code, p.Field, p.Problem)
		if p.Example != "" {
			out += fmt.Sprintf(", as in %q", p.Example)
		}
	}
	return out
}

// verdict writes all that is read of files.
func verdict(tb testing.TB, f planfile.Format, sources ...planfile.Source) string {
	tb.Helper()
	var b strings.Builder
	rows, sum, err := read(tb, f, sources...)
	for i := range rows {
		fmt.Fprintln(&b, short(&rows[i]))
	}
	for _, n := range sum.Notes {
		fmt.Fprintf(&b, "left out: %d %s\n", n.Count, n.Text)
	}
	if len(sum.Absent) > 0 {
		fmt.Fprintf(&b, "absent: %s\n", strings.Join(sum.Absent, ", "))
	}
	if err != nil {
		fmt.Fprintf(&b, "%s %v\n", broken(tb, err).Code, err)
	}
	return b.String()
}

// golden compares with a file of testdata.
func golden(tb testing.TB, name, got string) {
	tb.Helper()
	if *update {
		if err := os.WriteFile(name, []byte(got), 0o600); err != nil {
			tb.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		tb.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		tb.Errorf("(-want +got):\n%s", diff)
	}
}

// onlyProblem returns what is wrong with a row, where that is one thing, as
// "field: problem".
func onlyProblem(r *planfile.Row) string {
	if len(r.Problems) != 1 {
		return fmt.Sprintf("%d problems: %v", len(r.Problems), r.Problems)
	}
	return r.Problems[0].Field + ": " + r.Problems[0].Problem
}

func TestRead_RefusesOtherFormats(t *testing.T) {
	t.Parallel()
	if _, _, err := read(t, "xlsx", source("plans.xlsx", "")); err == nil {
		t.Error("it was read")
	}
}

// What the caller fails with ends the reading, and is given back as it is.
func TestRead_StopsWhereTheCallerFails(t *testing.T) {
	t.Parallel()
	for f, sources := range map[planfile.Format][]planfile.Source{
		planfile.CSV: {source("plans.csv", sheetHeader+sheetRow()+sheetRow())},
		planfile.SSD: smallDataset().sources(),
	} {
		full, calls := errors.New("full"), 0
		_, err := planfile.Read(t.Context(), f, today, sources, func(*planfile.Row) error {
			calls++
			return full
		})
		if !errors.Is(err, full) || calls != 1 {
			t.Errorf("%s: got %v after %d calls", f, err, calls)
		}
	}
}

// Reading ends when nobody waits for it any more.
func TestRead_EndsWithItsContext(t *testing.T) {
	t.Parallel()
	periods := inCare([]string{"s,c,C2,2019-05-01,"}, "e1,c,2026-01-01,2026-02-01,E4A,k1,", "e2,c,2026-03-01,,,k2,")
	for name, sources := range map[string][]planfile.Source{
		"csv":     {source("plans.csv", sheetHeader+sheetRow()+sheetRow())},
		"plans":   smallDataset().sources(),
		"periods": periods.sources(),
	} {
		f := planfile.SSD
		if name == "csv" {
			f = planfile.CSV
		}
		ctx, cancel := context.WithCancel(t.Context())
		n := 0
		_, err := planfile.Read(ctx, f, today, sources, func(*planfile.Row) error {
			n++
			cancel()
			return nil
		})
		if !errors.Is(err, context.Canceled) || n != 1 {
			t.Errorf("%s: got %v after %d rows", name, err, n)
		}
		_, err = planfile.Read(ctx, f, today, sources, func(*planfile.Row) error { return nil })
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// failing is a source that cannot be read from some byte on.
type failing struct {
	content []byte
	err     error
}

func (f *failing) ReadAt(p []byte, off int64) (int, error) {
	if n := copy(p, f.content[min(off, int64(len(f.content))):]); n == len(p) {
		return n, nil
	}
	return 0, f.err
}

// What a source fails with is not the file's fault, wherever it fails, be it in
// an archive.
func TestRead_PassesErrorsOfTheSource(t *testing.T) {
	t.Parallel()
	lost := errors.New("connection lost")
	whole := sheetHeader + strings.Repeat(sheetRow(), 1000)
	archive := string(zipped(t, smallDataset()))
	for _, tt := range []struct {
		format planfile.Format
		whole  string
	}{{planfile.CSV, whole}, {planfile.SSD, archive}} {
		for at := 0; at < len(tt.whole); at += 1 + len(tt.whole)/40 {
			s := planfile.Source{
				Name: "a", Size: int64(len(tt.whole)), At: &failing{[]byte(tt.whole[:at]), lost},
			}
			if _, _, err := read(t, tt.format, s); !errors.Is(err, lost) {
				t.Errorf("%s cut at %d: got %v, want %v", tt.format, at, err, lost)
			}
		}
	}
}

// A source that is shorter than it says is none that was cut off by its sender.
func TestRead_SeesThatASourceIsShort(t *testing.T) {
	t.Parallel()
	content := sheetHeader + sheetRow()
	s := planfile.Source{Size: int64(len(content)) + 1, At: bytes.NewReader([]byte(content))}
	_, _, err := read(t, planfile.CSV, s)
	if _, is := errors.AsType[*planfile.Error](err); err == nil || is {
		t.Errorf("got %v", err)
	}
}
