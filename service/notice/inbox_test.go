package notice_test

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
	"cpis/service/domain"
	"cpis/service/guard"
	"cpis/service/identity"
	"cpis/service/lookup"
	"cpis/service/notice"
)

// requestID is a request id.
const requestID = "0b1d7c0e-9d1a-4f4e-8e0a-6f1d2c3b4a59"

func TestNotices_SayWhoAskedAboutWhom(t *testing.T) {
	t.Parallel()
	f := newService(t)
	plan := f.MustRegister(lead, rightCPP())
	q := attended("ED-1")
	q.Responsible = domain.Responsible{Name: "Dr Ada Quill", Role: "Registrar", Phone: "020 7946 0100"}
	f.MustLookUp(clinicalSystem, q)
	got := f.OnlyNotice(lead, notice.InboxQuery{})
	if got.Person == nil || got.Person.NHSNumber.Reveal() != "9990000018" {
		t.Fatalf("got the person %+v, want whom it is about", got.Person)
	}
	person := *got.Person
	if person.Family != "Example" || person.Given != "Robin" || person.DateOfBirth.String() != "2019-04-30" {
		t.Errorf("got %s %s, born %s", person.Given, person.Family, person.DateOfBirth)
	}
	want := notice.Notice{
		ID: got.ID, Version: 1, Kind: notice.Unscheduled, At: got.At, Person: got.Person,
		Organisation: trust, OrganisationName: "WHITTINGTON HEALTH NHS TRUST", Setting: domain.EmergencyDepartment,
		Actor: notice.Actor{Responsible: q.Responsible}, Encounter: noon.Add(-time.Hour), PlanIDs: []string{plan.PlanID},
	}
	if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b *domain.Person) bool { return a == b })); diff != "" {
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
	f.MustRegister(lead, with(rightLAC(), func(r *domain.Registration) { r.Start = "2026-10-01" }))
	f.MustRegister(otherLead, with(rightLAC(), func(r *domain.Registration) { r.Family, r.Given, r.Start = "Other", "Name", "2026-08-01" }))
	ended := with(rightCPP(), func(r *domain.Registration) { r.NHSNumber, r.End = "9990000034", "2026-09-02" })
	f.MustRegister(otherLead, ended)
	for range 3 {
		f.MustLookUp(nurse, attended("ED-1"))
	}
	f.MustLookUp(gp, &lookup.Question{NHSNumber: "9990000018", Mode: policy.Scheduled}) // silent
	kind := notice.InboxQuery{Kind: notice.Unscheduled}
	mine, theirs := f.OnlyNotice(lead, kind), f.OnlyNotice(otherLead, kind)
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
	f.MustRegister(lead, with(rightCPP(), func(r *domain.Registration) { r.Restricted = true }))
	f.MustRegister(lead, with(rightCPP(), func(r *domain.Registration) { r.NHSNumber = "9990000034" }))
	f.MustLookUp(nurse, attended("ED-1"))
	claimed := &lookup.Question{NHSNumber: "9990000034", Mode: policy.Unscheduled, BreakGlass: "collapsed in the waiting room"}
	f.MustLookUp(gp, claimed)
	f.MustLookUp(nurse, unscheduled("9990000034"))
	var kinds []notice.Kind
	for _, n := range f.MustInbox(lead, notice.InboxQuery{Priority: true}).Notices {
		if n.Person == nil || !n.Priority || n.Actor.Name == "" {
			t.Errorf("got %+v", n)
		}
		kinds = append(kinds, n.Kind)
	}
	if diff := cmp.Diff([]notice.Kind{notice.BreakGlass, notice.Restricted}, kinds); diff != "" {
		t.Errorf("kinds (-want +got):\n%s", diff)
	}
	if all := f.MustInbox(lead, notice.InboxQuery{}).Notices; len(all) != 3 {
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
	for _, n := range f.MustInbox(lead, notice.InboxQuery{Paging: guard.Paging{Size: 200}}).Notices {
		want = append(want, n.ID)
	}
	var got []string
	for page := ""; ; {
		p := f.MustInbox(lead, notice.InboxQuery{Paging: guard.Paging{Size: 5, Page: page}})
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
		_, err := f.ListNotices(t.Context(), lead, &notice.InboxQuery{Paging: guard.Paging{Page: page}})
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
	n := f.OnlyNotice(laSystem, notice.InboxQuery{})
	if page := f.MustInbox(otherLead, notice.InboxQuery{}); len(page.Notices) != 0 {
		t.Errorf("another authority sees %d", len(page.Notices))
	}
	ctx := t.Context()
	for name, c := range map[string]struct {
		who  *identity.Caller
		id   string
		want error
	}{
		"another authority": {otherLead, n.ID, guard.ErrNotFound},
		"no such notice":    {lead, uuid.NewString(), guard.ErrNotFound},
		"no identifier":     {lead, "'; --", guard.ErrNotFound},
		"a nurse":           {nurse, n.ID, guard.ErrDenied},
		"an auditor":        {auditor, n.ID, guard.ErrDenied},
	} {
		before := len(f.Entries())
		_, get := f.GetNotice(ctx, c.who, &notice.GetNoticeRequest{NoticeID: c.id})
		_, ack := f.AcknowledgeNotice(ctx, c.who, &notice.AcknowledgeRequest{NoticeID: c.id, Version: 1, Outcome: notice.NoAction})
		_, assign := f.AssignNotice(ctx, c.who, &notice.AssignRequest{NoticeID: c.id, Version: 1, To: "me"})
		for _, err := range []error{get, ack, assign} {
			if !errors.Is(err, c.want) {
				t.Errorf("%s: got %v, want %v", name, err, c.want)
			}
		}
		if got := len(f.Entries()) - before; got != 3 {
			t.Errorf("%s: left %d entries, want 3", name, got)
		}
	}
	_, err := f.ListNotices(ctx, gp, &notice.InboxQuery{})
	if e := f.LastEntry(); !errors.Is(err, guard.ErrDenied) || e.Outcome != "denied" || e.Counts != nil {
		t.Errorf("got %v with %+v", err, e)
	}
	if got := f.OnlyNotice(lead, notice.InboxQuery{}); got.Version != 1 || got.Acknowledged {
		t.Errorf("something changed: %+v", got)
	}
}

func TestNotices_ActsAreVersions(t *testing.T) {
	t.Parallel()
	f := newService(t)
	f.MustRegister(lead, rightCPP())
	f.MustLookUp(nurse, attended("ED-1"))
	n := f.OnlyNotice(lead, notice.InboxQuery{})
	ctx := t.Context()
	f.MustInbox(deputy, notice.InboxQuery{})
	if _, err := f.AssignNotice(ctx, lead, &notice.AssignRequest{NoticeID: n.ID, Version: 1, To: "deputy", Note: "Please ring"}); err != nil {
		t.Fatalf("AssignNotice: %s", explain(err))
	}
	ack := &notice.AcknowledgeRequest{NoticeID: n.ID, Version: 2, Outcome: notice.SettingContacted, Note: "Robin was not seen", Request: requestID}
	first, err := f.AcknowledgeNotice(ctx, laSystem, ack)
	if err != nil {
		t.Fatalf("AcknowledgeNotice: %s", explain(err))
	}
	if again, err := f.AcknowledgeNotice(ctx, laSystem, ack); err != nil || *again != *first {
		t.Errorf("repeated: got %+v and %v, want %+v", again, err, first)
	}
	_, err = f.AcknowledgeNotice(ctx, lead, &notice.AcknowledgeRequest{NoticeID: n.ID, Version: 2, Outcome: notice.NoAction})
	expectStale(t, err, 3)
	d, err := f.GetNotice(ctx, lead, &notice.GetNoticeRequest{NoticeID: n.ID})
	if err != nil {
		t.Fatalf("GetNotice: %s", explain(err))
	}
	want := []notice.Done{
		{Change: domain.Change{Act: "assign", Actor: "lead", Name: "Test lead", Organisation: islington, Reason: "Please ring", At: noon}, AssignedTo: "deputy", AssignedName: "Test deputy"},
		{Change: domain.Change{Act: "acknowledge", Actor: "la-system", Organisation: islington, Reason: "Robin was not seen", At: noon}, Outcome: notice.SettingContacted},
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
	for name, q := range map[string]notice.InboxQuery{"open": {Open: true}, "somebody's": {AssignedTo: "lead"}, "undelivered": {Undelivered: true}} {
		if got := f.MustInbox(lead, q).Notices; len(got) != 0 {
			t.Errorf("%s: got %d", name, len(got))
		}
	}
	if got := f.MustInbox(lead, notice.InboxQuery{AssignedTo: "deputy"}).Notices; len(got) != 1 {
		t.Errorf("assigned: got %d", len(got))
	}
}

func TestAcknowledgeNotice_OneOfTwoWins(t *testing.T) {
	t.Parallel()
	f := newService(t)
	f.MustRegister(lead, rightCPP())
	f.MustLookUp(nurse, attended("ED-1"))
	n := f.OnlyNotice(lead, notice.InboxQuery{})
	other := f.Another()
	act := func(s *service.Service, outcome notice.AckOutcome) func() error {
		return func() error {
			_, err := s.Notices.AcknowledgeNotice(t.Context(), lead, &notice.AcknowledgeRequest{NoticeID: n.ID, Version: 1, Outcome: outcome})
			return err
		}
	}
	errs := atOnce(act(f.Service, notice.NoAction), act(other, notice.Escalated), act(f.Service, notice.FamilyContacted))
	expectOneWon(t, errs, guard.ErrConflict)
	d, err := f.GetNotice(t.Context(), lead, &notice.GetNoticeRequest{NoticeID: n.ID})
	if err != nil || len(d.Acts) != 1 || d.Notice.Version != 2 {
		t.Errorf("got %+v and %v, want one act", d, err)
	}
}

func TestNotices_WrongActsChangeNothing(t *testing.T) {
	t.Parallel()
	f := newService(t)
	f.MustRegister(lead, rightCPP())
	f.MustLookUp(nurse, attended("ED-1"))
	n := f.OnlyNotice(lead, notice.InboxQuery{})
	for field, k := range map[string]notice.AcknowledgeRequest{
		"version": {Outcome: notice.NoAction},
		"note":    {Version: 1, Outcome: notice.OtherOutcome},
	} {
		k.NoticeID = n.ID
		_, err := f.AcknowledgeNotice(t.Context(), lead, &k)
		if v := violationsOf(t, err); len(v) != 1 || v[0].Field != field {
			t.Errorf("%s: got %+v", field, v)
		}
	}
	if got := f.OnlyNotice(lead, notice.InboxQuery{Open: true}); got.Version != 1 {
		t.Errorf("got %+v", got)
	}
}

// With the keeper away a notice says what it can.
func TestNotices_WithoutKeys(t *testing.T) {
	t.Parallel()
	f := newService(t)
	plan := f.MustRegister(lead, rightCPP())
	f.MustLookUp(nurse, attended("ED-1"))
	f.ForgetKeys()
	f.Keeper.TakeAway(true)
	got := f.OnlyNotice(lead, notice.InboxQuery{})
	if !got.Degraded || got.Person != nil || got.Actor != (notice.Actor{}) || got.Organisation != trust {
		t.Errorf("got %+v", got)
	}
	if diff := cmp.Diff([]string{plan.PlanID}, got.PlanIDs); diff != "" {
		t.Errorf("plans (-want +got):\n%s", diff)
	}
	if e := f.LastEntry(); !e.Degraded || e.Disclosed != nil {
		t.Errorf("entry %+v", e)
	}
	k := &notice.AcknowledgeRequest{NoticeID: got.ID, Version: 1, Outcome: notice.NoAction, Note: "Seen"}
	if _, err := f.AcknowledgeNotice(t.Context(), lead, k); !errors.Is(err, guard.ErrUnavailable) {
		t.Errorf("a note: got %v, want %v", err, guard.ErrUnavailable)
	}
	k.Note = ""
	if _, err := f.AcknowledgeNotice(t.Context(), lead, k); err != nil {
		t.Errorf("without a note: got %v", err)
	}
	f.MustLookUp(nurse, attended("ED-2")) // says nothing of who asked: that stands in the log
	f.Keeper.TakeAway(false)
	for _, n := range f.MustInbox(lead, notice.InboxQuery{}).Notices {
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
	got := f.OnlyNotice(lead, notice.InboxQuery{})
	if diff := cmp.Diff(about{Number: "9990000018", Given: "Robin", Plans: nil}, aboutOf(&got)); diff != "" || got.Degraded || got.Actor.Name != "Test nurse" {
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
	for _, n := range f.MustInbox(lead, notice.InboxQuery{}).Notices {
		if n.Degraded && n.Actor == (notice.Actor{}) {
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
	n := f.OnlyNotice(lead, notice.InboxQuery{})
	k := &notice.AcknowledgeRequest{NoticeID: n.ID, Version: 1, Outcome: notice.OtherOutcome, Note: "Spoke to Robin Example"}
	if _, err := f.AcknowledgeNotice(t.Context(), lead, k); err != nil {
		t.Fatal(err)
	}
	if _, err := f.ReportWrongPatient(t.Context(), nurse, wrongPatient("ED-1")); err != nil {
		t.Fatal(err)
	}
	var kept []byte
	f.AsSuperuser(func(conn *pgx.Conn) error {
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
