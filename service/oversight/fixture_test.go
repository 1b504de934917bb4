package oversight_test

import (
	"encoding/base64"
	"slices"
	"testing"

	"cpis/service/identity"
	"cpis/service/oversight"
	"cpis/service/servicetest"
)

const (
	child     = "9990000018"
	another   = servicetest.Another
	islington = servicetest.Islington
	trust     = servicetest.Trust
	words     = "Complaint 2026-114 by the mother"
)

var (
	nurse   = servicetest.Nurse
	gp      = servicetest.Gp
	lead    = servicetest.Lead
	officer = servicetest.PrivacyOfficer
	auditor = servicetest.Auditor
)

// fixture is a service, whose index follows when it is told to.
type fixture struct {
	*servicetest.Fixture
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	return &fixture{servicetest.New(t)}
}

// tagText returns what reports call a child.
func tagText(f *fixture, number string) string {
	return base64.RawURLEncoding.EncodeToString(f.Tag(number))
}

// index brings the index up to the log.
func (f *fixture) index() {
	f.TB.Helper()
	if err := f.Index.Follow(f.TB.Context()); err != nil {
		f.TB.Fatalf("Index: %v", err)
	}
}

// list brings the index up to the log, and runs a report.
func (f *fixture) list(c *identity.Caller, r oversight.Report, q oversight.Query) *oversight.Page {
	f.TB.Helper()
	f.index()
	out, err := f.Reports.ListEntries(f.TB.Context(), c, &oversight.ListRequest{Report: r, Query: because(q)})
	if err != nil {
		f.TB.Fatalf("ListEntries: %s", servicetest.Explain(err))
	}
	return out
}

// because returns a query a reason, if it has none.
func because(q oversight.Query) oversight.Query {
	if q.Reason == "" {
		q.Reason, q.Words = oversight.Complaint, words
	}
	return q
}

// acts are who did what, in a report, the oldest first.
func acts(p *oversight.Page) []string {
	var all []string
	for _, e := range slices.Backward(p.Entries) {
		all = append(all, e.Actor+" "+e.Action+" "+e.Outcome)
	}
	return all
}
