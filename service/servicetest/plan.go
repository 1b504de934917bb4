package servicetest

import (
	"errors"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"cpis/service/domain"
	"cpis/service/guard"
	"cpis/service/identity"
	"cpis/service/notice"
	"cpis/service/plan"
)

// Amendment leaves a plan as it was registered.
func Amendment(registered *plan.RegisterPlanResult, r *domain.Registration) *plan.AmendPlanRequest {
	return &plan.AmendPlanRequest{
		PlanID: registered.PlanID, Version: registered.Version, Reason: "a slip",
		Family: r.Family, Given: r.Given, DateOfBirth: r.DateOfBirth, Start: r.Start, End: r.End,
		Expected: r.Expected, Basis: r.Basis, Reference: r.Reference,
	}
}

// MustAmend amends a plan.
func (f *planSteps) MustAmend(c *identity.Caller, q *plan.AmendPlanRequest) *plan.ChangeResult {
	f.TB.Helper()
	out, err := f.AmendPlan(f.TB.Context(), c, q)
	if err != nil {
		f.TB.Fatalf("AmendPlan: %s", Explain(err))
	}
	return out
}

// MustBear records a birth.
func (f *planSteps) MustBear(c *identity.Caller, q *plan.RecordBirthRequest) *plan.RecordBirthResult {
	f.TB.Helper()
	out, err := f.RecordBirth(f.TB.Context(), c, q)
	if err != nil {
		f.TB.Fatalf("RecordBirth: %s", Explain(err))
	}
	return out
}

// Ending ends a plan a few days ago.
func Ending(registered *plan.RegisterPlanResult) *plan.EndPlanRequest {
	return &plan.EndPlanRequest{PlanID: registered.PlanID, Version: registered.Version, End: "2026-11-20", Reason: "review conference"}
}

// MustAcknowledge acknowledges a notice.
func (f *planSteps) MustAcknowledge(c *identity.Caller, n *notice.Notice) {
	f.TB.Helper()
	_, err := f.AcknowledgeNotice(f.TB.Context(), c, &notice.AcknowledgeRequest{NoticeID: n.ID, Version: n.Version, Outcome: notice.NoAction})
	if err != nil {
		f.TB.Fatalf("AcknowledgeNotice: %s", Explain(err))
	}
}

// MustListPlans returns the plans of all pages of a list.
func (f *planSteps) MustListPlans(c *identity.Caller, q plan.ListRequest) []plan.Listed {
	f.TB.Helper()
	var all []plan.Listed
	for pages := 0; pages == 0 || q.Paging.Page != ""; pages++ {
		if pages > 20 {
			f.TB.Fatal("there is no end")
		}
		page, err := f.ListPlans(f.TB.Context(), c, &q)
		if err != nil {
			f.TB.Fatalf("ListPlans: %s", Explain(err))
		}
		if q.Paging.Size > 0 && len(page.Plans) > q.Paging.Size {
			f.TB.Errorf("%d plans on a page of %d", len(page.Plans), q.Paging.Size)
		}
		all = append(all, page.Plans...)
		q.Paging.Page = page.Next
	}
	return all
}

// SecondLead works for the same authority as lead.
var SecondLead = func() *identity.Caller {
	c := *Lead
	c.ID, c.Name = "second-lead", "Test second-lead"
	return &c
}()

// Told is a notice as far as anybody can read it without a key.
type Told struct{ To, Kind, Organisation, Reference string }

// Told returns the notices of all authorities in the order in which they were
// made, those of one entry by authority.
func (f *planSteps) Told() []Told {
	f.TB.Helper()
	var all []Told
	f.all.AsSuperuser(func(conn *pgx.Conn) error {
		rows, err := conn.Query(f.TB.Context(), `
			SELECT authority, kind, organisation, reference
			FROM cpis.notice
			ORDER BY log, entry, authority, organisation`)
		if err != nil {
			return err
		}
		all, err = pgx.CollectRows(rows, pgx.RowToStructByPos[Told])
		return err
	})
	return all
}

// MustVersions returns the versions of a plan, the newest first.
func (f *planSteps) MustVersions(c *identity.Caller, id string) []plan.Version {
	f.TB.Helper()
	out, err := f.ListVersions(f.TB.Context(), c, &plan.ListVersionsRequest{PlanID: id})
	if err != nil {
		f.TB.Fatalf("ListVersions: %s", Explain(err))
	}
	return out.Versions
}

// AtOnce runs things at the same time and returns what became of them.
func AtOnce(things ...func() error) []error {
	errs := make([]error, len(things))
	var all sync.WaitGroup
	for i, do := range things {
		all.Go(func() { errs[i] = do() })
	}
	all.Wait()
	return errs
}

// ExpectOneWon expects that of things that were done at once one was done, and
// that the others failed as they should.
func ExpectOneWon(t *testing.T, errs []error, others ...error) {
	t.Helper()
	won := 0
	for _, err := range errs {
		if err == nil {
			won++
			continue
		}
		fits := false
		for _, other := range others {
			fits = fits || errors.Is(err, other)
		}
		if !fits {
			t.Errorf("who lost got %s, want one of %v", Explain(err), others)
		}
	}
	if won != 1 {
		t.Errorf("%d won, want one", won)
	}
}

