package rpc

import (
	"context"

	"connectrpc.com/connect/v2"

	cpisv1 "cpis/proto/cpis/v1"
	"cpis/proto/cpis/v1/cpisv1connect"
	"cpis/service/identity"
)

// register puts the handlers of all services onto a server.
func register(server *connect.Server, uses UseCases, m *Metrics, maxUpload int64) {
	cpisv1connect.RegisterLookupServiceHandler(server, &lookupHandler{uses.LookUps, m})
	cpisv1connect.RegisterPlanServiceHandler(server, &planHandler{uses: uses.Plans, changes: uses.Changes})
	cpisv1connect.RegisterPersonServiceHandler(server, &personHandler{uses.Plans})
	cpisv1connect.RegisterUploadServiceHandler(server, &uploadHandler{uses: uses.Uploads, max: maxUpload})
	cpisv1connect.RegisterNoticeServiceHandler(server, &noticeHandler{uses: uses.Notices, channels: uses.Channels})
	cpisv1connect.RegisterEncounterServiceHandler(server, &encounterHandler{uses: uses.Encounters})
	cpisv1connect.RegisterContactServiceHandler(server, &contactHandler{uses: uses.Contacts})
	cpisv1connect.RegisterWorkServiceHandler(server, &workHandler{uses: uses.Work})
	cpisv1connect.RegisterAdminServiceHandler(server, &adminHandler{uses.Installation})
	cpisv1connect.RegisterLogServiceHandler(server, &logHandler{uses.Proofs})
	cpisv1connect.RegisterReportServiceHandler(server, &reportHandler{uses.Reports})
	cpisv1connect.RegisterOversightServiceHandler(server, &oversightHandler{uses.Oversight, uses.Releases})
	cpisv1connect.RegisterExportServiceHandler(server, &exportHandler{uses.Exports})
}

// relay passes a request on to a use case, and its answer back.
func relay[M, Q, A, R any](
	ctx context.Context, m *M, read func(m *M, request string) *Q,
	use func(context.Context, *identity.Caller, *Q) (*A, error), write func(*A) *R,
) (*R, error) {
	c := callOf(ctx)
	a, err := use(ctx, &c.caller, read(m, c.request))
	if err != nil {
		return nil, err
	}
	return write(a), nil
}

// lookupHandler is LookupService.
type lookupHandler struct {
	uses    LookUps
	metrics *Metrics
}

func (h *lookupHandler) LookUp(ctx context.Context, m *cpisv1.LookUpRequest) (*cpisv1.LookUpResponse, error) {
	out, err := relay(ctx, m, questionFromProto, h.uses.LookUp, answerToProto)
	if err != nil {
		return nil, err
	}
	h.metrics.lookup(ctx, out)
	return out, nil
}

func (h *lookupHandler) LookUpMany(ctx context.Context, m *cpisv1.LookUpManyRequest) (*cpisv1.LookUpManyResponse, error) {
	out, err := relay(ctx, m, clinicListFromProto, h.uses.LookUpMany, itemsToProto)
	if err != nil {
		return nil, err
	}
	for _, r := range out.GetResults() {
		if a := r.GetResponse(); a != nil {
			h.metrics.lookup(ctx, a)
		}
	}
	return out, nil
}
