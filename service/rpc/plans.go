package rpc

import (
	"context"

	cpisv1 "cpis/proto/cpis/v1"
	"cpis/proto/cpis/v1/cpisv1connect"
	"cpis/service"
	"cpis/service/identity"
)

// Plans are the use cases behind PlanService.
type Plans interface {
	RegisterPlan(ctx context.Context, c *identity.Caller, r *service.Registration) (*service.Registered, error)
	EndPlan(ctx context.Context, c *identity.Caller, e *service.Ending) (*service.Ended, error)
	GetPerson(ctx context.Context, c *identity.Caller, number, request string) (*service.OwnPerson, error)
}

// planHandler is PlanService.
type planHandler struct {
	cpisv1connect.UnimplementedPlanServiceHandler
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

func (h *planHandler) EndPlan(ctx context.Context, m *cpisv1.EndPlanRequest) (*cpisv1.EndPlanResponse, error) {
	c := callOf(ctx)
	e, err := h.uses.EndPlan(ctx, &c.caller, endingFromProto(m, c.request))
	if err != nil {
		return nil, err
	}
	return endedToProto(e), nil
}

func (h *planHandler) GetPerson(ctx context.Context, m *cpisv1.GetPersonRequest) (*cpisv1.GetPersonResponse, error) {
	c := callOf(ctx)
	p, err := h.uses.GetPerson(ctx, &c.caller, m.GetNhsNumber(), c.request)
	if err != nil {
		return nil, err
	}
	return personToProto(p), nil
}
