package person_test

import (
	"strings"
	"testing"

	"cpis/service/domain"
	"cpis/service/person"
	"cpis/service/upload"
)

// Each authority may lift a restriction that another made; so the other hears of
// it, and may restrict again.
func TestRestriction_OthersAreToldWhenItIsLifted(t *testing.T) {
	t.Parallel()
	f := newService(t)
	f.MustRegister(lead, rightCPP())
	f.MustRegister(otherLead, with(rightLAC(), func(r *domain.Registration) { r.Restricted = true }))
	f.WantRestricted(lead, 1)
	f.MustChange(proposal(person.LiftRestriction, oldNumber))
	told := f.Restrictions(otherLead)
	if len(told) != 1 || !told[0].Priority || told[0].Organisation != islington || !strings.Contains(told[0].Text, "was lifted") ||
		told[0].Person == nil || told[0].Actor.Name != "" {
		t.Errorf("who restricted was told %+v", told)
	}
	if n := len(f.Restrictions(lead)); n != 1 {
		t.Errorf("who lifted was told %d times", n)
	}
	f.MustAccept(otherDeputy, f.MustPropose(otherLead, proposal(person.Restrict, oldNumber)))
	f.WantRestricted(lead, 2)
	f.NothingInTheClear()
}

// Whichever way somebody becomes restricted, and once: what is restricted
// already, and what is declined, is no news.
func TestRestriction_OthersAreToldWhenItIsMade(t *testing.T) {
	t.Parallel()
	f := newService(t)
	f.MustRegister(lead, rightCPP())
	f.MustApply(otherLead, upload.Request{Format: upload.CSV, Extent: upload.Delta}, sheetHeader+sheetRow("restricted=yes"))
	f.WantRestricted(lead, 1)
	f.MustRegister(otherLead, with(rightLAC(), func(r *domain.Registration) { r.Restricted = true }))
	f.WantRestricted(lead, 1)
	id := f.MustPropose(lead, proposal(person.LiftRestriction, oldNumber))
	if err := f.Decide(deputy, id, domain.Decline); err != nil {
		t.Fatal(because(err))
	}
	if n := len(f.Restrictions(otherLead)); n != 0 {
		t.Errorf("of what was declined others were told %d times", n)
	}
}

func TestRestriction_OthersAreToldWhenAMergeMakesIt(t *testing.T) {
	t.Parallel()
	for _, superseded := range []bool{false, true} {
		f := newService(t)
		f.MustRegister(otherLead, rightCPP())
		f.MustRegister(lead, under(newNumber, func(r *domain.Registration) { r.Restricted = true }))
		f.MustChange(merging(newNumber, oldNumber, superseded))
		f.WantRestricted(otherLead, 1)
	}
}

// Who holds nothing but what was an error hears nothing.
func TestRestriction_IsNoBusinessOfWhoHoldsNothing(t *testing.T) {
	t.Parallel()
	f := newService(t)
	f.MustRegister(lead, rightCPP())
	f.MustRemove(otherLead, f.MustRegister(otherLead, rightLAC()))
	f.MustChange(proposal(person.Restrict, oldNumber))
	f.MustChange(proposal(person.LiftRestriction, oldNumber))
	if n := len(f.Restrictions(otherLead)); n != 0 {
		t.Errorf("told %d times", n)
	}
}
