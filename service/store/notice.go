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
	Encounter    []byte    // keyed hash; nil where none was given
	Sealed       []byte    // who asked or reported, and what they said, under the person's key
	Corrects     uuid.UUID // the notice that was wrong; zero where none was
	Reference    string    // identifier of a transfer, proposal or upload
	Dedupe       bool      // write it once for an encounter, see Append; not kept
	Entry        int       // in a Batch: the place of its entry there. When read: the entry's index in its log
}

// Notify gives notices to be written with the entries of the transaction: where
// they stand among other notices follows from where these do.
func (tx *Tx) Notify(rows ...NoticeRow) { tx.notices = append(tx.notices, rows...) }

// insertNotices writes them, all as of the entry with index first.
func (tx *Tx) insertNotices(ctx context.Context, log LogID, first int64) error {
	for i := range tx.notices {
		n := &tx.notices[i]
		if _, err := tx.execLast(ctx, "writing notice", `
			INSERT INTO cpis.notice (id, authority, person_id, kind, priority, at, organisation, setting, encounter,
			    sealed, corrects, reference, log, entry)
			VALUES ($1, $2, NULLIF($3, '00000000-0000-0000-0000-000000000000'::uuid), $4, $5, $6, $7, $8, $9,
			    $10, NULLIF($11, '00000000-0000-0000-0000-000000000000'::uuid), $12, $13, $14)`,
			n.ID, n.Authority, n.Person, n.Kind, n.Priority, n.At, n.Organisation, n.Setting, n.Encounter,
			n.Sealed, n.Corrects, n.Reference, log, first); err != nil {
			return err
		}
	}
	return nil
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
