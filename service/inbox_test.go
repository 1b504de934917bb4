package service_test

import (
	"bytes"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"cpis/audit"
	"cpis/policy"
	"cpis/service"
	"cpis/service/identity"
)

// requestID is a request id.
const requestID = "0b1d7c0e-9d1a-4f4e-8e0a-6f1d2c3b4a59"

// MustInbox gives a page of notices.
func (f *fixture) MustInbox(c *identity.Caller, q service.InboxQuery) *service.InboxPage {
	f.tb.Helper()
	out, err := f.ListNotices(f.tb.Context(), c, &q)
	if err != nil {
		f.tb.Fatalf("ListNotices: %s", explain(err))
	}
	return out
}

// onlyNotice gives the one notice that there is.
func (f *fixture) onlyNotice(c *identity.Caller, q service.InboxQuery) service.Notice {
	f.tb.Helper()
	page := f.MustInbox(c, q)
	if len(page.Notices) != 1 {
		f.tb.Fatalf("got %d notices, want one", len(page.Notices))
	}
	return page.Notices[0]
}

// attended is a look-up of an encounter of its own.
func attended(encounter string) *service.Question {
	q := unscheduled("9990000018")
	q.Encounter = service.Encounter{ID: encounter, Setting: service.EmergencyDepartment, Start: noon.Add(-time.Hour)}
	return q
}

func TestNotices_SayWhoAskedAboutWhom(t *testing.T) {
	t.Parallel()
	f := newService(t)
	plan := f.MustRegister(lead, rightCPP())
	q := attended("ED-1")
	q.Responsible = service.Responsible{Name: "Dr Ada Quill", Role: "Registrar", Phone: "020 7946 0100"}
	f.MustLookUp(clinicalSystem, q)
	got := f.onlyNotice(lead, service.InboxQuery{})
	if got.Person == nil || got.Person.NHSNumber.Reveal() != "9990000018" {
		t.Fatalf("got the person %+v, want whom it is about", got.Person)
	}
	person := *got.Person
	if person.Family != "Example" || person.Given != "Robin" || person.DateOfBirth.String() != "2019-04-30" {
		t.Errorf("got %s %s, born %s", person.Given, person.Family, person.DateOfBirth)
	}
	want := service.Notice{
		ID: got.ID, Version: 1, Kind: service.NoticeUnscheduled, At: got.At, Person: got.Person,
		Organisation: trust, OrganisationName: "WHITTINGTON HEALTH NHS TRUST", Setting: service.EmergencyDepartment,
		Actor: service.NoticeActor{Responsible: q.Responsible}, Encounter: noon.Add(-time.Hour), PlanIDs: []string{plan.PlanID},
	}
	if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b *service.Person) bool { return a == b })); diff != "" {
		t.Errorf("notice (-want +got):\n%s", diff)
	}
	e := f.LastEntry()
	if e.Action != "read_notices" || e.Outcome != "done" || e.Counts["notices"] != 1 {
		t.Errorf("entry %+v", e)
	}
	if diff := cmp.Diff([]audit.Disclosed{{Plan: plan.PlanID, Version: 1}}, e.Disclosed); diff != "" {
		t.Errorf("disclosed (-want +got):\n%s", diff)
	}
}

