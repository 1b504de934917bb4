package store

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// AccessRow is one unscheduled access to a person's flag: a row of the history.
type AccessRow struct {
	ID           uuid.UUID
	Person       uuid.UUID
	At           time.Time
	Organisation string
	Setting      string
	Encounter    []byte // keyed hash; nil if none was given
	Sealed       []byte // who it was, under the person's key; nil if that was not to be had
	Log          LogID  // when read: the log of its entry
	Entry        int    // in a Batch: the place of its entry there. When read: the entry's index in its log

	// Filled in when read.
	OrganisationName string    // empty if the organisation is not known by now
	MarkedAt         time.Time // when it was reported to be of another patient; zero if it was not
	Damage           Damage    // what of it does not verify
}

// WrongPatient reports whether it was reported to be of another patient.
func (a *AccessRow) WrongPatient() bool { return !a.MarkedAt.IsZero() }

const accessColumns = `a.id, a.person_id, a.at, a.organisation, a.setting, a.encounter, a.sealed, a.log, a.entry, a.mac`

// targets are where the columns of an access go.
func (a *AccessRow) targets() []any {
	return []any{&a.ID, &a.Person, &a.At, &a.Organisation, &a.Setting, &a.Encounter, &a.Sealed, &a.Log, &a.Entry}
}

func (a *AccessRow) cover(c *cover) {
	c.of("access")
	c.id("id", a.ID)
	c.id("person_id", a.Person)
	c.time("at", a.At)
	c.str("organisation", a.Organisation)
	c.str("setting", a.Setting)
	c.bytes("encounter", a.Encounter)
	c.bool("sealed", a.Sealed != nil) // what is sealed proves itself, but not that it is there
	c.int("log", int(a.Log))
	c.int("entry", a.Entry)
}

// MarkRow says of an access that it was of another patient.
type MarkRow struct {
	Access uuid.UUID
	At     time.Time // when that was reported
}

const markColumns = `m.access_id, m.at, m.mac`

// targets are where the columns of a mark go.
func (m *MarkRow) targets() []any { return []any{&m.Access, &m.At} }

func (m *MarkRow) cover(c *cover) {
	c.of("access_mark")
	c.id("access_id", m.Access)
	c.time("at", m.At)
}

// historyColumns are accessColumns, the name of the organisation, and the mark.
const historyColumns = accessColumns + `, coalesce(o.name, ''), m.at, m.mac`

// accessFields is how many columns that are.
const accessFields = 13

// scanHistory reads historyColumns that follow skip others, and verifies them.
func (g *guard) scanHistory(row pgx.CollectableRow, skip int) (a AccessRow, err error) {
	var mac, markMAC []byte
	targets := append(make([]any, skip, skip+accessFields), a.targets()...) // nil: skip
	if err := row.Scan(append(targets, &mac, &a.OrganisationName, (*timeTarget)(&a.MarkedAt), &markMAC)...); err != nil {
		return a, err
	}
	if !g.verifies(&a, mac) {
		a.Damage |= DamagedAccess
	}
	if a.WrongPatient() && !g.verifies(&MarkRow{a.ID, a.MarkedAt}, markMAC) {
		a.MarkedAt = time.Time{}
		a.Damage |= DamagedMark
	}
	return a, nil
}

// History returns the last 25 accesses of each person, newest first, ordered by
// person. Those that do not verify say so.
func (q accessReads) History(ctx context.Context, persons []uuid.UUID) ([]AccessRow, error) {
	return all(ctx, q.q, "reading history",
		func(row pgx.CollectableRow) (AccessRow, error) { return q.guard.scanHistory(row, 0) }, `
		SELECT `+historyColumns+`
		FROM unnest($1::uuid[]) AS wanted (person_id)
		CROSS JOIN LATERAL (
		    SELECT *
		    FROM cpis.access
		    WHERE person_id = wanted.person_id
		    ORDER BY at DESC, id DESC
		    LIMIT 25
		) AS a
		LEFT JOIN cpis.organisation AS o ON o.code = a.organisation
		LEFT JOIN cpis.access_mark AS m ON m.access_id = a.id
		ORDER BY a.person_id, a.at DESC, a.id DESC`, persons)
}

// AccessesBefore says which accesses to a person's flag are wanted.
type AccessesBefore struct {
	Person uuid.UUID
	At     time.Time // only those before this moment,
	ID     uuid.UUID // and at it those with a smaller id
	Shown  []Period  // only those within one of these
	Marked bool      // only those that were reported to be of another patient
	Limit  int
}

// Period reaches from a moment until before another; without an end if that is zero.
type Period struct{ From, Until time.Time }

