package rpc_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/timestamppb"

	cpisv1 "cpis/proto/cpis/v1"
	"cpis/service/admin"
	"cpis/service/identity"
	"cpis/service/rpc"
)

// installation stands for the use cases behind AdminService.
type installation struct {
	rpc.Installation

	asking    any // what was asked last
	policy    admin.Policy
	explained admin.Explanation
	status    admin.Status
	failing   admin.FailingChannels
}

func (u *installation) GetPolicy(_ context.Context, _ *identity.Caller, q *admin.GetPolicyRequest) (*admin.Policy, error) {
	u.asking = q
	return &u.policy, nil
}

func (u *installation) ExplainPolicy(_ context.Context, _ *identity.Caller, q *admin.ExplainPolicyRequest) (*admin.Explanation, error) {
	u.asking = q
	return &u.explained, nil
}

func (u *installation) ListFailingChannels(_ context.Context, _ *identity.Caller, q *admin.ListFailingChannelsRequest) (*admin.FailingChannels, error) {
	u.asking = q
	return &u.failing, nil
}

func (u *installation) GetStatus(_ context.Context, _ *identity.Caller, q *admin.GetStatusRequest) (*admin.Status, error) {
	u.asking = q
	return &u.status, nil
}

// option has a face show them.
func (u *installation) option(cfg *rpc.Config) { cfg.UseCases.Installation = u }

// wants checks what the use cases were asked.
func (u *installation) wants(t *testing.T, want any) {
	t.Helper()
	if diff := cmp.Diff(want, u.asking); diff != "" {
		t.Errorf("what was asked (-want +got):\n%s", diff)
	}
}

func TestPolicy_GoesThrough(t *testing.T) {
	t.Parallel()
	receipt, out := someReceipt()
	rule := admin.Rule{
		ID: "B1", Role: "clinician_unscheduled", Place: "care", Action: "look_up", Mode: "unscheduled", Own: true, Assurance: 2,
		Claimed: true, Duty: "care", Text: "A sentence.", Where: "Wherever", Deed: "Look up",
	}
	ruleOut := &cpisv1.PolicyRule{
		Id: "B1", Role: "clinician_unscheduled", Place: "care", Action: "look_up", AccessMode: cpisv1.AccessMode_ACCESS_MODE_UNSCHEDULED,
		Own: true, Assurance: 2, Claimed: true, Duty: "care", Text: "A sentence.",
	}
	u := &installation{
		policy: admin.Policy{Receipt: receipt, Hash: "0123", Rules: []admin.Rule{rule}},
		explained: admin.Explanation{
			Receipt: receipt, Allowed: true, Rule: "B1", Role: "clinician_unscheduled", Class: "acute_trust", Mode: "scheduled",
			BreakGlass: true, Answer: "Yes.", Why: []string{"Because."}, Others: []admin.Rule{rule},
		},
	}
	_, c := wires[0].open(t, u.option)
	rules, err := c.admin.GetPolicy(t.Context(), &cpisv1.GetPolicyRequest{Role: "auditor"})
	if err != nil {
		t.Fatalf("GetPolicy: %v", err)
	}
	u.wants(t, &admin.GetPolicyRequest{Role: "auditor", Request: aRequest})
	if diff := cmp.Diff(&cpisv1.GetPolicyResponse{Hash: "0123", Rules: []*cpisv1.PolicyRule{ruleOut}, Receipt: out}, rules, protocmp.Transform()); diff != "" {
		t.Errorf("GetPolicy (-want +got):\n%s", diff)
	}
	explained, err := c.admin.ExplainPolicy(t.Context(), &cpisv1.ExplainPolicyRequest{
		Role: "r", Class: "c", Organisation: "o", Action: "a", AccessMode: cpisv1.AccessMode_ACCESS_MODE_SCHEDULED, OfAnother: true,
		Assurance: 3, BreakGlass: true,
	})
	if err != nil {
		t.Fatalf("ExplainPolicy: %v", err)
	}
	u.wants(t, &admin.ExplainPolicyRequest{
		Role: "r", Class: "c", Organisation: "o", Action: "a", Mode: "scheduled", OfAnother: true, Assurance: 3, BreakGlass: true, Request: aRequest,
	})
	want := &cpisv1.ExplainPolicyResponse{
		Answer: "Yes.", Why: []string{"Because."}, Allowed: true, Rule: "B1", Role: "clinician_unscheduled", Class: "acute_trust",
		AccessMode: cpisv1.AccessMode_ACCESS_MODE_SCHEDULED, BreakGlass: true, Others: []*cpisv1.PolicyRule{ruleOut}, Receipt: out,
	}
	if diff := cmp.Diff(want, explained, protocmp.Transform()); diff != "" {
		t.Errorf("ExplainPolicy (-want +got):\n%s", diff)
	}
}

