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
	"cpis/service/plan"
)

const (
	mothersNumber = "9990000026"
	childsNumber  = "9990000034"
)

// birthOf says that the child of a plan was born a few days ago, and has a plan
// of its own.
func birthOf(registered *plan.RegisterPlanResult) *plan.RecordBirthRequest {
	return &plan.RecordBirthRequest{
		PlanID: registered.PlanID, Version: registered.Version, Born: "2026-11-19",
		Child: &plan.ChildPlan{
			NHSNumber: childsNumber, Family: "Newborn", Given: "Sky", DateOfBirth: "2026-11-19", Start: "2026-11-20", Reference: "CASE-9",
		},
	}
}

func TestRecordBirth_EndsOnePlanAndRegistersTheOther(t *testing.T) {
	t.Parallel()
	f := newService(t)
	plan := f.MustRegister(lead, rightUCPP())
	f.Clock.Advance(time.Hour)
	q := birthOf(plan)
	q.Request = "request-2"
	got := f.MustBear(lead, q)
	if got.Version != 2 || got.VisibleUntil.String() != "2026-12-17" || got.ChildPlanID == "" {
		t.Errorf("got %+v", got)
	}
	e := f.LastEntry()
	want := audit.Entry{
		Version: 2, Time: noon.Add(time.Hour), Salt: e.Salt, Policy: e.Policy, Assurance: 3, Actor: lead.ID, Client: lead.ClientID, Issuer: lead.Issuer,
		Organisation: islington, Role: "safeguarding_lead", Action: "record_birth", Rule: "P12", Request: "request-2",
		Target:  audit.Thing{Kind: "plan", ID: plan.PlanID},
		Subject: f.Tag(mothersNumber), Outcome: "done",
		Disclosed: []audit.Disclosed{{Plan: plan.PlanID, Version: 2}, {Plan: got.ChildPlanID, Version: 1}},
	}
	if diff := cmp.Diff(want, e); diff != "" {
		t.Errorf("entry (-want +got):\n%s", diff)
	}
	a := f.MustLookUp(nurse, unscheduled(mothersNumber))
	if len(a.Plans) != 1 || !a.Plans[0].Ended || a.Plans[0].Kind != domain.UCPP || a.Plans[0].End.String() != "2026-11-19" {
		t.Errorf("a look-up of the mother shows %+v", a.Plans)
	}
	a = f.MustLookUp(nurse, unscheduled(childsNumber))
	if len(a.Plans) != 1 || a.Plans[0].ID != got.ChildPlanID || a.Plans[0].Kind != domain.CPP || a.Plans[0].Start.String() != "2026-11-20" {
		t.Errorf("a look-up of the child shows %+v", a.Plans)
	}
}

// What is recorded of the one says nothing of the other, neither in what is
// shown nor in what is sealed.
func TestRecordBirth_CopiesNothing(t *testing.T) {
	t.Parallel()
	f := newService(t)
	plan := f.MustRegister(lead, rightUCPP())
	got := f.MustBear(lead, birthOf(plan))
	child := f.MustGet(lead, childsNumber)
	if child.Person.Family != "Newborn" || child.Person.DateOfBirth.String() != "2026-11-19" || child.Plans[0].Details.Reference != "CASE-9" {
		t.Errorf("the child's record: %+v", child.Plans)
	}
	if v := f.MustVersions(lead, got.ChildPlanID); v[0].Change.Act != "register" || v[0].Change.Reason != "" {
		t.Errorf("the child's plan came by %+v", v[0].Change)
	}
	mother := f.MustGet(lead, mothersNumber)
	if mother.Person.Family != "Example" || mother.Plans[0].Details.Reference != "CASE-1042" && mother.Plans[0].Details.Reference != "" {
		t.Errorf("the mother's record: %+v", mother.Plans)
	}
	if v := f.MustVersions(lead, plan.PlanID); v[0].Change.Act != "birth" || v[0].Plan.Details.EndReason != "birth" {
		t.Errorf("the mother's plan changed by %+v", v[0].Change)
	}
}

