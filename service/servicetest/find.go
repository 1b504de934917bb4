package servicetest

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/google/go-cmp/cmp"

	"cpis/service/domain"
	"cpis/service/identity"
	"cpis/service/plan"
	"cpis/service/work"
)

// Named asks for people by name: "Family", "Family, Given" or "Family, Given,
// 2019-04-30".
func Named(text string) *plan.FindRequest {
	parts := append(strings.Split(text, ", "), "", "")
	return &plan.FindRequest{Family: parts[0], Given: parts[1], DateOfBirth: parts[2]}
}

// MustFind finds people.
func (f *planSteps) MustFind(c *identity.Caller, q *plan.FindRequest) *plan.FoundPeople {
	f.TB.Helper()
	out, err := f.FindPeople(f.TB.Context(), c, q)
	if err != nil {
		f.TB.Fatalf("FindPeople: %s", Explain(err))
	}
	return out
}

// WantFound checks whom a name finds, by their NHS numbers.
func (f *planSteps) WantFound(c *identity.Caller, name string, numbers ...string) {
	f.TB.Helper()
	var got, want []string
	for _, p := range f.MustFind(c, Named(name)).People {
		got = append(got, p.Person.NHSNumber.Reveal())
	}
	for _, n := range numbers {
		parsed, _ := domain.ParseNHSNumber(n)
		want = append(want, parsed.Reveal())
	}
	slices.Sort(got)
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" {
		f.TB.Errorf("%s finds %q of %s (-want +got):\n%s", c.ID, name, c.Organisation, diff)
	}
}

// derived are the rows that are made of what is sealed, without their MACs: those say
// also which index keys were known.
func (f *planSteps) derived() []string {
	f.TB.Helper()
	return append(f.unproved("plan_index"), f.unproved("work_item")...)
}

// unproved returns the rows of a table without their MACs, which come last.
func (f *planSteps) unproved(table string) []string {
	f.TB.Helper()
	rows := f.all.Dump(table)
	for i := range rows {
		rows[i] = rows[i][:strings.LastIndexByte(rows[i], ',')]
	}
	slices.Sort(rows)
	return rows
}

// WantIndexed checks that what finds plans is what a rebuild would make of them.
func (f *planSteps) WantIndexed() {
	f.TB.Helper()
	kept := f.derived()
	f.all.Exec(`DELETE FROM cpis.plan_index`)
	f.all.Exec(`DELETE FROM cpis.work_item`)
	f.all.Exec(`DELETE FROM cpis.work_state`)
	f.MustFill()
	if diff := cmp.Diff(f.derived(), kept); diff != "" {
		f.TB.Errorf("what finds plans (-rebuilt +kept):\n%s", diff)
	}
}

// WantListed checks that the plans that ask for their authorities are those that a
// rebuild would list.
func (f *planSteps) WantListed() {
	f.TB.Helper()
	kept := f.unproved("work_item")
	f.all.Exec(`DELETE FROM cpis.plan_index`)
	f.all.Exec(`DELETE FROM cpis.work_item`)
	f.Pass()
	if diff := cmp.Diff(f.unproved("work_item"), kept); diff != "" {
		f.TB.Errorf("plans that ask (-rebuilt +kept):\n%s", diff)
	}
}

// Pass lets an hour pass, after which all plans are gone through.
func (f *planSteps) Pass() {
	f.TB.Helper()
	f.Clock.Advance(time.Hour)
	if err := f.FillIndex(f.TB.Context()); err != nil {
		f.TB.Fatalf("FillIndex: %v", err)
	}
}

// MustFill gives all plans what finds them.
func (f *planSteps) MustFill() {
	f.TB.Helper()
	for range 100 {
		if err := f.FillIndex(f.TB.Context()); err != nil {
			f.TB.Fatalf("FillIndex: %v", err)
		}
		state, err := f.DB.Plans.WorkState(f.TB.Context())
		if err != nil {
			f.TB.Fatalf("WorkState: %v", err)
		}
		if f.Complete(state) {
			return
		}
	}
	f.TB.Fatal("there is no end")
}

// Turn has the calendar read, as the service does each minute.
func (f *planSteps) Turn() {
	f.TB.Helper()
	if err := f.ReadCalendar(context.WithoutCancel(f.TB.Context())); err != nil {
		f.TB.Fatalf("ReadCalendar: %v", err)
	}
}

// MustWork returns what waits for an authority.
func (f *planSteps) MustWork(c *identity.Caller) *work.List {
	f.TB.Helper()
	out, err := f.WorkList(f.TB.Context(), c, &work.ListRequest{})
	if err != nil {
		f.TB.Fatalf("WorkList: %s", Explain(err))
	}
	return out
}
