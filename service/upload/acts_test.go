package upload_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"cpis/audit"
	"cpis/service"
	"cpis/service/guard"
	"cpis/service/identity"
	"cpis/service/keys/vaulttest"
	"cpis/service/lookup"
	"cpis/service/upload"
)

func TestUpload_LeavesAnEntryOfEachAct(t *testing.T) {
	t.Parallel()
	f := newService(t)
	q := delta
	q.Request = "r-1"
	sent := f.MustSend(laSystem, q, sheetHeader+sheetRow()+sheetRow("nhs_number=9990000019"))
	out, err := f.ApproveUpload(t.Context(), lead, &upload.ApproveRequest{UploadID: sent.ID, Version: sent.Version, Request: "r-2"})
	if err != nil {
		t.Fatal(explain(err))
	}
	if _, err := f.ApproveUpload(t.Context(), laSystem, &upload.ApproveRequest{UploadID: sent.ID, Version: sent.Version}); !errors.Is(err, guard.ErrDenied) {
		t.Errorf("got %v, want %v", err, guard.ErrDenied)
	}
	f.Rows(lead, &out.Upload)
	var got []string
	for _, e := range f.Entries() {
		got = append(got, fmt.Sprint(e.Actor, " ", e.Action, " ", e.Outcome, " ", e.Reason, " ", e.Request, " ", e.Counts["new"], e.Counts["rejected"]))
	}
	want := []string{
		"la-system upload_plans done  r-1 0 0",
		"service check_upload done waiting r-1 1 1",
		"lead approve_upload done  r-2 1 1",
		"service apply_upload done  r-2 1 1",
		"la-system approve_upload denied   0 0",
		"lead read_uploads done   0 0",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("entries (-want +got):\n%s", diff)
	}
	if e := f.LastEntry(); len(e.Disclosed) != 1 || e.Counts["rows"] != 2 {
		t.Errorf("entry %+v", e)
	}
}

// Whose answer was lost may send the file again.
func TestUpload_RepeatedGetsTheFirstUpload(t *testing.T) {
	t.Parallel()
	f := newService(t)
	q := delta
	q.Request = "same"
	file := string(manyRows(50, 0))
	first := f.MustSend(lead, q, file)
	if again := f.MustSend(lead, q, file); again.ID != first.ID || again.Version != first.Version {
		t.Errorf("got %+v, want %+v", again, first)
	}
	other := q
	other.Extent = upload.Whole
	for name, err := range map[string]error{
		"another file":   errOf(f.Send(t.Context(), lead, q, strings.NewReader(string(manyRows(51, 0))))),
		"another extent": errOf(f.Send(t.Context(), lead, other, strings.NewReader(file))),
	} {
		if !errors.Is(err, guard.ErrReused) {
			t.Errorf("%s: got %v, want %v", name, err, guard.ErrReused)
		}
	}
	approval := &upload.ApproveRequest{UploadID: first.ID, Version: first.Version, Request: "approve"}
	applied, err := f.ApproveUpload(t.Context(), lead, approval)
	if err != nil {
		t.Fatal(explain(err))
	}
	again, err := f.ApproveUpload(t.Context(), lead, approval)
	if err != nil || again.Receipt != applied.Receipt || again.Upload.State != upload.Applied {
		t.Errorf("got %+v, %s", again, explain(err))
	}
	if n := f.Count("upload"); n != 1 {
		t.Errorf("%d uploads are kept", n)
	}
	row, err := f.DB.Answers.Find(t.Context(), islington, "same")
	if err != nil {
		t.Fatal(err)
	}
	assertNothingPersonal(t, row.Response)
}

func errOf[T any](_ T, err error) error { return err }

// Who may not upload is refused before a byte of the file is asked for.
func TestUpload_IsForAuthoritiesOnly(t *testing.T) {
	t.Parallel()
	f := newService(t)
	for _, c := range []*identity.Caller{nurse, gp, clinicalSystem, privacyOfficer, auditor, administrator} {
		file := iotest.ErrReader(errors.New("the file was read"))
		if _, err := f.Send(t.Context(), c, delta, file); !errors.Is(err, guard.ErrDenied) {
			t.Errorf("%s: got %v, want %v", c.ID, err, guard.ErrDenied)
		}
		if e := f.LastEntry(); e.Outcome != "denied" || e.Actor != c.ID {
			t.Errorf("%s: entry %+v", c.ID, e)
		}
		for name, err := range map[string]error{
			"list":    errOf(f.ListUploads(t.Context(), c, &upload.ListRequest{})),
			"quality": errOf(f.GetQualityReport(t.Context(), c, &upload.QualityReportRequest{})),
			"rules":   errOf(f.GetUploadRules(t.Context(), c, &upload.GetRulesRequest{})),
		} {
			if !errors.Is(err, guard.ErrDenied) {
				t.Errorf("%s: %s: got %v, want %v", c.ID, name, err, guard.ErrDenied)
			}
		}
	}
}

