package notice_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cpis/policy"
	"cpis/service/domain"
	"cpis/service/guard"
	"cpis/service/notice"
	"cpis/service/servicetest"
)

// wereTold has an authority told so often, as of a moment; those that were answered, after
// some time.
func wereTold(f *servicetest.Fixture, authority, kind, setting string, at time.Time, often int, after time.Duration) {
	f.TB.Helper()
	var answered *time.Time
	if after > 0 {
		t := at.Add(after)
		answered = &t
	}
	f.Exec(`INSERT INTO cpis.notice (id, authority, kind, priority, at, organisation, setting, log, entry, acknowledged_at, mac)
		SELECT gen_random_uuid(), $1, $2, false, $3, 'RJ1', $4, (SELECT min(id) FROM cpis.log), 1000000, $5, '' FROM generate_series(1, $6::integer)`, authority, kind, at, setting, answered, often)
}

func TestGetFigures_CountsByWeekAndSettingAndSinglesNobodyOut(t *testing.T) {
	t.Parallel()
	f := newService(t)
	week := time.Date(2026, time.November, 9, 9, 0, 0, 0, time.UTC) // a Monday
	f.Clock.Set(time.Date(2026, time.November, 23, 10, 0, 0, 0, time.UTC))
	const mine, other = servicetest.Islington, servicetest.Camden
	wereTold(f, mine, "unscheduled_access", "emergency_department", week, 12, time.Hour)
	wereTold(f, mine, "break_glass", "ambulance", week.AddDate(0, 0, 1), 3, 0)
	wereTold(f, mine, "restricted_access", "maternity", week.AddDate(0, 0, 6), 8, 20*time.Hour) // a Sunday, until Monday
	wereTold(f, mine, "transfer_proposed", "", week, 50, 0)                                     // says nothing about a look-up
	wereTold(f, other, "unscheduled_access", "maternity", week, 50, 0)                          // another's
	wereTold(f, mine, "unscheduled_access", "maternity", week.AddDate(0, 0, 14), 50, 0)         // this week is not over
	got, err := f.GetFigures(t.Context(), servicetest.Lead, &notice.FiguresRequest{})
	if err != nil {
		t.Fatal(servicetest.Explain(err))
	}
	if len(got.Weeks) != 13 || got.From.String() != "2026-08-24" || got.Until.String() != "2026-11-22" {
		t.Errorf("the weeks are %d, from %s until %s", len(got.Weeks), got.From, got.Until)
	}
	if diff := cmp.Diff([]domain.Setting{domain.Ambulance, domain.EmergencyDepartment, domain.Maternity}, got.Settings); diff != "" {
		t.Errorf("settings (-want +got):\n%s", diff)
	}
	want := notice.FiguresWeek{
		Week: domain.DateOf(week), All: notice.Figure{Count: 20}, Settings: []notice.Figure{{Hidden: true}, {Count: 10}, {Count: 10}},
		Took: notice.Took{Known: true, Median: 1, Ninth: -1},
	}
	same := cmp.Comparer(func(a, b domain.Date) bool { return a == b })
	if diff := cmp.Diff(want, got.Weeks[11], same); diff != "" {
		t.Errorf("the week (-want +got):\n%s", diff)
	}
	// 12 of 23 within an hour, 8 by Monday's end, 3 not yet.
	if diff := cmp.Diff(notice.Answered{Took: want.Took, FourHours: 50, WorkingDay: 85, ThreeDays: 85, Open: 15}, got.Answered); diff != "" {
		t.Errorf("all weeks (-want +got):\n%s", diff)
	}
	if empty := got.Weeks[12]; empty.All != (notice.Figure{}) || empty.Took.Known {
		t.Errorf("a week of nothing is %+v", empty)
	}
	e := f.LastEntry()
	if e.Action != "read_figures" || e.Outcome != "done" || e.Counts["weeks"] != 13 || e.Subject != nil || len(e.Disclosed) != 0 {
		t.Errorf("the entry is %+v", e)
	}
}

// A year takes in what 13 weeks leave out, and shows each week alike.
func TestGetFigures_ShowAWeekAlikeWhateverElseIsShown(t *testing.T) {
	t.Parallel()
	f := newService(t)
	f.Clock.Set(time.Date(2026, time.November, 23, 10, 0, 0, 0, time.UTC))
	for i := range 30 {
		wereTold(f, servicetest.Islington, "unscheduled_access", "maternity", time.Date(2026, time.November, 18-7*i, 9, 0, 0, 0, time.UTC), i, time.Minute)
	}
	few, err := f.GetFigures(t.Context(), servicetest.Lead, &notice.FiguresRequest{Weeks: 13})
	if err != nil {
		t.Fatal(servicetest.Explain(err))
	}
	many, err := f.GetFigures(t.Context(), servicetest.Lead, &notice.FiguresRequest{Weeks: 52})
	if err != nil {
		t.Fatal(servicetest.Explain(err))
	}
	same := cmp.Comparer(func(a, b domain.Date) bool { return a == b })
	if diff := cmp.Diff(few.Weeks, many.Weeks[39:], same); diff != "" {
		t.Errorf("13 weeks (-of 13 +of 52):\n%s", diff)
	}
	if early := many.Weeks[51-29]; early.All.Count != 30 {
		t.Errorf("29 weeks ago is %+v", early)
	}
}

func TestGetFigures_RefusesWhatItDoesNotHaveAndWhoMayNot(t *testing.T) {
	t.Parallel()
	f := newService(t)
	if _, err := f.GetFigures(t.Context(), servicetest.Lead, &notice.FiguresRequest{Weeks: 2}); err == nil {
		t.Error("two weeks are shown")
	}
	if _, err := f.GetFigures(t.Context(), servicetest.Nurse, &notice.FiguresRequest{}); !errors.Is(err, guard.ErrDenied) {
		t.Errorf("a nurse gets %v", err)
	}
	if e := f.LastEntry(); e.Action != string(policy.ReadFigures) || e.Outcome != "denied" {
		t.Errorf("the entry is %+v", e)
	}
}

// Whoever knows how numbers are hidden learns of none that is hidden which it is: for
// each from 1 to 4 there is a week that looks the same.
func TestFigures_HideWhatTheyHideAlsoFromSubtraction(t *testing.T) {
	t.Parallel()
	const tried, judged = 16, 10 // others of what looks like more than is judged were not tried
	possible := map[string]map[int64]bool{}
	counts := make([]int64, 3)
	for counts[0] = range int64(5) {
		for counts[1] = range int64(tried) {
			for counts[2] = range int64(tried) {
				sum, each := notice.SingleOut(counts)
				if !each[0].Hidden || each[1].Count > judged || each[2].Count > judged {
					continue
				}
				look := fmt.Sprint(sum, each)
				if possible[look] == nil {
					possible[look] = map[int64]bool{}
				}
				possible[look][counts[0]] = true
			}
		}
	}
	for look, numbers := range possible {
		if len(numbers) != 4 {
			t.Errorf("what looks like %s can be no other than %v", look, numbers)
		}
	}
}
