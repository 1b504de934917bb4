package store_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"cpis/service/store"
	"cpis/service/store/dbtest"
)

func TestFlags(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	child, plans := f.child(nil, date(0), date(90), date(-1))
	f.change(func(tx *store.Tx) error { // a mistake, taken back
		wrong := f.plan(child.ID, nil)
		f.must(tx.Plans.Insert(t.Context(), []store.PlanRow{wrong}))
		wrong.Version, wrong.Removed = 2, true
		return tx.Plans.Update(t.Context(), []store.PlanRow{wrong})
	})
	past, _ := f.child(date(-1))
	_, _ = f.child(nil) // not asked for

	tags := []store.Tag{randomTag(), past.Tag, child.Tag, child.Tag}
	got, err := f.db.Plans.Flags(t.Context(), tags, today)
	f.must(err)
	var want []store.FlagRow
	for _, p := range plans[:3] { // visible today: the first three
		want = append(want, store.FlagRow{
			Tag: child.Tag, Person: child.PersonRow, Plan: p,
			Authority: store.AuthorityRow{
				GSS: leeds, DfE: "383", Name: "Leeds", Kind: "Metropolitan Districts",
				OfficePhone: "0113 496 0000", DutyPhone: "0113 496 0001",
			},
		})
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("flags (-want +got):\n%s", diff)
	}
	if got, err := f.db.Plans.Flags(t.Context(), nil, today); err != nil || len(got) != 0 {
		t.Errorf("flags of nobody: got %d, %v", len(got), err)
	}
}

func TestReadGivesFlagsWithTheirHistory(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	first, _ := f.child(nil, date(20))
	second, _ := f.child(nil)
	past, _ := f.child(date(-1))
	for i := range 30 {
		for _, p := range []uuid.UUID{first.ID, past.ID} {
			f.append(lines(1), func(b *store.Batch) {
				b.Accesses = []store.AccessRow{{
					ID: newID(), Person: p, Organisation: []string{trust, "GONE"}[i%2], Setting: "ward",
					At: f.now.Add(time.Duration(i) * 5 * time.Hour),
				}}
			})
		}
	}
	tags := []store.Tag{first.Tag, second.Tag, past.Tag, randomTag()}
	flags, history, err := f.db.Read(t.Context(), tags, today)
	f.must(err)

	wantFlags, err := f.db.Plans.Flags(t.Context(), tags, today)
	f.must(err)
	if diff := cmp.Diff(wantFlags, flags); diff != "" || len(flags) != 3 {
		t.Errorf("flags: got %d, want the 3 that Flags gives (-want +got):\n%s", len(flags), diff)
	}
	wantHistory, err := f.db.Accesses.History(t.Context(), []uuid.UUID{first.ID, second.ID})
	f.must(err)
	if diff := cmp.Diff(wantHistory, history); diff != "" {
		t.Errorf("history (-want +got):\n%s", diff)
	}
	if len(history) != 25 {
		t.Errorf("history: got %d accesses, want the last 25 of who has a flag", len(history))
	}
	if !slices.IsSortedFunc(history, func(a, b store.AccessRow) int { return b.At.Compare(a.At) }) {
		t.Error("history is not newest first")
	}
	if got, want := history[0].OrganisationName, ""; got != want {
		t.Errorf("name of an organisation that is not known: got %q, want none", got)
	}
	if got, want := history[1].OrganisationName, "LEEDS TEACHING HOSPITALS"; got != want {
		t.Errorf("name of an organisation: got %q, want %q", got, want)
	}
}

