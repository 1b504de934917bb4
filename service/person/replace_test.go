package person_test

import (
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cpis/audit"
	"cpis/service/domain"
	"cpis/service/guard"
	"cpis/service/identity"
	"cpis/service/lookup"
	"cpis/service/notice"
	"cpis/service/person"
	"cpis/service/plan"
	"cpis/service/record"
)

func TestReplaceNHSNumber_LookUpsFindThePersonByBoth(t *testing.T) {
	t.Parallel()
	f := newService(t)
	plan := f.MustRegister(lead, rightCPP())
	f.MustReplace(lead, oldNumber, newNumber)
	f.WantFlags(oldNumber, true, plan.PlanID)
	f.WantFlags(newNumber, false, plan.PlanID)

	for _, number := range []string{oldNumber, newNumber} {
		q := unscheduled(number)
		q.DateOfBirth = "2019-05-01"
		if a := f.MustLookUp(nurse, q); a.Verdict != lookup.CannotSay || a.Reason != lookup.IdentityMismatch || a.Superseded {
			t.Errorf("%s with another date of birth: %s %s", number, a.Verdict, a.Reason)
		}
		q.DateOfBirth = "2019-04-30"
		if a := f.MustLookUp(nurse, q); a.Verdict != lookup.FlagHeld || !a.IdentityChecked {
			t.Errorf("%s with the date of birth: %s", number, a.Verdict)
		}
		got := f.MustGet(lead, number)
		if got.Person.NHSNumber.Reveal() != newNumber || len(got.Plans) != 1 {
			t.Errorf("%s: the authority does not see the number that is current, with its plan", number)
		}
	}
	list, err := f.LookUpMany(t.Context(), gp, &lookup.ClinicList{
		Items: []lookup.ClinicItem{{NHSNumber: oldNumber}, {NHSNumber: newNumber}}, Setting: domain.GeneralPractice,
	})
	if err != nil || len(list.Items) != 2 {
		t.Fatalf("LookUpMany: %s", explain(err))
	}
	for i, item := range list.Items {
		if item.Answer == nil || item.Answer.Verdict != lookup.FlagHeld || item.Answer.Superseded != (i == 0) {
			t.Errorf("item %d of a clinic list: %+v", i, item)
		}
	}
	if f.Damaged.Load() != 0 {
		t.Error("damage was reported")
	}
}

func TestReplaceNHSNumber_LeavesItsEntryAndNothingInTheClear(t *testing.T) {
	t.Parallel()
	f := newService(t)
	f.MustRegister(lead, rightCPP())
	q := replacement(oldNumber, newNumber)
	q.Request = "request-9"
	out, err := f.ReplaceNHSNumber(t.Context(), lead, q)
	if err != nil {
		t.Fatal(explain(err))
	}
	e := f.LastEntry()
	want := audit.Entry{
		Version: 2, Time: noon, Salt: e.Salt, Policy: e.Policy, Assurance: 3, Actor: lead.ID, Client: lead.ClientID, Issuer: lead.Issuer,
		Organisation: islington, Role: "safeguarding_lead", Action: "replace_number", Rule: "P15", Request: "request-9",
		Subject: f.Tag(oldNumber), Outcome: "done",
	}
	if diff := cmp.Diff(want, e); diff != "" || out.Index != 1 {
		t.Errorf("entry %d (-want +got):\n%s", out.Index, diff)
	}
	again, err := f.ReplaceNHSNumber(t.Context(), lead, q)
	if err != nil || again.Receipt != out.Receipt {
		t.Errorf("the same request again: %+v, %v", again, err)
	}
	q.New = thirdNumber
	if _, err := f.ReplaceNHSNumber(t.Context(), lead, q); !errors.Is(err, guard.ErrReused) {
		t.Errorf("its id with other content: got %v, want %v", err, guard.ErrReused)
	}
	f.NothingInTheClear()
}

