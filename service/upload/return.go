package upload

import (
	"context"

	"github.com/google/uuid"

	"cpis/service/domain"
	"cpis/service/keys"
	"cpis/service/record"
	"cpis/service/store"
)

// removedPlan is what a plan is recognised by that was removed as entered in
// error.
type removedPlan struct {
	person keys.Tag // of an NHS number
	kind   domain.Kind
	start  domain.Date
}

// findErrors finds the plans that the authority removed as entered in error.
// Whom they were about may not be findable any more, so they are found by the
// authority: they are few, for each was removed by hand.
func (p *pass) findErrors(ctx context.Context) error {
	p.errors = make(map[removedPlan]struct{})
	for after := uuid.Nil; ; {
		spell := p.s.spell()
		var rows []store.PlanRow
		err := p.in(ctx, func(tx *store.Tx) (err error) {
			rows, err = tx.RemovedPlans(ctx, p.u.row.Authority, after, rowsAtOnce)
			return err
		})
		if err != nil || len(rows) == 0 {
			return err
		}
		after = rows[len(rows)-1].ID
		err = p.open(ctx, rows, func(h *record.Record, own *record.Plan) {
			for _, n := range h.Person.Numbers() {
				p.errors[removedPlan{p.s.ring.LocalTag(n.Reveal()), own.Kind, own.Start}] = struct{}{}
			}
		})
		if err == nil {
			err = spell.end(ctx, true)
		}
		if err != nil {
			return err
		}
	}
}
