package notice_test

import (
	"bytes"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cpis/audit"
	"cpis/policy"
	"cpis/service"
	"cpis/service/domain"
	"cpis/service/guard"
	"cpis/service/identity"
	"cpis/service/lookup"
	"cpis/service/notice"
)

// practiceSystem reports what a practice's appointments came to.
var practiceSystem = system("practice-system", practice, policy.GeneralPractice, policy.ClinicalSystem)

func missed(appointment string) *notice.MissedAppointment {
	return &notice.MissedAppointment{
		NHSNumber: "9990000018", AppointmentID: appointment, Appointment: noon.Add(-2 * time.Hour),
		Setting: domain.GeneralPractice, InARow: 3,
	}
}

func TestReportMissed_TellsTheAuthorities(t *testing.T) {
	t.Parallel()
	f := newService(t)
	f.MustRegister(lead, rightCPP())
	f.MustRegister(lead, with(rightLAC(), func(r *domain.Registration) { r.Start = "2026-10-01" }))
	f.MustRegister(otherLead, with(rightLAC(), func(r *domain.Registration) { r.Family = "Other" }))
	m := missed("APPT-1")
	m.DateOfBirth = "2019-04-30"
	m.Responsible = domain.Responsible{Name: "Dr Ada Quill", Role: "GP", Phone: "01632 960001"}
	f.MustReportMissed(practiceSystem, m)
	e := f.LastEntry()
	if e.Action != "report_missed" || e.Outcome != "done" || !bytes.Equal(e.Subject, f.Tag("9990000018")) ||
		len(e.Encounter) == 0 || len(e.Responsible) == 0 {
		t.Errorf("entry %+v", e)
	}
	if diff := cmp.Diff(audit.Counts{"notices": 2, "missed_in_a_row": 3}, e.Counts); diff != "" {
		t.Errorf("counts (-want +got):\n%s", diff)
	}
	kind := notice.InboxQuery{Kind: notice.Missed}
	n := f.OnlyNotice(lead, kind)
	if n.Person == nil || n.Person.Family != "Example" || n.Organisation != practice || n.OrganisationName != "THE DENSHAM SURGERY" ||
		n.Setting != domain.GeneralPractice || n.Priority || !n.Encounter.Equal(noon.Add(-2*time.Hour)) {
		t.Errorf("got %+v", n)
	}
	if n.Actor.Responsible != m.Responsible || n.Actor.Name != "" {
		t.Errorf("got the actor %+v", n.Actor)
	}
	if want := "Was not brought to an appointment, or did not come. Setting: general practice. Missed in a row: 3."; n.Text != want {
		t.Errorf("got %q, want %q", n.Text, want)
	}
	if other := f.OnlyNotice(otherLead, kind); other.Person.Family != "Other" {
		t.Errorf("got %+v", other.Person)
	}
	if a := f.MustLookUp(gp, &lookup.Question{NHSNumber: "9990000018"}); len(a.History) != 0 {
		t.Errorf("the history has %d", len(a.History))
	}
}

// What is answered does not depend on whom the report finds; the entry says it.
func TestReportMissed_SaysNothing(t *testing.T) {
	t.Parallel()
	f := newService(t)
	f.MustRegister(lead, rightCPP())
	f.MustRegister(lead, with(rightCPP(), func(r *domain.Registration) { r.NHSNumber, r.Start, r.End = "9990000034", "2024-09-01", "2025-01-01" }))
	for name, c := range map[string]struct {
		number, born string
		reason       string
		notices      int64
	}{
		"a flag":                {"9990000018", "2019-04-30", "", 1},
		"no date of birth":      {"9990000018", "", "", 1},
		"another date of birth": {"9990000018", "2019-05-30", "identity_mismatch", 0},
		"no longer visible":     {"9990000034", "", "", 0},
		"nobody":                {"9990000077", "2019-04-30", "", 0},
	} {
		m := missed(name)
		m.NHSNumber, m.DateOfBirth = c.number, c.born
		before := len(f.Entries())
		r := f.MustReportMissed(gp, m)
		all := f.Entries()
		e := all[len(all)-1]
		if e.Outcome != "done" || e.Reason != c.reason || e.Counts["notices"] != c.notices || len(e.Disclosed) != 0 {
			t.Errorf("%s: entry %+v", name, e)
		}
		if len(all) != before+1 || r.Index != int64(before) || r.TreeSize != int64(len(all)) {
			t.Errorf("%s: got the receipt %+v", name, r.Receipt)
		}
	}
	if got := len(f.MustInbox(lead, notice.InboxQuery{}).Notices); got != 2 {
		t.Errorf("got %d notices, want 2", got)
	}
}

