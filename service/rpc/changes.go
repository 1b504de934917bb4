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
	return relay(ctx, m, replaceNumberFromProto, h.changes.ReplaceNHSNumber, replaceNumberToProto)
}

func (h *planHandler) ProposeChange(ctx context.Context, m *cpisv1.ProposeChangeRequest) (*cpisv1.ProposeChangeResponse, error) {
	return relay(ctx, m, proposeChangeFromProto, h.changes.ProposeChange, proposeChangeToProto)
}

func (h *planHandler) DecideChange(ctx context.Context, m *cpisv1.DecideChangeRequest) (*cpisv1.DecideChangeResponse, error) {
	return relay(ctx, m, decideChangeFromProto, h.changes.DecideChange, decideChangeToProto)
}

func (h *planHandler) ListChanges(ctx context.Context, m *cpisv1.ListChangesRequest) (*cpisv1.ListChangesResponse, error) {
	return relay(ctx, m, listChangesFromProto, h.changes.ListChanges, listChangesToProto)
}
