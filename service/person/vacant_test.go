package person_test

import (
	"testing"

	"cpis/service/domain"
	"cpis/service/lookup"
	"cpis/service/plan"
	"cpis/service/upload"
)

// bornLater is rightCPP of somebody else.
func bornLater(r *domain.Registration) {
	r.Family, r.DateOfBirth = "Other", "2020-01-02"
}

// A number under which somebody restricted was registered in error is not taken
// from whose it is, nor does registering the plan anew lift the restriction.
func TestRemovePlan_OfSomebodyRestrictedFreesTheNumber(t *testing.T) {
	t.Parallel()
	f := newService(t)
	wrong := f.MustVacate()
	if a := f.MustLookUp(nurse, unscheduled(oldNumber)); a.Verdict != lookup.NoFlagKnown {
		t.Errorf("a look-up answers %s", a.Verdict)
	}
	held := f.MustRegister(otherLead, with(rightCPP(), bornLater))
	f.WantOther(held.PlanID)

	v := violationsOf(t, func() error { _, err := f.RegisterPlan(t.Context(), lead, rightCPP()); return err }())
	if len(v) != 1 || v[0].Field != "person.date_of_birth" {
		t.Errorf("the other date of birth again: %+v", v)
	}
	got, err := f.GetPlan(t.Context(), lead, &plan.GetPlanRequest{PlanID: wrong.PlanID})
	if err != nil || !got.Person.NHSNumber.IsZero() || !got.Person.DateOfBirth.IsZero() || got.Person.Given != "Robin" {
		t.Errorf("who made the error sees more than what it was: %s", explain(err))
	}
	if f.Damaged.Load() != 0 {
		t.Error("damage was reported")
	}
}

func TestRemovePlan_RegisteringAnewLiftsNoRestriction(t *testing.T) {
	t.Parallel()
	f := newService(t)
	f.MustVacate()
	plan := f.MustRegister(lead, rightCPP())
	if p := f.MustGet(lead, oldNumber); !p.Restricted || p.Plans[0].ID != plan.PlanID {
		t.Errorf("restricted %t", p.Restricted)
	}
	v := violationsOf(t, func() error {
		_, err := f.RegisterPlan(t.Context(), otherLead, with(rightCPP(), bornLater))
		return err
	}())
	if len(v) != 1 || v[0].Field != "person.date_of_birth" {
		t.Errorf("somebody else: %+v", v)
	}
}

func TestRemovePlan_AFileTakesTheNumberToo(t *testing.T) {
	t.Parallel()
	f := newService(t)
	f.MustVacate()
	f.MustApply(otherLead, upload.Request{Format: upload.CSV, Extent: upload.Delta},
		sheetHeader+sheetRow("date_of_birth=2020-01-02"))
	f.WantOther("")
}

func TestRemovePlan_AMergeTakesTheNumberToo(t *testing.T) {
	t.Parallel()
	for _, superseded := range []bool{false, true} {
		f := newService(t)
		f.MustVacate()
		plan := f.MustRegister(otherLead, under(newNumber, bornLater))
		id := f.MustPropose(otherLead, merging(newNumber, oldNumber, superseded))
		f.MustAccept(otherDeputy, id)
		f.WantOther(plan.PlanID)
		f.MustAccept(otherDeputy, f.MustPropose(otherLead, undoing(id)))
		if got := f.MustGet(otherLead, newNumber); got.Person.DateOfBirth.String() != "2020-01-02" || !got.Restricted {
			t.Errorf("superseded %t: undone, the authority has %+v", superseded, got.Plans)
		}
	}
}
