package upload

import (
	"context"

	"github.com/google/uuid"

	"cpis/service/record"
	"cpis/service/store"
)

// reader reads plans with whom they are about, a page at a time: few enough
// that look-ups need not wait for long.
type reader struct {
	s *Uploads
	// in runs fn in a transaction: one for all that is read, or a short one each
	// time. Keys are asked for outside of the short ones.
	in     func(ctx context.Context, fn func(*store.Tx) error) error
	gently bool // nobody waits for it
}

// pageOf reads a page of plans that begins after an identifier.
type pageOf func(ctx context.Context, tx *store.Tx, after uuid.UUID) ([]store.PlanRow, error)

// everyPlan is a filter that every plan passes.
func everyPlan(*store.PlanRow) bool { return true }

// each calls do with the plans of all pages that are wanted.
func (r *reader) each(
	ctx context.Context, page pageOf, wanted func(*store.PlanRow) bool, do func(*record.Record, *record.Plan),
) error {
	for after := uuid.Nil; ; {
		spell := r.s.background.Begin()
		var rows []store.PlanRow
		err := r.in(ctx, func(tx *store.Tx) (err error) {
			rows, err = page(ctx, tx, after)
			return err
		})
		if err != nil || len(rows) == 0 {
			return err
		}
		after = rows[len(rows)-1].ID
		if err := r.open(ctx, rows, wanted, do); err != nil {
			return err
		}
		if err := spell.End(ctx, r.gently); err != nil {
			return err
		}
	}
}

// open opens those plans that are wanted, and whom they are about.
func (r *reader) open(
	ctx context.Context, rows []store.PlanRow, wanted func(*store.PlanRow) bool, do func(*record.Record, *record.Plan),
) error {
	var own []record.Plan
	var ids []uuid.UUID
	for i := range rows {
		if wanted(&rows[i]) {
			own, ids = append(own, record.Plan{Row: rows[i]}), append(ids, rows[i].Person)
		}
	}
	if len(own) == 0 {
		return nil
	}
	var byID map[uuid.UUID]*record.Record
	err := r.in(ctx, func(tx *store.Tx) (err error) {
		byID, err = r.s.records.OpenPersons(ctx, tx, ids)
		return err
	})
	if err != nil {
		return err
	}
	for i := range own {
		h := byID[ids[i]]
		if h == nil {
			continue // erased: nothing about the person can be read any more
		}
		if err := r.s.records.OpenOwn(h.Key, &own[i]); err != nil {
			return err
		}
		do(h, &own[i])
	}
	return nil
}
