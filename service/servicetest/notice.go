package servicetest

import (
	"time"

	"cpis/policy"
	"cpis/service/domain"
	"cpis/service/identity"
	"cpis/service/lookup"
	"cpis/service/notice"
)

// MustColleagues lists to whom notices can be given.
func (f *noticeSteps) MustColleagues(c *identity.Caller) []notice.Colleague {
	f.TB.Helper()
	out, err := f.ListColleagues(f.TB.Context(), c, &notice.ListColleaguesRequest{})
	if err != nil {
		f.TB.Fatalf("ListColleagues: %s", Explain(err))
	}
	return out.Colleagues
}

// SeenNotice creates a notice to Islington.
func (f *noticeSteps) SeenNotice() notice.Notice {
	f.TB.Helper()
	f.all.MustRegister(Lead, RightCPP())
	f.Seen(OldNumber, "ED-1")
	return f.OnlyNotice(Lead, notice.InboxQuery{})
}

// Assign assigns a notice to somebody.
func (f *noticeSteps) Assign(c *identity.Caller, n *notice.Notice, to string) error {
	f.TB.Helper()
	out, err := f.AssignNotice(f.TB.Context(), c, &notice.AssignRequest{NoticeID: n.ID, Version: n.Version, To: to})
	if err == nil {
		n.Version = out.Version
	}
	return err
}

// WrongPatient is a report of a wrong patient.
func WrongPatient(encounter string) *notice.WrongPatient {
	return &notice.WrongPatient{NHSNumber: "9990000018", EncounterID: encounter, Reason: "It was another child"}
}

// MustReportMissed reports a missed appointment.
func (f *noticeSteps) MustReportMissed(c *identity.Caller, m *notice.MissedAppointment) *notice.ReportResult {
	f.TB.Helper()
	out, err := f.ReportMissedAppointment(f.TB.Context(), c, m)
	if err != nil {
		f.TB.Fatalf("ReportMissedAppointment: %s", Explain(err))
	}
	return out
}

// MustReportWrong reports a wrong patient.
func (f *noticeSteps) MustReportWrong(c *identity.Caller, w *notice.WrongPatient) *notice.ReportResult {
	f.TB.Helper()
	out, err := f.ReportWrongPatient(f.TB.Context(), c, w)
	if err != nil {
		f.TB.Fatalf("ReportWrongPatient: %s", Explain(err))
	}
	return out
}

// MustInbox returns a page of notices.
func (f *noticeSteps) MustInbox(c *identity.Caller, q notice.InboxQuery) *notice.InboxPage {
	f.TB.Helper()
	out, err := f.ListNotices(f.TB.Context(), c, &q)
	if err != nil {
		f.TB.Fatalf("ListNotices: %s", Explain(err))
	}
	return out
}

// OnlyNotice returns the one notice that there is.
func (f *noticeSteps) OnlyNotice(c *identity.Caller, q notice.InboxQuery) notice.Notice {
	f.TB.Helper()
	page := f.MustInbox(c, q)
	if len(page.Notices) != 1 {
		f.TB.Fatalf("got %d notices, want one", len(page.Notices))
	}
	return page.Notices[0]
}

// Attended is a look-up of an encounter of its own.
func Attended(encounter string) *lookup.Question {
	q := Unscheduled("9990000018")
	q.Encounter = domain.Encounter{ID: encounter, Setting: domain.EmergencyDepartment, Start: Noon.Add(-time.Hour)}
	return q
}

// Seen looks a number up in an encounter.
func (f *noticeSteps) Seen(number, encounter string) {
	f.TB.Helper()
	q := Unscheduled(number)
	q.Encounter.ID = encounter
	f.all.MustLookUp(Nurse, q)
}

// About is whom a notice names, and with which plans.
type About struct {
	Number, Given string
	Plans         []string
}

// AboutOf is what a notice says about its person.
func AboutOf(n *notice.Notice) (a About) {
	a.Plans = n.PlanIDs
	if n.Person != nil {
		a.Number, a.Given = n.Person.NHSNumber.Reveal(), n.Person.Given
	}
	return a
}

// Hackney is an authority that has nothing.
const Hackney = "E09000012"

// ThirdLead works for yet another authority.
var ThirdLead = Caller("third-lead", Hackney, policy.LocalAuthority, policy.SafeguardingLead)
