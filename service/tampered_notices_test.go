package service_test

import (
	"errors"
	"testing"

	"cpis/policy"
	"cpis/service/domain"
	"cpis/service/guard"
	"cpis/service/lookup"
	"cpis/service/notice"
	"cpis/service/person"
	"cpis/service/servicetest"
)

// tamperedNotice makes a notice that was acknowledged, and another that corrects
// it.
func tamperedNotice(t *testing.T) (*fixture, string) {
	t.Helper()
	f := newService(t)
	f.MustRegister(lead, rightCPP())
	f.MustLookUp(nurse, attended("ED-1"))
	n := f.OnlyNotice(lead, notice.InboxQuery{})
	_, err := f.AcknowledgeNotice(t.Context(), lead, &notice.AcknowledgeRequest{NoticeID: n.ID, Version: 1, Outcome: notice.NoAction, Note: "Seen"})
	if err != nil {
		t.Fatal(explain(err))
	}
	f.MustReportWrong(nurse, wrongPatient("ED-1"))
	if got := f.MustInbox(lead, notice.InboxQuery{}).Notices; len(got) != 2 || f.Damaged.Load() != 0 {
		t.Fatalf("%d notices, and somebody was woken %d times", len(got), f.Damaged.Load())
	}
	return f, n.ID
}

// Whatever is turned of a notice, nobody is shown it: neither whom it was for nor
// whom it was moved to.
func TestTampering_Notices(t *testing.T) {
	t.Parallel()
	f, id := tamperedNotice(t)
	for column, value := range map[string]string{
		"authority":       "'" + camden + "'",
		"person_id":       "NULL",
		"kind":            "'overlap'",
		"priority":        "NOT priority",
		"at":              "at - interval '1 year'",
		"organisation":    "'RXX02'",
		"setting":         "'dental'",
		"encounter":       "NULL",
		"sealed":          "NULL", // who it was
		"corrects":        "NULL",
		"reference":       "'another'",
		"entry":           "entry + 1",
		"version":         "version + 1",
		"acknowledged_at": "now()", // nobody need act any more
		"assigned_to":     "'somebody'",
		"undelivered":     "NOT undelivered",
	} {
		f.Turned("notice", column, value, func() {
			reader := lead
			if column == "authority" {
				reader = otherLead
			}
			if _, err := f.ListNotices(t.Context(), reader, &notice.InboxQuery{}); !errors.Is(err, guard.ErrDamaged) {
				t.Errorf("%s = %s: the list says %v, want %v", column, value, err, guard.ErrDamaged)
			}
			if column == "authority" || column == "corrects" { // is another's; is a column of the correction
				return
			}
			if _, err := f.GetNotice(t.Context(), lead, &notice.GetNoticeRequest{NoticeID: id}); !errors.Is(err, guard.ErrDamaged) {
				t.Errorf("%s = %s: the notice says %v, want %v", column, value, err, guard.ErrDamaged)
			}
		})
	}
	if got := f.MustInbox(lead, notice.InboxQuery{}).Notices; len(got) != 2 {
		t.Errorf("put back: %d notices", len(got))
	}
}

// An act cannot be made another's, nor taken away.
func TestTampering_ActsOnNotices(t *testing.T) {
	t.Parallel()
	f, id := tamperedNotice(t)
	check := func(what string) {
		t.Helper()
		if _, err := f.GetNotice(t.Context(), lead, &notice.GetNoticeRequest{NoticeID: id}); !errors.Is(err, guard.ErrDamaged) {
			t.Errorf("%s: got %v, want %v", what, err, guard.ErrDamaged)
		}
	}
	for column, value := range map[string]string{
		"actor": "'somebody'", "act": "'assign'", "outcome": "'escalated'", "assigned_to": "'somebody'", "at": "now()", "version": "7", "sealed": "NULL",
	} {
		f.Turned("notice_act", column, value, func() { check(column) })
	}
	f.Exec(`DELETE FROM cpis.notice_act`)
	check("taken away")
}

