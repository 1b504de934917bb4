package upload_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cpis/service"
	"cpis/service/domain"
	"cpis/service/guard"
	"cpis/service/identity"
	"cpis/service/upload"
)

// Two leads who approve the same file at once: it is applied once, and the other
// is told that somebody was first.
func TestApproveUpload_TwoAtOnce(t *testing.T) {
	t.Parallel()
	f := newService(t)
	sent := f.MustSend(laSystem, delta, string(manyRows(100, 0)))
	colleague := *lead
	colleague.ID = "colleague"
	results := make(chan error, 2)
	for _, c := range []*identity.Caller{lead, &colleague} {
		go func() { results <- errOf(f.Approve(t.Context(), c, sent, 0)) }()
	}
	won := 0
	for range 2 {
		err := <-results
		stale, ok := errors.AsType[*guard.StaleError](err)
		switch {
		case err == nil:
			won++
		case !ok || stale.Current <= sent.Version:
			t.Errorf("got %s, want a *StaleError", explain(err))
		}
	}
	if h := f.Held(); won != 1 || h.Plans != 100 || h.PlanVersions != 100 {
		t.Errorf("%d won; %+v", won, h)
	}
}

// What is held changed between the check and the approval, and with it what the
// file does: whoever approved it looks at it again.
func TestApproveUpload_ChecksAgainWhereThePreviewHasChanged(t *testing.T) {
	t.Parallel()
	f := newService(t)
	f.MustApply(lead, whole, list(0, 20))
	sent := f.MustSend(lead, whole, list(0, 19, sheetRow("nhs_number="+numberAt(30))))
	f.MustRegister(lead, with(rightCPP(), func(r *domain.Registration) { r.NHSNumber = numberAt(40) }))
	before := f.Held()
	again, err := f.Approve(t.Context(), lead, sent, 0)
	if err != nil || again.State != upload.Waiting || again.Counts.Ending != 2 || again.Version <= sent.Version {
		t.Fatalf("got %+v, %s", again, explain(err))
	}
	if !strings.Contains(strings.Join(again.Warnings, ";"), "has changed since it was approved") || again.Decided.Actor != "" {
		t.Errorf("got %+v", again)
	}
	after := f.Held()
	before.Answers, after.Answers = 0, 0
	if diff := cmp.Diff(before, after); diff != "" {
		t.Errorf("something was applied (-before +after):\n%s", diff)
	}
	if _, err := f.Approve(t.Context(), lead, sent, 0); !errors.Is(err, guard.ErrConflict) {
		t.Errorf("the old version: got %v, want %v", err, guard.ErrConflict)
	}
	if got, err := f.Approve(t.Context(), lead, again, 0); err != nil || got.State != upload.Applied {
		t.Errorf("got %+v, %s", got, explain(err))
	}
}

// A rule that approved a file does not approve it again once it does something
// else.
func TestUpload_RuleApprovesOnce(t *testing.T) {
	t.Parallel()
	f := newService(t)
	f.MustApply(lead, delta, list(0, 5))
	f.MustSetRules(upload.Rules{ApproveSystems: true, MaxNew: 10, MaxChanged: 10, BrakePercent: 5})
	f.Keeper.TakeAway(false)
	release := f.Hold(`SELECT FROM cpis.person FOR UPDATE`)
	done := make(chan *upload.Upload, 1)
	go func() {
		got, _ := f.Send(t.Context(), laSystem, delta, strings.NewReader(list(0, 6)))
		done <- got
	}()
	f.WaitForBlocked(1) // it was approved, and waits for the persons
	f.MustRegister(lead, under(numberAt(5)))
	release()
	if got := <-done; got == nil || got.State != upload.Waiting || got.Counts.New != 0 || got.Counts.Changed != 1 {
		t.Errorf("got %+v", got)
	}
}

