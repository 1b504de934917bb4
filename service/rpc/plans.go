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
	GetPerson(ctx context.Context, c *identity.Caller, q *plan.GetPersonRequest) (*plan.OwnPerson, error)
	FindPeople(ctx context.Context, c *identity.Caller, q *plan.FindRequest) (*plan.FoundPeople, error)
	ListEvents(ctx context.Context, c *identity.Caller, q *plan.EventsRequest) (*plan.Events, error)
	GetPlan(ctx context.Context, c *identity.Caller, q *plan.GetPlanRequest) (*plan.Found, error)
	ListPlans(ctx context.Context, c *identity.Caller, q *plan.ListRequest) (*plan.Page, error)
	ListVersions(ctx context.Context, c *identity.Caller, q *plan.ListVersionsRequest) (*plan.Versions, error)
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
	return relay(ctx, m, registerPlanFromProto, h.uses.RegisterPlan, registerPlanToProto)
}

func (h *planHandler) AmendPlan(ctx context.Context, m *cpisv1.AmendPlanRequest) (*cpisv1.AmendPlanResponse, error) {
	return relay(ctx, m, amendPlanFromProto, h.uses.AmendPlan, amendPlanToProto)
}

func (h *planHandler) EndPlan(ctx context.Context, m *cpisv1.EndPlanRequest) (*cpisv1.EndPlanResponse, error) {
	return relay(ctx, m, endPlanFromProto, h.uses.EndPlan, endPlanToProto)
}

func (h *planHandler) RemovePlan(ctx context.Context, m *cpisv1.RemovePlanRequest) (*cpisv1.RemovePlanResponse, error) {
	return relay(ctx, m, removePlanFromProto, h.uses.RemovePlan, removePlanToProto)
}

func (h *planHandler) RecordBirth(ctx context.Context, m *cpisv1.RecordBirthRequest) (*cpisv1.RecordBirthResponse, error) {
	return relay(ctx, m, recordBirthFromProto, h.uses.RecordBirth, recordBirthToProto)
}

func (h *planHandler) GetPerson(ctx context.Context, m *cpisv1.GetPersonRequest) (*cpisv1.GetPersonResponse, error) {
	return relay(ctx, m, getPersonFromProto, h.uses.GetPerson, getPersonToProto)
}

func (h *planHandler) FindPeople(ctx context.Context, m *cpisv1.FindPeopleRequest) (*cpisv1.FindPeopleResponse, error) {
	return relay(ctx, m, findPeopleFromProto, h.uses.FindPeople, findPeopleToProto)
}

// personHandler is PersonService.
type personHandler struct{ uses Plans }

func (h *personHandler) ListPersonEvents(ctx context.Context, m *cpisv1.ListPersonEventsRequest) (*cpisv1.ListPersonEventsResponse, error) {
	return relay(ctx, m, listEventsFromProto, h.uses.ListEvents, listEventsToProto)
}

func (h *planHandler) GetPlan(ctx context.Context, m *cpisv1.GetPlanRequest) (*cpisv1.GetPlanResponse, error) {
	return relay(ctx, m, getPlanFromProto, h.uses.GetPlan, getPlanToProto)
}

func (h *planHandler) ListPlans(ctx context.Context, m *cpisv1.ListPlansRequest) (*cpisv1.ListPlansResponse, error) {
	return relay(ctx, m, listPlansFromProto, h.uses.ListPlans, listPlansToProto)
}

func (h *planHandler) ListVersions(ctx context.Context, m *cpisv1.ListVersionsRequest) (*cpisv1.ListVersionsResponse, error) {
	return relay(ctx, m, listVersionsFromProto, h.uses.ListVersions, listVersionsToProto)
}

func (h *planHandler) ProposeTransfer(ctx context.Context, m *cpisv1.ProposeTransferRequest) (*cpisv1.ProposeTransferResponse, error) {
	return relay(ctx, m, proposeTransferFromProto, h.uses.ProposeTransfer, proposeTransferToProto)
}

func (h *planHandler) DecideTransfer(ctx context.Context, m *cpisv1.DecideTransferRequest) (*cpisv1.DecideTransferResponse, error) {
	return relay(ctx, m, decideTransferFromProto, h.uses.DecideTransfer, decideTransferToProto)
}

func (h *planHandler) ListTransfers(ctx context.Context, m *cpisv1.ListTransfersRequest) (*cpisv1.ListTransfersResponse, error) {
	return relay(ctx, m, listTransfersFromProto, h.uses.ListTransfers, listTransfersToProto)
}
