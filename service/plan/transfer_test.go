package plan_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cpis/audit"
	"cpis/service/domain"
	"cpis/service/guard"
	"cpis/service/identity"
	"cpis/service/notice"
	"cpis/service/plan"
)

func TestTransfer_IsTheSendersUntilItIsAccepted(t *testing.T) {
	t.Parallel()
	f := newService(t)
	held := f.MustRegister(lead, rightCPP())
	offered := f.MustTransfer(held)
	if offered.Version != 2 {
		t.Errorf("got %+v", offered)
	}
	owner := func() string {
		a := f.MustLookUp(nurse, unscheduled("9990000018"))
		if len(a.Plans) != 1 {
			t.Fatalf("a look-up shows %d plans", len(a.Plans))
		}
		return a.Plans[0].Contact.Authority.GSS
	}
	if got := owner(); got != islington {
		t.Errorf("offered: a look-up shows %s", got)
	}
	if p := f.MustGet(lead, "9990000018").Plans[0]; p.TransferTo != camden {
		t.Errorf("got %+v", p)
	}
	if _, err := f.GetPlan(t.Context(), otherLead, &plan.GetPlanRequest{PlanID: held.PlanID}); !errors.Is(err, guard.ErrNotFound) {
		t.Errorf("the receiver finds the plan: %v", err)
	}
	q := settlement(offered, domain.Accept)
	q.Reference = "CAM-1"
	got, err := f.DecideTransfer(t.Context(), otherLead, q)
	if err != nil || got.State != domain.Accepted || got.Version != 3 {
		t.Fatalf("got %+v, %s", got, explain(err))
	}
	if got := owner(); got != camden {
		t.Errorf("accepted: a look-up shows %s", got)
	}
	p := f.MustGet(otherLead, "9990000018")
	if p.Plans[0].TransferTo != "" || p.Plans[0].Details.Reference != "CAM-1" || p.Person.Given != "Robin" || p.Plans[0].Version != 3 {
		t.Errorf("the receiver has %+v", p.Plans)
	}
	for _, find := range []func() error{
		func() error {
			_, err := f.GetPerson(t.Context(), lead, &plan.GetPersonRequest{NHSNumber: "9990000018"})
			return err
		},
		func() error {
			_, err := f.GetPlan(t.Context(), lead, &plan.GetPlanRequest{PlanID: held.PlanID})
			return err
		},
		func() error {
			_, err := f.ListVersions(t.Context(), lead, &plan.ListVersionsRequest{PlanID: held.PlanID})
			return err
		},
	} {
		if err := find(); !errors.Is(err, guard.ErrNotFound) {
			t.Errorf("the sender still finds it: %v", err)
		}
	}
}

func TestTransfer_LeavesItsEntriesAndNotices(t *testing.T) {
	t.Parallel()
	f := newService(t)
	plan := f.MustRegister(lead, rightCPP())
	q := offer(plan)
	q.Request = "request-2"
	offered, err := f.ProposeTransfer(t.Context(), lead, q)
	if err != nil {
		t.Fatal(explain(err))
	}
	e := f.LastEntry()
	want := audit.Entry{
		Version: 2, Time: noon, Salt: e.Salt, Policy: e.Policy, Assurance: 3, Actor: lead.ID, Client: lead.ClientID, Issuer: lead.Issuer,
		Organisation: islington, Role: "safeguarding_lead", Action: "propose_transfer", Rule: "P13", Request: "request-2",
		Target:  audit.Thing{Kind: "plan", ID: plan.PlanID},
		Subject: f.Tag("9990000018"), Outcome: "done", Disclosed: []audit.Disclosed{{Plan: plan.PlanID, Version: 2}},
		Shown: []audit.Shown{{Kind: "transfer", IDs: []string{offered.TransferID}}},
	}
	if diff := cmp.Diff(want, e); diff != "" {
		t.Errorf("entry (-want +got):\n%s", diff)
	}
	decision := settlement(offered, domain.Accept)
	decision.Request = "request-3"
	if _, err := f.DecideTransfer(t.Context(), otherLead, decision); err != nil {
		t.Fatal(explain(err))
	}
	e = f.LastEntry()
	want.Salt, want.Actor, want.Organisation, want.Action, want.Rule, want.Request = e.Salt, otherLead.ID, camden, "decide_transfer", "P14", "request-3"
	want.Target, want.Shown = audit.Thing{Kind: "transfer", ID: offered.TransferID}, nil
	want.Disclosed = []audit.Disclosed{{Plan: plan.PlanID, Version: 3}}
	if diff := cmp.Diff(want, e); diff != "" {
		t.Errorf("entry (-want +got):\n%s", diff)
	}
	wantTold := []told{
		{To: camden, Kind: "transfer_proposed", Organisation: islington, Reference: offered.TransferID},
		{To: islington, Kind: "transfer_decided", Organisation: camden, Reference: offered.TransferID},
	}
	if diff := cmp.Diff(wantTold, f.Told()); diff != "" {
		t.Errorf("notices (-want +got):\n%s", diff)
	}
}

