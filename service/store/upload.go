package store

import (
	"context"
	"encoding/json"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// UploadRow is a file of plans that an authority sent.
type UploadRow struct {
	ID         uuid.UUID // in order of time
	Authority  string    // GSS code
	Version    int       // from 1, one more with each change of state
	State      string
	Format     string
	Extent     string
	Sequence   int64      // the sender's running number; 0 if it has none
	Digest     []byte     // keyed hash of the file; empty while it is received
	Size       int64      // in bytes
	WrappedKey string     // the upload's data key, wrapped; empty once it is forgotten
	Sealed     []byte     // what else is known of it, under that key
	Counts     []byte     // JSON, numbers only
	SentAt     time.Time  // when it began to arrive
	ChangedAt  time.Time  // when its state changed last
	LeaseUntil *time.Time // until when a server works on it; nil if none does
}

// States of uploads that statements here depend on.
const (
	uploadReceiving = "receiving"
	uploadReceived  = "received"
	uploadApplying  = "applying"
	uploadApplied   = "applied"
)

const uploadColumns = `u.id, u.authority, u.version, u.state, u.format, u.extent, u.sequence, u.digest, u.size,
		       u.wrapped_key, u.sealed, u.counts, u.sent_at, u.changed_at, u.lease_until, u.mac`

// targets are where the columns of an upload go.
func (u *UploadRow) targets() []any {
	return []any{
		&u.ID, &u.Authority, &u.Version, &u.State, &u.Format, &u.Extent, &u.Sequence, &u.Digest, &u.Size,
		&u.WrappedKey, &u.Sealed, &u.Counts, &u.SentAt, &u.ChangedAt, &u.LeaseUntil,
	}
}

func (u *UploadRow) cover(c *cover) {
	c.of("upload")
	c.id("id", u.ID)
	c.str("authority", u.Authority)
	c.int("version", u.Version)
	c.str("state", u.State)
	c.str("format", u.Format)
	c.str("extent", u.Extent)
	c.int("sequence", int(u.Sequence))
	c.bytes("digest", u.Digest)
	c.int("size", int(u.Size))
	c.bytes("counts", canonical(u.Counts))
	c.time("sent_at", u.SentAt)
	c.time("changed_at", u.ChangedAt)
}

// canonical is JSON as PostgreSQL gives it or as it was written: in one form.
func canonical(counts []byte) []byte {
	var numbers map[string]json.Number
	if json.Unmarshal(counts, &numbers) != nil {
		return counts
	}
	text, err := json.Marshal(numbers) // in order of the names
	if err != nil {
		return counts
	}
	return text
}

func (q queries) scanUpload(row pgx.CollectableRow) (UploadRow, error) {
	return scanner[UploadRow](q.guard)(row)
}

// Get returns an upload; ErrNotFound if there is none with that id, or if it
// has not arrived.
func (q uploadReads) Get(ctx context.Context, id uuid.UUID) (UploadRow, error) {
	return one(ctx, q.q, "reading upload", q.scanUpload, `
		SELECT `+uploadColumns+`
		FROM cpis.upload AS u
		WHERE u.id = $1
		  AND u.state <> '`+uploadReceiving+`'`, id)
}

// Lock is Get for those who will change it: it stays as it is until
// the transaction ends.
func (tx uploadWrites) Lock(ctx context.Context, id uuid.UUID) (UploadRow, error) {
	return one(ctx, tx.q, "locking upload", tx.scanUpload, `
		SELECT `+uploadColumns+`
		FROM cpis.upload AS u
		WHERE u.id = $1
		  AND u.state <> '`+uploadReceiving+`'
		FOR UPDATE`, id)
}

// List pages through the uploads of an authority that have arrived,
// the newest first; start before the greatest id. A state limits them to those
// in it; "" does not.
func (q uploadReads) List(ctx context.Context, authority, state string, before uuid.UUID, limit int) ([]UploadRow, error) {
	return all(ctx, q.q, "reading uploads", q.scanUpload, `
		SELECT `+uploadColumns+`
		FROM cpis.upload AS u
		WHERE u.authority = $1
		  AND u.id < $2
		  AND u.state <> '`+uploadReceiving+`'
		  AND ($3 = '' OR u.state = $3)
		ORDER BY u.id DESC
		LIMIT $4`, authority, before, state, limit)
}

// LastSequence returns the highest running number of the uploads of an authority
// that are applied or being applied; 0 if there is none.
func (q uploadReads) LastSequence(ctx context.Context, authority string) (int64, error) {
	return one(ctx, q.q, "reading last running number",
		func(row pgx.CollectableRow) (n int64, err error) { return n, row.Scan(&n) }, `
		SELECT coalesce(max(u.sequence), 0)
		FROM cpis.upload AS u
		WHERE u.authority = $1
		  AND u.sequence > 0
		  AND u.state IN ('`+uploadApplying+`', '`+uploadApplied+`')`, authority)
}

// EndedSince returns how many plans uploads of an authority ended that were
// approved since a time.
func (q uploadReads) EndedSince(ctx context.Context, authority string, since time.Time) (int, error) {
	uploads, err := all(ctx, q.q, "counting plans that uploads ended", q.scanUpload, `
		SELECT `+uploadColumns+`
		FROM cpis.upload AS u
		WHERE u.authority = $1
		  AND u.changed_at >= $2
		  AND u.state IN ('`+uploadApplying+`', '`+uploadApplied+`')`, authority, since)
	ended := 0
	for _, u := range uploads {
		var counts struct{ Ending, Closing int }
		if err := json.Unmarshal(u.Counts, &counts); err != nil {
			return 0, &failure{doing: "reading counts of an upload", kinds: []error{ErrDamaged}}
		}
		ended += counts.Ending + counts.Closing
	}
	return ended, err
}

// Latest returns the upload of an authority in one of some states that
// arrived last; ErrNotFound if there is none. An extent limits them to those
// with it; "" does not.
func (q uploadReads) Latest(ctx context.Context, authority, extent string, states []string) (UploadRow, error) {
	return one(ctx, q.q, "reading latest upload", q.scanUpload, `
		SELECT `+uploadColumns+`
		FROM cpis.upload AS u
		WHERE u.authority = $1
		  AND ($2 = '' OR u.extent = $2)
		  AND u.state = ANY ($3::text[])
		ORDER BY u.id DESC
		LIMIT 1`, authority, extent, states)
}

// Applied returns the upload of an authority that was applied, or is being
// applied, with a running number; ErrNotFound if there is none.
func (q uploadReads) Applied(ctx context.Context, authority string, sequence int64) (UploadRow, error) {
	return one(ctx, q.q, "reading applied upload", q.scanUpload, `
		SELECT `+uploadColumns+`
		FROM cpis.upload AS u
		WHERE u.authority = $1
		  AND u.sequence = $2
		  AND u.sequence > 0
		  AND u.state IN ('`+uploadApplying+`', '`+uploadApplied+`')`, authority, sequence)
}

// Unattended returns uploads that some server was to work on and does not,
// because its lease is over, the longest waiting first.
func (q uploadReads) Unattended(ctx context.Context, now time.Time, limit int) ([]UploadRow, error) {
	return all(ctx, q.q, "reading unattended uploads", q.scanUpload, `
		SELECT `+uploadColumns+`
		FROM cpis.upload AS u
		WHERE u.lease_until < $1
		  AND u.state IN ('`+uploadReceiving+`', '`+uploadReceived+`', '`+uploadApplying+`')
		ORDER BY u.lease_until, u.id
		LIMIT $2`, now, limit)
}

// ChangedBefore returns uploads in certain states whose state changed
// before a time and whose key is still there.
func (q uploadReads) ChangedBefore(ctx context.Context, before time.Time, states []string, limit int) ([]UploadRow, error) {
	return all(ctx, q.q, "reading old uploads", q.scanUpload, `
		SELECT `+uploadColumns+`
		FROM cpis.upload AS u
		WHERE u.changed_at < $1
		  AND u.wrapped_key <> ''
		  AND u.state = ANY ($2::text[])
		ORDER BY u.changed_at, u.id
		LIMIT $3`, before, states, limit)
}

// Insert creates an upload, in version 1. ErrNotFound says that there is no
// such authority.
func (tx uploadWrites) Insert(ctx context.Context, u *UploadRow) error {
	u.Version = 1
	_, err := tx.exec(ctx, "making upload", `
		INSERT INTO cpis.upload (id, authority, version, state, format, extent, sequence, digest, size, wrapped_key, sealed,
		    counts, sent_at, changed_at, lease_until, mac)
		VALUES ($1, $2, 1, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)`,
		u.ID, u.Authority, u.State, u.Format, u.Extent, u.Sequence, orEmpty(u.Digest), u.Size, u.WrappedKey, u.Sealed,
		u.Counts, u.SentAt, u.ChangedAt, u.LeaseUntil, tx.guard.mac(u))
	return err
}

// Update changes an upload, and leaves its wrapped key alone: that may be
// wrapped anew meanwhile. The row carries the new version, which must
// be one more than the stored one: else the error is ErrConflict. So it is
// if another upload of the authority was applied with the same running
// number. Its key stays as it is.
func (tx uploadWrites) Update(ctx context.Context, u *UploadRow) error {
	return tx.execAll(ctx, 1, "changing upload", `
		UPDATE cpis.upload
		SET version = $2, state = $3, digest = $4, size = $5, sealed = $6, counts = $7, changed_at = $8, lease_until = $9, mac = $10
		WHERE id = $1
		  AND version = $2 - 1`,
		u.ID, u.Version, u.State, orEmpty(u.Digest), u.Size, u.Sealed, u.Counts, u.ChangedAt, u.LeaseUntil, tx.guard.mac(u))
}

// Lease says until when no other server need look after an upload. It may
// have changed meanwhile: then nothing happens.
func (tx uploadWrites) Lease(ctx context.Context, id uuid.UUID, version int, until time.Time) error {
	_, err := tx.exec(ctx, "leasing upload", `
		UPDATE cpis.upload
		SET lease_until = $3
		WHERE id = $1
		  AND version = $2`, id, version, until)
	return err
}

// Claim is Lease for a server that found an upload unattended.
// ErrConflict says that another one was first.
func (tx uploadWrites) Claim(ctx context.Context, u *UploadRow, until time.Time) error {
	return tx.execAll(ctx, 1, "claiming upload", `
		UPDATE cpis.upload
		SET lease_until = $4
		WHERE id = $1
		  AND version = $2
		  AND lease_until = $3`, u.ID, u.Version, u.LeaseUntil, until)
}

// Delete removes an upload that has not arrived whole, with its parts.
func (tx uploadWrites) Delete(ctx context.Context, id uuid.UUID) error {
	const doing = "removing upload"
	if _, err := tx.exec(ctx, doing, `
		DELETE FROM cpis.upload_part
		WHERE upload_id IN (SELECT u.id FROM cpis.upload AS u WHERE u.id = $1 AND u.state = '`+uploadReceiving+`')`, id); err != nil {
		return err
	}
	_, err := tx.exec(ctx, doing, `
		DELETE FROM cpis.upload
		WHERE id = $1
		  AND state = '`+uploadReceiving+`'`, id)
	return err
}

// Forget makes everything sealed about an upload unreadable, and removes
// what is left of its file and rows.
func (tx uploadWrites) Forget(ctx context.Context, id uuid.UUID) error {
	if err := tx.tx.Files.DeleteParts(ctx, id); err != nil {
		return err
	}
	if err := tx.tx.Files.DeleteRows(ctx, id, uuid.Nil); err != nil {
		return err
	}
	return tx.execAll(ctx, 1, "forgetting upload", `
		UPDATE cpis.upload
		SET wrapped_key = '', sealed = ''
		WHERE id = $1`, id)
}

// orEmpty returns bytes that are never NULL.
func orEmpty(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}
