package main

import (
	"context"
	"encoding/csv"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect/v2"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/timestamppb"

	"cpis/deploy/dev/demo"
	cpisv1 "cpis/proto/cpis/v1"
	"cpis/proto/cpis/v1/cpisv1connect"
	"cpis/service/rpc"
)

// auditLog stands for the service: it keeps what it was asked, and answers in
// two pages.
type auditLog struct {
	cpisv1connect.UnimplementedReportServiceHandler
	cpisv1connect.UnimplementedOversightServiceHandler

	needsRelease bool // of the child
	asked        []proto.Message
}

func (a *auditLog) ListEntries(_ context.Context, m *cpisv1.ListEntriesRequest) (*cpisv1.ListEntriesResponse, error) {
	a.asked = append(a.asked, proto.Clone(m))
	at := time.Date(2026, 11, 23, 2, 5, 6, 0, time.UTC)
	answer := &cpisv1.ListEntriesResponse{
		Entries: []*cpisv1.LogEntry{{
			At: timestamppb.New(at), Actor: "=1+1", Organisation: "RKE", OrganisationName: "WHITTINGTON HEALTH NHS TRUST",
			Role: "clinician_unscheduled", Action: "look_up", AccessMode: cpisv1.AccessMode_ACCESS_MODE_UNSCHEDULED, Purpose: "emergency_care",
			Outcome: "flag_held", BreakGlass: true, Subject: "paWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaU", Encounter: true,
			RequestId: "60e0b220-8136-4ca5-ae46-1d97ef59d068", Client: "ed", Log: "cpis.example.org/log/1", Index: 7,
		}},
		Coverage: &cpisv1.Coverage{CompleteUntil: timestamppb.New(at), Behind: 3, AuthoritiesLeftOut: true},
	}
	if m.GetPage() == "" {
		answer.NextPage = "next"
	}
	return answer, nil
}

func (a *auditLog) ListTallies(_ context.Context, m *cpisv1.ListTalliesRequest) (*cpisv1.ListTalliesResponse, error) {
	a.asked = append(a.asked, proto.Clone(m))
	return &cpisv1.ListTalliesResponse{Coverage: &cpisv1.Coverage{CompleteUntil: timestamppb.New(time.Unix(0, 0))}}, nil
}

func (a *auditLog) GetSubjectAccess(_ context.Context, m *cpisv1.GetSubjectAccessRequest) (*cpisv1.GetSubjectAccessResponse, error) {
	a.asked = append(a.asked, proto.Clone(m))
	answer := &cpisv1.GetSubjectAccessResponse{
		Coverage: &cpisv1.Coverage{CompleteUntil: timestamppb.New(time.Unix(0, 0))}, NeedsRelease: a.needsRelease,
	}
	if !a.needsRelease {
		answer.Letter = "Who looked at this record\n\n1. Monday\n   Where: \x1b[31mhere\n"
	}
	return answer, nil
}

// serve serves the log, and returns how a command reaches it.
func (a *auditLog) serve(t *testing.T) []string {
	t.Helper()
	s := httptest.NewServer(rpc.NewBare(time.Now, func(server *connect.Server) {
		cpisv1connect.RegisterReportServiceHandler(server, a)
		cpisv1connect.RegisterOversightServiceHandler(server, a)
	}))
	t.Cleanup(s.Close)
	return []string{"--url", s.URL, "--token-file", tokenFile(t, "a-token")}
}

// What people, spreadsheets and programs get of one report.
func TestReport_IsPrintedAsReviewed(t *testing.T) {
	t.Parallel()
	var all strings.Builder
	for _, line := range []string{"report child", "report break-glass", "report many --from 2026-11-01", "report many --from 2026-11-01 --csv", "report child --csv", "report child --json", "report subject-access"} {
		a := &auditLog{}
		o := command(t, "999 000 0018\n", append(strings.Fields(line), a.serve(t)...)...)
		o.want(t, 0)
		all.WriteString("$ cpis " + line + "\n" + o.stdout + o.stderr + "\n")
	}
	golden(t, "reports.golden", all.String())
}

// A letter that must not be handed over is none, and a script notices.
func TestReport_NoLetterIsAFailure(t *testing.T) {
	t.Parallel()
	a := &auditLog{needsRelease: true}
	o := command(t, "999 000 0018\n", append(strings.Fields("report subject-access --words because"), a.serve(t)...)...)
	if o.want(t, 1, "two privacy officers can release it"); o.stdout != "" {
		t.Errorf("printed %q", o.stdout)
	}
}

