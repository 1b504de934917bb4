package lookup_test

import (
	"crypto/sha256"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cpis/audit"
	"cpis/policy"
	"cpis/service/domain"
	"cpis/service/identity"
	"cpis/service/lookup"
)

// An entry says where a look-up came from, how strongly its caller had signed in,
// and what exactly was shown.
func TestLookUp_EntrySaysFromWhereAndWhatWasShown(t *testing.T) {
	t.Parallel()
	f := newService(t)
	plan := f.MustRegister(lead, rightCPP())
	for _, encounter := range []string{"ED-1", "ED-2", "ED-3"} {
		f.MustLookUp(nurse, attended(encounter))
	}
	c := *nurse
	c.Call = identity.Call{From: "203.0.113.0/24", Procedure: "LookUp"}
	f.MustLookUp(&c, attended("ED-4"))
	e := f.LastEntry()
	want := audit.Entry{
		Version: 2, Time: e.Time, Salt: e.Salt, Actor: c.ID, Client: c.ClientID, Issuer: c.Issuer, Assurance: 3,
		From: "203.0.113.0/24", Organisation: trust, Role: "clinician_unscheduled", Action: "look_up", Procedure: "LookUp",
		Mode: "unscheduled", Setting: "emergency_department", Purpose: "emergency_care", Subject: f.Tag("9990000018"),
		Encounter: e.Encounter, Outcome: "flag_held", Rule: "U1", Policy: e.Policy,
		Disclosed: []audit.Disclosed{{Plan: plan.PlanID, Version: 1}}, History: 3,
	}
	if diff := cmp.Diff(want, e); diff != "" || len(e.Policy) != 16 {
		t.Errorf("entry (-want +got):\n%s", diff)
	}
}

// The review of a break-glass look and what its reason was are in the log, without
// the reason: whoever exchanges either is found out.
func TestBreakGlass_EntryHoldsItsReview(t *testing.T) {
	t.Parallel()
	f := newService(t)
	f.MustRegister(lead, rightCPP())
	q := &lookup.Question{
		NHSNumber: "9990000018", Mode: policy.Unscheduled, BreakGlass: "collapsed in the waiting room", Grounds: domain.Emergency,
		Encounter: domain.Encounter{Setting: domain.GeneralPractice},
	}
	f.MustLookUp(gp, q)
	e := f.LastEntry()
	open, err := f.DB.Reviews.Open(t.Context(), gp.Organisation, 10)
	if err != nil || len(open) != 1 {
		t.Fatalf("%d reviews, %v", len(open), err)
	}
	reason := sha256.Sum256(open[0].Sealed)
	want := audit.Review{ID: open[0].ID.String(), Reason: reason[:]}
	if diff := cmp.Diff(want, e.Review); diff != "" || e.Grounds != "emergency" || !e.BreakGlass {
		t.Errorf("entry %+v (-want +got):\n%s", e, diff)
	}
	// A word alone is no reason.
	q.BreakGlass = ""
	_, err = f.LookUp(t.Context(), gp, q)
	if err == nil || f.LastEntry().Review.ID != "" {
		t.Errorf("grounds without a reason: %v, entry %+v", err, f.LastEntry())
	}
}
