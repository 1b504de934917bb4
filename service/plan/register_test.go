package plan_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cpis/audit"
	"cpis/service/domain"
	"cpis/service/guard"
	"cpis/service/identity"
	"cpis/service/lookup"
	"cpis/service/plan"
)

func TestRegisterPlan_IsSeenByLookUps(t *testing.T) {
	t.Parallel()
	f := newService(t)
	for _, r := range []*domain.Registration{rightCPP(), rightUCPP()} {
		made := f.MustRegister(lead, r)
		a := f.MustLookUp(nurse, unscheduled(r.NHSNumber))
		if a.Verdict != lookup.FlagHeld || len(a.Plans) != 1 {
			t.Fatalf("%s: got %s with %d plans", r.Kind, a.Verdict, len(a.Plans))
		}
		p := a.Plans[0]
		if p.ID != made.PlanID || p.Version != 1 || p.Kind != r.Kind || p.Start.String() != r.Start || p.Ended {
			t.Errorf("%s: got %+v", r.Kind, p)
		}
		if p.Contact.Authority.GSS != islington {
			t.Errorf("%s: of authority %s", r.Kind, p.Contact.Authority.GSS)
		}
	}
}

func TestRegisterPlan_LeavesItsEntry(t *testing.T) {
	t.Parallel()
	f := newService(t)
	r := rightCPP()
	r.Request = "request-1"
	made := f.MustRegister(lead, r)
	all := f.Entries()
	if len(all) != 1 || made.Index != 0 || made.TreeSize != 1 {
		t.Fatalf("%d entries, receipt %+v", len(all), made.Receipt)
	}
	got := all[0]
	want := audit.Entry{
		Version: 2, Time: noon, Salt: got.Salt, Policy: got.Policy, Assurance: 3, Actor: lead.ID, Client: lead.ClientID, Issuer: lead.Issuer,
		Organisation: islington, Role: "safeguarding_lead", Action: "register_plan", Rule: "P1", Request: "request-1",
		Subject: f.Tag("9990000018"), Outcome: "done", Disclosed: []audit.Disclosed{{Plan: made.PlanID, Version: 1}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("entry (-want +got):\n%s", diff)
	}
}

func TestRegisterPlan_IsForAuthoritiesOnly(t *testing.T) {
	t.Parallel()
	f := newService(t)
	weak := *lead
	weak.Assurance = 2
	callers := []*identity.Caller{nurse, gp, clinicalSystem, callHandler, privacyOfficer, auditor, administrator, &weak}
	for i, c := range callers {
		if _, err := f.RegisterPlan(t.Context(), c, rightCPP()); !errors.Is(err, guard.ErrDenied) {
			t.Errorf("%s: got %v, want %v", c.ID, err, guard.ErrDenied)
		}
		// Only of what they can mend themselves are callers told the reason.
		if _, err := f.RegisterPlan(t.Context(), c, rightCPP()); errors.Is(err, guard.ErrWeakSignIn) != (c == &weak) {
			t.Errorf("%s: got %v", c.ID, err)
		}
		e := f.LastEntry()
		if len(f.Entries()) != 2*(i+1) || e.Outcome != "denied" || e.Actor != c.ID || e.Disclosed != nil {
			t.Errorf("%s: entry %+v", c.ID, e)
		}
	}
	if n := f.Held(); n.Plans != 0 || n.Persons != 0 {
		t.Errorf("%+v are held", n)
	}
}

func TestRegisterPlan_SaysAllThatIsWrong(t *testing.T) {
	t.Parallel()
	f := newService(t)
	r := rightLAC()
	r.NHSNumber, r.Given, r.Basis, r.Start = "9990000019", "\x1b", "", "2030-01-01"
	_, err := f.RegisterPlan(t.Context(), lead, r)
	var got []string
	for _, v := range violationsOf(t, err) {
		got = append(got, v.Field)
	}
	want := []string{"person.nhs_number", "person.given_name", "start", "legal_basis"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("fields (-want +got):\n%s", diff)
	}
	if e := f.LastEntry(); e.Outcome != "invalid" || e.Subject != nil {
		t.Errorf("entry %+v", e)
	}
}

func TestRegisterPlan_SeveralPlansAndAuthorities(t *testing.T) {
	t.Parallel()
	f := newService(t)
	f.MustRegister(lead, rightCPP())
	f.MustRegister(lead, with(rightLAC(), func(r *domain.Registration) { r.Start = "2026-10-01" }))
	f.MustRegister(otherLead, with(rightCPP(), func(r *domain.Registration) { r.Start = "2026-10-02" }))
	if n := f.Held(); n.Persons != 1 || n.Plans != 3 {
		t.Errorf("%+v are held", n)
	}
	var got []string
	for _, p := range f.MustLookUp(nurse, unscheduled("9990000018")).Plans {
		got = append(got, fmt.Sprint(p.Kind, " ", p.Start, " ", p.Contact.Authority.GSS))
	}
	want := []string{"cpp 2026-10-02 E09000007", "lac 2026-10-01 E09000019", "cpp 2026-09-01 E09000019"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("plans (-want +got):\n%s", diff)
	}
}

func TestRegisterPlan_RefusesOverlaps(t *testing.T) {
	t.Parallel()
	type period struct{ start, end string }
	tests := []struct {
		name           string
		kind           domain.Kind
		held, wanted   period
		heldExpected   string
		wantedExpected string
		refused        bool
	}{
		{name: "same first day", kind: domain.CPP, held: period{"2026-09-01", ""}, wanted: period{"2026-09-01", ""}, refused: true},
		{name: "same first day, ended", kind: domain.CPP, held: period{"2026-09-01", "2026-09-01"}, wanted: period{"2026-09-01", ""}, refused: true},
		{name: "both open", kind: domain.CPP, held: period{"2026-01-01", ""}, wanted: period{"2026-09-01", ""}, refused: true},
		{name: "open behind", kind: domain.CPP, held: period{"2026-09-01", ""}, wanted: period{"2026-01-01", ""}, refused: true},
		{name: "inside", kind: domain.CPP, held: period{"2026-01-01", "2026-10-01"}, wanted: period{"2026-02-01", "2026-03-01"}, refused: true},
		{name: "around", kind: domain.CPP, held: period{"2026-02-01", "2026-03-01"}, wanted: period{"2026-01-01", "2026-10-01"}, refused: true},
		{name: "one day inside", kind: domain.CPP, held: period{"2026-01-01", ""}, wanted: period{"2026-02-01", "2026-02-01"}, refused: true},
		{name: "by one day", kind: domain.CPP, held: period{"2026-01-01", "2026-02-02"}, wanted: period{"2026-02-01", ""}, refused: true},
		{name: "on the last day", kind: domain.CPP, held: period{"2026-01-01", "2026-02-01"}, wanted: period{"2026-02-01", ""}},
		{name: "until the first day", kind: domain.CPP, held: period{"2026-02-01", ""}, wanted: period{"2026-01-01", "2026-02-01"}},
		{name: "long after", kind: domain.CPP, held: period{"2020-01-01", "2021-01-01"}, wanted: period{"2026-01-01", ""}},
		{
			name: "unborn child not yet due", kind: domain.UCPP, held: period{"2026-03-01", ""}, heldExpected: "2026-10-20",
			wanted: period{"2026-11-01", ""}, wantedExpected: "2027-06-01", refused: true,
		},
		{
			name: "unborn child that nobody ended", kind: domain.UCPP, held: period{"2025-03-01", ""}, heldExpected: "2025-10-01",
			wanted: period{"2026-11-01", ""}, wantedExpected: "2027-06-01",
		},
	}
	f := newService(t)
	for i, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			register := func(p period, expected string) (*plan.RegisterPlanResult, error) {
				r := rightCPP()
				if tt.kind == domain.UCPP {
					r = rightUCPP()
				}
				r.NHSNumber, r.Start, r.End, r.Expected = numberAt(i), p.start, p.end, expected
				return f.RegisterPlan(t.Context(), lead, r)
			}
			held, err := register(tt.held, tt.heldExpected)
			if err != nil {
				t.Fatal(explain(err))
			}
			_, err = register(tt.wanted, tt.wantedExpected)
			if !tt.refused {
				if err != nil {
					t.Errorf("refused: %s", explain(err))
				}
				return
			}
			v := violationsOf(t, err)
			if len(v) != 1 || v[0].Field != "start" || !strings.Contains(v[0].Problem, held.PlanID) {
				t.Errorf("got %+v, want start and %s", v, held.PlanID)
			}
		})
	}
}

