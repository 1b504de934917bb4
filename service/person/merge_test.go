package person_test

import (
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cpis/service/domain"
	"cpis/service/guard"
	"cpis/service/lookup"
	"cpis/service/person"
	"cpis/service/plan"
	"cpis/service/store"
)

// A plan under a wrong number goes to the right one, under which nothing was
// held. Nobody is found by the wrong number any more, and whom it belongs to can
// be registered.
func TestMerge_MovesAPlanToTheRightNumber(t *testing.T) {
	t.Parallel()
	f := newService(t)
	held := f.MustRegister(lead, under(oldNumber))
	f.MustLookUp(nurse, unscheduled(oldNumber))
	id := f.MustPropose(lead, merging(oldNumber, newNumber, false))
	f.WantFlags(oldNumber, false, held.PlanID)
	f.WantFlags(newNumber, false)
	if e := f.Entries(); e[2].Action != "propose_change" || e[2].Reason != "merge" || string(e[2].Subject) != string(f.Tag(newNumber)) {
		t.Errorf("entry of the proposal %+v", e[2])
	}
	f.MustAccept(deputy, id)
	e := f.LastEntry()
	if e.Reason != "merge_accepted" || e.Counts["moved"] != 1 || len(e.Disclosed) != 1 || e.Disclosed[0].Plan != held.PlanID || e.Disclosed[0].Version != 2 {
		t.Errorf("entry of the decision %+v", e)
	}
	f.WantFlags(oldNumber, false)
	f.WantFlags(newNumber, false, held.PlanID)
	q := unscheduled(newNumber)
	q.DateOfBirth = "2019-04-30"
	a := f.MustLookUp(nurse, q)
	if !a.IdentityChecked || a.Plans[0].Version != 2 || a.Superseded || len(a.History) != 1 {
		t.Errorf("got %+v", a) // what was looked up under the wrong number was somebody else
	}
	if _, err := f.GetPerson(t.Context(), lead, &plan.GetPersonRequest{NHSNumber: oldNumber}); !errors.Is(err, guard.ErrNotFound) {
		t.Errorf("the wrong number: got %v, want %v", err, guard.ErrNotFound)
	}
	if got := f.MustGet(lead, newNumber); len(got.Plans) != 1 || got.Plans[0].Details.Reference != "CASE-1042" || got.Person.Given != "Robin" {
		t.Errorf("the authority sees %+v", got)
	}
	theirs := f.MustRegister(otherLead, under(oldNumber, func(r *domain.Registration) { r.DateOfBirth = "2015-01-01" }))
	f.WantFlags(oldNumber, false, theirs.PlanID)
	f.WantFlags(newNumber, false, held.PlanID)
	f.WantVersions(held, "register", "merge")
	f.NothingInTheClear()
}

// Only the authority's own plans move away from a wrong number; those of others
// are about whom it belongs to.
func TestMerge_LeavesTheOthersWhereTheyAre(t *testing.T) {
	t.Parallel()
	f := newService(t)
	mine := f.MustRegister(lead, under(oldNumber))
	theirs := f.MustRegister(otherLead, under(oldNumber, asLAC))
	there := f.MustRegister(otherLead, under(newNumber))
	f.MustChange(merging(oldNumber, newNumber, false))
	f.WantFlags(oldNumber, false, theirs.PlanID)
	got, _ := f.Flags(newNumber)
	want := []string{mine.PlanID, there.PlanID}
	slices.Sort(want)
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("flags (-want +got):\n%s", diff)
	}
	if got := f.MustGet(otherLead, oldNumber).Plans; len(got) != 1 || got[0].Version != 1 {
		t.Errorf("the other's plan is %+v", got)
	}
	// Both have a child protection plan about the person, and are told.
	for authority, other := range map[string]string{islington: camden, camden: islington} {
		n := f.NoticesTo(authority)
		if i := slices.IndexFunc(n, func(n store.NoticeRow) bool { return n.Kind == "overlap" && n.Organisation == other }); i < 0 {
			t.Errorf("%s was told %v", authority, f.KindsTo(authority))
		}
	}
	if slices.Contains(f.KindsTo(camden), "merged") {
		t.Error("the other authority was told of a merge of which nothing concerns it")
	}
}

