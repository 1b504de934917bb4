package store

import (
	"context"
	"time"

	"github.com/google/uuid"
)

// AccessCopy is a copy of an access, for the history of another person.
type AccessCopy struct {
	ID, Of uuid.UUID
	Sealed []byte // anew, under that person's key
}

// CopyAccesses copies accesses, with what marks them, into the history of a
// person who turned out to be the same.
func (tx *Tx) CopyAccesses(ctx context.Context, person uuid.UUID, copies []AccessCopy) error {
	ids, of, sealed := make([]uuid.UUID, len(copies)), make([]uuid.UUID, len(copies)), make([][]byte, len(copies))
	for i, c := range copies {
		ids[i], of[i], sealed[i] = c.ID, c.Of, c.Sealed
	}
	return tx.execAll(ctx, len(copies), "copying history", `
		WITH copied AS (
		    SELECT *
		    FROM unnest($2::uuid[], $3::uuid[], $4::bytea[]) AS c (id, of, sealed)
		), marked AS (
		    INSERT INTO cpis.access_mark (access_id, at)
		    SELECT c.id, m.at
		    FROM copied AS c
		    JOIN cpis.access_mark AS m ON m.access_id = c.of
		)
		INSERT INTO cpis.access (id, person_id, at, organisation, setting, encounter, sealed, log, entry)
		SELECT c.id, $1, a.at, a.organisation, a.setting, a.encounter, c.sealed, a.log, a.entry
		FROM copied AS c
		JOIN cpis.access AS a ON a.id = c.of`, person, ids, of, sealed)
}

// MarkCopies marks accesses as of somebody else. Those that are marked
// already stay as they are.
func (tx *Tx) MarkCopies(ctx context.Context, accesses []uuid.UUID, at time.Time) error {
	_, err := tx.exec(ctx, "marking accesses", `
		INSERT INTO cpis.access_mark (access_id, at)
		SELECT a.id, $2
		FROM unnest($1::uuid[]) AS a (id)
		WHERE NOT EXISTS (SELECT FROM cpis.access_mark AS m WHERE m.access_id = a.id)`, accesses, at)
	return err
}
