package store

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// InForce pages through an authority's plans that are not errors and are
// visible on a day or later, in order of their ids; start after the zero id.
// Some of them may have ended all the same: only their sealed details say.
func (q planReads) InForce(ctx context.Context, authority string, day time.Time, after uuid.UUID, limit int) ([]PlanRow, error) {
	return all(ctx, q.q, "reading plans in force", q.scanPlan, `
		SELECT `+planColumns+`
		FROM cpis.plan AS l
		WHERE l.authority = $1
		  AND l.id > $2
		  AND NOT l.removed
		  AND (l.visible_until IS NULL OR l.visible_until >= $3)
		ORDER BY l.id
		LIMIT $4`, authority, after, day, limit)
}

// Removed pages through the plans that an authority removed as entered in
// error, in order of their ids; start after the zero id.
func (q planReads) Removed(ctx context.Context, authority string, after uuid.UUID, limit int) ([]PlanRow, error) {
	return all(ctx, q.q, "reading removed plans", q.scanPlan, `
		SELECT `+planColumns+`
		FROM cpis.plan AS l
		WHERE l.authority = $1
		  AND l.id > $2
		  AND l.removed
		ORDER BY l.id
		LIMIT $3`, authority, after, limit)
}

// LockForUpload locks those whom the tags of a file lead to and, if it is a
// whole list, all about whom its authority has plans in force. They are locked
// in order of their ids, so that uploads that overlap do not deadlock.
func (tx planWrites) LockForUpload(ctx context.Context, tags []Tag, authority string, whole bool, day time.Time) error {
	_, err := all(ctx, tx.q, "locking persons for upload",
		func(row pgx.CollectableRow) (locked bool, err error) { return locked, row.Scan(&locked) }, `
		SELECT true
		FROM cpis.person AS p
		WHERE p.id IN (
		    SELECT t.person_id
		    FROM cpis.person_tag AS t
		    WHERE t.tag = ANY ($1::bytea[])
		    UNION
		    SELECT l.person_id
		    FROM cpis.plan AS l
		    WHERE $2
		      AND l.authority = $3
		      AND NOT l.removed
		      AND (l.visible_until IS NULL OR l.visible_until >= $4)
		)
		ORDER BY p.id
		FOR UPDATE OF p`, tagBytes(tags), whole, authority, day)
	return err
}
