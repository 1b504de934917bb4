package plan_test

import (
	"bytes"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"cpis/audit"
	"cpis/service/domain"
	"cpis/service/guard"
	"cpis/service/identity"
	"cpis/service/lookup"
	"cpis/service/plan"
)

func TestEndPlan_StaysVisibleForAWhile(t *testing.T) {
	t.Parallel()
	tests := []struct {
		r                 *domain.Registration
		end, visibleUntil string
	}{
		{rightCPP(), "2026-11-20", "2027-11-20"},
		{with(rightLAC(), func(r *domain.Registration) { r.NHSNumber = "9990000034" }), "2026-11-22", "2027-11-22"},
		{rightUCPP(), "2026-11-20", "2026-12-18"},
	}
	f := newService(t)
	for _, tt := range tests {
		plan := f.MustRegister(lead, tt.r)
		got := f.MustEnd(lead, plan, tt.end)
		if got.Version != 2 || got.VisibleUntil.String() != tt.visibleUntil {
			t.Errorf("%s: got %+v, want visible until %s", tt.r.Kind, got, tt.visibleUntil)
		}
	}
	for _, tt := range tests {
		last := day(t, tt.visibleUntil).Time()
		f.Clock.Set(last.Add(12 * time.Hour))
		a := f.MustLookUp(nurse, unscheduled(tt.r.NHSNumber))
		if a.Verdict != lookup.FlagHeld || !a.Plans[0].Ended || a.Plans[0].VisibleUntil.String() != tt.visibleUntil {
			t.Errorf("%s on its last day: %+v", tt.r.Kind, a)
		}
		f.Clock.Set(last.Add(36 * time.Hour))
		if a := f.MustLookUp(nurse, unscheduled(tt.r.NHSNumber)); a.Verdict != lookup.NoFlagKnown {
			t.Errorf("%s the day after: %s", tt.r.Kind, a.Verdict)
		}
	}
}

func TestEndPlan_MakesAVersionAndAnEntry(t *testing.T) {
	t.Parallel()
	f := newService(t)
	plan := f.MustRegister(lead, rightCPP())
	f.Clock.Advance(time.Hour)
	q := ending(plan)
	q.Request = "request-2"
	ended, err := f.EndPlan(t.Context(), lead, q)
	if err != nil {
		t.Fatal(explain(err))
	}
	e := f.LastEntry()
	want := audit.Entry{
		Version: 2, Time: noon.Add(time.Hour), Salt: e.Salt, Policy: e.Policy, Assurance: 3, Actor: lead.ID, Client: lead.ClientID, Issuer: lead.Issuer,
		Organisation: islington, Role: "safeguarding_lead", Action: "end_plan", Rule: "P2", Request: "request-2",
		Target:  audit.Thing{Kind: "plan", ID: plan.PlanID},
		Subject: f.Tag("9990000018"), Outcome: "done", Disclosed: []audit.Disclosed{{Plan: plan.PlanID, Version: 2}},
	}
	if diff := cmp.Diff(want, e); diff != "" {
		t.Errorf("entry (-want +got):\n%s", diff)
	}
	versions, err := f.DB.Plans.Versions(t.Context(), uuid.MustParse(plan.PlanID))
	if err != nil || len(versions) != 2 {
		t.Fatalf("%d versions, %v", len(versions), err)
	}
	for i, receipt := range []guard.Receipt{ended.Receipt, plan.Receipt} { // newest first
		if v := versions[i]; v.Version != 2-i || v.Entry != receipt.Index || v.Entries != 1 {
			t.Errorf("version %d is recorded by entry %d, want %d by %d", v.Version, v.Entry, 2-i, receipt.Index)
		}
	}
	p := f.MustGet(lead, "9990000018").Plans[0]
	if p.Version != 2 || !p.Ended || p.Details.EndReason != "review conference" || !p.Changed.Equal(noon.Add(time.Hour)) {
		t.Errorf("got %+v", p)
	}
}

// A plan of another authority, one that does not exist and a text that is no
// identifier are refused with the same error and the same entry, which differs in
// what was asked for.
func TestEndPlan_FindsOnlyTheAuthoritysOwn(t *testing.T) {
	t.Parallel()
	f := newService(t)
	registered := f.MustRegister(lead, rightCPP())
	var first audit.Entry
	for i, id := range []string{registered.PlanID, "01890000-0000-7000-8000-000000000000", "plan-1", ""} {
		_, err := f.EndPlan(t.Context(), otherLead, &plan.EndPlanRequest{PlanID: id, Version: 1, End: "2026-11-20", Reason: "x"})
		if !errors.Is(err, guard.ErrNotFound) {
			t.Errorf("%q: got %v, want %v", id, err, guard.ErrNotFound)
		}
		e := f.LastEntry()
		if want := guard.Target(guard.KindPlan, id); e.Target != want {
			t.Errorf("%q: the entry names %+v, want %+v", id, e.Target, want)
		}
		e.Salt, e.Target = [16]byte{}, audit.Thing{}
		if i == 0 {
			first = e
		}
		if diff := cmp.Diff(first, e); diff != "" {
			t.Errorf("%q: another entry (-first +this):\n%s", id, diff)
		}
	}
	if first.Outcome != "refused" || first.Reason != "not_found" || first.Subject != nil || first.Disclosed != nil {
		t.Errorf("entry %+v", first)
	}
	if p := f.MustGet(lead, "9990000018").Plans[0]; p.Version != 1 {
		t.Errorf("the plan was changed: %+v", p)
	}
}