// Every authority with a visible plan gets one notice of an attendance, and
// sees the person as it recorded them.
func TestNotices_OneForEachAuthority(t *testing.T) {
	t.Parallel()
	f := newService(t)
	f.MustRegister(lead, rightCPP())
	f.MustRegister(lead, with(rightLAC(), func(r *service.Registration) { r.Start = "2026-10-01" }))
	f.MustRegister(otherLead, with(rightLAC(), func(r *service.Registration) { r.Family, r.Given, r.Start = "Other", "Name", "2026-08-01" }))
	ended := with(rightCPP(), func(r *service.Registration) { r.NHSNumber, r.End = "9990000034", "2026-09-02" })
	f.MustRegister(otherLead, ended)
	for range 3 {
		f.MustLookUp(nurse, attended("ED-1"))
	}
	f.MustLookUp(gp, &service.Question{NHSNumber: "9990000018", Mode: policy.Scheduled}) // silent
	kind := service.InboxQuery{Kind: service.NoticeUnscheduled}
	mine, theirs := f.onlyNotice(lead, kind), f.onlyNotice(otherLead, kind)
	if mine.Person.Family != "Example" || len(mine.PlanIDs) != 2 {
		t.Errorf("got %+v", mine)
	}
	if theirs.Person.Family != "Other" || len(theirs.PlanIDs) != 1 {
		t.Errorf("got %+v", theirs)
	}
	if mine.Priority || mine.ID == theirs.ID {
		t.Errorf("got the notices %s and %s", mine.ID, theirs.ID)
	}
}

func TestNotices_PriorityOnes(t *testing.T) {
	t.Parallel()
	f := newService(t)
	f.MustRegister(lead, with(rightCPP(), func(r *service.Registration) { r.Restricted = true }))
	f.MustRegister(lead, with(rightCPP(), func(r *service.Registration) { r.NHSNumber = "9990000034" }))
	f.MustLookUp(nurse, attended("ED-1"))
	claimed := &service.Question{NHSNumber: "9990000034", Mode: policy.Unscheduled, BreakGlass: "collapsed in the waiting room"}
	f.MustLookUp(gp, claimed)
	f.MustLookUp(nurse, unscheduled("9990000034"))
	var kinds []service.NoticeKind
	for _, n := range f.MustInbox(lead, service.InboxQuery{Priority: true}).Notices {
		if n.Person == nil || !n.Priority || n.Actor.Name == "" {
			t.Errorf("got %+v", n)
		}
		kinds = append(kinds, n.Kind)
	}
	if diff := cmp.Diff([]service.NoticeKind{service.NoticeBreakGlass, service.NoticeRestricted}, kinds); diff != "" {
		t.Errorf("kinds (-want +got):\n%s", diff)
	}
	if all := f.MustInbox(lead, service.InboxQuery{}).Notices; len(all) != 3 {
		t.Errorf("got %d notices in all, want 3", len(all))
	}
}

func TestListNotices_PagesThroughMany(t *testing.T) {
	t.Parallel()
	f := newService(t)
	f.MustRegister(lead, rightCPP())
	const many = 23
	var want []string
	for i := range many {
		f.MustLookUp(nurse, attended(fmt.Sprint("ED-", i)))
		if i%3 == 0 {
			f.Clock.Advance(time.Minute)
		}
	}
	for _, n := range f.MustInbox(lead, service.InboxQuery{Paging: service.Paging{Size: 200}}).Notices {
		want = append(want, n.ID)
	}
	var got []string
	for page := ""; ; {
		p := f.MustInbox(lead, service.InboxQuery{Paging: service.Paging{Size: 5, Page: page}})
		for _, n := range p.Notices {
			got = append(got, n.ID)
		}
		if page = p.Next; page == "" {
			break
		}
		f.MustLookUp(nurse, attended("later-"+page)) // what comes meanwhile does not disturb
	}
	if len(want) != many {
		t.Errorf("got %d notices, want %d", len(want), many)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("pages (-want +got):\n%s", diff)
	}
	for _, page := range []string{"x", "AAAA", "____________________________________", string(make([]byte, 9))} {
		_, err := f.ListNotices(t.Context(), lead, &service.InboxQuery{Paging: service.Paging{Page: page}})
		if v := violationsOf(t, err); v[0].Field != "page" {
			t.Errorf("%q: got %+v", page, v)
		}
	}
}

