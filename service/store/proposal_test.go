package store_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"cpis/service/store"
)

// A tag that comes to lead to somebody else while its old person is locked is
// followed: what is written about the old one would be lost.
func TestWhoLocksByATagFollowsIt(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	a, _ := f.child(nil)
	b, _ := f.child(nil)
	began, waited := make(chan struct{}), make(chan error, 1)
	var found []store.TaggedPerson
	go func() {
		<-began
		waited <- f.db.Tx(t.Context(), func(tx *store.Tx) (err error) {
			found, err = tx.People.LockByTags(t.Context(), []store.Tag{a.Tag})
			return err
		})
	}()
	f.tx(func(tx *store.Tx) error {
		if _, err := tx.People.Lock(t.Context(), []uuid.UUID{a.ID, b.ID}); err != nil {
			return err
		}
		close(began)
		if err := f.waitingForLocks(t, 1); err != nil {
			return err
		}
		if err := tx.Tags.Remove(t.Context(), []uuid.UUID{a.ID}); err != nil {
			return err
		}
		return tx.Tags.Insert(t.Context(), []store.TagRow{{Tag: a.Tag, Person: b.ID, IndexVersion: 1}})
	})
	f.must(<-waited)
	if diff := cmp.Diff([]store.TaggedPerson{{Tag: a.Tag, PersonRow: b.PersonRow}}, found); diff != "" {
		t.Errorf("locked (-want +got):\n%s", diff)
	}
}

// waitingForLocks waits until so many sessions wait for a lock of another.
func (f *fixture) waitingForLocks(t *testing.T, n int) error {
	t.Helper()
	for late := time.After(10 * time.Second); ; {
		if f.count(`SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()`) >= n {
			return nil
		}
		select {
		case <-late:
			return errors.New("nobody waits")
		default:
		}
	}
}

// A person with several numbers has a tag for each under each index key: until
// then it is among those to be tagged, and keeps its old tags.
func TestPersonsWithSeveralTags(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	a, _ := f.child(nil)
	second, first2, second2 := randomTag(), randomTag(), randomTag()
	add := func(tag store.Tag, version int) {
		f.tx(func(tx *store.Tx) error {
			return tx.Tags.Insert(t.Context(), []store.TagRow{{Tag: tag, Person: a.ID, IndexVersion: version}})
		})
	}
	add(second, 1)
	f.tx(func(tx *store.Tx) error {
		return tx.Keys.InsertIndex(t.Context(), store.IndexKeyRow{Version: 2, Wrapped: "wrapped:2", At: f.now})
	})
	add(first2, 2)
	todo, err := f.db.Tags.PeopleWithout(t.Context(), 2, uuid.Nil, 10)
	if err != nil || len(todo) != 1 || f.deleteOldTags() != 0 {
		t.Errorf("with one of two new tags: %d to tag, %v", len(todo), err)
	}
	add(second2, 2)
	todo, err = f.db.Tags.PeopleWithout(t.Context(), 2, uuid.Nil, 10)
	if err != nil || len(todo) != 0 {
		t.Errorf("with both: %d to tag, %v", len(todo), err)
	}
	leads, err := f.db.Tags.LeadingTo(t.Context(), []store.Tag{a.Tag, second, first2, second2, randomTag()})
	if err != nil || len(leads) != 4 {
		t.Errorf("%d tags, %v", len(leads), err)
	}
	f.tx(func(tx *store.Tx) error { return tx.Tags.RemoveVersion(t.Context(), []uuid.UUID{a.ID}, 2) })
	if n := f.deleteOldTags(); n != 0 {
		t.Errorf("%d old tags went, though there are no new ones", n)
	}
	add(first2, 2)
	add(second2, 2)
	if n := f.deleteOldTags(); n != 2 {
		t.Errorf("%d old tags went, want both", n)
	}
	f.tx(func(tx *store.Tx) error { return tx.Tags.Remove(t.Context(), []uuid.UUID{a.ID}) })
	todo, err = f.db.Tags.PeopleWithout(t.Context(), 2, uuid.Nil, 10)
	if n := f.count(`SELECT count(*) FROM cpis.person_tag`); err != nil || n != 0 || len(todo) != 0 {
		t.Errorf("%d tags left, %d to tag, %v", n, len(todo), err)
	}
}

