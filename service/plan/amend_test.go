package plan_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cpis/audit"
	"cpis/service/domain"
	"cpis/service/guard"
	"cpis/service/identity"
	"cpis/service/lookup"
	"cpis/service/plan"
)

func TestAmendPlan_MakesAVersionAndAnEntry(t *testing.T) {
	t.Parallel()
	f := newService(t)
	registered := f.MustRegister(lead, rightLAC())
	f.Clock.Advance(time.Hour)
	q := amendment(registered, rightLAC())
	q.Given, q.Start, q.Basis, q.Reference, q.Request = "Robin Lee", "2026-08-01", domain.S31, "CASE-7", "request-2"
	got := f.MustAmend(secondLead, q)
	if got.Version != 2 || !got.VisibleUntil.IsZero() || got.Index != 1 {
		t.Errorf("got %+v", got)
	}
	e := f.LastEntry()
	want := audit.Entry{
		Version: 2, Time: noon.Add(time.Hour), Salt: e.Salt, Policy: e.Policy, Assurance: 3, Actor: secondLead.ID, Client: lead.ClientID, Issuer: lead.Issuer,
		Organisation: islington, Role: "safeguarding_lead", Action: "amend_plan", Rule: "P10", Request: "request-2",
		Target:  audit.Thing{Kind: "plan", ID: registered.PlanID},
		Subject: f.Tag("9990000018"), Outcome: "done", Disclosed: []audit.Disclosed{{Plan: registered.PlanID, Version: 2}},
	}
	if diff := cmp.Diff(want, e); diff != "" {
		t.Errorf("entry (-want +got):\n%s", diff)
	}
	p := f.MustGet(lead, "9990000018")
	wantPlan := plan.Plan{
		ID: registered.PlanID, Version: 2, Changed: noon.Add(time.Hour),
		Details: domain.Details{Kind: domain.LAC, Start: day(t, "2026-08-01"), Basis: domain.S31, Reference: "CASE-7"},
	}
	if diff := cmp.Diff(wantPlan, p.Plans[0], cmp.AllowUnexported(domain.Date{})); diff != "" || p.Person.Given != "Robin Lee" {
		t.Errorf("plan (-want +got):\n%s", diff)
	}
	if a := f.MustLookUp(nurse, unscheduled("9990000018")); a.Plans[0].Version != 2 || a.Plans[0].Start.String() != "2026-08-01" {
		t.Errorf("a look-up shows %+v", a.Plans[0])
	}
}

func TestAmendPlan_WhereNothingDiffersMakesNoVersion(t *testing.T) {
	t.Parallel()
	f := newService(t)
	plan := f.MustRegister(lead, rightUCPP())
	before := f.Held()
	q := amendment(plan, rightUCPP())
	q.Request = "request-2"
	q.Given = " Alex " // white space around a name is not part of it
	got := f.MustAmend(lead, q)
	if got.Version != 1 || got.VisibleUntil.String() != "2027-03-01" {
		t.Errorf("got %+v", got)
	}
	if diff := cmp.Diff(before, f.Held()); diff != "" {
		t.Errorf("something changed (-before +after):\n%s", diff)
	}
	if e := f.LastEntry(); e.Outcome != "done" || e.Reason != "unchanged" || e.Disclosed[0].Version != 1 {
		t.Errorf("entry %+v", e)
	}
}

// An ended plan can be corrected, and reopened; one that is ended by an
// amendment is ended for the reason of that.
func TestAmendPlan_EndsAndReopens(t *testing.T) {
	t.Parallel()
	f := newService(t)
	plan := f.MustRegister(lead, rightCPP())
	f.MustEnd(lead, plan, "2026-11-20")
	q := amendment(plan, rightCPP())
	q.Version, q.End = 2, "2026-11-19"
	if got := f.MustAmend(lead, q); got.Version != 3 || got.VisibleUntil.String() != "2027-11-19" {
		t.Errorf("got %+v", got)
	}
	if p := f.MustGet(lead, "9990000018").Plans[0]; !p.Ended || p.Details.EndReason != "review conference" {
		t.Errorf("got %+v", p)
	}
	q.Version, q.End = 3, ""
	if got := f.MustAmend(lead, q); got.Version != 4 || !got.VisibleUntil.IsZero() {
		t.Errorf("got %+v", got)
	}
	if p := f.MustGet(lead, "9990000018").Plans[0]; p.Ended || p.Details.EndReason != "" {
		t.Errorf("got %+v", p)
	}
	q.Version, q.End, q.Reason = 4, "2026-11-18", "ended long ago"
	f.MustAmend(lead, q)
	if p := f.MustGet(lead, "9990000018").Plans[0]; !p.Ended || p.Details.EndReason != "ended long ago" {
		t.Errorf("got %+v", p)
	}
}

