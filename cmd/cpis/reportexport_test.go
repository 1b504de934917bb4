package main

import (
	"context"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect/v2"

	"cpis/deploy/dev/demo"
	cpisv1 "cpis/proto/cpis/v1"
	"cpis/proto/cpis/v1/cpisv1connect"
	"cpis/service/rpc"
)

// exporter stands for the service: its streams end early, but for the last.
type exporter struct {
	cpisv1connect.UnimplementedExportServiceHandler

	file    string
	asked   *cpisv1.CreateExportRequest
	offsets []int64
}

func (e *exporter) CreateExport(_ context.Context, m *cpisv1.CreateExportRequest) (*cpisv1.CreateExportResponse, error) {
	e.asked = m
	return &cpisv1.CreateExportResponse{
		Export: &cpisv1.Export{Id: "0193596c-7b1e-7cc2-8f0e-2f2f4f0a9a11", State: cpisv1.ExportState_EXPORT_STATE_MAKING, Entries: 3},
	}, nil
}

func (e *exporter) DownloadExport(
	_ context.Context, m *cpisv1.DownloadExportRequest, stream cpisv1connect.ExportServiceDownloadExportServerStream,
) error {
	e.offsets = append(e.offsets, m.GetOffset())
	x := &cpisv1.Export{Id: m.GetExportId(), State: cpisv1.ExportState_EXPORT_STATE_MAKING, Done: 1, Work: 6}
	if err := stream.Send(&cpisv1.DownloadExportResponse{Export: x}); err != nil {
		return err
	}
	x = &cpisv1.Export{Id: m.GetExportId(), State: cpisv1.ExportState_EXPORT_STATE_READY, Entries: 3, Size: int64(len(e.file))}
	rest := e.file[m.GetOffset():]
	if m.GetOffset() == 0 {
		rest = rest[:4] // and the stream ends as if all were well
	}
	return stream.Send(&cpisv1.DownloadExportResponse{Export: x, Offset: m.GetOffset(), Chunk: []byte(rest)})
}

func (e *exporter) serve(t *testing.T) []string {
	t.Helper()
	s := httptest.NewServer(rpc.NewBare(time.Now, func(server *connect.Server) {
		cpisv1connect.RegisterExportServiceHandler(server, e)
	}))
	t.Cleanup(s.Close)
	return []string{"--url", s.URL, "--token-file", tokenFile(t, "a-token")}
}

// A file is there under its name only when all of it came.
func TestReportExport_SavesTheWholeFile(t *testing.T) {
	t.Parallel()
	e := &exporter{file: "a file of some bytes"}
	out := filepath.Join(t.TempDir(), "report.zip")
	line := append(strings.Fields("report export --report refusals --reason routine --format csv,fhir_nhs --out "+out), e.serve(t)...)
	command(t, "", line...).want(t, 0, "3 entries", "Saved 3 entries to ")
	got, err := os.ReadFile(out)
	if err != nil || string(got) != e.file {
		t.Errorf("got %q, %v", got, err)
	}
	if len(e.offsets) != 2 || e.offsets[1] != 4 {
		t.Errorf("asked from %v on", e.offsets)
	}
	if f := e.asked.GetFormats(); len(f) != 2 || f[1] != cpisv1.ExportFormat_EXPORT_FORMAT_FHIR_NHS || e.asked.GetReport() != cpisv1.Report_REPORT_REFUSALS {
		t.Errorf("asked for %v", e.asked)
	}
	if left, err := filepath.Glob(out + ".*"); err != nil || len(left) > 0 {
		t.Errorf("left over: %v, %v", left, err)
	}
	command(t, "", line...).want(t, 1, "is there already")
	command(t, "", append(strings.Fields("report export --report refusals --format pdf"), e.serve(t)...)...).want(t, 2)
}

// What came before a download was cut off is not fetched again.
func TestReportDownload_GoesOn(t *testing.T) {
	t.Parallel()
	e := &exporter{file: "a file of some bytes"}
	out := filepath.Join(t.TempDir(), "report.zip")
	if err := os.WriteFile(out+".the-id.part", []byte("a file of"), 0o600); err != nil {
		t.Fatal(err)
	}
	command(t, "", append([]string{"report", "download", "the-id", "--out", out}, e.serve(t)...)...).want(t, 0, "Saved 3 entries")
	got, err := os.ReadFile(out)
	if err != nil || string(got) != e.file || e.offsets[0] != 9 {
		t.Errorf("got %q from %v on, %v", got, e.offsets, err)
	}
}

// takeOneOut takes a line with its proof out of an export, and verifies it.
func takeOneOut(t *testing.T, export, key string) {
	t.Helper()
	line := filepath.Join(t.TempDir(), "line.json")
	for index := range 1000 {
		taken := command(t, "", "audit", "proof", strconv.Itoa(index), "--archive", export, "--line", line)
		if taken.status != 0 {
			taken.want(t, 1)
			continue
		}
		proof := written(t, "proof", taken.stdout)
		command(t, "", "audit", "verify-proof", proof, "--key", key).want(t, 0)
		command(t, "", "audit", "verify-proof", proof, "--key", key, "--entry", line).want(t, 0)
		return
	}
	t.Error("no line could be taken out of the export")
}

// testExport takes a report out of the demo, and verifies it offline.
func testExport(t *testing.T, d *running, why []string) {
	t.Helper()
	out := filepath.Join(t.TempDir(), "child.zip")
	line := append([]string{"report", "export", "--as", "auditor", "--report", "child", "--format", "csv,xlsx,fhir_balp,fhir_nhs", "--out", out}, why...)
	d.command(t, demo.Flagged.NHSNumber+"\n", line...).want(t, 0, "Saved ")
	d.command(t, "", "report", "exports", "--as", "auditor").want(t, 0, "child", "ready")
	env := readSettings(t, filepath.Join(d.dir, "env"))
	key := withEnv(t, env, "audit", "key", "--log-origin", env["CPIS_LOG_ORIGIN"])
	key.want(t, 0)
	command(t, "", "audit", "verify", out, "--key", strings.TrimSpace(key.stdout)).want(t, 0, "VERIFIED: ", "of report child")
	takeOneOut(t, out, strings.TrimSpace(key.stdout))
	file, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(out, file[:len(file)/2], 0o600); err != nil {
		t.Fatal(err)
	}
	command(t, "", "audit", "verify", out, "--key", strings.TrimSpace(key.stdout)).want(t, 3, "NOT VERIFIED")
}