func TestEndPlan_IsForAuthoritiesOnly(t *testing.T) {
	t.Parallel()
	f := newService(t)
	plan := f.MustRegister(lead, rightCPP())
	for _, c := range []*identity.Caller{nurse, gp, clinicalSystem, auditor, administrator} {
		if _, err := f.EndPlan(t.Context(), c, ending(plan)); !errors.Is(err, guard.ErrDenied) {
			t.Errorf("%s: got %v, want %v", c.ID, err, guard.ErrDenied)
		}
	}
	if _, err := f.EndPlan(t.Context(), laSystem, ending(plan)); err != nil {
		t.Errorf("the authority's own system: %s", explain(err))
	}
}

func TestEndPlan_Refusals(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		before func(*fixture, *plan.RegisterPlanResult)
		change func(*plan.EndPlanRequest)
		want   error  // or
		field  string // that is wrong
		reason string // in the entry
	}{
		{name: "stale version", before: func(f *fixture, p *plan.RegisterPlanResult) { f.MustEnd(lead, p, "2027-01-01") }, want: guard.ErrConflict, reason: "changed_meanwhile"},
		{name: "version of the future", change: func(e *plan.EndPlanRequest) { e.Version = 2 }, want: guard.ErrConflict, reason: "changed_meanwhile"},
		{
			name:   "already ended",
			before: func(f *fixture, p *plan.RegisterPlanResult) { f.MustEnd(lead, p, "2026-11-22") },
			change: func(e *plan.EndPlanRequest) { e.Version = 2 }, want: guard.ErrState, reason: "state",
		},
		{
			name:   "removed as an error",
			before: func(f *fixture, _ *plan.RegisterPlanResult) { f.Pretend(`UPDATE cpis.plan SET removed = true`) },
			want:   guard.ErrState, reason: "state",
		},
		{name: "no version", change: func(e *plan.EndPlanRequest) { e.Version = 0 }, field: "version"},
		{name: "no last day", change: func(e *plan.EndPlanRequest) { e.End = "" }, field: "end"},
		{name: "a last day that is none", change: func(e *plan.EndPlanRequest) { e.End = "20/11/2026" }, field: "end"},
		{name: "before the first day", change: func(e *plan.EndPlanRequest) { e.End = "2026-08-31" }, field: "end"},
		{name: "far ahead", change: func(e *plan.EndPlanRequest) { e.End = "2027-11-25" }, field: "end"},
		{name: "no reason", change: func(e *plan.EndPlanRequest) { e.Reason = " " }, field: "reason"},
		{name: "a reason with control characters", change: func(e *plan.EndPlanRequest) { e.Reason = "a\x00b" }, field: "reason"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := newService(t)
			plan := f.MustRegister(lead, rightCPP())
			if tt.before != nil {
				tt.before(f, plan)
			}
			versions := f.Held().PlanVersions
			q := ending(plan)
			if tt.change != nil {
				tt.change(q)
			}
			_, err := f.EndPlan(t.Context(), lead, q)
			e := f.LastEntry()
			if tt.want != nil {
				if !errors.Is(err, tt.want) || e.Outcome != "refused" || e.Reason != tt.reason {
					t.Errorf("got %v with entry %s, %s; want %v", err, e.Outcome, e.Reason, tt.want)
				}
				if string(e.Subject) != string(f.Tag("9990000018")) {
					t.Error("the entry does not say whom it is about")
				}
			} else if v := violationsOf(t, err); len(v) != 1 || v[0].Field != tt.field || e.Outcome != "invalid" {
				t.Errorf("got %+v with entry %s, want %s", v, e.Outcome, tt.field)
			}
			if n := f.Held().PlanVersions; n != versions {
				t.Errorf("%d versions were made", n-versions)
			}
		})
	}
}

// A last day that has not come may be set anew.
func TestEndPlan_AheadMayBeChanged(t *testing.T) {
	t.Parallel()
	f := newService(t)
	plan := f.MustRegister(lead, rightCPP())
	f.MustEnd(lead, plan, "2027-03-01")
	if a := f.MustLookUp(nurse, unscheduled("9990000018")); a.Plans[0].Ended || a.Plans[0].End.String() != "2027-03-01" {
		t.Errorf("look-up shows %+v", a.Plans[0])
	}
	plan.Version = 2
	if got := f.MustEnd(lead, plan, "2026-11-23"); got.Version != 3 || got.VisibleUntil.String() != "2027-11-23" {
		t.Errorf("got %+v", got)
	}
}

