package person_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cpis/audit"
	"cpis/policy"
	"cpis/service/domain"
	"cpis/service/guard"
	"cpis/service/identity"
	"cpis/service/lookup"
	"cpis/service/person"
)

// deputy is a second person of lead's authority, otherDeputy of otherLead's.
var (
	otherDeputy = caller("other-deputy", camden, policy.LocalAuthority, policy.SafeguardingLead)
)

func TestRestriction_IsMadeAndLiftedByTwo(t *testing.T) {
	t.Parallel()
	f := newService(t)
	plan := f.MustRegister(lead, rightCPP())
	shown := func() *lookup.Answer { return f.MustLookUp(nurse, unscheduled(oldNumber)) }

	id := f.MustPropose(lead, proposal(person.Restrict, oldNumber))
	if n := f.NoticesTo(islington); len(n) != 1 || n[0].Kind != "change_proposed" || n[0].Reference != id {
		t.Errorf("the authority was told %+v", n)
	}
	if shown().Restricted {
		t.Error("a proposal restricts")
	}
	f.MustAccept(deputy, id)
	a := shown()
	if !a.Restricted || a.Verdict != lookup.FlagHeld || len(a.Plans) != 1 || a.Plans[0].ID != "" {
		t.Errorf("after it was accepted: %+v", a)
	}
	onlyHub(t, "restricted", a)
	_, err := f.ProposeChange(t.Context(), lead, proposal(person.Restrict, oldNumber))
	wantState(t, "restricting again", err, "restricted already")

	f.MustChange(proposal(person.LiftRestriction, oldNumber))
	if a := shown(); a.Restricted || len(a.Plans) != 1 || a.Plans[0].ID != plan.PlanID || a.Plans[0].Version != 1 {
		t.Errorf("after it was lifted: %+v", a)
	}
	_, err = f.ProposeChange(t.Context(), lead, proposal(person.LiftRestriction, oldNumber))
	wantState(t, "lifting again", err, "not restricted")
	if h := f.Held(); h.PersonVersions != 3 || h.PlanVersions != 1 {
		t.Errorf("%+v", h)
	}
	f.NothingInTheClear()
}

func TestProposal_LeavesItsEntries(t *testing.T) {
	t.Parallel()
	f := newService(t)
	f.MustRegister(lead, rightCPP())
	q := proposal(person.Restrict, oldNumber)
	q.Request = "request-1"
	made, err := f.ProposeChange(t.Context(), laSystem, q)
	if err != nil {
		t.Fatal(because(err))
	}
	e := f.LastEntry()
	want := audit.Entry{
		Version: 2, Time: noon, Salt: e.Salt, Policy: e.Policy, Assurance: 3, Actor: laSystem.ID, Client: lead.ClientID, Issuer: lead.Issuer,
		Organisation: islington, Role: "la_system", Action: "propose_change", Rule: "P24", Request: "request-1",
		Subject: f.Tag(oldNumber), Outcome: "done", Reason: "restrict",
		Shown: []audit.Shown{{Kind: "proposal", IDs: []string{made.ID}}},
	}
	if diff := cmp.Diff(want, e); diff != "" || made.Index != 1 {
		t.Errorf("entry of the proposal (-want +got):\n%s", diff)
	}
	if again, err := f.ProposeChange(t.Context(), laSystem, q); err != nil || again.ID != made.ID {
		t.Errorf("the same request again: %+v, %v", again, err)
	}
	d := &person.DecideChangeRequest{ChangeID: made.ID, Decision: domain.Accept, Reason: "yes", Request: "request-2"}
	ruled, err := f.DecideChange(t.Context(), deputy, d)
	if err != nil || ruled.State != domain.Accepted {
		t.Fatalf("%+v, %s", ruled, because(err))
	}
	e = f.LastEntry()
	want.Salt, want.Actor, want.Role, want.Action, want.Rule = e.Salt, deputy.ID, "safeguarding_lead", "decide_change", "P17"
	want.Request, want.Reason, want.Restricted = "request-2", "restrict_accepted", true
	want.Target, want.Shown = audit.Thing{Kind: "proposal", ID: made.ID}, nil
	if diff := cmp.Diff(want, e); diff != "" {
		t.Errorf("entry of the decision (-want +got):\n%s", diff)
	}
	if again, err := f.DecideChange(t.Context(), deputy, d); err != nil || again.Receipt != ruled.Receipt {
		t.Errorf("the same decision again: %+v, %v", again, err)
	}
	listed := f.MustListChanges(laSystem, false, guard.Paging{})
	if e := f.LastEntry(); e.Action != "list_plans" || e.Counts["changes"] != 1 || listed.Index != 5 {
		t.Errorf("entry of the list %+v", e)
	}
}

