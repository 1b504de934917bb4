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
}