// What belongs to another authority does not exist.
func TestUpload_OfAnotherAuthorityIsNotFound(t *testing.T) {
	t.Parallel()
	f := newService(t)
	sent := f.MustSend(lead, delta, sheetHeader+sheetRow())
	id := sent.ID
	for name, err := range map[string]error{
		"approve": errOf(f.Approve(t.Context(), otherLead, sent, 0)),
		"cancel":  errOf(f.CancelUpload(t.Context(), otherLead, &upload.CancelRequest{UploadID: id, Version: sent.Version})),
		"get":     errOf(f.GetUpload(t.Context(), otherLead, &upload.GetRequest{UploadID: id})),
		"rows":    errOf(f.ListUploadRows(t.Context(), otherLead, &upload.ListRowsRequest{UploadID: id})),
		"none":    errOf(f.GetUpload(t.Context(), lead, &upload.GetRequest{UploadID: "01a20a4a-353f-7581-a9fe-cf9d0a149ee7"})),
		"no id":   errOf(f.GetUpload(t.Context(), lead, &upload.GetRequest{UploadID: "x"})),
	} {
		if !errors.Is(err, guard.ErrNotFound) {
			t.Errorf("%s: got %v, want %v", name, err, guard.ErrNotFound)
		}
	}
	page, err := f.ListUploads(t.Context(), otherLead, &upload.ListRequest{})
	if err != nil || len(page.Uploads) != 0 {
		t.Errorf("got %+v, %s", page, explain(err))
	}
}

// A connection that breaks in the middle of a file leaves an entry, and nothing
// else.
func TestUpload_ThatBreaksOffLeavesNothing(t *testing.T) {
	t.Parallel()
	f := newService(t)
	lost := errors.New("connection lost")
	file := io.MultiReader(strings.NewReader(string(manyRows(6000, 0))), iotest.ErrReader(lost))
	if _, err := f.Send(t.Context(), lead, delta, file); !errors.Is(err, lost) {
		t.Errorf("got %v, want %v", err, lost)
	}
	if e := f.LastEntry(); e.Outcome != "failed" {
		t.Errorf("entry %+v", e)
	}
	if n := f.Count("upload") + f.Count("upload_part"); n != 0 {
		t.Errorf("%d rows are left", n)
	}
}

// Whoever hangs up once the file was sent does not undo it.
func TestUpload_HangingUpLeavesItToTheService(t *testing.T) {
	t.Parallel()
	f := newService(t)
	ctx, hangUp := context.WithCancel(t.Context())
	file := io.MultiReader(strings.NewReader(sheetHeader+sheetRow()), readerFunc(func([]byte) (int, error) {
		hangUp()
		return 0, io.EOF
	}))
	// Depending on when that is noticed, the caller is told so, or that nothing can be said.
	if _, err := f.Send(ctx, lead, delta, file); err != nil && !errors.Is(err, context.Canceled) && !errors.Is(err, guard.ErrUnavailable) {
		t.Errorf("got %v", err)
	}
	page, err := f.ListUploads(t.Context(), lead, &upload.ListRequest{})
	if err != nil || len(page.Uploads) == 1 && page.Uploads[0].State != upload.Waiting {
		t.Errorf("got %+v, %s", page, explain(err))
	}
}