// Nobody accepts what they proposed themselves, and systems decide nothing.
func TestProposal_NeedsASecondPerson(t *testing.T) {
	t.Parallel()
	f := newService(t)
	f.MustRegister(lead, rightCPP())
	id := f.MustPropose(lead, proposal(person.Restrict, oldNumber))
	if err := f.Decide(lead, id, domain.Accept); !errors.Is(err, guard.ErrSamePerson) {
		t.Errorf("got %v, want %v", err, guard.ErrSamePerson)
	}
	if e := f.LastEntry(); e.Outcome != "refused" || e.Reason != "same_person" || string(e.Subject) != string(f.Tag(oldNumber)) || e.Restricted {
		t.Errorf("entry %+v", e)
	}
	for _, c := range []*identity.Caller{laSystem, nurse, auditor, privacyOfficer, administrator} {
		if err := f.Decide(c, id, domain.Accept); !errors.Is(err, guard.ErrDenied) {
			t.Errorf("%s: got %v, want %v", c.ID, err, guard.ErrDenied)
		}
	}
	for _, other := range []string{id, "01890000-0000-7000-8000-000000000000", "x", ""} {
		if err := f.Decide(otherLead, other, domain.Accept); !errors.Is(err, guard.ErrNotFound) {
			t.Errorf("another authority, %q: got %v, want %v", other, err, guard.ErrNotFound)
		}
	}
	if f.MustLookUp(nurse, unscheduled(oldNumber)).Restricted {
		t.Error("it was done all the same")
	}
	v := violationsOf(t, f.Decide(deputy, id, domain.Withdraw))
	if len(v) != 1 || v[0].Field != "decision" {
		t.Errorf("withdrawing what another proposed: %+v", v)
	}
	if err := f.Decide(lead, id, domain.Withdraw); err != nil {
		t.Errorf("withdrawing the own: %s", because(err))
	}
	wantState(t, "accepting what was withdrawn", f.Decide(deputy, id, domain.Accept), "withdrawn")
	id = f.MustPropose(lead, proposal(person.Restrict, oldNumber))
	if err := f.Decide(deputy, id, domain.Decline); err != nil {
		t.Errorf("declining: %s", because(err))
	}
	wantState(t, "accepting what was declined", f.Decide(deputy, id, domain.Accept), "declined")
}

func TestProposal_IsDecidedOnce(t *testing.T) {
	t.Parallel()
	f := newService(t)
	f.MustRegister(lead, rightCPP())
	id := f.MustPropose(laSystem, proposal(person.Restrict, oldNumber))
	errs := make([]error, 6)
	var all sync.WaitGroup
	for i := range errs {
		d := domain.Accept
		if i%3 == 2 {
			d = domain.Decline
		}
		all.Go(func() {
			_, errs[i] = f.DecideChange(t.Context(), []*identity.Caller{lead, deputy}[i%2],
				&person.DecideChangeRequest{ChangeID: id, Decision: d, Reason: "x"})
		})
	}
	all.Wait()
	won := 0
	for _, err := range errs {
		if err == nil {
			won++
		} else {
			wantState(t, "who came later", err, "decided before")
		}
	}
	if won != 1 {
		t.Errorf("%d decided it", won)
	}
	state := f.MustListChanges(lead, false, guard.Paging{}).Changes[0].State
	if restricted := f.MustLookUp(nurse, unscheduled(oldNumber)).Restricted; restricted != (state == domain.Accepted) {
		t.Errorf("it is %s, and the person restricted: %t", state, restricted)
	}
}

