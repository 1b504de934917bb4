package upload_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"cpis/service/domain"
	"cpis/service/plan"
	"cpis/service/upload"
)

// A plan that ended because a list lacked it, by mistake, is in force where the
// next list has it again, also where lists say nothing of ends. What somebody
// ended stays ended.
func TestUpload_InTheListAgainIsInForceAgain(t *testing.T) {
	t.Parallel()
	f := newService(t)
	const (
		header = "nhs_number,family_name,given_name,date_of_birth,kind,start,restricted\n"
		a      = "9990000018,Example,Robin,2019-04-30,cpp,2026-09-01,no\n"
		b      = "9990000026,Example,Robin,2019-04-30,cpp,2026-09-01,no\n"
		c      = "9990000034,Example,Robin,2019-04-30,cpp,2026-09-01,no\n"
	)
	f.MustApply(lead, delta, header+a+b+c)
	f.MustApply(lead, whole, header+b+c)
	registered := f.MustGet(lead, "9990000034").Plans[0]
	_, err := f.EndPlan(t.Context(), lead, &plan.EndPlanRequest{
		PlanID: registered.ID, Version: registered.Version, End: "2026-11-20", Reason: "review conference",
	})
	if err != nil {
		t.Fatalf("EndPlan: %s", explain(err))
	}
	if got := f.MustSend(lead, delta, header+a); got.State != upload.Checked {
		t.Errorf("a delta says nothing of ends: %+v", got)
	}
	got := f.MustApply(lead, whole, header+a+b+c)
	want := []string{`2 changed; end "2026-11-23" to ""`, "3 unchanged", "4 unchanged"}
	if diff := cmp.Diff(want, lines(f.Rows(lead, got))); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
	if p := f.MustGet(lead, "9990000018").Plans[0]; p.Version != 3 || !p.Details.End.IsZero() || p.Details.EndReason != "" || !p.VisibleUntil.IsZero() {
		t.Errorf("got %+v", p)
	}
	if p := f.MustGet(lead, "9990000034").Plans[0]; !p.Ended || p.Details.EndReason != "review conference" {
		t.Errorf("got %+v", p)
	}
}

// Where another plan has begun meanwhile, only one of them can be in force: the
// row is rejected, and both stay as they are.
func TestUpload_InTheListAgainMustFit(t *testing.T) {
	t.Parallel()
	f := newService(t)
	const (
		header = "nhs_number,family_name,given_name,date_of_birth,kind,start,restricted\n"
		a      = "9990000018,Example,Robin,2019-04-30,cpp,2026-09-01,no\n"
		b      = "9990000026,Example,Robin,2019-04-30,cpp,2026-09-01,no\n"
	)
	f.MustApply(lead, delta, header+a+b)
	f.MustApply(lead, whole, header+b)
	next := f.MustRegister(lead, with(rightCPP(), func(r *domain.Registration) { r.Start = "2026-11-23" }))
	got := f.MustSend(lead, whole, header+a+b)
	if rows := f.Rows(lead, got); rows[0].Outcome != upload.RowRejected || got.Counts.Ending != 0 {
		t.Errorf("got %+v, %q", got, lines(rows))
	}
	if p := f.MustGet(lead, "9990000018").Plans; p[0].ID != next.PlanID || !p[0].Details.End.IsZero() || p[1].Details.End.IsZero() {
		t.Errorf("got %+v", p)
	}
}
