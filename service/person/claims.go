package person

import (
	"context"

	"cpis/service/domain"
	"cpis/service/record"
	"cpis/service/store"
)

// textTakenBack is what other authorities are told.
const textTakenBack = "The number that this person had meanwhile was taken back: nobody is found by it any more. If it was right, replace the number again."

// takenBack returns the claims that a replacement takes back. A number stays with
// the person if another authority registered a plan since it was claimed, maybe
// under it; and if the person is restricted, because otherwise one person alone
// could register somebody under it who is not.
func (r *replacing) takenBack(ctx context.Context, tx *store.Tx, h *record.Record) ([]domain.Claim, error) {
	back := h.Person.Since(r.fresh)
	if len(back) == 0 || h.Row.Restricted {
		return nil, nil
	}
	var free []domain.Claim
	for _, c := range back {
		used, err := tx.Plans.RegisteredSince(ctx, h.Row.ID, r.by.Organisation, c.At)
		if err != nil {
			return nil, err
		}
		if !used {
			free = append(free, c)
		}
	}
	return free, nil
}
