package oversight_test

import (
	"testing"

	"cpis/service/identity"
	"cpis/service/lookup"
	"cpis/service/oversight"
	"cpis/service/servicetest"
)

// Nobody learns from the entry of their own question that a child is restricted:
// neither by asking for a report, nor by a look-up that came to nothing.
func TestReports_ShowNoMarkThatNobodyWasTold(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	r := servicetest.RightCPP()
	r.Restricted = true
	f.MustRegister(lead, r)
	f.list(officer, oversight.Child, oversight.Query{NHSNumber: child})
	f.mustAccess(officer, false)
	if e := f.LastEntry(); !e.Restricted {
		t.Fatalf("the log does not say it: %+v", e)
	}
	mismatched := servicetest.Unscheduled(child)
	mismatched.DateOfBirth = "2001-02-03"
	if a := f.MustLookUp(nurse, mismatched); a.Verdict != lookup.CannotSay || !f.LastEntry().Restricted {
		t.Fatalf("got %+v, entry %+v", a, f.LastEntry())
	}
	for _, c := range []*identity.Caller{officer, auditor} {
		for _, report := range []oversight.Report{oversight.Asked, oversight.Everything} {
			marked := 0
			for _, e := range f.list(c, report, oversight.Query{Organised: trust}).Entries {
				if e.Restricted {
					marked++
				}
			}
			if marked > 0 {
				t.Errorf("%s, %s: %d entries say that the child is restricted", c.ID, report, marked)
			}
		}
	}
	f.MustLookUp(nurse, servicetest.Unscheduled(child)) // is told to ring the hub
	entries := f.list(officer, oversight.Everything, oversight.Query{}).Entries
	if !entries[0].Restricted {
		t.Errorf("what was told is not shown: %+v", entries[0])
	}
}