func TestPlansKeepTheirVersions(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	child, plans := f.child(nil)
	plan := plans[0]

	ended := plan
	ended.Version, ended.VisibleUntil, ended.Sealed, ended.At = 2, date(365), []byte("ended"), f.now.Add(time.Hour)
	f.append(lines(3), nil)
	f.change(func(tx *store.Tx) error { return tx.Plans.Update(t.Context(), []store.PlanRow{ended}) })

	got, err := f.db.Plans.Get(t.Context(), plan.ID)
	f.must(err)
	if diff := cmp.Diff(ended, got); diff != "" {
		t.Errorf("plan (-want +got):\n%s", diff)
	}
	versions, err := f.db.Plans.Versions(t.Context(), plan.ID)
	f.must(err)
	want := []store.PlanVersion{
		{PlanRow: ended, Log: f.log, Entry: 4, Entries: 1},
		{PlanRow: plan, Log: f.log, Entry: 0, Entries: 1},
	}
	if diff := cmp.Diff(want, versions); diff != "" {
		t.Errorf("versions (-want +got):\n%s", diff)
	}

	for name, stale := range map[string]store.PlanRow{
		"of the same version": ended,
		"that skips one":      {ID: plan.ID, Version: 4, Sealed: []byte{1}, At: f.now},
		"of nothing":          {ID: newID(), Version: 2, Sealed: []byte{1}, At: f.now},
	} {
		err := f.tryChange(func(tx *store.Tx) error { return tx.Plans.Update(t.Context(), []store.PlanRow{stale}) })
		if !errors.Is(err, store.ErrConflict) {
			t.Errorf("a change %s: got %v, want %v", name, err, store.ErrConflict)
		}
	}
	nowhere := f.plan(child.ID, nil)
	nowhere.Authority = "E99999999"
	for name, orphan := range map[string]store.PlanRow{"person": f.plan(newID(), nil), "authority": nowhere} {
		err := f.tryChange(func(tx *store.Tx) error { return tx.Plans.Insert(t.Context(), []store.PlanRow{orphan}) })
		if !errors.Is(err, store.ErrNotFound) {
			t.Errorf("a plan of no %s: got %v, want %v", name, err, store.ErrNotFound)
		}
	}
	if _, err := f.db.Plans.Get(t.Context(), newID()); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("no plan: got %v, want %v", err, store.ErrNotFound)
	}
}

func TestPlansOfAnAuthority(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	child, plans := f.child(nil, date(-100))
	elsewhere := f.plan(child.ID, nil)
	elsewhere.Authority = york
	f.change(func(tx *store.Tx) error { return tx.Plans.Insert(t.Context(), []store.PlanRow{elsewhere}) })

	for authority, want := range map[string][]store.PlanRow{
		leeds: plans, york: {elsewhere}, "": append(slices.Clone(plans), elsewhere),
	} {
		got, err := f.db.Plans.Of(t.Context(), []uuid.UUID{child.ID}, authority)
		f.must(err)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("plans of %q (-want +got):\n%s", authority, diff)
		}
	}
}

func TestPersons(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	a, _ := f.child(nil)
	b, _ := f.child(nil)

	moved := a.PersonRow
	moved.Version, moved.Restricted, moved.Sealed, moved.At = 2, true, []byte("moved"), f.now.Add(time.Hour)
	f.change(func(tx *store.Tx) error { return tx.People.Update(t.Context(), []store.PersonRow{moved}) })
	err := f.tryChange(func(tx *store.Tx) error { return tx.People.Update(t.Context(), []store.PersonRow{moved}) })
	if !errors.Is(err, store.ErrConflict) {
		t.Errorf("changing it to the same version: got %v, want %v", err, store.ErrConflict)
	}
	if got := f.count(`SELECT count(*) FROM cpis.person_version WHERE person_id = $1`, a.ID); got != 2 {
		t.Errorf("versions kept: got %d, want 2", got)
	}

	found, err := f.db.People.ByTags(t.Context(), []store.Tag{b.Tag, randomTag(), a.Tag})
	f.must(err)
	want := []store.TaggedPerson{{Tag: a.Tag, PersonRow: moved}, b}
	if diff := cmp.Diff(want, found); diff != "" {
		t.Errorf("by tags (-want +got):\n%s", diff)
	}
	f.tx(func(tx *store.Tx) error {
		locked, err := tx.People.LockByTags(t.Context(), []store.Tag{b.Tag, randomTag(), a.Tag})
		if diff := cmp.Diff(want, locked); diff != "" {
			t.Errorf("locked by tags (-want +got):\n%s", diff)
		}
		return err
	})
	byID, err := f.db.People.ByID(t.Context(), []uuid.UUID{b.ID, newID()})
	f.must(err)
	if diff := cmp.Diff([]store.PersonRow{b.PersonRow}, byID); diff != "" {
		t.Errorf("by id (-want +got):\n%s", diff)
	}
	page, err := f.db.People.After(t.Context(), uuid.Nil, 1)
	f.must(err)
	if diff := cmp.Diff([]store.PersonRow{moved}, page); diff != "" {
		t.Errorf("first page (-want +got):\n%s", diff)
	}
}