func TestListUploads_InPages(t *testing.T) {
	t.Parallel()
	f := newService(t)
	var want []string
	for i := range 5 {
		u := f.MustSend(lead, delta, string(manyRows(1, i)))
		want = append(want, u.ID)
		if i == 2 {
			if _, err := f.Approve(t.Context(), lead, u, 0); err != nil {
				t.Fatal(explain(err))
			}
		}
	}
	slices.Reverse(want)
	var got []string
	for q := (upload.ListRequest{Paging: guard.Paging{Size: 2}}); ; {
		page, err := f.ListUploads(t.Context(), lead, &q)
		if err != nil {
			t.Fatal(explain(err))
		}
		for _, u := range page.Uploads {
			got = append(got, u.ID)
		}
		if q.Page = page.Next; q.Page == "" {
			break
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("uploads (-want +got):\n%s", diff)
	}
	waiting, err := f.ListUploads(t.Context(), lead, &upload.ListRequest{WaitingOnly: true})
	if err != nil || len(waiting.Uploads) != 4 {
		t.Errorf("%d wait, %s", len(waiting.Uploads), explain(err))
	}
	_, err = f.ListUploads(t.Context(), lead, &upload.ListRequest{Paging: guard.Paging{Page: "x"}})
	if v := violationsOf(t, err); v[0].Field != "page" {
		t.Errorf("got %+v", v)
	}
}

// Tables hold nothing of a file that can be read.
func TestUpload_KeepsNothingInTheClear(t *testing.T) {
	t.Parallel()
	f := newService(t)
	f.MustApply(lead, delta, sheetHeader+sheetRow())
	f.MustSend(lead, whole, sheetHeader+sheetRow("family_name=Changed")+sheetRow("nhs_number=9990000019"))
	for _, table := range []string{"upload", "upload_part", "upload_rows", "notice", "idempotency"} {
		for _, row := range f.Dump(table) {
			for _, secret := range []string{"9990000018", "9990000019", "Example", "Robin", "Changed", "2019-04-30", "CASE-1042"} {
				if strings.Contains(row, secret) || strings.Contains(row, fmt.Sprintf("%x", secret)) {
					t.Errorf("%s: %q is kept: %s", table, secret, row)
				}
			}
		}
	}
	if f.Count("upload_part") == 0 || f.Count("upload_rows") == 0 {
		t.Error("nothing was looked at")
	}
}

// Keys are wrapped and unwrapped in batches, not one by one.
func TestUpload_AsksTheKeeperSeldom(t *testing.T) {
	t.Parallel()
	f := newService(t)
	const rows, batches = 2300, 23
	wraps := f.Keeper.Wraps.Load()
	f.MustApply(lead, delta, string(manyRows(rows, 0)))
	if n := f.Keeper.Wraps.Load() - wraps; n > batches+2 { // and the file's own, and the lead's
		t.Errorf("%d calls to wrap %d keys, want %d", n, rows, batches)
	}
	s := f.Another()
	unwraps := f.Keeper.Unwraps.Load()
	q := delta
	got, err := s.Uploads.Upload(t.Context(), lead, &q, inParts(strings.NewReader(string(manyRows(rows, 0)))))
	if err != nil || got.Upload.Counts.Unchanged != rows {
		t.Fatalf("%+v, %s", got, explain(err))
	}
	if n := f.Keeper.Unwraps.Load() - unwraps; n > batches+1 {
		t.Errorf("%d calls to unwrap %d keys, want %d", n, rows, batches)
	}
}

// The same over real Vault: what one server wraps, another unwraps.
func TestUpload_OverVault(t *testing.T) {
	t.Parallel()
	f := newServiceOver(t, vaulttest.Real(t).Keeper(t), func(*service.Config) {})
	const rows = 450
	file := string(manyRows(rows, 0))
	f.MustApply(lead, delta, file)
	q := whole
	got, err := f.Another().Uploads.Upload(t.Context(), lead, &q, inParts(strings.NewReader(file)))
	if err != nil || got.Upload.Counts.Unchanged != rows || got.Upload.State != upload.Checked {
		t.Errorf("%+v, %s", got, explain(err))
	}
	if a := f.MustLookUp(nurse, unscheduled(numberAt(rows-1))); a.Verdict != lookup.FlagHeld || a.Degraded {
		t.Errorf("look-up: %+v", a)
	}
}

// Of a restricted person, and of somebody who was asked for with a wrong date,
// an auditor sees how many there were.
func TestUpload_CountsGuessedDates(t *testing.T) {
	t.Parallel()
	f := newService(t)
	f.MustRegister(otherLead, rightCPP())
	f.MustSend(lead, delta, sheetHeader+sheetRow("date_of_birth=2018-04-30")+sheetRow(numberB))
	all := f.Entries()
	want := audit.Counts{
		"rows": 2, "new": 1, "changed": 0, "unchanged": 0, "ending": 0, "closing": 0, "held_back": 0, "rejected": 1, "mismatched": 1,
	}
	if diff := cmp.Diff(want, all[len(all)-1].Counts); diff != "" {
		t.Errorf("counts (-want +got):\n%s", diff)
	}
}
