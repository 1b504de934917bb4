package rpc

import (
	"context"
	"errors"
	"fmt"
	"io"

	cpisv1 "cpis/proto/cpis/v1"
	"cpis/proto/cpis/v1/cpisv1connect"
	"cpis/service/domain"
	"cpis/service/guard"
	"cpis/service/identity"
	"cpis/service/upload"
)

// Uploads are the use cases behind UploadService.
type Uploads interface {
	Upload(ctx context.Context, c *identity.Caller, q *upload.Request, next func() (upload.Part, error)) (*upload.Answer, error)
	ApproveUpload(ctx context.Context, c *identity.Caller, q *upload.ApproveRequest) (*upload.Answer, error)
	CancelUpload(ctx context.Context, c *identity.Caller, q *upload.CancelRequest) (*upload.Answer, error)
	GetUpload(ctx context.Context, c *identity.Caller, id, request string) (*upload.Answer, error)
	ListUploads(ctx context.Context, c *identity.Caller, q *upload.ListRequest) (*upload.Page, error)
	ListUploadRows(ctx context.Context, c *identity.Caller, q *upload.ListRowsRequest) (*upload.RowPage, error)
	GetUploadRules(ctx context.Context, c *identity.Caller, request string) (*upload.RulesAnswer, error)
	SetUploadRules(ctx context.Context, c *identity.Caller, q *upload.SetRulesRequest) (*upload.SetRulesResult, error)
	GetQualityReport(ctx context.Context, c *identity.Caller, request string) (*upload.QualityReport, error)
}

// uploadHandler is UploadService.
type uploadHandler struct {
	uses Uploads
	max  int64 // bytes of a file
}

func (h *uploadHandler) Upload(ctx context.Context, stream cpisv1connect.UploadServiceUploadServerStream) (*cpisv1.UploadResponse, error) {
	c := callOf(ctx)
	begin, err := receiveBegin(stream)
	if err != nil {
		return nil, err
	}
	parts := &parts{receive: stream.Receive, left: h.max, max: h.max}
	r, err := h.uses.Upload(ctx, &c.caller, uploadingFromProto(begin, c.request), parts.next)
	if err != nil {
		return nil, err
	}
	return &cpisv1.UploadResponse{Upload: uploadToProto(&r.Upload), Receipt: receiptToProto(&r.Receipt)}, nil
}

func (h *uploadHandler) ApproveUpload(ctx context.Context, m *cpisv1.ApproveUploadRequest) (*cpisv1.ApproveUploadResponse, error) {
	c := callOf(ctx)
	r, err := h.uses.ApproveUpload(ctx, &c.caller, &upload.ApproveRequest{
		UploadID: m.GetUploadId(), Version: int(m.GetVersion()), ConfirmEnding: int(m.GetConfirmEnding()), Request: c.request,
	})
	if err != nil {
		return nil, err
	}
	return &cpisv1.ApproveUploadResponse{Upload: uploadToProto(&r.Upload), Receipt: receiptToProto(&r.Receipt)}, nil
}

func (h *uploadHandler) CancelUpload(ctx context.Context, m *cpisv1.CancelUploadRequest) (*cpisv1.CancelUploadResponse, error) {
	c := callOf(ctx)
	r, err := h.uses.CancelUpload(ctx, &c.caller, &upload.CancelRequest{
		UploadID: m.GetUploadId(), Version: int(m.GetVersion()), Reason: m.GetReason(), Request: c.request,
	})
	if err != nil {
		return nil, err
	}
	return &cpisv1.CancelUploadResponse{Upload: uploadToProto(&r.Upload), Receipt: receiptToProto(&r.Receipt)}, nil
}

func (h *uploadHandler) GetUpload(ctx context.Context, m *cpisv1.GetUploadRequest) (*cpisv1.GetUploadResponse, error) {
	c := callOf(ctx)
	r, err := h.uses.GetUpload(ctx, &c.caller, m.GetUploadId(), c.request)
	if err != nil {
		return nil, err
	}
	return &cpisv1.GetUploadResponse{Upload: uploadToProto(&r.Upload), Receipt: receiptToProto(&r.Receipt)}, nil
}

