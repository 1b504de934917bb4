package store_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"

	"cpis/service/store"
	"cpis/service/store/dbtest"
)

var errMine = errors.New("mine")

func TestTx(t *testing.T) {
	t.Parallel()

	t.Run("WritesNothingIfItsFunctionFails", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		err := f.tryChange(func(tx *store.Tx) error {
			f.must(tx.People.Insert(t.Context(), []store.PersonRow{f.person()}))
			return errMine
		})
		if !errors.Is(err, errMine) {
			t.Errorf("got %v, want the function's own error", err)
		}
		f.isEmpty()
	})

	t.Run("WritesNothingIfItsFunctionPanics", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		func() {
			defer func() {
				if recover() == nil {
					t.Error("the panic did not come through")
				}
			}()
			_ = f.tryChange(func(tx *store.Tx) error {
				f.must(tx.People.Insert(t.Context(), []store.PersonRow{f.person()}))
				panic("mine")
			})
		}()
		f.isEmpty()
		if got := f.db.PoolStats().Acquired; got != 0 {
			t.Errorf("connections in use afterwards: got %d, want none", got)
		}
	})

	t.Run("WritesNothingIfItsCallerHangsUp", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		ctx, cancel := context.WithCancel(t.Context())
		err := f.db.Tx(ctx, func(tx *store.Tx) error {
			_, _, err := tx.Logs.Append(ctx, f.log, lines(1), make([][]byte, 1))
			cancel()
			return errors.Join(err, ctx.Err())
		})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want %v", err, context.Canceled)
		}
		f.isEmpty()
		f.append(lines(1), nil) // the head is not locked
	})

	t.Run("RefusesAChangeWithoutAnEntry", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		err := f.db.Tx(t.Context(), func(tx *store.Tx) error {
			return tx.People.Insert(t.Context(), []store.PersonRow{f.person()})
		})
		if err == nil || !strings.Contains(err.Error(), "without an entry") {
			t.Errorf("got %v, want a refusal", err)
		}
		f.isEmpty()
	})

	t.Run("RefusesToWriteAfterItsEntries", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		err := f.tryChange(func(tx *store.Tx) error {
			_, _, err := tx.Logs.Append(t.Context(), f.log, lines(1), make([][]byte, 1))
			f.must(err)
			return tx.People.Insert(t.Context(), []store.PersonRow{f.person()})
		})
		if err == nil || !strings.Contains(err.Error(), "after the entries") {
			t.Errorf("got %v, want a refusal", err)
		}
		f.isEmpty()
	})

	t.Run("RefusesToCommitWhatHasFailed", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		err := f.tryChange(func(tx *store.Tx) error {
			p := f.person()
			_ = tx.People.Insert(t.Context(), []store.PersonRow{p, p}) // fails, and nobody looks
			return nil
		})
		if err == nil || errors.Is(err, store.ErrUncertain) {
			t.Errorf("got %v, want an error that is certain", err)
		}
		f.isEmpty()
	})

	t.Run("GivesTheIndexOfItsEntries", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		f.append(lines(5), nil)
		group := lines(2)
		f.tx(func(tx *store.Tx) error {
			first, tree, err := tx.Logs.Append(t.Context(), f.log, group, make([][]byte, 2))
			if first != 5 || tree.Size() != 7 {
				t.Errorf("first entry and size: got %d and %d, want 5 and 7", first, tree.Size())
			}
			return err
		})
		e, err := f.db.Logs.Entry(t.Context(), f.log, 6)
		f.must(err)
		if string(e.Line) != string(group[1]) {
			t.Error("entry 6 is not the second line")
		}
		f.verifyLog()
	})

	t.Run("RunsAgainAfterADeadlock", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		a, _ := f.child()
		b, _ := f.child()
		var (
			wg    sync.WaitGroup
			gates = [2]chan struct{}{make(chan struct{}), make(chan struct{})}
			tries [2]int
		)
		for i, order := range [2][2]store.Tag{{a.Tag, b.Tag}, {b.Tag, a.Tag}} {
			wg.Go(func() {
				err := f.db.Tx(t.Context(), func(tx *store.Tx) error {
					tries[i]++
					if _, err := tx.People.LockByTags(t.Context(), order[:1]); err != nil {
						return err
					}
					if tries[i] == 1 {
						close(gates[i])
						<-gates[1-i] // both hold one and want the other's
					}
					_, err := tx.People.LockByTags(t.Context(), order[1:])
					return err
				})
				if err != nil {
					t.Errorf("transaction %d: %v", i, err)
				}
			})
		}
		wg.Wait()
		if tries[0]+tries[1] < 3 {
			t.Errorf("runs: got %d and %d, want one of them to run again", tries[0], tries[1])
		}
	})

	t.Run("RunsAgainWhenAnotherTookItsTag", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		second := dbtest.Open(t, f.data)
		tag := randomTag()
		var wg sync.WaitGroup
		for i := range 8 {
			db := []*store.DB{f.db, second}[i%2]
			wg.Go(func() {
				if err := f.findOrMake(db, tag); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if got := f.count(`SELECT count(*) FROM cpis.person`); got != 1 {
			t.Errorf("persons with one tag: got %d, want one", got)
		}
	})

	t.Run("GivesUpOnATagThatIsAlwaysTaken", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		p, _ := f.child()
		err := f.tryChange(func(tx *store.Tx) error {
			another := f.person()
			f.must(tx.People.Insert(t.Context(), []store.PersonRow{another}))
			return tx.Tags.Insert(t.Context(), []store.TagRow{{Tag: p.Tag, Person: another.ID, IndexVersion: 1}})
		})
		if !errors.Is(err, store.ErrConflict) {
			t.Errorf("got %v, want %v", err, store.ErrConflict)
		}
	})
}

// findOrMake is what an upload does with a person.
func (f *fixture) findOrMake(db *store.DB, tag store.Tag) error {
	ctx := f.tb.Context()
	return db.Tx(ctx, func(tx *store.Tx) error {
		found, err := tx.People.LockByTags(ctx, []store.Tag{tag})
		if err != nil {
			return err
		}
		if len(found) == 0 {
			p := f.person()
			if err := tx.People.Insert(ctx, []store.PersonRow{p}); err != nil {
				return err
			}
			if err := tx.Tags.Insert(ctx, []store.TagRow{{Tag: tag, Person: p.ID, IndexVersion: 1}}); err != nil {
				return err
			}
		}
		_, _, err = tx.Logs.Append(ctx, f.log, lines(1), make([][]byte, 1))
		return err
	})
}

// isEmpty checks that nobody and no entry was written.
func (f *fixture) isEmpty() {
	f.tb.Helper()
	if got := f.count(`SELECT count(*) FROM cpis.person`); got != 0 {
		f.tb.Errorf("persons: got %d, want none", got)
	}
	if got := len(f.verifyLog()); got != 0 {
		f.tb.Errorf("entries: got %d, want none", got)
	}
}
