package store_test

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cpis/service/store"
)

// channel makes a channel of Leeds.
func (f *fixture) channel(rank int) store.ChannelRow {
	f.tb.Helper()
	c := store.ChannelRow{
		ID: newID(), Authority: leeds, Version: 1, Rank: rank, Kind: "webhook", WrappedKey: "wrapped", Sealed: []byte("sealed"), MadeAt: f.now,
	}
	f.tx(func(tx *store.Tx) error { return tx.Channels.Insert(f.tb.Context(), &c) })
	return c
}

// notify makes so many notices to Leeds with one entry, all about nobody.
func (f *fixture) notify(n int) {
	f.tb.Helper()
	f.tx(func(tx *store.Tx) error {
		for range n {
			tx.Notices.Notify(store.NoticeRow{ID: newID(), Authority: leeds, Kind: "upload_waiting", At: f.now})
		}
		_, _, err := tx.Logs.Append(f.tb.Context(), f.log, [][]byte{line()}, [][]byte{nil})
		return err
	})
}

// dispatch returns what Leeds has to its first channel.
func (f *fixture) dispatch(limit int) (read int) {
	f.tb.Helper()
	f.tx(func(tx *store.Tx) (err error) {
		read, err = tx.Deliveries.Dispatch(f.tb.Context(), store.Undispatched{Authority: leeds, Log: f.log}, f.now, limit)
		return err
	})
	return read
}

// The notices of one entry are given together, however many; each is given
// once, and those that were there before the first channel are not.
func TestDispatchGivesEachNoticeOnce(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.notify(2)
	f.tx(func(tx *store.Tx) error { return tx.Channels.BeginDispatch(t.Context(), leeds) })
	if n := f.dispatch(10); n != 0 {
		t.Errorf("without a channel %d were given", n)
	}
	c := f.channel(2)
	if waiting, err := f.db.Deliveries.Undispatched(t.Context()); err != nil || len(waiting) != 0 {
		t.Errorf("nothing is new, but %v waits, %v", waiting, err)
	}
	f.notify(25)
	f.notify(1)
	f.notify(1)
	waiting, err := f.db.Deliveries.Undispatched(t.Context())
	if err != nil || !slices.Equal(waiting, []store.Undispatched{{Authority: leeds, Log: f.log}}) {
		t.Errorf("waiting: %v, %v", waiting, err)
	}
	f.tx(func(tx *store.Tx) error { return tx.Channels.BeginDispatch(t.Context(), leeds) }) // has begun: leaves nothing out
	got := []int{f.dispatch(10), f.dispatch(10), f.dispatch(10)}
	if diff := cmp.Diff([]int{25, 2, 0}, got); diff != "" {
		t.Errorf("given (-want +got):\n%s", diff)
	}
	if n := f.count(`SELECT count(*) FROM cpis.delivery WHERE channel_id = $1 AND state = 'pending'`, c.ID); n != 27 {
		t.Errorf("%d wait on the channel, want 27", n)
	}
}

