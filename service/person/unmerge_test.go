package person_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"cpis/service/domain"
	"cpis/service/guard"
	"cpis/service/identity"
	"cpis/service/person"
	"cpis/service/plan"
)

func TestUnmerge_MovesBackWhatAMergeMoved(t *testing.T) {
	t.Parallel()
	f := newService(t)
	plan := f.MustRegister(lead, under(oldNumber))
	merge := f.MustChange(merging(oldNumber, newNumber, false))
	id := f.MustPropose(deputy, undoing(merge))
	f.WantFlags(newNumber, false, plan.PlanID)
	if err := f.Decide(deputy, id, domain.Accept); !errors.Is(err, guard.ErrSamePerson) {
		t.Errorf("got %v, want %v", err, guard.ErrSamePerson)
	}
	f.MustAccept(lead, id)
	if e := f.LastEntry(); e.Reason != "unmerge_accepted" || e.Counts["moved"] != 1 || e.Disclosed[0].Version != 3 {
		t.Errorf("entry %+v", e)
	}
	f.WantFlags(oldNumber, false, plan.PlanID)
	f.WantFlags(newNumber, false)
	f.WantVersions(plan, "register", "merge", "unmerge")
	_, err := f.ProposeChange(t.Context(), lead, undoing(merge))
	wantState(t, "undoing again", err, "undone before")
	listed := f.MustListChanges(lead, false, guard.Paging{}).Changes
	if len(listed) != 2 || listed[0].Kind != person.Unmerge || listed[0].Person.NHSNumber.Reveal() != newNumber ||
		listed[0].From.NHSNumber.Reveal() != oldNumber {
		t.Errorf("%d proposals, the first a %s", len(listed), listed[0].Kind)
	}
	f.MustRegister(otherLead, under(newNumber, func(r *domain.Registration) { r.DateOfBirth = "2015-01-01" }))
	f.NothingInTheClear()
}

// Two records of one person are two again: each with the numbers and plans that
// it had, those that were registered meanwhile with whom the number was of.
func TestUnmerge_OfASupersededNumber(t *testing.T) {
	t.Parallel()
	f := newService(t)
	mine := f.MustRegister(lead, under(oldNumber))
	theirs := f.MustRegister(otherLead, under(oldNumber, asLAC))
	there := f.MustRegister(otherLead, under(newNumber, func(r *domain.Registration) { r.Start = "2026-08-01" }))
	f.MustLookUp(nurse, unscheduled(oldNumber))
	f.Clock.Advance(time.Hour)
	merge := f.MustChange(merging(oldNumber, newNumber, true))
	lateOld := f.MustRegister(lead, under(oldNumber, asLAC, func(r *domain.Registration) { r.Start = "2026-11-01" }))
	lateNew := f.MustRegister(lead, under(newNumber, func(r *domain.Registration) { r.Start, r.End = "2025-01-01", "2026-07-01" }))
	f.MustReplace(lead, newNumber, thirdNumber)
	f.MustChange(undoing(merge))

	f.WantFlags(oldNumber, false, lateOld.PlanID, theirs.PlanID, mine.PlanID)
	f.WantFlags(newNumber, true, there.PlanID, lateNew.PlanID)
	f.WantFlags(thirdNumber, false, there.PlanID, lateNew.PlanID)
	if a := f.MustLookUp(nurse, unscheduled(thirdNumber)); len(a.History) == 0 || !a.History[len(a.History)-1].WrongPatient {
		t.Errorf("history of the other person: %+v", a.History)
	}
	if a := f.MustLookUp(nurse, unscheduled(oldNumber)); len(a.History) != 1 || a.History[0].WrongPatient || !a.History[0].At.Equal(noon) {
		t.Errorf("history of the person: %+v", a.History)
	}
	told := 0
	for _, n := range f.NoticesTo(camden) {
		if n.Kind == "merged" {
			told++
		}
	}
	if told != 3 { // of the merge, and then of each of the two
		t.Errorf("the other authority was told %d times: %v", told, f.KindsTo(camden))
	}
	if got := f.MustGet(otherLead, oldNumber); len(got.Plans) != 1 || got.Plans[0].Version != 3 || got.Person.NHSNumber.Reveal() != oldNumber {
		t.Errorf("the other authority's plan is %+v", got.Plans)
	}
}

