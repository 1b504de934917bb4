package plan_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cpis/service/domain"
	"cpis/service/guard"
	"cpis/service/identity"
	"cpis/service/notice"
	"cpis/service/person"
	"cpis/service/plan"
)

// A child was seen while its plan was offered: the receiver hears of it once the
// plan is its own, and the sender still knows who it was.
func TestTransfer_TakesOpenNoticesAlong(t *testing.T) {
	t.Parallel()
	f := newService(t)
	plan := f.MustRegister(lead, rightCPP())
	offered := f.MustTransfer(plan)
	f.Seen("9990000018", "ED-1")
	f.Seen("9990000018", "ED-2")
	seen := notice.InboxQuery{Kind: notice.Unscheduled}
	before := f.MustInbox(lead, seen).Notices
	f.MustAcknowledge(lead, &before[0]) // of ED-2
	f.Clock.Advance(time.Hour)
	f.MustSettle(otherLead, offered, domain.Accept)
	if e := f.LastEntry(); e.Counts["notices"] != 1 {
		t.Errorf("the entry counts %v", e.Counts)
	}

	got := f.OnlyNotice(otherLead, seen)
	if diff := cmp.Diff(about{Number: "9990000018", Given: "Robin", Plans: []string{plan.PlanID}}, aboutOf(&got)); diff != "" {
		t.Errorf("whom the receiver is told of (-want +got):\n%s", diff)
	}
	if !got.At.Equal(before[1].At) || got.Actor.Name != nurse.Name || got.Organisation != trust || got.Reference != offered.TransferID || got.Degraded {
		t.Errorf("the receiver is told %+v", got)
	}
	for _, n := range f.MustInbox(lead, seen).Notices {
		if diff := cmp.Diff(about{Number: "9990000018", Given: "Robin", Plans: nil}, aboutOf(&n)); diff != "" || n.Actor.Name != nurse.Name || n.Degraded {
			t.Errorf("whom the sender was told of, degraded %t, by %q (-want +got):\n%s", n.Degraded, n.Actor.Name, diff)
		}
	}
	mine := f.MustInbox(lead, seen).Notices
	f.MustAcknowledge(lead, &mine[1])
	f.MustReportWrong(nurse, wrongPatient("ED-1")) // both were told, so both are told that it was wrong
	for _, c := range []*identity.Caller{lead, otherLead} {
		if n := f.OnlyNotice(c, notice.InboxQuery{Kind: notice.Correction}); n.Person == nil || n.Corrects == "" {
			t.Errorf("%s: correction %+v", c.ID, n)
		}
	}
	f.NothingInTheClear()
}

// What is not about the person, what was corrected, and what the receiver was
// told of itself stays where it is.
func TestTransfer_TakesAlongNothingThatTheReceiverKnows(t *testing.T) {
	t.Parallel()
	f := newService(t)
	plan := f.MustRegister(lead, rightCPP())
	f.MustRegister(otherLead, rightLAC()) // a plan of its own about the same child
	f.Seen("9990000018", "ED-1")
	f.Seen("9990000018", "ED-2")
	f.MustReportWrong(nurse, wrongPatient("ED-2"))
	offered := f.MustTransfer(plan)
	before := len(f.MustInbox(otherLead, notice.InboxQuery{}).Notices)
	f.MustSettle(otherLead, offered, domain.Accept)
	if after := len(f.MustInbox(otherLead, notice.InboxQuery{}).Notices); after != before {
		t.Errorf("%d notices more", after-before)
	}
}