func TestProposal_OneOfAKindAtATime(t *testing.T) {
	t.Parallel()
	f := newService(t)
	f.MustRegister(lead, rightCPP())
	f.MustRegister(otherLead, rightLAC())
	id := f.MustPropose(lead, proposal(person.Restrict, oldNumber))
	_, err := f.ProposeChange(t.Context(), deputy, proposal(person.Restrict, oldNumber))
	wantState(t, "a second one", err, id)
	other := f.MustPropose(otherLead, proposal(person.Restrict, oldNumber)) // has nothing to do with that
	f.MustAccept(deputy, id)
	f.MustAccept(otherDeputy, other) // it is so already
	if h := f.Held(); h.PersonVersions != 2 {
		t.Errorf("%d versions", h.PersonVersions)
	}
}

func TestProposeChange_Refusals(t *testing.T) {
	t.Parallel()
	f := newService(t)
	f.MustRegister(lead, rightCPP())
	f.MustRegister(otherLead, with(rightCPP(), func(r *domain.Registration) { r.NHSNumber = newNumber }))
	past := f.MustRegister(lead, with(rightCPP(), func(r *domain.Registration) { r.NHSNumber, r.End = thirdNumber, "2026-09-02" }))
	f.Pretend(`UPDATE cpis.plan SET visible_until = '2026-11-01' WHERE id = $1`, past.PlanID)
	restrict := proposal(person.Restrict, oldNumber)
	before := f.Held()
	for name, tt := range map[string]struct {
		change func(*person.ProposeChangeRequest)
		want   error  // or
		field  string // that is wrong
	}{
		"whom nobody knows":                  {change: func(q *person.ProposeChangeRequest) { q.NHSNumber = numberAt(30) }, want: guard.ErrNotFound},
		"whom only others know":              {change: func(q *person.ProposeChangeRequest) { q.NHSNumber = newNumber }, want: guard.ErrNotFound},
		"with plans that are over":           {change: func(q *person.ProposeChangeRequest) { q.NHSNumber = thirdNumber }, want: guard.ErrState},
		"no kind":                            {change: func(q *person.ProposeChangeRequest) { q.Kind = "" }, field: "kind"},
		"what is no number":                  {change: func(q *person.ProposeChangeRequest) { q.NHSNumber = "1" }, field: "nhs_number"},
		"no reason":                          {change: func(q *person.ProposeChangeRequest) { q.Reason = "" }, field: "reason"},
		"with a second record":               {change: func(q *person.ProposeChangeRequest) { q.From = newNumber }, field: "from_nhs_number"},
		"of a superseded number":             {change: func(q *person.ProposeChangeRequest) { q.Superseded = true }, field: "from_nhs_number"},
		"of a merge":                         {change: func(q *person.ProposeChangeRequest) { q.MergeID = "x" }, field: "merge_id"},
		"undoing nothing":                    {change: func(q *person.ProposeChangeRequest) { q.Kind, q.NHSNumber = person.Unmerge, "" }, field: "merge_id"},
		"undoing a person":                   {change: func(q *person.ProposeChangeRequest) { q.Kind, q.MergeID = person.Unmerge, past.PlanID }, field: "nhs_number"},
		"undoing what is no merge":           {change: func(q *person.ProposeChangeRequest) { q.Kind, q.NHSNumber, q.MergeID = person.Unmerge, "", past.PlanID }, want: guard.ErrNotFound},
		"merging with itself":                {change: func(q *person.ProposeChangeRequest) { q.Kind, q.From = person.Merge, oldNumber }, field: "from_nhs_number"},
		"merging with what is no number":     {change: func(q *person.ProposeChangeRequest) { q.Kind, q.From = person.Merge, "2" }, field: "from_nhs_number"},
		"merging from whom only others know": {change: func(q *person.ProposeChangeRequest) { q.Kind, q.From = person.Merge, newNumber }, want: guard.ErrNotFound},
		"merging from whom nobody knows":     {change: func(q *person.ProposeChangeRequest) { q.Kind, q.From = person.Merge, numberAt(30) }, want: guard.ErrNotFound},
	} {
		q := *restrict
		tt.change(&q)
		_, err := f.ProposeChange(t.Context(), lead, &q)
		e := f.LastEntry()
		if tt.want != nil {
			if !errors.Is(err, tt.want) || e.Outcome != "refused" {
				t.Errorf("%s: got %v with entry %s", name, because(err), e.Outcome)
			}
		} else if v := violationsOf(t, err); len(v) != 1 || v[0].Field != tt.field || e.Outcome != "invalid" {
			t.Errorf("%s: got %+v with entry %s", name, v, e.Outcome)
		}
	}
	if diff := cmp.Diff(before, f.Held()); diff != "" {
		t.Errorf("something changed (-before +after):\n%s", diff)
	}
	if n := len(f.MustListChanges(lead, false, guard.Paging{}).Changes); n != 0 {
		t.Errorf("%d proposals", n)
	}
}

