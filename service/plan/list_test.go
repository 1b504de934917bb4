package plan_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cpis/audit"
	"cpis/service/domain"
	"cpis/service/guard"
	"cpis/service/identity"
	"cpis/service/plan"
)

func idsOf(plans []plan.Listed) []string {
	ids := make([]string, len(plans))
	for i, p := range plans {
		ids[i] = p.Plan.ID
	}
	slices.Sort(ids)
	return ids
}

func TestListPlans_Filters(t *testing.T) {
	t.Parallel()
	f := newService(t)
	register := func(i int, r *domain.Registration, change func(*domain.Registration)) string {
		r.NHSNumber = numberAt(i)
		change(r)
		return f.MustRegister(lead, r).PlanID
	}
	as := func(*domain.Registration) {}
	cpp := register(1, rightCPP(), as)
	lac := register(2, rightLAC(), as)
	ending := register(3, rightCPP(), func(r *domain.Registration) { r.End = "2026-11-23" }) // today is its last day
	ended := register(4, rightCPP(), func(r *domain.Registration) { r.End = "2026-11-22" })
	ucpp := register(5, rightUCPP(), as)
	overdue := register(6, rightUCPP(), func(r *domain.Registration) { r.Expected = "2026-11-22" })
	overdueEnded := register(7, rightUCPP(), func(r *domain.Registration) { r.Expected, r.End = "2026-11-01", "2026-11-02" })
	adult := register(8, rightLAC(), func(r *domain.Registration) { r.DateOfBirth = "2008-11-23" })
	minor := register(9, rightLAC(), func(r *domain.Registration) { r.DateOfBirth = "2008-11-24" })
	register(10, rightCPP(), as)
	f.MustRemove(lead, f.MustRegister(lead, with(rightCPP(), func(r *domain.Registration) { r.NHSNumber = numberAt(11) })))
	f.MustRegister(otherLead, rightCPP())
	all := f.MustListPlans(lead, plan.ListRequest{})
	if len(all) != 10 {
		t.Errorf("%d plans, want 10", len(all))
	}
	tests := map[string]struct {
		q    plan.ListRequest
		want []string // and those that are left out
		not  []string
	}{
		"active":            {plan.ListRequest{Filter: plan.ActivePlans}, []string{cpp, lac, ending, ucpp, overdue, adult, minor}, []string{ended, overdueEnded}},
		"ended":             {plan.ListRequest{Filter: plan.EndedPlans}, []string{ended, overdueEnded}, []string{ending}},
		"overdue":           {plan.ListRequest{Filter: plan.OverduePlans}, []string{overdue}, []string{ucpp, overdueEnded}},
		"adult":             {plan.ListRequest{Filter: plan.AdultPlans}, []string{adult}, []string{minor, ucpp, overdue}},
		"of a kind":         {plan.ListRequest{Kind: domain.LAC}, []string{lac, adult, minor}, []string{cpp, ucpp}},
		"ended of a kind":   {plan.ListRequest{Kind: domain.UCPP, Filter: plan.EndedPlans}, []string{overdueEnded}, []string{ended}},
		"overdue of a kind": {plan.ListRequest{Kind: domain.CPP, Filter: plan.OverduePlans}, nil, []string{overdue}},
	}
	for name, tt := range tests {
		for _, size := range []int{0, 1, 3} {
			tt.q.Paging = guard.Paging{Size: size}
			got := idsOf(f.MustListPlans(lead, tt.q))
			for _, id := range tt.want {
				if !slices.Contains(got, id) {
					t.Errorf("%s, pages of %d: a plan is missing", name, size)
				}
			}
			for _, id := range tt.not {
				if slices.Contains(got, id) {
					t.Errorf("%s, pages of %d: a plan is too many", name, size)
				}
			}
		}
	}
}

func TestListPlans_PagesHoldEachPlanOnce(t *testing.T) {
	t.Parallel()
	f := newService(t)
	var want []string
	for i := range 7 {
		want = append(want, f.MustRegister(lead, with(rightCPP(), func(r *domain.Registration) { r.NHSNumber = numberAt(i) })).PlanID)
	}
	slices.Sort(want)
	for size := range 9 {
		for _, filter := range []plan.Filter{plan.AllPlans, plan.ActivePlans} {
			got := idsOf(f.MustListPlans(lead, plan.ListRequest{Filter: filter, Paging: guard.Paging{Size: size}}))
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("pages of %d, %q (-want +got):\n%s", size, filter, diff)
			}
		}
	}
}

