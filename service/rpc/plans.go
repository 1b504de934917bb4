package rpc

import (
	"context"

	cpisv1 "cpis/proto/cpis/v1"
	"cpis/service/domain"
	"cpis/service/identity"
	"cpis/service/plan"
)

// Plans are the use cases behind PlanService.
type Plans interface {
	RegisterPlan(ctx context.Context, c *identity.Caller, q *domain.Registration) (*plan.RegisterPlanResult, error)
	AmendPlan(ctx context.Context, c *identity.Caller, q *plan.AmendPlanRequest) (*plan.ChangeResult, error)
	EndPlan(ctx context.Context, c *identity.Caller, q *plan.EndPlanRequest) (*plan.ChangeResult, error)
	RemovePlan(ctx context.Context, c *identity.Caller, q *plan.RemovePlanRequest) (*plan.ChangeResult, error)
	RecordBirth(ctx context.Context, c *identity.Caller, q *plan.RecordBirthRequest) (*plan.RecordBirthResult, error)
	GetPerson(ctx context.Context, c *identity.Caller, number, request string) (*plan.OwnPerson, error)
	GetPlan(ctx context.Context, c *identity.Caller, plan, request string) (*plan.Found, error)
	ListPlans(ctx context.Context, c *identity.Caller, q *plan.ListRequest) (*plan.Page, error)
	ListVersions(ctx context.Context, c *identity.Caller, plan, request string) (*plan.Versions, error)
	ProposeTransfer(ctx context.Context, c *identity.Caller, q *plan.ProposeTransferRequest) (*plan.ProposeTransferResult, error)
	DecideTransfer(ctx context.Context, c *identity.Caller, q *plan.DecideTransferRequest) (*plan.DecideTransferResult, error)
	ListTransfers(ctx context.Context, c *identity.Caller, q *plan.TransferQuery) (*plan.TransferPage, error)
}

// planHandler is PlanService.
type planHandler struct {
	uses    Plans
	changes Changes
}

func (h *planHandler) RegisterPlan(ctx context.Context, m *cpisv1.RegisterPlanRequest) (*cpisv1.RegisterPlanResponse, error) {
	c := callOf(ctx)
	r, err := h.uses.RegisterPlan(ctx, &c.caller, registrationFromProto(m, c.request))
	if err != nil {
		return nil, err
	}
	return registeredToProto(r), nil
}

func (h *planHandler) AmendPlan(ctx context.Context, m *cpisv1.AmendPlanRequest) (*cpisv1.AmendPlanResponse, error) {
	c := callOf(ctx)
	r, err := h.uses.AmendPlan(ctx, &c.caller, amendmentFromProto(m, c.request))
	if err != nil {
		return nil, err
	}
	return amendedToProto(r), nil
}

func (h *planHandler) EndPlan(ctx context.Context, m *cpisv1.EndPlanRequest) (*cpisv1.EndPlanResponse, error) {
	c := callOf(ctx)
	r, err := h.uses.EndPlan(ctx, &c.caller, endingFromProto(m, c.request))
	if err != nil {
		return nil, err
	}
	return endedToProto(r), nil
}

func (h *planHandler) RemovePlan(ctx context.Context, m *cpisv1.RemovePlanRequest) (*cpisv1.RemovePlanResponse, error) {
	c := callOf(ctx)
	r, err := h.uses.RemovePlan(ctx, &c.caller, removalFromProto(m, c.request))
	if err != nil {
		return nil, err
	}
	return removedToProto(r), nil
}

func (h *planHandler) RecordBirth(ctx context.Context, m *cpisv1.RecordBirthRequest) (*cpisv1.RecordBirthResponse, error) {
	c := callOf(ctx)
	r, err := h.uses.RecordBirth(ctx, &c.caller, birthFromProto(m, c.request))
	if err != nil {
		return nil, err
	}
	return birthedToProto(r), nil
}

func (h *planHandler) GetPerson(ctx context.Context, m *cpisv1.GetPersonRequest) (*cpisv1.GetPersonResponse, error) {
	c := callOf(ctx)
	r, err := h.uses.GetPerson(ctx, &c.caller, m.GetNhsNumber(), c.request)
	if err != nil {
		return nil, err
	}
	return personToProto(r), nil
}

func (h *planHandler) GetPlan(ctx context.Context, m *cpisv1.GetPlanRequest) (*cpisv1.GetPlanResponse, error) {
	c := callOf(ctx)
	r, err := h.uses.GetPlan(ctx, &c.caller, m.GetPlanId(), c.request)
	if err != nil {
		return nil, err
	}
	return foundPlanToProto(r), nil
}

func (h *planHandler) ListPlans(ctx context.Context, m *cpisv1.ListPlansRequest) (*cpisv1.ListPlansResponse, error) {
	c := callOf(ctx)
	r, err := h.uses.ListPlans(ctx, &c.caller, planQueryFromProto(m, c.request))
	if err != nil {
		return nil, err
	}
	return planPageToProto(r), nil
}

func (h *planHandler) ListVersions(ctx context.Context, m *cpisv1.ListVersionsRequest) (*cpisv1.ListVersionsResponse, error) {
	c := callOf(ctx)
	r, err := h.uses.ListVersions(ctx, &c.caller, m.GetPlanId(), c.request)
	if err != nil {
		return nil, err
	}
	return versionsToProto(r), nil
}

func (h *planHandler) ProposeTransfer(ctx context.Context, m *cpisv1.ProposeTransferRequest) (*cpisv1.ProposeTransferResponse, error) {
	c := callOf(ctx)
	r, err := h.uses.ProposeTransfer(ctx, &c.caller, offerFromProto(m, c.request))
	if err != nil {
		return nil, err
	}
	return offeredToProto(r), nil
}

func (h *planHandler) DecideTransfer(ctx context.Context, m *cpisv1.DecideTransferRequest) (*cpisv1.DecideTransferResponse, error) {
	c := callOf(ctx)
	r, err := h.uses.DecideTransfer(ctx, &c.caller, settlementFromProto(m, c.request))
	if err != nil {
		return nil, err
	}
	return settledToProto(r), nil
}

func (h *planHandler) ListTransfers(ctx context.Context, m *cpisv1.ListTransfersRequest) (*cpisv1.ListTransfersResponse, error) {
	c := callOf(ctx)
	r, err := h.uses.ListTransfers(ctx, &c.caller, transferQueryFromProto(m, c.request))
	if err != nil {
		return nil, err
	}
	return transferPageToProto(r), nil
}
