package export_test

import (
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

var everyReport = []oversight.Report{
	oversight.Everything, oversight.Child, oversight.Actor, oversight.Organisation, oversight.Refusals, oversight.BreakGlass, oversight.Asked,
	oversight.PlanChanges, oversight.Policy, oversight.Contacts, oversight.Channels, oversight.OutOfHours, oversight.NoEncounter, oversight.Request,
}

// fixture is a service, whose index follows when it is told to.
type fixture struct {
	*servicetest.Fixture
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	return &fixture{servicetest.New(t)}
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