// Servers that give at the same time give nothing twice, and leave nothing out.
func TestDispatchByManyAtOnce(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.channel(1)
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range 10 {
				if err := f.db.Tx(t.Context(), func(tx *store.Tx) error {
					tx.Notices.Notify(store.NoticeRow{ID: newID(), Authority: leeds, Kind: "upload_waiting", At: f.now})
					_, _, err := tx.Logs.Append(t.Context(), f.log, [][]byte{line()}, [][]byte{nil})
					return err
				}); err != nil {
					t.Error(err)
				}
				if err := f.db.Tx(t.Context(), func(tx *store.Tx) error {
					_, err := tx.Deliveries.Dispatch(t.Context(), store.Undispatched{Authority: leeds, Log: f.log}, f.now, 3)
					return err
				}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	for f.dispatch(3) > 0 {
	}
	if n := f.count(`SELECT count(*) FROM cpis.delivery`); n != 40 {
		t.Errorf("%d were given, want 40", n)
	}
}

// What somebody else has claimed since is not settled by who claimed it first.
func TestSettlingAfterTheLease(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	c := f.channel(1)
	f.notify(1)
	f.dispatch(10)
	claim := func(at time.Time) store.DeliveryRow {
		t.Helper()
		var claimed []store.ClaimedDelivery
		f.tx(func(tx *store.Tx) (err error) {
			claimed, err = tx.Deliveries.Claim(t.Context(), c.ID, at, at.Add(time.Minute), 10)
			return err
		})
		if len(claimed) == 0 {
			return store.DeliveryRow{}
		}
		return claimed[0].DeliveryRow
	}
	first := claim(f.now)
	if again := claim(f.now.Add(time.Minute - time.Microsecond)); again.Attempts != 0 {
		t.Errorf("claimed twice: %+v", again)
	}
	second := claim(f.now.Add(time.Minute))
	if first.Attempts != 1 || second.Attempts != 2 {
		t.Fatalf("claimed %+v and %+v", first, second)
	}
	settle := func(d store.DeliveryRow, state string) {
		d.State = state
		f.tx(func(tx *store.Tx) error { return tx.Deliveries.Settle(t.Context(), []store.DeliveryRow{d}, f.now) })
	}
	state := func() string {
		return query[string](t, f.admin, `SELECT state FROM cpis.delivery WHERE notice_id = $1`, first.Notice)
	}
	settle(first, store.DeliveryUndelivered)
	if got := state(); got != store.DeliveryPending {
		t.Errorf("settled by who lost the lease: %s", got)
	}
	settle(second, store.DeliveryDelivered)
	settle(second, store.DeliveryUndelivered)
	if got := state(); got != store.DeliveryDelivered {
		t.Errorf("got %s", got)
	}
}

// Channels are changed from the version that was seen, and two never have one
// rank.
func TestChannelConflicts(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	one := f.channel(1)
	f.channel(2)
	try := func(change func(*store.ChannelRow)) error {
		c := one
		c.Version = 2
		change(&c)
		return f.db.Tx(t.Context(), func(tx *store.Tx) error { return tx.Channels.Update(t.Context(), &c) })
	}
	for name, change := range map[string]func(*store.ChannelRow){
		"a rank that is taken":  func(c *store.ChannelRow) { c.Rank = 2 },
		"another version":       func(c *store.ChannelRow) { c.Version = 3 },
		"one that is not there": func(c *store.ChannelRow) { c.ID = newID() },
	} {
		if err := try(change); !errors.Is(err, store.ErrConflict) {
			t.Errorf("%s: got %v, want %v", name, err, store.ErrConflict)
		}
	}
	f.must(try(func(c *store.ChannelRow) { c.RemovedAt = &f.now }))
	if err := try(func(c *store.ChannelRow) { c.Version = 3 }); !errors.Is(err, store.ErrConflict) {
		t.Errorf("a removed one: got %v", err)
	}
	f.channel(1) // its rank is free
}

// What is due is found among all that was delivered.
func TestDueDeliveriesAreFound(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	c := f.channel(1)
	f.notify(3000)
	f.dispatch(5000)
	f.exec(`UPDATE cpis.delivery SET state = 'delivered' WHERE ctid NOT IN (SELECT ctid FROM cpis.delivery LIMIT 5)`)
	f.exec(`ANALYZE`)
	due, err := f.db.Channels.Due(t.Context(), f.now)
	if err != nil || len(due) != 1 || due[0].ID != c.ID {
		t.Errorf("due: %v, %v", due, err)
	}
	var claimed []store.ClaimedDelivery
	f.tx(func(tx *store.Tx) (err error) {
		claimed, err = tx.Deliveries.Claim(t.Context(), c.ID, f.now, f.now.Add(time.Minute), 100)
		return err
	})
	if len(claimed) != 5 {
		t.Errorf("claimed %d, want 5", len(claimed))
	}
	if got := fmt.Sprint(claimed[0].Kind, claimed[0].Authority); got != "upload_waiting"+leeds {
		t.Errorf("claimed %s", got)
	}
}
