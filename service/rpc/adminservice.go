package rpc

import (
	"context"

	cpisv1 "cpis/proto/cpis/v1"
	"cpis/service/admin"
	"cpis/service/identity"
)

// Installation are the use cases behind AdminService.
type Installation interface {
	GetPolicy(ctx context.Context, c *identity.Caller, q *admin.GetPolicyRequest) (*admin.Policy, error)
	ExplainPolicy(ctx context.Context, c *identity.Caller, q *admin.ExplainPolicyRequest) (*admin.Explanation, error)
	GetStatus(ctx context.Context, c *identity.Caller, q *admin.GetStatusRequest) (*admin.Status, error)
	ListFailingChannels(ctx context.Context, c *identity.Caller, q *admin.ListFailingChannelsRequest) (*admin.FailingChannels, error)
	ListClients(ctx context.Context, c *identity.Caller, q *admin.ListClientsRequest) (*admin.Clients, error)
}

// adminHandler is AdminService.
type adminHandler struct{ uses Installation }

func (h *adminHandler) GetPolicy(ctx context.Context, m *cpisv1.GetPolicyRequest) (*cpisv1.GetPolicyResponse, error) {
	return relay(ctx, m, policyFromProto, h.uses.GetPolicy, policyToProto)
}

func (h *adminHandler) ExplainPolicy(ctx context.Context, m *cpisv1.ExplainPolicyRequest) (*cpisv1.ExplainPolicyResponse, error) {
	return relay(ctx, m, explainFromProto, h.uses.ExplainPolicy, explainToProto)
}

func policyFromProto(m *cpisv1.GetPolicyRequest, request string) *admin.GetPolicyRequest {
	return &admin.GetPolicyRequest{Role: m.GetRole(), Request: request}
}

func policyToProto(p *admin.Policy) *cpisv1.GetPolicyResponse {
	return &cpisv1.GetPolicyResponse{Hash: p.Hash, Rules: policyRulesToProto(p.Rules), Receipt: receiptToProto(&p.Receipt)}
}

func policyRulesToProto(rules []admin.Rule) []*cpisv1.PolicyRule {
	out := make([]*cpisv1.PolicyRule, len(rules))
	for i, r := range rules {
		out[i] = &cpisv1.PolicyRule{
			Id: r.ID, Role: r.Role, Place: r.Place, Action: r.Action, AccessMode: modeToProto(r.Mode), Own: r.Own,
			Assurance: count(r.Assurance), Claimed: r.Claimed, Duty: r.Duty, Text: r.Text,
		}
	}
	return out
}

func explainFromProto(m *cpisv1.ExplainPolicyRequest, request string) *admin.ExplainPolicyRequest {
	q := &admin.ExplainPolicyRequest{
		Role: m.GetRole(), Class: m.GetClass(), Organisation: m.GetOrganisation(), Action: m.GetAction(), OfAnother: m.GetOfAnother(),
		Assurance: int(m.GetAssurance()), BreakGlass: m.GetBreakGlass(), Request: request,
	}
	setMode(&q.Mode, m.GetAccessMode())
	return q
}

func explainToProto(e *admin.Explanation) *cpisv1.ExplainPolicyResponse {
	return &cpisv1.ExplainPolicyResponse{
		Answer: e.Answer, Why: e.Why, Allowed: e.Allowed, Rule: e.Rule, Role: e.Role, Class: e.Class, AccessMode: modeToProto(e.Mode),
		BreakGlass: e.BreakGlass, Others: policyRulesToProto(e.Others), Receipt: receiptToProto(&e.Receipt),
	}
}
