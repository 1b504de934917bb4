package work_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cpis/service/domain"
	"cpis/service/guard"
	"cpis/service/notice"
	"cpis/service/plan"
	"cpis/service/servicetest"
	"cpis/service/work"
)

type fixture = servicetest.Fixture

var (
	lead     = servicetest.Lead
	noon     = servicetest.Noon
	numberAt = servicetest.NumberAt
	under    = servicetest.Under
)

// turningAdult is a looked-after child whose 18th birthday is on a day.
func turningAdult(i int, birthday string, end ...string) *domain.Registration {
	return under(numberAt(i), func(r *domain.Registration) {
		r.Kind, r.Basis = domain.LAC, domain.S20
		r.DateOfBirth = "20" + map[string]string{"26": "08", "27": "09"}[birthday[2:4]] + birthday[4:]
		for _, day := range end {
			r.End = day
		}
	})
}

// dueOn is an unborn child that is expected on a day.
func dueOn(i int, day string) *domain.Registration {
	return servicetest.With(servicetest.RightUCPP(), func(r *domain.Registration) { r.NHSNumber, r.Expected = numberAt(i), day })
}

// asking returns the plans that ask for an authority, as its list shows them and as
// they are counted.
func asking(t *testing.T, f *fixture, need domain.Need) []string {
	t.Helper()
	var ids []string
	listed := f.MustListPlans(lead, plan.ListRequest{Filter: plan.Filter(need), Order: plan.LastChanged, Paging: guard.Paging{Size: 1}})
	for _, l := range listed {
		ids = append(ids, l.Plan.ID)
	}
	p := f.MustWork(lead).Plans
	if p == nil {
		t.Fatal("plans are not counted")
	}
	if n := map[domain.Need]int{domain.Overdue: p.Overdue, domain.Adult: p.Adult}[need]; n != len(ids) {
		t.Errorf("%s: counted %d, listed %d", need, n, len(ids))
	}
	return ids
}

// Days pass, and plans begin and cease to ask for their authority, whether or not
// anybody changes anything: also when nobody looked at the calendar for weeks.
func TestCalendar_BringsAndTakesPlans(t *testing.T) {
	t.Parallel()
	f := servicetest.New(t)
	id := func(r *domain.Registration) string { return f.MustRegister(lead, r).PlanID }
	tomorrow := id(turningAdult(1, "2026-11-24"))
	already := id(turningAdult(2, "2026-11-23"))
	ends := id(turningAdult(3, "2026-11-25", "2026-11-26"))
	id(turningAdult(4, "2026-11-28", "2026-11-27"))
	later := id(turningAdult(5, "2027-02-01"))
	due := id(dueOn(6, "2026-11-24")) // asks from the day after
	dueLater := id(dueOn(7, "2027-02-01"))
	f.MustFill()
	f.Turn()
	want := func(adult, overdue []string) {
		t.Helper()
		f.Turn()
		f.Turn() // which changes nothing
		for need, ids := range map[domain.Need][]string{domain.Adult: adult, domain.Overdue: overdue} {
			got := asking(t, f, need)
			slices.Sort(got)
			slices.Sort(ids)
			if diff := cmp.Diff(ids, got); diff != "" {
				t.Errorf("%s, %s (-want +got):\n%s", f.Clock.Now().Format(time.DateOnly), need, diff)
			}
		}
		f.WantListed()
	}
	want([]string{already}, nil)
	f.Clock.Set(noon.AddDate(0, 0, 1))
	want([]string{already, tomorrow}, nil)
	f.Clock.Set(noon.AddDate(0, 0, 2))
	want([]string{already, tomorrow, ends}, []string{due})
	f.Clock.Set(noon.AddDate(0, 0, 4))
	want([]string{already, tomorrow}, []string{due})
	f.Clock.Set(noon.AddDate(0, 3, 0))
	want([]string{already, tomorrow, later}, []string{due, dueLater})
}

