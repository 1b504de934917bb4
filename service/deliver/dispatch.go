package deliver

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/google/uuid"

	"cpis/audit"
	"cpis/service/guard"
	"cpis/service/store"
)

// How notices are sent on.
const (
	// deliverFor is how long a channel tries: then the next one gets the
	// notice.
	deliverFor = 72 * time.Hour
	// The first retry comes after firstRetry, each further one after twice as
	// long, up to lastRetry.
	firstRetry = 5 * time.Second
	lastRetry  = time.Hour
	// lastRest bounds how long nothing at all is sent on a channel that fails:
	// a receiver that comes back does not wait longer. Who failed within stillAway,
	// which is longer by what an attempt takes, is taken to be away.
	lastRest  = 5 * time.Minute
	stillAway = 10 * time.Minute
	// sendTimeout bounds an attempt. leaseFor must be longer, by what it takes
	// to prepare and record: then somebody else may try.
	sendTimeout = time.Minute
	leaseFor    = 2 * time.Minute
	// givePage is how many notices are given to a channel, and sendPage how
	// many are sent on one, at the same time.
	givePage = 1000
	sendPage = 8
	// maxCouriers is on how many channels one server sends at the same time. A
	// receiver that does not answer holds up nobody but itself.
	maxCouriers = 64
	// dispatchConns is how many connections to the database couriers use at
	// the same time.
	dispatchConns = 2
)

// dispatcher is which channels this server is sending on.
type dispatcher struct {
	conns chan struct{}

	mu    sync.Mutex
	busy  map[uuid.UUID]bool // a courier sends on it
	ended *sync.Cond         // one of them no longer does
}

func newDispatcher() *dispatcher {
	d := &dispatcher{conns: make(chan struct{}, dispatchConns), busy: make(map[uuid.UUID]bool)}
	d.ended = sync.NewCond(&d.mu)
	return d
}

// begin takes a channel, unless this server is sending on it, or on too many.
func (d *dispatcher) begin(id uuid.UUID) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.busy[id] || len(d.busy) >= maxCouriers {
		return false
	}
	d.busy[id] = true
	return true
}

func (d *dispatcher) end(id uuid.UUID) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.busy, id)
	d.ended.Broadcast()
}

// wait waits until no courier is under way. Others may start meanwhile, from any
// goroutine, so a sync.WaitGroup would not do.
func (d *dispatcher) wait() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for len(d.busy) > 0 {
		d.ended.Wait()
	}
}

// Deliver sends on what is due now, and comes back when all of it was tried.
func (s *Channels) Deliver(ctx context.Context) error {
	err := s.Dispatch(ctx)
	s.WaitForCouriers()
	return err
}

// WaitForCouriers waits until all that Dispatch started has ended.
func (s *Channels) WaitForCouriers() { s.dispatcher.wait() }

// Dispatch hands new notices to channels, and starts a courier for each channel
// on which something is due.
func (s *Channels) Dispatch(ctx context.Context) error {
	if err := s.ready(); err != nil {
		return err
	}
	// What goes wrong with one does not hold up what others wait for.
	failed := errors.Join(s.wake(ctx), s.giveNew(ctx), s.handOver(ctx, s.removed), s.handOver(ctx, s.overdue))
	due, err := s.db.Channels.Due(ctx, s.clock.Moment())
	if err != nil {
		return errors.Join(failed, guard.Translate(err))
	}
	// In any order: if there are more than couriers, none comes last always.
	rand.Shuffle(len(due), func(i, j int) { due[i], due[j] = due[j], due[i] }) //nolint:gosec // spreads load, guards nothing
	for _, channel := range due {
		if !s.dispatcher.begin(channel.ID) {
			continue
		}
		go func() {
			defer s.dispatcher.end(channel.ID)
			s.courier(ctx, channel.ID)
		}()
	}
	return failed
}

