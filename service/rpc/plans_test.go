package rpc_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/timestamppb"

	cpisv1 "cpis/proto/cpis/v1"
	"cpis/service/domain"
	"cpis/service/guard"
	"cpis/service/identity"
	"cpis/service/notice"
	"cpis/service/plan"
	"cpis/service/work"
)

// planLife stands for the use cases of a plan's life: what they answer, and
// what they were asked last.
type planLife struct {
	asking any // what was asked

	changed   plan.ChangeResult
	birthed   plan.RecordBirthResult
	found     plan.Found
	plans     plan.Page
	people    plan.FoundPeople
	work      work.List
	versions  plan.Versions
	events    plan.Events
	offered   plan.ProposeTransferResult
	settled   plan.DecideTransferResult
	transfers plan.TransferPage
}

func (u *uses) AmendPlan(_ context.Context, c *identity.Caller, q *plan.AmendPlanRequest) (*plan.ChangeResult, error) {
	return &u.changed, u.asked(c, func() { u.asking = q })
}

func (u *uses) RemovePlan(_ context.Context, c *identity.Caller, q *plan.RemovePlanRequest) (*plan.ChangeResult, error) {
	return &u.changed, u.asked(c, func() { u.asking = q })
}

func (u *uses) RecordBirth(_ context.Context, c *identity.Caller, q *plan.RecordBirthRequest) (*plan.RecordBirthResult, error) {
	return &u.birthed, u.asked(c, func() { u.asking = q })
}

func (u *uses) FindPeople(_ context.Context, c *identity.Caller, q *plan.FindRequest) (*plan.FoundPeople, error) {
	return &u.people, u.asked(c, func() { u.asking = q })
}

func (u *uses) ListEvents(_ context.Context, c *identity.Caller, q *plan.EventsRequest) (*plan.Events, error) {
	return &u.events, u.asked(c, func() { u.asking = q })
}

func (u *uses) WorkList(_ context.Context, c *identity.Caller, q *work.ListRequest) (*work.List, error) {
	return &u.work, u.asked(c, func() { u.asking = q })
}

func (u *uses) GetPlan(_ context.Context, c *identity.Caller, q *plan.GetPlanRequest) (*plan.Found, error) {
	return &u.found, u.asked(c, func() { u.asking = q })
}

func (u *uses) ListPlans(_ context.Context, c *identity.Caller, q *plan.ListRequest) (*plan.Page, error) {
	return &u.plans, u.asked(c, func() { u.asking = q })
}

func (u *uses) ListVersions(_ context.Context, c *identity.Caller, q *plan.ListVersionsRequest) (*plan.Versions, error) {
	return &u.versions, u.asked(c, func() { u.asking = q })
}

func (u *uses) ProposeTransfer(_ context.Context, c *identity.Caller, q *plan.ProposeTransferRequest) (*plan.ProposeTransferResult, error) {
	return &u.offered, u.asked(c, func() { u.asking = q })
}

func (u *uses) DecideTransfer(_ context.Context, c *identity.Caller, q *plan.DecideTransferRequest) (*plan.DecideTransferResult, error) {
	return &u.settled, u.asked(c, func() { u.asking = q })
}

func (u *uses) ListTransfers(_ context.Context, c *identity.Caller, q *plan.TransferQuery) (*plan.TransferPage, error) {
	return &u.transfers, u.asked(c, func() { u.asking = q })
}

// ownPlan is a plan as its authority sees it, and as that leaves.
func ownPlan(t *testing.T) (plan.Plan, *cpisv1.OwnPlan) {
	t.Helper()
	changed := time.Date(2026, 11, 23, 17, 5, 6, 0, time.UTC)
	in := plan.Plan{
		ID: "p", Version: 3, Ended: true, VisibleUntil: day(t, "2027-01-02"), Changed: changed, Removed: true, TransferTo: "E09000007",
		Details: domain.Details{
			Kind: domain.LAC, Start: day(t, "2025-01-02"), End: day(t, "2026-01-02"), Basis: domain.S31,
			Reference: "CASE-1", EndReason: "adopted",
		},
	}
	out := &cpisv1.OwnPlan{
		Id: "p", Version: 3, Kind: cpisv1.PlanKind_PLAN_KIND_LAC, Status: cpisv1.PlanStatus_PLAN_STATUS_ENDED,
		Start: "2025-01-02", End: "2026-01-02", VisibleUntil: "2027-01-02", LegalBasis: cpisv1.LegalBasis_LEGAL_BASIS_S31,
		Reference: "CASE-1", Changed: timestamppb.New(changed), EndReason: "adopted", Removed: true, TransferTo: "E09000007",
	}
	return in, out
}

