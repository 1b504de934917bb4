package audit_test

import (
	"bytes"
	"encoding/csv"
	"errors"
	"strings"
	"testing"

	"cpis/audit"
)

// table renders entries as CSV.
func table(tb testing.TB, entries ...audit.Entry) []byte {
	tb.Helper()
	var buf bytes.Buffer
	w := audit.NewCSVWriter(&buf)
	for i := range entries {
		if err := w.Write(int64(i), &entries[i]); err != nil {
			tb.Fatal(err)
		}
	}
	if err := w.Flush(); err != nil {
		tb.Fatal(err)
	}
	return buf.Bytes()
}

func TestCSVIsAsSpecified(t *testing.T) {
	t.Parallel()
	var entries []audit.Entry
	for _, line := range exampleLog().lines {
		e, err := audit.ParseLine(line)
		if err != nil {
			t.Fatal(err)
		}
		entries = append(entries, e)
	}
	entries = append(entries, audit.Entry{
		Action: "upload_plans", Counts: audit.Counts{"rows": 12, "new": 3, "unchanged": 9}, BreakGlass: true, Restricted: true, Degraded: true,
		Disclosed: []audit.Disclosed{{Plan: "a", Version: 1}, {Plan: "b", Version: 2}},
	}, fullEntry())
	golden(t, "entries.csv.golden", table(t, entries...))
}

func TestCSVOfNothingNamesItsColumns(t *testing.T) {
	t.Parallel()
	rows, err := csv.NewReader(bytes.NewReader(table(t))).ReadAll()
	if err != nil || len(rows) != 1 || rows[0][0] != "index" {
		t.Errorf("got %v, %v", rows, err)
	}
}

func TestCSVNeutralisesFormulas(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"=HYPERLINK(\"x\")": "'=HYPERLINK(\"x\")",
		"+44 20":            "'+44 20",
		"-1+2":              "'-1+2",
		"@SUM(A1)":          "'@SUM(A1)",
		"\t=1":              "' =1",
		"\r=1":              "' =1",
		"\n=1":              "' =1",
		"  =1":              "'  =1",
		"\u00a0=1":          "'\u00a0=1",
		"＝1":                "'＝1",
		"a\r\nb\x00c":       "a  b c",
		"a=1":               "a=1",
		"RJ1":               "RJ1",
		"":                  "",
		"   ":               "   ",
	} {
		rows, err := csv.NewReader(bytes.NewReader(table(t, audit.Entry{Actor: text}))).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		if got := rows[1][2]; got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

// errWriter fails when it is written to.
type errWriter struct{}

func (errWriter) Write([]byte) (int, error) { return 0, errRead }

func TestCSVReportsThatItCannotWrite(t *testing.T) {
	t.Parallel()
	w := audit.NewCSVWriter(errWriter{})
	e := exampleEntry()
	var err error
	for i := int64(0); i < 1000 && err == nil; i++ {
		err = w.Write(i, &e)
	}
	if !errors.Is(err, errRead) || !errors.Is(w.Flush(), errRead) {
		t.Errorf("got %v, then %v, want the error", err, w.Flush())
	}
	if err := audit.NewCSVWriter(errWriter{}).Flush(); !errors.Is(err, errRead) {
		t.Errorf("a table without entries: got %v, want the error", err)
	}
}

func FuzzCSV(f *testing.F) {
	for _, text := range []string{"=1", "\t@x", "a,\"b\"\r\n=c", "＋1", "\u2003=1", "\ufeff=1", "\x00=", "'=1", "\xff=1"} {
		f.Add(text, text)
	}
	f.Fuzz(func(t *testing.T, actor, plan string) {
		e := audit.Entry{Actor: actor, Rule: plan, Disclosed: []audit.Disclosed{{Plan: plan}}, Counts: audit.Counts{actor: -1}}
		rows, err := csv.NewReader(bytes.NewReader(table(t, e, e))).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		if len(rows) != 3 {
			t.Fatalf("%d rows for two entries and a header", len(rows))
		}
		for _, cell := range rows[1] {
			if strings.ContainsAny(cell, "\r\n\t\x00") {
				t.Fatalf("%q: a control character", cell)
			}
			if cell != "" && strings.ContainsAny(strings.TrimSpace(cell)[:min(1, len(strings.TrimSpace(cell)))], "=+-@") {
				t.Fatalf("%q: a formula", cell)
			}
		}
	})
}
