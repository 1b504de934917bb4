package planfile_test

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"cpis/service/planfile"
)

func TestReadRecords(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, file string
		want       []planfile.Record
	}{
		{name: "nothing"},
		{name: "one record", file: "a,b\n", want: records("1! a|b")},
		{name: "CRLF", file: "a,b\r\nc,d\r\n", want: records("1! a|b", "2! c|d")},
		{name: "no line break at the end", file: "a,b\nc,d", want: records("1! a|b", "2 c|d")},
		{name: "empty cells", file: ",\n,", want: records("1! |", "2 |")},
		{name: "empty lines", file: "\n\r\na\n", want: records("1! ", "2! ", "3! a")},
		{name: "mark of UTF-8", file: "\xef\xbb\xbfa\n", want: records("1! a")},
		{name: "mark of UTF-8 alone", file: "\xef\xbb\xbf"},
		{name: "quoted", file: `"a","b ""c"", d",""` + "\n", want: records(`1! a|b "c", d|`)},
		{name: "quoted at the end", file: `a,"b"`, want: records("1 a|b")},
		{name: "quoted line breaks", file: "\"a\nb\r\nc\",d\ne\n", want: records("1! a\nb\r\nc|d", "4! e")},
		{name: "characters of several bytes", file: "Zoë,O’Neill,王\n", want: records("1! Zoë|O’Neill|王")},
		{name: "Windows-1252", file: "Zo\xeb,O\x92Neill,\x80\n", want: records("1! Zoë|O’Neill|€")},
		{name: "Windows-1252 after many lines", file: "a\nb\nRen\xe9e\n", want: records("1! a", "2! b", "3! Renée")},
		{name: "white space is kept", file: " a ,\tb\n", want: records("1!  a |\tb")},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for name, r := range map[string]io.Reader{
				"at once":      strings.NewReader(tt.file),
				"byte by byte": iotest.OneByteReader(strings.NewReader(tt.file)),
				"with EOF":     iotest.DataErrReader(strings.NewReader(tt.file)),
			} {
				got, err := planfile.ReadRecords(r)
				if err != nil {
					t.Fatalf("%s: %v", name, err)
				}
				if diff := cmp.Diff(tt.want, got); diff != "" {
					t.Errorf("%s (-want +got):\n%s", name, diff)
				}
			}
		})
	}
}

// records writes records short: "line! cell|cell", with the ! where a line
// break ended it.
func records(short ...string) []planfile.Record {
	var all []planfile.Record
	for _, s := range short {
		head, cells, _ := strings.Cut(s, " ")
		line := strings.TrimSuffix(head, "!")
		all = append(all, planfile.Record{
			Line: int(line[0] - '0'), Cells: strings.Split(cells, "|"), Ended: line != head,
		})
	}
	return all
}