// listedPlan is a plan with whom it is about, and as that leaves.
func listedPlan(t *testing.T) (plan.Listed, *cpisv1.ListedPlan) {
	t.Helper()
	number, problem := domain.ParseNHSNumber("9990000018")
	if problem != "" {
		t.Fatalf("ParseNHSNumber: %v", problem)
	}
	own, ownOut := ownPlan(t)
	in := plan.Listed{
		Person:     domain.Person{NHSNumber: number, Family: "Example", Given: "Child", DateOfBirth: day(t, "2019-04-30")},
		Plan:       own,
		Restricted: true,
		PersonID:   "i",
	}
	out := &cpisv1.ListedPlan{
		Person:     &cpisv1.Person{NhsNumber: "9990000018", FamilyName: "Example", GivenName: "Child", DateOfBirth: "2019-04-30"},
		Plan:       ownOut,
		Restricted: true,
		PersonId:   "i",
	}
	return in, out
}

// change says who changed something, and as that leaves.
func change() (domain.Change, *cpisv1.Change) {
	at := time.Date(2026, 11, 23, 17, 5, 6, 0, time.UTC)
	return domain.Change{Act: "amend", Actor: "lead", Name: "A Lead", Organisation: "E09000019", Reason: "a slip", At: at},
		&cpisv1.Change{Act: "amend", Actor: "lead", Name: "A Lead", Organisation: "E09000019", Reason: "a slip", At: timestamppb.New(at)}
}

// someReceipt is a receipt, and as that leaves.
func someReceipt() (guard.Receipt, *cpisv1.Receipt) {
	leaf := make([]byte, 32)
	leaf[31] = 7
	return guard.Receipt{Log: "log", Index: 5, TreeSize: 9, Leaf: [32]byte{31: 7}}, &cpisv1.Receipt{Log: "log", Index: 5, TreeSize: 9, LeafHash: leaf}
}

// passage is one procedure: what arrives of a request, and what leaves.
type passage struct {
	name  string
	call  func(context.Context, *clients) (proto.Message, error)
	asked any
	want  proto.Message
}

func TestThePlansLifeGoesThereAndBack(t *testing.T) {
	t.Parallel()
	for _, w := range wires {
		t.Run(w.name, func(t *testing.T) {
			t.Parallel()
			b, c := w.open(t)
			passages := append(b.changesOfPlans(t), b.viewsOfPlans(t)...)
			passages = append(passages, b.transfersOfPlans(t)...)
			for _, p := range passages {
				got, err := p.call(t.Context(), c)
				if err != nil {
					t.Errorf("%s: %v", p.name, err)
					continue
				}
				if diff := cmp.Diff(p.asked, b.uses.asking); diff != "" {
					t.Errorf("%s: what arrived (-want +got):\n%s", p.name, diff)
				}
				if diff := cmp.Diff(p.want, got, protocmp.Transform()); diff != "" {
					t.Errorf("%s: what left (-want +got):\n%s", p.name, diff)
				}
			}
		})
	}
}

