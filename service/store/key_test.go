package store_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"cpis/service/store"
)

// The index key rotates: everybody gets a second tag, the first ones go, and
// the old key after them, not before.
func TestIndexKeyRotates(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ctx := t.Context()
	a, _ := f.child(nil)
	b, _ := f.child(nil)
	f.tx(func(tx *store.Tx) error {
		return tx.Keys.InsertIndex(ctx, store.IndexKeyRow{Version: 2, Wrapped: "wrapped:2", At: f.now.Add(time.Hour)})
	})
	keys, err := f.db.IndexKeys(ctx)
	f.must(err)
	want := []store.IndexKeyRow{{Version: 2, Wrapped: "wrapped:2", At: f.now.Add(time.Hour)}, {Version: 1, Wrapped: "wrapped:1", At: f.now}}
	if diff := cmp.Diff(want, keys); diff != "" {
		t.Errorf("keys (-want +got):\n%s", diff)
	}

	todo, err := f.db.Tags.PeopleWithout(ctx, 2, uuid.Nil, 1)
	f.must(err)
	if diff := cmp.Diff([]store.PersonRow{a.PersonRow}, todo); diff != "" {
		t.Errorf("first page of persons to tag (-want +got):\n%s", diff)
	}
	newTag := randomTag()
	f.tx(func(tx *store.Tx) error {
		return tx.Tags.Insert(ctx, []store.TagRow{{Tag: newTag, Person: a.ID, IndexVersion: 2}})
	})
	for _, tag := range []store.Tag{a.Tag, newTag} {
		flags, err := f.db.Plans.Flags(ctx, []store.Tag{tag}, today)
		if err != nil || len(flags) != 1 {
			t.Errorf("while it rotates: got %d flags, %v; want one by either tag", len(flags), err)
		}
	}
	if got := f.deleteOldTags(); got != 1 {
		t.Errorf("old tags removed: got %d, want only that of who has a new one", got)
	}
	err = f.db.Tx(ctx, func(tx *store.Tx) error { return tx.Keys.RetireIndex(ctx, 1, f.now) })
	if err == nil {
		t.Error("removing a key that a tag needs: got no error")
	}
	todo, err = f.db.Tags.PeopleWithout(ctx, 2, uuid.Nil, 10)
	f.must(err)
	if diff := cmp.Diff([]store.PersonRow{b.PersonRow}, todo); diff != "" {
		t.Errorf("persons left to tag (-want +got):\n%s", diff)
	}
	f.tx(func(tx *store.Tx) error {
		return tx.Tags.Insert(ctx, []store.TagRow{{Tag: randomTag(), Person: b.ID, IndexVersion: 2}})
	})
	if got := f.deleteOldTags(); got != 1 {
		t.Errorf("old tags removed: got %d, want the last", got)
	}
	f.tx(func(tx *store.Tx) error { return tx.Keys.RetireIndex(ctx, 1, f.now) })
	former, err := f.db.Keys.FormerIndex(ctx)
	f.must(err)
	want = []store.IndexKeyRow{{Version: 1, Wrapped: "wrapped:1", At: want[1].At, RetiredAt: f.now}}
	if diff := cmp.Diff(want, former); diff != "" {
		t.Errorf("former keys (-want +got):\n%s", diff)
	}
	f.tx(func(tx *store.Tx) error { return tx.Keys.ReplaceIndex(ctx, former[0], "new") })
}

// deleteOldTags removes tags of the first index key.
func (f *fixture) deleteOldTags() (n int64) {
	f.tb.Helper()
	f.tx(func(tx *store.Tx) (err error) {
		n, err = tx.Tags.DeleteVersion(f.tb.Context(), 1, 100)
		return err
	})
	return n
}

// wrapMore makes channels, one of which was removed, and uploads, one of which
// was forgotten: these have keys too.
func (f *fixture) wrapMore() {
	f.tb.Helper()
	ctx := f.tb.Context()
	f.tx(func(tx *store.Tx) error {
		for rank := range 2 {
			c := store.ChannelRow{
				ID: newID(), Authority: leeds, Version: 1, Rank: rank + 1, Kind: "webhook",
				WrappedKey: "wrapped", Sealed: []byte("sealed"), MadeAt: f.now, ChangedAt: f.now,
			}
			if err := tx.Channels.Insert(ctx, &c); err != nil {
				return err
			}
			if c.Version++; rank == 0 {
				continue
			}
			c.RemovedAt = &f.now
			if err := tx.Channels.Update(ctx, &c); err != nil {
				return err
			}
		}
		c := store.ColleagueRow{ID: newID(), Authority: leeds, SeenOn: f.now, WrappedKey: "wrapped", Sealed: []byte("sealed")}
		if err := tx.Colleagues.Insert(ctx, &c); err != nil {
			return err
		}
		r := store.ReportRow{ID: newID(), Organisation: trust, At: f.now, WrappedKey: "wrapped", Sealed: []byte("sealed")}
		if err := tx.Reports.Insert(ctx, &r); err != nil {
			return err
		}
		if err := tx.Releases.Insert(ctx, f.release()); err != nil {
			return err
		}
		for n := range 2 {
			u := store.UploadRow{
				ID: newID(), Authority: leeds, State: "rejected", Format: "csv", Extent: "delta",
				WrappedKey: "wrapped", Sealed: []byte("sealed"), Counts: []byte("{}"), SentAt: f.now, ChangedAt: f.now,
			}
			if err := tx.Uploads.Insert(ctx, &u); err != nil {
				return err
			}
			if n == 0 {
				continue
			}
			if err := tx.Uploads.Forget(ctx, u.ID); err != nil {
				return err
			}
		}
		return nil
	})
}

func TestKeysAreRewrappedInPages(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ctx := t.Context()
	for range 3 {
		f.child(nil)
	}
	f.must(appendBatch(t, f.db, f.log, f.fullBatch()))
	f.wrapMore()
	for table, want := range map[store.KeyTable]int{
		store.PersonKeys: 3, store.ReviewKeys: 1, store.ChannelKeys: 2, store.UploadKeys: 1,
		store.ColleagueKeys: 1, store.ReportKeys: 1,
	} {
		done := 0
		for after := uuid.Nil; ; {
			page, err := f.db.Keys.After(ctx, table, after, 2)
			f.must(err)
			if len(page) == 0 {
				break
			}
			var keys []store.Rewrapped
			for _, k := range page {
				keys = append(keys, store.Rewrapped{ID: k.ID, Old: k.Wrapped, New: "new " + k.Wrapped})
				after = k.ID
			}
			f.tx(func(tx *store.Tx) error {
				n, err := tx.Keys.Replace(ctx, table, keys)
				done += int(n)
				return err
			})
			f.tx(func(tx *store.Tx) error { // again, after a crash
				n, err := tx.Keys.Replace(ctx, table, keys)
				if n != 0 {
					t.Errorf("replacing what was replaced: got %d rows, want none", n)
				}
				return err
			})
		}
		if done != want {
			t.Errorf("table %d: got %d keys replaced, want %d", table, done, want)
		}
	}
	first := store.IndexKeyRow{Version: 1, Wrapped: "wrapped:1"}
	f.tx(func(tx *store.Tx) error { return tx.Keys.ReplaceIndex(ctx, first, "new") })
	err := f.db.Tx(ctx, func(tx *store.Tx) error { return tx.Keys.ReplaceIndex(ctx, first, "newer") })
	if !errors.Is(err, store.ErrConflict) {
		t.Errorf("replacing what is no longer there: got %v, want %v", err, store.ErrConflict)
	}
}