// An overlap with another authority's plan hinders nobody; both are told, see
// TestOverlap.
func TestRegisterPlan_OtherAuthoritiesPlansDoNotMatter(t *testing.T) {
	t.Parallel()
	f := newService(t)
	f.MustRegister(otherLead, rightCPP())
	f.MustRegister(lead, rightCPP())
	if n := len(f.MustGet(lead, "9990000018").Plans); n != 1 {
		t.Errorf("%d plans are the authority's own, want 1", n)
	}
}

func TestRegisterPlan_RefusesAnotherDateOfBirth(t *testing.T) {
	t.Parallel()
	f := newService(t)
	f.MustRegister(otherLead, rightCPP())
	r := with(rightCPP(), func(r *domain.Registration) { r.DateOfBirth = "2018-04-30" })
	_, err := f.RegisterPlan(t.Context(), lead, r)
	v := violationsOf(t, err)
	if len(v) != 1 || v[0].Field != "person.date_of_birth" || !strings.Contains(v[0].Problem, "trace the number again") {
		t.Errorf("got %+v", v)
	}
	for _, secret := range []string{"2019", "2018", "Camden", camden, "held", "authority"} {
		if strings.Contains(fmt.Sprint(v), secret) {
			t.Errorf("%+v says %q", v, secret)
		}
	}
	e := f.LastEntry()
	if e.Outcome != "invalid" || e.Reason != "identity_mismatch" || string(e.Subject) != string(f.Tag("9990000018")) {
		t.Errorf("entry %+v", e)
	}
	if n := f.Held(); n.Plans != 1 {
		t.Errorf("%d plans are held, want 1", n.Plans)
	}
}