// Where the number was superseded, all move, whosever they are, with the history.
func TestMerge_OfASupersededNumberMovesAll(t *testing.T) {
	t.Parallel()
	f := newService(t)
	mine := f.MustRegister(lead, under(oldNumber))
	theirs := f.MustRegister(otherLead, under(oldNumber, asLAC, func(r *domain.Registration) { r.Given = "Theirs" }))
	there := f.MustRegister(otherLead, under(newNumber, func(r *domain.Registration) { r.Start = "2026-08-01" }))
	f.MustReplace(lead, oldNumber, numberAt(20)) // and before
	f.MustLookUp(nurse, unscheduled(oldNumber))
	f.Clock.Advance(time.Hour)
	_, err := f.ReplaceNHSNumber(t.Context(), lead, replacement(numberAt(20), newNumber))
	if v := violationsOf(t, err); len(v) != 1 || v[0].Field != "new_nhs_number" {
		t.Errorf("replacing instead: %+v", v)
	}
	f.MustChange(merging(numberAt(20), newNumber, true))
	all := []string{theirs.PlanID, mine.PlanID, there.PlanID}
	for number, superseded := range map[string]bool{oldNumber: true, numberAt(20): true, newNumber: false} {
		f.WantFlags(number, superseded, all...)
		q := unscheduled(number)
		q.DateOfBirth = "2019-04-30"
		if a := f.MustLookUp(nurse, q); !a.IdentityChecked || len(a.History) != 1 || !a.History[0].At.Equal(noon) ||
			a.History[0].Who != "Test nurse, Tester" {
			t.Errorf("%s: checked %t, history %+v", number, a.IdentityChecked, a.History)
		}
		got := f.MustGet(otherLead, number)
		if len(got.Plans) != 2 || got.Person.NHSNumber.Reveal() != newNumber {
			t.Errorf("%s: the other authority sees %+v", number, got.Plans)
		}
	}
	n := f.NoticesTo(camden)
	i := slices.IndexFunc(n, func(n store.NoticeRow) bool { return n.Kind == "merged" })
	if i < 0 || n[i].Organisation != islington {
		t.Errorf("the other authority was told %v", f.KindsTo(camden))
	}
	versions, err := f.ListVersions(t.Context(), otherLead, &plan.ListVersionsRequest{PlanID: theirs.PlanID})
	if err != nil || len(versions.Versions) != 2 {
		t.Fatalf("%+v, %v", versions, err)
	}
	if c := versions.Versions[0].Change; c.Act != "merge" || c.Organisation != islington || c.Actor != "" || c.Name != "" || c.Reason != "" {
		t.Errorf("the other authority reads %+v", c)
	}
	if v := versions.Versions[0]; v.Given != "Theirs" {
		t.Errorf("the name is %q now", v.Given)
	}
}

// What is restricted in one of two records stays so in the one.
func TestMerge_KeepsRestrictions(t *testing.T) {
	t.Parallel()
	restricted := func(r *domain.Registration) { r.Restricted = true }
	for name, tt := range map[string]struct{ from, into func(*domain.Registration) }{
		"of whose plans move": {from: restricted, into: asLAC},
		"of who stays":        {from: func(*domain.Registration) {}, into: func(r *domain.Registration) { asLAC(r); restricted(r) }},
	} {
		for _, superseded := range []bool{false, true} {
			f := newService(t)
			f.MustRegister(lead, under(oldNumber, tt.from))
			f.MustRegister(otherLead, under(newNumber, tt.into))
			f.MustChange(merging(oldNumber, newNumber, superseded))
			if e := f.LastEntry(); !e.Restricted {
				t.Errorf("%s, superseded %t: entry %+v", name, superseded, e)
			}
			a := f.MustLookUp(nurse, unscheduled(newNumber))
			if !a.Restricted || len(a.Plans) != 2 {
				t.Errorf("%s, superseded %t: %+v", name, superseded, a)
			}
			for _, n := range f.NoticesTo(camden) {
				if (n.Kind == "merged" || n.Kind == "overlap") && n.Organisation != "" {
					t.Errorf("%s, superseded %t: the other authority was told who: %+v", name, superseded, n)
				}
			}
		}
	}
}

