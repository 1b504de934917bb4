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
	page := func(ctx context.Context, tx *store.Tx, after uuid.UUID) ([]store.PlanRow, error) {
		return tx.Plans.Removed(ctx, p.u.row.Authority, after, rowsAtOnce)
	}
	return p.each(ctx, page, everyPlan, func(h *record.Record, own *record.Plan) {
		for _, n := range h.Person.Numbers() {
			p.errors[removedPlan{p.s.ring.LocalTag(n.Reveal()), own.Kind, own.Start}] = struct{}{}
		}
	})
}
