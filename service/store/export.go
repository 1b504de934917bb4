package store

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// ExportRow is a report that leaves the service as a file.
type ExportRow struct {
	ID           uuid.UUID // in order of time
	Organisation string    // of whoever asked
	Owner        []byte    // keyed hash of whoever asked
	State        string
	Attempt      int   // which of the attempts to make it counts
	Entries      int64 // as they were counted, and then as they are in the file
	Size         int64 // of the file in bytes, once it is ready
	AskedAt      time.Time
	ExpiresAt    time.Time // when it is forgotten
	WrappedKey   string    // its data key, wrapped; empty if it was forgotten
	Sealed       []byte    // what was asked, under that key
	Seen         []byte    // how far logs were when the attempt began, likewise; nil if it is not known
	// Done and Work say how far it is, of how much; LeaseUntil until when a server
	// works on it. They decide nothing.
	Done       int64
	Work       int64
	LeaseUntil *time.Time
}

// exportMaking is the state of exports that some server has to work on.
const exportMaking = "making"

const exportColumns = `x.id, x.organisation, x.owner, x.state, x.attempt, x.entries, x.size, x.asked_at, x.expires_at,
		       x.wrapped_key, x.sealed, x.seen, x.done, x.work, x.lease_until, x.mac`

// targets are where the columns of an export go.
func (x *ExportRow) targets() []any {
	return []any{
		&x.ID, &x.Organisation, &x.Owner, &x.State, &x.Attempt, &x.Entries, &x.Size, &x.AskedAt, &x.ExpiresAt,
		&x.WrappedKey, &x.Sealed, &x.Seen, &x.Done, &x.Work, &x.LeaseUntil,
	}
}

func (x *ExportRow) cover(c *cover) {
	c.of("export")
	c.id("id", x.ID)
	c.str("organisation", x.Organisation)
	c.bytes("owner", x.Owner)
	c.str("state", x.State)
	c.int("attempt", x.Attempt)
	c.int("entries", int(x.Entries))
	c.int("size", int(x.Size))
	c.time("asked_at", x.AskedAt)
	c.time("expires_at", x.ExpiresAt)
}

// Get returns an export; ErrNotFound if there is none with that id.
func (q exportReads) Get(ctx context.Context, id uuid.UUID) (ExportRow, error) {
	return one(ctx, q.q, "reading export", scanner[ExportRow](q.guard), `
		SELECT `+exportColumns+`
		FROM cpis.export AS x
		WHERE x.id = $1`, id)
}

// List returns the newest exports of somebody, who is known by any of some hashes,
// that are not to be forgotten yet.
func (q exportReads) List(ctx context.Context, owners [][]byte, now time.Time, limit int) ([]ExportRow, error) {
	return soundRows[ExportRow](ctx, q.queries, "reading exports", `
		SELECT `+exportColumns+`
		FROM cpis.export AS x
		WHERE x.owner = ANY ($1::bytea[])
		  AND x.expires_at > $2
		  AND x.wrapped_key <> ''
		ORDER BY x.id DESC
		LIMIT $3`, owners, now, limit)
}

// Unattended returns exports that some server has to make and none does: those that
// were asked for before a time, the longest waiting first, and then the smallest.
func (q exportReads) Unattended(ctx context.Context, now, before time.Time) ([]ExportRow, error) {
	return soundRows[ExportRow](ctx, q.queries, "reading unattended exports", `
		SELECT `+exportColumns+`
		FROM cpis.export AS x
		WHERE x.state = '`+exportMaking+`'
		  AND x.lease_until <= $1
		  AND x.expires_at > $1
		ORDER BY CASE WHEN x.asked_at < $2 THEN x.asked_at ELSE $2 END, x.work, x.id`, now, before)
}

// Room returns how many bytes the files of an organisation take that are not to be
// forgotten yet, and how many those of all. Of those that are not made, each entry
// of each file counts as so many.
func (q exportReads) Room(ctx context.Context, organisation string, now time.Time, each int64) (own, whole int64, err error) {
	type room struct{ own, whole int64 }
	r, err := one(ctx, q.q, "reading the room of exports", func(row pgx.CollectableRow) (r room, err error) {
		err = row.Scan(&r.own, &r.whole)
		return r, err
	}, `
		SELECT coalesce(sum(n) FILTER (WHERE organisation = $1), 0)::bigint, coalesce(sum(n), 0)::bigint
		FROM (
		    SELECT x.organisation, CASE x.state WHEN '`+exportMaking+`' THEN x.work * $3 ELSE x.size END AS n
		    FROM cpis.export AS x
		    WHERE x.expires_at > $2
		      AND x.wrapped_key <> ''
		) AS s`, organisation, now, each)
	return r.own, r.whole, err
}

// Expired returns exports that have served their time, or were forgotten before.
// Rows that do not verify are among them: they are forgotten like others.
func (q exportReads) Expired(ctx context.Context, now time.Time, limit int) ([]uuid.UUID, error) {
	return all(ctx, q.q, "reading expired exports", pgx.RowTo[uuid.UUID], `
		SELECT x.id
		FROM cpis.export AS x
		WHERE x.expires_at <= $1
		   OR x.wrapped_key = ''
		ORDER BY x.expires_at, x.id
		LIMIT $2`, now, limit)
}