func TestReplaceNHSNumber_TellsTheOtherAuthorities(t *testing.T) {
	t.Parallel()
	for _, restricted := range []bool{false, true} {
		f := newService(t)
		f.MustRegister(lead, rightCPP())
		other := f.MustRegister(otherLead, with(rightLAC(), func(r *domain.Registration) { r.Restricted = restricted }))
		f.MustReplace(lead, oldNumber, newNumber)
		if got := f.KindsTo(islington); slices.Contains(got, "number_replaced") {
			t.Errorf("the authority itself was told %v", got)
		}
		notices := f.NoticesTo(camden)
		if len(notices) != 1 || notices[0].Kind != "number_replaced" || (notices[0].Organisation == "") != restricted {
			t.Errorf("restricted %t: the other authority was told %+v", restricted, notices)
		}
		if got := f.MustGet(otherLead, newNumber).Plans; len(got) != 1 || got[0].ID != other.PlanID || got[0].Version != 1 {
			t.Errorf("its plan is %+v", got)
		}
	}
}

func TestReplaceNHSNumber_TwiceAndBack(t *testing.T) {
	t.Parallel()
	f := newService(t)
	plan := f.MustRegister(lead, rightCPP())
	f.MustReplace(lead, oldNumber, newNumber)
	f.MustReplace(lead, newNumber, thirdNumber)
	f.WantFlags(oldNumber, true, plan.PlanID)
	f.WantFlags(newNumber, true, plan.PlanID)
	f.WantFlags(thirdNumber, false, plan.PlanID)
	if got := len(f.MustGet(lead, newNumber).Person.Former); got != 2 {
		t.Errorf("%d former numbers, want 2", got)
	}
	f.MustReplace(lead, thirdNumber, newNumber) // one step back
	f.WantFlags(oldNumber, true, plan.PlanID)
	f.WantFlags(newNumber, false, plan.PlanID)
	f.WantFlags(thirdNumber, false)
}

func TestReplaceNHSNumber_Refusals(t *testing.T) {
	t.Parallel()
	f := newService(t)
	f.MustRegister(lead, rightCPP())
	f.MustRegister(otherLead, with(rightCPP(), func(r *domain.Registration) { r.NHSNumber = newNumber }))
	replaced := numberAt(7)
	f.MustRegister(lead, with(rightCPP(), func(r *domain.Registration) { r.NHSNumber = replaced }))
	f.MustReplace(lead, replaced, numberAt(8))
	before := f.Held()
	for name, tt := range map[string]struct {
		change func(*person.ReplaceNHSNumberRequest)
		want   error  // or
		field  string // that is wrong
		reason string // in the entry
	}{
		"of somebody whom nobody knows":      {change: func(q *person.ReplaceNHSNumberRequest) { q.Old = numberAt(30) }, want: guard.ErrNotFound, reason: "not_found"},
		"of somebody whom only others know":  {change: func(q *person.ReplaceNHSNumberRequest) { q.Old, q.New = newNumber, thirdNumber }, want: guard.ErrNotFound, reason: "not_found"},
		"by the number of another record":    {change: func(q *person.ReplaceNHSNumberRequest) { q.New = newNumber }, field: "new_nhs_number"},
		"by itself":                          {change: func(q *person.ReplaceNHSNumberRequest) { q.New = "999 000 0018" }, field: "new_nhs_number"},
		"of a number that was replaced":      {change: func(q *person.ReplaceNHSNumberRequest) { q.Old = replaced }, field: "old_nhs_number"},
		"with another date of birth":         {change: func(q *person.ReplaceNHSNumberRequest) { q.DateOfBirth = "2019-05-01" }, field: "date_of_birth", reason: "identity_mismatch"},
		"without a date of birth":            {change: func(q *person.ReplaceNHSNumberRequest) { q.DateOfBirth = "" }, field: "date_of_birth"},
		"by what is no number":               {change: func(q *person.ReplaceNHSNumberRequest) { q.New = "9990000019" }, field: "new_nhs_number"},
		"of what is no number":               {change: func(q *person.ReplaceNHSNumberRequest) { q.Old = "1" }, field: "old_nhs_number"},
		"without a reason":                   {change: func(q *person.ReplaceNHSNumberRequest) { q.Reason = " " }, field: "reason"},
		"by a number in no form that is one": {change: func(q *person.ReplaceNHSNumberRequest) { q.New = "" }, field: "new_nhs_number"},
	} {
		q := replacement(oldNumber, thirdNumber)
		tt.change(q)
		_, err := f.ReplaceNHSNumber(t.Context(), lead, q)
		e := f.LastEntry()
		if tt.want != nil {
			if !errors.Is(err, tt.want) || e.Outcome != "refused" || e.Reason != tt.reason {
				t.Errorf("%s: got %v with entry %s, %s", name, err, e.Outcome, e.Reason)
			}
		} else if v := violationsOf(t, err); len(v) != 1 || v[0].Field != tt.field || e.Outcome != "invalid" || e.Reason != tt.reason {
			t.Errorf("%s: got %+v with entry %s, %s", name, v, e.Outcome, e.Reason)
		}
	}
	if diff := cmp.Diff(before, f.Held()); diff != "" {
		t.Errorf("something changed (-before +after):\n%s", diff)
	}
	for _, c := range []*identity.Caller{nurse, gp, auditor, administrator, privacyOfficer} {
		if _, err := f.ReplaceNHSNumber(t.Context(), c, replacement(oldNumber, thirdNumber)); !errors.Is(err, guard.ErrDenied) {
			t.Errorf("%s: got %v, want %v", c.ID, err, guard.ErrDenied)
		}
	}
}