func (h *uploadHandler) ListUploads(ctx context.Context, m *cpisv1.ListUploadsRequest) (*cpisv1.ListUploadsResponse, error) {
	c := callOf(ctx)
	r, err := h.uses.ListUploads(ctx, &c.caller, &upload.ListRequest{
		WaitingOnly: m.GetWaitingOnly(), Paging: guard.Paging{Size: int(m.GetPageSize()), Page: m.GetPage()}, Request: c.request,
	})
	if err != nil {
		return nil, err
	}
	return &cpisv1.ListUploadsResponse{
		Uploads: each(r.Uploads, uploadToProto), NextPage: r.Next, Receipt: receiptToProto(&r.Receipt),
	}, nil
}

func (h *uploadHandler) ListUploadRows(ctx context.Context, m *cpisv1.ListUploadRowsRequest) (*cpisv1.ListUploadRowsResponse, error) {
	c := callOf(ctx)
	r, err := h.uses.ListUploadRows(ctx, &c.caller, &upload.ListRowsRequest{
		UploadID: m.GetUploadId(), Outcome: fromEnum(outcomes, m.GetOutcome()), Page: m.GetPage(), Request: c.request,
	})
	if err != nil {
		return nil, err
	}
	return &cpisv1.ListUploadRowsResponse{
		Rows: each(r.Rows, rowToProto), NextPage: r.Next, Receipt: receiptToProto(&r.Receipt),
	}, nil
}

func (h *uploadHandler) GetUploadRules(ctx context.Context, _ *cpisv1.GetUploadRulesRequest) (*cpisv1.GetUploadRulesResponse, error) {
	c := callOf(ctx)
	r, err := h.uses.GetUploadRules(ctx, &c.caller, c.request)
	if err != nil {
		return nil, err
	}
	return &cpisv1.GetUploadRulesResponse{Rules: rulesToProto(&r.Rules), Receipt: receiptToProto(&r.Receipt)}, nil
}

func (h *uploadHandler) SetUploadRules(ctx context.Context, m *cpisv1.SetUploadRulesRequest) (*cpisv1.SetUploadRulesResponse, error) {
	c := callOf(ctx)
	r, err := h.uses.SetUploadRules(ctx, &c.caller, &upload.SetRulesRequest{
		Rules: rulesFromProto(m.GetRules()), Request: c.request,
	})
	if err != nil {
		return nil, err
	}
	return &cpisv1.SetUploadRulesResponse{Version: count(r.Version), Receipt: receiptToProto(&r.Receipt)}, nil
}

func (h *uploadHandler) GetQualityReport(ctx context.Context, _ *cpisv1.GetQualityReportRequest) (*cpisv1.GetQualityReportResponse, error) {
	c := callOf(ctx)
	r, err := h.uses.GetQualityReport(ctx, &c.caller, c.request)
	if err != nil {
		return nil, err
	}
	return qualityToProto(r), nil
}

// receiveBegin receives the first message, which says what comes.
func receiveBegin(stream cpisv1connect.UploadServiceUploadServerStream) (*cpisv1.UploadBegin, error) {
	first, err := stream.Receive()
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if first.GetBegin() == nil {
		return nil, newFault(nil, domain.Violation{Field: "begin", Problem: "is required in the first message"})
	}
	return first.GetBegin(), nil
}

// parts are the parts of an upload. What is wrong with a message, or with the
// connection, is an error of the parts: a file that did not arrive whole must
// not look like one that ended.
type parts struct {
	receive   func() (*cpisv1.UploadRequest, error)
	left, max int64 // bytes that may still come, and that may come at all
}

func (p *parts) next() (upload.Part, error) {
	m, err := p.receive()
	if err != nil {
		return upload.Part{}, leftTo(err)
	}
	if m.GetBegin() != nil {
		return upload.Part{}, leftTo(newFault(nil, domain.Violation{Field: "begin", Problem: "must come only once"}))
	}
	p.left -= int64(len(m.GetChunk()))
	if p.left < 0 {
		return upload.Part{}, leftTo(newFault(errTooLarge, domain.Violation{
			Field: "chunk", Problem: fmt.Sprintf("makes the upload larger than %d bytes", p.max),
		}))
	}
	return upload.Part{File: m.GetFile().GetName(), Chunk: m.GetChunk()}, nil
}

// leftTo leaves a fault to the use case that asks for the parts: it records it.
func leftTo(err error) error {
	if f, ok := errors.AsType[*fault](err); ok {
		f.recorded = true
	}
	return err
}
