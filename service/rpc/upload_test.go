package rpc_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect/v2"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/timestamppb"

	cpisv1 "cpis/proto/cpis/v1"
	"cpis/service/domain"
	"cpis/service/guard"
	"cpis/service/identity"
	"cpis/service/upload"
)

// uploadLife is what the use cases of files answer, and what they were asked.
type uploadLife struct {
	uploading    *upload.Request
	uploaded     []byte
	names        []string
	approval     *upload.ApproveRequest
	cancellation *upload.CancelRequest
	uploadID     string
	uploadList   *upload.ListRequest
	rowList      *upload.ListRowsRequest
	settingRules *upload.SetRulesRequest
	resultID     string

	resultParts  []upload.ResultPart
	resultEnd    error
	uploadAnswer upload.Answer
	uploadPage   upload.Page
	rowPage      upload.RowPage
	rules        upload.RulesAnswer
	quality      upload.QualityReport
}

func (u *uses) Upload(_ context.Context, c *identity.Caller, q *upload.Request, next func() (upload.Part, error)) (*upload.Answer, error) {
	var data []byte
	var names []string
	var readErr error
	for {
		part, err := next()
		if err != nil {
			if !errors.Is(err, io.EOF) {
				readErr = err
			}
			break
		}
		data = append(data, part.Chunk...)
		if part.File != "" {
			names = append(names, part.File)
		}
	}
	if u.reading != nil {
		u.reading <- readErr
	}
	err := u.asked(c, func() { u.uploading, u.uploaded, u.names = q, data, names })
	return &u.uploadAnswer, errors.Join(readErr, err)
}

func (u *uses) ApproveUpload(_ context.Context, c *identity.Caller, q *upload.ApproveRequest) (*upload.Answer, error) {
	return &u.uploadAnswer, u.asked(c, func() { u.approval = q })
}

func (u *uses) CancelUpload(_ context.Context, c *identity.Caller, q *upload.CancelRequest) (*upload.Answer, error) {
	return &u.uploadAnswer, u.asked(c, func() { u.cancellation = q })
}

func (u *uses) GetUpload(_ context.Context, c *identity.Caller, q *upload.GetRequest) (*upload.Answer, error) {
	return &u.uploadAnswer, u.asked(c, func() { u.uploadID = q.UploadID })
}

func (u *uses) ListUploads(_ context.Context, c *identity.Caller, q *upload.ListRequest) (*upload.Page, error) {
	return &u.uploadPage, u.asked(c, func() { u.uploadList = q })
}

func (u *uses) ListUploadRows(_ context.Context, c *identity.Caller, q *upload.ListRowsRequest) (*upload.RowPage, error) {
	return &u.rowPage, u.asked(c, func() { u.rowList = q })
}

func (u *uses) DownloadResult(_ context.Context, c *identity.Caller, q *upload.ResultRequest, send func(*upload.ResultPart) error) error {
	if err := u.asked(c, func() { u.resultID = q.UploadID }); err != nil {
		return err
	}
	for i := range u.resultParts {
		if err := send(&u.resultParts[i]); err != nil {
			return err
		}
	}
	return u.resultEnd
}

func (u *uses) GetUploadRules(_ context.Context, c *identity.Caller, _ *upload.GetRulesRequest) (*upload.RulesAnswer, error) {
	return &u.rules, u.asked(c, func() {})
}

func (u *uses) SetUploadRules(_ context.Context, c *identity.Caller, q *upload.SetRulesRequest) (*upload.SetRulesResult, error) {
	return &upload.SetRulesResult{Version: 2}, u.asked(c, func() { u.settingRules = q })
}

func (u *uses) GetQualityReport(_ context.Context, c *identity.Caller, _ *upload.QualityReportRequest) (*upload.QualityReport, error) {
	return &u.quality, u.asked(c, func() {})
}

func begin() *cpisv1.UploadRequest {
	return &cpisv1.UploadRequest{Part: &cpisv1.UploadRequest_Begin{Begin: &cpisv1.UploadBegin{
		Format: cpisv1.UploadFormat_UPLOAD_FORMAT_SSD, Extent: cpisv1.UploadExtent_UPLOAD_EXTENT_WHOLE, Sequence: 7, Authority: "206",
	}}}
}