// A registration under the new number and the replacement by it meet: one of
// them is refused, and nobody is flagged as somebody else.
func TestReplaceNHSNumber_AndARegistrationAtOnce(t *testing.T) {
	t.Parallel()
	f := newService(t)
	for i := range 5 {
		from, to := numberAt(10+2*i), numberAt(11+2*i)
		plan := f.MustRegister(lead, with(rightCPP(), func(r *domain.Registration) { r.NHSNumber = from }))
		var all sync.WaitGroup
		var replaced, registered error
		all.Go(func() { _, replaced = f.ReplaceNHSNumber(t.Context(), lead, replacement(from, to)) })
		all.Go(func() {
			_, registered = f.RegisterPlan(t.Context(), otherLead, with(rightCPP(), func(r *domain.Registration) {
				r.NHSNumber, r.DateOfBirth = to, "2018-01-01"
			}))
		})
		all.Wait()
		if (replaced == nil) == (registered == nil) {
			t.Errorf("replacing: %s; registering somebody else: %s", explain(replaced), explain(registered))
		}
		f.WantFlags(from, replaced == nil, plan.PlanID)
	}
}

// A plan that is registered under a former number is about the same person.
func TestRegisterPlan_UnderAFormerNumber(t *testing.T) {
	t.Parallel()
	f := newService(t)
	first := f.MustRegister(lead, rightCPP())
	f.MustReplace(lead, oldNumber, newNumber)
	second := f.MustRegister(otherLead, with(rightLAC(), func(r *domain.Registration) { r.Start = "2026-10-01" }))
	f.WantFlags(oldNumber, true, second.PlanID, first.PlanID)
	f.WantFlags(newNumber, false, second.PlanID, first.PlanID)
	if h := f.Held(); h.Persons != 1 {
		t.Errorf("%d persons", h.Persons)
	}
	_, err := f.RegisterPlan(t.Context(), lead, rightCPP())
	if v := violationsOf(t, err); len(v) != 1 || v[0].Field != "start" {
		t.Errorf("registering the first again: %+v", v)
	}
}

