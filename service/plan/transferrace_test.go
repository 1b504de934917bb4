package plan_test

import (
	"testing"

	"cpis/service/domain"
	"cpis/service/guard"
	"cpis/service/identity"
	"cpis/service/plan"
)

// Acceptances, a withdrawal and changes of the plan at the same moment: one
// decision stands, and the plan has one owner.
func TestTransfer_OfDecisionsAtOnceOneWins(t *testing.T) {
	t.Parallel()
	f := newService(t)
	for i := range 5 {
		held := f.MustRegister(lead, with(rightCPP(), func(r *domain.Registration) { r.NHSNumber = numberAt(i) }))
		offered := f.MustTransfer(held)
		decide := func(c *identity.Caller, d domain.Decision) func() error {
			return func() error {
				_, err := f.DecideTransfer(t.Context(), c, settlement(offered, d))
				return err
			}
		}
		errs := atOnce(
			decide(otherLead, domain.Accept), decide(otherLead, domain.Accept), decide(otherLead, domain.Decline),
			decide(lead, domain.Withdraw),
		)
		expectOneWon(t, errs, guard.ErrState)
		if v := f.Held().PlanVersions; v != 3*(i+1) {
			t.Errorf("%d versions, want %d", v, 3*(i+1))
		}
		owners := 0
		for _, c := range []*identity.Caller{lead, otherLead} {
			if _, err := f.GetPlan(t.Context(), c, &plan.GetPlanRequest{PlanID: held.PlanID}); err == nil {
				owners++
			}
		}
		if owners != 1 {
			t.Errorf("the plan has %d owners", owners)
		}
	}
}

func TestTransfer_AcceptedWhileTheSenderChanges(t *testing.T) {
	t.Parallel()
	f := newService(t)
	for i := range 5 {
		plan := f.MustRegister(lead, with(rightCPP(), func(r *domain.Registration) { r.NHSNumber = numberAt(i) }))
		offered := f.MustTransfer(plan)
		plan.Version = 2
		errs := atOnce(
			func() error {
				_, err := f.DecideTransfer(t.Context(), otherLead, settlement(offered, domain.Accept))
				return err
			},
			func() error { _, err := f.RemovePlan(t.Context(), lead, removal(plan)); return err },
		)
		expectOneWon(t, errs, guard.ErrState, guard.ErrNotFound)
	}
}

func TestTransfer_AskedAgainAnswersAsBefore(t *testing.T) {
	t.Parallel()
	f := newService(t)
	plan := f.MustRegister(lead, rightCPP())
	q := offer(plan)
	q.Request = "request-2"
	first, err := f.ProposeTransfer(t.Context(), lead, q)
	if err != nil {
		t.Fatal(explain(err))
	}
	again, err := f.ProposeTransfer(t.Context(), lead, q)
	if err != nil || *again != *first {
		t.Errorf("got %+v, then %+v, %s", first, again, explain(err))
	}
	d := settlement(first, domain.Accept)
	d.Request = "request-3"
	settled, err := f.DecideTransfer(t.Context(), otherLead, d)
	if err != nil {
		t.Fatal(explain(err))
	}
	if again, err := f.DecideTransfer(t.Context(), otherLead, d); err != nil || *again != *settled {
		t.Errorf("got %+v, then %+v, %s", settled, again, explain(err))
	}
	if n := len(f.Told()); n != 2 {
		t.Errorf("%d notices, want 2", n)
	}
}
