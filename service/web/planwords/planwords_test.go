package planwords_test

import (
	"testing"
	"time"

	"cpis/service/domain"
	"cpis/service/plan"
	"cpis/service/web/planwords"
)

func day(year int, month time.Month, day int) domain.Date {
	return domain.DateOf(time.Date(year, month, day, 0, 0, 0, 0, time.UTC))
}

func TestStates_SayWhereAPlanStands(t *testing.T) {
	t.Parallel()
	today, child, adult := day(2026, 11, 22), day(2019, 4, 30), day(2008, 11, 22)
	unborn := domain.Details{Kind: domain.UCPP, Expected: day(2026, 11, 21)}
	for _, c := range []struct {
		plan plan.Plan
		born domain.Date
		want string
	}{
		{plan.Plan{Details: domain.Details{Kind: domain.CPP}}, child, "in force"},
		{plan.Plan{Details: domain.Details{Kind: domain.LAC}}, adult, "in force, over 18"},
		{plan.Plan{Details: unborn}, adult, "in force, past due date"},
		{plan.Plan{Details: domain.Details{Kind: domain.CPP}, TransferTo: "E09000007"}, child, "in force, being transferred"},
		{plan.Plan{Details: domain.Details{Kind: domain.CPP, End: day(2026, 11, 20)}, Ended: true}, child, "ended"},
		{plan.Plan{Details: unborn, Removed: true, Ended: true}, adult, "removed"},
	} {
		if got := planwords.States(&c.plan, c.born, today); got != c.want {
			t.Errorf("%+v: got %q, want %q", c.plan, got, c.want)
		}
		if got := len(planwords.Tags(&c.plan, c.born, today)); got == 0 {
			t.Errorf("%+v has no tag", c.plan)
		}
	}
}
