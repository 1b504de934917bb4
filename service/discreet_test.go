package service_test

import (
	"errors"
	"testing"

	"cpis/service"
)

// Whom only other authorities know takes no longer to not find than nobody: no
// key is asked for, nor made.
func TestWhomOnlyOthersKnow_NoKeyIsAskedFor(t *testing.T) {
	t.Parallel()
	f := newService(t)
	f.MustRegister(otherLead, rightCPP())
	s := f.another() // whose cache is empty
	// From now on the lead is known as a colleague, which takes a key of its own.
	_, _ = s.ProposeChange(t.Context(), lead, proposal(service.Restrict, thirdNumber))
	before := [2]int64{f.Keeper.wraps.Load(), f.Keeper.unwraps.Load()}
	_, replaced := s.ReplaceNHSNumber(t.Context(), lead, replacement(oldNumber, newNumber))
	_, restricted := s.ProposeChange(t.Context(), lead, proposal(service.Restrict, oldNumber))
	_, lifted := s.ProposeChange(t.Context(), lead, proposal(service.LiftRestriction, oldNumber))
	_, merged := s.ProposeChange(t.Context(), lead, merging(oldNumber, newNumber, false))
	_, joined := s.ProposeChange(t.Context(), lead, merging(oldNumber, newNumber, true))
	_, into := s.ProposeChange(t.Context(), lead, merging(newNumber, oldNumber, true))
	for name, err := range map[string]error{
		"replacing": replaced, "restricting": restricted, "lifting": lifted,
		"merging": merged, "merging a superseded one": joined, "merging into it": into,
	} {
		if !errors.Is(err, service.ErrNotFound) {
			t.Errorf("%s: got %v, want %v", name, because(err), service.ErrNotFound)
		}
	}
	if after := [2]int64{f.Keeper.wraps.Load(), f.Keeper.unwraps.Load()}; after != before {
		t.Errorf("the keeper was asked: %v wraps and unwraps, then %v", before, after)
	}
}

// Entries say that somebody is restricted also where an act was refused, or only
// a list was read.
func TestEntries_SayThatSomebodyIsRestricted(t *testing.T) {
	t.Parallel()
	f := newService(t)
	plan := f.MustRegister(lead, with(rightCPP(), func(r *service.Registration) { r.Restricted = true }))
	id := f.MustPropose(lead, proposal(service.LiftRestriction, oldNumber))
	if err := f.decide(lead, id, service.Accept); !errors.Is(err, service.ErrSamePerson) {
		t.Fatalf("got %v, want %v", err, service.ErrSamePerson)
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
	f.MustList(lead, false, service.Paging{})
	if e := f.LastEntry(); e.Outcome != "done" || !e.Restricted {
		t.Errorf("entry of a list %+v", e)
	}
}
