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
	cpisv1connect.RegisterPlanServiceHandler(server, &planHandler{uses: uses.Plans, changes: uses.Changes})
	cpisv1connect.RegisterUploadServiceHandler(server, &uploadHandler{uses: uses.Uploads, max: maxUpload})
	cpisv1connect.RegisterNoticeServiceHandler(server, &noticeHandler{uses: uses.Notices, channels: uses.Channels})
	cpisv1connect.RegisterEncounterServiceHandler(server, &encounterHandler{uses: uses.Encounters})
	cpisv1connect.RegisterContactServiceHandler(server, &contactHandler{uses: uses.Contacts})
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