// A row of the history that was turned is not shown, and the answer says that
// something is missing. Whoever looks up is still told of the flag.
func TestTampering_History(t *testing.T) {
	t.Parallel()
	f := newService(t)
	f.MustRegister(lead, rightCPP())
	f.MustLookUp(nurse, attended("ED-1"))
	scheduled := &lookup.Question{NHSNumber: damaged, Mode: policy.Scheduled}
	before := f.MustLookUp(gp, scheduled)
	if len(before.History) != 1 || before.Degraded {
		t.Fatalf("got %+v", before)
	}
	missing := func(what string, rows int) {
		t.Helper()
		a := f.MustLookUp(gp, scheduled)
		if a.Verdict != lookup.FlagHeld || !a.Degraded || len(a.Plans) != 1 || len(a.History) != rows {
			t.Errorf("%s: got %s, degraded %v, %d plans, history %+v; want a flag with %d rows", what, a.Verdict, a.Degraded, len(a.Plans), a.History, rows)
		}
		for _, h := range a.History {
			if h.WrongPatient {
				t.Errorf("%s: it looks as if it was corrected", what)
			}
		}
	}
	for column, value := range map[string]string{
		"at": "at - interval '1 year'", "organisation": "'RXX02'", "setting": "'dental'", "encounter": "NULL", "sealed": "NULL", "entry": "entry + 1",
	} {
		f.Turned("access", column, value, func() { missing(column, 0) })
	}
	f.Exec(`ALTER TABLE cpis.access_mark DROP CONSTRAINT access_mark_mac_check`)
	f.Exec(`INSERT INTO cpis.access_mark (access_id, at) SELECT id, at FROM cpis.access`)
	missing("a mark that nobody made", 1)
	f.Exec(`UPDATE cpis.access_mark SET mac = (SELECT mac FROM cpis.access LIMIT 1)`)
	missing("with the MAC of something else", 1)
}

// Merging copies nothing of the history that does not verify: it would verify
// from then on.
func TestTampering_HistoryIsNotCopied(t *testing.T) {
	t.Parallel()
	f := newService(t)
	f.MustRegister(lead, under(oldNumber))
	f.MustRegister(otherLead, under(newNumber))
	f.Seen(oldNumber, "ED-1")
	f.Seen(oldNumber, "ED-2")
	f.Exec(`UPDATE cpis.access SET organisation = 'RXX02' WHERE id = (SELECT min(id::text)::uuid FROM cpis.access)`)
	id := f.MustPropose(lead, &person.ProposeChangeRequest{
		Kind: person.Merge, NHSNumber: newNumber, From: oldNumber, Superseded: true, Reason: "One child",
	})
	if _, err := f.DecideChange(t.Context(), secondLead, &person.DecideChangeRequest{ChangeID: id, Decision: domain.Accept, Reason: "Yes"}); err != nil {
		t.Fatal(explain(err))
	}
	if a := f.MustLookUp(nurse, unscheduled(newNumber)); len(a.History) != 1 {
		t.Errorf("history %+v, want the access that verifies", a.History)
	}
}

// What a changed column hides from a question that has a filter is found all the
// same: decided proposals are read as well, and all rows are verified in turn.
func TestTampering_WhatIsHidden(t *testing.T) {
	t.Parallel()
	f := newService(t)
	given := f.MustRegister(lead, rightCPP())
	f.MustPropose(lead, &person.ProposeChangeRequest{Kind: person.Restrict, NHSNumber: damaged, Reason: "x"})
	f.MustLookUp(nurse, attended("ED-1"))
	f.MustLookUp(gp, &lookup.Question{NHSNumber: damaged, Mode: policy.Unscheduled, BreakGlass: "collapsed in the waiting room"})
	f.Exec(`UPDATE cpis.proposal SET state = 'withdrawn', decided_by = 'x', decided_at = now(), decided = 'x'`)
	if _, err := f.ProposeChange(t.Context(), lead, &person.ProposeChangeRequest{Kind: person.Restrict, NHSNumber: damaged, Reason: "x"}); !errors.Is(err, guard.ErrDamaged) {
		t.Errorf("proposing once more: got %v, want %v", err, guard.ErrDamaged)
	}
	if _, err := f.ProposeTransfer(t.Context(), lead, servicetest.Offer(given)); !errors.Is(err, guard.ErrDamaged) {
		t.Errorf("offering the plan: got %v, want %v", err, guard.ErrDamaged)
	}
	f.Exec(`DELETE FROM cpis.proposal`)
	for table, change := range map[string][2]string{
		"notice":     {"acknowledged_at", "now()"},
		"access":     {"person_id", "gen_random_uuid()"},
		"review":     {"organisation", "'RXX02'"},
		"person_tag": {"tag", "sha256(tag)"},
		"plan":       {"visible_until", "'2020-01-01'"},
	} {
		f.Turned(table, change[0], change[1], func() {
			before := f.Damaged.Load()
			f.VerifyAll()
			if f.Damaged.Load() == before {
				t.Errorf("%s.%s: nobody was woken", table, change[0])
			}
		})
	}
	before := f.Damaged.Load()
	f.VerifyAll()
	if f.Damaged.Load() != before {
		t.Error("put back: somebody is woken still")
	}
}