func (b *bench) changesOfPlans(t *testing.T) []passage {
	t.Helper()
	receipt, out := someReceipt()
	b.uses.changed = plan.ChangeResult{Version: 4, VisibleUntil: day(t, "2027-01-02"), Receipt: receipt}
	b.uses.birthed = plan.RecordBirthResult{Version: 4, VisibleUntil: day(t, "2027-01-02"), ChildPlanID: "c", Receipt: receipt}
	born := &cpisv1.RecordBirthResponse{Version: 4, VisibleUntil: "2027-01-02", ChildPlanId: "c", Receipt: out}
	return []passage{
		{
			"AmendPlan", func(ctx context.Context, c *clients) (proto.Message, error) {
				return c.plans.AmendPlan(ctx, &cpisv1.AmendPlanRequest{
					PlanId: "p", Version: 3, Reason: "a slip", FamilyName: "Example", GivenName: "Child", DateOfBirth: "2019-04-30",
					Start: "2026-01-02", End: "2026-03-04", Expected: "2026-05-06", LegalBasis: cpisv1.LegalBasis_LEGAL_BASIS_S38, Reference: "CASE-1",
				})
			},
			&plan.AmendPlanRequest{
				PlanID: "p", Version: 3, Reason: "a slip", Family: "Example", Given: "Child", DateOfBirth: "2019-04-30",
				Start: "2026-01-02", End: "2026-03-04", Expected: "2026-05-06", Basis: domain.S38, Reference: "CASE-1", Request: aRequest,
			},
			&cpisv1.AmendPlanResponse{Version: 4, VisibleUntil: "2027-01-02", Receipt: out},
		},
		{
			"RemovePlan", func(ctx context.Context, c *clients) (proto.Message, error) {
				return c.plans.RemovePlan(ctx, &cpisv1.RemovePlanRequest{PlanId: "p", Version: 3, Reason: "wrong"})
			},
			&plan.RemovePlanRequest{PlanID: "p", Version: 3, Reason: "wrong", Request: aRequest},
			&cpisv1.RemovePlanResponse{Version: 4, Receipt: out},
		},
		{
			"RecordBirth", func(ctx context.Context, c *clients) (proto.Message, error) {
				return c.plans.RecordBirth(ctx, &cpisv1.RecordBirthRequest{PlanId: "p", Version: 3, Born: "2026-11-19", ChildPlan: &cpisv1.ChildPlan{
					Child: &cpisv1.Person{NhsNumber: "999 000 0018", FamilyName: "Example", GivenName: "Child", DateOfBirth: "2026-11-19"},
					Start: "2026-11-20", Reference: "CASE-2", Restricted: true,
				}})
			},
			&plan.RecordBirthRequest{PlanID: "p", Version: 3, Born: "2026-11-19", Request: aRequest, Child: &plan.ChildPlan{
				NHSNumber: "999 000 0018", Family: "Example", Given: "Child", DateOfBirth: "2026-11-19",
				Start: "2026-11-20", Reference: "CASE-2", Restricted: true,
			}},
			born,
		},
		{
			"RecordBirth without a plan for the child", func(ctx context.Context, c *clients) (proto.Message, error) {
				return c.plans.RecordBirth(ctx, &cpisv1.RecordBirthRequest{PlanId: "p", Version: 3, Born: "2026-11-19"})
			},
			&plan.RecordBirthRequest{PlanID: "p", Version: 3, Born: "2026-11-19", Request: aRequest},
			born,
		},
	}
}

// What waits: all parts of it, and none.
func TestWork_GoesThrough(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 23, 17, 5, 6, 0, time.UTC)
	receipt, out := someReceipt()
	full := work.List{
		Receipt: receipt, Notices: &work.Notices{Open: 7, Priority: 2, Oldest: at},
		Decisions: &work.Decisions{Files: 1, Offered: 2, Offering: 3, Proposals: 4, Own: 5},
		Plans:     &work.Plans{Overdue: 6, Adult: 8, AsOf: at}, Numbers: &work.Numbers{Confirmed: at, Overdue: true},
		Channels: &work.Channels{Resting: []work.Resting{{ID: "c", Kind: "mesh", Since: at, Until: at}}},
	}
	when := timestamppb.New(at)
	for _, tt := range []struct {
		in   work.List
		want *cpisv1.GetWorkListResponse
	}{
		{work.List{Receipt: receipt}, &cpisv1.GetWorkListResponse{Receipt: out}},
		{full, &cpisv1.GetWorkListResponse{
			Receipt: out, Notices: &cpisv1.WorkNotices{Open: 7, Priority: 2, Oldest: when},
			Decisions: &cpisv1.WorkDecisions{Files: 1, Offered: 2, Offering: 3, Proposals: 4, OwnProposals: 5},
			Plans:     &cpisv1.WorkPlans{Overdue: 6, Adult: 8, AsOf: when}, Numbers: &cpisv1.WorkNumbers{Confirmed: when, Overdue: true},
			Channels: &cpisv1.WorkChannels{Resting: []*cpisv1.RestingChannel{{ChannelId: "c", Kind: "mesh", Since: when, Until: when}}},
		}},
	} {
		b, c := wires[0].open(t)
		b.uses.work = tt.in
		got, err := c.work.GetWorkList(t.Context(), &cpisv1.GetWorkListRequest{})
		if err != nil {
			t.Fatalf("GetWorkList: %v", err)
		}
		if diff := cmp.Diff(tt.want, got, protocmp.Transform()); diff != "" {
			t.Errorf("what left (-want +got):\n%s", diff)
		}
	}
}

