package rpc

import (
	"context"

	cpisv1 "cpis/proto/cpis/v1"
	"cpis/proto/cpis/v1/cpisv1connect"
	"cpis/service/export"
	"cpis/service/guard"
	"cpis/service/identity"
)

// Exports are the use cases behind ExportService.
type Exports interface {
	CreateExport(ctx context.Context, c *identity.Caller, q *export.CreateExportRequest) (*export.CreatedExport, error)
	GetExport(ctx context.Context, c *identity.Caller, q *export.GetExportRequest) (*export.FoundExport, error)
	ListExports(ctx context.Context, c *identity.Caller, q *export.ListExportsRequest) (*export.List, error)
	DownloadExport(ctx context.Context, c *identity.Caller, q *export.DownloadExportRequest, send func(*export.Part) error) error
	DeleteExport(ctx context.Context, c *identity.Caller, q *export.DeleteExportRequest) (*export.DeletedExport, error)
}

// exportHandler is ExportService.
type exportHandler struct{ uses Exports }

func (h *exportHandler) CreateExport(ctx context.Context, m *cpisv1.CreateExportRequest) (*cpisv1.CreateExportResponse, error) {
	return relay(ctx, m, createExportFromProto, h.uses.CreateExport, createdExportToProto)
}

func (h *exportHandler) GetExport(ctx context.Context, m *cpisv1.GetExportRequest) (*cpisv1.GetExportResponse, error) {
	return relay(ctx, m, getExportFromProto, h.uses.GetExport, foundExportToProto)
}

func (h *exportHandler) ListExports(ctx context.Context, m *cpisv1.ListExportsRequest) (*cpisv1.ListExportsResponse, error) {
	return relay(ctx, m, listExportsFromProto, h.uses.ListExports, exportListToProto)
}

func (h *exportHandler) DownloadExport(
	ctx context.Context, m *cpisv1.DownloadExportRequest, stream cpisv1connect.ExportServiceDownloadExportServerStream,
) error {
	c := callOf(ctx)
	q := &export.DownloadExportRequest{ID: m.GetExportId(), Offset: m.GetOffset(), Request: c.request}
	return sendFile(ctx, stream.Send, exportPartToProto, func(ctx context.Context, send func(*export.Part) error) error {
		return h.uses.DownloadExport(ctx, &c.caller, q, send)
	})
}

func (h *exportHandler) DeleteExport(ctx context.Context, m *cpisv1.DeleteExportRequest) (*cpisv1.DeleteExportResponse, error) {
	return relay(ctx, m, deleteExportFromProto, h.uses.DeleteExport, deletedExportToProto)
}

func createExportFromProto(m *cpisv1.CreateExportRequest, request string) *export.CreateExportRequest {
	q := &export.CreateExportRequest{
		Report: fromEnum(reports, m.GetReport()), Query: queryFromProto(m.GetQuery()), Request: request,
	}
	for _, f := range m.GetFormats() {
		q.Formats = append(q.Formats, fromEnum(exportFormats, f))
	}
	return q
}

func createdExportToProto(c *export.CreatedExport) *cpisv1.CreateExportResponse {
	return &cpisv1.CreateExportResponse{
		Export: exportToProto(&c.Export), Coverage: coverageToProto(&c.Coverage), Receipt: receiptToProto(&c.Receipt),
	}
}

func getExportFromProto(m *cpisv1.GetExportRequest, request string) *export.GetExportRequest {
	return &export.GetExportRequest{ID: m.GetExportId(), Request: request}
}

func foundExportToProto(f *export.FoundExport) *cpisv1.GetExportResponse {
	return &cpisv1.GetExportResponse{Export: exportToProto(&f.Export), Receipt: receiptToProto(&f.Receipt)}
}

func listExportsFromProto(_ *cpisv1.ListExportsRequest, request string) *export.ListExportsRequest {
	return &export.ListExportsRequest{Request: request}
}

func exportListToProto(l *export.List) *cpisv1.ListExportsResponse {
	return &cpisv1.ListExportsResponse{Exports: each(l.Exports, exportToProto), Receipt: receiptToProto(&l.Receipt)}
}

func deleteExportFromProto(m *cpisv1.DeleteExportRequest, request string) *export.DeleteExportRequest {
	return &export.DeleteExportRequest{ID: m.GetExportId(), Request: request}
}

func deletedExportToProto(d *export.DeletedExport) *cpisv1.DeleteExportResponse {
	return &cpisv1.DeleteExportResponse{Receipt: receiptToProto(&d.Receipt)}
}

// Formats and states of exports in both languages.
var (
	exportFormats = []string{
		cpisv1.ExportFormat_EXPORT_FORMAT_UNSPECIFIED: "",
		cpisv1.ExportFormat_EXPORT_FORMAT_CSV:         "csv",
		cpisv1.ExportFormat_EXPORT_FORMAT_XLSX:        "xlsx",
		cpisv1.ExportFormat_EXPORT_FORMAT_FHIR_BALP:   "fhir_balp",
		cpisv1.ExportFormat_EXPORT_FORMAT_FHIR_NHS:    "fhir_nhs",
	}
	exportStates = []export.State{
		cpisv1.ExportState_EXPORT_STATE_UNSPECIFIED: "",
		cpisv1.ExportState_EXPORT_STATE_MAKING:      export.Making,
		cpisv1.ExportState_EXPORT_STATE_READY:       export.Ready,
		cpisv1.ExportState_EXPORT_STATE_FAILED:      export.Failed,
	}
)

func exportToProto(x *export.Export) *cpisv1.Export {
	m := &cpisv1.Export{
		Id:      x.ID,
		State:   toEnum[cpisv1.ExportState](exportStates, x.State),
		Report:  toEnum[cpisv1.Report](reports, x.Report),
		Reason:  toEnum[cpisv1.ReportReason](reportReasons, x.Reason),
		Entries: x.Entries,
		Done:    x.Done,
		Work:    x.Work,
		Size:    x.Size,
		Asked:   timeToProto(x.Asked),
		Expires: timeToProto(x.Expires),
	}
	for _, f := range x.Formats {
		m.Formats = append(m.Formats, toEnum[cpisv1.ExportFormat](exportFormats, f))
	}
	return m
}

func exportPartToProto(p *export.Part) *cpisv1.DownloadExportResponse {
	m := &cpisv1.DownloadExportResponse{Export: exportToProto(&p.Export), Offset: p.Offset, Chunk: p.Chunk}
	if p.Receipt != (guard.Receipt{}) {
		m.Receipt = receiptToProto(&p.Receipt)
	}
	return m
}