func TestNotices_AreForTheirAuthority(t *testing.T) {
	t.Parallel()
	f := newService(t)
	f.MustRegister(lead, rightCPP())
	f.MustLookUp(nurse, attended("ED-1"))
	n := f.onlyNotice(laSystem, service.InboxQuery{})
	if page := f.MustInbox(otherLead, service.InboxQuery{}); len(page.Notices) != 0 {
		t.Errorf("another authority sees %d", len(page.Notices))
	}
	ctx := t.Context()
	for name, c := range map[string]struct {
		who  *identity.Caller
		id   string
		want error
	}{
		"another authority": {otherLead, n.ID, service.ErrNotFound},
		"no such notice":    {lead, uuid.NewString(), service.ErrNotFound},
		"no identifier":     {lead, "'; --", service.ErrNotFound},
		"a nurse":           {nurse, n.ID, service.ErrDenied},
		"an auditor":        {auditor, n.ID, service.ErrDenied},
	} {
		before := len(f.Entries())
		_, get := f.GetNotice(ctx, c.who, c.id, "")
		_, ack := f.AcknowledgeNotice(ctx, c.who, &service.Acknowledgement{NoticeID: c.id, Version: 1, Outcome: service.NoAction})
		_, assign := f.AssignNotice(ctx, c.who, &service.Assignment{NoticeID: c.id, Version: 1, To: "me"})
		for _, err := range []error{get, ack, assign} {
			if !errors.Is(err, c.want) {
				t.Errorf("%s: got %v, want %v", name, err, c.want)
			}
		}
		if got := len(f.Entries()) - before; got != 3 {
			t.Errorf("%s: left %d entries, want 3", name, got)
		}
	}
	_, err := f.ListNotices(ctx, gp, &service.InboxQuery{})
	if e := f.LastEntry(); !errors.Is(err, service.ErrDenied) || e.Outcome != "denied" || e.Counts != nil {
		t.Errorf("got %v with %+v", err, e)
	}
	if got := f.onlyNotice(lead, service.InboxQuery{}); got.Version != 1 || got.Acknowledged {
		t.Errorf("something changed: %+v", got)
	}
}

func TestNotices_ActsAreVersions(t *testing.T) {
	t.Parallel()
	f := newService(t)
	f.MustRegister(lead, rightCPP())
	f.MustLookUp(nurse, attended("ED-1"))
	n := f.onlyNotice(lead, service.InboxQuery{})
	ctx := t.Context()
	f.MustInbox(deputy, service.InboxQuery{})
	if _, err := f.AssignNotice(ctx, lead, &service.Assignment{NoticeID: n.ID, Version: 1, To: "deputy", Note: "Please ring"}); err != nil {
		t.Fatalf("AssignNotice: %s", explain(err))
	}
	ack := &service.Acknowledgement{NoticeID: n.ID, Version: 2, Outcome: service.SettingContacted, Note: "Robin was not seen", Request: requestID}
	first, err := f.AcknowledgeNotice(ctx, laSystem, ack)
	if err != nil {
		t.Fatalf("AcknowledgeNotice: %s", explain(err))
	}
	if again, err := f.AcknowledgeNotice(ctx, laSystem, ack); err != nil || *again != *first {
		t.Errorf("repeated: got %+v and %v, want %+v", again, err, first)
	}
	_, err = f.AcknowledgeNotice(ctx, lead, &service.Acknowledgement{NoticeID: n.ID, Version: 2, Outcome: service.NoAction})
	expectStale(t, err, 3)
	d, err := f.GetNotice(ctx, lead, n.ID, "")
	if err != nil {
		t.Fatalf("GetNotice: %s", explain(err))
	}
	want := []service.NoticeAct{
		{Change: service.Change{Act: "assign", Actor: "lead", Name: "Test lead", Organisation: islington, Reason: "Please ring", At: noon}, AssignedTo: "deputy", AssignedName: "Test deputy"},
		{Change: service.Change{Act: "acknowledge", Actor: "la-system", Organisation: islington, Reason: "Robin was not seen", At: noon}, Outcome: service.SettingContacted},
	}
	if diff := cmp.Diff(want, d.Acts); diff != "" {
		t.Errorf("acts (-want +got):\n%s", diff)
	}
	if d.Notice.Version != 3 || !d.Notice.Acknowledged || d.Notice.AssignedTo != "deputy" {
		t.Errorf("got %+v", d.Notice)
	}
	if e := f.LastEntry(); !bytes.Equal(e.Subject, f.Tag("9990000018")) || e.Counts["notices"] != 1 {
		t.Errorf("entry %+v", e)
	}
	for name, q := range map[string]service.InboxQuery{"open": {Open: true}, "somebody's": {AssignedTo: "lead"}, "undelivered": {Undelivered: true}} {
		if got := f.MustInbox(lead, q).Notices; len(got) != 0 {
			t.Errorf("%s: got %d", name, len(got))
		}
	}
	if got := f.MustInbox(lead, service.InboxQuery{AssignedTo: "deputy"}).Notices; len(got) != 1 {
		t.Errorf("assigned: got %d", len(got))
	}
}

