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
}

func (u *installation) GetPolicy(_ context.Context, _ *identity.Caller, q *admin.GetPolicyRequest) (*admin.Policy, error) {
	u.asking = q
	return &u.policy, nil
}

func (u *installation) ExplainPolicy(_ context.Context, _ *identity.Caller, q *admin.ExplainPolicyRequest) (*admin.Explanation, error) {
	u.asking = q
	return &u.explained, nil
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
		{admin.Status{Receipt: receipt, At: at}, &cpisv1.GetStatusResponse{Receipt: out, At: when}},
		{admin.Status{
			Receipt: receipt, At: at, Policy: "0123", Keeper: true,
			Log:        &admin.LogStatus{Origin: "cpis.example/log/1", Size: 7, Signed: 6, SignedAt: at, Room: 5, Behind: 4, Damaged: true},
			Deliveries: &admin.Deliveries{Pending: 3, Undelivered: 2, Oldest: at},
			Channels:   &admin.Channels{Resting: []admin.RestingChannel{{Authority: "E09000019", Kind: "mesh", Rank: 1, Since: at, Until: at}}},
		}, &cpisv1.GetStatusResponse{
			Receipt: out, At: when, Policy: "0123", Keeper: true,
			Log:        &cpisv1.LogStatus{Origin: "cpis.example/log/1", Size: 7, Signed: 6, SignedAt: when, Room: 5, Behind: 4, Damaged: true},
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
