package store

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// TagRow makes a person findable.
type TagRow struct {
	Tag          Tag
	Person       uuid.UUID
	IndexVersion int // the index key that the tag was made with
}

// targets are where the columns of a tag go.
func (t *TagRow) targets() []any { return []any{(*tagTarget)(&t.Tag), &t.Person, &t.IndexVersion} }

func (t *TagRow) cover(c *cover) {
	c.of("person_tag")
	c.bytes("tag", t.Tag[:])
	c.id("person_id", t.Person)
	c.int("index_version", t.IndexVersion)
}

const tagColumns = `t.tag, t.person_id, t.index_version, t.mac`

func (q queries) scanTag(row pgx.CollectableRow) (TagRow, error) {
	return scanner[TagRow](q.guard)(row)
}

// Insert makes persons findable, any number at once. If another
// transaction has taken one of the tags at the same moment, the whole
// transaction runs again and then finds that person; so a tag that was already
// there when it began is ErrConflict only in the end.
//
// A tag made with an index key that is no longer there is left out: nobody asks
// for it any more. If the newest of the versions given is not there, no tag is
// written and the error is ErrUnavailable, for nobody would find the persons.
func (tx tagWrites) Insert(ctx context.Context, rows []TagRow) error {
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
		INSERT INTO cpis.person_tag (tag, person_id, index_version, mac)
		SELECT n.tag, n.person_id, n.index_version, n.mac
		FROM unnest($1::bytea[], $2::uuid[], $3::integer[], $5::bytea[]) AS n (tag, person_id, index_version, mac)
		WHERE EXISTS (SELECT FROM cpis.index_key AS k WHERE k.version = n.index_version)
		  AND EXISTS (SELECT FROM cpis.index_key AS k WHERE k.version = $4)
		ORDER BY n.tag`, tags, persons, versions, slices.Max(versions), macsOf(tx.guard, rows)) // in order, so that two uploads that overlap do not deadlock
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

// LeadingTo returns whom tags lead to, in order of person and tag. Tags that
// nobody has are left out.
func (q tagReads) LeadingTo(ctx context.Context, tags []Tag) ([]TagRow, error) {
	return all(ctx, q.q, "reading tags", q.scanTag, `
		SELECT `+tagColumns+`
		FROM cpis.person_tag AS t
		WHERE t.tag = ANY ($1::bytea[])
		ORDER BY t.person_id, t.tag`, tagBytes(tags))
}

// PeopleWithout returns persons that have fewer tags made with a certain
// index key than they have made with older ones: the work that is left when the
// key rotates, to be paged like People.After. A person has a tag for each NHS
// number that finds it, and none if it is not to be found. They are returned also
// if they do not verify: their numbers are sealed, and prove themselves.
func (q tagReads) PeopleWithout(ctx context.Context, indexVersion int, after uuid.UUID, limit int) ([]PersonRow, error) {
	return all(ctx, q.q, "finding persons without tags",
		func(row pgx.CollectableRow) (p PersonRow, err error) {
			var mac []byte
			err = row.Scan(append(p.targets(), &mac)...)
			return p, err
		}, `
		SELECT `+personColumns+`
		FROM cpis.person AS p
		CROSS JOIN LATERAL (
		    SELECT count(*) FILTER (WHERE t.index_version = $2) AS new,
		           count(*) FILTER (WHERE t.index_version < $2) AS old
		    FROM cpis.person_tag AS t
		    WHERE t.person_id = p.id
		) AS has
		WHERE p.id > $1
		  AND p.erased_at IS NULL
		  AND has.new < has.old
		ORDER BY p.id
		LIMIT $3`, after, indexVersion, limit)
}

// PeopleUnverified returns people by their ids, as PeopleWithout does. Those who were
// erased are left out.
func (q tagReads) PeopleUnverified(ctx context.Context, ids []uuid.UUID) ([]PersonRow, error) {
	return all(ctx, q.q, "reading persons", func(row pgx.CollectableRow) (p PersonRow, err error) {
		var mac []byte
		err = row.Scan(append(p.targets(), &mac)...)
		return p, err
	}, `
		SELECT `+personColumns+`
		FROM cpis.person AS p
		WHERE p.id = ANY ($1::uuid[])
		  AND p.erased_at IS NULL`, ids)
}

// LockForTags keeps others from changing persons, in order of their ids. It does
// not verify them, as PeopleWithout does not.
func (tx personWrites) LockForTags(ctx context.Context, ids []uuid.UUID) error {
	_, err := tx.exec(ctx, "locking persons", `
		SELECT
		FROM cpis.person AS p
		WHERE p.id = ANY ($1::uuid[])
		ORDER BY p.id
		FOR UPDATE`, ids)
	return err
}

// Remove removes all tags of persons: nobody finds them any more, unless
// Insert follows.
func (tx tagWrites) Remove(ctx context.Context, persons []uuid.UUID) error {
	_, err := tx.exec(ctx, "removing tags", `
		DELETE FROM cpis.person_tag
		WHERE person_id = ANY ($1::uuid[])`, persons)
	return err
}

// RemoveVersion is Remove for the tags made with one index key.
func (tx tagWrites) RemoveVersion(ctx context.Context, persons []uuid.UUID, indexVersion int) error {
	_, err := tx.exec(ctx, "removing tags", `
		DELETE FROM cpis.person_tag
		WHERE person_id = ANY ($1::uuid[])
		  AND index_version = $2`, persons, indexVersion)
	return err
}

// DeleteVersion removes tags made with an index key that is no longer used, of
// persons that have as many newer ones, and returns how many. It removes at most
// limit at once; call it until it removes none.
func (tx tagWrites) DeleteVersion(ctx context.Context, indexVersion, limit int) (int64, error) {
	return tx.exec(ctx, "removing tags", `
		DELETE FROM cpis.person_tag
		WHERE tag IN (
		    SELECT old.tag
		    FROM cpis.person_tag AS old
		    CROSS JOIN LATERAL (
		        SELECT count(*) FILTER (WHERE t.index_version > $1) AS new,
		               count(*) FILTER (WHERE t.index_version = $1) AS old
		        FROM cpis.person_tag AS t
		        WHERE t.person_id = old.person_id
		    ) AS has
		    WHERE old.index_version = $1
		      AND has.new >= has.old
		    LIMIT $2
		)`, indexVersion, limit)
}