func TestMerge_Refusals(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		superseded bool
		before     func(*fixture)
		says       string // why not
		field      string // or what is wrong
		notFound   bool   // or that it is not
	}{
		"another date of birth": {
			before: func(f *fixture) {
				f.MustRegister(otherLead, under(newNumber, func(r *domain.Registration) { r.DateOfBirth = "2019-05-01" }))
			},
			field: "from_nhs_number",
		},
		"a plan that overlaps": {before: func(f *fixture) { f.MustRegister(lead, under(newNumber)) }, says: "overlaps with your plan"},
		"a plan from the same day": {
			before: func(f *fixture) {
				f.MustRegister(lead, under(newNumber, func(r *domain.Registration) { r.End = r.Start }))
			},
			says: "overlaps with your plan",
		},
		"nothing under the new number": {superseded: true, before: func(*fixture) {}, field: "nhs_number"},
		"a plan that is offered": {
			before: func(f *fixture) {
				f.MustOffer(lead, f.PlanIDs(oldNumber)[0], camden)
			},
			says: "is offered to another authority",
		},
		"another's plan that is offered": {
			superseded: true,
			before: func(f *fixture) {
				f.MustRegister(lead, under(newNumber, asLAC))
				f.MustOffer(otherLead, f.MustRegister(otherLead, under(oldNumber, asLAC)).PlanID, "E09000033")
			},
			says: "is being transferred",
		},
		"the same record": {
			superseded: true,
			before:     func(f *fixture) { f.MustReplace(lead, oldNumber, newNumber) },
			field:      "from_nhs_number",
		},
		"removed plans only": {
			before:   func(f *fixture) { f.Pretend(`UPDATE cpis.plan SET removed = true`) },
			notFound: true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newService(t)
			f.MustRegister(lead, under(oldNumber))
			tt.before(f)
			before := f.Held()
			_, err := f.ProposeChange(t.Context(), lead, merging(oldNumber, newNumber, tt.superseded))
			switch {
			case tt.notFound:
				if !errors.Is(err, guard.ErrNotFound) {
					t.Errorf("got %v, want %v", because(err), guard.ErrNotFound)
				}
			case tt.field != "":
				if v := violationsOf(t, err); len(v) != 1 || v[0].Field != tt.field {
					t.Errorf("got %+v, want %s", v, tt.field)
				}
			default:
				wantState(t, name, err, tt.says)
			}
			if diff := cmp.Diff(before, f.Held()); diff != "" {
				t.Errorf("something changed (-before +after):\n%s", diff)
			}
		})
	}
}

// What came between the proposal and its acceptance is looked at again.
func TestMerge_MayBeOvertaken(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		superseded bool
		between    func(*fixture)
		says       string
	}{
		"somebody was registered under the number": {
			between: func(f *fixture) {
				f.MustRegister(otherLead, under(newNumber, func(r *domain.Registration) { r.DateOfBirth = "2015-01-01" }))
			},
			says: "overtaken",
		},
		"the plans were moved elsewhere": {
			between: func(f *fixture) { f.MustChange(merging(oldNumber, thirdNumber, false)) },
			says:    "overtaken",
		},
		"the record was merged away": {
			between: func(f *fixture) {
				f.MustRegister(otherLead, under(thirdNumber, asLAC))
				f.MustChange(merging(oldNumber, thirdNumber, true))
			},
			says: "overtaken",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newService(t)
			plan := f.MustRegister(lead, under(oldNumber))
			id := f.MustPropose(lead, merging(oldNumber, newNumber, tt.superseded))
			tt.between(f)
			wantState(t, name, f.Decide(deputy, id, domain.Accept), tt.says)
			if err := f.Decide(deputy, id, domain.Decline); err != nil {
				t.Errorf("declining: %s", because(err))
			}
			for _, number := range []string{oldNumber, thirdNumber} {
				if got, _ := f.Flags(number); slices.Contains(got, plan.PlanID) {
					return
				}
			}
			t.Error("the flag was lost")
		})
	}
}

// A proposal about somebody whose record was merged protects whom the number
// leads to now; a restriction of another record is not lifted by it.
func TestMerge_AndProposalsAboutThePerson(t *testing.T) {
	t.Parallel()
	f := newService(t)
	f.MustRegister(lead, under(oldNumber))
	f.MustRegister(otherLead, under(newNumber, asLAC))
	id := f.MustPropose(otherLead, proposal(person.Restrict, newNumber))
	mine := f.MustPropose(lead, proposal(person.Restrict, oldNumber))
	f.MustChange(merging(oldNumber, newNumber, true))
	f.MustAccept(deputy, mine)
	if a := f.MustLookUp(nurse, unscheduled(newNumber)); !a.Restricted {
		t.Error("the person is not restricted")
	}
	f.MustAccept(otherDeputy, id) // it is so already

	f = newService(t)
	f.MustRegister(lead, under(oldNumber, func(r *domain.Registration) { r.Restricted = true }))
	f.MustRegister(otherLead, under(newNumber, asLAC))
	lift := f.MustPropose(lead, proposal(person.LiftRestriction, oldNumber))
	f.MustChange(merging(oldNumber, newNumber, true))
	wantState(t, "lifting", f.Decide(deputy, lift, domain.Accept), "overtaken")
}