func TestErasedPersonIsGone(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	child, _ := f.child(nil)
	f.change(func(tx *store.Tx) error { return tx.People.Erase(t.Context(), child.ID, 2, f.now) })

	flags, err := f.db.Plans.Flags(t.Context(), []store.Tag{child.Tag}, today)
	f.must(err)
	persons, err := f.db.People.After(t.Context(), uuid.Nil, 10)
	f.must(err)
	keys, err := f.db.Keys.After(t.Context(), store.PersonKeys, uuid.Nil, 10)
	f.must(err)
	if len(flags)+len(persons)+len(keys) != 0 {
		t.Errorf("left: %d flags, %d persons, %d keys; want none", len(flags), len(persons), len(keys))
	}
	if got := f.count(`SELECT count(*) FROM cpis.person WHERE wrapped_key = '' AND sealed = '' AND erased_at IS NOT NULL`); got != 1 {
		t.Errorf("rows without a key: got %d, want 1", got)
	}
	for _, version := range []int{2, 3} {
		err := f.tryChange(func(tx *store.Tx) error { return tx.People.Erase(t.Context(), child.ID, version, f.now) })
		if !errors.Is(err, store.ErrConflict) {
			t.Errorf("erasing again: got %v, want %v", err, store.ErrConflict)
		}
	}
}

// An upload of thousands of rows is applied within seconds, also on a connection
// that had planned it when there was nobody (TestManyRowsArePlannedAnew).
func TestManyPersonsAtOnce(t *testing.T) {
	t.Parallel()
	data := dbtest.New(t)
	f := fixtureIn(t, data, dbtest.OpenURL(t, data.App, store.Options{AllowUnsafe: true, MaxConns: 2}))
	const n = 3000
	f.exec(`ANALYZE cpis.person_tag, cpis.person, cpis.plan, cpis.plan_version`)
	f.changeAll(0) // plans it for empty tables
	f.load(0, n)
	f.changeAll(n)
	if got := f.count(`SELECT count(*) FROM cpis.plan_version WHERE version = 2 AND visible_until = $1`, date(365)); got != n {
		t.Errorf("plans changed: got %d, want %d", got, n)
	}
}

// changeAll changes the first n persons of load, and all their plans.
func (f *fixture) changeAll(n int) {
	f.tb.Helper()
	t, ctx := f.tb, f.tb.Context()
	tags := make([]store.Tag, n)
	for i := range tags {
		tags[i] = tagNumber(i)
	}
	f.change(func(tx *store.Tx) error {
		found, err := tx.People.LockByTags(ctx, tags)
		if err != nil || len(found) != n {
			t.Fatalf("persons found: got %d, %v; want %d", len(found), err, n)
		}
		persons := make([]store.PersonRow, n)
		ids := make([]uuid.UUID, n)
		for i, p := range found {
			persons[i], ids[i] = p.PersonRow, p.ID
			persons[i].Version++
		}
		if err := tx.People.Update(ctx, persons); err != nil {
			return err
		}
		plans, err := tx.Plans.Of(ctx, ids, leeds)
		if err != nil || len(plans) != n {
			t.Fatalf("plans found: got %d, %v; want %d", len(plans), err, n)
		}
		for i := range plans {
			plans[i].Version, plans[i].VisibleUntil = 2, date(365)
		}
		return tx.Plans.Update(ctx, plans)
	})
}
