package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"cpis/audit"
)

// Batch is what a group of look-ups leaves behind. All slices may be reused
// after the append.
type Batch struct {
	Lines    [][]byte // the entries, in order
	Subjects [][]byte // as many: the tag of the person each is about, nil if none
	Accesses []AccessRow
	Notices  []NoticeRow // of look-ups: they correct nothing, and have no reference
	Reviews  []ReviewRow
}

// dedupeWindow is how long an access or notice without an encounter stands for
// those that follow it from the same organisation.
const dedupeWindow = 4 * time.Hour

// Append moves the head of a log from one tree to another by adding the lines
// that lie between, with everything else in the batch, in one statement. It
// returns nil only if the commit is confirmed and durable; else ErrHeadMoved
// (the head is not from; nothing was written), ErrUnavailable (nothing was
// written, trying again is safe) or ErrUncertain. After ErrUncertain an append
// with the same trees is safe too: if the first one did happen, it meets a
// head that has moved.
//
// The context ends the wait, not the commit: give it one of its own, not a
// caller's.
//
// Accesses, and notices that ask for it, are written once for an encounter. A
// row with an encounter is left out if one like it has the same encounter; a
// row without, if one like it is not older than four hours, or comes before it
// in the batch. Accesses are alike that have the same person and organisation,
// notices that have the same person, organisation, authority and kind. What was
// corrected since is like none: whoever looks again after saying that it was the
// wrong patient is told of again. An organisation's look-ups must all go to one
// log, because that is what the rule relies on, see appendAll.
func (db *DB) Append(ctx context.Context, log LogID, from, to audit.Tree, b *Batch) error {
	if err := b.check(from, to); err != nil {
		return err
	}
	sql, args := b.statement(db.guard, log, &from, &to)
	err := db.append(ctx, sql, args, len(b.Lines))
	if unsent(err) {
		err = db.append(ctx, sql, args, len(b.Lines)) // once more, on another connection
	}
	db.noteFailure(err)
	return err
}

// append runs the statement once.
func (db *DB) append(ctx context.Context, sql string, args []any, lines int) error {
	const doing = "appending entries"
	conn, err := db.pool.Acquire(ctx)
	if err != nil {
		return translate(doing, err)
	}
	defer conn.Release()
	if err := checkOpen(doing, conn.Conn()); err != nil {
		return err
	}
	forgetWarnings(conn.Conn())
	tag, err := conn.Exec(ctx, sql, args...)
	if err != nil {
		return commitFailure(doing, err)
	}
	switch tag.RowsAffected() {
	case int64(lines):
		return errWarned(doing, conn.Conn())
	case 0:
		return ErrHeadMoved
	}
	return fmt.Errorf("%s: wrote %d of %d", doing, tag.RowsAffected(), lines)
}

// check refuses a batch that does not lead from one tree to the other.
func (b *Batch) check(from, to audit.Tree) error {
	n := len(b.Lines)
	switch {
	case n == 0:
		return errors.New("appending entries: none given")
	case len(b.Subjects) != n:
		return errors.New("appending entries: as many subjects as lines are needed")
	case to.Size()-from.Size() != int64(n):
		return errors.New("appending entries: the trees are not as many entries apart")
	}
	return nil
}

// statement is the same whether or not anything is left behind: how long it
// takes must not say whether somebody has a flag.
func (b *Batch) statement(g *guard, log LogID, from, to *audit.Tree) (string, []any) {
	args := headArgs(log, from, to, b.Lines, b.Subjects)
	args = append(args, from.Size(), dedupeWindow)
	args = append(append(args, accessArgs(b.Accesses)...), newMACs(g, b.Accesses, log, from.Size()))
	args = append(append(args, noticeArgs(b.Notices)...), newMACs(g, b.Notices, log, from.Size()))
	return appendAll, append(append(args, reviewArgs(b.Reviews)...), newMACs(g, b.Reviews, log, from.Size()))
}

// newMACs creates the MACs of rows that are written with entries of a log, of which
// the first has an index: as the rows will stand there.
func newMACs[T any, P interface {
	*T
	covered
	written(log LogID, first int64)
}](g *guard, rows []T, log LogID, first int64) [][]byte {
	macs := make([][]byte, len(rows))
	var row T // rows may be written anew, with other entries
	for i := range rows {
		row = rows[i]
		P(&row).written(log, first)
		macs[i] = g.mac(P(&row))
	}
	return macs
}

func (a *AccessRow) written(log LogID, first int64) { a.Log, a.Entry = log, int(first)+a.Entry }

// written says also that nobody has done anything with a new notice.
func (n *NoticeRow) written(log LogID, first int64) {
	n.Log, n.Entry = log, int(first)+n.Entry
	n.Version, n.AcknowledgedAt, n.AssignedTo, n.Undelivered = 1, nil, "", false
}

func (r *ReviewRow) written(log LogID, first int64) { r.Log, r.Entry = log, int(first)+r.Entry }