func TestTransfer_DeclinedAndWithdrawnThePlanStays(t *testing.T) {
	t.Parallel()
	f := newService(t)
	plan := f.MustRegister(lead, rightCPP())
	for _, tt := range []struct {
		by    *identity.Caller
		d     domain.Decision
		state domain.State
		told  string
	}{
		{otherLead, domain.Decline, domain.Declined, islington},
		{lead, domain.Withdraw, domain.Withdrawn, camden},
		{secondLead, domain.Withdraw, domain.Withdrawn, camden},
	} {
		offered := f.MustTransfer(plan)
		got := f.MustSettle(tt.by, offered, tt.d)
		if got.State != tt.state || got.Version != offered.Version+1 {
			t.Errorf("%s: got %+v", tt.d, got)
		}
		if p := f.MustGet(lead, "9990000018").Plans[0]; p.TransferTo != "" || p.Version != got.Version {
			t.Errorf("%s: the plan is %+v", tt.d, p)
		}
		all := f.Told()
		if last := all[len(all)-1]; last.To != tt.told || last.Kind != "transfer_decided" || last.Reference != offered.TransferID {
			t.Errorf("%s: told %+v", tt.d, last)
		}
		plan.Version = got.Version
	}
	want := []string{
		"7 transfer_withdrawn by second-lead", "6 transfer_proposed by lead", "5 transfer_withdrawn by lead", "4 transfer_proposed by lead",
		"3 transfer_declined by other-lead", "2 transfer_proposed by lead", "1 register by lead",
	}
	if diff := cmp.Diff(want, acts(f.MustVersions(lead, plan.PlanID))); diff != "" {
		t.Errorf("versions (-want +got):\n%s", diff)
	}
}

