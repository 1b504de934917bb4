package notice

import (
	"context"

	"github.com/google/uuid"

	"cpis/service/record"
)

// An authority that handed a plan over, or was offered one, still has notices
// and transfers to deal with. They name the person as that authority knew them
// last: what others have recorded since, such as another name or NHS number, is
// not shown.

// recall finds those persons again about whom an authority holds nothing any
// more, as it knew them last, with their keys if these can be had.
func (s *Notices) recall(ctx context.Context, authority string, persons []uuid.UUID) (map[uuid.UUID]*record.Record, error) {
	rows, err := s.db.Plans.Known(ctx, persons, nil, authority)
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	known := record.KnownOf(rows)
	s.tryKeys(ctx, known)
	return known, nil
}