func (b *bench) viewsOfPlans(t *testing.T) []passage {
	t.Helper()
	receipt, out := someReceipt()
	listed, listedOut := listedPlan(t)
	made, madeOut := change()
	at := listed.Plan.Changed
	b.uses.found = plan.Found{Listed: listed, Receipt: receipt}
	b.uses.plans = plan.Page{Plans: []plan.Listed{listed}, Next: "n", Previous: "b", Receipt: receipt}
	b.uses.people = plan.FoundPeople{More: true, Incomplete: true, Receipt: receipt, People: []plan.FoundPerson{
		{ID: "i", Person: listed.Person, Restricted: true, Plans: []plan.Plan{listed.Plan}},
	}}
	b.uses.versions = plan.Versions{Receipt: receipt, Versions: []plan.Version{
		{Plan: listed.Plan, Family: "Example", Given: "Child", Change: made, Authority: "E09000019", Entry: 5},
		{Plan: plan.Plan{ID: "p", Version: 1}, Change: made, Authority: "E09000007", Entry: 2}, // another authority's
	}}
	b.uses.events = plan.Events{Receipt: receipt, Next: "n", Degraded: true, Events: []plan.Event{
		{Kind: plan.PlanEvents, At: at, Entry: 9, Version: &b.uses.versions.Versions[0], Was: &b.uses.versions.Versions[1]},
		{Kind: plan.AccessEvents, At: at, Entry: 8, Access: &plan.Access{
			Organisation: "RKE", OrganisationName: "O", Setting: domain.UrgentCare, Who: "w", WrongPatient: at,
		}},
		{Kind: plan.NoticeEvents, At: at, Notice: &notice.Notice{ID: "n"}},
	}}
	return []passage{
		{
			"ListPersonEvents", func(ctx context.Context, c *clients) (proto.Message, error) {
				return c.person.ListPersonEvents(ctx, &cpisv1.ListPersonEventsRequest{
					PersonId: "i", Kind: cpisv1.PersonEventKind_PERSON_EVENT_KIND_CORRECTION, PageSize: 7, Page: "p",
				})
			},
			&plan.EventsRequest{PersonID: "i", Kind: plan.Corrections, Paging: guard.Paging{Size: 7, Page: "p"}, Request: aRequest},
			&cpisv1.ListPersonEventsResponse{Receipt: out, NextPage: "n", Degraded: true, Events: []*cpisv1.PersonEvent{
				{Kind: cpisv1.PersonEventKind_PERSON_EVENT_KIND_PLAN, At: timestamppb.New(at), Entry: 9, Version: &cpisv1.PlanVersion{
					Plan: listedOut.Plan, FamilyName: "Example", GivenName: "Child", Change: madeOut, Authority: "E09000019", Entry: 5,
				}},
				{Kind: cpisv1.PersonEventKind_PERSON_EVENT_KIND_ACCESS, At: timestamppb.New(at), Entry: 8, Access: &cpisv1.PersonAccess{
					Organisation: "RKE", OrganisationName: "O", Setting: cpisv1.Setting_SETTING_URGENT_CARE, Who: "w", WrongPatient: timestamppb.New(at),
				}},
				{Kind: cpisv1.PersonEventKind_PERSON_EVENT_KIND_NOTICE, At: timestamppb.New(at), Notice: &cpisv1.Notice{Id: "n"}},
			}},
		},
		{
			"GetPlan", func(ctx context.Context, c *clients) (proto.Message, error) {
				return c.plans.GetPlan(ctx, &cpisv1.GetPlanRequest{PlanId: "p"})
			},
			&plan.GetPlanRequest{PlanID: "p", Request: aRequest},
			&cpisv1.GetPlanResponse{Person: listedOut.Person, Plan: listedOut.Plan, Restricted: true, PersonId: "i", Receipt: out},
		},
		{
			"ListPlans", func(ctx context.Context, c *clients) (proto.Message, error) {
				return c.plans.ListPlans(ctx, &cpisv1.ListPlansRequest{
					Filter: cpisv1.PlanFilter_PLAN_FILTER_OVERDUE, Kind: cpisv1.PlanKind_PLAN_KIND_UCPP, PageSize: 7, Page: "m",
					Order: cpisv1.PlanOrder_PLAN_ORDER_VISIBLE_UNTIL, Reverse: true,
				})
			},
			&plan.ListRequest{
				Filter: plan.OverduePlans, Kind: domain.UCPP, Paging: guard.Paging{Size: 7, Page: "m"}, Request: aRequest,
				Order: plan.LastVisible, Reverse: true,
			},
			&cpisv1.ListPlansResponse{Plans: []*cpisv1.ListedPlan{listedOut}, NextPage: "n", PreviousPage: "b", Receipt: out},
		},
		{
			"FindPeople", func(ctx context.Context, c *clients) (proto.Message, error) {
				return c.plans.FindPeople(ctx, &cpisv1.FindPeopleRequest{FamilyName: "f", GivenName: "g", DateOfBirth: "d", NhsNumber: "n"})
			},
			&plan.FindRequest{Family: "f", Given: "g", DateOfBirth: "d", NHSNumber: "n", Request: aRequest},
			&cpisv1.FindPeopleResponse{More: true, Incomplete: true, Receipt: out, People: []*cpisv1.FoundPerson{
				{PersonId: "i", Person: listedOut.Person, Restricted: true, Plans: []*cpisv1.OwnPlan{listedOut.Plan}},
			}},
		},
		{
			"ListVersions", func(ctx context.Context, c *clients) (proto.Message, error) {
				return c.plans.ListVersions(ctx, &cpisv1.ListVersionsRequest{PlanId: "p"})
			},
			&plan.ListVersionsRequest{PlanID: "p", Request: aRequest},
			&cpisv1.ListVersionsResponse{Receipt: out, Versions: []*cpisv1.PlanVersion{
				{Plan: listedOut.Plan, FamilyName: "Example", GivenName: "Child", Change: madeOut, Authority: "E09000019", Entry: 5},
				{Plan: &cpisv1.OwnPlan{Id: "p", Version: 1}, Change: madeOut, Authority: "E09000007", Entry: 2},
			}},
		},
	}
}

