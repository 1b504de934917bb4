package store

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// Tag is the keyed blind index of an NHS number.
type Tag = [32]byte

// FlagRow is a plan of a person, found by a tag, with what is shown beside it.
type FlagRow struct {
	Tag       Tag
	Person    PersonRow
	Plan      PlanRow // zero if the person has none, though a tag leads there
	Authority AuthorityRow
	Receiving AuthorityRow // that the plan is offered to; zero if to none
	Damage    Damage       // what of it does not verify
}

// Damage says which parts of a flag do not verify. Nothing of these may be
// believed.
type Damage uint8

// The parts.
const (
	DamagedTag       Damage = 1 << iota // the tag may lead to somebody else
	DamagedPerson                       // whether the person is restricted is not known
	DamagedPlan                         // nor is whose plan it is, or whether it is visible
	DamagedAuthority                    // nor whom to ring there
	DamagedReceiving                    // nor there
	DamagedAccess                       // of the history: nothing of the access may be believed
	DamagedMark                         // nor that it was of another patient
)

// Has reports whether one of some parts does not verify.
func (d Damage) Has(parts Damage) bool { return d&parts != 0 }

// flagOf: of a tag that nobody has, one page of its index is read and nothing
// else. What is visible is decided by who reads the rows, once they are verified:
// one that was hidden here, by whoever can write here, would be missed. $1 are
// the tags.
const flagOf = `
	SELECT t.tag, t.person_id, t.index_version, t.mac AS tag_mac,
	       p.id AS held_id, p.restricted, p.wrapped_key, p.version, p.sealed, p.changed_at, p.mac AS person_mac,
	       l.id AS plan_id, l.person_id AS plan_person, l.version AS plan_version, l.authority, l.visible_until, l.removed,
	       coalesce(l.transfer_to, '') AS transfer_to, l.sealed AS plan_sealed, l.changed_at AS plan_changed_at, l.mac AS plan_mac,
	       a.gss_code, a.dfe_code, coalesce(a.ods_code, '') AS ods_code, a.name, a.kind, a.region_gss_code,
	       a.office_phone, a.office_hours, a.duty_phone, a.confirmed_at, a.contact_version, a.mac AS authority_mac,
	       r.gss_code AS to_gss_code, r.dfe_code AS to_dfe_code, coalesce(r.ods_code, '') AS to_ods_code, r.name AS to_name,
	       r.kind AS to_kind, r.region_gss_code AS to_region, r.office_phone AS to_office_phone, r.office_hours AS to_office_hours,
	       r.duty_phone AS to_duty_phone, r.confirmed_at AS to_confirmed_at, r.contact_version AS to_contact_version, r.mac AS to_mac
	FROM cpis.person_tag AS t
	JOIN cpis.person AS p ON p.id = t.person_id
	LEFT JOIN cpis.plan AS l ON l.person_id = p.id
	LEFT JOIN cpis.authority AS a ON a.gss_code = l.authority
	LEFT JOIN cpis.authority AS r ON r.gss_code = l.transfer_to
	WHERE t.tag = ANY ($1::bytea[])`

// How many columns of flagOf there are, and where those of a plan and of the
// authority that it is offered to begin.
const (
	planColumn      = 11
	receivingColumn = 33
	flagColumns     = 45
)

// scan reads the columns of flagOf, skips what follows them, and verifies. What
// it has in common with the row before, if there is one, is not verified again.
func (f *FlagRow) scan(g *guard, row pgx.CollectableRow, before []FlagRow) error {
	var t TagRow
	var tagMAC, personMAC, planMAC, authorityMAC, receivingMAC []byte
	targets := make([]any, 0, len(row.FieldDescriptions()))
	targets = append(append(targets, t.targets()...), &tagMAC)
	targets = append(append(targets, f.Person.targets()...), &personMAC)
	targets = append(append(targets, f.Plan.targets()...), &planMAC)
	targets = append(append(targets, f.Authority.targets()...), &authorityMAC)
	targets = append(append(targets, f.Receiving.targets()...), &receivingMAC)
	planned, offered := row.RawValues()[planColumn] != nil, row.RawValues()[receivingColumn] != nil
	if !planned {
		clear(targets[planColumn:]) // nil: skip
	}
	if !offered {
		clear(targets[receivingColumn:])
	}
	if err := row.Scan(targets[:cap(targets)]...); err != nil {
		return err
	}
	f.Tag = t.Tag
	same := len(before) > 0 && before[len(before)-1].Tag == f.Tag
	if same {
		f.Damage = before[len(before)-1].Damage & (DamagedTag | DamagedPerson)
	}
	f.verify(g, !same, DamagedTag, &t, tagMAC)
	f.verify(g, !same, DamagedPerson, &f.Person, personMAC)
	f.verify(g, planned, DamagedPlan, &f.Plan, planMAC)
	f.verify(g, planned, DamagedAuthority, &f.Authority, authorityMAC)
	f.verify(g, offered, DamagedReceiving, &f.Receiving, receivingMAC)
	return nil
}