func chunk(text string) *cpisv1.UploadRequest {
	return &cpisv1.UploadRequest{Part: &cpisv1.UploadRequest_Chunk{Chunk: []byte(text)}}
}

func named(name string) *cpisv1.UploadRequest {
	return &cpisv1.UploadRequest{Part: &cpisv1.UploadRequest_File{File: &cpisv1.UploadFile{Name: name}}}
}

func send(t *testing.T, c *clients, parts ...*cpisv1.UploadRequest) (*cpisv1.UploadResponse, error) {
	t.Helper()
	stream, err := c.uploads.Upload(t.Context())
	if err != nil {
		t.Fatalf("Upload: %v", err)
	}
	for _, p := range parts {
		if err := stream.Send(p); err != nil {
			break // the answer says why
		}
	}
	return stream.CloseAndReceive()
}

var uploadTime = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// anUpload has something in every field.
func anUpload() upload.Upload {
	return upload.Upload{
		ID: "u", Version: 4, State: upload.Applied, Format: upload.SSD, Extent: upload.Whole, Sequence: 7,
		Counts: upload.Counts{
			Rows: 9, New: 1, Unchanged: 2, Changed: 3, Ending: 4, HeldBack: 5, Rejected: 6, ValidNumbers: 8,
		},
		Code: "CPF03", Problems: []domain.Violation{{Field: "file", Problem: "is empty"}}, Warnings: []string{"a gap"}, Brake: true,
		Sent:    domain.Change{Act: "upload", Actor: "system", Organisation: "E09000019", At: uploadTime},
		Decided: domain.Change{Act: "approve", Actor: "lead", Name: "Lead", Organisation: "E09000019", Reason: "r", At: uploadTime},
		Changed: uploadTime, Size: 1234, Reasons: []upload.ReasonCount{{Field: "start", Code: "CPR07", Problem: "is required", Rows: 2}},
		Result: true, KeptUntil: uploadTime.Add(time.Hour),
	}
}

// anUploadToProto is what anUpload is over the wire.
func anUploadToProto() *cpisv1.Upload {
	return &cpisv1.Upload{
		Id: "u", Version: 4, State: cpisv1.UploadState_UPLOAD_STATE_APPLIED, Format: cpisv1.UploadFormat_UPLOAD_FORMAT_SSD,
		Extent: cpisv1.UploadExtent_UPLOAD_EXTENT_WHOLE, Sequence: 7,
		Counts: &cpisv1.UploadCounts{Rows: 9, New: 1, Unchanged: 2, Changed: 3, Ending: 4, HeldBack: 5, Rejected: 6, ValidNumbers: 8},
		Code:   "CPF03", Problems: []*cpisv1.FieldViolation{{Field: "file", Problem: "is empty"}}, Warnings: []string{"a gap"}, Brake: true,
		Sent: &cpisv1.Change{Act: "upload", Actor: "system", Organisation: "E09000019", At: timestamppb.New(uploadTime)},
		Decided: &cpisv1.Change{
			Act: "approve", Actor: "lead", Name: "Lead", Organisation: "E09000019", Reason: "r", At: timestamppb.New(uploadTime),
		},
		Changed: timestamppb.New(uploadTime), Size: 1234,
		Reasons: []*cpisv1.ReasonCount{{Field: "start", Code: "CPR07", Problem: "is required", Rows: 2}},
		Result:  true, KeptUntil: timestamppb.New(uploadTime.Add(time.Hour)),
	}
}

