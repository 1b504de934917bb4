package notice_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cpis/audit"
	"cpis/policy"
	"cpis/service/domain"
	"cpis/service/identity"
	"cpis/service/notice"
)

// Where two records were joined, earlier notices still say whom they are about:
// as the authority holds them now. So they do when these are two again.
func TestNotices_FollowPlansThatMoved(t *testing.T) {
	t.Parallel()
	for _, superseded := range []bool{false, true} {
		t.Run(fmt.Sprintf("superseded %t", superseded), func(t *testing.T) {
			t.Parallel()
			f := newService(t)
			mine := f.MustRegister(lead, under(oldNumber))
			theirs := f.MustRegister(otherLead, under(oldNumber, asLAC, func(r *domain.Registration) { r.Given = "Theirs" }))
			there := f.MustRegister(lead, under(newNumber, asLAC))
			f.Seen(oldNumber, "ED-1")
			check := func(when string, c *identity.Caller, number, given, plan string) {
				t.Helper()
				n := f.OnlyNotice(c, notice.InboxQuery{Kind: notice.Unscheduled})
				if diff := cmp.Diff(about{Number: number, Given: given, Plans: []string{plan}}, aboutOf(&n)); diff != "" || n.Degraded || n.Actor.Name != "Test nurse" {
					t.Errorf("%s: degraded %t, by %q (-want +got):\n%s", when, n.Degraded, n.Actor.Name, diff)
				}
				if e := f.LastEntry(); len(e.Disclosed) != 1 || e.Disclosed[0].Plan != plan {
					t.Errorf("%s: the entry discloses %+v", when, e.Disclosed)
				}
				d, err := f.GetNotice(t.Context(), c, &notice.GetNoticeRequest{NoticeID: n.ID})
				if err != nil || d.Notice.Person == nil {
					t.Errorf("%s: got %+v, %v", when, d, err)
				}
			}
			given := rightCPP().Given
			check("before", lead, oldNumber, given, mine.PlanID)
			merge := f.MustChange(merging(oldNumber, newNumber, superseded))
			check("joined", lead, newNumber, given, mine.PlanID)
			where := oldNumber
			if superseded {
				where = newNumber
			}
			check("the other's", otherLead, where, "Theirs", theirs.PlanID)
			n := f.OnlyNotice(lead, notice.InboxQuery{Kind: notice.Unscheduled})
			if _, err := f.AcknowledgeNotice(t.Context(), lead, &notice.AcknowledgeRequest{
				NoticeID: n.ID, Version: n.Version, Outcome: notice.OtherOutcome, Note: "rang the ward",
			}); err != nil {
				t.Errorf("AcknowledgeNotice: %s", explain(err))
			}
			if d, err := f.GetNotice(t.Context(), lead, &notice.GetNoticeRequest{NoticeID: n.ID}); err != nil || len(d.Acts) != 1 || d.Acts[0].Change.Reason != "rang the ward" {
				t.Errorf("got %+v, %v", d, err)
			}
			f.Seen(newNumber, "ED-2") // about who stays
			f.MustChange(undoing(merge))
			rows := f.MustInbox(lead, notice.InboxQuery{Kind: notice.Unscheduled}).Notices
			if diff := cmp.Diff(about{Number: oldNumber, Given: given, Plans: []string{mine.PlanID}}, aboutOf(&rows[1])); diff != "" {
				t.Errorf("two again (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(about{Number: newNumber, Given: given, Plans: []string{there.PlanID}}, aboutOf(&rows[0])); diff != "" {
				t.Errorf("two again, who stayed (-want +got):\n%s", diff)
			}
			f.NothingInTheClear()
		})
	}
}

// Whoever looked the wrong patient up before two records were joined can say so
// afterwards, by whichever number leads there; what others did, or what was
// about somebody else in the same encounter, is left alone.
func TestReportWrongPatient_AfterRecordsWereJoined(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		superseded bool
		report     string
		want       audit.Counts
	}{
		"a number that was never theirs":         {false, oldNumber, audit.Counts{"notices": 1, "marked": 1}},
		"who stays":                              {false, newNumber, audit.Counts{"notices": 1, "marked": 1}},
		"a superseded number":                    {true, oldNumber, audit.Counts{"notices": 2, "marked": 3}},
		"the number that is the current one now": {true, newNumber, audit.Counts{"notices": 2, "marked": 3}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newService(t)
			f.MustRegister(lead, under(oldNumber))
			f.MustRegister(otherLead, under(newNumber, asLAC))
			f.Seen(oldNumber, "ED-1")
			f.Seen(newNumber, "ED-1") // whom they meant
			f.Seen(oldNumber, "ED-2")
			f.MustChange(merging(oldNumber, newNumber, tt.superseded))
			f.Clock.Advance(time.Hour)
			report := wrongPatient("ED-1")
			report.NHSNumber = tt.report
			f.MustReportWrong(caller("elsewhere", "RYR", policy.AcuteTrust, policy.ClinicianUnscheduled), report)
			if e := f.LastEntry(); len(e.Counts) != 0 {
				t.Errorf("another organisation: %+v", e.Counts)
			}
			f.MustReportWrong(nurse, report)
			if diff := cmp.Diff(tt.want, f.LastEntry().Counts); diff != "" {
				t.Errorf("counts (-want +got):\n%s", diff)
			}
			corrections := 0
			for _, c := range []*identity.Caller{lead, otherLead} {
				for _, n := range f.MustInbox(c, notice.InboxQuery{Kind: notice.Correction}).Notices {
					if corrections++; n.Text == "" || n.Person == nil || n.Degraded {
						t.Errorf("correction %+v", n)
					}
				}
			}
			if int64(corrections) != tt.want["notices"] {
				t.Errorf("%d corrections", corrections)
			}
			f.MustReportWrong(nurse, report)
			if e := f.LastEntry(); len(e.Counts) != 0 {
				t.Errorf("once more: %+v", e.Counts)
			}
		})
	}
}
