package rpc_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"

	"connectrpc.com/connect/v2"

	cpisv1 "cpis/proto/cpis/v1"
	"cpis/service"
)

func begin(checkOnly bool) *cpisv1.UploadRequest {
	return &cpisv1.UploadRequest{Part: &cpisv1.UploadRequest_Begin{Begin: &cpisv1.UploadBegin{CheckOnly: checkOnly}}}
}

func chunk(text string) *cpisv1.UploadRequest {
	return &cpisv1.UploadRequest{Part: &cpisv1.UploadRequest_Chunk{Chunk: []byte(text)}}
}

func upload(t *testing.T, c *clients, parts ...*cpisv1.UploadRequest) (*cpisv1.UploadResponse, error) {
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

func TestUploadGivesTheFileToTheUseCase(t *testing.T) {
	t.Parallel()
	for _, w := range wires {
		t.Run(w.name, func(t *testing.T) {
			t.Parallel()
			b, c := w.open(t)
			large := strings.Repeat("x", 1<<20)
			b.uses.result = service.UploadResult{
				Applied: true, Rows: 3, New: 1, Unchanged: 1, Rejected: 1,
				Results: []service.RowResult{
					{Line: 2, Outcome: service.RowNew, PlanID: "p"},
					{Line: 3, Outcome: service.RowUnchanged},
					{Line: 4, Outcome: service.RowRejected, Violations: []service.Violation{{Field: "start", Problem: "is required"}}},
				},
			}
			got, err := upload(t, c, begin(true), chunk("head\n"), chunk(""), chunk(large), chunk("tail"))
			if err != nil {
				t.Fatalf("Upload: %v", err)
			}
			if !b.uses.options.CheckOnly || b.uses.options.Request != aRequest {
				t.Errorf("got options %+v", b.uses.options)
			}
			if !bytes.Equal(b.uses.uploaded, []byte("head\n"+large+"tail")) {
				t.Errorf("got a file of %d bytes", len(b.uses.uploaded))
			}
			if !got.GetApplied() || got.GetRows() != 3 || got.GetNew() != 1 || got.GetUnchanged() != 1 || got.GetRejected() != 1 {
				t.Errorf("got %v", got)
			}
			if r := got.GetResults()[2]; r.GetLine() != 4 || r.GetOutcome() != cpisv1.RowOutcome_ROW_OUTCOME_REJECTED ||
				r.GetViolations()[0].GetField() != "start" {
				t.Errorf("got row %v", r)
			}
		})
	}
}

// What is wrong before the file begins is recorded here, and what is wrong
// with the file by the use case that reads it: once each.
func TestUploadRefusesWhatIsNotAFile(t *testing.T) {
	t.Parallel()
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
		{"two beginnings", []*cpisv1.UploadRequest{begin(false), chunk("a"), begin(false)}, false, true, "the request is not valid"},
		{"empty part", []*cpisv1.UploadRequest{begin(false), {}}, false, true, "the request is not valid"},
		{"chunk too large", []*cpisv1.UploadRequest{begin(false), chunk(strings.Repeat("x", 1<<20+1))}, false, true, "the request is not valid"},
		{"message too large", []*cpisv1.UploadRequest{begin(false), chunk(strings.Repeat("x", 2<<20))}, false, true, "the request is too large"},
		{
			"file too large",
			[]*cpisv1.UploadRequest{begin(false), chunk(strings.Repeat("x", 1<<20)), chunk(strings.Repeat("x", 1<<20)), chunk("x")},
			false, true, "the request is too large",
		},
	} {
		t.Run(bad.name, func(t *testing.T) {
			t.Parallel()
			for _, w := range wires {
				t.Run(w.name, func(t *testing.T) {
					t.Parallel()
					b, c := w.open(t, withMaxUpload(2<<20))
					_, err := upload(t, c, bad.parts...)
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
			if err := errors.Join(stream.Send(begin(false)), stream.Send(chunk("half a"))); err != nil {
				t.Fatalf("Send: %v", err)
			}
			cancel()
			if err := <-reading; err == nil {
				t.Error("the file seemed to end")
			}
		})
	}
}
