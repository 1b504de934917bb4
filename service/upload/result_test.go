package upload_test

import (
	"archive/zip"
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cpis/service/guard"
	"cpis/service/identity"
	"cpis/service/servicetest"
	"cpis/service/upload"
)

// resultOf downloads the result of an upload.
func resultOf(f *servicetest.Fixture, c *identity.Caller, id string) ([]byte, error) {
	var all []byte
	var size int64
	err := f.DownloadResult(f.TB.Context(), c, &upload.ResultRequest{UploadID: id}, func(p *upload.ResultPart) error {
		if p.Offset != int64(len(all)) || (p.Receipt.Log != "") != (p.Offset == 0) {
			f.TB.Errorf("part at %d of %d, receipt %+v", p.Offset, len(all), p.Receipt)
		}
		all, size = append(all, p.Chunk...), p.Size
		return nil
	})
	if err == nil && int64(len(all)) != size {
		f.TB.Errorf("%d bytes came, and %d were said to come", len(all), size)
	}
	return all, err
}

// sheet reads a result as a spreadsheet does.
func sheet(tb testing.TB, file []byte) [][]string {
	tb.Helper()
	text, marked := strings.CutPrefix(string(file), "\ufeff")
	r := csv.NewReader(strings.NewReader(text))
	r.FieldsPerRecord = -1
	all, err := r.ReadAll()
	if err != nil || !marked {
		tb.Fatalf("%q: %v", file, err)
	}
	return all
}

// Whoever corrects a file does so in their own columns, in their own order.
func TestDownloadResult_KeepsTheColumnsOfTheFile(t *testing.T) {
	t.Parallel()
	f := newService(t)
	file := "Reference,NHS Number,kind,start,family_name,given_name,date_of_birth,restricted,\n" +
		"A-1,9990000018,cpp,2026-09-01,Example,Robin,2019-04-30,no,\n" +
		" , ,,,,,,,\n" +
		"A-2,999000019,cpp,2030-01-01,\"Exam,ple\",Robin,2019-04-30,no,\n" +
		"A-3,too,few\n" +
		"A-4,9990000034,cpp,2026-09-01,Example,Sam,2015-02-14,no,\n"
	sent := f.MustSend(lead, delta, file)
	got, err := resultOf(f, lead, sent.ID)
	if err != nil || !sent.Result {
		t.Fatalf("%+v, %s", sent, explain(err))
	}
	want := [][]string{
		{"Line", "Result", "What to do", "Reference", "NHS Number", "kind", "start", "family_name", "given_name", "date_of_birth", "restricted", ""},
		{"2", "New", "", "A-1", "9990000018", "cpp", "2026-09-01", "Example", "Robin", "2019-04-30", "no", ""},
		{
			"4", "Rejected", "nhs_number has nine digits: one is missing, or a spreadsheet dropped a zero at the beginning, for example 999 000 0018; start lies in the future, for example 2026-09-01",
			"A-2", "999000019", "cpp", "2030-01-01", "Exam,ple", "Robin", "2019-04-30", "no", "",
		},
		{"5", "Rejected", "this row has 3 cells where the header has 9: commas are missing; a spreadsheet leaves them out at the end of rows whose last cells are empty", "A-3", "too", "few"},
		{"6", "New", "", "A-4", "9990000034", "cpp", "2026-09-01", "Example", "Sam", "2015-02-14", "no", ""},
	}
	if diff := cmp.Diff(want, sheet(t, got)); diff != "" {
		t.Errorf("result (-want +got):\n%s", diff)
	}
	if e := f.LastEntry(); e.Action != "read_uploads" || e.Target.ID != sent.ID || e.Counts["rows"] != 4 || e.Counts["bytes"] != int64(len(got)) {
		t.Errorf("entry %+v", e)
	}
}

// What a result adds is taken off again: formulas stay as they were written, and the
// three columns are passed over.
func TestDownloadResult_CanBeCorrectedAndSent(t *testing.T) {
	t.Parallel()
	f := newService(t)
	file := sheetHeader +
		sheetRow(`family_name="=1+1"`, "given_name=-Robin", `reference=" @SUM(A1)"`) +
		sheetRow(numberB, "kind=none", "reference=＝1", "family_name=\u202egnirts")
	sent := f.MustSend(lead, delta, file)
	first, err := resultOf(f, lead, sent.ID)
	if err != nil {
		t.Fatal(explain(err))
	}
	row := sheet(t, first)[1]
	if joined := strings.Join(row, "|"); !strings.Contains(joined, "'=1+1|'-Robin") || !strings.Contains(joined, "' @SUM(A1)") {
		t.Errorf("a spreadsheet would take a cell for a formula: %q", row)
	}
	corrected := strings.Replace(string(first), ",none,", ",cpp,", 1)
	corrected = strings.ReplaceAll(corrected, "\u202egnirts", "Example")
	again := f.MustSend(lead, delta, corrected)
	second, err := resultOf(f, lead, again.ID)
	if header := sheet(t, second)[0]; err != nil || len(header) != len(strings.Split(sheetHeader, ","))+3 {
		t.Errorf("the columns of a result pile up: %q, %s", header, explain(err))
	}
	applied, err := f.Approve(t.Context(), lead, again, 0)
	if err != nil || applied.Counts.New != 2 || applied.Counts.Rejected != 0 {
		t.Fatalf("got %+v, %s, %q", applied, explain(err), lines(f.Rows(lead, again)))
	}
	p := f.MustGet(lead, "9990000018")
	if p.Person.Family != "=1+1" || p.Person.Given != "-Robin" || p.Plans[0].Details.Reference != "@SUM(A1)" {
		t.Errorf("held is %+v, %+v", p.Person, p.Plans[0].Details)
	}
}