// The index key rotates: who has former numbers is found by all of them at each
// step, also where the number is replaced in between.
func TestIndexKeyRotatesForFormerNumbers(t *testing.T) {
	t.Parallel()
	f := newService(t)
	plan := f.MustRegister(lead, rightCPP())
	f.MustReplace(lead, oldNumber, newNumber)
	late := f.MustRegister(lead, with(rightCPP(), func(r *domain.Registration) { r.NHSNumber = numberAt(20) }))
	stale := f.AnotherWith(f.OpenRing()) // will not notice the new key in time
	found := func() {
		t.Helper()
		f.WantFlags(oldNumber, true, plan.PlanID)
		f.WantFlags(newNumber, false, plan.PlanID)
		f.WantFlags(numberAt(20), true, late.PlanID)
		f.WantFlags(numberAt(21), true, late.PlanID)
		f.WantFlags(numberAt(22), false, late.PlanID)
	}
	f.MustRotateIndexKey()
	f.Clock.Advance(time.Second)
	f.MustReplace(lead, numberAt(20), numberAt(21))
	if _, err := stale.Persons.ReplaceNHSNumber(t.Context(), lead, replacement(numberAt(21), numberAt(22))); err != nil {
		t.Fatal(explain(err))
	}
	found()
	f.Clock.Advance(2 * time.Minute)
	if _, err := operatorOf(f, 0).RetireIndex(t.Context(), false); !errors.Is(err, record.ErrRotating) {
		t.Errorf("before all is tagged anew: got %v, want %v", err, record.ErrRotating)
	}
	f.MustReplaceIndexKey()
	found()
	f.Clock.Advance(time.Second)
	found()
	if f.Ring.IndexVersion() != 2 || f.Damaged.Load() != 0 {
		t.Errorf("key %d; damage reported %d times", f.Ring.IndexVersion(), f.Damaged.Load())
	}
}

// A plan under a wrong number that is removed does not stand in the way of whom
// the number belongs to; a restriction stays with the number.
func TestRemovePlan_LeavesTheNumberToWhomItBelongs(t *testing.T) {
	t.Parallel()
	f := newService(t)
	for _, restricted := range []bool{false, true} {
		number := numberAt(10)
		if restricted {
			number = numberAt(11)
		}
		r := with(rightCPP(), func(r *domain.Registration) { r.NHSNumber, r.Restricted = number, restricted })
		registered := f.MustRegister(lead, r)
		second := f.MustRegister(lead, with(rightLAC(), func(r *domain.Registration) { r.NHSNumber = number }))
		other := with(rightCPP(), func(r *domain.Registration) { r.NHSNumber, r.DateOfBirth = number, "2018-01-01" })
		for i, p := range []*plan.RegisterPlanResult{registered, second} {
			if _, err := f.RegisterPlan(t.Context(), otherLead, other); err == nil {
				t.Fatalf("somebody else was registered while %d plans were held", 2-i)
			}
			if _, err := f.RemovePlan(t.Context(), lead, &plan.RemovePlanRequest{PlanID: p.PlanID, Version: 1, Reason: "x"}); err != nil {
				t.Fatal(explain(err))
			}
		}
		f.MustRegister(otherLead, other)
		r.Restricted = false
		if _, err := f.RegisterPlan(t.Context(), lead, r); err == nil {
			t.Errorf("restricted %t: the first was registered again", restricted)
		}
		if a := f.MustLookUp(nurse, unscheduled(number)); a.Restricted != restricted || a.Verdict != lookup.FlagHeld {
			t.Errorf("restricted %t: %+v", restricted, a)
		}
	}
}

// A number that was given by mistake and taken back is whose it is: nobody is
// found by it, and another authority registers the child it belongs to.
func TestReplaceNHSNumber_ThereAndBackFreesTheNumber(t *testing.T) {
	t.Parallel()
	f := newService(t)
	plan := f.MustRegister(lead, rightCPP())
	f.MustRegister(otherLead, rightLAC()) // before the mistake
	f.Clock.Advance(time.Minute)
	f.MustReplace(lead, oldNumber, newNumber)
	f.MustReplace(lead, newNumber, thirdNumber)
	f.MustReplace(lead, thirdNumber, oldNumber)
	if e := f.LastEntry(); e.Reason != "taken_back" {
		t.Errorf("the entry says %q", e.Reason)
	}
	for _, number := range []string{newNumber, thirdNumber} {
		f.WantFlags(number, false)
		theirs := f.MustRegister(otherLead, with(rightCPP(), func(r *domain.Registration) {
			r.NHSNumber, r.DateOfBirth, r.Given = number, "2020-02-02", "Another"
		}))
		f.WantFlags(number, false, theirs.PlanID)
	}
	if got := f.MustGet(lead, oldNumber); len(got.Person.Former) != 0 || got.Plans[0].ID != plan.PlanID {
		t.Errorf("got %+v", got)
	}
	told := f.MustInbox(otherLead, notice.InboxQuery{Kind: notice.NumberReplaced}).Notices
	if len(told) != 3 || told[0].Text == "" || told[1].Text != "" {
		t.Errorf("the other authority was told %+v", told)
	}
}

