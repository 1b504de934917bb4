package record

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/google/uuid"

	"cpis/service/domain"
	"cpis/service/guard"
	"cpis/service/keys"
	"cpis/service/store"
)

const (
	// KeyWait bounds each call to the keeper within a transaction: meanwhile
	// that holds a connection, and those whom it is about.
	KeyWait = 2 * time.Second
)

// OpenPeople opens the persons and plans that were found. Keys that are not at
// hand are asked for one batch after the other, so that look-ups which want
// theirs come in between.
func (s *Records) OpenPeople(ctx context.Context, found People) error {
	for batch := range slices.Chunk(slices.Collect(maps.Values(found)), keys.MaxBatch) {
		if err := s.UnwrapKeys(ctx, batch); err != nil {
			return err
		}
	}
	for tag, h := range found {
		if err := s.openRecord(tag, h); err != nil {
			return err
		}
	}
	return nil
}

// UnwrapKeys gets the data keys of at most a batch of persons.
func (s *Records) UnwrapKeys(ctx context.Context, batch []*Record) error {
	wrapped := make([]keys.Wrapped, len(batch))
	for i, h := range batch {
		wrapped[i] = keys.Wrapped{Owner: store.PersonKeys.Owner(h.Row.ID), Text: h.Row.WrappedKey}
	}
	ctx, cancel := context.WithTimeout(ctx, KeyWait)
	defer cancel()
	opened := s.ring.Unwrap(ctx, wrapped)
	for i, h := range batch {
		if err := opened[i].Err; err != nil {
			return fmt.Errorf("unwrapping keys: %w", s.KeyError(err))
		}
		h.Key = opened[i].Value
	}
	return nil
}

// OpenPersons reads and opens persons by their ids. Those who were erased are
// left out.
func (s *Records) OpenPersons(ctx context.Context, tx *store.Tx, ids []uuid.UUID) (map[uuid.UUID]*Record, error) {
	rows, err := tx.People.ByID(ctx, ids)
	if err != nil {
		return nil, err
	}
	all := make([]*Record, 0, len(rows))
	byID := make(map[uuid.UUID]*Record, len(rows))
	for _, row := range rows {
		if row.WrappedKey != "" {
			byID[row.ID] = &Record{Row: row}
			all = append(all, byID[row.ID])
		}
	}
	for batch := range slices.Chunk(all, keys.MaxBatch) {
		if err := s.UnwrapKeys(ctx, batch); err != nil {
			return nil, err
		}
	}
	for _, h := range all {
		if h.Person, err = OpenPerson(h.Key, &h.Row); err != nil {
			return nil, s.Damaged(TablePerson)
		}
	}
	return byID, nil
}

// openRecord opens a person and the authority's plans about them.
func (s *Records) openRecord(tag keys.Tag, h *Record) error {
	var err error
	if h.Person, err = OpenPerson(h.Key, &h.Row); err != nil {
		return s.Damaged(TablePerson)
	}
	if !slices.ContainsFunc(h.Person.Numbers(), func(n domain.NHSNumber) bool { return s.ring.LocalTag(n.Reveal()) == tag }) {
		return s.Damaged("person_tag") // it leads to somebody else
	}
	return s.OpenPlans(h)
}

// OpenPlans opens the authority's plans about a person.
func (s *Records) OpenPlans(h *Record) error {
	for i := range h.Plans {
		if err := s.OpenOwn(h.Key, &h.Plans[i]); err != nil {
			return err
		}
	}
	return nil
}

// OpenOwn opens one plan under the key of whom it is about.
func (s *Records) OpenOwn(key *keys.DataKey, p *Plan) error {
	if OpenJSON(key, DetailsContext(TablePlan, p.Row.ID, p.Row.Version), p.Row.Sealed, &p.Content) != nil {
		return s.Damaged(TablePlan)
	}
	return nil
}

// SealOwn seals a plan about a person as its row says it will be stored, and makes
// what finds it.
func (s *Records) SealOwn(about *Record, p *Plan) (err error) {
	p.Row.VisibleUntil = dayOrNil(p.VisibleUntil())
	p.Row.Index = indexer{s.ring, s.clock.Today()}.of(&about.Person, p)
	p.Row.Sealed, err = SealJSON(about.Key, DetailsContext(TablePlan, p.Row.ID, p.Row.Version), p.Content)
	return err
}

// ReindexOwn writes anew what finds the plans of a person, whose date of birth
// is another.
func (s *Records) ReindexOwn(ctx context.Context, tx *store.Tx, about *Record) error {
	rows := make([]store.PlanRow, len(about.Plans))
	for i := range about.Plans {
		rows[i] = about.Plans[i].Row
		rows[i].Index = indexer{s.ring, s.clock.Today()}.of(&about.Person, &about.Plans[i])
	}
	return tx.Plans.Reindex(ctx, rows)
}

// Damaged reports that something stored does not verify, and returns the error
// that says so.
func (s *Records) Damaged(table string) error {
	s.observe.Damaged(table)
	return fmt.Errorf("opening %s: %w", table, guard.ErrDamaged)
}

// KeyError translates an error of the keys into the service's words.
func (s *Records) KeyError(err error) error {
	switch {
	case errors.Is(err, keys.ErrUnavailable):
		return guard.ErrUnavailable
	case errors.Is(err, keys.ErrTampered):
		s.observe.Damaged(TablePerson)
		return guard.ErrDamaged
	}
	return err
}

// OpenAlone opens persons, and nothing about them.
func (s *Records) OpenAlone(ctx context.Context, all ...*Record) error {
	if err := s.UnwrapKeys(ctx, all); err != nil {
		return err
	}
	for _, h := range all {
		var err error
		if h.Person, err = OpenPerson(h.Key, &h.Row); err != nil {
			return s.Damaged(TablePerson)
		}
	}
	return nil
}
