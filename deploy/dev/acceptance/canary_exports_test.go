package acceptance_test

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"

	cpisv1 "cpis/proto/cpis/v1"
	"cpis/proto/cpis/v1/cpisv1connect"
)

// takeAway has reports made as files, and says why in words that name people: as
// those who may, as one who may not, and in the wrong places. What is in a file is
// added to errs, for the log names nobody.
func (s *site) takeAway(p protocol, errs io.Writer) {
	s.tb.Helper()
	ctx := s.tb.Context()
	must(s.tb, s.service.Index.Follow(ctx))
	for _, person := range []string{"auditor", "privacy", "nurse"} {
		exports := cpisv1connect.NewExportServiceClient(s.connection(p, s.token(person)))
		for _, c := range everybody() {
			s.askForExports(exports, c, errs)
		}
		if person != "nurse" {
			s.takeFile(exports, everybody()[0], errs)
		}
	}
}

// askForExports asks with what is personal in the wrong places.
func (s *site) askForExports(exports cpisv1connect.ExportServiceClient, c child, errs io.Writer) {
	s.tb.Helper()
	ctx := s.tb.Context()
	_, refused := exports.CreateExport(ctx, &cpisv1.CreateExportRequest{Report: cpisv1.Report_REPORT_ACTOR, Query: &cpisv1.ReportQuery{
		Reason: cpisv1.ReportReason_REPORT_REASON_ROUTINE, Words: c.family, NhsNumber: c.given, Subject: c.number, Actor: c.family,
	}})
	_, got := exports.GetExport(ctx, &cpisv1.GetExportRequest{ExportId: c.number})
	_, deleted := exports.DeleteExport(ctx, &cpisv1.DeleteExportRequest{ExportId: c.family})
	_, _ = fmt.Fprintln(errs, told(refused), told(got), told(deleted))
	stream, err := exports.DownloadExport(ctx, &cpisv1.DownloadExportRequest{ExportId: c.given})
	if err == nil {
		_, err = stream.Receive()
		_ = stream.Close()
	}
	_, _ = fmt.Fprintln(errs, told(err))
}

// takeFile has a file made, and takes it.
func (s *site) takeFile(exports cpisv1connect.ExportServiceClient, c child, errs io.Writer) {
	s.tb.Helper()
	ctx := s.tb.Context()
	made, err := exports.CreateExport(ctx, &cpisv1.CreateExportRequest{
		Report: cpisv1.Report_REPORT_CHILD,
		Query: &cpisv1.ReportQuery{
			Reason: cpisv1.ReportReason_REPORT_REASON_COMPLAINT, Words: leadsWords["report"], NhsNumber: c.number,
		},
		Formats: []cpisv1.ExportFormat{
			cpisv1.ExportFormat_EXPORT_FORMAT_CSV, cpisv1.ExportFormat_EXPORT_FORMAT_XLSX,
			cpisv1.ExportFormat_EXPORT_FORMAT_FHIR_BALP, cpisv1.ExportFormat_EXPORT_FORMAT_FHIR_NHS,
		},
	})
	must(s.tb, err)
	must(s.tb, s.service.Log.Sign(ctx))
	must(s.tb, s.service.Exports.MakeExports(ctx))
	id := made.GetExport().GetId()
	_, err = exports.GetExport(ctx, &cpisv1.GetExportRequest{ExportId: id})
	must(s.tb, err)
	_, err = exports.ListExports(ctx, &cpisv1.ListExportsRequest{})
	must(s.tb, err)
	s.unpack(s.download(exports, id), errs)
	_, err = exports.DeleteExport(ctx, &cpisv1.DeleteExportRequest{ExportId: id})
	must(s.tb, err)
}

func (s *site) download(exports cpisv1connect.ExportServiceClient, id string) []byte {
	s.tb.Helper()
	stream, err := exports.DownloadExport(s.tb.Context(), &cpisv1.DownloadExportRequest{ExportId: id})
	must(s.tb, err)
	var file []byte
	for size := int64(1); int64(len(file)) < size; {
		part, err := stream.Receive()
		must(s.tb, err)
		file, size = append(file, part.GetChunk()...), part.GetExport().GetSize()
	}
	must(s.tb, stream.Close())
	return file
}

// unpack adds the texts of a file to what is searched.
func (s *site) unpack(file []byte, to io.Writer) {
	s.tb.Helper()
	archive, err := zip.NewReader(bytes.NewReader(file), int64(len(file)))
	must(s.tb, err)
	if len(archive.File) < 6 {
		s.tb.Errorf("an export has only %d files", len(archive.File))
	}
	for _, f := range archive.File {
		r, err := f.Open()
		must(s.tb, err)
		_, err = io.Copy(to, r)
		must(s.tb, err)
		must(s.tb, r.Close())
	}
}
