package plan_test

import (
	"fmt"
	"testing"
	"time"

	"cpis/service/guard"
	"cpis/service/lookup"
	"cpis/service/servicetest"
)

// While the index key rotates everybody is found, by servers that know the new key
// and by those that do not yet; afterwards by the new one alone.
func TestFindPeople_WhileTheIndexKeyRotates(t *testing.T) {
	t.Parallel()
	f := newService(t)
	late := f.AnotherWith(f.OpenRing())
	f.MustRegister(lead, named(1, "Ash", "Ann", "2019-04-30"))
	f.MustFill()
	f.MustRotateIndexKey()
	if err := f.CheckKeys(t.Context()); err != nil {
		t.Fatal(err)
	}
	f.MustRegister(lead, named(2, "Ash", "Ole", "2018-04-30"))
	if _, err := late.Plans.RegisterPlan(t.Context(), lead, named(3, "Ash", "Pat", "2017-04-30")); err != nil {
		t.Fatal(explain(err))
	}
	f.WantFound(lead, "Ash", numberAt(1), numberAt(2), numberAt(3))
	got, err := late.Plans.FindPeople(t.Context(), lead, servicetest.Named("Ash"))
	if err != nil || len(got.People) != 3 {
		t.Errorf("a server that does not know the new key: got %+v, %v", got, explain(err))
	}
	f.MustReplaceIndexKey()
	f.Clock.Advance(3 * time.Minute)
	f.WantFound(lead, "Ash", numberAt(1), numberAt(2), numberAt(3))
	if got := f.MustFind(lead, servicetest.Named("Ash")); got.Incomplete {
		t.Error("it says that some cannot be found")
	}
	f.WantIndexed()
}

// A database from before is filled while others write, a page at a time; until then
// the answer says that somebody may be missing.
func TestFindPeople_WhileOlderPlansAreIndexed(t *testing.T) {
	t.Parallel()
	f := newService(t)
	f.MustApply(lead, servicetest.Delta, string(servicetest.ManyRows(450, 100)))
	held := f.MustRegister(lead, named(1, "Ash", "Ann", "2019-04-30"))
	for _, table := range []string{"plan_index", "work_item", "holding"} {
		f.Exec(`DELETE FROM cpis.` + table)
	}
	if got := f.MustFind(lead, servicetest.Named("Ash")); !got.Incomplete || len(got.People) != 0 {
		t.Errorf("got %+v", got)
	}
	if got := f.MustGet(lead, numberAt(1)); got.ID != "" {
		t.Errorf("identifier %q of nobody", got.ID)
	}
	second := f.Another()
	errs := atOnce(
		func() error { return f.FillIndex(t.Context()) },
		func() error { return second.Records.FillIndex(t.Context()) },
		func() error {
			q := amendment(held, named(1, "Birch", "Ann", "2019-04-30"))
			_, err := f.AmendPlan(t.Context(), lead, q)
			return err
		},
		func() error {
			_, err := f.LookUp(t.Context(), nurse, unscheduled(numberAt(100)))
			return err
		},
		func() error {
			_, err := f.RegisterPlan(t.Context(), lead, named(2, "Birch", "Bo", "2018-04-30"))
			return err
		},
	)
	for i, err := range errs {
		if err != nil {
			t.Errorf("%d: %s", i, explain(err))
		}
	}
	f.MustFill()
	f.WantFound(lead, "Birch", numberAt(1), numberAt(2))
	if got := f.MustFind(lead, servicetest.Named("Birch, Ann")); got.Incomplete || got.People[0].ID == "" {
		t.Errorf("got %+v", got)
	}
	f.WantIndexed()
}

// Of two who amend one plan at once, what the one wrote that won is found.
func TestFindPeople_AfterTwoAmendAtOnce(t *testing.T) {
	t.Parallel()
	f := newService(t)
	held := f.MustRegister(lead, named(1, "Ash", "Ann", "2019-04-30"))
	var acts []func() error
	for i := range 4 {
		acts = append(acts, func() error {
			_, err := f.AmendPlan(t.Context(), lead, amendment(held, named(1, fmt.Sprintf("Birch%d", i), "Ann", "2019-04-30")))
			return err
		})
	}
	expectOneWon(t, atOnce(acts...), guard.ErrConflict)
	f.WantFound(lead, f.MustGet(lead, numberAt(1)).Person.Family, numberAt(1))
	f.WantIndexed()
}

// A change that fails leaves what was found before.
func TestFindPeople_AfterAChangeThatFails(t *testing.T) {
	t.Parallel()
	f := newService(t)
	held := f.MustRegister(lead, named(1, "Ash", "Ann", "2019-04-30"))
	f.Exec(`ALTER TABLE cpis.plan_index ADD CONSTRAINT none CHECK (plan_version < 2)`)
	if _, err := f.AmendPlan(t.Context(), lead, amendment(held, named(1, "Birch", "Ann", "2019-04-30"))); err == nil {
		t.Fatal("it was amended")
	}
	f.WantFound(lead, "Ash", numberAt(1))
	if a := f.MustLookUp(nurse, unscheduled(numberAt(1))); a.Verdict != lookup.FlagHeld {
		t.Errorf("got %s", a.Verdict)
	}
}