// A number stays with the person where it was theirs before, where another
// authority relied on it, and where taking it back could lift a restriction.
func TestReplaceNHSNumber_ThereAndBackKeepsWhatOthersRelyOn(t *testing.T) {
	t.Parallel()
	for name, prepare := range map[string]func(*fixture){
		"another authority registered meanwhile": func(f *fixture) {
			f.MustReplace(lead, oldNumber, newNumber)
			f.MustRegister(otherLead, under(newNumber, asLAC))
		},
		"the person is restricted": func(f *fixture) {
			f.MustReplace(lead, oldNumber, newNumber)
			f.MustChange(proposal(person.Restrict, newNumber))
		},
		"two people said that both are theirs": func(f *fixture) {
			f.MustRegister(lead, under(newNumber, asLAC))
			f.MustChange(merging(oldNumber, newNumber, true))
		},
	} {
		f := newService(t)
		f.MustRegister(lead, under(oldNumber))
		prepare(f)
		f.MustReplace(lead, newNumber, oldNumber)
		if got, former := f.Flags(newNumber); !former || len(got) == 0 && !f.MustGet(lead, oldNumber).Restricted {
			t.Errorf("%s: a look-up of the number finds %v, superseded %t", name, got, former)
		}
	}
}

// Whoever claims a number that somebody else holds hears what they hear who
// register under it: without that person's date of birth nothing but that it
// does not fit, and from a proposal nothing at all.
func TestNumbersAreClaimedWithProof(t *testing.T) {
	t.Parallel()
	f := newService(t)
	f.MustRegister(lead, rightCPP())
	f.MustRegister(otherLead, under(newNumber, func(r *domain.Registration) { r.DateOfBirth = "2018-01-01" }))
	f.MustRegister(otherLead, under(thirdNumber)) // with the same date of birth
	before := f.Held()
	mismatch := func(name, field string, err error) {
		t.Helper()
		v := violationsOf(t, err)
		want := domain.Violation{Field: field, Problem: "does not fit this NHS number: check both, and trace the number again"}
		if e := f.LastEntry(); len(v) != 1 || v[0] != want || e.Reason != "identity_mismatch" {
			t.Errorf("%s: got %+v, with entry %s", name, v, e.Reason)
		}
	}
	_, err := f.ReplaceNHSNumber(t.Context(), lead, replacement(oldNumber, newNumber))
	mismatch("replaced", "date_of_birth", err)
	_, err = f.RegisterPlan(t.Context(), lead, under(newNumber))
	mismatch("registered", "person.date_of_birth", err)
	_, err = f.ReplaceNHSNumber(t.Context(), lead, replacement(oldNumber, thirdNumber))
	if v := violationsOf(t, err); len(v) != 1 || v[0].Field != "new_nhs_number" {
		t.Errorf("with the date of birth: %+v", v)
	}
	for number, reason := range map[string]string{newNumber: "identity_mismatch", numberAt(40): "not_found"} {
		_, err := f.ProposeChange(t.Context(), lead, merging(number, oldNumber, true))
		if e := f.LastEntry(); !errors.Is(err, guard.ErrNotFound) || e.Reason != reason {
			t.Errorf("proposed to merge: %v, with entry %s, want %s", err, e.Reason, reason)
		}
	}
	if diff := cmp.Diff(before, f.Held()); diff != "" {
		t.Errorf("something changed (-before +after):\n%s", diff)
	}
}