func TestUploadGivesThePartsToTheUseCase(t *testing.T) {
	t.Parallel()
	for _, w := range wires {
		t.Run(w.name, func(t *testing.T) {
			t.Parallel()
			b, c := w.open(t)
			large := strings.Repeat("x", 1<<20)
			b.uses.uploadAnswer = upload.Answer{Upload: anUpload()}
			got, err := send(t, c, begin(), named("a.csv"), chunk("head\n"), chunk(""), named("b.csv"), chunk(large), chunk("tail"))
			if err != nil {
				t.Fatalf("Upload: %v", err)
			}
			want := &upload.Request{Format: upload.SSD, Extent: upload.Whole, Sequence: 7, Authority: "206", Request: aRequest}
			if diff := cmp.Diff(want, b.uses.uploading); diff != "" {
				t.Errorf("asked (-want +got):\n%s", diff)
			}
			if !bytes.Equal(b.uses.uploaded, []byte("head\n"+large+"tail")) || strings.Join(b.uses.names, " ") != "a.csv b.csv" {
				t.Errorf("got %d bytes of %q", len(b.uses.uploaded), b.uses.names)
			}
			if diff := cmp.Diff(anUploadToProto(), got.GetUpload(), protocmp.Transform()); diff != "" {
				t.Errorf("answer (-want +got):\n%s", diff)
			}
		})
	}
}

// What does not say how it is written is a delta in CSV.
func TestUploadIsADeltaInCSVUnlessItSays(t *testing.T) {
	t.Parallel()
	b, c := wires[0].open(t)
	empty := &cpisv1.UploadRequest{Part: &cpisv1.UploadRequest_Begin{Begin: &cpisv1.UploadBegin{}}}
	if _, err := send(t, c, empty); err != nil {
		t.Fatalf("Upload: %v", err)
	}
	if q := b.uses.uploading; q.Format != upload.CSV || q.Extent != upload.Delta {
		t.Errorf("got %+v", q)
	}
}

// What is wrong before the file begins is recorded here, and what is wrong
// with the file by the use case that reads it: once each.
func TestUploadRefusesWhatIsNotAFile(t *testing.T) {
	t.Parallel()
	const most = 1 << 10
	for _, bad := range []struct {
		name     string
		parts    []*cpisv1.UploadRequest
		recorded bool
		reached  bool
		text     string
	}{
		{"nothing", nil, true, false, "the request is not valid"},
		{"no beginning", []*cpisv1.UploadRequest{chunk("a")}, true, false, "the request is not valid"},
		{"empty beginning", []*cpisv1.UploadRequest{{}}, true, false, "the request is not valid"},
		{"two beginnings", []*cpisv1.UploadRequest{begin(), chunk("a"), begin()}, false, true, "the request is not valid"},
		{"empty part", []*cpisv1.UploadRequest{begin(), {}}, false, true, "the request is not valid"},
		{"a file without a name", []*cpisv1.UploadRequest{begin(), named("")}, false, true, "the request is not valid"},
		{"chunk too large", []*cpisv1.UploadRequest{begin(), chunk(strings.Repeat("x", 1<<20+1))}, false, true, "the request is not valid"},
		{"message too large", []*cpisv1.UploadRequest{begin(), chunk(strings.Repeat("x", 2<<20))}, false, true, "the request is too large"},
		{
			"file too large",
			[]*cpisv1.UploadRequest{begin(), chunk(strings.Repeat("x", most/2)), chunk(strings.Repeat("x", most/2)), chunk("x")},
			false, true, "the request is too large",
		},
	} {
		t.Run(bad.name, func(t *testing.T) {
			t.Parallel()
			for _, w := range wires {
				t.Run(w.name, func(t *testing.T) {
					t.Parallel()
					b, c := w.open(t, withMaxUpload(most))
					_, err := send(t, c, bad.parts...)
					checkAnswer(t, bad.name, err, connect.CodeInvalidArgument, bad.text)
					if detail[cpisv1.InvalidRequest](t, err) == nil {
						t.Error("the answer does not say what is wrong")
					}
					if got := len(b.uses.refused) > 0; got != bad.recorded {
						t.Errorf("recorded here: got %v, want %v", got, bad.recorded)
					}
					if got := b.uses.times() > 0; got != bad.reached {
						t.Errorf("reached the use case: got %v, want %v", got, bad.reached)
					}
				})
			}
		})
	}
}