// Whatever changes a plan, the list is right at once.
func TestCalendar_FollowsChanges(t *testing.T) {
	t.Parallel()
	f := servicetest.New(t)
	ended := f.MustRegister(lead, turningAdult(1, "2026-11-01"))
	removed := f.MustRegister(lead, turningAdult(2, "2026-11-02"))
	moved := f.MustRegister(lead, turningAdult(3, "2026-11-03"))
	merged := f.MustRegister(lead, turningAdult(4, "2026-11-04"))
	younger := f.MustRegister(lead, turningAdult(5, "2026-11-05"))
	born := f.MustRegister(lead, dueOn(6, "2026-11-20"))
	f.MustFill()
	f.Turn()
	if n := len(asking(t, f, domain.Adult)); n != 5 {
		t.Fatalf("%d ask, want 5", n)
	}
	f.MustEnd(lead, ended, "2026-11-22")
	f.MustRemove(lead, removed)
	f.MustSettle(servicetest.OtherLead, f.MustTransfer(moved), domain.Accept)
	f.MustChange(servicetest.Merging(numberAt(4), numberAt(9), false))
	q := servicetest.Amendment(younger, turningAdult(5, "2026-11-05"))
	q.DateOfBirth = "2009-11-05"
	f.MustAmend(lead, q)
	f.MustBear(lead, &plan.RecordBirthRequest{PlanID: born.PlanID, Version: 1, Born: "2026-11-21"})
	f.Turn()
	if got := asking(t, f, domain.Adult); !slices.Equal(got, []string{merged.PlanID}) {
		t.Errorf("ask: %v, want only %s", got, merged.PlanID)
	}
	if got := asking(t, f, domain.Overdue); len(got) != 0 {
		t.Errorf("ask: %v, want none", got)
	}
	if p := f.MustWork(servicetest.OtherLead).Plans; p.Adult != 1 {
		t.Errorf("at the other authority %d ask, want 1", p.Adult)
	}
	f.WantListed()
}

// Somebody who writes at midnight may think that it is still the day before: the
// calendar goes through that day again.
func TestCalendar_MissesNothingAtMidnight(t *testing.T) {
	t.Parallel()
	f := servicetest.New(t)
	f.MustFill()
	after, before := time.Date(2026, 11, 24, 0, 0, 1, 0, time.UTC), time.Date(2026, 11, 23, 23, 59, 59, 0, time.UTC)
	f.Clock.Set(after)
	f.Turn() // does not see what is written meanwhile
	f.Clock.Set(before)
	registered := f.MustRegister(lead, turningAdult(1, "2026-11-24"))
	f.Clock.Set(after.Add(time.Minute))
	f.Turn()
	if got := asking(t, f, domain.Adult); !slices.Equal(got, []string{registered.PlanID}) {
		t.Errorf("ask: %v, want %s", got, registered.PlanID)
	}
}

// Servers that look at the calendar at once, while a plan is changed, agree.
func TestCalendar_OfSeveralServers(t *testing.T) {
	t.Parallel()
	f := servicetest.New(t)
	second := f.Another()
	held := f.MustRegister(lead, turningAdult(1, "2026-11-24"))
	f.MustFill()
	f.Turn()
	f.Clock.Set(noon.AddDate(0, 0, 1))
	q := servicetest.Amendment(held, turningAdult(1, "2026-11-24"))
	q.DateOfBirth = "2009-01-01"
	errs := servicetest.AtOnce(
		func() error { return f.ReadCalendar(t.Context()) },
		func() error { return second.Work.ReadCalendar(t.Context()) },
		func() error {
			_, err := f.AmendPlan(t.Context(), lead, q)
			return err
		},
	)
	if err := errors.Join(errs...); err != nil {
		t.Fatal(servicetest.Explain(err))
	}
	f.WantListed()
}

// The calendar goes on by the new key while the index key rotates, and afterwards.
func TestCalendar_WhileTheIndexKeyRotates(t *testing.T) {
	t.Parallel()
	f := servicetest.New(t)
	first := f.MustRegister(lead, turningAdult(1, "2026-11-24"))
	second := f.MustRegister(lead, turningAdult(2, "2026-11-25"))
	f.MustFill()
	f.MustRotateIndexKey()
	f.Clock.Set(noon.AddDate(0, 0, 1))
	f.Turn()
	if got := asking(t, f, domain.Adult); !slices.Equal(got, []string{first.PlanID}) {
		t.Errorf("ask: %v", got)
	}
	f.MustReplaceIndexKey()
	f.Clock.Set(noon.AddDate(0, 0, 2))
	f.Turn()
	got := asking(t, f, domain.Adult)
	slices.Sort(got)
	if want := []string{first.PlanID, second.PlanID}; !slices.Equal(got, want) {
		t.Errorf("ask: %v, want %v", got, want)
	}
	f.WantListed()
}