func TestRegisterPlan_EachAuthoritySeesTheNamesItRecorded(t *testing.T) {
	t.Parallel()
	f := newService(t)
	f.MustRegister(otherLead, rightCPP())
	f.MustRegister(lead, with(rightCPP(), func(r *domain.Registration) { r.Family, r.Given = " Newname ", "Sam" }))
	for _, tt := range []struct {
		c    *identity.Caller
		want string
	}{{otherLead, "Example, Robin"}, {lead, "Newname, Sam"}} {
		p := f.MustGet(tt.c, "9990000018").Person
		if got := p.Family + ", " + p.Given; got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.c.ID, got, tt.want)
		}
	}
	f.MustRegister(lead, with(rightLAC(), func(r *domain.Registration) { r.Family, r.Given = "Newname", "Samuel" }))
	if p := f.MustGet(lead, "9990000018").Person; p.Given != "Samuel" && p.Given != "Sam" {
		t.Errorf("given name: got %s", p.Given)
	}
}

func TestRegisterPlan_AnyAuthorityRestricts(t *testing.T) {
	t.Parallel()
	f := newService(t)
	f.MustRegister(otherLead, rightCPP())
	if f.MustGet(otherLead, "9990000018").Restricted {
		t.Error("restricted from the beginning")
	}
	f.MustRegister(lead, with(rightLAC(), func(r *domain.Registration) { r.Restricted = true }))
	if e := f.LastEntry(); !e.Restricted {
		t.Errorf("the entry does not say so: %+v", e)
	}
	for _, c := range []*identity.Caller{lead, otherLead} {
		if !f.MustGet(c, "9990000018").Restricted {
			t.Errorf("not restricted for %s", c.ID)
		}
	}
	// Another authority's plan that does not say so changes nothing.
	f.MustRegister(otherLead, with(rightLAC(), func(r *domain.Registration) { r.Start = "2026-10-01" }))
	a := f.MustLookUp(nurse, unscheduled("9990000018"))
	if !a.Restricted || a.Verdict != lookup.FlagHeld || len(a.Contacts) != 1 || a.Contacts[0].RingNow.Number != hubPhone {
		t.Errorf("look-up: %+v", a)
	}
	for _, p := range a.Plans {
		if p.Contact.Authority.GSS != "" || !p.Start.IsZero() {
			t.Errorf("look-up shows %+v", p)
		}
	}
}

func TestRegisterPlan_NothingHappensWhileTheKeysAreAway(t *testing.T) {
	t.Parallel()
	f := newService(t)
	f.Keeper.TakeAway(true)
	if _, err := f.RegisterPlan(t.Context(), lead, rightCPP()); !errors.Is(err, guard.ErrUnavailable) {
		t.Errorf("got %v, want %v", err, guard.ErrUnavailable)
	}
	if n := f.Held(); n.Persons != 0 || n.Plans != 0 {
		t.Errorf("%+v are held", n)
	}
	if e := f.LastEntry(); e.Outcome != "failed" {
		t.Errorf("entry %+v", e)
	}
	f.Keeper.TakeAway(false)
	f.MustRegister(lead, rightCPP())
}

