package plan_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cpis/service/guard"
	"cpis/service/lookup"
	"cpis/service/plan"
)

func TestRemovePlan_VanishesFromFlagsAndStaysInTheLog(t *testing.T) {
	t.Parallel()
	f := newService(t)
	held := f.MustRegister(lead, rightCPP())
	before := f.Entries()
	if got := f.MustRemove(lead, held); got.Version != 2 || !got.VisibleUntil.IsZero() {
		t.Errorf("got %+v", got)
	}
	if a := f.MustLookUp(nurse, unscheduled("9990000018")); a.Verdict != lookup.NoFlagKnown {
		t.Errorf("a look-up answers %s", a.Verdict)
	}
	if _, err := f.GetPerson(t.Context(), lead, &plan.GetPersonRequest{NHSNumber: "9990000018"}); !errors.Is(err, guard.ErrNotFound) {
		t.Errorf("the person: got %v, want %v", err, guard.ErrNotFound)
	}
	after := f.Entries()
	if diff := cmp.Diff(before, after[:len(before)]); diff != "" {
		t.Errorf("earlier entries differ (-before +after):\n%s", diff)
	}
	e := after[len(before)]
	if e.Action != "remove_plan" || e.Rule != "P11" || e.Outcome != "done" || string(e.Subject) != string(f.Tag("9990000018")) {
		t.Errorf("entry %+v", e)
	}
	got, err := f.GetPlan(t.Context(), lead, &plan.GetPlanRequest{PlanID: held.PlanID})
	if err != nil || !got.Plan.Removed || got.Plan.Version != 2 {
		t.Errorf("the plan: %+v, %s", got, explain(err))
	}
	want := []string{"2 remove by lead", "1 register by lead"}
	versions := f.MustVersions(lead, held.PlanID)
	if diff := cmp.Diff(want, acts(versions)); diff != "" || versions[0].Change.Reason != "the wrong child" {
		t.Errorf("versions (-want +got):\n%s", diff)
	}
}

// What was removed is in nobody's way: the same plan may be registered again.
func TestRemovePlan_MakesRoom(t *testing.T) {
	t.Parallel()
	f := newService(t)
	first := f.MustRegister(lead, rightCPP())
	f.MustRemove(lead, first)
	second := f.MustRegister(lead, rightCPP())
	if a := f.MustLookUp(nurse, unscheduled("9990000018")); len(a.Plans) != 1 || a.Plans[0].ID != second.PlanID {
		t.Errorf("a look-up shows %+v", a.Plans)
	}
}

func TestRemovePlan_Refusals(t *testing.T) {
	t.Parallel()
	f := newService(t)
	registered := f.MustRegister(lead, rightCPP())
	before := f.Held()
	for field, change := range map[string]func(*plan.RemovePlanRequest){
		"reason":  func(q *plan.RemovePlanRequest) { q.Reason = "" },
		"version": func(q *plan.RemovePlanRequest) { q.Version = -1 },
	} {
		q := removal(registered)
		change(q)
		_, err := f.RemovePlan(t.Context(), lead, q)
		f.ExpectInvalid(t, before, err, field)
	}
	_, err := f.RemovePlan(t.Context(), otherLead, removal(registered))
	f.ExpectRefused(t, before, err, guard.ErrNotFound, "not_found")
	if _, err := f.RemovePlan(t.Context(), nurse, removal(registered)); !errors.Is(err, guard.ErrDenied) {
		t.Errorf("a nurse: got %v, want %v", err, guard.ErrDenied)
	}
	f.MustEnd(lead, registered, "2026-11-20")
	before = f.Held()
	_, err = f.RemovePlan(t.Context(), lead, removal(registered))
	expectStale(t, err, 2)
	f.ExpectRefused(t, before, err, guard.ErrConflict, "changed_meanwhile")
	registered.Version = 2
	f.MustRemove(lead, registered) // also one that has ended
	registered.Version, before = 3, f.Held()
	_, err = f.RemovePlan(t.Context(), lead, removal(registered))
	f.ExpectRefused(t, before, err, guard.ErrState, "state")
}
