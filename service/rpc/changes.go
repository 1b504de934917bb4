package rpc

import (
	"context"

	cpisv1 "cpis/proto/cpis/v1"
	"cpis/service/identity"
	"cpis/service/person"
)

// Changes are the use cases behind PlanService that concern persons.
type Changes interface {
	ReplaceNHSNumber(ctx context.Context, c *identity.Caller, q *person.ReplaceNHSNumberRequest) (*person.ReplaceNHSNumberResult, error)
	ProposeChange(ctx context.Context, c *identity.Caller, q *person.ProposeChangeRequest) (*person.ProposeChangeResult, error)
	DecideChange(ctx context.Context, c *identity.Caller, q *person.DecideChangeRequest) (*person.DecideChangeResult, error)
	ListChanges(ctx context.Context, c *identity.Caller, q *person.ChangeQuery) (*person.ChangePage, error)
}

func (h *planHandler) ReplaceNHSNumber(ctx context.Context, m *cpisv1.ReplaceNHSNumberRequest) (*cpisv1.ReplaceNHSNumberResponse, error) {
	c := callOf(ctx)
	r, err := h.changes.ReplaceNHSNumber(ctx, &c.caller, replacementFromProto(m, c.request))
	if err != nil {
		return nil, err
	}
	return &cpisv1.ReplaceNHSNumberResponse{Receipt: receiptToProto(&r.Receipt)}, nil
}

func (h *planHandler) ProposeChange(ctx context.Context, m *cpisv1.ProposeChangeRequest) (*cpisv1.ProposeChangeResponse, error) {
	c := callOf(ctx)
	r, err := h.changes.ProposeChange(ctx, &c.caller, proposalFromProto(m, c.request))
	if err != nil {
		return nil, err
	}
	return &cpisv1.ProposeChangeResponse{ChangeId: r.ID, Receipt: receiptToProto(&r.Receipt)}, nil
}

func (h *planHandler) DecideChange(ctx context.Context, m *cpisv1.DecideChangeRequest) (*cpisv1.DecideChangeResponse, error) {
	c := callOf(ctx)
	r, err := h.changes.DecideChange(ctx, &c.caller, rulingFromProto(m, c.request))
	if err != nil {
		return nil, err
	}
	return &cpisv1.DecideChangeResponse{
		State:   toEnum[cpisv1.ProposalState](proposalStates, r.State),
		Receipt: receiptToProto(&r.Receipt),
	}, nil
}

func (h *planHandler) ListChanges(ctx context.Context, m *cpisv1.ListChangesRequest) (*cpisv1.ListChangesResponse, error) {
	c := callOf(ctx)
	r, err := h.changes.ListChanges(ctx, &c.caller, changeQueryFromProto(m, c.request))
	if err != nil {
		return nil, err
	}
	return changePageToProto(r), nil
}
