package store

import (
	"context"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// PersonRow is the current state of a person who has, or had, plans.
type PersonRow struct {
	ID         uuid.UUID
	Restricted bool
	WrappedKey string // the person's data key, wrapped; empty if it was erased
	Version    int    // from 1, one more with each change
	Sealed     []byte
	At         time.Time // when this version was made
}

// targets are where the columns of a person go.
func (p *PersonRow) targets() []any {
	return []any{&p.ID, &p.Restricted, &p.WrappedKey, &p.Version, &p.Sealed, &p.At}
}

// cover is the same for a person and for each of its versions.
func (p *PersonRow) cover(c *cover) {
	c.of("person")
	c.id("id", p.ID)
	c.bool("restricted", p.Restricted)
	c.int("version", p.Version)
	c.time("changed_at", p.At)
}

// personVersionColumns are personColumns of a version, which has no key.
const personVersionColumns = `v.person_id, v.restricted, '', v.version, v.sealed, v.changed_at, v.mac`

const personColumns = `p.id, p.restricted, p.wrapped_key, p.version, p.sealed, p.changed_at, p.mac`

func (q queries) scanPerson(row pgx.CollectableRow) (PersonRow, error) {
	return scanner[PersonRow](q.guard)(row)
}

// TaggedPerson is a person and the tag that found it.
type TaggedPerson struct {
	Tag Tag
	PersonRow
}

func (q queries) scanTagged(row pgx.CollectableRow) (p TaggedPerson, err error) {
	var t TagRow
	var tagMAC, personMAC []byte
	err = row.Scan(slices.Concat(t.targets(), []any{&tagMAC}, p.targets(), []any{&personMAC})...)
	p.Tag = t.Tag
	err = q.guard.check(err, &t, tagMAC)
	return p, q.guard.check(err, &p.PersonRow, personMAC)
}

// ByTags finds persons, any number at once. Tags that nobody has are
// left out of the result. Rows are ordered by person and tag.
func (q personReads) ByTags(ctx context.Context, tags []Tag) ([]TaggedPerson, error) {
	return all(ctx, q.q, "finding persons", q.scanTagged, `
		SELECT `+tagColumns+`, `+personColumns+`
		FROM cpis.person_tag AS t
		JOIN cpis.person AS p ON p.id = t.person_id
		WHERE t.tag = ANY ($1::bytea[])
		ORDER BY p.id, t.tag`, tagBytes(tags))
}

// LockByTags is ByTags for those who will change what they find:
// the persons stay as they are until the transaction ends, and the tags keep
// leading to them. They are locked in order of their ids, so that two uploads
// that overlap do not deadlock.
func (tx personWrites) LockByTags(ctx context.Context, tags []Tag) ([]TaggedPerson, error) {
	found, _, err := tx.LockFor(ctx, tags, nil)
	return found, err
}

// LockFor is LockByTags and Lock at once, because all must be locked in one
// order. Of those with given ids it returns the ones that exist.
//
// If a tag came to lead to somebody else while this waited for whom it had
// led to, the whole transaction runs again: what is written about a person whom
// nobody finds any more would be lost.
func (tx personWrites) LockFor(ctx context.Context, tags []Tag, ids []uuid.UUID) (found []TaggedPerson, byID []PersonRow, err error) {
	const doing = "locking persons"
	locked, err := all(ctx, tx.q, doing, tx.scanPerson, `
		SELECT `+personColumns+`
		FROM cpis.person AS p
		WHERE p.id IN (
		    SELECT t.person_id
		    FROM cpis.person_tag AS t
		    WHERE t.tag = ANY ($1::bytea[])
		    UNION
		    SELECT unnest($2::uuid[])
		)
		ORDER BY p.id
		FOR UPDATE OF p`, tagBytes(tags), ids)
	if err != nil {
		return nil, nil, err
	}
	rows := make(map[uuid.UUID]PersonRow, len(locked))
	for _, p := range locked {
		rows[p.ID] = p
		if slices.Contains(ids, p.ID) {
			byID = append(byID, p)
		}
	}
	leads, err := tx.tx.Tags.LeadingTo(ctx, tags)
	for _, l := range leads {
		p, ok := rows[l.Person]
		if !ok {
			return nil, nil, &failure{doing: doing, kinds: []error{ErrUnavailable}, what: "a tag has moved", again: true}
		}
		found = append(found, TaggedPerson{l.Tag, p})
	}
	return found, byID, err
}

// Lock is ByID for those who will change what belongs to them, as LockByTags is
// ByTags.
func (tx personWrites) Lock(ctx context.Context, ids []uuid.UUID) ([]PersonRow, error) {
	return all(ctx, tx.q, "locking persons", tx.scanPerson, `
		SELECT `+personColumns+`
		FROM cpis.person AS p
		WHERE p.id = ANY ($1::uuid[])
		ORDER BY p.id
		FOR UPDATE OF p`, ids)
}

// ByID returns persons by their ids, in order of these. Ids that do not exist
// are left out.
func (q personReads) ByID(ctx context.Context, ids []uuid.UUID) ([]PersonRow, error) {
	return all(ctx, q.q, "reading persons", q.scanPerson, `
		SELECT `+personColumns+`
		FROM cpis.person AS p
		WHERE p.id = ANY ($1::uuid[])
		ORDER BY p.id`, ids)
}

// After pages through all persons that are not erased, in order of
// their ids; start after the zero id.
func (q personReads) After(ctx context.Context, after uuid.UUID, limit int) ([]PersonRow, error) {
	return all(ctx, q.q, "reading persons", q.scanPerson, `
		SELECT `+personColumns+`
		FROM cpis.person AS p
		WHERE p.id > $1
		  AND p.erased_at IS NULL
		ORDER BY p.id
		LIMIT $2`, after, limit)
}

// Restrictions returns the versions with which people became restricted who still
// are: one for each of them, in order of their ids.
func (q personReads) Restrictions(ctx context.Context, ids []uuid.UUID) ([]PersonRow, error) {
	return all(ctx, q.q, "reading restrictions", q.scanPerson, `
		SELECT DISTINCT ON (v.person_id) `+personVersionColumns+`
		FROM cpis.person AS p
		JOIN cpis.person_version AS v ON v.person_id = p.id
		WHERE p.id = ANY ($1::uuid[])
		  AND p.restricted
		  AND v.version > coalesce((
		      SELECT max(b.version)
		      FROM cpis.person_version AS b
		      WHERE b.person_id = p.id
		        AND NOT b.restricted), 0)
		ORDER BY v.person_id, v.version`, ids)
}

// LogEnd says how many entries a log had.
type LogEnd struct {
	Log  LogID `json:"log"`
	Next int64 `json:"next"`
}

// RestrictedSince returns people who became restricted by what was recorded behind
// the ends of logs, at most so many. What began before a time is not looked at:
// that must be long before the logs had these ends, because an act is recorded
// some time after it has begun.
func (q personReads) RestrictedSince(ctx context.Context, ends []LogEnd, began time.Time, limit int) ([]uuid.UUID, error) {
	logs, nexts := make([]int16, len(ends)), make([]int64, len(ends))
	for i, e := range ends {
		logs[i], nexts[i] = int16(e.Log), e.Next
	}
	return all(ctx, q.q, "finding who was restricted", pgx.RowTo[uuid.UUID], `
		SELECT DISTINCT v.person_id
		FROM cpis.person_version AS v
		JOIN cpis.change AS c ON c.id = v.change_id
		LEFT JOIN unnest($1::smallint[], $2::bigint[]) AS e (log, next) ON e.log = c.log
		WHERE v.restricted
		  AND v.changed_at > $3
		  AND c.entry >= coalesce(e.next, 0)
		  AND NOT EXISTS (
		      SELECT
		      FROM cpis.person_version AS b
		      WHERE b.person_id = v.person_id
		        AND b.version = v.version - 1
		        AND b.restricted)
		ORDER BY v.person_id
		LIMIT $4`, logs, nexts, began, limit)
}

// Insert creates persons, any number at once, each in its version 1. It
// does not make them findable: see Tags.Insert.
func (tx personWrites) Insert(ctx context.Context, persons []PersonRow) error {
	tx.changed = true
	c := personColumnsOf(persons)
	return tx.execAll(ctx, len(persons), "making persons", `
		WITH new AS (
		    SELECT *
		    FROM unnest($1::uuid[], $2::boolean[], $3::text[], $4::bytea[], $5::timestamptz[], $7::bytea[])
		        AS n (id, restricted, wrapped_key, sealed, at, mac)
		), made AS (
		    INSERT INTO cpis.person (id, restricted, wrapped_key, version, sealed, changed_at, mac)
		    SELECT id, restricted, wrapped_key, 1, sealed, at, mac
		    FROM new
		)
		INSERT INTO cpis.person_version (person_id, version, restricted, sealed, changed_at, mac, change_id)
		SELECT id, 1, restricted, sealed, at, mac, $6
		FROM new`, c.ids, c.restricted, c.keys, c.sealed, c.at, tx.change, macsOf(tx.guard, persons))
}

// Update creates new versions of persons, any number at once. Each row
// carries the new version, which must be one more than the stored one: if any
// is not, the error is ErrConflict. A person's key stays as it is.
func (tx personWrites) Update(ctx context.Context, persons []PersonRow) error {
	tx.changed = true
	c := personColumnsOf(persons)
	return tx.execAll(ctx, len(persons), "changing persons", `
		WITH updated AS (
		    UPDATE cpis.person AS p
		    SET restricted = n.restricted, version = n.version, sealed = n.sealed, changed_at = n.at, mac = n.mac
		    FROM unnest($1::uuid[], $2::boolean[], $3::bytea[], $4::timestamptz[], $5::integer[], $7::bytea[])
		        AS n (id, restricted, sealed, at, version, mac)
		    WHERE p.id = n.id
		      AND p.version = n.version - 1
		      AND p.erased_at IS NULL
		    RETURNING p.id, p.version, p.restricted, p.sealed, p.changed_at, p.mac
		)
		INSERT INTO cpis.person_version (person_id, version, restricted, sealed, changed_at, mac, change_id)
		SELECT id, version, restricted, sealed, changed_at, mac, $6
		FROM updated`, c.ids, c.restricted, c.sealed, c.at, c.versions, tx.change, macsOf(tx.guard, persons))
}

// Erase makes everything sealed about a person unreadable, and the
// person unfindable: the key is forgotten, the tags are removed, and a last
// version says when. Plans, history and entries stay, and say nothing without
// the key. version is the new version, as for Update.
func (tx personWrites) Erase(ctx context.Context, id uuid.UUID, version int, at time.Time) error {
	tx.changed = true
	if _, err := tx.exec(ctx, "removing tags", `
		DELETE FROM cpis.person_tag
		WHERE person_id = $1`, id); err != nil {
		return err
	}
	rows, err := tx.Lock(ctx, []uuid.UUID{id})
	if err != nil {
		return err
	}
	erased := PersonRow{ID: id, Restricted: len(rows) > 0 && rows[0].Restricted, Version: version, At: at}
	return tx.execAll(ctx, 1, "erasing person", `
		WITH erased AS (
		    UPDATE cpis.person
		    SET wrapped_key = '', sealed = '', version = $2, changed_at = $3, erased_at = $3, mac = $5
		    WHERE id = $1
		      AND version = $2 - 1
		      AND erased_at IS NULL
		    RETURNING id, version, restricted, sealed, changed_at, mac
		)
		INSERT INTO cpis.person_version (person_id, version, restricted, sealed, changed_at, mac, change_id)
		SELECT id, version, restricted, sealed, changed_at, mac, $4
		FROM erased`, id, version, at, tx.change, tx.guard.mac(&erased))
}

// personArrays are persons turned into the arrays that unnest takes.
type personArrays struct {
	ids        []uuid.UUID
	restricted []bool
	keys       []string
	sealed     [][]byte
	at         []time.Time
	versions   []int32
}

func personColumnsOf(persons []PersonRow) personArrays {
	n := len(persons)
	c := personArrays{make([]uuid.UUID, n), make([]bool, n), make([]string, n), make([][]byte, n), make([]time.Time, n), make([]int32, n)}
	for i, p := range persons {
		c.ids[i], c.restricted[i], c.keys[i], c.sealed[i], c.at[i] = p.ID, p.Restricted, p.WrappedKey, p.Sealed, p.At
		c.versions[i] = int32(p.Version) //nolint:gosec // counts changes of one person.
	}
	return c
}