// Half a file must never pass for a whole one.
func TestUploadThatBreaksOffIsAnErrorOfTheFile(t *testing.T) {
	t.Parallel()
	for _, w := range wires {
		t.Run(w.name, func(t *testing.T) {
			t.Parallel()
			b, c := w.open(t)
			ctx, cancel := context.WithCancel(t.Context())
			stream, err := c.uploads.Upload(ctx)
			if err != nil {
				t.Fatalf("Upload: %v", err)
			}
			reading := make(chan error, 1)
			b.uses.reading = reading
			if err := errors.Join(stream.Send(begin()), stream.Send(chunk("half a"))); err != nil {
				t.Fatalf("Send: %v", err)
			}
			cancel()
			if err := <-reading; err == nil {
				t.Error("the file seemed to end")
			}
		})
	}
}

// A result comes in parts, and half of one is an error.
func TestDownloadResultSendsTheParts(t *testing.T) {
	t.Parallel()
	for _, w := range wires {
		t.Run(w.name, func(t *testing.T) {
			t.Parallel()
			b, c := w.open(t)
			b.uses.resultParts = []upload.ResultPart{
				{Format: upload.SSD, Size: 6, Chunk: []byte("abcd"), Receipt: guard.Receipt{Log: "log", Index: 3, TreeSize: 4}},
				{Format: upload.SSD, Size: 6, Offset: 4, Chunk: []byte("ef")},
			}
			b.uses.resultEnd = guard.ErrUnavailable
			stream, err := c.uploads.DownloadResult(t.Context(), &cpisv1.DownloadResultRequest{UploadId: "u"})
			if err != nil {
				t.Fatalf("DownloadResult: %v", err)
			}
			first, err := stream.Receive()
			compare(t, "DownloadResult", err, "u", b.uses.resultID)
			compareProto(t, "DownloadResult", &cpisv1.DownloadResultResponse{
				Format: cpisv1.UploadFormat_UPLOAD_FORMAT_SSD, Size: 6, Chunk: []byte("abcd"),
				Receipt: &cpisv1.Receipt{Log: "log", Index: 3, TreeSize: 4, LeafHash: make([]byte, 32)},
			}, first)
			second, err := stream.Receive()
			if err != nil || second.GetOffset() != 4 || second.GetReceipt() != nil {
				t.Errorf("got %v, %v", second, err)
			}
			_, err = stream.Receive()
			if connect.CodeOf(err) != connect.CodeUnavailable {
				t.Errorf("half a result ends with %v", err)
			}
		})
	}
}