// giveNew hands notices that no channel has got to the first channels of their
// authorities.
func (s *Channels) giveNew(ctx context.Context) error {
	waiting, err := s.db.Deliveries.Undispatched(ctx)
	if err != nil {
		return guard.Translate(err)
	}
	var failed []error
	for _, u := range waiting {
		failed = append(failed, s.give(ctx, u))
	}
	return errors.Join(failed...)
}

// give hands over the notices of one authority.
func (s *Channels) give(ctx context.Context, u store.Undispatched) error {
	for {
		var read int
		err := s.dispatchTx(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
			read, err = tx.Deliveries.Dispatch(ctx, u, s.clock.Moment(), givePage)
			return err
		})
		if err != nil || read < givePage {
			return err
		}
	}
}

// wake has tried at once what waits longer than anything does.
func (s *Channels) wake(ctx context.Context) error {
	return s.dispatchTx(ctx, func(ctx context.Context, tx *store.Tx) error {
		return tx.Deliveries.WakeOverslept(ctx, s.clock.Moment())
	})
}

// handOver hands what waits on some channels to the next ones, page after page.
func (s *Channels) handOver(ctx context.Context, page func(context.Context, *store.Tx) (int, error)) error {
	for {
		var left int
		err := s.dispatchTx(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
			left, err = page(ctx, tx)
			return err
		})
		if err != nil || left < givePage {
			return err
		}
	}
}

// removed is a page of what waits on channels that were removed.
func (s *Channels) removed(ctx context.Context, tx *store.Tx) (int, error) {
	return tx.Deliveries.AbandonRemoved(ctx, s.clock.Moment(), givePage)
}

// overdue is a page of what has waited for too long on channels that fail. Of
// what waits there only some is ever tried. If this side was away, a channel
// is tried before anything there is given up.
func (s *Channels) overdue(ctx context.Context, tx *store.Tx) (int, error) {
	now := s.clock.Moment()
	o := store.Overdue{FailedSince: now.Add(-stillAway), GotBefore: now.Add(-deliverFor), Failure: failureUnreached}
	return tx.Deliveries.AbandonOverdue(ctx, o, now, givePage)
}

// dispatchTx runs a transaction of the dispatcher. Of these there are few at a
// time, so that requests find connections.
func (s *Channels) dispatchTx(ctx context.Context, fn func(context.Context, *store.Tx) error) error {
	select {
	case s.dispatcher.conns <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-s.dispatcher.conns }()
	// Its end would leave the commit unconfirmed.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), guard.Timeout)
	defer cancel()
	return guard.Translate(s.db.Tx(ctx, func(tx *store.Tx) error { return fn(ctx, tx) }))
}

// courier sends on one channel until nothing is due there, or all of a page
// has failed: then the others wait for the next round.
func (s *Channels) courier(ctx context.Context, channel uuid.UUID) {
	for ctx.Err() == nil {
		delivered, err := s.deliverPage(ctx, channel)
		if err != nil || delivered == 0 {
			return // what was claimed is tried again when its lease is over
		}
	}
}

// deliverPage claims some of what is due on a channel, sends it and records
// what became of it. It says how many were delivered.
func (s *Channels) deliverPage(ctx context.Context, id uuid.UUID) (delivered int, err error) {
	var (
		claimed []store.ClaimedDelivery
		channel store.ChannelRow
	)
	err = s.dispatchTx(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		channel, claimed, err = s.claim(ctx, tx, id)
		return err
	})
	if err != nil || len(claimed) == 0 {
		return 0, err
	}
	parcels := make([]parcel, len(claimed))
	for i := range claimed {
		parcels[i].claimed = &claimed[i]
	}
	kind := ChannelKind(channel.Kind)
	if s.senders[kind] == nil { // it was possible once: the next channel may be
		failAll(parcels, &DeliveryError{failureUnconfigured})
	} else if err := s.prepare(ctx, &channel, parcels); err != nil {
		return 0, err
	}
	s.send(ctx, kind, parcels)
	return s.settle(ctx, &channel, parcels)
}

