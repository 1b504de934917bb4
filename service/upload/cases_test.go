package upload_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cpis/service/upload"
)

// What case systems and spreadsheets write becomes what it means, from the file
// to what is held; and what it does not mean becomes nothing. How each row is
// read, and all words, are beside the cases.
func TestUpload_Cases(t *testing.T) {
	t.Parallel()
	const (
		unborn = ", Sample, 1998-04-30, ucpp 2026-10-01 to  2027-02-01"
		child  = ", Example, 2015-04-30, cpp 2026-09-01 to"
		inCare = ", Example, 2015-04-30, lac 2026-03-01 to  "
	)
	for _, tt := range []struct {
		name     string
		state    upload.State
		rejected string   // lines, and codes
		held     []string // afterwards
	}{
		{"c01_nhs_nbsp_zwj", upload.Waiting, "", []string{"9995100002" + child, "9995100010" + child}},
		{
			"c02_nhs_unicode_spaces", upload.Waiting, "12 CPR04, 13 CPR04",
			[]string{
				"9995100029" + child, "9995100037" + child, "9995100045" + child, "9995100053" + child, "9995100061" + child,
				"9995100088" + child, "9995100096" + child, "9995100118" + child, "9995100126" + child, "9995100134" + child,
			},
		},
		{"c03_placeholders", upload.Rejected, "2 CPR04, 3 CPR04, 4 CPR04, 5 CPR04, 6 CPR04", nil},
		{"c10_us_order_mixed", upload.Rejected, "2 CPR07, 3 CPR07, 4 CPR07, 5 CPR07, 6 CPR07", nil},
		{
			"c12_excel_time", upload.Waiting,
			"2 CPR07, 3 CPR07, 4 CPR07, 5 CPR07, 7 CPR07, 8 CPR07, 9 CPR07, 10 CPR07, 11 CPR07, 13 CPR07, 14 CPR07",
			[]string{"9995100347" + child, "9995100428" + child},
		},
		{"c30_excel_trailing_dropped", upload.Rejected, "", nil},
		{"c33_blank_space_row", upload.Waiting, "", []string{"9995100797" + child, "9995100800" + child}},
		{"c46_header_nbsp", upload.Waiting, "", []string{"9995101084" + child}},
		{"s01_eclipse_unborn", upload.Waiting, "", []string{"9995101262" + unborn}},
		{"s02_desc_x1_last", upload.Waiting, "", []string{"9995101289" + inCare + "s31"}},
		{"s02c_desc_x1_followed_noid", upload.Waiting, "", []string{"9995101300" + inCare + "s31"}},
		{
			"s03_legal_texts", upload.Waiting,
			"16 CPR07, 17 CPR07, 18 CPR07, 19 CPR07, 20 CPR07, 21 CPR07, 22 CPR07, 23 CPR07, 25 CPR07, 26 CPR07",
			[]string{
				"9995101343" + inCare + "s31", "9995101351" + inCare + "s31", "9995101378" + inCare + "s31", "9995101386" + inCare + "s31",
				"9995101394" + inCare + "s31", "9995101408" + inCare + "s31", "9995101416" + inCare + "s38", "9995101424" + inCare + "s38",
				"9995101432" + inCare + "s20", "9995101440" + inCare + "s20", "9995101459" + inCare + "s20", "9995101467" + inCare + "s20",
				"9995101475" + inCare + "s20", "9995101483" + inCare + "s20", "9995101580" + inCare + "s31",
			},
		},
		{"s04_ico_then_placement_words", upload.Rejected, "2 CPR07", nil},
		{"s04d_s20_then_ico_liquidlogic", upload.Waiting, "", []string{"9995101645" + inCare + "s38"}},
		{"s05_unborn_twins", upload.Waiting, "", []string{"9995101653" + unborn}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := newService(t)
			sent := f.SendCase(tt.name)
			if sent.State != tt.state || sent.Counts.New != len(tt.held) {
				t.Errorf("got %+v", sent)
			}
			if got := rejectedLines(f.Rows(lead, sent)); got != tt.rejected {
				t.Errorf("rejected: got %q, want %q", got, tt.rejected)
			}
			if tt.state == upload.Waiting {
				if _, err := f.Approve(t.Context(), lead, sent, 0); err != nil {
					t.Fatal(explain(err))
				}
			}
			var got []string
			for _, want := range tt.held {
				got = append(got, f.HeldAbout(want[:10]))
			}
			if diff := cmp.Diff(tt.held, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if got := f.Count("plan"); got != len(tt.held) {
				t.Errorf("%d plans are held", got)
			}
			if len(tt.held) > 0 { // the same again changes nothing
				if again := f.SendCase(tt.name); again.Counts.Unchanged != len(tt.held) || again.State != upload.Checked {
					t.Errorf("again: %+v", again)
				}
			}
		})
	}
}

// rejectedLines names the rows that are rejected, with their codes.
func rejectedLines(rows []upload.RowResult) string {
	var lines []string
	for _, r := range rows {
		if r.Outcome == upload.RowRejected {
			lines = append(lines, fmt.Sprint(r.Line, " ", r.Code))
		}
	}
	return strings.Join(lines, ", ")
}

// A file that cannot be understood ends nothing, although it comes as a whole
// list, and neither does what is not understood in one that can.
func TestUpload_WhatIsNotUnderstoodEndsNothing(t *testing.T) {
	t.Parallel()
	f := newService(t)
	f.MustApply(lead, delta, sheetHeader+
		sheetRow("nhs_number=9995101289", "date_of_birth=2015-04-30", "kind=lac", "legal_basis=s31", "start=2026-03-01", "reference=C9"))
	before := f.HeldAbout("9995101289")
	files := map[string]string{}
	names, err := filepath.Glob("../planfile/testdata/cases/s02_desc_x1_last/*.csv")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		content, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		files[filepath.Base(name)] = string(content)
	}
	dir := t.TempDir()
	for name, content := range files {
		content = strings.Replace(content, `"""Episode ceases, and new episode begins on same day, for any reason"`, "Placement ended", 1)
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	q := upload.Request{Format: upload.SSD, Extent: upload.Whole}
	sent := f.MustSendFiles(lead, q, dir)
	rows := f.Rows(lead, sent)
	if sent.Counts.Ending+sent.Counts.Closing != 0 || sent.Counts.Rejected != 1 || len(rows[0].Violations) != 1 {
		t.Fatalf("got %+v, %q", sent, lines(rows))
	}
	if v := rows[0].Violations[0]; v.Field != "end" || !strings.HasPrefix(v.Problem, "is not understood: clae_cla_episode_ceased_reason") {
		t.Errorf("got %+v", v)
	}
	dropped, err := os.ReadFile("../planfile/testdata/cases/c30_excel_trailing_dropped.csv")
	if err != nil {
		t.Fatal(err)
	}
	sent = f.MustSend(lead, whole, string(dropped))
	if sent.State != upload.Rejected || !strings.Contains(sent.Problems[0].Problem, "a spreadsheet left out the commas") {
		t.Errorf("got %+v", sent)
	}
	if after := f.HeldAbout("9995101289"); after != before {
		t.Errorf("got %s, and before %s", after, before)
	}
}
