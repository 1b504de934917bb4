package plan_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cpis/audit"
	"cpis/service/domain"
	"cpis/service/guard"
	"cpis/service/plan"
)

func TestListVersions_SaysWhoWhenAndWhy(t *testing.T) {
	t.Parallel()
	f := newService(t)
	registered := f.MustRegister(laSystem, rightCPP())
	f.Clock.Advance(time.Hour)
	q := amendment(registered, rightCPP())
	q.Family = "Other"
	amended := f.MustAmend(lead, q)
	f.Clock.Advance(time.Hour)
	registered.Version = 2
	ended := f.MustEnd(secondLead, registered, "2026-11-20")
	got, err := f.ListVersions(t.Context(), lead, &plan.ListVersionsRequest{PlanID: registered.PlanID, Request: "request-4"})
	if err != nil {
		t.Fatal(explain(err))
	}
	details := domain.Details{Kind: domain.CPP, Start: day(t, "2026-09-01"), Reference: "CASE-1042"}
	over := details
	over.End, over.EndReason = day(t, "2026-11-20"), "review conference"
	want := []plan.Version{
		{
			Plan: plan.Plan{
				ID: registered.PlanID, Version: 3, Details: over, Ended: true, VisibleUntil: day(t, "2027-11-20"), Changed: noon.Add(2 * time.Hour),
			},
			Family: "Other", Given: "Robin", Authority: islington, Entry: ended.Index,
			Change: domain.Change{
				Act: "end", Actor: secondLead.ID, Name: secondLead.Name, Organisation: islington, Reason: "review conference",
				At: noon.Add(2 * time.Hour),
			},
		},
		{
			Plan:   plan.Plan{ID: registered.PlanID, Version: 2, Details: details, Changed: noon.Add(time.Hour)},
			Family: "Other", Given: "Robin", Authority: islington, Entry: amended.Index,
			Change: domain.Change{
				Act: "amend", Actor: lead.ID, Name: lead.Name, Organisation: islington, Reason: "a slip", At: noon.Add(time.Hour),
			},
		},
		{
			Plan:   plan.Plan{ID: registered.PlanID, Version: 1, Details: details, Changed: noon},
			Family: "Example", Given: "Robin", Authority: islington, Entry: registered.Index,
			Change: domain.Change{Act: "register", Actor: laSystem.ID, Organisation: islington, At: noon},
		},
	}
	if diff := cmp.Diff(want, got.Versions, cmp.AllowUnexported(domain.Date{})); diff != "" {
		t.Errorf("versions (-want +got):\n%s", diff)
	}
	e := f.LastEntry()
	if diff := cmp.Diff([]audit.Disclosed{{Plan: registered.PlanID, Version: 3}}, e.Disclosed); diff != "" || e.Counts["versions"] != 3 ||
		e.Action != "get_person" || e.Request != "request-4" || string(e.Subject) != string(f.Tag("9990000018")) {
		t.Errorf("entry %+v", e)
	}
}

// After a transfer its new owner sees who made the earlier versions and when,
// and nothing of what they said.
func TestListVersions_OfAnotherAuthorityShowWhoAndWhen(t *testing.T) {
	t.Parallel()
	f := newService(t)
	held := f.MustRegister(lead, rightCPP())
	offered := f.MustTransfer(held)
	f.MustSettle(otherLead, offered, domain.Accept)
	got := f.MustVersions(otherLead, held.PlanID)
	want := []string{"3 transfer_accepted by other-lead", "2 transfer_proposed by lead", "1 register by lead"}
	if diff := cmp.Diff(want, acts(got)); diff != "" {
		t.Fatalf("versions (-want +got):\n%s", diff)
	}
	if got[0].Plan.Details.Kind != domain.CPP || got[0].Given != "Robin" || got[0].Authority != camden {
		t.Errorf("its own is %+v", got[0])
	}
	for _, v := range got[1:] {
		if v.Plan.Details != (domain.Details{}) || v.Given != "" || v.Family != "" || v.Change.Reason != "" || v.Authority != islington || v.Change.At.IsZero() {
			t.Errorf("the sender's is %+v", v)
		}
	}
	if _, err := f.ListVersions(t.Context(), lead, &plan.ListVersionsRequest{PlanID: held.PlanID}); !errors.Is(err, guard.ErrNotFound) {
		t.Errorf("the sender: got %v, want %v", err, guard.ErrNotFound)
	}
	if _, err := f.ListVersions(t.Context(), gp, &plan.ListVersionsRequest{PlanID: held.PlanID}); !errors.Is(err, guard.ErrDenied) {
		t.Errorf("a practice: got %v, want %v", err, guard.ErrDenied)
	}
}