func TestListChanges_ShowsTheAuthoritysOwnNewestFirst(t *testing.T) {
	t.Parallel()
	f := newService(t)
	var ids []string
	for i := range 5 {
		f.MustRegister(lead, with(rightCPP(), func(r *domain.Registration) { r.NHSNumber, r.Given = numberAt(i), fmt.Sprint("Child ", i) }))
		f.MustRegister(otherLead, with(rightLAC(), func(r *domain.Registration) { r.NHSNumber, r.Given = numberAt(i), "Theirs" }))
		ids = append([]string{f.MustPropose(lead, proposal(person.Restrict, numberAt(i)))}, ids...)
		f.MustPropose(otherLead, proposal(person.Restrict, numberAt(i)))
	}
	f.Clock.Advance(time.Minute)
	if err := f.Decide(deputy, ids[0], domain.Decline); err != nil {
		t.Fatal(because(err))
	}
	var got []string
	for page := (guard.Paging{Size: 2}); ; {
		out := f.MustListChanges(deputy, false, page)
		for _, c := range out.Changes {
			got = append(got, c.ID)
			if c.Kind != person.Restrict || (c.State == domain.Open) != (c.Decided == nil) || !c.From.NHSNumber.IsZero() {
				t.Errorf("got %+v", c)
			}
		}
		if page.Page = out.Next; page.Page == "" {
			break
		}
	}
	if diff := cmp.Diff(ids, got); diff != "" {
		t.Errorf("pages (-want +got):\n%s", diff)
	}
	first := f.MustListChanges(lead, false, guard.Paging{Size: 1}).Changes[0]
	if p := first.Person; p.NHSNumber.Reveal() != numberAt(4) || p.Given != "Child 4" || p.DateOfBirth.String() != "2019-04-30" {
		t.Error("another person is shown")
	}
	want := domain.Change{Act: "restrict", Actor: lead.ID, Name: lead.Name, Organisation: islington, Reason: "the same child", At: noon}
	if diff := cmp.Diff(want, first.Proposed); diff != "" {
		t.Errorf("proposed by (-want +got):\n%s", diff)
	}
	want = domain.Change{Act: "decline", Actor: deputy.ID, Name: deputy.Name, Organisation: islington, Reason: "no, two", At: noon.Add(time.Minute)}
	if diff := cmp.Diff(&want, first.Decided); diff != "" {
		t.Errorf("decided by (-want +got):\n%s", diff)
	}
	if open := f.MustListChanges(lead, true, guard.Paging{}).Changes; len(open) != 4 || open[0].ID != ids[1] {
		t.Errorf("%d are open", len(open))
	}
	one, err := f.ListChanges(t.Context(), deputy, &person.ChangeQuery{ID: ids[3]})
	if err != nil || len(one.Changes) != 1 || one.Changes[0].ID != ids[3] || one.Next != "" || f.LastEntry().Target.ID != ids[3] {
		t.Errorf("one alone: %v, %+v", err, one)
	}
	for _, id := range []string{ids[3], "nonsense"} {
		if _, err := f.ListChanges(t.Context(), otherLead, &person.ChangeQuery{ID: id}); !errors.Is(err, guard.ErrNotFound) {
			t.Errorf("another authority asked for %s: %v", id, err)
		}
	}
	_, err = f.ListChanges(t.Context(), lead, &person.ChangeQuery{Paging: guard.Paging{Page: "x"}})
	if v := violationsOf(t, err); len(v) != 1 || v[0].Field != "page" {
		t.Errorf("a page that is none: %+v", v)
	}
	if _, err := f.ListChanges(t.Context(), nurse, &person.ChangeQuery{}); !errors.Is(err, guard.ErrDenied) {
		t.Errorf("a nurse: got %v, want %v", err, guard.ErrDenied)
	}
}