func TestReport_CSVHasAllPagesAndNoFormula(t *testing.T) {
	t.Parallel()
	a := &auditLog{}
	o := command(t, "", append(strings.Fields("report refusals --csv --reason routine"), a.serve(t)...)...)
	o.want(t, 0, "2 rows. Complete up to 23 Nov 2026 02:05. 3 newer entries")
	rows, err := csv.NewReader(strings.NewReader(o.stdout)).ReadAll()
	if err != nil || len(rows) != 3 || rows[0][0] != "at" || rows[1][0] != "2026-11-23T02:05:06Z" || rows[1][1] != "'=1+1" {
		t.Errorf("got %q, %v", rows, err)
	}
	if len(a.asked) != 2 {
		t.Errorf("asked %d times, want twice", len(a.asked))
	}
}

func TestReport_MakesTheRequest(t *testing.T) {
	t.Parallel()
	a := &auditLog{}
	command(t, "999 000 0018\n", append([]string{
		"report", "child", "--from", "2026-03-01", "--until", "2026-07-01 09:00", "--reason", "complaint", "--words", "Complaint 2026-114",
		"--access-mode", "scheduled", "--receipt-index", "0", "--organisation", "RKE",
	}, a.serve(t)...)...).want(t, 0)
	want := &cpisv1.ListEntriesRequest{
		Report: cpisv1.Report_REPORT_CHILD,
		Query: &cpisv1.ReportQuery{
			Reason: cpisv1.ReportReason_REPORT_REASON_COMPLAINT, Words: "Complaint 2026-114", NhsNumber: "999 000 0018", Organisation: "RKE",
			From:       timestamppb.New(time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)),
			Until:      timestamppb.New(time.Date(2026, 7, 1, 8, 0, 0, 0, time.UTC)), // summer time
			AccessMode: cpisv1.AccessMode_ACCESS_MODE_SCHEDULED, ReceiptIndex: proto.Int64(0),
		},
	}
	if diff := cmp.Diff(want, a.asked[0], protocmp.Transform()); diff != "" {
		t.Errorf("request (-want +got):\n%s", diff)
	}
	// No other report asks for a number, and nobody is asked about on the command line.
	command(t, "999 000 0018\n", append(strings.Fields("report refusals --reason routine"), a.serve(t)...)...).want(t, 0)
	last, _ := a.asked[len(a.asked)-1].(*cpisv1.ListEntriesRequest)
	if last.GetQuery().GetNhsNumber() != "" {
		t.Errorf("got %v", last)
	}
	command(t, "", "report", "child", "--nhs-number", "9990000018").want(t, 2)
}

// testReports asks the log of the demo the questions of docs/auditing.md.
func testReports(t *testing.T, d *running) {
	t.Helper()
	ask := func(status int, stdin string, line ...string) outcome {
		t.Helper()
		o := d.command(t, stdin, append([]string{"report"}, line...)...)
		o.want(t, status, "")
		return o
	}
	for giveUp := time.Now().Add(30 * time.Second); !strings.Contains( // until the index has followed
		ask(0, "", "break-glass", "--as", "auditor", "--reason", "routine").stdout, "flag_held"); {
		if time.Now().After(giveUp) {
			t.Fatal("no break-glass look-up is in a report")
		}
		_ = pause(t.Context(), 100*time.Millisecond)
	}
	why := []string{"--reason", "complaint", "--words", "Complaint 2026-114"}
	child := demo.Flagged.NHSNumber + "\n"
	ask(0, child, append([]string{"child", "--as", "auditor", "--from", "2026-03-01"}, why...)...).
		want(t, 0, "look_up", "flag_held", "clinician_unscheduled", "get_person", "Complete up to ")
	if o := ask(0, child, append([]string{"child", "--as", "privacy"}, why...)...); strings.Contains(o.stdout, "get_person") {
		t.Errorf("a privacy officer sees another organisation's entries:\n%s", o.stdout)
	}
	ask(1, child, append([]string{"child", "--as", "nurse"}, why...)...).want(t, 1, "not permitted")
	ask(1, child, "child", "--as", "auditor", "--reason", "complaint").want(t, 1, "query.words must say in ten characters")
	ask(0, "", append([]string{"actor", "--as", "auditor", "--actor", "555254240100"}, why...)...)
	ask(0, "", "break-glass", "--as", "auditor", "--reason", "routine", "--unreviewed-only").want(t, 0, "REVIEWED", "flag_held")
	ask(0, "", "count", "--as", "auditor", "--reason", "routine", "--report", "break_glass").want(t, 0, "Entries  ", "Complete until")
	ask(0, "", "many", "--as", "auditor", "--reason", "routine", "--at-least", "2", "--from", time.Now().AddDate(0, 0, -7).Format(time.DateOnly)).
		want(t, 0, "SUBJECT", "CALLERS")
	testExport(t, d, why)
	d.administer(t, "report", "check").want(t, 0, "as the log says")
	d.administer(t, "report", "rebuild").want(t, 0, "as the log says")
}