// Both sides of a transfer know whom it is about, whatever became of it, and
// nothing that came later.
func TestTransfer_IsNamedToBothSides(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		decision domain.Decision
		by       *identity.Caller
		told     *identity.Caller // of the decision
		left     *identity.Caller // who holds nothing afterwards
	}{
		"accepted":  {domain.Accept, otherLead, lead, lead},
		"declined":  {domain.Decline, otherLead, lead, otherLead},
		"withdrawn": {domain.Withdraw, lead, otherLead, otherLead},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newService(t)
			offered := f.MustTransfer(f.MustRegister(lead, under(oldNumber)))
			holder := lead
			if tt.left == lead {
				holder = otherLead
			}
			proposed := f.OnlyNotice(otherLead, notice.InboxQuery{Kind: notice.TransferProposed})
			if a := aboutOf(&proposed); a.Number != oldNumber || a.Plans != nil {
				t.Errorf("offered: the receiver is told of %+v", a)
			}
			f.Clock.Advance(time.Hour)
			f.MustSettle(tt.by, offered, tt.decision)
			f.Clock.Advance(time.Hour)
			if _, err := f.ReplaceNHSNumber(t.Context(), holder, replacement(oldNumber, newNumber)); err != nil {
				t.Fatal(explain(err))
			}
			n := f.OnlyNotice(tt.told, notice.InboxQuery{Kind: notice.TransferDecided})
			want := oldNumber
			if tt.told == holder {
				want = newNumber
			}
			if a := aboutOf(&n); a.Number != want || a.Given != "Robin" {
				t.Errorf("%s is told of %+v, want %s", tt.told.ID, a, want)
			}
			for c, want := range map[*identity.Caller]string{holder: newNumber, tt.left: oldNumber} {
				got := f.MustListTransfers(c, plan.TransferQuery{}).Transfers
				if len(got) != 1 || got[0].Person.NHSNumber.Reveal() != want || got[0].Person.Given != "Robin" {
					t.Errorf("%s sees %+v, want %s", c.ID, got, want)
				}
				if (got[0].Plan != nil) != (c == holder) {
					t.Errorf("%s sees the plan: %t", c.ID, got[0].Plan != nil)
				}
				if e := f.LastEntry(); len(e.Disclosed) != 1 {
					t.Errorf("%s: the entry discloses %v", c.ID, e.Disclosed)
				}
			}
		})
	}
}

// A notice from before two records were joined goes along with the plan too.
func TestTransfer_TakesAlongWhatIsAboutAnEarlierRecord(t *testing.T) {
	t.Parallel()
	f := newService(t)
	plan := f.MustRegister(lead, under(oldNumber))
	f.Seen(oldNumber, "ED-1")
	f.MustChange(merging(oldNumber, newNumber, false))
	plan.Version = 2
	f.MustSettle(otherLead, f.MustTransfer(plan), domain.Accept)
	for _, c := range []*identity.Caller{lead, otherLead} {
		n := f.OnlyNotice(c, notice.InboxQuery{Kind: notice.Unscheduled})
		if a := aboutOf(&n); a.Number != newNumber || n.Actor.Name != nurse.Name || n.Degraded {
			t.Errorf("%s is told of %+v by %q", c.ID, a, n.Actor.Name)
		}
	}
}

// What waits for a second person would be lost with the plan: to restrict the
// person, for instance.
func TestTransfer_WaitsForProposals(t *testing.T) {
	t.Parallel()
	f := newService(t)
	plan := f.MustRegister(lead, rightCPP())
	restrict := &person.ProposeChangeRequest{Kind: person.Restrict, NHSNumber: "9990000018", Reason: "must not be found"}
	first := f.MustPropose(lead, restrict)
	if _, err := f.ProposeTransfer(t.Context(), lead, offer(plan)); !errors.Is(err, guard.ErrState) {
		t.Errorf("got %v, want %v", err, guard.ErrState)
	}
	if err := f.Decide(secondLead, first, domain.Decline); err != nil {
		t.Fatal(because(err))
	}
	offered := f.MustTransfer(plan)
	again := f.MustPropose(lead, restrict)
	_, err := f.DecideTransfer(t.Context(), otherLead, settlement(offered, domain.Accept))
	wantState(t, "accepted meanwhile", err, "second person")
	f.MustAccept(secondLead, again)
	f.MustSettle(otherLead, offered, domain.Accept)
	if !f.MustGet(otherLead, "9990000018").Restricted {
		t.Error("the restriction was lost")
	}
}
