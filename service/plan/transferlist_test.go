package plan_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"cpis/audit"
	"cpis/service/domain"
	"cpis/service/guard"
	"cpis/service/identity"
	"cpis/service/plan"
)

func TestListTransfers_ShowsEachSideWhatItMayKnow(t *testing.T) {
	t.Parallel()
	f := newService(t)
	registered := f.MustRegister(lead, with(rightCPP(), func(r *domain.Registration) { r.Restricted = true }))
	offered := f.MustTransfer(registered)
	ours := f.MustListTransfers(lead, plan.TransferQuery{OpenOnly: true}).Transfers
	theirs := f.MustListTransfers(otherLead, plan.TransferQuery{OpenOnly: true})
	if len(ours) != 1 || len(theirs.Transfers) != 1 {
		t.Fatalf("the sender sees %d, the receiver %d", len(ours), len(theirs.Transfers))
	}
	want := plan.Transfer{
		ID: offered.TransferID, State: domain.Open, From: islington, To: camden,
		Proposed: domain.Change{
			Act: "transfer_proposed", Actor: lead.ID, Name: lead.Name, Organisation: islington, Reason: "the family moved", At: noon,
		},
	}
	ignore := cmpopts.IgnoreFields(plan.Transfer{}, "Plan", "Person", "Restricted", "known")
	for _, got := range []plan.Transfer{ours[0], theirs.Transfers[0]} {
		if diff := cmp.Diff(want, got, ignore); diff != "" {
			t.Errorf("transfer (-want +got):\n%s", diff)
		}
		p := got.Plan
		if p == nil || p.Plan.ID != registered.PlanID || p.Plan.Version != 2 || p.Person.NHSNumber.Reveal() != "9990000018" || !p.Restricted {
			t.Errorf("the plan is shown as %+v", p)
		}
	}
	if ours[0].Plan.Plan.Details.Reference != "CASE-1042" || theirs.Transfers[0].Plan.Plan.Details.Reference != "" {
		t.Error("not the sender alone sees its own reference")
	}
	e := f.LastEntry()
	if diff := cmp.Diff([]audit.Disclosed{{Plan: registered.PlanID, Version: 2}}, e.Disclosed); diff != "" || e.Action != "list_plans" || !e.Restricted || e.Counts["transfers"] != 1 {
		t.Errorf("entry %+v", e)
	}
	if n := len(f.MustListTransfers(thirdLead, plan.TransferQuery{}).Transfers); n != 0 {
		t.Errorf("a third authority sees %d", n)
	}
	f.Clock.Advance(time.Hour)
	f.MustSettle(otherLead, offered, domain.Accept)
	if n := len(f.MustListTransfers(lead, plan.TransferQuery{OpenOnly: true}).Transfers); n != 0 {
		t.Errorf("%d are open", n)
	}
	got := f.MustListTransfers(lead, plan.TransferQuery{}).Transfers[0]
	if got.Plan != nil || got.State != domain.Accepted || got.Decided.Actor != otherLead.ID || !got.Decided.At.Equal(noon.Add(time.Hour)) {
		t.Errorf("the sender sees %+v", got)
	}
	if got := f.MustListTransfers(otherLead, plan.TransferQuery{}).Transfers[0]; got.Plan == nil || got.Plan.Plan.Version != 3 {
		t.Errorf("the receiver sees %+v", got)
	}
}

func TestListTransfers_ComesInPagesNewestFirst(t *testing.T) {
	t.Parallel()
	f := newService(t)
	var want []string
	for i := range 5 {
		plan := f.MustRegister(lead, with(rightCPP(), func(r *domain.Registration) { r.NHSNumber = numberAt(i) }))
		want = append([]string{f.MustTransfer(plan).TransferID}, want...)
	}
	var got []string
	q := plan.TransferQuery{Paging: guard.Paging{Size: 2}}
	for pages := 0; pages == 0 || q.Paging.Page != ""; pages++ {
		if pages > 3 {
			t.Fatal("there is no end")
		}
		page := f.MustListTransfers(otherLead, q)
		for _, transfer := range page.Transfers {
			got = append(got, transfer.ID)
		}
		q.Paging.Page = page.Next
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("transfers (-want +got):\n%s", diff)
	}
	for field, paging := range map[string]guard.Paging{"page_size": {Size: 201}, "page": {Page: "next"}} {
		_, err := f.ListTransfers(t.Context(), lead, &plan.TransferQuery{Paging: paging})
		if v := violationsOf(t, err); len(v) != 1 || v[0].Field != field {
			t.Errorf("got %+v, want %s", v, field)
		}
	}
}

// One alone is found by either side, decided or not, and by nobody else.
func TestListTransfers_OfOneAlone(t *testing.T) {
	t.Parallel()
	f := newService(t)
	one := f.MustTransfer(f.MustRegister(lead, rightCPP()))
	f.MustTransfer(f.MustRegister(lead, rightUCPP()))
	for _, c := range []*identity.Caller{lead, otherLead} {
		page := f.MustListTransfers(c, plan.TransferQuery{ID: one.TransferID})
		if len(page.Transfers) != 1 || page.Transfers[0].ID != one.TransferID || page.Next != "" {
			t.Errorf("%s sees %+v", c.ID, page)
		}
	}
	if e := f.LastEntry(); e.Target.ID != one.TransferID {
		t.Errorf("the entry is about %+v", e.Target)
	}
	for name, q := range map[string]plan.TransferQuery{"of others": {ID: one.TransferID}, "none": {ID: "nonsense"}} {
		if _, err := f.ListTransfers(t.Context(), thirdLead, &q); !errors.Is(err, guard.ErrNotFound) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}