// Registrations under the number whose record is merged end up with whom the
// number leads to, whichever comes first: no flag is lost.
func TestMerge_AndARegistrationAtOnce(t *testing.T) {
	t.Parallel()
	f := newService(t)
	for i := range 6 {
		from, into := numberAt(30+2*i), numberAt(31+2*i)
		f.MustRegister(lead, under(from))
		f.MustRegister(lead, under(into, func(r *domain.Registration) { r.Start, r.End = "2025-01-01", "2026-06-01" }))
		id := f.MustPropose(lead, merging(from, into, true))
		var all sync.WaitGroup
		var merged, registered error
		var late *plan.RegisterPlanResult
		all.Go(func() { merged = f.Decide(deputy, id, domain.Accept) })
		all.Go(func() {
			late, registered = f.RegisterPlan(t.Context(), otherLead, under(from, asLAC))
		})
		all.Wait()
		if merged != nil || registered != nil {
			t.Fatalf("merging: %s; registering: %s", because(merged), explain(registered))
		}
		for _, number := range []string{from, into} {
			if got, _ := f.Flags(number); len(got) != 3 || !slices.Contains(got, late.PlanID) {
				t.Errorf("flags %v, want three with the late one", got)
			}
		}
	}
}

// Look-ups see either what was before or what is after, and never nothing.
func TestMerge_LookUpsSeeBeforeOrAfter(t *testing.T) {
	t.Parallel()
	f := newService(t)
	f.MustRegister(lead, under(oldNumber))
	f.MustRegister(otherLead, under(newNumber, asLAC))
	done := make(chan struct{})
	var all sync.WaitGroup
	for _, number := range []string{oldNumber, newNumber} {
		all.Go(func() {
			for {
				a, err := f.LookUp(t.Context(), gp, &lookup.Question{NHSNumber: number, DateOfBirth: "2019-04-30"})
				if err != nil || a.Verdict != lookup.FlagHeld || len(a.Plans) == 0 || a.Degraded {
					t.Errorf("%s: %v, %+v", number, err, a)
					return
				}
				select {
				case <-done:
					return
				default:
				}
			}
		})
	}
	for range 4 {
		merge := f.MustChange(merging(oldNumber, newNumber, true))
		f.MustChange(&person.ProposeChangeRequest{Kind: person.Unmerge, MergeID: merge, Reason: "no, two"})
	}
	close(done)
	all.Wait()
	if f.Damaged.Load() != 0 {
		t.Error("damage was reported")
	}
}

// The index key rotates between merges.
func TestMerge_WhileTheIndexKeyRotates(t *testing.T) {
	t.Parallel()
	f := newService(t)
	mine := f.MustRegister(lead, under(oldNumber))
	theirs := f.MustRegister(otherLead, under(newNumber, asLAC))
	stale := f.AnotherWith(f.OpenRing()) // will not notice the new key in time
	f.MustRotateIndexKey()
	f.Clock.Advance(time.Second)
	third := f.MustRegister(lead, under(thirdNumber, func(r *domain.Registration) { r.Start, r.End = "2025-01-01", "2026-06-01" }))
	id := f.MustPropose(lead, merging(oldNumber, newNumber, true))
	if _, err := stale.Persons.DecideChange(t.Context(), deputy, &person.DecideChangeRequest{ChangeID: id, Decision: domain.Accept, Reason: "x"}); err != nil {
		t.Fatal(because(err))
	}
	gone := f.MustChange(merging(thirdNumber, numberAt(30), false)) // leaves somebody who is not to be found
	found := func() {
		t.Helper()
		f.WantFlags(oldNumber, true, theirs.PlanID, mine.PlanID)
		f.WantFlags(newNumber, false, theirs.PlanID, mine.PlanID)
		f.WantFlags(numberAt(30), false, third.PlanID)
		f.WantFlags(thirdNumber, false)
	}
	found()
	f.MustReplaceIndexKey()
	found()
	f.Clock.Advance(time.Second)
	found()
	f.MustChange(&person.ProposeChangeRequest{Kind: person.Unmerge, MergeID: id, Reason: "no, two"})
	f.MustChange(&person.ProposeChangeRequest{Kind: person.Unmerge, MergeID: gone, Reason: "no, two"})
	f.WantFlags(oldNumber, false, mine.PlanID)
	f.WantFlags(newNumber, false, theirs.PlanID)
	f.WantFlags(thirdNumber, false, third.PlanID)
	f.WantFlags(numberAt(30), false)
}
