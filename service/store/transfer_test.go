package store_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"cpis/service/store"
)

// offered is a transfer of a plan of Leeds to York that nobody has decided
// about.
func (f *fixture) offered(plan store.PlanRow) store.TransferRow {
	return store.TransferRow{
		ID: newID(), Plan: plan.ID, Person: plan.Person, Sender: leeds, Receiver: york, State: "open",
		ProposedAt: f.now, Proposed: []byte("sealed: by whom"),
	}
}

// offer stores a transfer.
func (f *fixture) offer(plan store.PlanRow) store.TransferRow {
	f.tb.Helper()
	t := f.offered(plan)
	f.change(func(tx *store.Tx) error { return tx.Transfers.Insert(f.tb.Context(), &t) })
	return t
}

// settle decides about a transfer.
func (f *fixture) settle(t *store.TransferRow, state string) error {
	at := f.now.Add(time.Hour)
	t.State, t.DecidedAt, t.Decided = state, &at, []byte("sealed: by whom too")
	return f.tryChange(func(tx *store.Tx) error { return tx.Transfers.Decide(f.tb.Context(), t) })
}

func TestTransfersAreOfferedOnceAndDecidedOnce(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	_, plans := f.child(nil)
	first := f.offer(plans[0])
	for _, get := range []func() (store.TransferRow, error){
		func() (store.TransferRow, error) { return f.db.Transfers.Get(t.Context(), first.ID) },
		func() (store.TransferRow, error) { return f.db.Transfers.Open(t.Context(), plans[0].ID) },
	} {
		got, err := get()
		f.must(err)
		if diff := cmp.Diff(first, got); diff != "" {
			t.Errorf("transfer (-want +got):\n%s", diff)
		}
	}
	again := f.offered(plans[0])
	err := f.tryChange(func(tx *store.Tx) error { return tx.Transfers.Insert(t.Context(), &again) })
	if !errors.Is(err, store.ErrConflict) {
		t.Errorf("offered again: got %v, want %v", err, store.ErrConflict)
	}
	f.must(f.settle(&first, "declined"))
	got, err := f.db.Transfers.Get(t.Context(), first.ID)
	f.must(err)
	if diff := cmp.Diff(first, got); diff != "" {
		t.Errorf("decided transfer (-want +got):\n%s", diff)
	}
	if _, err := f.db.Transfers.Open(t.Context(), plans[0].ID); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("the open one: got %v, want %v", err, store.ErrNotFound)
	}
	if err := f.settle(&got, "accepted"); !errors.Is(err, store.ErrConflict) {
		t.Errorf("decided again: got %v, want %v", err, store.ErrConflict)
	}
	f.offer(plans[0])
}

func TestTransfersOfWhatDoesNotExist(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	_, plans := f.child(nil)
	for name, change := range map[string]func(*store.TransferRow){
		"plan":     func(r *store.TransferRow) { r.Plan = newID() },
		"person":   func(r *store.TransferRow) { r.Person = newID() },
		"receiver": func(r *store.TransferRow) { r.Receiver = "E99999999" },
	} {
		wrong := f.offered(plans[0])
		change(&wrong)
		err := f.tryChange(func(tx *store.Tx) error { return tx.Transfers.Insert(t.Context(), &wrong) })
		if !errors.Is(err, store.ErrNotFound) {
			t.Errorf("%s: got %v, want %v", name, err, store.ErrNotFound)
		}
	}
	if _, err := f.db.Transfers.Get(t.Context(), newID()); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("got %v, want %v", err, store.ErrNotFound)
	}
}

