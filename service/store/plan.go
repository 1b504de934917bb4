package store

import (
	"context"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// PlanRow is the current state of a plan, or one of its versions.
type PlanRow struct {
	ID, Person   uuid.UUID
	Version      int        // from 1, one more with each change
	Authority    string     // GSS code
	VisibleUntil *time.Time // the last day, as midnight UTC; nil while the plan runs
	Removed      bool       // entered in error
	TransferTo   string     // GSS code of the authority it is offered to; empty if it is not
	Sealed       []byte
	At           time.Time // when this version was made

	// Index is what finds the plan: only written, and beside the row.
	Index PlanIndex
}

// targets are where the columns of a plan go.
func (l *PlanRow) targets() []any {
	return []any{&l.ID, &l.Person, &l.Version, &l.Authority, &l.VisibleUntil, &l.Removed, &l.TransferTo, &l.Sealed, &l.At}
}

// cover is the same for a plan and for each of its versions.
func (l *PlanRow) cover(c *cover) {
	c.of("plan")
	c.id("id", l.ID)
	c.id("person_id", l.Person)
	c.int("version", l.Version)
	c.str("authority", l.Authority)
	c.maybe("visible_until", l.VisibleUntil)
	c.bool("removed", l.Removed)
	c.str("transfer_to", l.TransferTo)
	c.time("changed_at", l.At)
}

// planVersionColumns are planColumns of a version.
const planVersionColumns = `v.plan_id, v.person_id, v.version, v.authority, v.visible_until, v.removed, coalesce(v.transfer_to, ''), v.sealed, v.changed_at, v.mac`

const planColumns = `l.id, l.person_id, l.version, l.authority, l.visible_until, l.removed, coalesce(l.transfer_to, ''), l.sealed, l.changed_at, l.mac`

func (q queries) scanPlan(row pgx.CollectableRow) (PlanRow, error) {
	return scanner[PlanRow](q.guard)(row)
}

// Get returns a plan; ErrNotFound if there is none with that id.
func (q planReads) Get(ctx context.Context, id uuid.UUID) (PlanRow, error) {
	return one(ctx, q.q, "reading plan", q.scanPlan, `
		SELECT `+planColumns+`
		FROM cpis.plan AS l
		WHERE l.id = $1`, id)
}

// Of returns all plans of persons, removed and past ones included, in order
// of person and plan. An authority limits them to its own; "" does not.
func (q planReads) Of(ctx context.Context, persons []uuid.UUID, authority string) ([]PlanRow, error) {
	return all(ctx, q.q, "reading plans", q.scanPlan, `
		SELECT `+planColumns+`
		FROM cpis.plan AS l
		WHERE l.person_id = ANY ($1::uuid[])
		  AND ($2 = '' OR l.authority = $2)
		ORDER BY l.person_id, l.id`, persons, authority)
}

// OfOthers returns the plans of persons that other authorities than one hold
// and that are visible today, in order of person and plan. today is a date,
// midnight UTC.
func (q planReads) OfOthers(ctx context.Context, persons []uuid.UUID, authority string, today time.Time) ([]PlanRow, error) {
	return all(ctx, q.q, "reading plans of others", q.scanPlan, `
		SELECT `+planColumns+`
		FROM cpis.plan AS l
		WHERE l.person_id = ANY ($1::uuid[])
		  AND l.authority <> $2
		  AND NOT l.removed
		  AND (l.visible_until IS NULL OR l.visible_until >= $3::date)
		ORDER BY l.person_id, l.id`, persons, authority, today)
}

// After pages through the plans of an authority that are not errors, in
// order of their ids; start after the zero id.
func (q planReads) After(ctx context.Context, authority string, after uuid.UUID, limit int) ([]PlanRow, error) {
	return all(ctx, q.q, "reading plans of authority", q.scanPlan, `
		SELECT `+planColumns+`
		FROM cpis.plan AS l
		WHERE l.authority = $1
		  AND l.id > $2
		  AND NOT l.removed
		ORDER BY l.id
		LIMIT $3`, authority, after, limit)
}

// ByID returns plans by their ids, in order of these. Ids that do not exist are
// left out.
func (q planReads) ByID(ctx context.Context, ids []uuid.UUID) ([]PlanRow, error) {
	return all(ctx, q.q, "reading plans", q.scanPlan, `
		SELECT `+planColumns+`
		FROM cpis.plan AS l
		WHERE l.id = ANY ($1::uuid[])
		ORDER BY l.id`, ids)
}

// PlanVersion is one version of a plan, and the entries that record how it
// came to be.
type PlanVersion struct {
	PlanRow
	Log     LogID
	Entry   int64 // the first
	Entries int
}

// Versions returns all versions of a plan, the newest first.
func (q planReads) Versions(ctx context.Context, plan uuid.UUID) ([]PlanVersion, error) {
	return all(ctx, q.q, "reading versions of plan",
		func(row pgx.CollectableRow) (v PlanVersion, err error) {
			var mac []byte
			err = row.Scan(append(v.targets(), &mac, &v.Log, &v.Entry, &v.Entries)...)
			return v, q.guard.check(err, &v.PlanRow, mac)
		}, `
		SELECT `+planVersionColumns+`,
		       c.log, c.entry, c.entries
		FROM cpis.plan AS l
		JOIN cpis.plan_version AS v ON v.plan_id = l.id
		JOIN cpis.change AS c ON c.id = v.change_id
		WHERE l.id = $1
		ORDER BY v.version DESC`, plan)
}

// Insert creates plans, any number at once, each in its version 1.
// ErrNotFound says that a person or an authority does not exist.
func (tx planWrites) Insert(ctx context.Context, plans []PlanRow) error {
	tx.changed = true
	c := planColumnsOf(plans)
	if err := tx.execAll(ctx, len(plans), "making plans", `
		WITH new AS (
		    SELECT *
		    FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::date[], $5::boolean[], $6::bytea[], $7::timestamptz[], $9::bytea[])
		        AS n (id, person_id, authority, visible_until, removed, sealed, at, mac)
		), made AS (
		    INSERT INTO cpis.plan (id, person_id, authority, version, visible_until, removed, sealed, changed_at, mac)
		    SELECT id, person_id, authority, 1, visible_until, removed, sealed, at, mac
		    FROM new
		)
		INSERT INTO cpis.plan_version (plan_id, person_id, authority, version, visible_until, removed, sealed, changed_at, mac, change_id)
		SELECT id, person_id, authority, 1, visible_until, removed, sealed, at, mac, $8
		FROM new`, c.ids, c.persons, c.authorities, c.visibleUntil, c.removed, c.sealed, c.at, tx.change, macsOf(tx.guard, plans)); err != nil {
		return err
	}
	return tx.index(ctx, plans)
}

// Update creates new versions of plans, any number at once. Each row carries
// the new version, which must be one more than the stored one: if any is not,
// the error is ErrConflict. Whose plan it is, and about whom, may change.
func (tx planWrites) Update(ctx context.Context, plans []PlanRow) error {
	tx.changed = true
	c := planColumnsOf(plans)
	if err := tx.execAll(ctx, len(plans), "changing plans", `
		WITH updated AS (
		    UPDATE cpis.plan AS l
		    SET person_id = n.person_id, authority = n.authority, transfer_to = NULLIF(n.transfer_to, ''),
		        version = n.version, visible_until = n.visible_until, removed = n.removed,
		        sealed = n.sealed, changed_at = n.at, mac = n.mac
		    FROM unnest($1::uuid[], $2::integer[], $3::date[], $4::boolean[], $5::bytea[], $6::timestamptz[],
		            $8::uuid[], $9::text[], $10::text[], $11::bytea[])
		        AS n (id, version, visible_until, removed, sealed, at, person_id, authority, transfer_to, mac)
		    WHERE l.id = n.id
		      AND l.version = n.version - 1
		    RETURNING l.id, l.person_id, l.authority, l.transfer_to, l.version, l.visible_until, l.removed, l.sealed, l.changed_at, l.mac
		)
		INSERT INTO cpis.plan_version (plan_id, person_id, authority, transfer_to, version, visible_until, removed, sealed, changed_at, mac, change_id)
		SELECT id, person_id, authority, transfer_to, version, visible_until, removed, sealed, changed_at, mac, $7
		FROM updated`, c.ids, c.versions, c.visibleUntil, c.removed, c.sealed, c.at, tx.change,
		c.persons, c.authorities, c.transferTo, macsOf(tx.guard, plans)); err != nil {
		return err
	}
	return tx.reindex(ctx, plans)
}

// planArrays are plans turned into the arrays that unnest takes.
type planArrays struct {
	ids, persons []uuid.UUID
	authorities  []string
	transferTo   []string
	versions     []int32
	visibleUntil []*time.Time
	removed      []bool
	sealed       [][]byte
	at           []time.Time
}

func planColumnsOf(plans []PlanRow) planArrays {
	n := len(plans)
	c := planArrays{
		make([]uuid.UUID, n), make([]uuid.UUID, n), make([]string, n), make([]string, n), make([]int32, n),
		make([]*time.Time, n), make([]bool, n), make([][]byte, n), make([]time.Time, n),
	}
	for i, l := range plans {
		c.ids[i], c.persons[i], c.authorities[i], c.visibleUntil[i] = l.ID, l.Person, l.Authority, l.VisibleUntil
		c.removed[i], c.sealed[i], c.at[i], c.transferTo[i] = l.Removed, l.Sealed, l.At, l.TransferTo
		c.versions[i] = int32(l.Version) //nolint:gosec // counts changes of one plan.
	}
	return c
}

// RegisteredSince reports whether other authorities than one hold plans about a
// person that were registered at a time or later.
func (q planReads) RegisteredSince(ctx context.Context, person uuid.UUID, authority string, since time.Time) (bool, error) {
	type registered struct{ now, first PlanRow }
	plans, err := all(ctx, q.q, "reading plans of others", func(row pgx.CollectableRow) (r registered, err error) {
		var nowMAC, firstMAC []byte
		err = row.Scan(slices.Concat(r.now.targets(), []any{&nowMAC}, r.first.targets(), []any{&firstMAC})...)
		err = q.guard.check(err, &r.now, nowMAC)
		return r, q.guard.check(err, &r.first, firstMAC)
	}, `
		SELECT `+planColumns+`, `+planVersionColumns+`
		FROM cpis.plan AS l
		JOIN cpis.plan_version AS v ON v.plan_id = l.id AND v.version = 1
		WHERE l.person_id = $1`, person)
	return slices.ContainsFunc(plans, func(r registered) bool {
		return r.now.Authority != authority && !r.now.Removed && !r.first.At.Before(since)
	}), err
}
