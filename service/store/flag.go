package store

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
)

// Tag is the keyed blind index of an NHS number.
type Tag = [32]byte

// FlagRow is one visible plan of a person, found by a tag, with what is shown
// beside it.
type FlagRow struct {
	Tag       Tag
	Person    PersonRow
	Plan      PlanRow
	Authority AuthorityRow
	Receiving AuthorityRow // that the plan is offered to; zero where to none. Only what names it and whom to ring
}

// visibleFlags: of a tag that nobody has, one page of its index is read and
// nothing else. $1 are the tags, $2 is today's date.
const visibleFlags = `
	SELECT t.tag,
	       p.id AS person_id, p.restricted, p.wrapped_key, p.version, p.sealed, p.changed_at,
	       l.id AS plan_id, l.version AS plan_version, l.visible_until, l.sealed AS plan_sealed, l.changed_at AS plan_changed_at,
	       coalesce(l.transfer_to, '') AS transfer_to,
	       a.gss_code, a.dfe_code, coalesce(a.ods_code, '') AS ods_code, a.name, a.kind, a.region_gss_code,
	       a.office_phone, a.office_hours, a.duty_phone, a.confirmed_at,
	       coalesce(r.dfe_code, '') AS to_dfe_code, coalesce(r.name, '') AS to_name,
	       coalesce(r.office_phone, '') AS to_office_phone, coalesce(r.office_hours, '') AS to_office_hours,
	       coalesce(r.duty_phone, '') AS to_duty_phone
	FROM cpis.person_tag AS t
	JOIN cpis.person AS p ON p.id = t.person_id
	JOIN cpis.plan AS l ON l.person_id = p.id
	JOIN cpis.authority AS a ON a.gss_code = l.authority
	LEFT JOIN cpis.authority AS r ON r.gss_code = l.transfer_to
	WHERE t.tag = ANY ($1::bytea[])
	  AND NOT l.removed
	  AND (l.visible_until IS NULL OR l.visible_until >= $2::date)`

// targets are where a row of visibleFlags goes.
func (f *FlagRow) targets() []any {
	p, l, a, r := &f.Person, &f.Plan, &f.Authority, &f.Receiving
	return []any{
		(*tagTarget)(&f.Tag),
		&p.ID, &p.Restricted, &p.WrappedKey, &p.Version, &p.Sealed, &p.At,
		&l.ID, &l.Version, &l.VisibleUntil, &l.Sealed, &l.At,
		&r.GSS,
		&a.GSS, &a.DfE, &a.ODS, &a.Name, &a.Kind, &a.Region,
		&a.OfficePhone, &a.OfficeHours, &a.DutyPhone, &a.ConfirmedAt,
		&r.DfE, &r.Name, &r.OfficePhone, &r.OfficeHours, &r.DutyPhone,
	}
}

// scan reads the columns of visibleFlags, and skips what follows them.
func (f *FlagRow) scan(row pgx.CollectableRow) error {
	targets := f.targets()
	more := make([]any, len(row.FieldDescriptions())-len(targets)) // nil: skip
	err := row.Scan(slices.Concat(targets, more)...)
	f.Plan.Person, f.Plan.Authority, f.Plan.TransferTo = f.Person.ID, f.Authority.GSS, f.Receiving.GSS
	return err
}

// Flags gives the plans that are visible today of all persons with one of the
// tags, in one query: plans that were not an error and whose last visible day
// is not over. today is a date, midnight UTC. The rows are ordered by tag and
// plan.
func (q queries) Flags(ctx context.Context, tags []Tag, today time.Time) ([]FlagRow, error) {
	return all(ctx, q.q, "reading flags",
		func(row pgx.CollectableRow) (f FlagRow, err error) {
			err = f.scan(row)
			return f, err
		}, visibleFlags+`
		ORDER BY t.tag, l.id`, tagBytes(tags), today)
}

// flagsAndHistory gives rows of two kinds: flags, and below them the history of
// the persons these are of. One statement that gives nothing costs PostgreSQL
// two thirds of what two do, and a group of look-ups mostly gives nothing.
const flagsAndHistory = `
	WITH flag AS MATERIALIZED (` + visibleFlags + `
	)
	SELECT flag.*, NULL AS access_id, NULL AS access_person, NULL AS at, NULL, NULL, NULL, NULL, NULL, NULL, NULL
	FROM flag
	UNION ALL
	SELECT NULL,
	       NULL, NULL, NULL, NULL, NULL, NULL,
	       NULL, NULL, NULL, NULL, NULL,
	       NULL,
	       NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
	       NULL, NULL, NULL, NULL, NULL,
	       h.id, h.person_id, h.at, h.organisation, coalesce(o.name, ''), h.setting, h.encounter, h.sealed, h.entry,
	       m.access_id IS NOT NULL
	FROM (SELECT DISTINCT person_id FROM flag) AS seen
	CROSS JOIN LATERAL (
	    SELECT id, person_id, at, organisation, setting, encounter, sealed, entry
	    FROM cpis.access
	    WHERE person_id = seen.person_id
	    ORDER BY at DESC, id DESC
	    LIMIT 25
	) AS h
	LEFT JOIN cpis.organisation AS o ON o.code = h.organisation
	LEFT JOIN cpis.access_mark AS m ON m.access_id = h.id
	ORDER BY tag, plan_id, access_person, at DESC, access_id DESC`

// Read gives what a group of look-ups needs, in one round trip and one
// statement whether or not anybody has a flag: the flags, as [DB.Flags] does,
// and the last 25 accesses of each person who has any, newest first.
func (db *DB) Read(ctx context.Context, tags []Tag, today time.Time) (flags []FlagRow, history []AccessRow, err error) {
	const doing = "reading flags"
	rows, err := db.pool.Query(ctx, flagsAndHistory, tagBytes(tags), today)
	if err == nil {
		flags, history, err = collectRead(rows)
	}
	if err != nil {
		err = translate(doing, err)
		db.noteFailure(err)
		return nil, nil, err
	}
	return flags, history, nil
}

// collectRead takes the two kinds of rows apart: a flag has a tag.
func collectRead(rows pgx.Rows) (flags []FlagRow, history []AccessRow, err error) {
	skipped := make([]any, len((&FlagRow{}).targets())) // nil: skip
	_, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (none struct{}, err error) {
		if row.RawValues()[0] != nil {
			flags = append(flags, FlagRow{})
			return none, flags[len(flags)-1].scan(row)
		}
		var a AccessRow
		err = row.Scan(slices.Concat(skipped, a.targets())...)
		history = append(history, a)
		return none, err
	})
	return flags, history, err
}

// tagTarget reads a tag.
type tagTarget Tag

// ScanBytes keeps a column's bytes, of which there must be as many as a tag has.
func (t *tagTarget) ScanBytes(v []byte) error {
	if len(v) != len(t) {
		return errors.New("not a tag")
	}
	copy(t[:], v)
	return nil
}

// tagBytes gives tags in the form that the driver encodes fastest.
func tagBytes(tags []Tag) [][]byte {
	out := make([][]byte, len(tags))
	for i := range tags {
		out[i] = tags[i][:]
	}
	return out
}
