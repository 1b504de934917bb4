package rpc

import (
	"context"

	"connectrpc.com/connect/v2"

	cpisv1 "cpis/proto/cpis/v1"
	"cpis/proto/cpis/v1/cpisv1connect"
)

// register puts the handlers of all services onto a server.
func register(server *connect.Server, uses UseCases, m *Metrics, maxUpload int64) {
	cpisv1connect.RegisterLookupServiceHandler(server, &lookupHandler{uses.LookUps, m})
	cpisv1connect.RegisterPlanServiceHandler(server, &planHandler{uses.Plans})
	cpisv1connect.RegisterUploadServiceHandler(server, &uploadHandler{uses.Uploads, maxUpload})
	cpisv1connect.RegisterLogServiceHandler(server, &logHandler{uses.Proofs})
}

// lookupHandler is LookupService.
type lookupHandler struct {
	uses    LookUps
	metrics *Metrics
}

func (h *lookupHandler) LookUp(ctx context.Context, m *cpisv1.LookUpRequest) (*cpisv1.LookUpResponse, error) {
	c := callOf(ctx)
	a, err := h.uses.LookUp(ctx, &c.caller, questionFromProto(m, c.request))
	if err != nil {
		return nil, err
	}
	out := answerToProto(a)
	h.metrics.lookup(ctx, out)
	return out, nil
}

func (h *lookupHandler) LookUpMany(ctx context.Context, m *cpisv1.LookUpManyRequest) (*cpisv1.LookUpManyResponse, error) {
	c := callOf(ctx)
	items, err := h.uses.LookUpMany(ctx, &c.caller, listFromProto(m, c.request))
	if err != nil {
		return nil, err
	}
	out := itemsToProto(items)
	for _, r := range out.GetResults() {
		if a := r.GetResponse(); a != nil {
			h.metrics.lookup(ctx, a)
		}
	}
	return out, nil
}

// planHandler is PlanService.
type planHandler struct{ uses Plans }

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

// logHandler is LogService.
type logHandler struct{ uses Proofs }

func (h *logHandler) GetCheckpoint(ctx context.Context, m *cpisv1.GetCheckpointRequest) (*cpisv1.GetCheckpointResponse, error) {
	c := callOf(ctx)
	note, err := h.uses.Checkpoint(ctx, &c.caller, m.GetLog())
	if err != nil {
		return nil, err
	}
	return &cpisv1.GetCheckpointResponse{Checkpoint: string(note)}, nil
}

func (h *logHandler) GetInclusionProof(ctx context.Context, m *cpisv1.GetInclusionProofRequest) (*cpisv1.GetInclusionProofResponse, error) {
	c := callOf(ctx)
	p, err := h.uses.InclusionProof(ctx, &c.caller, m.GetLog(), m.GetIndex())
	if err != nil {
		return nil, err
	}
	return proofToProto(p), nil
}