func TestAcknowledgeNotice_OneOfTwoWins(t *testing.T) {
	t.Parallel()
	f := newService(t)
	f.MustRegister(lead, rightCPP())
	f.MustLookUp(nurse, attended("ED-1"))
	n := f.onlyNotice(lead, service.InboxQuery{})
	other := f.another()
	act := func(s *service.Service, outcome service.AckOutcome) func() error {
		return func() error {
			_, err := s.AcknowledgeNotice(t.Context(), lead, &service.Acknowledgement{NoticeID: n.ID, Version: 1, Outcome: outcome})
			return err
		}
	}
	errs := atOnce(act(f.Service, service.NoAction), act(other, service.Escalated), act(f.Service, service.FamilyContacted))
	expectOneWon(t, errs, service.ErrConflict)
	d, err := f.GetNotice(t.Context(), lead, n.ID, "")
	if err != nil || len(d.Acts) != 1 || d.Notice.Version != 2 {
		t.Errorf("got %+v and %v, want one act", d, err)
	}
}

func TestNotices_WrongActsChangeNothing(t *testing.T) {
	t.Parallel()
	f := newService(t)
	f.MustRegister(lead, rightCPP())
	f.MustLookUp(nurse, attended("ED-1"))
	n := f.onlyNotice(lead, service.InboxQuery{})
	for field, k := range map[string]service.Acknowledgement{
		"version": {Outcome: service.NoAction},
		"note":    {Version: 1, Outcome: service.OtherOutcome},
	} {
		k.NoticeID = n.ID
		_, err := f.AcknowledgeNotice(t.Context(), lead, &k)
		if v := violationsOf(t, err); len(v) != 1 || v[0].Field != field {
			t.Errorf("%s: got %+v", field, v)
		}
	}
	if got := f.onlyNotice(lead, service.InboxQuery{Open: true}); got.Version != 1 {
		t.Errorf("got %+v", got)
	}
}

// With the keeper away a notice says what it can.
func TestNotices_WithoutKeys(t *testing.T) {
	t.Parallel()
	f := newService(t)
	plan := f.MustRegister(lead, rightCPP())
	f.MustLookUp(nurse, attended("ED-1"))
	f.forgetKeys()
	f.Keeper.TakeAway(true)
	got := f.onlyNotice(lead, service.InboxQuery{})
	if !got.Degraded || got.Person != nil || got.Actor != (service.NoticeActor{}) || got.Organisation != trust {
		t.Errorf("got %+v", got)
	}
	if diff := cmp.Diff([]string{plan.PlanID}, got.PlanIDs); diff != "" {
		t.Errorf("plans (-want +got):\n%s", diff)
	}
	if e := f.LastEntry(); !e.Degraded || e.Disclosed != nil {
		t.Errorf("entry %+v", e)
	}
	k := &service.Acknowledgement{NoticeID: got.ID, Version: 1, Outcome: service.NoAction, Note: "Seen"}
	if _, err := f.AcknowledgeNotice(t.Context(), lead, k); !errors.Is(err, service.ErrUnavailable) {
		t.Errorf("a note: got %v, want %v", err, service.ErrUnavailable)
	}
	k.Note = ""
	if _, err := f.AcknowledgeNotice(t.Context(), lead, k); err != nil {
		t.Errorf("without a note: got %v", err)
	}
	f.MustLookUp(nurse, attended("ED-2")) // says nothing of who asked: that stands in the log
	f.Keeper.TakeAway(false)
	for _, n := range f.MustInbox(lead, service.InboxQuery{}).Notices {
		if n.Degraded || n.Person == nil {
			t.Errorf("with the keeper back: got %+v", n)
		}
	}
	if f.Damaged.Load() != 0 {
		t.Error("somebody was woken for nothing")
	}
}

