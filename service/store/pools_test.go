package store_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"cpis/service/store"
	"cpis/service/store/dbtest"
)

// Transactions that wait for each other may take all connections that they can
// get, and look-ups do not notice.
func TestLookUpsDoNotWaitBehindTransactions(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	p, _ := f.child(nil)
	var (
		gate    = make(chan struct{})
		started = make(chan struct{})
		ended   = make(chan error)
	)
	for range f.db.MaxTx() {
		go func() {
			ended <- f.db.Tx(t.Context(), func(*store.Tx) error {
				started <- struct{}{}
				<-gate
				return nil
			})
		}()
	}
	for range f.db.MaxTx() {
		<-started
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	if flags, _, err := f.db.Read(ctx, []store.Tag{p.Tag}, today); err != nil || len(flags) != 1 {
		t.Errorf("Read: %d flags, %v", len(flags), err)
	}
	from, err := f.db.Head(ctx, f.log)
	if err != nil {
		t.Errorf("Head: %v", err)
	}
	b := store.Batch{Lines: lines(1), Subjects: make([][]byte, 1)}
	if err := f.db.Append(ctx, f.log, from, grow(from, b.Lines), &b); err != nil {
		t.Errorf("Append: %v", err)
	}
	if _, err := f.db.IndexKeys(ctx); err != nil {
		t.Errorf("IndexKeys: %v", err)
	}
	if err := f.db.Ready(ctx); err != nil {
		t.Errorf("Ready: %v", err)
	}
	close(gate)
	for range f.db.MaxTx() {
		f.must(<-ended)
	}
}

func TestConnectionsAreShared(t *testing.T) {
	t.Parallel()
	data := dbtest.New(t)
	for _, tt := range []struct{ conns, all, acts int }{{0, 10, 7}, {1, 2, 1}, {2, 2, 1}, {4, 4, 3}, {20, 20, 17}} {
		db := dbtest.OpenURL(t, data.App, store.Options{AllowUnsafe: true, MaxConns: tt.conns})
		if all, acts := db.PoolStats().Max, db.MaxTx(); all != tt.all || acts != tt.acts {
			t.Errorf("of %d connections: got %d, %d of them for transactions; want %d and %d", tt.conns, all, acts, tt.all, tt.acts)
		}
	}
}

// What is locked for long is not waited for, unless that was asked for.
func TestTxGivesUpOnWhatStaysLocked(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	p, _ := f.child()
	lock := func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.People.LockByTags(ctx, []store.Tag{p.Tag})
		return err
	}
	patient := make(chan error, 1)
	f.tx(func(tx *store.Tx) error {
		f.must(lock(t.Context(), tx))
		go func() {
			patient <- f.db.Tx(t.Context(), func(tx *store.Tx) error {
				return errors.Join(tx.WaitForLocks(t.Context()), lock(t.Context(), tx))
			})
		}()
		began := time.Now()
		err := f.db.Tx(t.Context(), func(tx *store.Tx) error { return lock(t.Context(), tx) })
		if took := time.Since(began); !errors.Is(err, store.ErrUnavailable) || took < time.Second || took > 10*time.Second {
			t.Errorf("after %s: got %v, want %v after two seconds", took, err, store.ErrUnavailable)
		}
		return nil
	})
	f.must(<-patient)
}

// Tags of an index key that has gone are left out; those of the newest must be
// written.
func TestInsertTagsOfAnIndexKeyThatHasGone(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ctx := t.Context()
	f.tx(func(tx *store.Tx) error {
		return tx.Keys.InsertIndex(ctx, store.IndexKeyRow{Version: 2, Wrapped: "wrapped:2", At: f.now})
	})
	tag := func(versions ...int) (store.Tag, error) {
		p := f.person()
		rows := make([]store.TagRow, len(versions))
		for i, v := range versions {
			rows[i] = store.TagRow{Tag: randomTag(), Person: p.ID, IndexVersion: v}
		}
		return rows[0].Tag, f.tryChange(func(tx *store.Tx) error { //nolint:contextcheck // the test has one context
			if err := tx.People.Insert(ctx, []store.PersonRow{p}); err != nil {
				return err
			}
			return tx.Tags.Insert(ctx, rows)
		})
	}
	_, err := f.admin.Exec(ctx, `DELETE FROM cpis.index_key WHERE version = 1`)
	f.must(err)
	newest, err := tag(2, 1)
	f.must(err)
	found, err := f.db.People.ByTags(ctx, []store.Tag{newest})
	f.must(err)
	if n := f.count(`SELECT count(*) FROM cpis.person_tag`); n != 1 || len(found) != 1 {
		t.Errorf("got %d tags, and %d persons by the newest; want one of each", n, len(found))
	}
	for _, versions := range [][]int{{3, 2}, {1}} {
		if _, err := tag(versions...); !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("%v: got %v, want %v", versions, err, store.ErrUnavailable)
		}
	}
	if n := f.count(`SELECT count(*) FROM cpis.person`); n != 1 {
		t.Errorf("got %d persons, want one", n)
	}
}