// headArgs are the parameters $1 to $8 of both statements.
func headArgs(log LogID, from, to *audit.Tree, lines, subjects [][]byte) []any {
	old, moved := from.Root(), to.Root()
	return []any{
		log, from.Size(), old[:],
		to.Size(), to.AppendFrontier(nil), moved[:],
		lines, subjects,
	}
}

// appendLines compares and swaps the head, and inserts the entries if that
// succeeded. The number of rows inserted says whether it did.
//
// Each entry's index follows from the old size, so an append that would leave a
// hole or a double cannot be expressed. There is no ON CONFLICT DO NOTHING: an
// insert that does nothing commits nothing, and is confirmed without waiting
// for any standby, though the row it met may not have reached one.
const appendLines = `
	WITH moved AS (
	    UPDATE cpis.log_head
	    SET size = $4, frontier = $5, root = $6
	    WHERE log = $1 AND size = $2 AND root = $3
	    RETURNING log
	)
	INSERT INTO cpis.entry (log, idx, line, subject)
	SELECT moved.log, $2 + e.n - 1, e.line, e.subject
	FROM moved, unnest($7::bytea[], $8::bytea[]) WITH ORDINALITY AS e (line, subject, n)`

// appendAll is appendLines with the rows that look-ups leave behind.
//
// The tests for rows that exist already are free of races. All parts of the
// statement see the snapshot taken when it began. The head is swapped only if
// its latest version still is the one expected; sizes only grow, so then no
// other append to this log has committed since the snapshot was taken, and none
// can until this one ends, because it holds the row. Rows that matter to a test
// come from the same organisation, hence from the same log: all that exist are
// in the snapshot.
//
// The tests are scalar subqueries so that each is one probe of an index, which
// a join might not be: that of the person, never that of the authority, which
// IS NOT DISTINCT FROM cannot use. An authority has many notices. fresh rows are
// those the database does not know; among themselves, the first of those alike
// goes in.
const appendAll = `
	WITH moved AS (
	    UPDATE cpis.log_head
	    SET size = $4, frontier = $5, root = $6
	    WHERE log = $1 AND size = $2 AND root = $3
	    RETURNING log
	),
	fresh_access AS MATERIALIZED (
	    SELECT a.*
	    FROM moved, unnest($11::uuid[], $12::uuid[], $13::timestamptz[], $14::text[], $15::text[], $16::bytea[], $17::bytea[], $18::bigint[], $19::bytea[])
	        WITH ORDINALITY AS a (id, person_id, at, organisation, setting, encounter, sealed, entry, mac, n)
	    WHERE CASE
	        WHEN a.encounter IS NULL THEN (
	            SELECT true
	            FROM cpis.access AS old
	            WHERE old.person_id = a.person_id
	              AND old.at > a.at - $10::interval
	              AND old.organisation = a.organisation
	              AND (SELECT true FROM cpis.access_mark AS m WHERE m.access_id = old.id) IS NULL
	            LIMIT 1
	        ) ELSE (
	            SELECT true
	            FROM cpis.access AS old
	            WHERE old.person_id = a.person_id
	              AND old.encounter = a.encounter
	              AND old.at > a.at - interval '30 days'
	              AND old.organisation = a.organisation
	              AND (SELECT true FROM cpis.access_mark AS m WHERE m.access_id = old.id) IS NULL
	            LIMIT 1
	        ) END IS NULL
	),
	accesses AS (
	    INSERT INTO cpis.access (id, person_id, at, organisation, setting, encounter, sealed, log, entry, mac)
	    SELECT a.id, a.person_id, a.at, a.organisation, a.setting, a.encounter, a.sealed, $1, $9 + a.entry, a.mac
	    FROM fresh_access AS a
	    WHERE NOT EXISTS (
	        SELECT
	        FROM fresh_access AS first
	        WHERE first.n < a.n
	          AND first.person_id = a.person_id
	          AND first.organisation = a.organisation
	          AND (a.encounter IS NULL OR first.encounter = a.encounter)
	    )
	),
	fresh_notice AS MATERIALIZED (
	    SELECT a.*
	    FROM moved, unnest($20::uuid[], $21::text[], $22::uuid[], $23::text[], $24::boolean[], $25::timestamptz[], $26::text[], $27::text[], $28::bytea[], $29::boolean[], $30::bigint[], $31::bytea[], $32::bytea[])
	        WITH ORDINALITY AS a (id, authority, person_id, kind, priority, at, organisation, setting, encounter, dedupe, entry, sealed, mac, n)
	    WHERE CASE
	        WHEN NOT a.dedupe THEN NULL
	        WHEN a.encounter IS NULL THEN (
	            SELECT true
	            FROM cpis.notice AS old
	            WHERE old.person_id = a.person_id
	              AND old.at > a.at - $10::interval
	              AND old.organisation = a.organisation
	              AND old.authority IS NOT DISTINCT FROM a.authority
	              AND old.kind = a.kind
	              AND (SELECT true FROM cpis.notice AS c WHERE c.corrects = old.id) IS NULL
	            LIMIT 1
	        ) ELSE (
	            SELECT true
	            FROM cpis.notice AS old
	            WHERE old.person_id = a.person_id
	              AND old.encounter = a.encounter
	              AND old.at > a.at - interval '30 days'
	              AND old.organisation = a.organisation
	              AND old.authority IS NOT DISTINCT FROM a.authority
	              AND old.kind = a.kind
	              AND (SELECT true FROM cpis.notice AS c WHERE c.corrects = old.id) IS NULL
	            LIMIT 1
	        ) END IS NULL
	),
	notices AS (
	    INSERT INTO cpis.notice (id, authority, person_id, kind, priority, at, organisation, setting, encounter, sealed, log, entry, mac)
	    SELECT a.id, a.authority, a.person_id, a.kind, a.priority, a.at, a.organisation, a.setting, a.encounter, a.sealed, $1, $9 + a.entry, a.mac
	    FROM fresh_notice AS a
	    WHERE NOT a.dedupe OR NOT EXISTS (
	        SELECT
	        FROM fresh_notice AS first
	        WHERE first.n < a.n
	          AND first.person_id = a.person_id
	          AND first.organisation = a.organisation
	          AND first.authority = a.authority
	          AND first.kind = a.kind
	          AND (a.encounter IS NULL OR first.encounter = a.encounter)
	    )
	),
	reviews AS (
	    INSERT INTO cpis.review (id, organisation, actor, at, person_id, sealed, wrapped_key, log, entry, mac)
	    SELECT a.id, a.organisation, a.actor, a.at, a.person_id, a.sealed, a.wrapped_key, $1, $9 + a.entry, a.mac
	    FROM moved, unnest($33::uuid[], $34::text[], $35::text[], $36::timestamptz[], $37::uuid[], $38::bytea[], $39::text[], $40::bigint[], $41::bytea[])
	        AS a (id, organisation, actor, at, person_id, sealed, wrapped_key, entry, mac)
	)
	INSERT INTO cpis.entry (log, idx, line, subject)
	SELECT moved.log, $2 + e.n - 1, e.line, e.subject
	FROM moved, unnest($7::bytea[], $8::bytea[]) WITH ORDINALITY AS e (line, subject, n)`

