package service

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"cpis/service/keys"
	"cpis/service/store"
)

// atOnce is how many rows are written by one statement.
const atOnce = 1000

// write makes keys, seals and writes all that is new.
func (in *intake) write(ctx context.Context, tx *store.Tx) error {
	for batch := range slices.Chunk(in.made, keys.MaxBatch) {
		if err := in.s.makeKeys(ctx, in.keys, batch); err != nil {
			return err
		}
	}
	for batch := range slices.Chunk(in.made, atOnce) {
		if err := in.writePersons(ctx, tx, batch); err != nil {
			return err
		}
	}
	for batch := range slices.Chunk(in.restrict, atOnce) {
		if err := in.writeRestricted(ctx, tx, batch); err != nil {
			return err
		}
	}
	for batch := range slices.Chunk(in.plans, atOnce) {
		if err := in.writePlans(ctx, tx, batch); err != nil {
			return err
		}
	}
	return in.writeTags(ctx, tx)
}

// makeKeys gives at most a batch of those whom nothing is held about their
// identifiers and keys.
func (s *Service) makeKeys(ctx context.Context, made newKeys, batch []*held) error {
	var tags []keys.Tag
	var persons []uuid.UUID
	var owners []string
	for _, h := range batch {
		if _, known := made[h.tag]; !known {
			id := newID()
			tags, persons, owners = append(tags, h.tag), append(persons, id), append(owners, owner(id))
		}
	}
	if len(owners) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, keyWait)
	defer cancel()
	fresh, err := s.ring.New(ctx, owners)
	if err != nil {
		return s.keyError(err)
	}
	for i, tag := range tags {
		made[tag] = newKey{persons[i], fresh[i]}
	}
	return nil
}

func (in *intake) writePersons(ctx context.Context, tx *store.Tx, batch []*held) error {
	rows := make([]store.PersonRow, len(batch))
	for i, h := range batch {
		k := in.keys[h.tag]
		sealed, err := sealPerson(k.Key, k.person, 1, h.person)
		if err != nil {
			return err
		}
		h.key, h.row.ID, h.row.Version = k.Key, k.person, 1
		rows[i] = store.PersonRow{
			ID: k.person, Restricted: h.row.Restricted, WrappedKey: k.Wrapped.Text, Version: 1, Sealed: sealed, At: in.now,
		}
	}
	return tx.InsertPersons(ctx, rows)
}

// writeRestricted writes the versions in which persons became restricted.
func (in *intake) writeRestricted(ctx context.Context, tx *store.Tx, batch []*held) error {
	rows := make([]store.PersonRow, len(batch))
	for i, h := range batch {
		h.row.Version++
		h.row.At = in.now
		var err error
		if h.row.Sealed, err = sealPerson(h.key, h.row.ID, h.row.Version, h.person); err != nil {
			return err
		}
		rows[i] = h.row
	}
	return tx.UpdatePersons(ctx, rows)
}

func (in *intake) writePlans(ctx context.Context, tx *store.Tx, batch []*newPlan) error {
	rows := make([]store.PlanRow, len(batch))
	for i, p := range batch {
		sealed := p.ownPlan // a copy: what is sealed need not outlive the batch
		sealed.row.Person = p.about.row.ID
		if err := sealOwn(p.about.key, &sealed); err != nil {
			return err
		}
		rows[i] = sealed.row
	}
	return tx.InsertPlans(ctx, rows)
}

// writeTags makes new persons findable, under each index key: while it rotates,
// other servers may know only the old one. It comes last, because whoever
// registers one of the same persons waits from here, and because all tags must
// be written in one order.
func (in *intake) writeTags(ctx context.Context, tx *store.Tx) error {
	if len(in.made) == 0 {
		return nil
	}
	rows := make([]store.TagRow, 0, 2*len(in.made))
	for _, h := range in.made {
		for _, t := range in.s.ring.VersionedTags(h.person.NHSNumber.Reveal()) {
			rows = append(rows, store.TagRow{Tag: store.Tag(t.Tag), Person: h.row.ID, IndexVersion: t.Version})
		}
	}
	err := tx.InsertTags(ctx, rows)
	if errors.Is(err, store.ErrNotFound) { // an index key that was retired this moment: soon the ring knows
		return ErrUnavailable
	}
	if err != nil {
		return fmt.Errorf("making people findable: %w", err)
	}
	return nil
}
