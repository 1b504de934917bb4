package plan_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cpis/service/domain"
	"cpis/service/guard"
	"cpis/service/identity"
	"cpis/service/plan"
	"cpis/service/servicetest"
)

// mustEvents returns all that happened to a person, page after page.
func mustEvents(t *testing.T, f *fixture, c *identity.Caller, q plan.EventsRequest) (all []plan.Event) {
	t.Helper()
	for range 30 {
		page, err := f.ListEvents(t.Context(), c, &q)
		if err != nil {
			t.Fatal(explain(err))
		}
		all = append(all, page.Events...)
		if q.Paging.Page = page.Next; page.Next == "" {
			return all
		}
	}
	t.Fatal("there is no end")
	return nil
}

// summary says what events are, in short.
func summary(events []plan.Event) (all []string) {
	for _, e := range events {
		switch {
		case e.Version != nil:
			all = append(all, "plan "+e.Version.Change.Act)
		case e.Access != nil:
			all = append(all, fmt.Sprintf("access by %s, wrong: %v", e.Access.Who, !e.Access.WrongPatient.IsZero()))
		case e.Notice != nil:
			all = append(all, fmt.Sprintf("notice %s, corrects: %v, corrected: %v", e.Notice.Kind, e.Notice.Corrects != "", e.Notice.CorrectedBy != ""))
		}
	}
	return all
}

// What happened to a person stands on one timeline: what the authority may know of
// it, newest first, on pages of any size, narrowed by kind.
func TestListEvents_ShowsWhatTheAuthorityMayKnow(t *testing.T) {
	t.Parallel()
	f := newService(t)
	f.MustRegister(otherLead, with(rightCPP(), servicetest.AsLAC))
	f.MustLookUp(nurse, unscheduled("9990000018")) // before the authority holds anything
	f.Clock.Advance(time.Hour)
	held := f.MustRegister(lead, rightCPP())
	f.Clock.Advance(time.Hour)
	q := unscheduled("9990000018")
	q.Encounter.ID = "wrong"
	f.MustLookUp(nurse, q)
	f.Clock.Advance(time.Minute)
	f.MustReportWrong(nurse, servicetest.WrongPatient("wrong"))
	f.Clock.Advance(time.Minute)
	f.MustEnd(lead, held, "2026-11-23")
	id := f.MustGet(lead, "9990000018").ID
	access, corrected, correction := "access by Test nurse, Tester, wrong: true",
		"notice unscheduled_access, corrects: false, corrected: true", "notice correction, corrects: true, corrected: false"
	for kind, want := range map[plan.EventKind][]string{
		plan.AllEvents:    {access, corrected, correction, "plan end", "plan register"},
		plan.PlanEvents:   {"plan end", "plan register"},
		plan.AccessEvents: {access},
		plan.NoticeEvents: {corrected, correction},
		plan.Corrections:  {access, corrected, correction},
	} {
		for _, size := range []int{1, 2, 0} {
			got := mustEvents(t, f, secondLead, plan.EventsRequest{PersonID: id, Kind: kind, Paging: guard.Paging{Size: size}})
			said := summary(got)
			slices.Sort(said)
			slices.Sort(want)
			if diff := cmp.Diff(want, said); diff != "" {
				t.Errorf("%q, pages of %d (-want +got):\n%s", kind, size, diff)
			}
			if !slices.IsSortedFunc(got, func(a, b plan.Event) int { return b.At.Compare(a.At) }) {
				t.Errorf("%q, pages of %d: not newest first", kind, size)
			}
		}
	}
	e := f.LastEntry()
	if e.Action != "get_person" || string(e.Subject) != string(f.Tag("9990000018")) || e.Counts["events"] == 0 {
		t.Errorf("entry %+v", e)
	}
}