func TestTransfer_WhatMayNotBeOffered(t *testing.T) {
	t.Parallel()
	f := newService(t)
	registered := f.MustRegister(lead, rightCPP())
	before := f.Held()
	for name, tt := range map[string]struct {
		change func(*plan.ProposeTransferRequest)
		field  string
	}{
		"to oneself":     {func(q *plan.ProposeTransferRequest) { q.To = islington }, "to"},
		"to nobody":      {func(q *plan.ProposeTransferRequest) { q.To = "" }, "to"},
		"to a hospital":  {func(q *plan.ProposeTransferRequest) { q.To = trust }, "to"},
		"to no code":     {func(q *plan.ProposeTransferRequest) { q.To = "E99999999" }, "to"},
		"without reason": {func(q *plan.ProposeTransferRequest) { q.Reason = "" }, "reason"},
		"no version":     {func(q *plan.ProposeTransferRequest) { q.Version = 0 }, "version"},
	} {
		q := offer(registered)
		tt.change(q)
		_, err := f.ProposeTransfer(t.Context(), lead, q)
		if v := f.ExpectInvalid(t, before, err, tt.field); v.Problem == "" {
			t.Errorf("%s: got %s", name, explain(err))
		}
	}
	_, err := f.ProposeTransfer(t.Context(), thirdLead, offer(registered))
	f.ExpectRefused(t, before, err, guard.ErrNotFound, "not_found")
	f.MustTransfer(registered)
	before = f.Held()
	_, err = f.ProposeTransfer(t.Context(), lead, offer(registered))
	expectStale(t, err, 2)
	registered.Version = 2
	_, err = f.ProposeTransfer(t.Context(), lead, offer(registered))
	f.ExpectRefused(t, before, err, guard.ErrState, "state")

	ended := f.MustRegister(lead, rightLAC())
	f.MustEnd(lead, ended, "2026-11-20")
	ended.Version, before = 2, f.Held()
	_, err = f.ProposeTransfer(t.Context(), lead, offer(ended))
	f.ExpectRefused(t, before, err, guard.ErrState, "state")
}

func TestTransfer_WhoDecidesWhat(t *testing.T) {
	t.Parallel()
	f := newService(t)
	offered := f.MustTransfer(f.MustRegister(lead, rightCPP()))
	before := f.Held()
	for _, tt := range []struct {
		by *identity.Caller
		d  domain.Decision
	}{{lead, domain.Accept}, {lead, domain.Decline}, {otherLead, domain.Withdraw}, {otherLead, "perhaps"}, {otherLead, ""}} {
		_, err := f.DecideTransfer(t.Context(), tt.by, settlement(offered, tt.d))
		f.ExpectInvalid(t, before, err, "decision")
	}
	for field, change := range map[string]func(*plan.DecideTransferRequest){
		"reason":    func(q *plan.DecideTransferRequest) { q.Reason = " " },
		"reference": func(q *plan.DecideTransferRequest) { q.Decision, q.Reference = domain.Decline, "CAM-1" },
	} {
		q := settlement(offered, domain.Accept)
		change(q)
		_, err := f.DecideTransfer(t.Context(), otherLead, q)
		f.ExpectInvalid(t, before, err, field)
	}
	for _, id := range []string{offered.TransferID, "01890000-0000-7000-8000-000000000000", "transfer-1"} {
		_, err := f.DecideTransfer(t.Context(), thirdLead, &plan.DecideTransferRequest{TransferID: id, Decision: domain.Accept, Reason: "x"})
		f.ExpectRefused(t, before, err, guard.ErrNotFound, "not_found")
		if e := f.LastEntry(); e.Subject != nil {
			t.Errorf("%s: the entry says whom it is about", id)
		}
	}
	for _, c := range []*identity.Caller{laSystem, nurse, auditor, administrator} {
		if _, err := f.DecideTransfer(t.Context(), c, settlement(offered, domain.Withdraw)); !errors.Is(err, guard.ErrDenied) {
			t.Errorf("%s: got %v, want %v", c.ID, err, guard.ErrDenied)
		}
	}
	f.MustSettle(otherLead, offered, domain.Accept)
	before = f.Held()
	_, err := f.DecideTransfer(t.Context(), lead, settlement(offered, domain.Withdraw))
	f.ExpectRefused(t, before, err, guard.ErrState, "state")
	_, err = f.DecideTransfer(t.Context(), otherLead, settlement(offered, domain.Accept))
	f.ExpectRefused(t, before, err, guard.ErrState, "state")
}

// Who receives a plan cannot hold another beside which it could not be
// registered.
func TestTransfer_MustNotOverlapWithTheReceivers(t *testing.T) {
	t.Parallel()
	f := newService(t)
	offered := f.MustTransfer(f.MustRegister(lead, rightCPP()))
	theirs := f.MustRegister(otherLead, with(rightCPP(), func(r *domain.Registration) { r.Start = "2026-10-01" }))
	before := f.Held()
	_, err := f.DecideTransfer(t.Context(), otherLead, settlement(offered, domain.Accept))
	if v := f.ExpectInvalid(t, before, err, "decision"); !strings.Contains(v.Problem, theirs.PlanID) {
		t.Errorf("got %+v", v)
	}
	f.MustRemove(otherLead, theirs)
	f.MustSettle(otherLead, offered, domain.Accept)
}