// What somebody changed is believed by nobody, and somebody is woken.
func TestCalendar_BelievesNoRow(t *testing.T) {
	t.Parallel()
	f := servicetest.New(t)
	f.MustRegister(lead, turningAdult(1, "2026-11-24"))
	f.MustFill()
	f.Turn()
	f.Turned("work_state", "day", "day + 1000", func() {
		if err := f.ReadCalendar(t.Context()); !errors.Is(err, guard.ErrDamaged) && f.Damaged.Load() == 0 {
			t.Errorf("got %v", err)
		}
		if p := f.MustWork(lead).Plans; p != nil {
			t.Errorf("counted %+v", p)
		}
	})
	f.Turned("plan_index", "comes", "NULL", func() {
		before := f.Damaged.Load()
		f.VerifyAll()
		if f.Damaged.Load() == before {
			t.Error("nobody was woken")
		}
	})
}

// Each part is counted alone. What cannot be counted is not none.
func TestWorkList_CountsWhatWaits(t *testing.T) {
	t.Parallel()
	f := servicetest.New(t)
	if got := f.MustWork(lead); got.Plans != nil || got.Notices == nil || got.Numbers == nil || got.Numbers.Overdue {
		t.Errorf("before anything was listed: got %+v", got)
	}
	f.MustFill()
	f.Turn()
	f.MustRegister(lead, under(numberAt(1)))
	f.MustLookUp(servicetest.Nurse, servicetest.Unscheduled(numberAt(1)))
	offered := f.MustRegister(servicetest.OtherLead, under(numberAt(2)))
	f.MustOffer(servicetest.OtherLead, offered.PlanID, servicetest.Islington)
	f.MustTransfer(f.MustRegister(lead, under(numberAt(3))))
	f.MustPropose(lead, servicetest.Proposal("restrict", numberAt(1)))
	f.MustSend(lead, servicetest.Delta, servicetest.SheetHeader+servicetest.SheetRow("nhs_number="+numberAt(4)))
	f.Clock.Advance(91 * 24 * time.Hour)
	f.MustFill()
	f.Turn()
	inbox, err := f.ListNotices(t.Context(), lead, &notice.InboxQuery{Open: true})
	if err != nil || len(inbox.Notices) == 0 {
		t.Fatalf("the inbox: %+v, %v", inbox, err)
	}
	got := f.MustWork(lead)
	want := &work.List{
		Notices:   &work.Notices{Open: len(inbox.Notices), Oldest: noon},
		Decisions: &work.Decisions{Files: 1, Offered: 1, Offering: 1, Proposals: 1, Own: 1},
		Plans:     &work.Plans{AsOf: f.Clock.Now()},
		Numbers:   &work.Numbers{Confirmed: noon, Overdue: true},
		Channels:  &work.Channels{},
	}
	got.Receipt = guard.Receipt{}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("what waits (-want +got):\n%s", diff)
	}
	e := f.LastEntry()
	if e.Action != "read_work" || e.Outcome != "done" || e.Counts["notices"] != int64(len(inbox.Notices)) || e.Counts["decisions"] != 3 || len(e.Disclosed) != 0 || e.Subject != nil {
		t.Errorf("entry %+v", e)
	}
	if got := f.MustWork(servicetest.Deputy).Decisions; got.Own != 0 || got.Proposals != 1 {
		t.Errorf("a colleague has %+v", got)
	}
	if _, err := f.WorkList(t.Context(), servicetest.Nurse, &work.ListRequest{}); !errors.Is(err, guard.ErrDenied) {
		t.Errorf("a nurse: got %v, want %v", err, guard.ErrDenied)
	}
	f.Exec(`REVOKE SELECT ON cpis.notice FROM cpis_app`)
	f.Exec(`REVOKE SELECT ON cpis.channel FROM cpis_app`)
	if got := f.MustWork(lead); got.Notices != nil || got.Channels != nil || got.Decisions == nil || got.Plans == nil {
		t.Errorf("a part that cannot be counted: got %+v", got)
	}
}