// ExpectStale expects the error that names the version that is current.
func ExpectStale(t *testing.T, err error, current int) {
	t.Helper()
	if stale, ok := errors.AsType[*guard.StaleError](err); !ok || stale.Current != current {
		t.Errorf("got %s, want that version %d is current", Explain(err), current)
	}
}

// ExpectRefused expects that an act changed nothing and left its entry.
func (f *planSteps) ExpectRefused(t *testing.T, before Held, err, want error, reason string) {
	t.Helper()
	e := f.all.LastEntry()
	if !errors.Is(err, want) || e.Outcome != "refused" || e.Reason != reason {
		t.Errorf("got %s with entry %s, %q; want %v", Explain(err), e.Outcome, e.Reason, want)
	}
	if diff := cmp.Diff(before, f.all.Held()); diff != "" {
		t.Errorf("something changed (-before +after):\n%s", diff)
	}
}

// ExpectInvalid expects that one field was found wrong, and nothing changed.
func (f *planSteps) ExpectInvalid(t *testing.T, before Held, err error, field string) domain.Violation {
	t.Helper()
	if e := f.all.LastEntry(); e.Outcome != "invalid" {
		t.Errorf("entry %+v", e)
	}
	if diff := cmp.Diff(before, f.all.Held()); diff != "" {
		t.Errorf("something changed (-before +after):\n%s", diff)
	}
	v := ViolationsOf(t, err)
	if len(v) != 1 || v[0].Field != field {
		t.Errorf("got %+v, want only %s", v, field)
		return domain.Violation{}
	}
	return v[0]
}

// Removal removes a plan.
func Removal(registered *plan.RegisterPlanResult) *plan.RemovePlanRequest {
	return &plan.RemovePlanRequest{PlanID: registered.PlanID, Version: registered.Version, Reason: "the wrong child"}
}

// MustRemove removes a plan.
func (f *planSteps) MustRemove(c *identity.Caller, plan *plan.RegisterPlanResult) *plan.ChangeResult {
	f.TB.Helper()
	out, err := f.RemovePlan(f.TB.Context(), c, Removal(plan))
	if err != nil {
		f.TB.Fatalf("RemovePlan: %s", Explain(err))
	}
	return out
}

// Offer offers a plan of Islington to Camden.
func Offer(registered *plan.RegisterPlanResult) *plan.ProposeTransferRequest {
	return &plan.ProposeTransferRequest{PlanID: registered.PlanID, Version: registered.Version, To: Camden, Reason: "the family moved"}
}

// MustTransfer offers a plan of Islington to Camden.
func (f *planSteps) MustTransfer(plan *plan.RegisterPlanResult) *plan.ProposeTransferResult {
	f.TB.Helper()
	out, err := f.ProposeTransfer(f.TB.Context(), Lead, Offer(plan))
	if err != nil {
		f.TB.Fatalf("ProposeTransfer: %s", Explain(err))
	}
	return out
}

// Settlement decides about a transfer.
func Settlement(t *plan.ProposeTransferResult, d domain.Decision) *plan.DecideTransferRequest {
	return &plan.DecideTransferRequest{TransferID: t.TransferID, Decision: d, Reason: "conference held"}
}

// MustSettle decides about a transfer.
func (f *planSteps) MustSettle(c *identity.Caller, t *plan.ProposeTransferResult, d domain.Decision) *plan.DecideTransferResult {
	f.TB.Helper()
	out, err := f.DecideTransfer(f.TB.Context(), c, Settlement(t, d))
	if err != nil {
		f.TB.Fatalf("DecideTransfer: %s", Explain(err))
	}
	return out
}

// MustListTransfers returns the transfers that an authority sees.
func (f *planSteps) MustListTransfers(c *identity.Caller, q plan.TransferQuery) *plan.TransferPage {
	f.TB.Helper()
	out, err := f.ListTransfers(f.TB.Context(), c, &q)
	if err != nil {
		f.TB.Fatalf("ListTransfers: %s", Explain(err))
	}
	return out
}

// MustRegister registers a plan.
func (f *planSteps) MustRegister(c *identity.Caller, r *domain.Registration) *plan.RegisterPlanResult {
	f.TB.Helper()
	out, err := f.RegisterPlan(f.TB.Context(), c, r)
	if err != nil {
		f.TB.Fatalf("RegisterPlan: %s", Explain(err))
	}
	return out
}

// MustEnd ends a plan.
func (f *planSteps) MustEnd(c *identity.Caller, plan *plan.RegisterPlanResult, end string) *plan.ChangeResult {
	f.TB.Helper()
	q := Ending(plan)
	q.End = end
	out, err := f.EndPlan(f.TB.Context(), c, q)
	if err != nil {
		f.TB.Fatalf("EndPlan: %s", Explain(err))
	}
	return out
}

// MustGet gets what the caller's authority recorded.
func (f *planSteps) MustGet(c *identity.Caller, number string) *plan.OwnPerson {
	f.TB.Helper()
	out, err := f.GetPerson(f.TB.Context(), c, &plan.GetPersonRequest{NHSNumber: number})
	if err != nil {
		f.TB.Fatalf("GetPerson: %s", Explain(err))
	}
	return out
}