func TestReportMissed_OnceForAnAppointment(t *testing.T) {
	t.Parallel()
	f := newService(t)
	f.MustRegister(lead, rightCPP())
	other := f.Another()
	report := func(s *service.Service) func() error {
		return func() error {
			_, err := s.Notices.ReportMissedAppointment(t.Context(), gp, missed("APPT-1"))
			return err
		}
	}
	for _, err := range atOnce(report(f.Service), report(other), report(f.Service), report(other)) {
		if err != nil {
			t.Errorf("got %v", err)
		}
	}
	count := func() int { return len(f.MustInbox(lead, notice.InboxQuery{}).Notices) }
	if got := count(); got != 1 {
		t.Errorf("got %d notices of one appointment", got)
	}
	f.MustReportMissed(gp, missed("APPT-2"))
	if got := count(); got != 2 {
		t.Errorf("got %d notices of two appointments", got)
	}
	f.Clock.Advance(31 * 24 * time.Hour)
	f.MustReportMissed(gp, missed("APPT-1"))
	if got := count(); got != 3 {
		t.Errorf("a month later: got %d notices, want 3", got)
	}
}

func TestReportMissed_OfARestrictedPerson(t *testing.T) {
	t.Parallel()
	f := newService(t)
	f.MustRegister(lead, with(rightCPP(), func(r *domain.Registration) { r.Restricted = true }))
	f.MustReportMissed(gp, missed("APPT-1"))
	if n := f.OnlyNotice(lead, notice.InboxQuery{}); !n.Priority || n.Person == nil {
		t.Errorf("got %+v", n)
	}
	if e := f.Entries()[1]; !e.Restricted {
		t.Errorf("entry %+v", e)
	}
}

// With the keeper away nobody can be told from anybody, so the authority hears
// of it, without who reported.
func TestReports_WithoutKeys(t *testing.T) {
	t.Parallel()
	f := newService(t)
	f.MustRegister(lead, rightCPP())
	f.MustLookUp(nurse, attended("ED-1"))
	f.ForgetKeys()
	f.Keeper.TakeAway(true)
	m := missed("APPT-1")
	m.DateOfBirth = "2019-05-30"
	f.MustReportMissed(gp, m)
	f.MustReportWrong(nurse, wrongPatient("ED-1"))
	m.NHSNumber = "9990000077"
	f.MustReportMissed(gp, m)
	f.Keeper.TakeAway(false)
	for _, kind := range []notice.Kind{notice.Missed, notice.Correction} {
		if n := f.OnlyNotice(lead, notice.InboxQuery{Kind: kind}); n.Person == nil || n.Text != "" || n.Degraded {
			t.Errorf("%s: got %+v", kind, n)
		}
	}
}

// The keeper is asked once whoever a report is about: nobody, somebody whose key
// is at hand, or somebody whose key is not.
func TestReports_AskTheKeeperAlike(t *testing.T) {
	t.Parallel()
	f := newService(t)
	f.MustRegister(lead, rightCPP())
	asked := func(m *notice.MissedAppointment, w *notice.WrongPatient) int64 {
		before := f.Keeper.Wraps.Load() + f.Keeper.Unwraps.Load()
		f.MustReportMissed(gp, m)
		f.MustReportWrong(nurse, w)
		return f.Keeper.Wraps.Load() + f.Keeper.Unwraps.Load() - before
	}
	nobody, nobodyWrong := missed("APPT-1"), wrongPatient("ED-1")
	nobody.NHSNumber, nobodyWrong.NHSNumber = "9990000077", "9990000077"
	if got := asked(nobody, nobodyWrong); got != 2 {
		t.Errorf("about nobody: %d calls", got)
	}
	if got := asked(missed("APPT-2"), wrongPatient("ED-2")); got != 2 {
		t.Errorf("with the key at hand: %d calls", got)
	}
	f.ForgetKeys()
	f.MustReportMissed(gp, missed("APPT-3"))
	f.ForgetKeys()
	if got := asked(missed("APPT-4"), wrongPatient("ED-4")); got != 2 {
		t.Errorf("without the key at hand: %d calls", got)
	}
}

