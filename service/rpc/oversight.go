package rpc

import (
	"context"

	"google.golang.org/protobuf/types/known/timestamppb"

	cpisv1 "cpis/proto/cpis/v1"
	"cpis/service/guard"
	"cpis/service/identity"
	"cpis/service/oversight"
	"cpis/service/release"
)

// Oversight are the use cases behind OversightService.
type Oversight interface {
	ListReviews(ctx context.Context, c *identity.Caller, q *oversight.ListReviewsRequest) (*oversight.ReviewPage, error)
	GetReview(ctx context.Context, c *identity.Caller, q *oversight.GetReviewRequest) (*oversight.Review, error)
	CloseReview(ctx context.Context, c *identity.Caller, q *oversight.CloseReviewRequest) (*oversight.CloseReviewResult, error)
	GetSubjectAccess(ctx context.Context, c *identity.Caller, q *oversight.SubjectAccessRequest) (*oversight.SubjectAccessResult, error)
	GetBoardSummary(ctx context.Context, c *identity.Caller, q *oversight.BoardSummaryRequest) (*oversight.BoardSummary, error)
	GetDigest(ctx context.Context, c *identity.Caller, q *oversight.GetDigestRequest) (*oversight.Digest, error)
}

// Releases are those of them that are about restricted children.
type Releases interface {
	ProposeRelease(ctx context.Context, c *identity.Caller, q *release.ProposeReleaseRequest) (*release.ProposeReleaseResult, error)
	DecideRelease(ctx context.Context, c *identity.Caller, q *release.DecideReleaseRequest) (*release.DecideReleaseResult, error)
	ListReleases(ctx context.Context, c *identity.Caller, q *release.ListReleasesRequest) (*release.Page, error)
}

// oversightHandler is OversightService.
type oversightHandler struct {
	uses     Oversight
	releases Releases
}

func (h *oversightHandler) ListReviews(ctx context.Context, m *cpisv1.ListReviewsRequest) (*cpisv1.ListReviewsResponse, error) {
	return relay(ctx, m, listReviewsFromProto, h.uses.ListReviews, listReviewsToProto)
}

func (h *oversightHandler) GetReview(ctx context.Context, m *cpisv1.GetReviewRequest) (*cpisv1.GetReviewResponse, error) {
	return relay(ctx, m, getReviewFromProto, h.uses.GetReview, reviewToProto)
}

func (h *oversightHandler) CloseReview(ctx context.Context, m *cpisv1.CloseReviewRequest) (*cpisv1.CloseReviewResponse, error) {
	return relay(ctx, m, closeReviewFromProto, h.uses.CloseReview, closeReviewToProto)
}

func (h *oversightHandler) GetSubjectAccess(ctx context.Context, m *cpisv1.GetSubjectAccessRequest) (*cpisv1.GetSubjectAccessResponse, error) {
	return relay(ctx, m, subjectAccessFromProto, h.uses.GetSubjectAccess, subjectAccessToProto)
}

func (h *oversightHandler) ProposeRelease(ctx context.Context, m *cpisv1.ProposeReleaseRequest) (*cpisv1.ProposeReleaseResponse, error) {
	return relay(ctx, m, proposeReleaseFromProto, h.releases.ProposeRelease, proposeReleaseToProto)
}

func (h *oversightHandler) DecideRelease(ctx context.Context, m *cpisv1.DecideReleaseRequest) (*cpisv1.DecideReleaseResponse, error) {
	return relay(ctx, m, decideReleaseFromProto, h.releases.DecideRelease, decideReleaseToProto)
}

func (h *oversightHandler) ListReleases(ctx context.Context, m *cpisv1.ListReleasesRequest) (*cpisv1.ListReleasesResponse, error) {
	return relay(ctx, m, listReleasesFromProto, h.releases.ListReleases, releasesToProto)
}

func (h *oversightHandler) GetBoardSummary(ctx context.Context, m *cpisv1.GetBoardSummaryRequest) (*cpisv1.GetBoardSummaryResponse, error) {
	return relay(ctx, m, boardSummaryFromProto, h.uses.GetBoardSummary, boardSummaryToProto)
}

func (h *oversightHandler) GetDigest(ctx context.Context, m *cpisv1.GetDigestRequest) (*cpisv1.GetDigestResponse, error) {
	return relay(ctx, m, digestFromProto, h.uses.GetDigest, digestToProto)
}

func subjectAccessFromProto(m *cpisv1.GetSubjectAccessRequest, request string) *oversight.SubjectAccessRequest {
	q := &oversight.SubjectAccessRequest{NHSNumber: m.GetNhsNumber(), Words: m.GetWords(), NameStaff: m.GetNameStaff(), Request: request}
	if from := m.GetFrom(); from.IsValid() {
		q.From = from.AsTime()
	}
	if until := m.GetUntil(); until.IsValid() {
		q.Until = until.AsTime()
	}
	return q
}