func TestAmendPlan_Refusals(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		change func(*plan.AmendPlanRequest)
		want   string // field: part of the problem
	}{
		{"no version", func(q *plan.AmendPlanRequest) { q.Version = 0 }, "version: that you saw"},
		{"no reason", func(q *plan.AmendPlanRequest) { q.Reason = " " }, "reason: is required"},
		{"no name", func(q *plan.AmendPlanRequest) { q.Family, q.Given = "", "" }, "family_name: is required"},
		{"born tomorrow", func(q *plan.AmendPlanRequest) { q.DateOfBirth = "2026-11-24" }, "date_of_birth: future"},
		{"starts tomorrow", func(q *plan.AmendPlanRequest) { q.Start = "2026-11-24" }, "start: future"},
		{"starts before birth", func(q *plan.AmendPlanRequest) { q.Start = "2019-04-29" }, "start: before the date of birth"},
		{"starts at 18", func(q *plan.AmendPlanRequest) { q.DateOfBirth = "2008-09-01" }, "start: 18th birthday"},
		{"ends before its start", func(q *plan.AmendPlanRequest) { q.End = "2026-08-31" }, "end: before the start"},
		{"ends far ahead", func(q *plan.AmendPlanRequest) { q.End = "2027-11-25" }, "end: year ahead"},
		{"expected of a child", func(q *plan.AmendPlanRequest) { q.Expected = "2026-12-01" }, "expected: unborn children only"},
		{"legal basis of a CPP", func(q *plan.AmendPlanRequest) { q.Basis = domain.S20 }, "legal_basis: looked-after children only"},
		{"a reference too long", func(q *plan.AmendPlanRequest) { q.Reference = strings.Repeat("1", 65) }, "reference: longer than 64"},
	}
	f := newService(t)
	plan := f.MustRegister(lead, rightCPP())
	for _, tt := range tests {
		q := amendment(plan, rightCPP())
		tt.change(q)
		before := f.Held()
		_, err := f.AmendPlan(t.Context(), lead, q)
		field, problem, _ := strings.Cut(tt.want, ": ")
		if v := f.ExpectInvalid(t, before, err, field); !strings.Contains(v.Problem, problem) {
			t.Errorf("%s: got %+v, want %s", tt.name, v, tt.want)
		}
	}
	q := amendment(plan, rightCPP())
	q.Version = 7
	before := f.Held()
	_, err := f.AmendPlan(t.Context(), lead, q)
	expectStale(t, err, 1)
	f.ExpectRefused(t, before, err, guard.ErrConflict, "changed_meanwhile")
	f.MustRemove(lead, plan)
	q.Version = 2
	before = f.Held()
	_, err = f.AmendPlan(t.Context(), lead, q)
	f.ExpectRefused(t, before, err, guard.ErrState, "state")
}

func TestAmendPlan_FindsOnlyTheAuthoritysOwn(t *testing.T) {
	t.Parallel()
	f := newService(t)
	plan := f.MustRegister(lead, rightCPP())
	before := f.Held()
	_, err := f.AmendPlan(t.Context(), otherLead, amendment(plan, rightCPP()))
	f.ExpectRefused(t, before, err, guard.ErrNotFound, "not_found")
	if e := f.LastEntry(); e.Subject != nil {
		t.Error("the entry says whom it is about")
	}
	for _, c := range []*identity.Caller{nurse, gp, clinicalSystem, auditor, administrator} {
		if _, err := f.AmendPlan(t.Context(), c, amendment(plan, rightCPP())); !errors.Is(err, guard.ErrDenied) {
			t.Errorf("%s: got %v, want %v", c.ID, err, guard.ErrDenied)
		}
	}
}

// An amended plan is one that could be registered beside the others.
func TestAmendPlan_MustNotOverlap(t *testing.T) {
	t.Parallel()
	f := newService(t)
	old := with(rightCPP(), func(r *domain.Registration) { r.Start, r.End = "2026-01-10", "2026-06-30" })
	first := f.MustRegister(lead, old)
	next := f.MustRegister(lead, rightCPP()) // from 1 September on
	for name, change := range map[string]func(*plan.AmendPlanRequest){
		"reopened":               func(q *plan.AmendPlanRequest) { q.End = "" },
		"longer":                 func(q *plan.AmendPlanRequest) { q.End = "2026-09-02" },
		"the same first day":     func(q *plan.AmendPlanRequest) { q.Start, q.End = "2026-09-01", "2026-09-01" },
		"within":                 func(q *plan.AmendPlanRequest) { q.Start, q.End = "2026-10-01", "2026-10-02" },
		"over the whole of both": func(q *plan.AmendPlanRequest) { q.Start, q.End = "2025-01-01", "2026-11-01" },
	} {
		q := amendment(first, old)
		change(q)
		before := f.Held()
		_, err := f.AmendPlan(t.Context(), lead, q)
		if v := f.ExpectInvalid(t, before, err, "start"); !strings.Contains(v.Problem, next.PlanID) {
			t.Errorf("%s: %q does not name the other plan", name, v.Problem)
		}
	}
	q := amendment(first, old)
	q.End = "2026-09-01" // the day on which the next begins
	f.MustAmend(lead, q)
}