func TestReports_AreChecked(t *testing.T) {
	t.Parallel()
	f := newService(t)
	f.MustRegister(lead, rightCPP())
	f.MustLookUp(nurse, attended("ED-1"))
	fields := func(err error) (all []string) {
		for _, v := range violationsOf(t, err) {
			all = append(all, v.Field)
		}
		return all
	}
	_, err := f.ReportMissedAppointment(t.Context(), practiceSystem, &notice.MissedAppointment{
		NHSNumber: "9990000019", DateOfBirth: "30/04/2019", InARow: 100,
	})
	want := []string{"appointment_id", "nhs_number", "date_of_birth", "responsible_person", "appointment", "setting", "missed_in_a_row"}
	if diff := cmp.Diff(want, fields(err)); diff != "" {
		t.Errorf("missed appointment (-want +got):\n%s", diff)
	}
	_, err = f.ReportWrongPatient(t.Context(), clinicalSystem, &notice.WrongPatient{})
	if diff := cmp.Diff([]string{"encounter_id", "reason", "nhs_number", "responsible_person"}, fields(err)); diff != "" {
		t.Errorf("wrong patient (-want +got):\n%s", diff)
	}
	for name, c := range map[string]struct {
		who *identity.Caller
		do  func(*identity.Caller) error
	}{
		"missed, a nurse": {nurse, func(c *identity.Caller) error {
			_, err := f.ReportMissedAppointment(t.Context(), c, missed("A"))
			return err
		}},
		"missed, a lead": {lead, func(c *identity.Caller) error {
			_, err := f.ReportMissedAppointment(t.Context(), c, missed("A"))
			return err
		}},
		"wrong, a lead": {lead, func(c *identity.Caller) error {
			_, err := f.ReportWrongPatient(t.Context(), c, wrongPatient("ED-1"))
			return err
		}},
		"wrong, an auditor": {auditor, func(c *identity.Caller) error {
			_, err := f.ReportWrongPatient(t.Context(), c, wrongPatient("ED-1"))
			return err
		}},
		"wrong, the officer": {privacyOfficer, func(c *identity.Caller) error {
			_, err := f.ReportWrongPatient(t.Context(), c, wrongPatient("ED-1"))
			return err
		}},
	} {
		if err := c.do(c.who); !errors.Is(err, guard.ErrDenied) {
			t.Errorf("%s: got %v", name, err)
		}
		if e := f.LastEntry(); e.Outcome != "denied" || e.Actor != c.who.ID {
			t.Errorf("%s: entry %+v", name, e)
		}
	}
	if got := len(f.MustInbox(lead, notice.InboxQuery{}).Notices); got != 1 {
		t.Errorf("got %d notices, want the look-up's alone", got)
	}
}

func TestReportWrongPatient_MarksAndCorrects(t *testing.T) {
	t.Parallel()
	f := newService(t)
	f.MustRegister(lead, rightCPP())
	f.MustRegister(otherLead, rightLAC())
	f.MustLookUp(nurse, attended("ED-1"))
	f.MustLookUp(nurse, attended("ED-2"))
	kind := notice.InboxQuery{Kind: notice.Unscheduled}
	before := f.MustInbox(lead, kind).Notices
	f.MustReportWrong(nurse, wrongPatient("ED-1"))
	e := f.LastEntry()
	if diff := cmp.Diff(audit.Counts{"notices": 2, "marked": 1}, e.Counts); diff != "" || e.Action != "report_wrong_patient" {
		t.Errorf("entry %+v (-want +got):\n%s", e, diff)
	}
	for _, c := range []*identity.Caller{lead, otherLead} {
		n := f.OnlyNotice(c, notice.InboxQuery{Kind: notice.Correction})
		if n.Text != "It was another child" || n.Actor.Name != "Test nurse" || n.Organisation != trust ||
			n.Setting != domain.EmergencyDepartment || n.Person == nil {
			t.Errorf("got %+v", n)
		}
		for _, old := range f.MustInbox(c, kind).Notices {
			if (old.ID == n.Corrects) != (old.CorrectedBy == n.ID) {
				t.Errorf("correction %s of %s, but %s is corrected by %q", n.ID, n.Corrects, old.ID, old.CorrectedBy)
			}
		}
	}
	first := before[1].ID // of ED-1
	if d, err := f.GetNotice(t.Context(), lead, &notice.GetNoticeRequest{NoticeID: first}); err != nil || d.Notice.CorrectedBy == "" {
		t.Errorf("got %+v and %v, want that it was corrected", d, err)
	}
	var marks []bool
	for _, a := range f.MustLookUp(nurse, attended("ED-3")).History {
		marks = append(marks, a.WrongPatient)
	}
	if diff := cmp.Diff([]bool{false, true}, marks); diff != "" {
		t.Errorf("marks in the history (-want +got):\n%s", diff)
	}
	f.MustReportWrong(nurse, wrongPatient("ED-1")) // once more
	if e := f.LastEntry(); len(e.Counts) != 0 {
		t.Errorf("the second report: entry %+v", e)
	}
	if got := len(f.MustInbox(lead, notice.InboxQuery{Kind: notice.Correction}).Notices); got != 1 {
		t.Errorf("got %d corrections", got)
	}
}