// What somebody changed in the database is noticed, and nothing is built upon.
func TestRegisterPlan_RefusesToBuildOnDamage(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		"person": `UPDATE cpis.person SET sealed = set_byte(sealed, 40, get_byte(sealed, 40) # 1) WHERE version = 1`,
		"plan":   `UPDATE cpis.plan SET sealed = set_byte(sealed, 40, get_byte(sealed, 40) # 1)`,
		"key":    `UPDATE cpis.person SET wrapped_key = wrapped_key || 'x'`,
		"old":    `UPDATE cpis.person SET version = 2`,
		"tag": `WITH p AS (SELECT person_id FROM cpis.person_tag ORDER BY person_id LIMIT 1)
			UPDATE cpis.person_tag SET person_id = p.person_id, index_version = index_version + (person_tag.person_id <> p.person_id)::int
			FROM p`,
	}
	for name, sql := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newService(t)
			f.AddIndexKey(2) // so that two tags may lead to one person
			f.MustRegister(lead, with(rightCPP(), func(r *domain.Registration) { r.NHSNumber = "9990000034" }))
			f.MustRegister(lead, rightCPP())
			f.Exec(sql)
			s := f.Another()
			_, err := s.Plans.RegisterPlan(t.Context(), lead, rightLAC())
			if !errors.Is(err, guard.ErrDamaged) {
				t.Errorf("got %v, want %v", err, guard.ErrDamaged)
			}
			if n := f.Held(); n.Plans != 2 {
				t.Errorf("%d plans are held, want 2", n.Plans)
			}
		})
	}
}

func TestRegisterPlan_TwoAuthoritiesAtOnceMakeOnePerson(t *testing.T) {
	t.Parallel()
	f := newService(t)
	for i := range 10 {
		var both sync.WaitGroup
		for _, c := range []*identity.Caller{lead, otherLead} {
			both.Go(func() {
				r := with(rightCPP(), func(r *domain.Registration) { r.NHSNumber = numberAt(i) })
				if _, err := f.RegisterPlan(t.Context(), c, r); err != nil {
					t.Errorf("%s: %s", c.ID, explain(err))
				}
			})
		}
		both.Wait()
	}
	if n := f.Held(); n.Persons != 10 || n.Plans != 20 {
		t.Errorf("%+v are held", n)
	}
}

func TestRegisterPlan_OfOverlappingOnesAtOnceOneWins(t *testing.T) {
	t.Parallel()
	f := newService(t)
	const tries = 8
	var won, lost int
	var mu sync.Mutex
	var all sync.WaitGroup
	for i := range tries {
		all.Go(func() {
			r := with(rightCPP(), func(r *domain.Registration) { r.Start = fmt.Sprintf("2026-09-%02d", i+1) })
			_, err := f.RegisterPlan(t.Context(), lead, r)
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				won++
			} else if _, invalid := errors.AsType[*domain.InvalidError](err); invalid {
				lost++
			} else {
				t.Error(explain(err))
			}
		})
	}
	all.Wait()
	if won != 1 || lost != tries-1 {
		t.Errorf("%d won and %d lost", won, lost)
	}
	if n := len(f.Entries()); n != tries {
		t.Errorf("%d entries, want %d", n, tries)
	}
}

// While the index key rotates, servers that know only the old one find people
// registered by servers that know both, and the other way round.
func TestRegisterPlan_WhileTheIndexKeyRotates(t *testing.T) {
	t.Parallel()
	f := newService(t)
	old := f.MustRegister(lead, rightCPP())
	f.AddIndexKey(2)
	s := f.Another()
	answer, err := s.LookUps.LookUp(t.Context(), nurse, unscheduled("9990000018"))
	if err != nil || answer.Verdict != lookup.FlagHeld || answer.Plans[0].ID != old.PlanID {
		t.Errorf("the new server: %+v, %v", answer, err)
	}
	made, err := s.Plans.RegisterPlan(t.Context(), lead, rightUCPP())
	if err != nil {
		t.Fatal(explain(err))
	}
	if a := f.MustLookUp(nurse, unscheduled("9990000026")); a.Verdict != lookup.FlagHeld || a.Plans[0].ID != made.PlanID {
		t.Errorf("the old server: %+v", a)
	}
	_, err = s.Plans.RegisterPlan(t.Context(), lead, rightCPP())
	if v := violationsOf(t, err); !strings.Contains(v[0].Problem, old.PlanID) {
		t.Errorf("the new server does not find the old plan: %+v", v)
	}
}