// The entry names what was shown, not what was opened to find it.
func TestListPlans_LeavesItsEntry(t *testing.T) {
	t.Parallel()
	f := newService(t)
	f.MustRegister(lead, rightCPP())
	shown := f.MustRegister(lead, with(rightUCPP(), func(r *domain.Registration) { r.Restricted = true }))
	page, err := f.ListPlans(t.Context(), laSystem, &plan.ListRequest{Kind: domain.UCPP, Request: "request-3"})
	if err != nil {
		t.Fatal(explain(err))
	}
	e := f.LastEntry()
	want := audit.Entry{
		Version: 2, Time: noon, Salt: e.Salt, Policy: e.Policy, Assurance: 3, Actor: laSystem.ID, Client: laSystem.ClientID, Issuer: laSystem.Issuer,
		Organisation: islington, Role: "la_system", Action: "list_plans", Rule: "P25", Request: "request-3",
		Outcome: "done", Restricted: true, Disclosed: []audit.Disclosed{{Plan: shown.PlanID, Version: 1}},
	}
	if diff := cmp.Diff(want, e); diff != "" {
		t.Errorf("entry (-want +got):\n%s", diff)
	}
	p := page.Plans[0]
	if page.Index != 2 || p.Person.NHSNumber.Reveal() != "9990000026" || p.Person.Given != "Alex" || !p.Restricted {
		t.Errorf("got %+v, receipt %+v", p, page.Receipt)
	}
}

func TestListPlans_Refusals(t *testing.T) {
	t.Parallel()
	f := newService(t)
	for field, q := range map[string]plan.ListRequest{
		"filter":    {Filter: "mine"},
		"kind":      {Kind: "cin"},
		"page":      {Paging: guard.Paging{Page: "2"}},
		"page_size": {Paging: guard.Paging{Size: -1}},
	} {
		_, err := f.ListPlans(t.Context(), lead, &q)
		if v := violationsOf(t, err); len(v) != 1 || v[0].Field != field {
			t.Errorf("got %+v, want %s", v, field)
		}
	}
	for _, c := range []*identity.Caller{nurse, gp, clinicalSystem, privacyOfficer, auditor, administrator} {
		if _, err := f.ListPlans(t.Context(), c, &plan.ListRequest{}); !errors.Is(err, guard.ErrDenied) {
			t.Errorf("%s: got %v, want %v", c.ID, err, guard.ErrDenied)
		}
	}
}

func TestListPlans_LeavesOutWhoWasErased(t *testing.T) {
	t.Parallel()
	f := newService(t)
	f.MustRegister(lead, rightCPP())
	kept := f.MustRegister(lead, rightUCPP())
	f.Exec(`UPDATE cpis.person SET wrapped_key = '', sealed = '', erased_at = now()
		WHERE id = (SELECT person_id FROM cpis.plan WHERE id <> $1)`, kept.PlanID)
	if diff := cmp.Diff([]string{kept.PlanID}, idsOf(f.MustListPlans(lead, plan.ListRequest{}))); diff != "" {
		t.Errorf("plans (-want +got):\n%s", diff)
	}
}

func TestGetPlan_ShowsThePlanAndLeavesItsEntry(t *testing.T) {
	t.Parallel()
	f := newService(t)
	held := f.MustRegister(lead, rightCPP())
	f.MustRegister(otherLead, with(rightLAC(), func(r *domain.Registration) { r.Given = "Another" }))
	got, err := f.GetPlan(t.Context(), lead, &plan.GetPlanRequest{PlanID: held.PlanID, Request: "request-3"})
	if err != nil {
		t.Fatal(explain(err))
	}
	e := f.LastEntry()
	want := audit.Entry{
		Version: 2, Time: noon, Salt: e.Salt, Policy: e.Policy, Assurance: 3, Actor: lead.ID, Client: lead.ClientID, Issuer: lead.Issuer,
		Organisation: islington, Role: "safeguarding_lead", Action: "get_person", Rule: "P4", Request: "request-3",
		Subject: f.Tag("9990000018"), Target: audit.Thing{Kind: "plan", ID: held.PlanID}, Outcome: "done", Disclosed: []audit.Disclosed{{Plan: held.PlanID, Version: 1}},
	}
	if diff := cmp.Diff(want, e); diff != "" {
		t.Errorf("entry (-want +got):\n%s", diff)
	}
	if got.Person.Given != "Robin" || got.Plan.ID != held.PlanID || got.Plan.Details.Kind != domain.CPP || got.Index != 2 {
		t.Errorf("got %+v", got)
	}
	for _, id := range []string{held.PlanID, "01890000-0000-7000-8000-000000000000", "plan-1", ""} {
		if _, err := f.GetPlan(t.Context(), thirdLead, &plan.GetPlanRequest{PlanID: id}); !errors.Is(err, guard.ErrNotFound) {
			t.Errorf("%q: got %v, want %v", id, err, guard.ErrNotFound)
		}
		if e := f.LastEntry(); e.Outcome != "refused" || e.Subject != nil || e.Disclosed != nil {
			t.Errorf("%q: entry %+v", id, e)
		}
	}
	if _, err := f.GetPlan(t.Context(), nurse, &plan.GetPlanRequest{PlanID: held.PlanID}); !errors.Is(err, guard.ErrDenied) {
		t.Errorf("a nurse: got %v, want %v", err, guard.ErrDenied)
	}
}