// Whoever looks, says that it was the wrong patient, and looks on, is told of
// again, and stands in the history again; so is a colleague. Once.
func TestReportWrongPatient_DoesNotSilenceWhatFollows(t *testing.T) {
	t.Parallel()
	f := newService(t)
	f.MustRegister(lead, rightCPP())
	told := func() int { return len(f.MustInbox(lead, notice.InboxQuery{Kind: notice.Unscheduled}).Notices) }
	colleague := caller("colleague", trust, policy.AcuteTrust, policy.ClinicianUnscheduled)
	for round, c := range []*identity.Caller{nurse, nurse, colleague} {
		f.MustLookUp(c, attended("ED-1"))
		f.MustLookUp(c, attended("ED-1"))
		if got := told(); got != round+1 {
			t.Errorf("after %d corrections: got %d notices, want %d", round, got, round+1)
		}
		f.MustReportWrong(nurse, wrongPatient("ED-1"))
	}
	history := f.MustLookUp(gp, &lookup.Question{NHSNumber: "9990000018"}).History
	if len(history) != 3 {
		t.Errorf("got a history of %d, want 3", len(history))
	}
	for _, a := range history {
		if !a.WrongPatient {
			t.Errorf("got %+v, want it to be marked", a)
		}
	}
}

// The same without an encounter, within four hours of a look-up that was
// corrected, and for a date of birth that does not fit.
func TestReportWrongPatient_DoesNotSilenceOthers(t *testing.T) {
	t.Parallel()
	f := newService(t)
	f.MustRegister(lead, rightCPP())
	f.MustLookUp(nurse, attended("ED-1"))
	f.MustReportWrong(nurse, wrongPatient("ED-1"))
	f.MustLookUp(nurse, attended(""))
	if got := len(f.MustInbox(lead, notice.InboxQuery{Kind: notice.Unscheduled}).Notices); got != 2 {
		t.Errorf("without an encounter: got %d notices, want 2", got)
	}
	mistaken := attended("ED-2")
	mistaken.DateOfBirth = "2019-04-29"
	for range 2 {
		f.MustLookUp(nurse, mistaken)
		f.MustReportWrong(nurse, wrongPatient("ED-2"))
	}
	if got := len(f.MustInbox(lead, notice.InboxQuery{Kind: notice.Mismatch}).Notices); got != 2 {
		t.Errorf("another date of birth: got %d notices, want 2", got)
	}
}

// A missed appointment that was said to be another patient's, and is reported
// again, is told again.
func TestReportMissed_AgainAfterACorrection(t *testing.T) {
	t.Parallel()
	f := newService(t)
	f.MustRegister(lead, rightCPP())
	for range 2 {
		f.MustReportMissed(gp, missed("APPT-1"))
		f.MustReportWrong(gp, wrongPatient("APPT-1"))
	}
	if got := len(f.MustInbox(lead, notice.InboxQuery{Kind: notice.Missed}).Notices); got != 2 {
		t.Errorf("got %d notices, want 2", got)
	}
}

