package rpc_test

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"

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
}

func (u *installation) GetPolicy(_ context.Context, _ *identity.Caller, q *admin.GetPolicyRequest) (*admin.Policy, error) {
	u.asking = q
	return &u.policy, nil
}

func (u *installation) ExplainPolicy(_ context.Context, _ *identity.Caller, q *admin.ExplainPolicyRequest) (*admin.Explanation, error) {
	u.asking = q
	return &u.explained, nil
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
