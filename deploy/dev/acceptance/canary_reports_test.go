package acceptance_test

import (
	"fmt"
	"io"

	cpisv1 "cpis/proto/cpis/v1"
	"cpis/proto/cpis/v1/cpisv1connect"
)

// askForReports asks who looked at children, and says why in words that name
// people: as those who may, as those who may not, and in the wrong places.
func (s *site) askForReports(p protocol, errs io.Writer) {
	s.tb.Helper()
	for _, person := range []string{"auditor", "privacy", "nurse", "lead"} {
		reports := cpisv1connect.NewReportServiceClient(s.connection(p, s.token(person)))
		may := person == "auditor" || person == "privacy"
		for _, c := range everybody() {
			right := &cpisv1.ReportQuery{
				Reason: cpisv1.ReportReason_REPORT_REASON_COMPLAINT, Words: leadsWords["report"], NhsNumber: c.number,
			}
			_, err := reports.GetEntryCount(s.tb.Context(), &cpisv1.GetEntryCountRequest{Report: cpisv1.Report_REPORT_CHILD, Query: right})
			_, failed := reports.ListEntries(s.tb.Context(), &cpisv1.ListEntriesRequest{Report: cpisv1.Report_REPORT_CHILD, Query: right})
			if may {
				must(s.tb, err)
				must(s.tb, failed)
			}
			_, _ = fmt.Fprintln(errs, told(err), told(failed))
			wrong := &cpisv1.ReportQuery{
				Reason: cpisv1.ReportReason_REPORT_REASON_ROUTINE, Words: c.family, NhsNumber: c.given, Subject: c.number,
				Actor: c.family, Organisation: c.number, Role: c.family, Action: c.born, Purpose: c.family, Outcome: c.given, RequestId: c.number,
			}
			_, err = reports.ListTallies(s.tb.Context(), &cpisv1.ListTalliesRequest{Tally: cpisv1.Tally_TALLY_CHILDREN, Query: wrong})
			_, _ = fmt.Fprintln(errs, told(err))
			_, err = reports.ListEntries(s.tb.Context(), &cpisv1.ListEntriesRequest{Report: cpisv1.Report_REPORT_ACTOR, Query: wrong, Page: c.family})
			_, _ = fmt.Fprintln(errs, told(err))
		}
	}
	for _, person := range []string{"auditor", "privacy", "nurse"} {
		watch := cpisv1connect.NewOversightServiceClient(s.connection(p, s.token(person)))
		for _, c := range everybody() {
			s.watchOver(watch, person, c, errs)
		}
	}
}

// watchOver does what else those do who watch over accesses: rightly, and with
// what is personal in the wrong places.
func (s *site) watchOver(watch cpisv1connect.OversightServiceClient, person string, c child, errs io.Writer) {
	s.tb.Helper()
	ctx := s.tb.Context()
	right := &cpisv1.GetSubjectAccessRequest{NhsNumber: c.number, Words: leadsWords["release"]}
	_, err := watch.GetSubjectAccess(ctx, right)
	if person != "nurse" {
		must(s.tb, err)
	}
	proposed, failed := watch.ProposeRelease(ctx, &cpisv1.ProposeReleaseRequest{NhsNumber: c.number, Words: leadsWords["release"]})
	_, _ = fmt.Fprintln(errs, told(err), told(failed))
	if person == "privacy" {
		must(s.tb, failed)
		list, err := watch.ListReleases(ctx, &cpisv1.ListReleasesRequest{OpenOnly: true})
		must(s.tb, err)
		if got := list.GetReleases()[0].GetProposed().GetReason(); got != leadsWords["release"] {
			s.tb.Errorf("why it was proposed: got %q", got)
		}
		_, err = watch.DecideRelease(ctx, &cpisv1.DecideReleaseRequest{
			ReleaseId: proposed.GetReleaseId(), Decision: cpisv1.Decision_DECISION_WITHDRAW, Words: leadsWords["decide"],
		})
		must(s.tb, err)
	}
	for _, call := range []func() error{
		func() error {
			_, err := watch.ListReviews(ctx, &cpisv1.ListReviewsRequest{Organisation: c.family, Page: c.number})
			return err
		},
		func() error {
			_, err := watch.GetReview(ctx, &cpisv1.GetReviewRequest{ReviewId: c.family, Reason: cpisv1.ReportReason_REPORT_REASON_ROUTINE, Words: c.given})
			return err
		},
		func() error {
			_, err := watch.CloseReview(ctx, &cpisv1.CloseReviewRequest{ReviewId: c.number, Outcome: cpisv1.ReviewOutcome_REVIEW_OUTCOME_JUSTIFIED, Words: c.family})
			return err
		},
		func() error {
			_, err := watch.GetSubjectAccess(ctx, &cpisv1.GetSubjectAccessRequest{NhsNumber: c.family, Words: c.born})
			return err
		},
		func() error {
			_, err := watch.ProposeRelease(ctx, &cpisv1.ProposeReleaseRequest{NhsNumber: c.given, Words: c.number})
			return err
		},
		func() error {
			_, err := watch.DecideRelease(ctx, &cpisv1.DecideReleaseRequest{ReleaseId: c.given, Decision: cpisv1.Decision_DECISION_ACCEPT, Words: c.family})
			return err
		},
		func() error {
			_, err := watch.GetBoardSummary(ctx, &cpisv1.GetBoardSummaryRequest{Year: 2024, Quarter: 1, Reason: cpisv1.ReportReason_REPORT_REASON_ROUTINE})
			return err
		},
		func() error {
			_, err := watch.GetDigest(ctx, &cpisv1.GetDigestRequest{Organisation: c.family, Week: c.born, Reason: cpisv1.ReportReason_REPORT_REASON_ROUTINE})
			return err
		},
		func() error {
			_, err := watch.ListReleases(ctx, &cpisv1.ListReleasesRequest{Page: c.family})
			return err
		},
	} {
		_, _ = fmt.Fprintln(errs, told(call()))
	}
}