func TestProposals_WhileTheKeysAreAway(t *testing.T) {
	t.Parallel()
	f := newService(t)
	f.MustRegister(lead, rightCPP())
	id := f.MustPropose(lead, proposal(person.Restrict, oldNumber))
	s := f.Another() // whose cache is empty
	f.Keeper.TakeAway(true)
	_, proposed := s.Persons.ProposeChange(t.Context(), lead, proposal(person.Restrict, oldNumber))
	_, decided := s.Persons.DecideChange(t.Context(), deputy, &person.DecideChangeRequest{ChangeID: id, Decision: domain.Accept, Reason: "x"})
	_, listed := s.Persons.ListChanges(t.Context(), lead, &person.ChangeQuery{})
	_, replaced := s.Persons.ReplaceNHSNumber(t.Context(), lead, replacement(oldNumber, newNumber))
	for name, err := range map[string]error{"proposing": proposed, "deciding": decided, "listing": listed, "replacing": replaced} {
		if !errors.Is(err, guard.ErrUnavailable) {
			t.Errorf("%s: got %v, want %v", name, err, guard.ErrUnavailable)
		}
	}
	f.Keeper.TakeAway(false)
	if h := f.Held(); h.PersonVersions != 1 {
		t.Errorf("%d versions", h.PersonVersions)
	}
	f.MustAccept(deputy, id)
}

// What two people decide is decided by two people: a system's proposal and one
// person's consent are one person's, whoever else could be behind the system.
func TestProposal_OfASystemIsToRestrict(t *testing.T) {
	t.Parallel()
	f := newService(t)
	f.MustRegister(lead, with(rightCPP(), func(r *domain.Registration) { r.Restricted = true }))
	f.MustRegister(lead, under(newNumber, asLAC))
	before := f.Held()
	for _, q := range []*person.ProposeChangeRequest{
		proposal(person.LiftRestriction, oldNumber), merging(newNumber, oldNumber, true), merging(newNumber, oldNumber, false),
		{Kind: person.Unmerge, MergeID: "0199b0c4-5b7a-7c1e-8f00-000000000001", Reason: "no, two"},
	} {
		_, err := f.ProposeChange(t.Context(), laSystem, q)
		f.ExpectInvalid(t, before, err, "kind")
	}
	id := f.MustPropose(laSystem, proposal(person.Restrict, newNumber))
	f.MustAccept(lead, id)
}

// Who proposed and who accepts are compared as issuers compare them.
func TestProposal_ComparesActorsAsIssuersDo(t *testing.T) {
	t.Parallel()
	f := newService(t)
	f.MustRegister(lead, rightCPP())
	id := f.MustPropose(lead, proposal(person.Restrict, oldNumber))
	as := func(id, issuer string) *identity.Caller {
		c := *lead
		c.ID, c.Issuer = id, issuer
		return &c
	}
	for _, same := range []string{"lead", "LEAD", " Lead ", "le\u200bad"} {
		if err := f.Decide(as(same, lead.Issuer), id, domain.Accept); !errors.Is(err, guard.ErrSamePerson) {
			t.Errorf("%q: got %v, want %v", same, err, guard.ErrSamePerson)
		}
	}
	f.MustAccept(as("lead", "https://another.example"), id) // somebody else, of the same number there
	again := f.MustPropose(lead, proposal(person.LiftRestriction, oldNumber))
	if err := f.Decide(as("LEAD", lead.Issuer), again, domain.Withdraw); err != nil {
		t.Errorf("the same person takes it back: %s", because(err))
	}
}

// The database does not decide who proposed: what was sealed does.
func TestProposal_IsByWhoSealedIt(t *testing.T) {
	t.Parallel()
	f := newService(t)
	f.MustRegister(lead, rightCPP())
	id := f.MustPropose(lead, proposal(person.Restrict, oldNumber))
	f.Pretend(`UPDATE cpis.proposal SET proposed_by = 'deputy', proposed_issuer = ''`)
	if err := f.Decide(lead, id, domain.Accept); !errors.Is(err, guard.ErrSamePerson) {
		t.Errorf("got %v, want %v", err, guard.ErrSamePerson)
	}
}