func TestRecordBirth_WithoutAPlanForTheChild(t *testing.T) {
	t.Parallel()
	f := newService(t)
	plan := f.MustRegister(lead, rightUCPP())
	q := birthOf(plan)
	q.Child = nil
	if got := f.MustBear(lead, q); got.ChildPlanID != "" || got.Version != 2 {
		t.Errorf("got %+v", got)
	}
	if h := f.Held(); h.Persons != 1 || h.Plans != 1 {
		t.Errorf("%+v are held", h)
	}
}

func TestRecordBirth_Refusals(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		change func(*plan.RecordBirthRequest)
		want   string // field: part of the problem
	}{
		{"no version", func(q *plan.RecordBirthRequest) { q.Version = 0 }, "version: that you saw"},
		{"no day", func(q *plan.RecordBirthRequest) { q.Born, q.Child = "", nil }, "born: is required"},
		{"born tomorrow", func(q *plan.RecordBirthRequest) { q.Born, q.Child = "2026-11-24", nil }, "born: future"},
		{"born before the plan", func(q *plan.RecordBirthRequest) { q.Born, q.Child = "2026-08-31", nil }, "born: before the start"},
		{"another day of birth", func(q *plan.RecordBirthRequest) { q.Child.DateOfBirth = "2026-11-18" }, "child_plan.child.date_of_birth: day of the birth"},
		{"no day of birth", func(q *plan.RecordBirthRequest) { q.Child.DateOfBirth = "" }, "child_plan.child.date_of_birth: is required"},
		{"a mistyped number", func(q *plan.RecordBirthRequest) { q.Child.NHSNumber = "9990000035" }, "child_plan.child.nhs_number: check digit"},
		{"the mother's number", func(q *plan.RecordBirthRequest) { q.Child.NHSNumber = mothersNumber }, "child_plan.child.nhs_number: the mother's"},
		{"no name", func(q *plan.RecordBirthRequest) { q.Child.Family, q.Child.Given = "", "" }, "child_plan.child.family_name: is required"},
		{"no first day", func(q *plan.RecordBirthRequest) { q.Child.Start = "" }, "child_plan.start: is required"},
		{"a plan before the birth", func(q *plan.RecordBirthRequest) { q.Child.Start = "2026-11-18" }, "child_plan.start: before the date of birth"},
		{"a plan that begins tomorrow", func(q *plan.RecordBirthRequest) { q.Child.Start = "2026-11-24" }, "child_plan.start: future"},
		{"a reference too long", func(q *plan.RecordBirthRequest) { q.Child.Reference = strings.Repeat("1", 65) }, "child_plan.reference: longer than 64"},
	}
	f := newService(t)
	plan := f.MustRegister(lead, rightUCPP())
	for _, tt := range tests {
		q := birthOf(plan)
		tt.change(q)
		before := f.Held()
		_, err := f.RecordBirth(t.Context(), lead, q)
		field, problem, _ := strings.Cut(tt.want, ": ")
		if v := f.ExpectInvalid(t, before, err, field); !strings.Contains(v.Problem, problem) {
			t.Errorf("%s: got %+v, want %s", tt.name, v, tt.want)
		}
	}
	before := f.Held()
	_, err := f.RecordBirth(t.Context(), otherLead, birthOf(plan))
	f.ExpectRefused(t, before, err, guard.ErrNotFound, "not_found")
	for _, c := range []*identity.Caller{nurse, gp, auditor, administrator} {
		if _, err := f.RecordBirth(t.Context(), c, birthOf(plan)); !errors.Is(err, guard.ErrDenied) {
			t.Errorf("%s: got %v, want %v", c.ID, err, guard.ErrDenied)
		}
	}
}

func TestRecordBirth_FitsThePlan(t *testing.T) {
	t.Parallel()
	f := newService(t)
	cpp := f.MustRegister(lead, rightCPP())
	before := f.Held()
	q := birthOf(cpp)
	_, err := f.RecordBirth(t.Context(), lead, q)
	f.ExpectInvalid(t, before, err, "plan_id")

	old := f.MustRegister(lead, with(rightUCPP(), func(r *domain.Registration) { r.Start, r.Expected = "2025-11-01", "2026-06-01" }))
	before = f.Held()
	q = birthOf(old)
	_, err = f.RecordBirth(t.Context(), lead, q)
	if v := f.ExpectInvalid(t, before, err, "born"); !strings.Contains(v.Problem, "48 weeks") {
		t.Errorf("got %+v", v)
	}
	q.Born, q.Child = "2026-06-10", nil
	f.MustBear(lead, q)
	q.Version, before = 2, f.Held()
	_, err = f.RecordBirth(t.Context(), lead, q)
	f.ExpectRefused(t, before, err, guard.ErrState, "state")
	old.Version = 2
	f.MustRemove(lead, old)
	q.Version, before = 3, f.Held()
	_, err = f.RecordBirth(t.Context(), lead, q)
	f.ExpectRefused(t, before, err, guard.ErrState, "state")
}