// An ordered list goes forward and back through the same pages, whatever narrows it,
// and each plan is on one of them.
func TestListPlans_InOrder(t *testing.T) {
	t.Parallel()
	f := newService(t)
	for i, end := range []string{"", "2026-11-25", "2026-11-20", "", "2026-12-01", "2026-11-20", ""} {
		f.Clock.Set(noon.Add(time.Duration(i) * time.Minute))
		f.MustRegister(lead, under(numberAt(i+1), func(r *domain.Registration) {
			if r.End = end; i == 0 || i > 3 {
				r.Kind, r.Basis, r.DateOfBirth = domain.LAC, domain.S20, "2008-11-01" // 18 since
			}
		}))
	}
	f.MustRemove(lead, f.MustRegister(lead, under(numberAt(20))))
	f.MustRegister(otherLead, under(numberAt(21)))
	f.MustFill()
	f.Turn()
	number := func(i int) string { return numberAt(i) }
	tests := map[string]struct {
		q    plan.ListRequest
		want []int
	}{
		"LastChanged":         {plan.ListRequest{Order: plan.LastChanged}, []int{7, 6, 5, 4, 3, 2, 1}},
		"FirstChanged":        {plan.ListRequest{Order: plan.LastChanged, Reverse: true}, []int{1, 2, 3, 4, 5, 6, 7}},
		"Visible":             {plan.ListRequest{Order: plan.LastVisible}, []int{3, 6, 2, 5, 1, 4, 7}},
		"VisibleReversed":     {plan.ListRequest{Order: plan.LastVisible, Reverse: true}, []int{7, 4, 1, 5, 2, 6, 3}},
		"EndedByChange":       {plan.ListRequest{Order: plan.LastChanged, Filter: plan.EndedPlans}, []int{6, 3}},
		"AdultsByChange":      {plan.ListRequest{Order: plan.LastChanged, Filter: plan.AdultPlans}, []int{7, 5, 1}},
		"AdultsByVisible":     {plan.ListRequest{Order: plan.LastVisible, Filter: plan.AdultPlans}, []int{5, 1, 7}},
		"ChildrenByVisible":   {plan.ListRequest{Order: plan.LastVisible, Kind: domain.CPP}, []int{3, 2, 4}},
		"OverdueOfNobody":     {plan.ListRequest{Order: plan.LastVisible, Filter: plan.OverduePlans}, nil},
		"EndedByVisible":      {plan.ListRequest{Order: plan.LastVisible, Filter: plan.EndedPlans}, []int{3, 6}},
		"LookedAfterReversed": {plan.ListRequest{Order: plan.LastChanged, Reverse: true, Kind: domain.LAC}, []int{1, 5, 6, 7}},
	}
	for name, tt := range tests {
		var want []string
		for _, i := range tt.want {
			want = append(want, number(i))
		}
		for _, size := range []int{1, 2, 3, 50} {
			tt.q.Paging = guard.Paging{Size: size}
			forward, pages := walk(t, f, tt.q, func(p *plan.Page) string { return p.Next })
			if diff := cmp.Diff(want, forward); diff != "" {
				t.Errorf("%s, pages of %d (-want +got):\n%s", name, size, diff)
			}
			last := pages[len(pages)-1]
			if tt.q.Paging.Page = last.Previous; last.Previous == "" {
				continue
			}
			back, _ := walk(t, f, tt.q, func(p *plan.Page) string { return p.Previous })
			before := want[:len(want)-len(last.Plans)]
			slices.Sort(back)
			sorted := slices.Sorted(slices.Values(before))
			if diff := cmp.Diff(sorted, back); diff != "" {
				t.Errorf("%s, back by %d (-want +got):\n%s", name, size, diff)
			}
		}
	}
	if pages := len(f.MustListPlans(lead, plan.ListRequest{Order: plan.LastChanged, Paging: guard.Paging{Size: 200}})); pages != 7 {
		t.Errorf("%d plans", pages)
	}
	for _, page := range []string{"x", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "AgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", numberAt(1)} {
		_, err := f.ListPlans(t.Context(), lead, &plan.ListRequest{Order: plan.LastChanged, Paging: guard.Paging{Page: page}})
		if page[0] != 'A' || page[1] != 'A' {
			f.ExpectInvalid(t, f.Held(), err, "page")
		} else if err != nil {
			t.Errorf("%s: %v", page, explain(err))
		}
	}
	_, err := f.ListPlans(t.Context(), lead, &plan.ListRequest{Order: "name"})
	f.ExpectInvalid(t, f.Held(), err, "order")
}

// walk follows pages in one direction, and returns the numbers of whom they are
// about, in the order in which they came.
func walk(t *testing.T, f *fixture, q plan.ListRequest, next func(*plan.Page) string) (numbers []string, pages []*plan.Page) {
	t.Helper()
	for range 20 {
		page, err := f.ListPlans(t.Context(), lead, &q)
		if err != nil {
			t.Fatal(explain(err))
		}
		for _, l := range page.Plans {
			numbers = append(numbers, l.Person.NHSNumber.Reveal())
		}
		pages = append(pages, page)
		if q.Paging.Page = next(page); q.Paging.Page == "" {
			return numbers, pages
		}
	}
	t.Fatal("there is no end")
	return nil, nil
}
