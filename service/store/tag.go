package store

import (
	"context"
	"errors"

	"github.com/google/uuid"
)

// TagRow makes a person findable.
type TagRow struct {
	Tag          Tag
	Person       uuid.UUID
	IndexVersion int // the index key that the tag was made with
}

// InsertTags makes persons findable, any number at once. If another
// transaction has taken one of the tags at the same moment, the whole
// transaction runs again and then finds that person; so a tag that was already
// there when it began is ErrConflict only in the end.
func (tx *Tx) InsertTags(ctx context.Context, rows []TagRow) error {
	tags, persons, versions := make([][]byte, len(rows)), make([]uuid.UUID, len(rows)), make([]int32, len(rows))
	for i := range rows {
		tags[i], persons[i] = rows[i].Tag[:], rows[i].Person
		versions[i] = int32(rows[i].IndexVersion) //nolint:gosec // counts rotations of one key.
	}
	_, err := tx.exec(ctx, "tagging persons", `
		INSERT INTO cpis.person_tag (tag, person_id, index_version)
		SELECT n.tag, n.person_id, n.index_version
		FROM unnest($1::bytea[], $2::uuid[], $3::integer[]) AS n (tag, person_id, index_version)
		ORDER BY n.tag`, tags, persons, versions) // in order, so that two uploads that overlap do not deadlock
	return tryAgain(err)
}

// tryAgain marks a key that was taken as worth another attempt.
func tryAgain(err error) error {
	if f, ok := errors.AsType[*failure](err); ok && f.code == uniqueViolation {
		f.again = true
	}
	return err
}

// PersonsWithoutTag gives persons that have no tag made with a certain index
// key: the work that is left when the key rotates, to be paged like
// PersonsAfter.
func (q queries) PersonsWithoutTag(ctx context.Context, indexVersion int, after uuid.UUID, limit int) ([]PersonRow, error) {
	return all(ctx, q.q, "finding persons without tags", scanPerson, `
		SELECT `+personColumns+`
		FROM cpis.person AS p
		WHERE p.id > $1
		  AND p.erased_at IS NULL
		  AND NOT EXISTS (
		    SELECT
		    FROM cpis.person_tag AS t
		    WHERE t.person_id = p.id
		      AND t.index_version = $2
		)
		ORDER BY p.id
		LIMIT $3`, after, indexVersion, limit)
}

// DeleteTags removes tags made with an index key that is no longer used, of
// persons that have a newer one, and gives how many. It removes at most limit
// at once; call it until it removes none.
func (tx *Tx) DeleteTags(ctx context.Context, indexVersion, limit int) (int64, error) {
	return tx.exec(ctx, "removing tags", `
		DELETE FROM cpis.person_tag
		WHERE tag IN (
		    SELECT old.tag
		    FROM cpis.person_tag AS old
		    WHERE old.index_version = $1
		      AND EXISTS (
		        SELECT
		        FROM cpis.person_tag AS new
		        WHERE new.person_id = old.person_id
		          AND new.index_version > $1
		    )
		    LIMIT $2
		)`, indexVersion, limit)
}
