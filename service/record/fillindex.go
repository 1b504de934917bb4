package record

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"cpis/service/domain"
	"cpis/service/guard"
	"cpis/service/keys"
	"cpis/service/store"
)

const (
	// fillTimeout bounds one call of FillIndex, and fillPages how much it does.
	fillTimeout = 30 * time.Second
	fillPages   = 5
	// fillEvery is how often all plans are looked through for some that nothing
	// finds, though all have been given it: what was taken away comes back.
	fillEvery = time.Hour
)

// FillIndex gives plans what finds them that have none, some at a time, and goes on
// from there the next time: those that a program wrote which made none, under a new
// index key all, and those of which it was taken away. Plans that cannot be opened
// are left, and somebody is woken.
func (s *Records) FillIndex(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, fillTimeout)
	defer cancel()
	s.filling.Lock()
	defer s.filling.Unlock()
	version, due, err := s.fillDue(ctx)
	if err != nil || !due {
		return err
	}
	f := filler{db: s.db, indexer: indexer{s.ring, s.clock.Today()}, version: version, damaged: s.observe.Damaged}
	for range fillPages {
		if s.filled, err = f.page(ctx, s.filled); err != nil {
			return fmt.Errorf("filling the index of plans: %w", guard.Translate(err))
		}
		if s.filled == uuid.Nil {
			s.filledAt = s.clock.Now()
			return f.done(ctx)
		}
	}
	return nil
}

// fillDue reports whether plans are to be looked through, and for which index key:
// the newest, once every server knows it.
func (s *Records) fillDue(ctx context.Context) (version int, due bool, err error) {
	rows, err := s.db.IndexKeys(ctx)
	if err != nil || len(rows) == 0 || rows[0].Version != s.ring.IndexVersion() {
		return 0, false, guard.Translate(err)
	}
	if len(rows) > 1 && s.clock.Now().Sub(rows[0].At) < retagAfter {
		return 0, false, nil
	}
	state, err := s.db.Plans.WorkState(ctx)
	if err != nil {
		return 0, false, guard.Translate(err)
	}
	version = rows[0].Version
	return version, state.Filled < version || s.filled != uuid.Nil || s.clock.Now().Sub(s.filledAt) >= fillEvery, nil
}

// filler gives plans what finds them.
type filler struct {
	indexer

	db      *store.DB
	version int // of the index key
	damaged func(table string)
}

// all goes through all plans.
func (f *filler) all(ctx context.Context) error {
	for after := uuid.Nil; ; {
		next, err := f.page(ctx, after)
		switch {
		case err != nil:
			return err
		case next == uuid.Nil:
			return f.done(ctx)
		}
		after = next
	}
}

// done notes that all plans were gone through.
func (f *filler) done(ctx context.Context) error {
	return f.db.Tx(ctx, func(tx *store.Tx) error {
		if err := tx.Plans.ForgetVersions(ctx); err != nil {
			return err
		}
		state, err := tx.Plans.LockWorkState(ctx)
		if err != nil || state.Filled >= f.version {
			return err
		}
		state.Filled = f.version
		return tx.Plans.SetWorkState(ctx, &state)
	})
}

// page gives a page of plans what finds them, and returns the last; none at the end.
// Keys come first, so that nobody is locked while the keeper is asked.
func (f *filler) page(ctx context.Context, after uuid.UUID) (next uuid.UUID, err error) {
	rows, err := f.db.Plans.Unindexed(ctx, f.version, after, keys.MaxBatch)
	if err != nil || len(rows) == 0 {
		return uuid.Nil, err
	}
	next = rows[len(rows)-1].ID
	if len(rows) < keys.MaxBatch {
		next = uuid.Nil
	}
	opened, err := f.keysOf(ctx, personsOf(rows))
	if err != nil {
		return after, err
	}
	ids := make([]uuid.UUID, len(rows))
	for i := range rows {
		ids[i] = rows[i].ID
	}
	return next, f.db.Tx(ctx, func(tx *store.Tx) error { return f.write(ctx, tx, ids, personsOf(rows), opened) })
}

func personsOf(rows []store.PlanRow) []uuid.UUID {
	ids := make([]uuid.UUID, len(rows))
	for i := range rows {
		ids[i] = rows[i].Person
	}
	return ids
}

// keysOf gets the data keys of people. One that does not open is left out.
func (f *filler) keysOf(ctx context.Context, ids []uuid.UUID) (map[uuid.UUID]*keys.DataKey, error) {
	rows, err := f.db.Tags.PeopleUnverified(ctx, ids)
	if err != nil {
		return nil, err
	}
	wrapped := make([]keys.Wrapped, len(rows))
	for i, p := range rows {
		wrapped[i] = keys.Wrapped{Owner: store.PersonKeys.Owner(p.ID), Text: p.WrappedKey}
	}
	opened := make(map[uuid.UUID]*keys.DataKey, len(rows))
	for i, u := range f.ring.Unwrap(ctx, wrapped) {
		switch {
		case u.Err == nil:
			opened[rows[i].ID] = u.Value
		case errors.Is(u.Err, keys.ErrTampered):
			f.damaged(TablePerson)
		default:
			return nil, fmt.Errorf("unwrapping keys: %w", guard.ErrUnavailable)
		}
	}
	return opened, nil
}

// write writes what finds plans, as they are while nobody changes them.
func (f *filler) write(ctx context.Context, tx *store.Tx, plans, persons []uuid.UUID, opened map[uuid.UUID]*keys.DataKey) error {
	if err := tx.People.LockForTags(ctx, persons); err != nil {
		return err
	}
	people, err := tx.Tags.PeopleUnverified(ctx, persons)
	if err != nil {
		return err
	}
	about := make(map[uuid.UUID]*domain.Person, len(people))
	for i := range people {
		if key := opened[people[i].ID]; key != nil {
			if p, err := OpenPerson(key, &people[i]); err == nil {
				about[people[i].ID] = &p
				continue
			}
			f.damaged(TablePerson)
		}
	}
	rows, err := tx.Plans.Sound(ctx, plans)
	if err != nil {
		return err
	}
	return tx.Plans.Reindex(ctx, f.indexed(rows, about, opened))
}

// indexed returns those of plans that can be opened, with what finds them.
func (f *filler) indexed(rows []store.PlanRow, about map[uuid.UUID]*domain.Person, opened map[uuid.UUID]*keys.DataKey) []store.PlanRow {
	var out []store.PlanRow
	for _, row := range rows {
		person := about[row.Person]
		if person == nil {
			continue // cannot be opened, or is in a later page by now
		}
		p := Plan{Row: row}
		if OpenJSON(opened[row.Person], DetailsContext(TablePlan, row.ID, row.Version), row.Sealed, &p.Content) != nil {
			f.damaged(TablePlan)
			continue
		}
		p.Row.Index = f.of(person, &p)
		out = append(out, p.Row)
	}
	return out
}