// accessArgs are the parameters $11 to $18 of appendAll; their MACs follow.
func accessArgs(rows []AccessRow) []any {
	c := newColumns(len(rows))
	ids, persons, sealed := make([]uuid.UUID, len(rows)), make([]uuid.UUID, len(rows)), make([][]byte, len(rows))
	for i, r := range rows {
		ids[i], persons[i], sealed[i] = r.ID, r.Person, r.Sealed
		c.set(i, r.At, r.Organisation, r.Setting, r.Encounter, r.Entry)
	}
	return []any{ids, persons, c.at, c.organisation, c.setting, c.encounter, sealed, c.entry}
}

// noticeArgs are the parameters $20 to $31 of appendAll; their MACs follow.
func noticeArgs(rows []NoticeRow) []any {
	c := newColumns(len(rows))
	ids, persons, sealed := make([]uuid.UUID, len(rows)), make([]uuid.UUID, len(rows)), make([][]byte, len(rows))
	authorities, kinds := make([]string, len(rows)), make([]string, len(rows))
	priority, dedupe := make([]bool, len(rows)), make([]bool, len(rows))
	for i, r := range rows {
		ids[i], persons[i], sealed[i], authorities[i], kinds[i] = r.ID, r.Person, r.Sealed, r.Authority, r.Kind
		priority[i], dedupe[i] = r.Priority, r.Dedupe
		c.set(i, r.At, r.Organisation, r.Setting, r.Encounter, r.Entry)
	}
	return []any{ids, authorities, persons, kinds, priority, c.at, c.organisation, c.setting, c.encounter, dedupe, c.entry, sealed}
}

// reviewArgs are the parameters $33 to $40 of appendAll; their MACs follow.
func reviewArgs(rows []ReviewRow) []any {
	c := newColumns(len(rows))
	ids, persons, sealed := make([]uuid.UUID, len(rows)), make([]uuid.NullUUID, len(rows)), make([][]byte, len(rows))
	actors, wrapped := make([]string, len(rows)), make([]string, len(rows))
	for i, r := range rows {
		ids[i], persons[i], sealed[i], actors[i], wrapped[i] = r.ID, r.Person, r.Sealed, r.Actor, r.WrappedKey
		c.set(i, r.At, r.Organisation, "", nil, r.Entry)
	}
	return []any{ids, c.organisation, actors, c.at, persons, sealed, wrapped, c.entry}
}

// columns are what accesses, notices and reviews have in common, turned from
// rows into the arrays that unnest takes.
type columns struct {
	at                    []time.Time
	organisation, setting []string
	encounter             [][]byte
	entry                 []int64
}

func newColumns(n int) columns {
	return columns{make([]time.Time, n), make([]string, n), make([]string, n), make([][]byte, n), make([]int64, n)}
}

func (c *columns) set(i int, at time.Time, organisation, setting string, encounter []byte, entry int) {
	c.at[i], c.organisation[i], c.setting[i], c.encounter[i], c.entry[i] = at, organisation, setting, encounter, int64(entry)
}
