package service

import (
	"context"
	"slices"

	"github.com/google/uuid"

	"cpis/service/keys"
	"cpis/service/store"
)

// atOnce is how many rows are written by one statement.
const atOnce = 1000

// write makes keys, seals and writes all that is new.
func (in *intake) write(ctx context.Context, tx *store.Tx) error {
	if err := in.writeRows(ctx, tx); err != nil {
		return err
	}
	return insertTags(ctx, tx, in.tags())
}

// writeRows is write without making new persons findable.
func (in *intake) writeRows(ctx context.Context, tx *store.Tx) error {
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
	for batch := range slices.Chunk(in.altered, atOnce) {
		if err := in.s.updatePersons(ctx, tx, batch...); err != nil {
			return err
		}
		if err := in.s.tellRestrictions(ctx, tx, in.authority, batch); err != nil {
			return err
		}
	}
	for batch := range slices.Chunk(in.plans, atOnce) {
		if err := writePlans(ctx, batch, tx.InsertPlans); err != nil {
			return err
		}
	}
	for batch := range slices.Chunk(in.changes, atOnce) {
		if err := writePlans(ctx, batch, tx.UpdatePlans); err != nil {
			return err
		}
	}
	return nil
}

// makeKeys creates ids and data keys for people not on record yet, one batch at
// most.
func (s *Service) makeKeys(ctx context.Context, made newKeys, batch []*held) error {
	var tags []keys.Tag
	var persons []uuid.UUID
	var owners []string
	for _, h := range batch {
		if _, known := made[h.tag]; !known {
			id := newID()
			tags, persons, owners = append(tags, h.tag), append(persons, id), append(owners, store.PersonKeys.Owner(id))
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

func writePlans(ctx context.Context, batch []*newPlan, write func(context.Context, []store.PlanRow) error) error {
	rows := make([]store.PlanRow, len(batch))
	for i, p := range batch {
		sealed := p.ownPlan // a copy: what is sealed need not outlive the batch
		sealed.row.Person = p.about.row.ID
		if err := sealOwn(p.about.key, &sealed); err != nil {
			return err
		}
		rows[i] = sealed.row
	}
	return write(ctx, rows)
}

// tags are those of new persons, under each index key: while it rotates, other
// servers may know only the old one. They are written last, because whoever
// registers one of the same persons waits from there, and at once, because all
// must be written in one order.
func (in *intake) tags() []store.TagRow {
	rows := make([]store.TagRow, 0, 2*len(in.made))
	for _, h := range in.made {
		rows = append(rows, in.s.tagsOf(h)...)
	}
	return rows
}