// Reports of what is not the caller's, or not there, do nothing, and nobody can
// tell.
func TestReportWrongPatient_OfOthersDoesNothing(t *testing.T) {
	t.Parallel()
	f := newService(t)
	f.MustRegister(lead, rightCPP())
	f.MustLookUp(nurse, attended("ED-1"))
	nobody := wrongPatient("ED-1")
	nobody.NHSNumber = "9990000077"
	for name, c := range map[string]struct {
		who *identity.Caller
		w   *notice.WrongPatient
	}{
		"another organisation": {gp, wrongPatient("ED-1")},
		"another encounter":    {nurse, wrongPatient("ED-2")},
		"another person":       {nurse, nobody},
	} {
		r := f.MustReportWrong(c.who, c.w)
		if e := f.LastEntry(); len(e.Counts) != 0 || e.Outcome != "done" || r.Index != int64(len(f.Entries())-1) {
			t.Errorf("%s: entry %+v", name, e)
		}
	}
	if n := f.OnlyNotice(lead, notice.InboxQuery{}); n.CorrectedBy != "" {
		t.Errorf("got %+v", n)
	}
}

func TestReportWrongPatient_AtOnceCorrectsOnce(t *testing.T) {
	t.Parallel()
	f := newService(t)
	f.MustRegister(lead, rightCPP())
	f.MustLookUp(nurse, attended("ED-1"))
	other := f.Another()
	var things []func() error
	for i := range 6 {
		s := []*service.Service{f.Service, other}[i%2]
		things = append(things, func() error {
			_, err := s.Notices.ReportWrongPatient(t.Context(), nurse, wrongPatient("ED-1"))
			return err
		})
	}
	for _, err := range atOnce(things...) {
		if err != nil {
			t.Errorf("got %s", explain(err))
		}
	}
	f.OnlyNotice(lead, notice.InboxQuery{Kind: notice.Correction})
}

// What was looked up before the index key rotated can be reported after.
func TestReportWrongPatient_AfterTheIndexKeyRotated(t *testing.T) {
	t.Parallel()
	f := newService(t)
	f.MustRegister(lead, rightCPP())
	f.MustLookUp(nurse, attended("ED-1"))
	f.AddIndexKey(2)
	f.Clock.Advance(time.Second) // the keys are checked
	f.MustReportWrong(nurse, wrongPatient("ED-1"))
	f.OnlyNotice(lead, notice.InboxQuery{Kind: notice.Correction})
	f.MustReportMissed(gp, missed("APPT-1"))
	f.OnlyNotice(lead, notice.InboxQuery{Kind: notice.Missed})
}

func TestReports_AreIdempotent(t *testing.T) {
	t.Parallel()
	f := newService(t)
	f.MustRegister(lead, rightCPP())
	m := missed("APPT-1")
	m.Request = requestID
	first := f.MustReportMissed(gp, m)
	if again := f.MustReportMissed(gp, m); *again != *first {
		t.Errorf("got %+v, want %+v", again, first)
	}
	if e := f.LastEntry(); e.Reason != "repeated" {
		t.Errorf("entry %+v", e)
	}
	m.InARow++
	if _, err := f.ReportMissedAppointment(t.Context(), gp, m); !errors.Is(err, guard.ErrReused) {
		t.Errorf("other content: got %v", err)
	}
}

// While a plan is on offer, look-ups show both authorities; restricted persons'
// show neither.
func TestLookUp_ShowsWhomAPlanIsOfferedTo(t *testing.T) {
	t.Parallel()
	for _, restricted := range []bool{false, true} {
		t.Run(fmt.Sprint("restricted ", restricted), func(t *testing.T) {
			t.Parallel()
			f := newService(t)
			f.MustRegister(lead, with(rightCPP(), func(r *domain.Registration) { r.Restricted = restricted }))
			f.Pretend(`UPDATE cpis.plan SET transfer_to = $1`, camden)
			p := f.MustLookUp(nurse, attended("ED-1")).Plans[0]
			switch {
			case restricted && (p.Receiving != domain.Contact{} || p.Contact != domain.Contact{}):
				t.Errorf("got %+v", p)
			case !restricted && (p.Contact.Authority.GSS != islington || p.Receiving.Authority.GSS != camden || p.Receiving.RingNow.Number == ""):
				t.Errorf("got %+v", p)
			}
			f.Pretend(`UPDATE cpis.plan SET transfer_to = NULL`)
			if p := f.MustLookUp(nurse, attended("ED-1")).Plans[0]; p.Receiving != (domain.Contact{}) {
				t.Errorf("afterwards: got %+v", p.Receiving)
			}
		})
	}
}