// claim takes some of what is due on a channel. If nothing was delivered the
// last time, that is one notice, and no other server tries it meanwhile: what
// is away must not be asked for all that waits.
func (s *Channels) claim(ctx context.Context, tx *store.Tx, id uuid.UUID) (store.ChannelRow, []store.ClaimedDelivery, error) {
	now, limit := s.clock.Moment(), sendPage
	channel, err := tx.Channels.Get(ctx, id)
	if err != nil {
		return channel, nil, err
	}
	if channel.Failures > 0 {
		limit = 1
		if ok, err := tx.Channels.Try(ctx, id, now, now.Add(leaseFor)); err != nil || !ok {
			return channel, nil, err
		}
	}
	claimed, err := tx.Deliveries.Claim(ctx, id, now, now.Add(leaseFor), limit)
	return channel, claimed, err
}

// parcel is one delivery on its way.
type parcel struct {
	claimed *store.ClaimedDelivery
	message Message
	entry   audit.Entry // what it discloses
	err     error       // why it was not delivered
}

func failAll(parcels []parcel, err error) {
	for i := range parcels {
		parcels[i].err = err
	}
}

// send sends what was prepared.
func (s *Channels) send(ctx context.Context, kind ChannelKind, parcels []parcel) {
	ctx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	var all sync.WaitGroup
	for i := range parcels {
		if p := &parcels[i]; p.err == nil {
			all.Go(func() { p.err = s.senders[kind].Send(ctx, &p.message) })
		}
	}
	all.Wait()
	if !errors.Is(context.Cause(ctx), context.Canceled) {
		return
	}
	for i := range parcels { // the server stops: that is no fault of the receiver's
		if parcels[i].err != nil {
			parcels[i].err = &DeliveryError{failureInterrupted}
		}
	}
}

// settle records what became of parcels, and says how many were delivered.
// If none was, the channel rests.
func (s *Channels) settle(ctx context.Context, channel *store.ChannelRow, parcels []parcel) (delivered int, err error) {
	now := s.clock.Moment()
	failures := channel.Failures + 1
	rows := make([]store.DeliveryRow, len(parcels))
	for i := range parcels {
		rows[i] = parcels[i].outcome(now)
		switch {
		case parcels[i].err == nil:
			delivered++
			failures = 0
		case rows[i].Failure == failureInterrupted && failures > 0:
			failures = channel.Failures // as it was
		}
		s.observe.Sent(ChannelKind(channel.Kind), parcels[i].err == nil)
	}
	rest := min(lastRest, retryAfter(failures))
	return delivered, s.dispatchTx(context.WithoutCancel(ctx), func(ctx context.Context, tx *store.Tx) (err error) {
		if failures > channel.Failures { // the channel first, as those do who change it
			err = tx.Channels.Rest(ctx, channel.ID, failures, now, now.Add(rest))
		} else {
			err = tx.Channels.Wake(ctx, channel.ID, failures)
		}
		if err != nil {
			return err
		}
		return tx.Deliveries.Settle(ctx, rows, now)
	})
}

// outcome returns the delivery as it stands after the attempt.
func (p *parcel) outcome(now time.Time) store.DeliveryRow {
	row := p.claimed.DeliveryRow
	if p.err == nil {
		row.State, row.Failure = store.DeliveryDelivered, ""
		return row
	}
	row.Failure = failureOf(p.err)
	end := row.FirstAt.Add(deliverFor)
	switch {
	case row.Failure == failureInterrupted:
		row.DueAt = now
	case !now.Before(end):
		row.State = store.DeliveryUndelivered
	default:
		row.DueAt = earlier(now.Add(retryAfter(row.Attempts)), end) // the last attempt is at the end
	}
	return row
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// retryAfter is how long to wait after an attempt that failed: a quarter more
// or less, so that what failed together does not come back together.
func retryAfter(attempts int) time.Duration {
	d := lastRetry
	if doubled := min(max(attempts, 1)-1, 10); firstRetry<<doubled < lastRetry {
		d = firstRetry << doubled
	}
	return d - d/4 + rand.N(d/2) //nolint:gosec // spreads load, guards nothing
}