// Insert creates an export, for any server to make.
func (tx exportWrites) Insert(ctx context.Context, x *ExportRow) error {
	return tx.execAll(ctx, 1, "making export", `
		INSERT INTO cpis.export (id, organisation, owner, state, attempt, entries, size, asked_at, expires_at, wrapped_key, sealed,
		    work, lease_until, mac)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`,
		x.ID, x.Organisation, x.Owner, x.State, x.Attempt, x.Entries, x.Size, x.AskedAt, x.ExpiresAt, x.WrappedKey, x.Sealed,
		x.Work, x.LeaseUntil, tx.guard.mac(x))
}

// Claim begins the next attempt to make an export, until a lease is over.
// ErrConflict says that another server was first. The row carries the new attempt.
func (tx exportWrites) Claim(ctx context.Context, x *ExportRow) error {
	return tx.execAll(ctx, 1, "claiming export", `
		UPDATE cpis.export
		SET attempt = $2, done = 0, work = $3, lease_until = $4, seen = $5, mac = $6
		WHERE id = $1
		  AND attempt = $2 - 1
		  AND state = '`+exportMaking+`'`, x.ID, x.Attempt, x.Work, x.LeaseUntil, x.Seen, tx.guard.mac(x))
}

// Beat says how far an attempt is, and that it goes on. ErrConflict says that it
// does not count any more.
func (tx exportWrites) Beat(ctx context.Context, id uuid.UUID, attempt int, done int64, until time.Time) error {
	return tx.execAll(ctx, 1, "making export", `
		UPDATE cpis.export
		SET done = $3, lease_until = $4
		WHERE id = $1
		  AND attempt = $2
		  AND state = '`+exportMaking+`'`, id, attempt, done, until)
}

// Settle says what became of an attempt. ErrConflict says that it does not count
// any more.
func (tx exportWrites) Settle(ctx context.Context, x *ExportRow) error {
	return tx.execAll(ctx, 1, "settling export", `
		UPDATE cpis.export
		SET state = $3, entries = $4, size = $5, done = $6, lease_until = NULL, mac = $7
		WHERE id = $1
		  AND attempt = $2
		  AND state = '`+exportMaking+`'`, x.ID, x.Attempt, x.State, x.Entries, x.Size, x.Done, tx.guard.mac(x))
}

// Forget forgets an export, as its row says: its key goes at once, and with it what
// it says. Who makes it finds that it does not count any more.
func (tx exportWrites) Forget(ctx context.Context, x *ExportRow) error {
	x.WrappedKey = ""
	return tx.execAll(ctx, 1, "forgetting export", `
		UPDATE cpis.export
		SET state = $2, wrapped_key = '', lease_until = NULL, mac = $3
		WHERE id = $1`, x.ID, x.State, tx.guard.mac(x))
}

// Delete removes an export, with its key and the last pieces of its file: at most so
// many at once. It reports whether nothing is left.
func (tx exportWrites) Delete(ctx context.Context, id uuid.UUID, limit int) (gone bool, err error) {
	// Nobody adds a part from here on.
	_, err = tx.exec(ctx, "locking export", `
		SELECT
		FROM cpis.export
		WHERE id = $1
		FOR UPDATE`, id)
	if err != nil {
		return false, err
	}
	n, err := tx.exec(ctx, "removing parts of export", `
		DELETE FROM cpis.export_part
		WHERE (export_id, attempt, stream, n) IN (
		    SELECT p.export_id, p.attempt, p.stream, p.n
		    FROM cpis.export_part AS p
		    WHERE p.export_id = $1
		    LIMIT $2)`, id, limit)
	if err != nil || n == int64(limit) {
		return false, err
	}
	_, err = tx.exec(ctx, "removing export", `
		DELETE FROM cpis.export
		WHERE id = $1`, id)
	return err == nil, err
}

// ExportPart is where a piece of an export stands.
type ExportPart struct {
	Export  uuid.UUID
	Attempt int
	Stream  int // 0 is the file; others are needed until that is made
	N       int
}

// InsertPart keeps a piece.
func (tx exportWrites) InsertPart(ctx context.Context, at ExportPart, sealed []byte) error {
	return tx.execAll(ctx, 1, "keeping part of export", `
		INSERT INTO cpis.export_part (export_id, attempt, stream, n, sealed)
		VALUES ($1, $2, $3, $4, $5)`, at.Export, at.Attempt, at.Stream, at.N, sealed)
}

// Part returns a piece; ErrNotFound if there is none.
func (q exportReads) Part(ctx context.Context, at ExportPart) ([]byte, error) {
	return one(ctx, q.q, "reading part of export", scanSealed, `
		SELECT sealed
		FROM cpis.export_part
		WHERE export_id = $1
		  AND attempt = $2
		  AND stream = $3
		  AND n = $4`, at.Export, at.Attempt, at.Stream, at.N)
}

// DeleteParts removes pieces of all attempts but one, and of that one those which are
// none of the file, if it is made: at most so many at once. It returns how many.
func (tx exportWrites) DeleteParts(ctx context.Context, export uuid.UUID, but int, made bool, limit int) (int64, error) {
	return tx.exec(ctx, "removing parts of export", `
		DELETE FROM cpis.export_part
		WHERE (export_id, attempt, stream, n) IN (
		    SELECT p.export_id, p.attempt, p.stream, p.n
		    FROM cpis.export_part AS p
		    WHERE p.export_id = $1
		      AND (p.attempt <> $2 OR $3 AND p.stream > 0)
		    LIMIT $4)`, export, but, made, limit)
}