// How the service does: all parts of it, and none.
func TestStatus_GoesThrough(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 23, 17, 5, 6, 0, time.UTC)
	receipt, out := someReceipt()
	when := timestamppb.New(at)
	for _, tt := range []struct {
		in   admin.Status
		want *cpisv1.GetStatusResponse
	}{
		{admin.Status{Receipt: receipt, At: at}, &cpisv1.GetStatusResponse{Receipt: out, At: when, Program: &cpisv1.ProgramStatus{}, Queue: &cpisv1.QueueStatus{}}},
		{admin.Status{
			Receipt: receipt, At: at, Policy: "0123", Keeper: true,
			Log:        &admin.LogStatus{Origin: "cpis.example/log/1", Size: 7, Signed: 6, SignedAt: at, ReadAgain: at, Room: 5, Behind: 4, Damaged: true},
			Program:    admin.Program{Version: "v1", Commit: "c", Modified: true},
			Database:   &admin.Database{Version: "15.8", Schema: 23, Size: 9, Connections: 2, Max: 3},
			Queue:      admin.Queue{UnderWay: 1, Most: 2},
			Kept:       []admin.Kept{{What: "Files", For: time.Hour}},
			Deliveries: &admin.Deliveries{Pending: 3, Undelivered: 2, Oldest: at},
			Channels:   &admin.Channels{Resting: []admin.RestingChannel{{Authority: "E09000019", Kind: "mesh", Rank: 1, Since: at, Until: at}}},
		}, &cpisv1.GetStatusResponse{
			Receipt: out, At: when, Policy: "0123", Keeper: true,
			Log:        &cpisv1.LogStatus{Origin: "cpis.example/log/1", Size: 7, Signed: 6, SignedAt: when, ReadAgain: when, Room: 5, Behind: 4, Damaged: true},
			Program:    &cpisv1.ProgramStatus{Version: "v1", Commit: "c", Modified: true},
			Database:   &cpisv1.DatabaseStatus{Version: "15.8", Schema: 23, Size: 9, Connections: 2, MaxConnections: 3},
			Queue:      &cpisv1.QueueStatus{UnderWay: 1, Most: 2},
			Kept:       []*cpisv1.KeptStatus{{What: "Files", Seconds: 3600}},
			Deliveries: &cpisv1.DeliveryStatus{Pending: 3, Undelivered: 2, Oldest: when},
			Channels: &cpisv1.ChannelStatus{Resting: []*cpisv1.RestingAuthorityChannel{
				{Authority: "E09000019", Kind: "mesh", Rank: 1, Since: when, Until: when},
			}},
		}},
	} {
		u := &installation{status: tt.in}
		_, c := wires[0].open(t, u.option)
		got, err := c.admin.GetStatus(t.Context(), &cpisv1.GetStatusRequest{})
		if err != nil {
			t.Fatalf("GetStatus: %v", err)
		}
		u.wants(t, &admin.GetStatusRequest{Request: aRequest})
		if diff := cmp.Diff(tt.want, got, protocmp.Transform()); diff != "" {
			t.Errorf("GetStatus (-want +got):\n%s", diff)
		}
	}
}

// Channels on which nothing arrives: all that is known of one, and no more than that.
func TestFailingChannels_GoThrough(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 23, 17, 5, 6, 0, time.UTC)
	receipt, out := someReceipt()
	when := timestamppb.New(at)
	u := &installation{failing: admin.FailingChannels{Receipt: receipt, At: at, Channels: []admin.FailingChannel{
		{
			Authority: "E09000019", Name: "Islington", Kind: "mesh", Rank: 2, Paused: true, Failures: 3, FailedAt: at, RestsUntil: at,
			Pending: 4, Undelivered: 5, Waiting: at,
		},
		{Authority: "E09000007", Name: "Camden", Kind: "webhook", Rank: 1},
	}}}
	_, c := wires[0].open(t, u.option)
	got, err := c.admin.ListFailingChannels(t.Context(), &cpisv1.ListFailingChannelsRequest{})
	if err != nil {
		t.Fatalf("ListFailingChannels: %v", err)
	}
	u.wants(t, &admin.ListFailingChannelsRequest{Request: aRequest})
	want := &cpisv1.ListFailingChannelsResponse{Receipt: out, At: when, Channels: []*cpisv1.FailingChannel{
		{
			Authority: "E09000019", AuthorityName: "Islington", Kind: "mesh", Rank: 2, Paused: true, Failures: 3, FailedAt: when, RestsUntil: when,
			Pending: 4, Undelivered: 5, WaitingSince: when,
		},
		{Authority: "E09000007", AuthorityName: "Camden", Kind: "webhook", Rank: 1},
	}}
	if diff := cmp.Diff(want, got, protocmp.Transform()); diff != "" {
		t.Errorf("ListFailingChannels (-want +got):\n%s", diff)
	}
}
