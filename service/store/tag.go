package store

import (
	"context"
	"errors"
	"slices"
	"strings"

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
//
// A tag made with an index key that is no longer there is left out: nobody asks
// for it any more. If the newest of the versions given is not there, no tag is
// written and the error is ErrUnavailable, for nobody would find the persons.
func (tx *Tx) InsertTags(ctx context.Context, rows []TagRow) error {
	tags, persons, versions := make([][]byte, len(rows)), make([]uuid.UUID, len(rows)), make([]int32, len(rows))
	for i := range rows {
		tags[i], persons[i] = rows[i].Tag[:], rows[i].Person
		versions[i] = int32(rows[i].IndexVersion) //nolint:gosec // counts rotations of one key.
	}
	if len(rows) == 0 {
		return nil
	}
	const doing = "tagging persons"
	written, err := tx.exec(ctx, doing, `
		INSERT INTO cpis.person_tag (tag, person_id, index_version)
		SELECT n.tag, n.person_id, n.index_version
		FROM unnest($1::bytea[], $2::uuid[], $3::integer[]) AS n (tag, person_id, index_version)
		WHERE EXISTS (SELECT FROM cpis.index_key AS k WHERE k.version = n.index_version)
		  AND EXISTS (SELECT FROM cpis.index_key AS k WHERE k.version = $4)
		ORDER BY n.tag`, tags, persons, versions, slices.Max(versions)) // in order, so that two uploads that overlap do not deadlock
	if err == nil && written == 0 {
		return &failure{doing: doing, kinds: []error{ErrUnavailable}, what: "the newest index key is not there"}
	}
	return tryAgain(err)
}

// tryAgain marks as worth another attempt a key that was taken, and an index
// key that was removed while tags were written with it.
func tryAgain(err error) error {
	f, ok := errors.AsType[*failure](err)
	switch {
	case ok && f.code == uniqueViolation:
		f.again = true
	case ok && f.code == foreignKeyViolation && strings.HasSuffix(f.what, tagIndexKey):
		f.again, f.kinds = true, []error{ErrUnavailable}
	}
	return err
}

// tagIndexKey is the constraint that a tag's index key is there.
const tagIndexKey = " person_tag_index_version_fkey"

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