// Where the child's plan cannot be registered, nothing is done at all.
func TestRecordBirth_DoesBothOrNeither(t *testing.T) {
	t.Parallel()
	f := newService(t)
	plan := f.MustRegister(lead, rightUCPP())
	held := f.MustRegister(lead, with(rightCPP(), func(r *domain.Registration) {
		r.NHSNumber, r.DateOfBirth, r.Start = childsNumber, "2026-11-19", "2026-11-21"
	}))
	before := f.Held()
	_, err := f.RecordBirth(t.Context(), lead, birthOf(plan))
	if v := f.ExpectInvalid(t, before, err, "child_plan.start"); !strings.Contains(v.Problem, held.PlanID) {
		t.Errorf("got %+v", v)
	}
	q := birthOf(plan)
	q.Born, q.Child.DateOfBirth = "2026-11-18", "2026-11-18"
	_, err = f.RecordBirth(t.Context(), lead, q)
	f.ExpectInvalid(t, before, err, "child_plan.child.date_of_birth")
	if e := f.LastEntry(); e.Reason != "identity_mismatch" {
		t.Errorf("entry %+v", e)
	}
}

func TestRecordBirth_RestrictsTheChildAlone(t *testing.T) {
	t.Parallel()
	f := newService(t)
	plan := f.MustRegister(lead, rightUCPP())
	q := birthOf(plan)
	q.Child.Restricted = true
	f.MustBear(lead, q)
	if !f.LastEntry().Restricted || !f.MustGet(lead, childsNumber).Restricted || f.MustGet(lead, mothersNumber).Restricted {
		t.Error("not the child alone is restricted")
	}
}

// Births of two mothers whose records are locked in opposite order, of twins
// and of the same child: nobody waits for ever, and the child has one plan.
func TestRecordBirth_ManyAtOnce(t *testing.T) {
	t.Parallel()
	f := newService(t)
	first := f.MustRegister(lead, rightUCPP())
	second := f.MustRegister(lead, with(rightUCPP(), func(r *domain.Registration) { r.NHSNumber = numberAt(7) }))
	errs := atOnce(
		func() error { _, err := f.RecordBirth(t.Context(), lead, birthOf(first)); return err },
		func() error { _, err := f.RecordBirth(t.Context(), secondLead, birthOf(first)); return err },
		func() error { _, err := f.RecordBirth(t.Context(), lead, birthOf(second)); return err },
	)
	won := 0
	for _, err := range errs {
		_, invalid := errors.AsType[*domain.InvalidError](err)
		switch {
		case err == nil:
			won++
		case !invalid && !errors.Is(err, guard.ErrConflict):
			t.Errorf("got %s", explain(err))
		}
	}
	if won != 1 {
		t.Errorf("%d won, want one: the child has one plan", won)
	}
	if p := f.MustGet(lead, childsNumber); len(p.Plans) != 1 {
		t.Errorf("the child has %d plans", len(p.Plans))
	}
}

func TestRecordBirth_AskedAgainAnswersAsBefore(t *testing.T) {
	t.Parallel()
	f := newService(t)
	q := birthOf(f.MustRegister(lead, rightUCPP()))
	q.Request = "request-2"
	first := f.MustBear(lead, q)
	before := f.Held()
	again := f.MustBear(lead, q)
	if *again != *first {
		t.Errorf("got %+v, then %+v", first, again)
	}
	q.Child = nil
	_, err := f.RecordBirth(t.Context(), lead, q)
	f.ExpectRefused(t, before, err, guard.ErrReused, "request_reused")
}