func TestProposals(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ctx := t.Context()
	a, _ := f.child(nil)
	b, _ := f.child(nil)
	merge := store.ProposalRow{
		ID: newID(), Authority: leeds, Kind: "merge", State: "open", Person: a.ID, From: b.ID,
		ProposedBy: "one", ProposedAt: f.now, Proposed: []byte("sealed"),
	}
	undo := merge
	undo.ID, undo.Kind, undo.Merge = newID(), "unmerge", merge.ID
	for _, r := range []*store.ProposalRow{&merge, &undo} {
		f.tx(func(tx *store.Tx) error { return tx.Proposals.Insert(ctx, r) })
	}
	again := merge
	again.ID = newID()
	err := f.db.Tx(ctx, func(tx *store.Tx) error { return tx.Proposals.Insert(ctx, &again) })
	if !errors.Is(err, store.ErrConflict) {
		t.Errorf("another of the same kind: got %v, want %v", err, store.ErrConflict)
	}
	open, err := f.db.Proposals.Open(ctx, leeds, a.ID, "merge")
	if diff := cmp.Diff(merge, open); err != nil || diff != "" {
		t.Errorf("open: %v (-want +got):\n%s", err, diff)
	}
	undone := func(want bool) {
		t.Helper()
		if got, err := f.db.Proposals.Undone(ctx, merge.ID); err != nil || got != want {
			t.Errorf("undone: got %t, %v", got, err)
		}
	}
	undone(false)
	undo.State, undo.DecidedBy, undo.DecidedAt, undo.Decided = "accepted", "two", f.now, []byte("sealed too")
	f.tx(func(tx *store.Tx) error { return tx.Proposals.Decide(ctx, &undo) })
	undone(true)
	twice := undo
	twice.ID, twice.State = newID(), "open"
	err = f.db.Tx(ctx, func(tx *store.Tx) error {
		if err := tx.Proposals.Insert(ctx, &twice); err != nil {
			return err
		}
		twice.State = "accepted"
		return tx.Proposals.Decide(ctx, &twice)
	})
	if !errors.Is(err, store.ErrConflict) {
		t.Errorf("undone twice: got %v, want %v", err, store.ErrConflict)
	}
	merge.State, merge.DecidedAt, merge.Decided = "accepted", f.now, []byte{1}
	for _, same := range []string{"one", "ONE", " One "} {
		if merge.DecidedBy = same; f.db.Tx(ctx, func(tx *store.Tx) error { return tx.Proposals.Decide(ctx, &merge) }) == nil {
			t.Errorf("the database lets %q accept what one proposed", same)
		}
	}
	undo.State = "declined"
	err = f.db.Tx(ctx, func(tx *store.Tx) error { return tx.Proposals.Decide(ctx, &undo) })
	if !errors.Is(err, store.ErrConflict) {
		t.Errorf("deciding again: got %v, want %v", err, store.ErrConflict)
	}
	undo.State = "accepted"
	for _, tt := range []struct {
		openOnly bool
		before   uuid.UUID
		want     []uuid.UUID
	}{
		{false, uuid.Nil, []uuid.UUID{undo.ID, merge.ID}},
		{false, undo.ID, []uuid.UUID{merge.ID}},
		{true, uuid.Nil, []uuid.UUID{merge.ID}},
		{false, merge.ID, nil},
	} {
		rows, err := f.db.Proposals.List(ctx, leeds, tt.openOnly, tt.before, 10)
		var got []uuid.UUID
		for _, r := range rows {
			got = append(got, r.ID)
		}
		if diff := cmp.Diff(tt.want, got); err != nil || diff != "" {
			t.Errorf("%+v: %v (-want +got):\n%s", tt, err, diff)
		}
	}
	if got, err := f.db.Proposals.Get(ctx, undo.ID); err != nil || cmp.Diff(undo, got) != "" {
		t.Errorf("got %+v, %v", got, err)
	}
	if _, err := f.db.Proposals.Get(ctx, newID()); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("one that is not there: got %v", err)
	}
}