func (b *bench) transfersOfPlans(t *testing.T) []passage {
	t.Helper()
	receipt, out := someReceipt()
	listed, listedOut := listedPlan(t)
	made, madeOut := change()
	b.uses.offered = plan.ProposeTransferResult{TransferID: "t", Version: 4, Receipt: receipt}
	b.uses.settled = plan.DecideTransferResult{State: domain.Declined, Version: 5, Receipt: receipt}
	b.uses.transfers = plan.TransferPage{Next: "n", Receipt: receipt, Transfers: []plan.Transfer{
		{ID: "t2", State: domain.Open, From: "E09000019", To: "E09000007", Plan: &listed, Proposed: made, Person: listed.Person, Restricted: true},
		{ID: "t1", State: domain.Withdrawn, From: "E09000007", To: "E09000019", Proposed: made, Decided: &made, Person: listed.Person},
	}}
	return []passage{
		{
			"ProposeTransfer", func(ctx context.Context, c *clients) (proto.Message, error) {
				return c.plans.ProposeTransfer(ctx, &cpisv1.ProposeTransferRequest{PlanId: "p", Version: 3, To: "E09000007", Reason: "moved"})
			},
			&plan.ProposeTransferRequest{PlanID: "p", Version: 3, To: "E09000007", Reason: "moved", Request: aRequest},
			&cpisv1.ProposeTransferResponse{TransferId: "t", Version: 4, Receipt: out},
		},
		{
			"DecideTransfer", func(ctx context.Context, c *clients) (proto.Message, error) {
				return c.plans.DecideTransfer(ctx, &cpisv1.DecideTransferRequest{
					TransferId: "t", Decision: cpisv1.Decision_DECISION_ACCEPT, Reason: "held", Reference: "CAM-1",
				})
			},
			&plan.DecideTransferRequest{TransferID: "t", Decision: domain.Accept, Reason: "held", Reference: "CAM-1", Request: aRequest},
			&cpisv1.DecideTransferResponse{State: cpisv1.ProposalState_PROPOSAL_STATE_DECLINED, Version: 5, Receipt: out},
		},
		{
			"ListTransfers", func(ctx context.Context, c *clients) (proto.Message, error) {
				return c.plans.ListTransfers(ctx, &cpisv1.ListTransfersRequest{OpenOnly: true, PageSize: 7, Page: "m", TransferId: "t2"})
			},
			&plan.TransferQuery{ID: "t2", OpenOnly: true, Paging: guard.Paging{Size: 7, Page: "m"}, Request: aRequest},
			&cpisv1.ListTransfersResponse{NextPage: "n", Receipt: out, Transfers: []*cpisv1.Transfer{
				{
					Id: "t2", State: cpisv1.ProposalState_PROPOSAL_STATE_OPEN, From: "E09000019", To: "E09000007",
					Person: listedOut.Person, Plan: listedOut.Plan, Restricted: true, Proposed: madeOut,
				},
				{
					Id: "t1", State: cpisv1.ProposalState_PROPOSAL_STATE_WITHDRAWN, From: "E09000007", To: "E09000019",
					Person: listedOut.Person, Proposed: madeOut, Decided: madeOut,
				},
			}},
		},
	}
}

