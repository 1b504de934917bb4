package service

import (
	"context"
	"fmt"
	"slices"

	"cpis/service/keys"
	"cpis/service/store"
)

// atOnce is how many rows are written by one statement.
const atOnce = 1000

// write makes keys, seals and writes all that is new.
func (in *intake) write(ctx context.Context, tx *store.Tx) error {
	if err := in.makeKeys(ctx); err != nil {
		return err
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

// makeKeys gives those whom nothing is held about their identifiers and keys.
func (in *intake) makeKeys(ctx context.Context) error {
	var tags []keys.Tag
	var owners []string
	for _, h := range in.made {
		tag := in.s.ring.Tag(h.person.NHSNumber.Reveal())
		k, known := in.keys[tag]
		if !known {
			k.person = newID()
			in.keys[tag] = k
		}
		if k.Key == nil {
			tags = append(tags, tag)
			owners = append(owners, owner(k.person))
		}
	}
	made, err := in.s.ring.New(ctx, owners)
	if err != nil {
		return in.s.keyError(err)
	}
	for i, tag := range tags {
		in.keys[tag] = newKey{in.keys[tag].person, made[i]}
	}
	return nil
}

func (in *intake) writePersons(ctx context.Context, tx *store.Tx, batch []*held) error {
	rows := make([]store.PersonRow, len(batch))
	for i, h := range batch {
		k := in.keys[in.s.ring.Tag(h.person.NHSNumber.Reveal())]
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
	versions := in.s.ring.IndexVersions()
	rows := make([]store.TagRow, 0, len(in.made)*len(versions))
	for _, h := range in.made {
		for i, tag := range in.s.ring.Tags(h.person.NHSNumber.Reveal()) {
			rows = append(rows, store.TagRow{Tag: store.Tag(tag), Person: h.row.ID, IndexVersion: versions[i]})
		}
	}
	if err := tx.InsertTags(ctx, rows); err != nil {
		return fmt.Errorf("making people findable: %w", err)
	}
	return nil
}