func subjectAccessToProto(a *oversight.SubjectAccessResult) *cpisv1.GetSubjectAccessResponse {
	return &cpisv1.GetSubjectAccessResponse{
		Looks: each(a.Looks, lookToProto), Letter: a.Letter, NeedsRelease: a.NeedsRelease, ReleaseId: a.ReleaseID,
		Coverage: coverageToProto(&a.Coverage), Receipt: receiptToProto(&a.Receipt),
	}
}

func lookToProto(l *oversight.Look) *cpisv1.Look {
	return &cpisv1.Look{
		At: timestamppb.New(l.At), Organisation: l.Organisation, OrganisationName: l.Organised, Role: l.Role, Staff: l.Staff,
		What: l.What, Why: l.Why,
	}
}

func proposeReleaseFromProto(m *cpisv1.ProposeReleaseRequest, request string) *release.ProposeReleaseRequest {
	return &release.ProposeReleaseRequest{NHSNumber: m.GetNhsNumber(), Words: m.GetWords(), Request: request}
}

func proposeReleaseToProto(r *release.ProposeReleaseResult) *cpisv1.ProposeReleaseResponse {
	return &cpisv1.ProposeReleaseResponse{ReleaseId: r.ReleaseID, Receipt: receiptToProto(&r.Receipt)}
}

func decideReleaseFromProto(m *cpisv1.DecideReleaseRequest, request string) *release.DecideReleaseRequest {
	return &release.DecideReleaseRequest{
		ReleaseID: m.GetReleaseId(), Decision: fromEnum(decisions, m.GetDecision()), Words: m.GetWords(), Request: request,
	}
}

func decideReleaseToProto(r *release.DecideReleaseResult) *cpisv1.DecideReleaseResponse {
	return &cpisv1.DecideReleaseResponse{
		State: toEnum[cpisv1.ProposalState](proposalStates, r.State), Until: timeToProto(r.Until), Receipt: receiptToProto(&r.Receipt),
	}
}

func listReleasesFromProto(m *cpisv1.ListReleasesRequest, request string) *release.ListReleasesRequest {
	return &release.ListReleasesRequest{
		OpenOnly: m.GetOpenOnly(), Paging: guard.Paging{Size: int(m.GetPageSize()), Page: m.GetPage()}, Request: request,
	}
}

func releasesToProto(p *release.Page) *cpisv1.ListReleasesResponse {
	return &cpisv1.ListReleasesResponse{Releases: each(p.Releases, releaseToProto), NextPage: p.Next, Receipt: receiptToProto(&p.Receipt)}
}

func releaseToProto(r *release.Release) *cpisv1.Release {
	return &cpisv1.Release{
		ReleaseId: r.ID, State: toEnum[cpisv1.ProposalState](proposalStates, r.State), NhsNumber: r.NHSNumber.Reveal(),
		Proposed: changeToProto(&r.Proposed), Decided: changeToProto(r.Decided), Until: timeToProto(r.Until),
		Withdrawn: changeToProto(r.Ended),
	}
}

func boardSummaryFromProto(m *cpisv1.GetBoardSummaryRequest, request string) *oversight.BoardSummaryRequest {
	return &oversight.BoardSummaryRequest{
		Year: int(m.GetYear()), Quarter: int(m.GetQuarter()), Reason: fromEnum(reportReasons, m.GetReason()), Request: request,
	}
}

func boardSummaryToProto(s *oversight.BoardSummary) *cpisv1.GetBoardSummaryResponse {
	return &cpisv1.GetBoardSummaryResponse{
		From: timeToProto(s.From), Until: timeToProto(s.Until), Tables: each(s.Tables, summaryTableToProto), Text: s.Text,
		Coverage: coverageToProto(&s.Coverage), Receipt: receiptToProto(&s.Receipt),
	}
}

func summaryTableToProto(t *oversight.SummaryTable) *cpisv1.SummaryTable {
	return &cpisv1.SummaryTable{Title: t.Title, Columns: t.Columns, Rows: each(t.Rows, summaryRowToProto), Total: summaryRowToProto(&t.Total)}
}

func summaryRowToProto(r *oversight.SummaryRow) *cpisv1.SummaryRow {
	return &cpisv1.SummaryRow{Week: r.Week.String(), Cells: each(r.Cells, summaryCellToProto), Total: summaryCellToProto(&r.Total)}
}

func summaryCellToProto(c *oversight.SummaryCell) *cpisv1.SummaryCell {
	m := &cpisv1.SummaryCell{}
	if !c.Hidden {
		m.Count = &c.Count
	}
	if c.MedianHours > 0 {
		m.MedianHours = &c.MedianHours
	}
	return m
}

func digestFromProto(m *cpisv1.GetDigestRequest, request string) *oversight.GetDigestRequest {
	return &oversight.GetDigestRequest{
		Organisation: m.GetOrganisation(), Week: m.GetWeek(), Reason: fromEnum(reportReasons, m.GetReason()), Request: request,
	}
}

func digestToProto(d *oversight.Digest) *cpisv1.GetDigestResponse {
	return &cpisv1.GetDigestResponse{
		Organisation: d.Organisation, Week: d.Week.String(), Note: d.Note, Receipt: receiptToProto(&d.Receipt),
	}
}
