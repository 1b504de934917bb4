package plan_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cpis/audit"
	"cpis/service/domain"
	"cpis/service/guard"
	"cpis/service/identity"
	"cpis/service/plan"
)

func TestGetPerson_ShowsWhatTheAuthorityRecorded(t *testing.T) {
	t.Parallel()
	f := newService(t)
	first := f.MustRegister(lead, with(rightCPP(), func(r *domain.Registration) { r.Start, r.End = "2020-01-01", "2020-06-01" }))
	f.Clock.Advance(time.Minute)
	second := f.MustRegister(lead, with(rightLAC(), func(r *domain.Registration) { r.Given = "Robin Lee" }))
	f.MustRegister(otherLead, with(rightCPP(), func(r *domain.Registration) { r.Given = "Another" }))
	got := f.MustGet(lead, "999 000 0018")
	want := []plan.Plan{
		{
			ID: second.PlanID, Version: 1, Changed: noon.Add(time.Minute),
			Details: domain.Details{Kind: domain.LAC, Start: day(t, "2026-09-01"), Basis: domain.S20, Reference: "CASE-1042"},
		},
		{
			ID: first.PlanID, Version: 1, Changed: noon, Ended: true, VisibleUntil: day(t, "2021-06-01"), // long past
			Details: domain.Details{Kind: domain.CPP, Start: day(t, "2020-01-01"), End: day(t, "2020-06-01"), Reference: "CASE-1042"},
		},
	}
	if diff := cmp.Diff(want, got.Plans, cmp.AllowUnexported(domain.Date{})); diff != "" {
		t.Errorf("plans (-want +got):\n%s", diff)
	}
	p := got.Person
	if p.NHSNumber.Reveal() != "9990000018" || p.Family != "Example" || p.Given != "Robin Lee" || p.DateOfBirth.String() != "2019-04-30" {
		t.Error("another person is shown")
	}
}

func TestGetPerson_LeavesItsEntry(t *testing.T) {
	t.Parallel()
	f := newService(t)
	held := f.MustRegister(lead, rightCPP())
	got, err := f.GetPerson(t.Context(), laSystem, &plan.GetPersonRequest{NHSNumber: "9990000018", Request: "request-3"})
	if err != nil {
		t.Fatal(explain(err))
	}
	e := f.LastEntry()
	want := audit.Entry{
		Version: 2, Time: noon, Salt: e.Salt, Policy: e.Policy, Assurance: 3, Actor: laSystem.ID, Client: laSystem.ClientID, Issuer: laSystem.Issuer,
		Organisation: islington, Role: "la_system", Action: "get_person", Rule: "P9", Request: "request-3",
		Subject: f.Tag("9990000018"), Outcome: "done", Disclosed: []audit.Disclosed{{Plan: held.PlanID, Version: 1}},
	}
	if diff := cmp.Diff(want, e); diff != "" {
		t.Errorf("entry (-want +got):\n%s", diff)
	}
	if got.Index != 1 {
		t.Errorf("receipt %+v", got.Receipt)
	}
}

// Somebody whom only another authority knows is not found, like somebody whom
// nobody knows: same error, same entry, and the keeper is not asked either.
func TestGetPerson_DoesNotTellWhomOthersKnow(t *testing.T) {
	t.Parallel()
	f := newService(t)
	f.MustRegister(otherLead, rightCPP())
	removed := f.MustRegister(lead, with(rightCPP(), func(r *domain.Registration) { r.NHSNumber = "9990000034" }))
	f.Pretend(`UPDATE cpis.plan SET removed = true WHERE id = $1`, removed.PlanID)
	asked := f.Keeper.Unwraps.Load()
	for _, number := range []string{"9990000018", "9990000026", "9990000034"} {
		_, err := f.GetPerson(t.Context(), lead, &plan.GetPersonRequest{NHSNumber: number})
		if !errors.Is(err, guard.ErrNotFound) || fmt.Sprint(err) != "get_person: not found" {
			t.Errorf("%s: got %v, want %v", number, err, guard.ErrNotFound)
		}
		e := f.LastEntry()
		if e.Outcome != "refused" || e.Reason != "not_found" || e.Disclosed != nil || e.Restricted {
			t.Errorf("%s: entry %+v", number, e)
		}
	}
	if n := f.Keeper.Unwraps.Load(); n != asked {
		t.Errorf("the keeper was asked for %d keys", n-asked)
	}
}

func TestGetPerson_IsForAuthoritiesOnly(t *testing.T) {
	t.Parallel()
	f := newService(t)
	f.MustRegister(lead, rightCPP())
	for _, c := range []*identity.Caller{nurse, gp, clinicalSystem, privacyOfficer, auditor, administrator} {
		if _, err := f.GetPerson(t.Context(), c, &plan.GetPersonRequest{NHSNumber: "9990000018"}); !errors.Is(err, guard.ErrDenied) {
			t.Errorf("%s: got %v, want %v", c.ID, err, guard.ErrDenied)
		}
	}
}

func TestGetPerson_SaysWhatIsWrongWithANumber(t *testing.T) {
	t.Parallel()
	f := newService(t)
	_, err := f.GetPerson(t.Context(), lead, &plan.GetPersonRequest{NHSNumber: "9990000019"})
	if v := violationsOf(t, err); len(v) != 1 || v[0].Field != "nhs_number" {
		t.Errorf("got %+v", v)
	}
	if e := f.LastEntry(); e.Outcome != "invalid" || e.Subject != nil {
		t.Errorf("entry %+v", e)
	}
}

func TestGetPerson_WhileTheKeysAreAway(t *testing.T) {
	t.Parallel()
	f := newService(t)
	f.MustRegister(lead, rightCPP())
	s := f.Another()
	f.Keeper.TakeAway(true)
	if _, err := s.Plans.GetPerson(t.Context(), lead, &plan.GetPersonRequest{NHSNumber: "9990000018"}); !errors.Is(err, guard.ErrUnavailable) {
		t.Errorf("got %v, want %v", err, guard.ErrUnavailable)
	}
	if e := f.LastEntry(); e.Outcome != "failed" || e.Disclosed != nil {
		t.Errorf("entry %+v", e)
	}
}