func TestDownloadResult_OfTheDatasetIsItsTables(t *testing.T) {
	t.Parallel()
	f := newService(t)
	sent := f.SendCase("s03_legal_texts")
	got, err := resultOf(f, lead, sent.ID)
	if err != nil {
		t.Fatal(explain(err))
	}
	archive, err := zip.NewReader(bytes.NewReader(got), int64(len(got)))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	results := map[string]int{}
	for _, file := range archive.File {
		names = append(names, file.Name)
		r, err := file.Open()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range sheet(t, text)[1:] {
			results[row[1]]++
		}
	}
	if diff := cmp.Diff([]string{"ssd_cp_plans.csv", "ssd_cla_episodes.csv"}, names); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	if results["New"] != sent.Counts.New || results["Rejected"] != sent.Counts.Rejected {
		t.Errorf("results %v of %+v", results, sent.Counts)
	}
}

// What is to be corrected is kept for 7 days; what is not needed any more goes at once.
func TestDownloadResult_FilesAreKeptOnlyToBeCorrected(t *testing.T) {
	t.Parallel()
	f := newService(t)
	refused := func(why string, u *upload.Upload) {
		t.Helper()
		if _, err := resultOf(f, lead, u.ID); !errors.Is(err, guard.ErrState) {
			t.Errorf("%s: got %v, want %v", why, err, guard.ErrState)
		}
		if now, err := f.GetUpload(t.Context(), lead, &upload.GetRequest{UploadID: u.ID}); err != nil || now.Upload.Result {
			t.Errorf("%s: got %+v, %s", why, now, explain(err))
		}
	}
	refused("every row was right", f.MustApply(lead, delta, sheetHeader+sheetRow()))
	refused("broken", f.MustSend(lead, delta, "\x00"))
	given := f.MustSend(lead, delta, sheetHeader+sheetRow(numberB)+sheetRow("kind=none"))
	if _, err := f.CancelUpload(t.Context(), lead, &upload.CancelRequest{UploadID: given.ID, Version: given.Version}); err != nil {
		t.Fatal(explain(err))
	}
	refused("given up", given)
	if n := f.Count("upload_part"); n != 0 {
		t.Errorf("%d pieces of files are left", n)
	}
	applied := f.MustApply(lead, delta, sheetHeader+sheetRow(numberC)+sheetRow("kind=none"))
	rejected := f.MustSend(lead, delta, sheetHeader+sheetRow("kind=none"))
	for _, u := range []*upload.Upload{applied, rejected} {
		if _, err := resultOf(f, laSystem, u.ID); err != nil || !u.Result || !u.KeptUntil.Equal(u.Changed.Add(7*24*time.Hour)) {
			t.Errorf("%s: %+v, %s", u.State, u, explain(err))
		}
	}
	f.Clock.Advance(7*24*time.Hour + time.Second)
	refused("7 days later", applied)
	if err := f.Forget(t.Context()); err != nil || f.Count("upload_part") != 0 {
		t.Errorf("%d pieces of files are left, %v", f.Count("upload_part"), err)
	}
}

func TestDownloadResult_IsForTheAuthorityItself(t *testing.T) {
	t.Parallel()
	f := newService(t)
	sent := f.MustSend(lead, delta, sheetHeader+sheetRow())
	for name, tt := range map[string]struct {
		caller *identity.Caller
		id     string
		want   error
	}{
		"another authority": {otherLead, sent.ID, guard.ErrNotFound},
		"nothing":           {lead, "nonsense", guard.ErrNotFound},
		"a nurse":           {nurse, sent.ID, guard.ErrDenied},
		"an auditor":        {auditor, sent.ID, guard.ErrDenied},
	} {
		if got, err := resultOf(f, tt.caller, tt.id); !errors.Is(err, tt.want) || len(got) > 0 {
			t.Errorf("%s: got %q, %v, want %v", name, got, err, tt.want)
		}
	}
}

// Nobody gets half a file for a whole one.
func TestDownloadResult_ThatCannotBeSentIsAnError(t *testing.T) {
	t.Parallel()
	f := newService(t)
	sent := f.MustSend(lead, delta, string(manyRows(1200, 0)))
	errGone := errors.New("hung up")
	err := f.DownloadResult(t.Context(), lead, &upload.ResultRequest{UploadID: sent.ID}, func(*upload.ResultPart) error { return errGone })
	if !errors.Is(err, errGone) {
		t.Errorf("got %v, want %v", err, errGone)
	}
}

// Whoever does not wait for a file hears where it stands, and it goes on.
func TestUpload_IsCheckedAndAppliedMeanwhile(t *testing.T) {
	t.Parallel()
	f := newService(t)
	q := delta
	q.Wait = time.Nanosecond
	sent := f.MustSend(lead, q, sheetHeader+sheetRow())
	waiting := f.Await(lead, sent.ID, upload.Waiting)
	out, err := f.ApproveUpload(t.Context(), lead, &upload.ApproveRequest{UploadID: sent.ID, Version: waiting.Version, Wait: time.Nanosecond})
	if err != nil || out.Log == "" {
		t.Fatalf("got %+v, %s", out, explain(err))
	}
	f.Await(lead, sent.ID, upload.Applied)
}
