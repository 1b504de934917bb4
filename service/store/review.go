package store

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// ReviewRow is a break-glass access that waits to be reviewed by somebody else
// than who made it.
type ReviewRow struct {
	ID           uuid.UUID
	Person       uuid.NullUUID // not valid where nobody was found
	Organisation string        // the caller's
	Actor        string
	At           time.Time
	Sealed       []byte // the reason, under a key of its own
	WrappedKey   string
	Entry        int // in a Batch: the place of its entry there. When read: the entry's index in its log

	// Filled in when read, where it is closed.
	ClosedAt *time.Time
	ClosedBy string
	Outcome  string
}

// OpenReviews gives the accesses of an organisation that wait to be reviewed,
// the oldest first.
func (q queries) OpenReviews(ctx context.Context, organisation string, limit int) ([]ReviewRow, error) {
	return all(ctx, q.q, "reading reviews", scanReview, `
		SELECT `+reviewColumns+`
		FROM cpis.review
		WHERE organisation = $1
		  AND closed_at IS NULL
		ORDER BY at, id
		LIMIT $2`, organisation, limit)
}

// Review gives one of them, open or closed; ErrNotFound if there is none.
func (q queries) Review(ctx context.Context, id uuid.UUID) (ReviewRow, error) {
	return one(ctx, q.q, "reading review", scanReview, `
		SELECT `+reviewColumns+`
		FROM cpis.review
		WHERE id = $1`, id)
}

const reviewColumns = `id, person_id, organisation, actor, at, sealed, wrapped_key, entry,
		       closed_at, coalesce(closed_by, ''), outcome`

func scanReview(row pgx.CollectableRow) (r ReviewRow, err error) {
	err = row.Scan(&r.ID, &r.Person, &r.Organisation, &r.Actor, &r.At, &r.Sealed, &r.WrappedKey, &r.Entry,
		&r.ClosedAt, &r.ClosedBy, &r.Outcome)
	return r, err
}

// CloseReview closes a review. ErrConflict says that there is no open one with
// that id, or that by is who made the access.
func (tx *Tx) CloseReview(ctx context.Context, id uuid.UUID, by, outcome string, at time.Time) error {
	return tx.execAll(ctx, 1, "closing review", `
		UPDATE cpis.review
		SET closed_at = $2, closed_by = $3, outcome = $4
		WHERE id = $1
		  AND closed_at IS NULL
		  AND lower(btrim(actor)) <> lower(btrim($3))`, id, at, by, outcome)
}
