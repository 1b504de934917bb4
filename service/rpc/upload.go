package rpc

import (
	"context"
	"errors"
	"fmt"
	"io"

	cpisv1 "cpis/proto/cpis/v1"
	"cpis/proto/cpis/v1/cpisv1connect"
	"cpis/service/domain"
	"cpis/service/identity"
	"cpis/service/upload"
)

// Uploads are the use cases behind UploadService.
type Uploads interface {
	Upload(ctx context.Context, c *identity.Caller, q *upload.Request, next func() (upload.Part, error)) (*upload.Answer, error)
	ApproveUpload(ctx context.Context, c *identity.Caller, q *upload.ApproveRequest) (*upload.Answer, error)
	CancelUpload(ctx context.Context, c *identity.Caller, q *upload.CancelRequest) (*upload.Answer, error)
	GetUpload(ctx context.Context, c *identity.Caller, q *upload.GetRequest) (*upload.Answer, error)
	ListUploads(ctx context.Context, c *identity.Caller, q *upload.ListRequest) (*upload.Page, error)
	ListUploadRows(ctx context.Context, c *identity.Caller, q *upload.ListRowsRequest) (*upload.RowPage, error)
	DownloadResult(ctx context.Context, c *identity.Caller, q *upload.ResultRequest, send func(*upload.ResultPart) error) error
	GetUploadRules(ctx context.Context, c *identity.Caller, q *upload.GetRulesRequest) (*upload.RulesAnswer, error)
	SetUploadRules(ctx context.Context, c *identity.Caller, q *upload.SetRulesRequest) (*upload.SetRulesResult, error)
	GetQualityReport(ctx context.Context, c *identity.Caller, q *upload.QualityReportRequest) (*upload.QualityReport, error)
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
	r, err := h.uses.Upload(ctx, &c.caller, uploadFromProto(begin, c.request), parts.next)
	if err != nil {
		return nil, err
	}
	return &cpisv1.UploadResponse{Upload: uploadToProto(&r.Upload), Receipt: receiptToProto(&r.Receipt)}, nil
}

func (h *uploadHandler) ApproveUpload(ctx context.Context, m *cpisv1.ApproveUploadRequest) (*cpisv1.ApproveUploadResponse, error) {
	return relay(ctx, m, approveUploadFromProto, h.uses.ApproveUpload, approveUploadToProto)
}

func (h *uploadHandler) CancelUpload(ctx context.Context, m *cpisv1.CancelUploadRequest) (*cpisv1.CancelUploadResponse, error) {
	return relay(ctx, m, cancelUploadFromProto, h.uses.CancelUpload, cancelUploadToProto)
}

func (h *uploadHandler) GetUpload(ctx context.Context, m *cpisv1.GetUploadRequest) (*cpisv1.GetUploadResponse, error) {
	return relay(ctx, m, getUploadFromProto, h.uses.GetUpload, getUploadToProto)
}

func (h *uploadHandler) ListUploads(ctx context.Context, m *cpisv1.ListUploadsRequest) (*cpisv1.ListUploadsResponse, error) {
	return relay(ctx, m, listUploadsFromProto, h.uses.ListUploads, listUploadsToProto)
}

func (h *uploadHandler) ListUploadRows(ctx context.Context, m *cpisv1.ListUploadRowsRequest) (*cpisv1.ListUploadRowsResponse, error) {
	return relay(ctx, m, listUploadRowsFromProto, h.uses.ListUploadRows, listUploadRowsToProto)
}

func (h *uploadHandler) DownloadResult(
	ctx context.Context, m *cpisv1.DownloadResultRequest, stream cpisv1connect.UploadServiceDownloadResultServerStream,
) error {
	c := callOf(ctx)
	q := &upload.ResultRequest{UploadID: m.GetUploadId(), Request: c.request}
	return sendFile(ctx, stream.Send, resultPartToProto, func(ctx context.Context, send func(*upload.ResultPart) error) error {
		return h.uses.DownloadResult(ctx, &c.caller, q, send)
	})
}

func (h *uploadHandler) GetUploadRules(ctx context.Context, m *cpisv1.GetUploadRulesRequest) (*cpisv1.GetUploadRulesResponse, error) {
	return relay(ctx, m, getUploadRulesFromProto, h.uses.GetUploadRules, getUploadRulesToProto)
}

func (h *uploadHandler) SetUploadRules(ctx context.Context, m *cpisv1.SetUploadRulesRequest) (*cpisv1.SetUploadRulesResponse, error) {
	return relay(ctx, m, setUploadRulesFromProto, h.uses.SetUploadRules, setUploadRulesToProto)
}

func (h *uploadHandler) GetQualityReport(ctx context.Context, m *cpisv1.GetQualityReportRequest) (*cpisv1.GetQualityReportResponse, error) {
	return relay(ctx, m, qualityReportFromProto, h.uses.GetQualityReport, qualityReportToProto)
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