func TestCancelUpload(t *testing.T) {
	t.Parallel()
	f := newService(t)
	sent := f.MustSend(laSystem, delta, string(manyRows(10, 0)))
	q := &upload.CancelRequest{UploadID: sent.ID, Version: sent.Version, Reason: "Sent by mistake", Request: "c"}
	got, err := f.CancelUpload(t.Context(), laSystem, q)
	if err != nil || got.Upload.State != upload.Cancelled || got.Upload.Decided.Reason != "Sent by mistake" {
		t.Fatalf("got %+v, %s", got, explain(err))
	}
	again, err := f.CancelUpload(t.Context(), laSystem, q)
	if err != nil || again.Upload.Version != got.Upload.Version || again.Receipt != got.Receipt {
		t.Errorf("repeated: got %+v, %s", again, explain(err))
	}
	if _, err := f.Approve(t.Context(), lead, &got.Upload, 0); !errors.Is(err, guard.ErrState) {
		t.Errorf("approving: got %v, want %v", err, guard.ErrState)
	}
	if n := f.Count("upload_part"); n != 0 {
		t.Errorf("%d pieces are left", n)
	}
	applied := f.MustApply(lead, delta, string(manyRows(1, 0)))
	_, err = f.CancelUpload(t.Context(), lead, &upload.CancelRequest{UploadID: applied.ID, Version: applied.Version})
	if !errors.Is(err, guard.ErrState) {
		t.Errorf("cancelling what was applied: got %v, want %v", err, guard.ErrState)
	}
	_, err = f.CancelUpload(t.Context(), lead, &upload.CancelRequest{UploadID: applied.ID, Version: 1})
	if !errors.Is(err, guard.ErrConflict) {
		t.Errorf("cancelling an old version: got %v, want %v", err, guard.ErrConflict)
	}
}

// A server that dies while it applies a file leaves nothing half done: another
// one applies it, once.
func TestUpload_IsResumedAfterACrash(t *testing.T) {
	t.Parallel()
	f := newService(t)
	sent := f.MustSend(lead, delta, string(manyRows(60, 0)))
	release := f.HoldLog()
	dying, crash := context.WithCancel(t.Context())
	defer crash()
	approved := make(chan error, 1)
	go func() { approved <- errOf(f.Approve(dying, lead, sent, 0)) }()
	f.WaitForBlocked(1) // at the entry of the approval
	release()
	if err := <-approved; err != nil {
		t.Fatal(explain(err))
	}
	// As if it had died just after the approval: the state that it left.
	second := f.MustSend(lead, delta, string(manyRows(60, 100)))
	f.Pretend(`UPDATE cpis.upload SET state = 'received', lease_until = $2 WHERE id = $1`, second.ID, f.Clock.Now().Add(time.Minute))
	other := f.Another()
	if err := other.Uploads.Resume(t.Context()); err != nil {
		t.Fatal(explain(err))
	}
	if got, err := f.GetUpload(t.Context(), lead, &upload.GetRequest{UploadID: second.ID}); err != nil || got.Upload.State != upload.Received {
		t.Errorf("while the lease lasts: %+v, %s", got, explain(err))
	}
	f.Clock.Advance(2 * time.Minute)
	var all sync.WaitGroup
	for _, s := range []*service.Service{other, f.Service} {
		all.Go(func() { _ = s.Uploads.Resume(t.Context()) }) // both at once
	}
	all.Wait()
	got, err := f.GetUpload(t.Context(), lead, &upload.GetRequest{UploadID: second.ID})
	if err != nil || got.Upload.State != upload.Waiting || got.Upload.Counts.New != 60 {
		t.Fatalf("got %+v, %s", got, explain(err))
	}
	f.CrashApplying(lead, &got.Upload)
	f.Clock.Advance(3 * time.Minute)
	for _, s := range []*service.Service{other, f.Service} {
		all.Go(func() { _ = s.Uploads.Resume(t.Context()) })
	}
	all.Wait()
	got, err = f.GetUpload(t.Context(), lead, &upload.GetRequest{UploadID: second.ID})
	if err != nil || got.Upload.State != upload.Applied {
		t.Errorf("got %+v, %s", got, explain(err))
	}
	if h := f.Held(); h.Plans != 120 || h.PlanVersions != 120 || h.Persons != 120 {
		t.Errorf("%+v", h)
	}
}