func TestReadRecords_SaysWhatIsWrongWithAFile(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", planfile.MaxRecordSize)
	tests := []struct{ name, file, want string }{
		{"a quotation mark is never closed", "a\nb,\"c\nd\n", "line 2: begins a quoted text that does not end"},
		{"a quotation mark is not closed for long", "a\n\"" + long, "line 2: begins a quoted text that does not end"},
		{"a quotation mark in an unquoted text", "a\nb,c\"d\n", "line 2: has a quotation mark inside"},
		{"text after a quoted text", "a\n\"b\"c\n", "line 2: has something after a closing"},
		{"line breaks of old Macs", "a\rb\r", "line 1: has a line break of the form CR"},
		{"CR after a quoted text", "\"a\"\rb", "line 1: has a line break of the form CR"},
		{"CR at the end", "a\r", "line 1: has a line break of the form CR"},
		{"a line without end", "a\n" + long + "x", "line 2: is longer than 16 KiB"},
		{"cells without end", "a\n" + strings.Repeat(",", 70) + "\n", "line 2: has more than 64 cells"},
		{"a NUL", "a\nb\x00c\n", "line 2: holds bytes that no text has"},
		{"bytes that Windows-1252 lacks", "a\nZo\xeb\x81\n", "line 2: holds bytes that no text has"},
		{"Windows-1252 after UTF-8", "Zoë\nZo\xeb\n", "line 2: is not written in the characters of the lines before"},
		{"Windows-1252 after the mark of UTF-8", "\xef\xbb\xbfa\nZo\xeb\n", "line 2: is not written in the characters"},
		{"UTF-8 after Windows-1252", "Zo\xeb\nZoë\n", "line 2: is not written in the characters of the lines before"},
		{"both in one record", "a\nZo\xeb,Zoë\n", "line 2: is not written in the characters"},
		{"halves of a character in two cells", "\xc3,\xab\nZoë\n", "line 2: is not written in the characters"},
		{"UTF-16, little end first", "\xff\xfea\x00", "line 1: is UTF-16"},
		{"UTF-16, big end first", "\xfe\xff\x00a", "line 1: is UTF-16"},
		{"UTF-16 without mark", "a\x00,\x00b\x00", "line 1: is UTF-16"},
		{"UTF-16 without mark, big end first", "\x00a\x00,\x00b", "line 1: is UTF-16"},
		{"a workbook", "PK\x03\x04\x14\x00", "line 1: is a workbook or an archive"},
		{"an empty archive", "PK\x05\x06" + strings.Repeat("\x00", 18), "line 1: is a workbook or an archive"},
		{"an old workbook", "\xd0\xcf\x11\xe0\xa1\xb1", "line 1: is a workbook or an archive"},
		{"a PDF", "%PDF-1.7\n", "line 1: is a PDF"},
		{"after a quoted line break", "\"a\n\nb\"\nc\x00\n", "line 4: holds bytes"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := planfile.ReadRecords(strings.NewReader(tt.file))
			if got := broken(t, err).Error(); !strings.HasPrefix(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// broken returns what is wrong with a file as a whole.
func broken(tb testing.TB, err error) *planfile.Error {
	tb.Helper()
	e, ok := errors.AsType[*planfile.Error](err)
	if !ok {
		tb.Fatalf("got error %v, want one about the file", err)
	}
	if e.Code != planfile.CodeBroken || e.Problem == "" {
		tb.Fatalf("got %+v, want a code and a problem", e)
	}
	return e
}

// endless is a file that never ends: one byte for ever.
type endless struct {
	b    byte
	read int
}

func (e *endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = e.b
	}
	e.read += len(p)
	return len(p), nil
}

// A line of 2 GB is refused after a few kilobytes, and never held.
func TestReadRecords_HoldsNoEndlessLine(t *testing.T) {
	t.Parallel()
	for _, b := range []byte{'x', '"', ',', 0, 0xff, ' '} {
		file := &endless{b: b}
		if _, err := planfile.ReadRecords(file); err == nil {
			t.Errorf("%q without end was accepted", b)
		}
		if file.read > 1<<20 {
			t.Errorf("%q: %d bytes were read", b, file.read)
		}
	}
}

// What the file's own reader fails with is not the file's fault.
func TestReadRecords_PassesErrorsOfTheReader(t *testing.T) {
	t.Parallel()
	broken := errors.New("connection lost")
	for _, before := range []string{"", "a", "a,b\n", "a,\"b", "a\r"} {
		file := io.MultiReader(strings.NewReader(before), iotest.ErrReader(broken))
		_, err := planfile.ReadRecords(file)
		if !errors.Is(err, broken) {
			t.Errorf("after %q: got %v, want %v", before, err, broken)
		}
	}
}

// FuzzReadRecords compares with encoding/csv: whatever this reader accepts, the
// other reads alike.
func FuzzReadRecords(f *testing.F) {
	for _, seed := range []string{
		"a,b\nc,d\n", "\xef\xbb\xbfa\r\n", "\"a\nb\",\"\"\"\"\n", "a\"b\n", "\"a", "\"a\"b", "a\rb", "\n\n,\n", "a,\x00\n", "Zo\xeb\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		ours, err := planfile.ReadRecords(bytes.NewReader(file))
		if err != nil {
			_ = broken(t, err)
			return
		}
		if utf8.Valid(file) {
			compareWithStandard(t, file, ours)
		}
		checkLines(t, ours)
	})
}

func compareWithStandard(t *testing.T, file []byte, ours []planfile.Record) {
	t.Helper()
	r := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(file, []byte("\xef\xbb\xbf"))))
	r.FieldsPerRecord = -1
	theirs, err := r.ReadAll()
	if err != nil {
		t.Fatalf("accepted, but encoding/csv says %v", err)
	}
	var cells [][]string
	for _, rec := range ours {
		if len(rec.Cells) == 1 && rec.Cells[0] == "" && !slices.ContainsFunc(theirs, isEmptyCell) {
			continue // encoding/csv passes over empty lines
		}
		for i, c := range rec.Cells {
			rec.Cells[i] = strings.ReplaceAll(c, "\r\n", "\n") // and changes quoted line breaks
		}
		cells = append(cells, rec.Cells)
	}
	if slices.ContainsFunc(theirs, isEmptyCell) {
		return // a quoted empty text cannot be told from an empty line any more
	}
	if diff := cmp.Diff(theirs, cells); diff != "" {
		t.Fatalf("unlike encoding/csv (-theirs +ours):\n%s", diff)
	}
}

func isEmptyCell(cells []string) bool { return len(cells) == 1 && cells[0] == "" }

// checkLines checks that lines grow, by at least one for each record.
func checkLines(t *testing.T, all []planfile.Record) {
	t.Helper()
	line := 0
	for i, rec := range all {
		if rec.Line <= line {
			t.Fatalf("record %d begins on line %d, after one on line %d", i, rec.Line, line)
		}
		line = rec.Line
		if !rec.Ended && i != len(all)-1 {
			t.Fatalf("record %d has no end", i)
		}
	}
}