func TestEveryWordOfThePlansLifeHasItsValue(t *testing.T) {
	t.Parallel()
	b, c := wires[0].open(t)
	words(t, cpisv1.PlanFilter_name, func(v int32) plan.Filter {
		if _, err := c.plans.ListPlans(t.Context(), &cpisv1.ListPlansRequest{Filter: cpisv1.PlanFilter(v)}); err != nil {
			t.Fatalf("ListPlans: %v", err)
		}
		q, _ := b.uses.asking.(*plan.ListRequest)
		return q.Filter
	})
	for d, want := range map[cpisv1.Decision]domain.Decision{
		cpisv1.Decision_DECISION_ACCEPT:   domain.Accept,
		cpisv1.Decision_DECISION_DECLINE:  domain.Decline,
		cpisv1.Decision_DECISION_WITHDRAW: domain.Withdraw,
	} {
		if _, err := c.plans.DecideTransfer(t.Context(), &cpisv1.DecideTransferRequest{TransferId: "t", Decision: d, Reason: "x"}); err != nil {
			t.Fatalf("DecideTransfer: %v", err)
		}
		if q, _ := b.uses.asking.(*plan.DecideTransferRequest); q.Decision != want {
			t.Errorf("%v: got %q, want %q", d, q.Decision, want)
		}
	}
	for state, want := range map[domain.State]cpisv1.ProposalState{
		domain.Open:      cpisv1.ProposalState_PROPOSAL_STATE_OPEN,
		domain.Accepted:  cpisv1.ProposalState_PROPOSAL_STATE_ACCEPTED,
		domain.Declined:  cpisv1.ProposalState_PROPOSAL_STATE_DECLINED,
		domain.Withdrawn: cpisv1.ProposalState_PROPOSAL_STATE_WITHDRAWN,
	} {
		b.uses.settled.State = state
		got, err := c.plans.DecideTransfer(t.Context(), &cpisv1.DecideTransferRequest{
			TransferId: "t", Decision: cpisv1.Decision_DECISION_ACCEPT, Reason: "x",
		})
		if err != nil || got.GetState() != want {
			t.Errorf("%s: got %v, %v", state, got.GetState(), err)
		}
	}
}