// What is asked for, and what is answered, arrive as they are.
func TestUploadServiceTranslates(t *testing.T) {
	t.Parallel()
	b, c := wires[0].open(t)
	u := b.uses
	u.uploadAnswer = upload.Answer{Upload: anUpload()}
	u.uploadPage = upload.Page{Uploads: []upload.Upload{anUpload()}, Next: "n"}
	u.rowPage = upload.RowPage{Next: "1", Rows: []upload.RowResult{{
		File: "ssd_cp_plans", Line: 3, Outcome: upload.RowChanged, PlanID: "p", Code: "CPR06", Reference: "CASE-1",
		Violations: []domain.Violation{{Field: "start", Problem: "is required", Example: "2026-09-01"}},
		Changes:    []upload.FieldChange{{Field: "end", Old: "", New: "2026-11-01"}},
	}}}
	u.rules.Rules = upload.Rules{
		ApproveSystems: true, MaxNew: 1, MaxChanged: 2, MaxEnding: 3, MaxRejectedPercent: 4, BrakePercent: 5, Version: 6,
	}
	u.quality = upload.QualityReport{
		ValidNumbersPercent: 97.5, LastApplied: uploadTime, DaysSince: -1, Rejected: anUpload().Reasons, Active: 1, Overdue: 2, Adults: 3, ContactsDays: -1,
	}
	ctx := t.Context()

	approved, err := c.uploads.ApproveUpload(ctx, &cpisv1.ApproveUploadRequest{UploadId: "u", Version: 3, ConfirmEnding: 4})
	compare(t, "ApproveUpload", err, &upload.ApproveRequest{UploadID: "u", Version: 3, ConfirmEnding: 4, Request: aRequest}, u.approval)
	compareProto(t, "ApproveUpload", anUploadToProto(), approved.GetUpload())

	cancelled, err := c.uploads.CancelUpload(ctx, &cpisv1.CancelUploadRequest{UploadId: "u", Version: 3, Reason: "r"})
	compare(t, "CancelUpload", err, &upload.CancelRequest{UploadID: "u", Version: 3, Reason: "r", Request: aRequest}, u.cancellation)
	compareProto(t, "CancelUpload", anUploadToProto(), cancelled.GetUpload())

	got, err := c.uploads.GetUpload(ctx, &cpisv1.GetUploadRequest{UploadId: "u"})
	compare(t, "GetUpload", err, "u", u.uploadID)
	compareProto(t, "GetUpload", anUploadToProto(), got.GetUpload())

	page, err := c.uploads.ListUploads(ctx, &cpisv1.ListUploadsRequest{WaitingOnly: true, PageSize: 3, Page: "p"})
	compare(t, "ListUploads", err, &upload.ListRequest{
		WaitingOnly: true, Paging: guard.Paging{Size: 3, Page: "p"}, Request: aRequest,
	}, u.uploadList)
	compareProto(t, "ListUploads", &cpisv1.ListUploadsResponse{
		Uploads: []*cpisv1.Upload{anUploadToProto()}, NextPage: "n", Receipt: page.GetReceipt(),
	}, page)

	rows, err := c.uploads.ListUploadRows(ctx, &cpisv1.ListUploadRowsRequest{
		UploadId: "u", Outcome: cpisv1.RowOutcome_ROW_OUTCOME_HELD_BACK, Page: "1",
	})
	compare(t, "ListUploadRows", err, &upload.ListRowsRequest{UploadID: "u", Outcome: upload.RowHeldBack, Page: "1", Request: aRequest}, u.rowList)
	compareProto(t, "ListUploadRows", &cpisv1.ListUploadRowsResponse{NextPage: "1", Receipt: rows.GetReceipt(), Rows: []*cpisv1.RowResult{{
		File: "ssd_cp_plans", Line: 3, Outcome: cpisv1.RowOutcome_ROW_OUTCOME_CHANGED, PlanId: "p", Code: "CPR06", Reference: "CASE-1",
		Violations: []*cpisv1.FieldViolation{{Field: "start", Problem: "is required", Example: "2026-09-01"}},
		Changes:    []*cpisv1.FieldChange{{Field: "end", New: "2026-11-01"}},
	}}}, rows)

	rules, err := c.uploads.GetUploadRules(ctx, &cpisv1.GetUploadRulesRequest{})
	if err != nil {
		t.Fatalf("GetUploadRules: %v", err)
	}
	set, err := c.uploads.SetUploadRules(ctx, &cpisv1.SetUploadRulesRequest{Rules: rules.GetRules()})
	compare(t, "SetUploadRules", err, &upload.SetRulesRequest{Rules: u.rules.Rules, Request: aRequest}, u.settingRules)
	if set.GetVersion() != 2 {
		t.Errorf("SetUploadRules: got %v", set)
	}

	report, err := c.uploads.GetQualityReport(ctx, &cpisv1.GetQualityReportRequest{})
	if err != nil {
		t.Fatalf("GetQualityReport: %v", err)
	}
	compareProto(t, "GetQualityReport", &cpisv1.GetQualityReportResponse{
		ValidNumbersPercent: 97.5, GoLivePercent: 95, LastApplied: timestamppb.New(uploadTime), DaysSince: -1,
		Rejected: anUploadToProto().GetReasons(), Active: 1, Overdue: 2, Adults: 3, ContactsDays: -1, Receipt: report.GetReceipt(),
	}, report)
}

func compare(t *testing.T, name string, err error, want, got any) {
	t.Helper()
	if err != nil {
		t.Errorf("%s: %v", name, err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s: asked (-want +got):\n%s", name, diff)
	}
}

func compareProto(t *testing.T, name string, want, got any) {
	t.Helper()
	if diff := cmp.Diff(want, got, protocmp.Transform()); diff != "" {
		t.Errorf("%s: answer (-want +got):\n%s", name, diff)
	}
}
