package store

import (
	"bytes"
	"context"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// PlanIndex is what finds a plan that is no error, without anybody's opening it:
// derived from what is sealed, and written with each version of the plan.
type PlanIndex struct {
	Rows []PlanIndexRow // one for each index key
	Need string         // why the plan asks for its authority today; "" if it does not
}

// PlanIndexRow is that under one index key. All hashes are keyed.
type PlanIndexRow struct {
	Plan         uuid.UUID
	IndexVersion int
	PlanVersion  int      // that it was made of
	Names        [][]byte // of parts of names, NameTagSize each
	Comes        []byte   // of the day from which the plan asks for its authority, if that is to come
	Goes         []byte   // of the day from which it does no more, likewise
}

// NameTagSize is how many bytes are kept of the hash of a part of a name: it only
// proposes whom to open.
const NameTagSize = 16

const planIndexColumns = `x.plan_id, x.index_version, x.plan_version, x.names, x.comes, x.goes, x.mac`

func (x *PlanIndexRow) targets() []any {
	return []any{&x.Plan, &x.IndexVersion, &x.PlanVersion, &x.Names, &x.Comes, &x.Goes}
}

func (x *PlanIndexRow) cover(c *cover) {
	c.of("plan_index")
	c.id("plan_id", x.Plan)
	c.int("index_version", x.IndexVersion)
	c.int("plan_version", x.PlanVersion)
	c.bytes("names", bytes.Join(x.Names, nil))
	c.bytes("comes", x.Comes)
	c.bytes("goes", x.Goes)
}

// HoldingRow is that an authority holds, or held, plans about a person, and by
// which identifier it calls that person.
type HoldingRow struct {
	ID        uuid.UUID
	Authority string
	Person    uuid.UUID
}

const holdingColumns = `h.id, h.authority, h.person_id, h.mac`

func (h *HoldingRow) targets() []any { return []any{&h.ID, &h.Authority, &h.Person} }

func (h *HoldingRow) cover(c *cover) {
	c.of("holding")
	c.id("id", h.ID)
	c.str("authority", h.Authority)
	c.id("person_id", h.Person)
}

// WorkItemRow is that a plan asks for its authority today.
type WorkItemRow struct {
	Plan      uuid.UUID
	Authority string
	Need      string
}

const workItemColumns = `w.plan_id, w.authority, w.need, w.mac`

func (w *WorkItemRow) targets() []any { return []any{&w.Plan, &w.Authority, &w.Need} }

func (w *WorkItemRow) cover(c *cover) {
	c.of("work_item")
	c.id("plan_id", w.Plan)
	c.str("authority", w.Authority)
	c.str("need", w.Need)
}

// reindex writes what finds plans, in the place of what found them before. Rows of
// plans that are errors go. What it deletes first is what the calendar asks first:
// so an item that is made meanwhile is seen.
func (tx *work) reindex(ctx context.Context, plans []PlanRow) error {
	ids := make([]uuid.UUID, len(plans))
	for i := range plans {
		ids[i] = plans[i].ID
	}
	for _, sql := range []string{
		`DELETE FROM cpis.plan_index WHERE plan_id = ANY ($1::uuid[])`,
		`DELETE FROM cpis.work_item WHERE plan_id = ANY ($1::uuid[])`,
	} {
		if _, err := tx.exec(ctx, "forgetting what finds plans", sql, ids); err != nil {
			return err
		}
	}
	return tx.index(ctx, plans)
}

// index writes what finds plans that nothing finds yet. An authority that
// holds its first plan about a person gets an identifier for that person.
func (tx *work) index(ctx context.Context, plans []PlanRow) error {
	var rows []PlanIndexRow
	var items []WorkItemRow
	var holdings []HoldingRow
	for i := range plans {
		l := &plans[i]
		if l.Removed {
			continue
		}
		rows = append(rows, l.Index.Rows...)
		holdings = append(holdings, HoldingRow{uuid.New(), l.Authority, l.Person})
		if l.Index.Need != "" {
			items = append(items, WorkItemRow{l.ID, l.Authority, l.Index.Need})
		}
	}
	if err := tx.insertHoldings(ctx, holdings); err != nil {
		return err
	}
	if err := tx.insertItems(ctx, items); err != nil {
		return err
	}
	return tx.insertIndex(ctx, rows)
}

// insertHoldings writes identifiers of people whom an authority has none for, in
// one order, so that two who do so do not wait for each other.
func (tx *work) insertHoldings(ctx context.Context, rows []HoldingRow) error {
	ids, authorities, persons := make([]uuid.UUID, len(rows)), make([]string, len(rows)), make([]uuid.UUID, len(rows))
	for i, h := range rows {
		ids[i], authorities[i], persons[i] = h.ID, h.Authority, h.Person
	}
	if len(rows) == 0 {
		return nil
	}
	_, err := tx.exec(ctx, "identifying people", `
		INSERT INTO cpis.holding (id, authority, person_id, mac)
		SELECT n.id, n.authority, n.person_id, n.mac
		FROM unnest($1::uuid[], $2::text[], $3::uuid[], $4::bytea[]) AS n (id, authority, person_id, mac)
		ORDER BY n.authority, n.person_id
		ON CONFLICT (authority, person_id) DO NOTHING`, ids, authorities, persons, macsOf(tx.guard, rows))
	return err
}

// insertItems lists plans that ask for their authorities today.
func (tx *work) insertItems(ctx context.Context, rows []WorkItemRow) error {
	plans, authorities, needs := make([]uuid.UUID, len(rows)), make([]string, len(rows)), make([]string, len(rows))
	for i, w := range rows {
		plans[i], authorities[i], needs[i] = w.Plan, w.Authority, w.Need
	}
	if len(rows) == 0 {
		return nil
	}
	_, err := tx.exec(ctx, "listing plans that ask", `
		INSERT INTO cpis.work_item (plan_id, authority, need, mac)
		SELECT n.plan_id, n.authority, n.need, n.mac
		FROM unnest($1::uuid[], $2::text[], $3::text[], $4::bytea[]) AS n (plan_id, authority, need, mac)
		ORDER BY n.plan_id
		ON CONFLICT (plan_id) DO NOTHING`, plans, authorities, needs, macsOf(tx.guard, rows))
	return err
}

func (tx *work) insertIndex(ctx context.Context, rows []PlanIndexRow) error {
	n := len(rows)
	plans, versions, of := make([]uuid.UUID, n), make([]int32, n), make([]int32, n)
	names, comes, goes := make([][]byte, n), make([][]byte, n), make([][]byte, n)
	for i := range rows {
		x := &rows[i]
		plans[i], names[i], comes[i], goes[i] = x.Plan, bytes.Join(x.Names, nil), x.Comes, x.Goes
		versions[i], of[i] = int32(x.IndexVersion), int32(x.PlanVersion) //nolint:gosec // count rotations of one key, and changes of one plan
	}
	if n == 0 {
		return nil
	}
	_, err := tx.exec(ctx, "writing what finds plans", `
		INSERT INTO cpis.plan_index (plan_id, index_version, plan_version, names, comes, goes, mac)
		SELECT n.plan_id, n.index_version, n.plan_version,
		       array(SELECT substr(n.names, i, $8) FROM generate_series(1, length(n.names), $8) AS i),
		       n.comes, n.goes, n.mac
		FROM unnest($1::uuid[], $2::integer[], $3::integer[], $4::bytea[], $5::bytea[], $6::bytea[], $7::bytea[])
		    AS n (plan_id, index_version, plan_version, names, comes, goes, mac)`,
		plans, versions, of, names, comes, goes, macsOf(tx.guard, rows), NameTagSize)
	return err
}

// Reindex writes what finds plans anew, of which no version is made.
func (tx planWrites) Reindex(ctx context.Context, plans []PlanRow) error {
	return tx.reindex(ctx, plans)
}

// NamedAs is what must all be found of a plan's names, NameTags of them.
type NamedAs [NameTags][]byte

// NameTags is how many parts of names are asked for at once. If there are fewer,
// some stand there twice.
const NameTags = 4

// plansByNames goes from the names to the plans, whatever the planner thinks of
// how many there are: the other way round it compares each plan with each name.
const plansByNames = `
	WITH found AS MATERIALIZED (
	    SELECT DISTINCT x.plan_id
	    FROM unnest($2::bytea[], $3::bytea[], $4::bytea[], $5::bytea[]) AS n (a, b, c, d)
	    CROSS JOIN LATERAL (
	        SELECT y.plan_id
	        FROM cpis.plan_index AS y
	        WHERE y.names @> ARRAY[n.a, n.b, n.c, n.d]
	        OFFSET 0
	    ) AS x
	)
	SELECT ` + planColumns + `
	FROM found AS f
	JOIN cpis.plan AS l ON l.id = f.plan_id
	WHERE l.authority = $1
	  AND NOT l.removed
	ORDER BY l.changed_at DESC, l.id DESC
	LIMIT $6`

// ByNames returns plans of an authority that have all the names of one of several
// sets, those that changed last first.
func (q planReads) ByNames(ctx context.Context, authority string, sets []NamedAs, limit int) ([]PlanRow, error) {
	var parts [NameTags][][]byte
	for i := range parts {
		parts[i] = make([][]byte, len(sets))
		for j := range sets {
			parts[i][j] = sets[j][i]
		}
	}
	return all(ctx, q.q, "finding plans by name", q.scanPlan, plansByNames, authority, parts[0], parts[1], parts[2], parts[3], limit)
}

// Holdings returns the identifiers by which an authority calls people. Of people
// of whom it holds nothing there is none.
func (q planReads) Holdings(ctx context.Context, authority string, persons []uuid.UUID) (map[uuid.UUID]uuid.UUID, error) {
	rows, err := all(ctx, q.q, "reading identifiers of people", scanner[HoldingRow](q.guard), `
		SELECT `+holdingColumns+`
		FROM cpis.holding AS h
		WHERE h.authority = $1
		  AND h.person_id = ANY ($2::uuid[])`, authority, persons)
	ids := make(map[uuid.UUID]uuid.UUID, len(rows))
	for _, h := range rows {
		ids[h.Person] = h.ID
	}
	return ids, err
}

// HoldingsOf is Holdings of whom plans of one authority are about.
func (q planReads) HoldingsOf(ctx context.Context, plans []PlanRow) (map[uuid.UUID]uuid.UUID, error) {
	if len(plans) == 0 {
		return nil, nil
	}
	persons := make([]uuid.UUID, len(plans))
	for i := range plans {
		persons[i] = plans[i].Person
	}
	return q.Holdings(ctx, plans[0].Authority, persons)
}

// Held returns whom an identifier of a person stands for, and for which authority;
// ErrNotFound if there is none.
func (q planReads) Held(ctx context.Context, id uuid.UUID) (HoldingRow, error) {
	return one(ctx, q.q, "finding person by identifier", scanner[HoldingRow](q.guard), `
		SELECT `+holdingColumns+`
		FROM cpis.holding AS h
		WHERE h.id = $1`, id)
}

// Unindexed returns plans, in order of their ids and to be paged like After, that
// are no errors, and that nothing made of their version with an index key finds:
// those of a program that made none, and those of which it was taken away.
func (q planReads) Unindexed(ctx context.Context, indexVersion int, after uuid.UUID, limit int) ([]PlanRow, error) {
	return all(ctx, q.q, "finding plans that nothing finds", q.scanPlanUnverified, `
		SELECT `+planColumns+`
		FROM cpis.plan AS l
		JOIN cpis.person AS p ON p.id = l.person_id
		LEFT JOIN cpis.plan_index AS x ON x.plan_id = l.id AND x.index_version = $1
		LEFT JOIN cpis.holding AS h ON h.authority = l.authority AND h.person_id = l.person_id
		WHERE l.id > $2
		  AND NOT l.removed
		  AND p.erased_at IS NULL
		  AND (x.plan_version IS DISTINCT FROM l.version OR h.id IS NULL)
		ORDER BY l.id
		LIMIT $3`, indexVersion, after, limit)
}

// scanPlanUnverified is scanPlan of a plan that is verified later: one that is
// damaged keeps no others waiting.
func (q queries) scanPlanUnverified(row pgx.CollectableRow) (l PlanRow, err error) {
	var mac []byte
	return l, row.Scan(append(l.targets(), &mac)...)
}

// Sound returns those of plans that verify as they are now, no errors among them.
// The others are reported.
func (q planReads) Sound(ctx context.Context, ids []uuid.UUID) ([]PlanRow, error) {
	rows, err := soundRows[PlanRow](ctx, q.queries, "reading plans", `
		SELECT `+planColumns+`
		FROM cpis.plan AS l
		WHERE l.id = ANY ($1::uuid[])
		  AND NOT l.removed
		ORDER BY l.id`, ids)
	return slices.Clip(rows), err
}

// ForgetVersions removes what was to find plans under index keys that are there no
// more: who wrote it did not know yet.
func (tx planWrites) ForgetVersions(ctx context.Context) error {
	_, err := tx.exec(ctx, "forgetting what finds plans", `
		DELETE FROM cpis.plan_index AS x
		WHERE NOT EXISTS (SELECT FROM cpis.index_key AS k WHERE k.version = x.index_version)`)
	return err
}

// ForgetVersion removes what finds plans under an index key, and returns how many
// rows. It removes at most limit at once; call it until it removes none.
func (tx planWrites) ForgetVersion(ctx context.Context, indexVersion, limit int) (int64, error) {
	return tx.exec(ctx, "forgetting what finds plans", `
		DELETE FROM cpis.plan_index
		WHERE (plan_id, index_version) IN (
		    SELECT x.plan_id, x.index_version
		    FROM cpis.plan_index AS x
		    WHERE x.index_version = $1
		    LIMIT $2
		)`, indexVersion, limit)
}