func TestEndPlan_OfTwoAtOnceOneWins(t *testing.T) {
	t.Parallel()
	f := newService(t)
	plan := f.MustRegister(lead, rightCPP())
	errs := make([]error, 6)
	var all sync.WaitGroup
	for i := range errs {
		all.Go(func() { _, errs[i] = f.EndPlan(t.Context(), lead, ending(plan)) })
	}
	all.Wait()
	won := 0
	for _, err := range errs {
		switch {
		case err == nil:
			won++
		case !errors.Is(err, guard.ErrConflict):
			t.Errorf("got %v, want %v", err, guard.ErrConflict)
		}
	}
	if h := f.Held(); won != 1 || h.PlanVersions != 2 {
		t.Errorf("%d won; %d versions", won, h.PlanVersions)
	}
}

func TestEndPlan_NothingHappensWhileTheKeysAreAway(t *testing.T) {
	t.Parallel()
	f := newService(t)
	plan := f.MustRegister(lead, rightCPP())
	s := f.Another() // whose cache is empty
	f.Keeper.TakeAway(true)
	if _, err := s.Plans.EndPlan(t.Context(), lead, ending(plan)); !errors.Is(err, guard.ErrUnavailable) {
		t.Errorf("got %v, want %v", err, guard.ErrUnavailable)
	}
	if h := f.Held(); h.PlanVersions != 1 {
		t.Errorf("%d versions", h.PlanVersions)
	}
}

// A plan that is ended stays one that could be registered.
func TestEndPlan_MustNotOverlapWithTheNext(t *testing.T) {
	t.Parallel()
	f := newService(t)
	first := f.MustRegister(lead, with(rightCPP(), func(r *domain.Registration) { r.Start, r.End = "2026-01-10", "2026-12-31" }))
	first.Version = f.MustEnd(lead, first, "2026-11-30").Version
	f.Clock.Set(noon.AddDate(0, 0, 5)) // 28 November: the first may still be ended anew
	f.MustEnd(lead, first, "2026-11-28")
	first.Version++
	next := f.MustRegister(lead, with(rightCPP(), func(r *domain.Registration) { r.Start = "2026-11-28" }))
	f.MustRegister(lead, with(rightLAC(), func(r *domain.Registration) { r.Start = "2026-11-28" }))
	f.MustRegister(otherLead, with(rightCPP(), func(r *domain.Registration) { r.Start = "2026-11-28" }))
	before := f.Held()
	q := ending(first)
	q.End = "2026-11-29"
	_, err := f.EndPlan(t.Context(), lead, q)
	v := violationsOf(t, err)
	if len(v) != 1 || v[0].Field != "end" || !strings.Contains(v[0].Problem, next.PlanID) {
		t.Errorf("got %+v", v)
	}
	if e := f.LastEntry(); e.Outcome != "invalid" || !bytes.Equal(e.Subject, f.Tag("9990000018")) {
		t.Errorf("entry %+v", e)
	}
	if diff := cmp.Diff(before, f.Held()); diff != "" {
		t.Errorf("something changed (-before +after):\n%s", diff)
	}
	f.MustEnd(lead, first, "2026-11-28") // the day on which the next begins
	f.MustEnd(lead, next, "2027-05-01")
}

// An ending and a registration of the next plan wait for each other.
func TestEndPlan_AndTheNextPlanAtOnceDoNotOverlap(t *testing.T) {
	t.Parallel()
	f := newService(t)
	for i := range 5 {
		number := numberAt(i)
		plan := f.MustRegister(lead, with(rightCPP(), func(r *domain.Registration) {
			r.NHSNumber, r.Start, r.End = number, "2026-01-10", "2026-11-23"
		}))
		var all sync.WaitGroup
		var ended, registered error
		all.Go(func() {
			q := ending(plan)
			q.End = "2027-01-31"
			_, ended = f.EndPlan(t.Context(), lead, q)
		})
		all.Go(func() {
			_, registered = f.RegisterPlan(t.Context(), lead, with(rightCPP(), func(r *domain.Registration) {
				r.NHSNumber, r.Start = number, "2026-11-23"
			}))
		})
		all.Wait()
		if (ended == nil) == (registered == nil) {
			t.Errorf("ending: %s; registering the next: %s", explain(ended), explain(registered))
		}
	}
}

func TestEndPlan_OfAnUnbornChildWithin48Weeks(t *testing.T) {
	t.Parallel()
	f := newService(t)
	plan := f.MustRegister(lead, rightUCPP())
	q := ending(plan)
	q.End = "2027-08-04" // the start is on 1 September 2026
	_, err := f.EndPlan(t.Context(), lead, q)
	if v := violationsOf(t, err); len(v) != 1 || v[0].Field != "end" || !strings.Contains(v[0].Problem, "48 weeks") {
		t.Errorf("got %+v", v)
	}
	f.MustEnd(lead, plan, "2027-08-03")
}