func TestTransfer_TellsThirdAuthoritiesOfOverlaps(t *testing.T) {
	t.Parallel()
	f := newService(t)
	plan := f.MustRegister(lead, rightCPP())
	f.MustRegister(thirdLead, rightCPP())
	offered := f.MustTransfer(plan)
	before := len(f.Told())
	f.MustSettle(otherLead, offered, domain.Accept)
	want := []told{
		{To: camden, Kind: "overlap", Organisation: hackney},
		{To: hackney, Kind: "overlap", Organisation: camden},
		{To: islington, Kind: "transfer_decided", Organisation: camden, Reference: offered.TransferID},
	}
	if diff := cmp.Diff(want, f.Told()[before:]); diff != "" {
		t.Errorf("notices (-want +got):\n%s", diff)
	}
}

// While it is open the sender is responsible, and changes what is to be.
func TestTransfer_WhileItIsOpenTheSenderActs(t *testing.T) {
	t.Parallel()
	f := newService(t)
	plan := f.MustRegister(lead, rightCPP())
	offered := f.MustTransfer(plan)
	q := amendment(plan, rightCPP())
	q.Version, q.Start = 2, "2026-08-01"
	f.MustAmend(lead, q)
	plan.Version = 3
	f.MustEnd(lead, plan, "2027-01-31")
	if p := f.MustGet(lead, "9990000018").Plans[0]; p.TransferTo != camden || p.Version != 4 {
		t.Errorf("the plan is %+v", p)
	}
	if got := f.MustSettle(otherLead, offered, domain.Accept); got.Version != 5 {
		t.Errorf("got %+v", got)
	}
	p := f.MustGet(otherLead, "9990000018").Plans[0]
	if p.Details.Start.String() != "2026-08-01" || p.Details.End.String() != "2027-01-31" || p.Details.Reference != "" {
		t.Errorf("the receiver has %+v", p)
	}
}

// The receiver is told that the plan was an error, and not in whose words.
func TestTransfer_OfARemovedPlanIsWithdrawn(t *testing.T) {
	t.Parallel()
	f := newService(t)
	registered := f.MustRegister(lead, rightCPP())
	offered := f.MustTransfer(registered)
	registered.Version = 2
	f.MustRemove(lead, registered)
	page := f.MustListTransfers(otherLead, plan.TransferQuery{})
	if len(page.Transfers) != 1 {
		t.Fatalf("%d transfers", len(page.Transfers))
	}
	if got := page.Transfers[0]; got.State != domain.Withdrawn || got.Plan != nil || got.Decided.Reason != "The plan was removed: it was entered in error." {
		t.Errorf("got %+v", got)
	}
	inbox := f.MustInbox(otherLead, notice.InboxQuery{Kind: notice.TransferDecided})
	if len(inbox.Notices) != 1 || inbox.Notices[0].Text != "The plan was removed: it was entered in error." {
		t.Errorf("notices %+v", inbox.Notices)
	}
	if v := f.MustVersions(lead, registered.PlanID); v[0].Change.Reason != "the wrong child" {
		t.Errorf("the sender itself reads %q", v[0].Change.Reason)
	}
	before := f.Held()
	_, err := f.DecideTransfer(t.Context(), otherLead, settlement(offered, domain.Accept))
	f.ExpectRefused(t, before, err, guard.ErrState, "state")
	all := f.Told()
	if last := all[len(all)-1]; last.To != camden || last.Kind != "transfer_decided" {
		t.Errorf("told %+v", last)
	}
}