// A merge is undone in the order in which merges were made.
func TestUnmerge_OfAChain(t *testing.T) {
	t.Parallel()
	f := newService(t)
	a, b, c := oldNumber, newNumber, thirdNumber
	first := f.MustRegister(lead, under(a))
	second := f.MustRegister(otherLead, under(b, asLAC))
	third := f.MustRegister(otherLead, under(c, func(r *domain.Registration) { r.Start = "2026-08-01" }))
	intoB := f.MustChange(merging(a, b, true))
	intoC := f.MustChange(merging(b, c, true))
	for number, superseded := range map[string]bool{a: true, b: true, c: false} {
		f.WantFlags(number, superseded, second.PlanID, first.PlanID, third.PlanID)
	}
	_, err := f.ProposeChange(t.Context(), lead, undoing(intoB))
	wantState(t, "the first before the second", err, "undo a later merge first")
	f.MustChange(undoing(intoC))
	f.WantFlags(a, true, second.PlanID, first.PlanID)
	f.WantFlags(b, false, second.PlanID, first.PlanID)
	f.WantFlags(c, false, third.PlanID)
	f.MustChange(undoing(intoB))
	f.WantFlags(a, false, first.PlanID)
	f.WantFlags(b, false, second.PlanID)
	f.WantFlags(c, false, third.PlanID)
	f.WantVersions(first, "register", "merge", "merge", "unmerge", "unmerge")
	f.MustChange(merging(a, c, true)) // and may be merged anew
	f.WantFlags(a, true, first.PlanID, third.PlanID)
}

func TestUnmerge_OfWrongNumbersOneAfterTheOther(t *testing.T) {
	t.Parallel()
	f := newService(t)
	plan := f.MustRegister(lead, under(oldNumber))
	first := f.MustChange(merging(oldNumber, newNumber, false))
	second := f.MustChange(merging(newNumber, thirdNumber, false))
	f.WantFlags(thirdNumber, false, plan.PlanID)
	_, err := f.ProposeChange(t.Context(), lead, undoing(first))
	wantState(t, "the first before the second", err, "undo that one first")
	f.MustChange(undoing(second))
	f.MustChange(undoing(first))
	f.WantFlags(oldNumber, false, plan.PlanID)
	f.WantFlags(newNumber, false)
	f.WantFlags(thirdNumber, false)
}

// What became of the plans since the merge goes with them.
func TestUnmerge_AfterTheyChanged(t *testing.T) {
	t.Parallel()
	f := newService(t)
	ended := f.MustRegister(lead, under(oldNumber))
	removed := f.MustRegister(lead, under(oldNumber, asLAC))
	moved := f.MustRegister(lead, under(oldNumber, func(r *domain.Registration) { r.Start, r.End = "2025-01-01", "2026-06-01" }))
	merge := f.MustChange(merging(oldNumber, newNumber, false))
	for _, p := range []*plan.RegisterPlanResult{ended, removed, moved} {
		p.Version = f.VersionOf(p)
	}
	f.MustEnd(lead, ended, "2026-11-20")
	if _, err := f.RemovePlan(t.Context(), lead, &plan.RemovePlanRequest{PlanID: removed.PlanID, Version: 2, Reason: "x"}); err != nil {
		t.Fatal(explain(err))
	}
	// One is another authority's by now, which took it as about this person.
	f.Pretend(`UPDATE cpis.plan SET authority = $2 WHERE id = $1`, moved.PlanID, camden)
	f.MustChange(undoing(merge))
	f.WantFlags(oldNumber, false, ended.PlanID)
	f.WantFlags(newNumber, false, moved.PlanID)
	if a := f.MustLookUp(nurse, unscheduled(oldNumber)); !a.Plans[0].Ended || a.Plans[0].Version != 4 {
		t.Errorf("got %+v", a.Plans[0])
	}
	if !slices.Contains(f.KindsTo(camden), "merged") {
		t.Error("whose plan stays was not told")
	}
	row, err := f.DB.Plans.Versions(t.Context(), uuid.MustParse(removed.PlanID))
	if err != nil || len(row) != 3 || !row[0].Removed {
		t.Errorf("what was removed has %d versions, %v", len(row), err)
	}
}