// A notice whose plan went to another authority stays, and names whom its
// authority knew.
func TestNotices_OfPlansThatLeft(t *testing.T) {
	t.Parallel()
	f := newService(t)
	plan := f.MustRegister(lead, rightCPP())
	f.MustLookUp(nurse, attended("ED-1"))
	f.Pretend(`UPDATE cpis.plan SET authority = $1`, camden)
	got := f.onlyNotice(lead, service.InboxQuery{})
	if diff := cmp.Diff(about{"9990000018", "Robin", nil}, aboutOf(&got)); diff != "" || got.Degraded || got.Actor.Name != "Test nurse" {
		t.Errorf("got %+v (-want +got):\n%s", got, diff)
	}
	if diff := cmp.Diff([]audit.Disclosed{{Plan: plan.PlanID, Version: 1}}, f.LastEntry().Disclosed); diff != "" {
		t.Errorf("disclosed (-want +got):\n%s", diff)
	}
}

func TestNotices_DamageIsNoticed(t *testing.T) {
	t.Parallel()
	f := newService(t)
	f.MustRegister(lead, rightCPP())
	f.MustLookUp(nurse, attended("ED-1"))
	f.MustLookUp(nurse, attended("ED-2"))
	// What was said with one is put to the other.
	f.Exec(`UPDATE cpis.notice SET sealed = (SELECT sealed FROM cpis.notice ORDER BY id LIMIT 1)`)
	degraded := 0
	for _, n := range f.MustInbox(lead, service.InboxQuery{}).Notices {
		if n.Degraded && n.Actor == (service.NoticeActor{}) {
			degraded++
		}
	}
	if degraded != 1 || f.Damaged.Load() != 1 {
		t.Errorf("%d are degraded, and somebody was woken %d times; want one of each", degraded, f.Damaged.Load())
	}
}

// Nothing personal is in the tables of notices.
func TestNotices_AreSealed(t *testing.T) {
	t.Parallel()
	f := newService(t)
	f.MustRegister(lead, rightCPP())
	f.MustLookUp(nurse, attended("ED-1"))
	n := f.onlyNotice(lead, service.InboxQuery{})
	k := &service.Acknowledgement{NoticeID: n.ID, Version: 1, Outcome: service.OtherOutcome, Note: "Spoke to Robin Example"}
	if _, err := f.AcknowledgeNotice(t.Context(), lead, k); err != nil {
		t.Fatal(err)
	}
	if _, err := f.ReportWrongPatient(t.Context(), nurse, wrongPatient("ED-1")); err != nil {
		t.Fatal(err)
	}
	var kept []byte
	f.admin(func(conn *pgx.Conn) error {
		return conn.QueryRow(t.Context(), `
			SELECT convert_to((SELECT string_agg(n::text, '') FROM cpis.notice AS n) ||
			    (SELECT string_agg(a::text, '') FROM cpis.notice_act AS a) ||
			    (SELECT string_agg(m::text, '') FROM cpis.access_mark AS m), 'UTF8')`).Scan(&kept)
	})
	for _, secret := range []string{"9990000018", "Example", "Robin", "2019-04", "ED-1", "Test nurse", "Test lead", "another child", "Spoke"} {
		if bytes.Contains(kept, []byte(secret)) || bytes.Contains(kept, fmt.Appendf(nil, "%x", secret)) {
			t.Errorf("%q is kept in clear", secret)
		}
	}
}