// Before returns accesses to a person's flag, the newest first. Those that do not
// verify say so.
func (q accessReads) Before(ctx context.Context, b *AccessesBefore) ([]AccessRow, error) {
	from, until := make([]time.Time, len(b.Shown)), make([]*time.Time, len(b.Shown))
	for i, p := range b.Shown {
		from[i], until[i] = p.From, timeOrNull(p.Until)
	}
	return all(ctx, q.q, "reading accesses",
		func(row pgx.CollectableRow) (AccessRow, error) { return q.guard.scanHistory(row, 0) }, `
		SELECT `+historyColumns+`
		FROM cpis.access AS a
		LEFT JOIN cpis.organisation AS o ON o.code = a.organisation
		LEFT JOIN cpis.access_mark AS m ON m.access_id = a.id
		WHERE a.person_id = $1
		  AND (a.at, a.id) < ($2, $3)
		  AND (NOT $4 OR m.access_id IS NOT NULL)
		  AND EXISTS (
		      SELECT
		      FROM unnest($5::timestamptz[], $6::timestamptz[]) AS shown (since, until)
		      WHERE a.at >= shown.since AND (shown.until IS NULL OR a.at < shown.until))
		ORDER BY a.at DESC, a.id DESC
		LIMIT $7`, b.Person, b.At, b.ID, b.Marked, from, until, b.Limit)
}

// Between returns the accesses of some people from a time up to, but not including,
// another; a zero time is no limit. Those that do not verify say so.
func (q accessReads) Between(ctx context.Context, persons []uuid.UUID, from, until time.Time) ([]AccessRow, error) {
	return all(ctx, q.q, "reading accesses",
		func(row pgx.CollectableRow) (AccessRow, error) { return q.guard.scanHistory(row, 0) }, `
		SELECT `+historyColumns+`
		FROM cpis.access AS a
		LEFT JOIN cpis.organisation AS o ON o.code = a.organisation
		LEFT JOIN cpis.access_mark AS m ON m.access_id = a.id
		WHERE a.person_id = ANY ($1::uuid[])
		  AND ($2::timestamptz IS NULL OR a.at >= $2)
		  AND ($3::timestamptz IS NULL OR a.at < $3)
		ORDER BY a.at, a.id`, persons, timeOrNull(from), timeOrNull(until))
}

// timeOrNull returns a time as the database takes it: none for the zero one.
func timeOrNull(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// Mark marks the accesses of an encounter that are not marked yet as of the wrong
// patient, and returns how many. Those that do not verify are left as they are.
func (tx accessWrites) Mark(ctx context.Context, e *Encounter, at time.Time) (int64, error) {
	accessed, err := soundRows[AccessRow](ctx, tx.queries, "looking for accesses", `
		SELECT `+accessColumns+`
		FROM `+whoseEncounter+`
		JOIN cpis.access AS a ON a.person_id = w.id AND a.encounter = ANY ($3::bytea[])
		WHERE a.organisation = $2
		  AND (w.id = $1 OR EXISTS (
		      SELECT FROM cpis.entry AS e WHERE e.log = a.log AND e.idx = a.entry AND e.subject = ANY ($4::bytea[])))
		  AND NOT EXISTS (SELECT FROM cpis.access_mark AS m WHERE m.access_id = a.id)`,
		e.Person, e.Organisation, e.Hashes, e.Subjects)
	if err != nil {
		return 0, err
	}
	marks := make([]MarkRow, len(accessed))
	for i := range accessed {
		marks[i] = MarkRow{accessed[i].ID, at}
	}
	return tx.insertMarks(ctx, marks)
}

// MarkCopies marks accesses as of somebody else. Those that are marked
// already stay as they are.
func (tx accessWrites) MarkCopies(ctx context.Context, accesses []uuid.UUID, at time.Time) error {
	marks := make([]MarkRow, len(accesses))
	for i, id := range accesses {
		marks[i] = MarkRow{id, at}
	}
	_, err := tx.insertMarks(ctx, marks)
	return err
}

// insertMarks marks accesses that are not marked yet, and returns how many.
func (tx accessWrites) insertMarks(ctx context.Context, marks []MarkRow) (int64, error) {
	ids, at := make([]uuid.UUID, len(marks)), make([]time.Time, len(marks))
	for i, m := range marks {
		ids[i], at[i] = m.Access, m.At
	}
	return tx.exec(ctx, "marking accesses", `
		INSERT INTO cpis.access_mark (access_id, at, mac)
		SELECT a.id, a.at, a.mac
		FROM unnest($1::uuid[], $2::timestamptz[], $3::bytea[]) AS a (id, at, mac)
		WHERE NOT EXISTS (SELECT FROM cpis.access_mark AS m WHERE m.access_id = a.id)`, ids, at, macsOf(tx.guard, marks))
}

// Copy writes accesses into the history of a person who turned out to be
// whom others were about, with what marks them. Their entries are those of the
// accesses that they are copies of.
func (tx accessWrites) Copy(ctx context.Context, copies []AccessRow) error {
	logs := make([]int16, len(copies))
	var marks []MarkRow
	for i := range copies {
		logs[i] = int16(copies[i].Log)
		if a := &copies[i]; a.WrongPatient() {
			marks = append(marks, MarkRow{a.ID, a.MarkedAt})
		}
	}
	err := tx.execAll(ctx, len(copies), "copying history", `
		INSERT INTO cpis.access (id, person_id, at, organisation, setting, encounter, sealed, entry, mac, log)
		SELECT *
		FROM unnest($1::uuid[], $2::uuid[], $3::timestamptz[], $4::text[], $5::text[], $6::bytea[], $7::bytea[], $8::bigint[],
		    $9::bytea[], $10::smallint[])`, append(accessArgs(copies), macsOf(tx.guard, copies), logs)...)
	if err != nil {
		return err
	}
	_, err = tx.insertMarks(ctx, marks)
	return err
}