// verify notes that a part of the flag does not verify, if it is there.
func (f *FlagRow) verify(g *guard, there bool, part Damage, row covered, mac []byte) {
	if there && !g.verifies(row, mac) {
		f.Damage |= part
	}
}

// shown reports whether look-ups show the plan on a day: it was not an error, and
// its last visible day is not over.
func (f *FlagRow) shown(today time.Time) bool {
	return f.Plan.Version > 0 && !f.Plan.Removed && (f.Plan.VisibleUntil == nil || !f.Plan.VisibleUntil.Before(today))
}

// living reports whether the plan keeps its person findable. Of one that does not
// verify nobody can tell.
func (f *FlagRow) living() bool {
	return f.Damage.Has(DamagedPlan) || f.Plan.Version > 0 && !f.Plan.Removed
}

// visible returns those flags that are visible today, or may be. A tag leads to
// somebody without a plan only if that person is restricted: else the plan was
// moved by somebody else than the service, and the flag has damage.
func (g *guard) visible(all []FlagRow, today time.Time) (flags []FlagRow) {
	for len(all) > 0 {
		n := 1
		for n < len(all) && all[n].Tag == all[0].Tag {
			n++
		}
		of := all[:n]
		all = all[n:]
		if f := &of[0]; !slices.ContainsFunc(of, func(f FlagRow) bool { return f.living() }) && (!f.Person.Restricted || f.Damage.Has(DamagedPerson)) {
			g.report("plan")
			flags = append(flags, FlagRow{Tag: f.Tag, Person: f.Person, Damage: f.Damage | DamagedPlan})
			continue
		}
		for i := range of {
			if of[i].Damage.Has(DamagedTag|DamagedPlan) || of[i].shown(today) {
				flags = append(flags, of[i])
			}
		}
	}
	return flags
}

// Flags returns the plans that are visible today of all persons with one of the
// tags, in one query: plans that were not an error and whose last visible day
// is not over, and those that may be, because they do not verify. today is a
// date, midnight UTC. The rows are ordered by tag and plan.
func (q planReads) Flags(ctx context.Context, tags []Tag, today time.Time) ([]FlagRow, error) {
	var found []FlagRow
	_, err := all(ctx, q.q, "reading flags",
		func(row pgx.CollectableRow) (none struct{}, err error) {
			var f FlagRow
			err = f.scan(q.guard, row, found)
			found = append(found, f)
			return none, err
		}, flagOf+`
		ORDER BY t.tag, l.id`, tagBytes(tags))
	if err != nil {
		return nil, err
	}
	return q.guard.visible(found, today), nil
}

// flagsAndHistory returns rows of two kinds: flags, and below them the history of
// the persons these are of. One statement that returns nothing costs PostgreSQL
// two thirds of what two do, and a group of look-ups mostly returns nothing. $2 is
// today's date.
var flagsAndHistory = `
	WITH flag AS MATERIALIZED (` + flagOf + `
	)
	SELECT flag.*, NULL AS access_id, NULL AS access_person, NULL AS at` + strings.Repeat(", NULL", accessFields-3) + `
	FROM flag
	UNION ALL
	SELECT ` + strings.Repeat("NULL, ", flagColumns) + `
	       ` + historyColumns + `
	FROM (
	    SELECT DISTINCT person_id
	    FROM flag
	    WHERE NOT removed
	      AND (visible_until IS NULL OR visible_until >= $2::date)
	) AS seen
	CROSS JOIN LATERAL (
	    SELECT *
	    FROM cpis.access
	    WHERE person_id = seen.person_id
	    ORDER BY at DESC, id DESC
	    LIMIT 25
	) AS a
	LEFT JOIN cpis.organisation AS o ON o.code = a.organisation
	LEFT JOIN cpis.access_mark AS m ON m.access_id = a.id
	ORDER BY tag, plan_id, access_person, at DESC, access_id DESC`

// Read returns what a group of look-ups needs, in one round trip and one
// statement whether or not anybody has a flag: the flags, as Plans.Flags does,
// and the last 25 accesses of each person who has any, newest first.
func (db *DB) Read(ctx context.Context, tags []Tag, today time.Time) (flags []FlagRow, history []AccessRow, err error) {
	const doing = "reading flags"
	rows, err := db.pool.Query(ctx, flagsAndHistory, tagBytes(tags), today)
	if err == nil {
		flags, history, err = db.guard.collectRead(rows)
	}
	if err != nil {
		err = translate(doing, err)
		db.noteFailure(err)
		return nil, nil, err
	}
	return db.guard.visible(flags, today), history, nil
}

// collectRead takes the two kinds of rows apart: a flag has a tag.
func (g *guard) collectRead(rows pgx.Rows) (flags []FlagRow, history []AccessRow, err error) {
	_, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (none struct{}, err error) {
		if row.RawValues()[0] != nil {
			var f FlagRow
			err = f.scan(g, row, flags)
			flags = append(flags, f)
			return none, err
		}
		a, err := g.scanHistory(row, flagColumns)
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

// tagBytes returns tags in the form that the driver encodes fastest.
func tagBytes(tags []Tag) [][]byte {
	out := make([][]byte, len(tags))
	for i := range tags {
		out[i] = tags[i][:]
	}
	return out
}
