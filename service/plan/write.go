package plan

import (
	"context"
	"slices"

	"cpis/service/keys"
	"cpis/service/record"
	"cpis/service/store"
)

// write creates keys, seals and writes all that is new.
func (in *Intake) write(ctx context.Context, tx *store.Tx) error {
	if err := in.WriteRows(ctx, tx); err != nil {
		return err
	}
	return record.InsertTags(ctx, tx, in.Tags())
}

// WriteRows is write without making new persons findable.
func (in *Intake) WriteRows(ctx context.Context, tx *store.Tx) error {
	for batch := range slices.Chunk(in.made, keys.MaxBatch) {
		if err := in.s.records.MakeKeys(ctx, in.Keys, batch); err != nil {
			return err
		}
	}
	for batch := range slices.Chunk(in.made, record.AtOnce) {
		if err := in.writePersons(ctx, tx, batch); err != nil {
			return err
		}
	}
	for batch := range slices.Chunk(in.altered, record.AtOnce) {
		if err := in.s.records.UpdatePersons(ctx, tx, batch...); err != nil {
			return err
		}
		if err := in.s.notices.TellRestrictions(ctx, tx, in.authority, batch); err != nil {
			return err
		}
	}
	for batch := range slices.Chunk(in.Plans, record.AtOnce) {
		if err := in.writePlans(ctx, batch, tx.Plans.Insert); err != nil {
			return err
		}
	}
	for batch := range slices.Chunk(in.changes, record.AtOnce) {
		if err := in.writePlans(ctx, batch, tx.Plans.Update); err != nil {
			return err
		}
	}
	return nil
}

func (in *Intake) writePersons(ctx context.Context, tx *store.Tx, batch []*record.Record) error {
	rows := make([]store.PersonRow, len(batch))
	for i, h := range batch {
		k := in.Keys[h.Tag]
		sealed, err := record.SealPerson(k.Key, k.Person, 1, h.Person)
		if err != nil {
			return err
		}
		h.Key, h.Row.ID, h.Row.Version = k.Key, k.Person, 1
		rows[i] = store.PersonRow{
			ID: k.Person, Restricted: h.Row.Restricted, WrappedKey: k.Wrapped.Text, Version: 1, Sealed: sealed, At: in.now,
		}
	}
	return tx.People.Insert(ctx, rows)
}

func (in *Intake) writePlans(ctx context.Context, batch []*record.NewPlan, write func(context.Context, []store.PlanRow) error) error {
	rows := make([]store.PlanRow, len(batch))
	for i, p := range batch {
		sealed := p.Plan // a copy: what is sealed need not outlive the batch
		sealed.Row.Person = p.About.Row.ID
		if err := in.s.records.SealOwn(p.About, &sealed); err != nil {
			return err
		}
		rows[i] = sealed.Row
	}
	return write(ctx, rows)
}

// Tags are those of new persons, under each index key: while it rotates, other
// servers may know only the old one. They are written last, because whoever
// registers one of the same persons waits from there, and at once, because all
// must be written in one order.
func (in *Intake) Tags() []store.TagRow {
	rows := make([]store.TagRow, 0, 2*len(in.made))
	for _, h := range in.made {
		rows = append(rows, in.s.records.TagsOf(h)...)
	}
	return rows
}
