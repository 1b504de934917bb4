package store_test

import (
	"sync"
	"testing"

	"cpis/service/store"
)

// Many acts that wait for the log do not keep look-ups from it: these come
// after one of them at most.
func TestLookUpsPassTheActsThatWait(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ctx := t.Context()
	leave, err := f.db.Turn(ctx)
	f.must(err)
	const acts = 5
	var all, begun sync.WaitGroup
	begun.Add(acts + 1)
	for range acts {
		all.Go(func() {
			err := f.db.Tx(ctx, func(tx *store.Tx) error {
				begun.Done()
				_, _, err := tx.Logs.Append(ctx, f.log, lines(1), make([][]byte, 1))
				return err
			})
			if err != nil {
				t.Errorf("act: %v", err)
			}
		})
	}
	var at int64
	all.Go(func() {
		begun.Done()
		own, err := f.db.Turn(ctx)
		if err != nil {
			t.Errorf("waiting for the log: %v", err)
			return
		}
		defer own()
		head, err := f.db.Head(ctx, f.log)
		if err != nil {
			t.Errorf("reading the head: %v", err)
		}
		at = head.Size()
		b := store.Batch{Lines: lines(1), Subjects: make([][]byte, 1)}
		if err := f.db.Append(ctx, f.log, head, grow(head, b.Lines), &b); err != nil {
			t.Errorf("look-up: %v", err)
		}
	})
	begun.Wait()
	leave()
	all.Wait()
	if at > 1 {
		t.Errorf("%d acts came before the look-up, want 1 at most", at)
	}
	if got := len(f.verifyLog()); got != acts+1 {
		t.Errorf("%d entries, want %d", got, acts+1)
	}
}

// Who waits for the log in vain is told so, and hinders nobody afterwards.
func TestActsDoNotWaitForTheLogForEver(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ctx := t.Context()
	leave, err := f.db.Turn(ctx)
	f.must(err)
	err = f.db.Tx(ctx, func(tx *store.Tx) error {
		_, _, err := tx.Logs.Append(ctx, f.log, lines(1), make([][]byte, 1))
		return err
	})
	expectOneOf(t, err, store.ErrUnavailable)
	leave()
	f.append(lines(2), nil)
	if got := len(f.verifyLog()); got != 2 {
		t.Errorf("%d entries, want 2", got)
	}
}
