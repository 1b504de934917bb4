package service

import (
	"context"

	"github.com/google/uuid"

	"cpis/service/store"
)

// An authority that handed a plan over, or was offered one, still has notices
// and transfers to deal with. They name the person as that authority knew them
// last: what others have recorded since, such as another name or NHS number, is
// not shown.

// recall finds those persons again about whom an authority holds nothing any
// more, as it knew them last, with their keys where these can be had.
func (s *Service) recall(ctx context.Context, authority string, persons []uuid.UUID) (map[uuid.UUID]*held, error) {
	rows, err := s.db.KnownPlans(ctx, persons, nil, authority)
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	known := knownOf(rows)
	s.tryKeys(ctx, known)
	return known, nil
}

// knownOf gives the persons of what was known, by what was asked for: of several
// plans the one that was known latest counts.
func knownOf(rows []store.KnownPlan) map[uuid.UUID]*held {
	known := make(map[uuid.UUID]*held, len(rows))
	for i := range rows {
		k := &rows[i]
		if h := known[k.Of]; h == nil || h.past.row.At.Before(k.PlanRow.At) {
			known[k.Of] = &held{row: k.About, past: &ownPlan{row: k.PlanRow}}
		}
	}
	return known
}

// recallTransferred finds out whom plans are about that an authority handed
// over, or did not get, by the plans.
func (s *Service) recallTransferred(
	ctx context.Context, tx *store.Tx, authority string, plans []uuid.UUID,
) (map[uuid.UUID]*held, error) {
	rows, err := tx.KnownPlans(ctx, nil, plans, authority)
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	known := knownOf(rows)
	for _, h := range known {
		if err := s.openAlone(ctx, h); err != nil {
			return nil, err
		}
		if err := s.openOwn(h.key, h.past); err != nil {
			return nil, err
		}
		h.person = h.past.of(h.person)
	}
	return known, nil
}
