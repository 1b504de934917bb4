package oversight_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cpis/service/lookup"
	"cpis/service/oversight"
	"cpis/service/servicetest"
)

// replaceIndexKey replaces the index key, and the service sees it.
func (f *fixture) replaceIndexKey() {
	f.TB.Helper()
	f.MustRotateIndexKey()
	f.Clock.Advance(time.Second)
	f.MustReplaceIndexKey()
	f.Clock.Advance(3 * time.Minute)
}

// Who looked before the index key was replaced is found for good: children who
// are known, under all their numbers, and those of whom nothing is held.
func TestChild_IsFoundUnderRetiredKeys(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.MustRegister(lead, servicetest.RightCPP())
	f.MustLookUp(nurse, servicetest.Unscheduled(child))
	f.MustLookUp(nurse, servicetest.Unscheduled(servicetest.ThirdNumber))
	f.MustReplace(lead, child, another)
	f.replaceIndexKey()
	f.MustLookUp(gp, &lookup.Question{NHSNumber: another})
	f.replaceIndexKey()
	f.MustLookUp(nurse, servicetest.Unscheduled(another))
	want := []string{"nurse look_up flag_held", "gp look_up flag_held", "nurse look_up flag_held"}
	for _, number := range []string{child, another} {
		got := acts(f.list(auditor, oversight.Child, oversight.Query{NHSNumber: number, Action: "look_up"}))
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("by %s (-want +got):\n%s", number, diff)
		}
	}
	if got := acts(f.list(auditor, oversight.Child, oversight.Query{NHSNumber: servicetest.ThirdNumber, Action: "look_up"})); len(got) != 1 {
		t.Errorf("of whom nothing is held: got %q", got)
	}
}

// A tag of a key that was retired leads to nobody any more, so nobody can say
// whether the child is restricted by now: what authorities did under it has no
// subject, and a report by the tag alone leaves them out.
func TestRestricted_AuthorityIsNotFoundByAnOldTag(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.MustRegister(lead, servicetest.RightCPP())
	f.MustLookUp(nurse, servicetest.Unscheduled(child))
	old := tagText(f, child)
	f.replaceIndexKey()
	page := f.list(auditor, oversight.Child, oversight.Query{Subject: old})
	if diff := cmp.Diff([]string{"nurse look_up flag_held"}, acts(page)); diff != "" || !page.AuthoritiesLeftOut {
		t.Errorf("by the old tag: left out %t (-want +got):\n%s", page.AuthoritiesLeftOut, diff)
	}
	for _, e := range f.list(auditor, oversight.PlanChanges, oversight.Query{}).Entries {
		if e.Action == "register_plan" && e.Subject != "" {
			t.Errorf("got %+v", e)
		}
	}
	if own := f.list(leadsOfficer, oversight.PlanChanges, oversight.Query{}).Entries; own[len(own)-1].Subject != old {
		t.Errorf("the authority's own: got %+v", own[len(own)-1])
	}
}