// Both sides see a transfer, nobody else does, and pages hold each once.
func TestTransfersComeNewestFirst(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	var want []uuid.UUID
	for i := range 5 {
		_, plans := f.child(nil)
		r := f.offered(plans[0])
		if i%2 == 1 {
			r.Sender, r.Receiver = york, leeds
		}
		f.change(func(tx *store.Tx) error { return tx.Transfers.Insert(t.Context(), &r) })
		if i == 2 {
			f.must(f.settle(&r, "withdrawn"))
		}
		want = slices.Insert(want, 0, r.ID)
	}
	page := func(authority string, openOnly bool, limit int) (ids []uuid.UUID) {
		before := uuid.Max
		for {
			rows, err := f.db.Transfers.List(t.Context(), authority, openOnly, before, limit)
			f.must(err)
			for _, r := range rows {
				ids = append(ids, r.ID)
				before = r.ID
			}
			if len(rows) < limit {
				return ids
			}
		}
	}
	for _, authority := range []string{leeds, york} {
		for _, limit := range []int{1, 2, 10} {
			if diff := cmp.Diff(want, page(authority, false, limit)); diff != "" {
				t.Errorf("%s, pages of %d (-want +got):\n%s", authority, limit, diff)
			}
		}
		if diff := cmp.Diff(slices.Delete(slices.Clone(want), 2, 3), page(authority, true, 2)); diff != "" {
			t.Errorf("%s, open ones (-want +got):\n%s", authority, diff)
		}
	}
	if got := page("E99999999", false, 10); got != nil {
		t.Errorf("another authority sees %d", len(got))
	}
}

func TestPlansOfOthersAreThoseThatAreShown(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	child, plans := f.child(nil, date(0), date(-1))
	removed, theirs := f.plan(child.ID, nil), f.plan(child.ID, nil)
	removed.Removed, theirs.Authority = true, york
	other, _ := f.child(nil)
	f.change(func(tx *store.Tx) error { return tx.Plans.Insert(t.Context(), []store.PlanRow{removed, theirs}) })
	got, err := f.db.Plans.OfOthers(t.Context(), []uuid.UUID{child.ID, newID()}, york, today)
	f.must(err)
	if diff := cmp.Diff(plans[:2], got); diff != "" {
		t.Errorf("plans (-want +got):\n%s", diff)
	}
	got, err = f.db.Plans.OfOthers(t.Context(), []uuid.UUID{child.ID, other.ID}, leeds, today)
	f.must(err)
	if diff := cmp.Diff([]store.PlanRow{theirs}, got); diff != "" {
		t.Errorf("plans (-want +got):\n%s", diff)
	}
}

func TestPlansAfterPagesThroughAnAuthoritysOwn(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	child, want := f.child(nil, date(0), date(-1), nil)
	removed, theirs := f.plan(child.ID, nil), f.plan(child.ID, nil)
	removed.Removed, theirs.Authority = true, york
	f.change(func(tx *store.Tx) error { return tx.Plans.Insert(t.Context(), []store.PlanRow{removed, theirs}) })
	var got []store.PlanRow
	for after := uuid.Nil; ; after = got[len(got)-1].ID {
		rows, err := f.db.Plans.After(t.Context(), leeds, after, 3)
		f.must(err)
		got = append(got, rows...)
		if len(rows) < 3 {
			break
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("plans (-want +got):\n%s", diff)
	}
	byID, err := f.db.Plans.ByID(t.Context(), []uuid.UUID{theirs.ID, want[1].ID, newID()})
	f.must(err)
	if diff := cmp.Diff([]store.PlanRow{want[1], theirs}, byID); diff != "" {
		t.Errorf("plans by id (-want +got):\n%s", diff)
	}
}

// A plan moves with a new version, which says where it is now and where it was.
func TestPlansMoveWithANewVersion(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	_, plans := f.child(nil)
	twin, _ := f.child(nil)
	offered := plans[0]
	offered.Version, offered.TransferTo = 2, york
	moved := offered
	moved.Version, moved.TransferTo, moved.Authority, moved.Person = 3, "", york, twin.ID
	for _, p := range []store.PlanRow{offered, moved} {
		f.change(func(tx *store.Tx) error { return tx.Plans.Update(t.Context(), []store.PlanRow{p}) })
	}
	versions, err := f.db.Plans.Versions(t.Context(), plans[0].ID)
	f.must(err)
	var got []store.PlanRow
	for _, v := range versions {
		got = append(got, v.PlanRow)
	}
	if diff := cmp.Diff([]store.PlanRow{moved, offered, plans[0]}, got); diff != "" {
		t.Errorf("versions (-want +got):\n%s", diff)
	}
}