// A transaction that fails leaves nothing of a file.
func TestUpload_ThatFailsIsRolledBackWholly(t *testing.T) {
	t.Parallel()
	f := newService(t)
	f.MustApply(lead, whole, list(0, 30))
	sent := f.MustSend(lead, whole, list(5, 1200))
	before := f.Held()
	f.CrashApplying(lead, sent)
	after := f.Held()
	before.Answers, after.Answers = 0, 0
	if diff := cmp.Diff(before, after); diff != "" {
		t.Errorf("something is left (-before +after):\n%s", diff)
	}
	f.Clock.Advance(time.Hour)
	if err := f.Resume(t.Context()); err != nil {
		t.Fatal(explain(err))
	}
	if got, err := f.GetUpload(t.Context(), lead, &upload.GetRequest{UploadID: sent.ID}); err != nil || got.Upload.State != upload.Applied {
		t.Errorf("got %+v, %s", got, explain(err))
	}
	if h := f.Held(); h.Plans != 1200 || h.PlanVersions != 1205 {
		t.Errorf("%+v", h)
	}
}

// While the keys are away a file is received all the same, where it can be
// sealed, and checked when they are back.
func TestUpload_WaitsForTheKeys(t *testing.T) {
	t.Parallel()
	f := newService(t)
	f.Keeper.TakeAway(true)
	_, err := f.Send(t.Context(), lead, delta, bytes.NewReader(manyRows(10, 0)))
	if !errors.Is(err, guard.ErrUnavailable) {
		t.Errorf("got %v, want %v", err, guard.ErrUnavailable)
	}
	f.Keeper.TakeAway(false)
	if got := f.MustApply(lead, delta, string(manyRows(10, 0))); got.Counts.New != 10 {
		t.Errorf("got %+v", got)
	}
}

// What files said is forgotten after 90 days; that there were files is not.
func TestUpload_IsForgotten(t *testing.T) {
	t.Parallel()
	f := newService(t)
	applied := f.MustApply(lead, delta, string(manyRows(3, 0)))
	waiting := f.MustSend(lead, delta, string(manyRows(3, 10)))
	f.Clock.Advance(89 * 24 * time.Hour)
	if err := f.Tidy(t.Context()); err != nil || len(f.Rows(lead, applied)) != 3 {
		t.Errorf("too soon: %v", err)
	}
	f.Clock.Advance(2 * 24 * time.Hour)
	if err := f.Tidy(t.Context()); err != nil {
		t.Fatal(err)
	}
	got, err := f.GetUpload(t.Context(), lead, &upload.GetRequest{UploadID: applied.ID})
	if err != nil || got.Upload.Counts.New != 3 || got.Upload.Sent.Actor != "" || len(f.Rows(lead, applied)) != 0 {
		t.Errorf("got %+v, %s", got, explain(err))
	}
	if got, err := f.GetUpload(t.Context(), lead, &upload.GetRequest{UploadID: waiting.ID}); err != nil || got.Upload.State != upload.Cancelled ||
		got.Upload.Decided.Reason != "nobody approved it for 90 days" || len(f.Rows(lead, waiting)) != 3 {
		t.Errorf("what nobody approved: %+v, %s", got, explain(err))
	}
	if n := f.Count("upload_rows"); n != 1 {
		t.Errorf("%d pages are left", n)
	}
}

// What began to arrive on a server that died is removed.
func TestUpload_HalfReceivedIsRemoved(t *testing.T) {
	t.Parallel()
	f := newService(t)
	f.Pretend(`INSERT INTO cpis.upload (id, authority, version, state, format, extent, sequence, wrapped_key, sealed, sent_at, changed_at, lease_until)
		VALUES (gen_random_uuid(), $1, 1, 'receiving', 'csv', 'delta', 0, 'x', '', now(), now(), $2)`, islington, f.Clock.Now())
	f.Exec(`INSERT INTO cpis.upload_part (upload_id, n, sealed) SELECT id, 0, 'x' FROM cpis.upload`)
	page, err := f.ListUploads(t.Context(), lead, &upload.ListRequest{})
	if err != nil || len(page.Uploads) != 0 {
		t.Errorf("it is shown: %+v, %s", page, explain(err))
	}
	f.Clock.Advance(time.Second)
	if err := f.Resume(t.Context()); err != nil {
		t.Fatal(explain(err))
	}
	if n := f.Count("upload") + f.Count("upload_part"); n != 0 {
		t.Errorf("%d rows are left", n)
	}
}