func TestAmendPlan_ChangesTheDateOfBirth(t *testing.T) {
	t.Parallel()
	f := newService(t)
	plan := f.MustRegister(lead, rightCPP())
	q := amendment(plan, rightCPP())
	q.DateOfBirth = "2019-04-03"
	f.MustAmend(lead, q)
	if h := f.Held(); h.PersonVersions != 2 || h.PlanVersions != 2 {
		t.Errorf("%+v are held", h)
	}
	if p := f.MustGet(lead, "9990000018").Person; p.DateOfBirth.String() != "2019-04-03" {
		t.Error("the person has another date of birth")
	}
	for born, want := range map[string]lookup.Verdict{"2019-04-03": lookup.FlagHeld, "2019-04-30": lookup.CannotSay} {
		question := unscheduled("9990000018")
		question.DateOfBirth = born
		if a := f.MustLookUp(nurse, question); a.Verdict != want {
			t.Errorf("asked with %s: %s, want %s", born, a.Verdict, want)
		}
	}
}

func TestAmendPlan_LeavesADateOfBirthThatOthersRelyOn(t *testing.T) {
	t.Parallel()
	f := newService(t)
	plan := f.MustRegister(lead, rightCPP())
	other := f.MustRegister(otherLead, rightLAC())
	q := amendment(plan, rightCPP())
	q.DateOfBirth = "2019-04-03"
	before := f.Held()
	_, err := f.AmendPlan(t.Context(), lead, q)
	if v := f.ExpectInvalid(t, before, err, "date_of_birth"); !strings.Contains(v.Problem, "another record exists") || strings.Contains(v.Problem, other.PlanID) {
		t.Errorf("got %+v", v)
	}
	f.MustRemove(otherLead, other)
	f.MustAmend(lead, q)
}

func TestAmendPlan_TheDateOfBirthMustFitTheOtherPlans(t *testing.T) {
	t.Parallel()
	f := newService(t)
	plan := f.MustRegister(lead, rightCPP())
	early := f.MustRegister(lead, with(rightLAC(), func(r *domain.Registration) { r.Start = "2019-05-01" }))
	q := amendment(plan, rightCPP())
	q.DateOfBirth = "2019-05-30"
	before := f.Held()
	_, err := f.AmendPlan(t.Context(), lead, q)
	if v := f.ExpectInvalid(t, before, err, "date_of_birth"); !strings.Contains(v.Problem, early.PlanID) {
		t.Errorf("got %+v", v)
	}
	f.MustRemove(lead, early)
	f.MustAmend(lead, q)
}

// Of two leads who change the same plan one wins, and the other is told which
// version is current.
func TestAmendPlan_OfTwoAtOnceOneWins(t *testing.T) {
	t.Parallel()
	f := newService(t)
	for i := range 5 {
		r := with(rightCPP(), func(r *domain.Registration) { r.NHSNumber = numberAt(i) })
		plan := f.MustRegister(lead, r)
		errs := atOnce(
			func() error {
				q := amendment(plan, r)
				q.Reference = "CASE-1"
				_, err := f.AmendPlan(t.Context(), lead, q)
				return err
			},
			func() error {
				_, err := f.EndPlan(t.Context(), secondLead, ending(plan))
				return err
			},
			func() error {
				_, err := f.RemovePlan(t.Context(), laSystem, removal(plan))
				return err
			},
		)
		expectOneWon(t, errs, guard.ErrConflict)
		for _, err := range errs {
			if err != nil {
				expectStale(t, err, 2)
			}
		}
		if v := f.MustVersions(lead, plan.PlanID); len(v) != 2 {
			t.Errorf("%d versions", len(v))
		}
	}
}

func TestAmendPlan_AskedAgainAnswersAsBefore(t *testing.T) {
	t.Parallel()
	f := newService(t)
	plan := f.MustRegister(lead, rightCPP())
	q := amendment(plan, rightCPP())
	q.Reference, q.Request = "CASE-1", "request-2"
	first := f.MustAmend(lead, q)
	before := f.Held()
	again := f.MustAmend(lead, q)
	if *again != *first {
		t.Errorf("got %+v, then %+v", first, again)
	}
	if e := f.LastEntry(); e.Reason != "repeated" {
		t.Errorf("entry %+v", e)
	}
	q.Reference = "CASE-2"
	_, err := f.AmendPlan(t.Context(), lead, q)
	f.ExpectRefused(t, before, err, guard.ErrReused, "request_reused")
}

func TestAmendPlan_NothingHappensWhileTheKeysAreAway(t *testing.T) {
	t.Parallel()
	f := newService(t)
	plan := f.MustRegister(lead, rightCPP())
	before := f.Held()
	s := f.Another() // whose cache is empty
	f.Keeper.TakeAway(true)
	q := amendment(plan, rightCPP())
	q.Reference = "CASE-1"
	if _, err := s.Plans.AmendPlan(t.Context(), lead, q); !errors.Is(err, guard.ErrUnavailable) {
		t.Errorf("got %v, want %v", err, guard.ErrUnavailable)
	}
	if diff := cmp.Diff(before, f.Held()); diff != "" {
		t.Errorf("something changed (-before +after):\n%s", diff)
	}
}
