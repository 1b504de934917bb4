package store

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// NoticeRow is a message to an authority that a person with one of its plans
// was seen.
type NoticeRow struct {
	ID           uuid.UUID
	Person       uuid.UUID
	Authority    string // GSS code
	Kind         string
	Priority     bool
	At           time.Time
	Organisation string
	Setting      string
	Encounter    []byte // keyed hash; nil where none was given
	Dedupe       bool   // write it once for an encounter, see Append; not kept
	Entry        int    // in a Batch: the place of its entry there. When read: the entry's index in its log
}

// Notices gives the newest notices to an authority.
func (q queries) Notices(ctx context.Context, authority string, limit int) ([]NoticeRow, error) {
	return all(ctx, q.q, "reading notices",
		func(row pgx.CollectableRow) (n NoticeRow, err error) {
			err = row.Scan(&n.ID, &n.Person, &n.Authority, &n.Kind, &n.Priority, &n.At,
				&n.Organisation, &n.Setting, &n.Encounter, &n.Entry)
			return n, err
		}, `
		SELECT id, person_id, authority, kind, priority, at, organisation, setting, encounter, entry
		FROM cpis.notice
		WHERE authority = $1
		ORDER BY at DESC, id DESC
		LIMIT $2`, authority, limit)
}
