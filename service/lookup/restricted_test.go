package lookup_test

import (
	"testing"

	"cpis/policy"
	"cpis/service"
	"cpis/service/domain"
	"cpis/service/identity"
	"cpis/service/lookup"
	"cpis/service/servicetest"
)

// Where leads may look up, because an operator granted it, they see restricted
// people in full whom their own authority alone has plans of, and nobody else.
func TestLookUp_RestrictedOfOnesOwnAuthorityAlone(t *testing.T) {
	t.Parallel()
	f := newService(t)
	rules, err := policy.New(policy.Override{Grant: policy.Rule{
		ID: "X1", Role: policy.SafeguardingLead, Class: policy.LocalAuthority, Action: policy.LookUp, Mode: policy.Scheduled, Assurance: 3,
	}})
	if err != nil {
		t.Fatal(err)
	}
	granted := f.AnotherWith(f.OpenRing(), func(c *service.Config) { c.Policy = rules })
	restricted := func(r *domain.Registration) { r.Restricted = true }
	f.MustRegister(lead, with(rightCPP(), restricted))
	look := func(when string, by *identity.Caller, full bool) {
		t.Helper()
		a, err := granted.LookUps.LookUp(t.Context(), by, &lookup.Question{NHSNumber: servicetest.OldNumber, Mode: policy.Scheduled})
		if err != nil || a.Verdict != lookup.FlagHeld || !a.Restricted || len(a.Plans) == 0 {
			t.Fatalf("%s, %s: got %+v, %s", when, by.ID, a, servicetest.Explain(err))
		}
		if got := a.Plans[0].Contact != (domain.Contact{}); got != full {
			t.Errorf("%s, %s: shown in full %t, want %t", when, by.ID, got, full)
		}
	}
	look("one plan", lead, true)
	look("one plan", otherLead, false)
	f.MustRegister(otherLead, servicetest.RightCPP())
	look("a plan of another authority, too", lead, false)
	look("a plan of another authority, too", otherLead, false)
}