func TestUnmerge_AfterATransfer(t *testing.T) {
	t.Parallel()
	f := newService(t)
	registered := f.MustRegister(lead, under(oldNumber))
	f.MustRegister(otherLead, under(newNumber, asLAC))
	merge := f.MustChange(merging(oldNumber, newNumber, true))
	transfer := f.MustOffer(lead, registered.PlanID, camden)
	_, err := f.ProposeChange(t.Context(), lead, undoing(merge))
	wantState(t, "while it is offered", err, "is offered")
	if _, err := f.DecideTransfer(t.Context(), otherLead, &plan.DecideTransferRequest{TransferID: transfer, Decision: domain.Accept, Reason: "yes"}); err != nil {
		t.Fatal(explain(err))
	}
	f.MustChange(undoing(merge))
	f.WantFlags(oldNumber, false, registered.PlanID)
	if got := f.MustGet(otherLead, oldNumber).Plans; len(got) != 1 || got[0].ID != registered.PlanID {
		t.Errorf("whose it is by now sees %+v", got)
	}
	if e := f.LastEntry(); e.Action != "get_person" {
		t.Errorf("entry %+v", e)
	}
}

func TestUnmerge_Refusals(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		superseded bool
		since      func(*fixture)
		says       string
	}{
		"all were removed": {
			since: func(f *fixture) { f.Pretend(`UPDATE cpis.plan SET removed = true`) },
			says:  "none of the plans",
		},
		"somebody else has the number": {
			since: func(f *fixture) {
				f.MustRegister(otherLead, under(oldNumber, func(r *domain.Registration) { r.DateOfBirth = "2015-01-01" }))
			},
			says: "leads to another record",
		},
		"the number is the current one": {
			superseded: true,
			since:      func(f *fixture) { f.MustReplace(otherLead, newNumber, oldNumber) },
			says:       "is the current one",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newService(t)
			f.MustRegister(lead, under(oldNumber))
			f.MustRegister(otherLead, under(newNumber, asLAC))
			merge := f.MustChange(merging(oldNumber, newNumber, tt.superseded))
			open := f.MustPropose(lead, undoing(merge))
			tt.since(f)
			_, err := f.ProposeChange(t.Context(), lead, undoing(merge))
			wantState(t, "proposing", err, tt.says)
			wantState(t, "accepting", f.Decide(deputy, open, domain.Accept), tt.says)
			for _, c := range []*identity.Caller{otherLead, otherDeputy} {
				if _, err := f.ProposeChange(t.Context(), c, undoing(merge)); !errors.Is(err, guard.ErrNotFound) {
					t.Errorf("another authority: got %v, want %v", err, guard.ErrNotFound)
				}
			}
		})
	}
	f := newService(t)
	f.MustRegister(lead, under(oldNumber))
	merge := f.MustPropose(lead, merging(oldNumber, newNumber, false))
	_, err := f.ProposeChange(t.Context(), lead, undoing(merge))
	wantState(t, "of what is not accepted", err, "not accepted")
}

// A plan beside which it could not have been registered keeps another from
// going back.
func TestUnmerge_MustNotOverlap(t *testing.T) {
	t.Parallel()
	f := newService(t)
	f.MustRegister(lead, under(oldNumber))
	f.MustRegister(otherLead, under(oldNumber, asLAC))
	merge := f.MustChange(merging(oldNumber, newNumber, false))
	f.MustRegister(lead, under(oldNumber))
	_, err := f.ProposeChange(t.Context(), lead, undoing(merge))
	wantState(t, "with a new one there", err, "overlaps with your plan")
}

// Of who was restricted as one person, both are.
func TestUnmerge_KeepsRestrictions(t *testing.T) {
	t.Parallel()
	for _, superseded := range []bool{false, true} {
		f := newService(t)
		f.MustRegister(lead, under(oldNumber))
		f.MustRegister(lead, under(newNumber, asLAC))
		merge := f.MustChange(merging(oldNumber, newNumber, superseded))
		f.MustChange(proposal(person.Restrict, newNumber))
		f.MustChange(undoing(merge))
		for _, number := range []string{oldNumber, newNumber} {
			if a := f.MustLookUp(nurse, unscheduled(number)); !a.Restricted || len(a.Plans) != 1 {
				t.Errorf("superseded %t, %s: %+v", superseded, number, a)
			}
		}
	}
}
