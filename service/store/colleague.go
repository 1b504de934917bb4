package store

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// ColleagueRow is somebody who acts for an authority.
type ColleagueRow struct {
	ID         uuid.UUID
	Authority  string    // GSS code
	SeenOn     time.Time // the last day, as midnight UTC
	WrappedKey string
	Sealed     []byte // who it is
}

const colleagueColumns = `c.id, c.authority, c.seen_on, c.wrapped_key, c.sealed`

func scanColleague(row pgx.CollectableRow) (c ColleagueRow, err error) {
	err = row.Scan(&c.ID, &c.Authority, &c.SeenOn, &c.WrappedKey, &c.Sealed)
	return c, err
}

// List returns the colleagues of an authority, whoever was seen last first.
func (q colleagueReads) List(ctx context.Context, authority string, limit int) ([]ColleagueRow, error) {
	return all(ctx, q.q, "reading colleagues", scanColleague, `
		SELECT `+colleagueColumns+`
		FROM cpis.colleague AS c
		WHERE c.authority = $1
		ORDER BY c.seen_on DESC, c.id
		LIMIT $2`, authority, limit)
}

// ByID returns the colleagues of an authority with some ids, in order of these.
func (q colleagueReads) ByID(ctx context.Context, authority string, ids []uuid.UUID) ([]ColleagueRow, error) {
	return all(ctx, q.q, "reading colleagues", scanColleague, `
		SELECT `+colleagueColumns+`
		FROM cpis.colleague AS c
		WHERE c.authority = $1
		  AND c.id = ANY ($2::uuid[])
		ORDER BY c.id`, authority, ids)
}

// Insert keeps a new colleague. One whom another server has just kept
// stays as it is.
func (tx colleagueWrites) Insert(ctx context.Context, c *ColleagueRow) error {
	_, err := tx.exec(ctx, "keeping colleague", `
		INSERT INTO cpis.colleague (id, authority, seen_on, wrapped_key, sealed)
		VALUES ($1, $2, $3::date, $4, $5)
		ON CONFLICT (id) DO NOTHING`, c.ID, c.Authority, c.SeenOn, c.WrappedKey, c.Sealed)
	return err
}

// Update writes when a colleague was seen, and who it is by now. The
// key stays.
func (tx colleagueWrites) Update(ctx context.Context, c *ColleagueRow) error {
	_, err := tx.exec(ctx, "keeping colleague", `
		UPDATE cpis.colleague
		SET seen_on = $2::date, sealed = $3
		WHERE id = $1`, c.ID, c.SeenOn, c.Sealed)
	return err
}

// Forget forgets those who were not seen since a day, and to whom no
// notice is given that nobody acknowledged.
func (tx colleagueWrites) Forget(ctx context.Context, since time.Time) (int64, error) {
	return tx.exec(ctx, "forgetting colleagues", `
		DELETE FROM cpis.colleague AS c
		WHERE c.seen_on < $1::date
		  AND NOT EXISTS (
		      SELECT
		      FROM cpis.notice AS n
		      WHERE n.authority = c.authority
		        AND n.assigned_to = c.id::text
		        AND n.acknowledged_at IS NULL)`, since)
}
