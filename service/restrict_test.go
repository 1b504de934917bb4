package service_test

import (
	"strings"
	"testing"

	"cpis/service"
	"cpis/service/identity"
)

// restrictions gives what an authority was told of restrictions, the newest
// first.
func (f *fixture) restrictions(c *identity.Caller) []service.Notice {
	f.tb.Helper()
	return f.MustInbox(c, service.InboxQuery{Kind: service.NoticeRestriction}).Notices
}

// wantRestricted checks that the last thing an authority was told of n is that
// somebody was restricted, and not by whom.
func (f *fixture) wantRestricted(c *identity.Caller, n int) {
	f.tb.Helper()
	all := f.restrictions(c)
	if len(all) != n {
		f.tb.Fatalf("%s was told %d times, want %d", c.ID, len(all), n)
	}
	last := all[0]
	if !strings.Contains(last.Text, "restricted this person") || last.Priority || last.Organisation != "" || last.Actor.Name != "" {
		f.tb.Errorf("%s was told %+v", c.ID, last)
	}
	if last.Person == nil || last.Person.NHSNumber.Reveal() != oldNumber {
		f.tb.Errorf("%s was not told about whom", c.ID)
	}
}

// Each authority may lift a restriction that another made; so the other hears of
// it, and may restrict again.
func TestRestriction_OthersAreToldWhenItIsLifted(t *testing.T) {
	t.Parallel()
	f := newService(t)
	f.MustRegister(lead, rightCPP())
	f.MustRegister(otherLead, with(rightLAC(), func(r *service.Registration) { r.Restricted = true }))
	f.wantRestricted(lead, 1)
	f.MustChange(proposal(service.LiftRestriction, oldNumber))
	told := f.restrictions(otherLead)
	if len(told) != 1 || !told[0].Priority || told[0].Organisation != islington || !strings.Contains(told[0].Text, "was lifted") ||
		told[0].Person == nil || told[0].Actor.Name != "" {
		t.Errorf("who restricted was told %+v", told)
	}
	if n := len(f.restrictions(lead)); n != 1 {
		t.Errorf("who lifted was told %d times", n)
	}
	f.MustAccept(otherDeputy, f.MustPropose(otherLead, proposal(service.Restrict, oldNumber)))
	f.wantRestricted(lead, 2)
	f.nothingInTheClear()
}

// Whichever way somebody becomes restricted, and once: what is restricted
// already, and what is declined, is no news.
func TestRestriction_OthersAreToldWhenItIsMade(t *testing.T) {
	t.Parallel()
	f := newService(t)
	f.MustRegister(lead, rightCPP())
	f.MustApply(otherLead, service.Uploading{Format: service.UploadCSV, Extent: service.UploadDelta}, sheetHeader+sheetRow("restricted=yes"))
	f.wantRestricted(lead, 1)
	f.MustRegister(otherLead, with(rightLAC(), func(r *service.Registration) { r.Restricted = true }))
	f.wantRestricted(lead, 1)
	id := f.MustPropose(lead, proposal(service.LiftRestriction, oldNumber))
	if err := f.decide(deputy, id, service.Decline); err != nil {
		t.Fatal(because(err))
	}
	if n := len(f.restrictions(otherLead)); n != 0 {
		t.Errorf("of what was declined others were told %d times", n)
	}
}

func TestRestriction_OthersAreToldWhenAMergeMakesIt(t *testing.T) {
	t.Parallel()
	for _, superseded := range []bool{false, true} {
		f := newService(t)
		f.MustRegister(otherLead, rightCPP())
		f.MustRegister(lead, under(newNumber, func(r *service.Registration) { r.Restricted = true }))
		f.MustChange(merging(newNumber, oldNumber, superseded))
		f.wantRestricted(otherLead, 1)
	}
}

// Who holds nothing but what was an error hears nothing.
func TestRestriction_IsNoBusinessOfWhoHoldsNothing(t *testing.T) {
	t.Parallel()
	f := newService(t)
	f.MustRegister(lead, rightCPP())
	f.MustRemove(otherLead, f.MustRegister(otherLead, rightLAC()))
	f.MustChange(proposal(service.Restrict, oldNumber))
	f.MustChange(proposal(service.LiftRestriction, oldNumber))
	if n := len(f.restrictions(otherLead)); n != 0 {
		t.Errorf("told %d times", n)
	}
}