func TestListEvents_BelongsToTheAuthority(t *testing.T) {
	t.Parallel()
	f := newService(t)
	f.MustRegister(otherLead, with(rightCPP(), servicetest.AsLAC))
	f.MustRegister(lead, rightCPP())
	id, theirs := f.MustGet(lead, "9990000018").ID, f.MustGet(otherLead, "9990000018").ID
	got := mustEvents(t, f, otherLead, plan.EventsRequest{PersonID: theirs, Kind: plan.PlanEvents})
	if diff := cmp.Diff([]string{"plan register"}, summary(got)); diff != "" {
		t.Errorf("the other authority (-want +got):\n%s", diff)
	}
	for _, id := range []string{theirs, "x", ""} {
		if _, err := f.ListEvents(t.Context(), lead, &plan.EventsRequest{PersonID: id}); !errors.Is(err, guard.ErrNotFound) {
			t.Errorf("%q: got %v, want %v", id, err, guard.ErrNotFound)
		}
	}
	if _, err := f.ListEvents(t.Context(), nurse, &plan.EventsRequest{PersonID: id}); !errors.Is(err, guard.ErrDenied) {
		t.Errorf("a nurse: got %v, want %v", err, guard.ErrDenied)
	}
	_, err := f.ListEvents(t.Context(), lead, &plan.EventsRequest{PersonID: id, Kind: "x"})
	f.ExpectInvalid(t, f.Held(), err, "kind")
	_, err = f.ListEvents(t.Context(), lead, &plan.EventsRequest{PersonID: id, Paging: guard.Paging{Page: "x"}})
	f.ExpectInvalid(t, f.Held(), err, "page")
}

// Whoever looks up a person after the last visible day sees another authority's
// plan: that there is one is not this authority's to know.
func TestListEvents_AreSilentOnceNoPlanIsShown(t *testing.T) {
	t.Parallel()
	f := newService(t)
	held := f.MustRegister(lead, rightCPP())
	f.MustEnd(lead, held, "2026-11-23")
	f.MustRegister(otherLead, with(rightCPP(), servicetest.AsLAC))
	removed := f.MustRegister(otherLead, with(rightCPP(), func(r *domain.Registration) { r.Start = "2026-11-20" }))
	f.MustRemove(otherLead, removed)
	id, theirs := f.MustGet(lead, "9990000018").ID, f.MustGet(otherLead, "9990000018").ID
	f.Clock.Advance(3 * 366 * 24 * time.Hour)
	f.MustLookUp(nurse, unscheduled("9990000018"))
	if got := mustEvents(t, f, lead, plan.EventsRequest{PersonID: id, Kind: plan.AccessEvents}); len(got) != 0 {
		t.Errorf("got %q, want nothing", summary(got))
	}
	if got := mustEvents(t, f, otherLead, plan.EventsRequest{PersonID: theirs, Kind: plan.AccessEvents}); len(got) != 1 {
		t.Errorf("the other authority: got %q, want one access", summary(got))
	}
	// What was removed stays in the history of changes.
	got := summary(mustEvents(t, f, otherLead, plan.EventsRequest{PersonID: theirs, Kind: plan.PlanEvents}))
	if !slices.Contains(got, "plan remove") {
		t.Errorf("changes: %q", got)
	}
}

// A look-up that somebody tampered with is shown as one of which nothing is known:
// to leave it out would read as if nobody had looked.
func TestListEvents_DoNotHideWhatWasTamperedWith(t *testing.T) {
	t.Parallel()
	f := newService(t)
	f.MustRegister(lead, rightCPP())
	f.MustLookUp(nurse, unscheduled("9990000018"))
	id := f.MustGet(lead, "9990000018").ID
	f.Exec(`UPDATE cpis.access SET organisation = 'X'`)
	page, err := f.ListEvents(t.Context(), lead, &plan.EventsRequest{PersonID: id, Kind: plan.AccessEvents})
	if err != nil {
		t.Fatal(explain(err))
	}
	if !page.Degraded || len(page.Events) != 1 || *page.Events[0].Access != (plan.Access{}) || !f.LastEntry().Degraded {
		t.Errorf("got %+v", page)
	}
}

// What another authority did with a plan before it came here shows who and when, and
// not why.
func TestListEvents_AfterATransfer(t *testing.T) {
	t.Parallel()
	f := newService(t)
	f.MustSettle(otherLead, f.MustTransfer(f.MustRegister(lead, rightCPP())), domain.Accept)
	id := f.MustGet(otherLead, "9990000018").ID
	for _, e := range mustEvents(t, f, otherLead, plan.EventsRequest{PersonID: id, Kind: plan.PlanEvents}) {
		if own := e.Version.Authority == camden; own != (e.Version.Change.Reason != "") && e.Version.Change.Act != "register" {
			t.Errorf("%s by %s says why: %q", e.Version.Change.Act, e.Version.Authority, e.Version.Change.Reason)
		}
	}
	if _, err := f.ListEvents(t.Context(), lead, &plan.EventsRequest{PersonID: id}); !errors.Is(err, guard.ErrNotFound) {
		t.Errorf("who gave it away: got %v, want %v", err, guard.ErrNotFound)
	}
}
