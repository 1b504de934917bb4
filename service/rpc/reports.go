package rpc

import (
	"context"

	cpisv1 "cpis/proto/cpis/v1"
	"cpis/service/guard"
	"cpis/service/identity"
	"cpis/service/oversight"
)

// Reports are the use cases behind ReportService.
type Reports interface {
	CountEntries(ctx context.Context, c *identity.Caller, q *oversight.CountRequest) (*oversight.Count, error)
	ListEntries(ctx context.Context, c *identity.Caller, q *oversight.ListRequest) (*oversight.Page, error)
	ListTallies(ctx context.Context, c *identity.Caller, q *oversight.TallyRequest) (*oversight.Tallied, error)
}

// reportHandler is ReportService.
type reportHandler struct{ uses Reports }

func (h *reportHandler) GetEntryCount(ctx context.Context, m *cpisv1.GetEntryCountRequest) (*cpisv1.GetEntryCountResponse, error) {
	return relay(ctx, m, countFromProto, h.uses.CountEntries, countToProto)
}

func (h *reportHandler) ListEntries(ctx context.Context, m *cpisv1.ListEntriesRequest) (*cpisv1.ListEntriesResponse, error) {
	return relay(ctx, m, entriesFromProto, h.uses.ListEntries, entriesToProto)
}

func (h *reportHandler) ListTallies(ctx context.Context, m *cpisv1.ListTalliesRequest) (*cpisv1.ListTalliesResponse, error) {
	return relay(ctx, m, talliesFromProto, h.uses.ListTallies, talliesToProto)
}

func countFromProto(m *cpisv1.GetEntryCountRequest, request string) *oversight.CountRequest {
	return &oversight.CountRequest{Report: fromEnum(reports, m.GetReport()), Query: queryFromProto(m.GetQuery()), Request: request}
}

func countToProto(n *oversight.Count) *cpisv1.GetEntryCountResponse {
	return &cpisv1.GetEntryCountResponse{
		Entries: n.Entries, Coverage: coverageToProto(&n.Coverage), Receipt: receiptToProto(&n.Receipt),
	}
}

func entriesFromProto(m *cpisv1.ListEntriesRequest, request string) *oversight.ListRequest {
	return &oversight.ListRequest{
		Report: fromEnum(reports, m.GetReport()), Query: queryFromProto(m.GetQuery()), Oldest: m.GetOldestFirst(),
		Paging: guard.Paging{Size: int(m.GetPageSize()), Page: m.GetPage()}, Request: request,
	}
}

func entriesToProto(p *oversight.Page) *cpisv1.ListEntriesResponse {
	return &cpisv1.ListEntriesResponse{
		Entries: each(p.Entries, entryToProto), NextPage: p.Next,
		Coverage: coverageToProto(&p.Coverage), Receipt: receiptToProto(&p.Receipt),
	}
}

func talliesFromProto(m *cpisv1.ListTalliesRequest, request string) *oversight.TallyRequest {
	return &oversight.TallyRequest{
		Tally: fromEnum(tallies, m.GetTally()), Query: queryFromProto(m.GetQuery()),
		AtLeast: int(m.GetAtLeast()), Size: int(m.GetPageSize()), Request: request,
	}
}

func talliesToProto(t *oversight.Tallied) *cpisv1.ListTalliesResponse {
	return &cpisv1.ListTalliesResponse{
		Rows: each(t.Rows, tallyToProto), Coverage: coverageToProto(&t.Coverage), Receipt: receiptToProto(&t.Receipt),
	}
}

