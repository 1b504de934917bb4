package lookup_test

import (
	"errors"
	"testing"

	"cpis/service/domain"
	"cpis/service/guard"
	"cpis/service/person"
)

// Whom only other authorities know takes no longer to not find than nobody: no
// key is asked for, nor made.
func TestWhomOnlyOthersKnow_NoKeyIsAskedFor(t *testing.T) {
	t.Parallel()
	f := newService(t)
	f.MustRegister(otherLead, rightCPP())
	s := f.Another() // whose cache is empty
	// From now on the lead is known as a colleague, which takes a key of its own.
	_, _ = s.Persons.ProposeChange(t.Context(), lead, proposal(person.Restrict, thirdNumber))
	before := [2]int64{f.Keeper.Wraps.Load(), f.Keeper.Unwraps.Load()}
	_, replaced := s.Persons.ReplaceNHSNumber(t.Context(), lead, replacement(oldNumber, newNumber))
	_, restricted := s.Persons.ProposeChange(t.Context(), lead, proposal(person.Restrict, oldNumber))
	_, lifted := s.Persons.ProposeChange(t.Context(), lead, proposal(person.LiftRestriction, oldNumber))
	_, merged := s.Persons.ProposeChange(t.Context(), lead, merging(oldNumber, newNumber, false))
	_, joined := s.Persons.ProposeChange(t.Context(), lead, merging(oldNumber, newNumber, true))
	_, into := s.Persons.ProposeChange(t.Context(), lead, merging(newNumber, oldNumber, true))
	for name, err := range map[string]error{
		"replacing": replaced, "restricting": restricted, "lifting": lifted,
		"merging": merged, "merging a superseded one": joined, "merging into it": into,
	} {
		if !errors.Is(err, guard.ErrNotFound) {
			t.Errorf("%s: got %v, want %v", name, because(err), guard.ErrNotFound)
		}
	}
	if after := [2]int64{f.Keeper.Wraps.Load(), f.Keeper.Unwraps.Load()}; after != before {
		t.Errorf("the keeper was asked: %v wraps and unwraps, then %v", before, after)
	}
}

// Entries say that somebody is restricted also where an act was refused, or only
// a list was read.
func TestEntries_SayThatSomebodyIsRestricted(t *testing.T) {
	t.Parallel()
	f := newService(t)
	plan := f.MustRegister(lead, with(rightCPP(), func(r *domain.Registration) { r.Restricted = true }))
	id := f.MustPropose(lead, proposal(person.LiftRestriction, oldNumber))
	if err := f.Decide(lead, id, domain.Accept); !errors.Is(err, guard.ErrSamePerson) {
		t.Fatalf("got %v, want %v", err, guard.ErrSamePerson)
	}
	if e := f.LastEntry(); e.Outcome != "refused" || !e.Restricted {
		t.Errorf("entry of a decision that was refused %+v", e)
	}
	plan.Version = 7
	_, err := f.RemovePlan(t.Context(), lead, removal(plan))
	expectStale(t, err, 1)
	if e := f.LastEntry(); e.Outcome != "refused" || !e.Restricted {
		t.Errorf("entry of a removal that was refused %+v", e)
	}
	f.MustListChanges(lead, false, guard.Paging{})
	if e := f.LastEntry(); e.Outcome != "done" || !e.Restricted {
		t.Errorf("entry of a list %+v", e)
	}
}
