package plan

import (
	"context"

	"github.com/google/uuid"

	"cpis/service/record"
	"cpis/service/store"
)

// recallTransferred finds out whom plans are about that an authority handed
// over, or did not get, by the plans.
func (s *Plans) recallTransferred(
	ctx context.Context, tx *store.Tx, authority string, plans []uuid.UUID,
) (map[uuid.UUID]*record.Record, error) {
	rows, err := tx.Plans.Known(ctx, nil, plans, authority)
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	known := record.KnownOf(rows)
	for _, h := range known {
		if err := s.records.OpenAlone(ctx, h); err != nil {
			return nil, err
		}
		if err := s.records.OpenOwn(h.Key, h.Past); err != nil {
			return nil, err
		}
		h.Person = h.Past.Of(h.Person)
	}
	return known, nil
}