// Reports, tallies and reasons in both languages.
var (
	reports = []oversight.Report{
		cpisv1.Report_REPORT_UNSPECIFIED:  "",
		cpisv1.Report_REPORT_EVERYTHING:   oversight.Everything,
		cpisv1.Report_REPORT_CHILD:        oversight.Child,
		cpisv1.Report_REPORT_ACTOR:        oversight.Actor,
		cpisv1.Report_REPORT_ORGANISATION: oversight.Organisation,
		cpisv1.Report_REPORT_REFUSALS:     oversight.Refusals,
		cpisv1.Report_REPORT_BREAK_GLASS:  oversight.BreakGlass,
		cpisv1.Report_REPORT_REPORTS:      oversight.Asked,
		cpisv1.Report_REPORT_PLANS:        oversight.PlanChanges,
		cpisv1.Report_REPORT_POLICY:       oversight.Policy,
		cpisv1.Report_REPORT_CONTACTS:     oversight.Contacts,
		cpisv1.Report_REPORT_CHANNELS:     oversight.Channels,
		cpisv1.Report_REPORT_OUT_OF_HOURS: oversight.OutOfHours,
		cpisv1.Report_REPORT_NO_ENCOUNTER: oversight.NoEncounter,
		cpisv1.Report_REPORT_REQUEST:      oversight.Request,
	}
	tallies = []oversight.Tally{
		cpisv1.Tally_TALLY_UNSPECIFIED: "",
		cpisv1.Tally_TALLY_CHILDREN:    oversight.Children,
		cpisv1.Tally_TALLY_CALLERS:     oversight.Callers,
	}
	reportReasons = []oversight.Reason{
		cpisv1.ReportReason_REPORT_REASON_UNSPECIFIED:    "",
		cpisv1.ReportReason_REPORT_REASON_SUBJECT_ACCESS: oversight.SubjectAccess,
		cpisv1.ReportReason_REPORT_REASON_COMPLAINT:      oversight.Complaint,
		cpisv1.ReportReason_REPORT_REASON_CONCERN:        oversight.Concern,
		cpisv1.ReportReason_REPORT_REASON_INCIDENT:       oversight.Incident,
		cpisv1.ReportReason_REPORT_REASON_COURT:          oversight.Court,
		cpisv1.ReportReason_REPORT_REASON_ROUTINE:        oversight.Routine,
	}
)

func queryFromProto(m *cpisv1.ReportQuery) oversight.Query {
	q := oversight.Query{
		Reason:     fromEnum(reportReasons, m.GetReason()),
		Words:      m.GetWords(),
		NHSNumber:  m.GetNhsNumber(),
		Subject:    m.GetSubject(),
		Actor:      m.GetActor(),
		Organised:  m.GetOrganisation(),
		Role:       m.GetRole(),
		Action:     m.GetAction(),
		Purpose:    m.GetPurpose(),
		Outcome:    m.GetOutcome(),
		RequestID:  m.GetRequestId(),
		Log:        m.GetReceiptLog(),
		Unreviewed: m.GetUnreviewedOnly(),
	}
	if m != nil {
		q.Receipt = m.ReceiptIndex
	}
	setMode(&q.Mode, m.GetAccessMode())
	if from := m.GetFrom(); from.IsValid() {
		q.From = from.AsTime()
	}
	if until := m.GetUntil(); until.IsValid() {
		q.Until = until.AsTime()
	}
	return q
}

func coverageToProto(c *oversight.Coverage) *cpisv1.Coverage {
	return &cpisv1.Coverage{
		CompleteUntil: timeToProto(c.CompleteUntil), Behind: c.Behind, AuthoritiesLeftOut: c.AuthoritiesLeftOut,
	}
}

func entryToProto(e *oversight.Entry) *cpisv1.LogEntry {
	return &cpisv1.LogEntry{
		At:               timeToProto(e.Time),
		Actor:            e.Actor,
		Organisation:     e.Organisation,
		OrganisationName: e.Organised,
		Role:             e.Role,
		Action:           e.Action,
		AccessMode:       modeToProto(e.Mode),
		Purpose:          e.Purpose,
		Outcome:          e.Outcome,
		Reason:           e.Reason,
		Rule:             e.Rule,
		BreakGlass:       e.BreakGlass,
		Reviewed:         timeToProto(e.Reviewed),
		ReviewOutcome:    e.ReviewOutcome,
		Subject:          e.Subject,
		Encounter:        e.Encounter,
		Restricted:       e.Restricted,
		RequestId:        e.Request,
		Client:           e.Client,
		Log:              e.Log,
		Index:            e.Index,
		LineMissing:      e.LineMissing,
		ReviewId:         e.ReviewID,
	}
}

func tallyToProto(t *oversight.TallyRow) *cpisv1.TallyRow {
	return &cpisv1.TallyRow{
		Subject: t.Subject, Actor: t.Actor, Organisation: t.Organisation, Callers: count(t.Callers), LookUps: t.LookUps,
		First: timeToProto(t.First), Last: timeToProto(t.Last),
	}
}
