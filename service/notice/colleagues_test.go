package notice_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"cpis/service/notice"
)

// users gives who they are.
func users(all []notice.Colleague) (ids []string) {
	for _, c := range all {
		ids = append(ids, c.User)
	}
	return ids
}

// Colleagues are the people who did something for the authority: no systems, and
// nobody of another.
func TestListColleagues_ShowsWhoWasSeen(t *testing.T) {
	t.Parallel()
	f := newService(t)
	f.MustRegister(lead, rightCPP())
	f.MustInbox(otherLead, notice.InboxQuery{})
	f.MustInbox(laSystem, notice.InboxQuery{})
	f.MustInbox(deputy, notice.InboxQuery{})
	f.MustLookUp(nurse, unscheduled(oldNumber))
	want := []notice.Colleague{{User: "deputy", Name: "Test deputy"}, {User: "lead", Name: "Test lead"}}
	got := f.MustColleagues(laSystem)
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(notice.Colleague{}, "ID", "LastSeen")); diff != "" {
		t.Errorf("colleagues (-want +got):\n%s", diff)
	}
	if e := f.LastEntry(); e.Action != "list_colleagues" || e.Rule != "N10" || e.Counts["colleagues"] != 2 {
		t.Errorf("entry %+v", e)
	}
	if got[0].LastSeen.String() != "2026-11-23" || got[0].ID == got[1].ID {
		t.Errorf("got %+v", got)
	}
	if dump := f.DumpAll(); bytes.Contains(dump, []byte("Test deputy")) {
		t.Error("a name is stored in the clear")
	}
}

// A notice is given to somebody who exists, by the id or user id that the list
// shows, however that is typed.
func TestAssignNotice_ToAColleague(t *testing.T) {
	t.Parallel()
	f := newService(t)
	n := f.SeenNotice()
	f.MustInbox(otherLead, notice.InboxQuery{})
	for _, to := range []string{"deputy", "other-lead", "Somebody Nice", "la-system", "0199b0c4-5b7a-7c1e-8f00-000000000001"} {
		err := f.Assign(lead, &n, to)
		if v := violationsOf(t, err); len(v) != 1 || v[0].Field != "to" {
			t.Errorf("%s: got %+v", to, v)
		}
	}
	f.MustInbox(deputy, notice.InboxQuery{})
	id := f.MustColleagues(lead)[0].ID
	for _, to := range []string{"deputy", "DEPUTY ", id} {
		if err := f.Assign(lead, &n, to); err != nil {
			t.Fatalf("%s: %s", to, explain(err))
		}
		got := f.OnlyNotice(deputy, notice.InboxQuery{AssignedTo: to})
		if got.AssignedTo != "deputy" || got.Assignee == nil || got.Assignee.Name != "Test deputy" || got.Assignee.ID != id {
			t.Errorf("%s: got %+v", to, got)
		}
	}
	if err := f.Assign(lead, &n, ""); err != nil {
		t.Fatal(explain(err))
	}
	if got := f.OnlyNotice(lead, notice.InboxQuery{}); got.AssignedTo != "" || got.Assignee != nil {
		t.Errorf("taken back: %+v", got)
	}
}

// What earlier versions took, a text of somebody's choice, is shown and found as
// it is.
func TestAssignNotice_EarlierTextsStay(t *testing.T) {
	t.Parallel()
	f := newService(t)
	n := f.SeenNotice()
	f.Pretend(`UPDATE cpis.notice SET assigned_to = 'worker-7' WHERE id = $1`, n.ID)
	if got := f.OnlyNotice(lead, notice.InboxQuery{AssignedTo: "worker-7"}); got.AssignedTo != "worker-7" || got.Assignee != nil {
		t.Errorf("got %+v", got)
	}
}

// Who was not seen for 90 days is forgotten, unless somebody waits for them; what
// they were given says who it was.
func TestTidy_ForgetsColleagues(t *testing.T) {
	t.Parallel()
	f := newService(t)
	n := f.SeenNotice()
	f.MustInbox(deputy, notice.InboxQuery{})
	f.MustInbox(secondLead, notice.InboxQuery{})
	if err := f.Assign(lead, &n, "deputy"); err != nil {
		t.Fatal(explain(err))
	}
	f.Clock.Advance(60 * 24 * time.Hour)
	f.MustInbox(lead, notice.InboxQuery{})
	f.Clock.Advance(31 * 24 * time.Hour)
	for _, want := range [][]string{{"deputy", "lead"}, {"lead"}} {
		if err := f.Tidy(t.Context()); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, users(f.MustColleagues(laSystem))); diff != "" {
			t.Errorf("colleagues (-want +got):\n%s", diff)
		}
		f.MustAcknowledge(laSystem, &n)
		n.Version++
	}
	d, err := f.GetNotice(t.Context(), laSystem, &notice.GetNoticeRequest{NoticeID: n.ID})
	if err != nil || d.Acts[0].AssignedTo != "deputy" || d.Acts[0].AssignedName != "Test deputy" {
		t.Errorf("got %+v, %v", d, err)
	}
}

// Somebody who returns keeps the id, and has the name that the last token said.
func TestListColleagues_KeepsUpWithNames(t *testing.T) {
	t.Parallel()
	f := newService(t)
	f.MustInbox(lead, notice.InboxQuery{})
	before := f.MustColleagues(laSystem)[0]
	f.Clock.Advance(24 * time.Hour)
	renamed := *lead
	renamed.Name = "Another name"
	f.MustInbox(&renamed, notice.InboxQuery{})
	got := f.MustColleagues(laSystem)
	if len(got) != 1 || got[0].ID != before.ID || got[0].Name != "Another name" || got[0].LastSeen.String() != "2026-11-24" {
		t.Errorf("got %+v, was %+v", got, before)
	}
}

// A colleague of one authority is not made one of another by whoever owns the
// database; nor does an act wait where the keeper is away.
func TestListColleagues_IsNotTurned(t *testing.T) {
	t.Parallel()
	f := newService(t)
	f.MustInbox(otherLead, notice.InboxQuery{})
	f.MustInbox(lead, notice.InboxQuery{})
	f.Exec(`UPDATE cpis.colleague SET authority = $1`, islington)
	if diff := cmp.Diff([]string{"lead"}, users(f.MustColleagues(laSystem))); diff != "" {
		t.Errorf("colleagues (-want +got):\n%s", diff)
	}
	f.Keeper.TakeAway(true)
	f.MustInbox(deputy, notice.InboxQuery{})
	f.Keeper.TakeAway(false)
}
