package store

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// ChannelRow is a way on which an authority's notices are sent on. Its address
// and secrets are sealed.
type ChannelRow struct {
	ID         uuid.UUID
	Authority  string // GSS code
	Version    int    // from 1, one more with each change
	Rank       int    // the lowest is tried first
	Kind       string
	Paused     bool
	WrappedKey string
	Sealed     []byte
	MadeAt     time.Time
	ChangedAt  time.Time
	RemovedAt  *time.Time // nil while it is in use
	Failures   int        // rounds in a row in which nothing was delivered
	RestsUntil *time.Time // nothing is tried before; nil if it does not rest
}

const channelColumns = `c.id, c.authority, c.version, c.rank, c.kind, c.paused, c.wrapped_key, c.sealed,
		       c.made_at, c.changed_at, c.removed_at, c.failures, c.rests_until, c.mac`

// targets are where the columns of a channel go.
func (c *ChannelRow) targets() []any {
	return []any{
		&c.ID, &c.Authority, &c.Version, &c.Rank, &c.Kind, &c.Paused, &c.WrappedKey, &c.Sealed,
		&c.MadeAt, &c.ChangedAt, &c.RemovedAt, &c.Failures, &c.RestsUntil,
	}
}

func (c *ChannelRow) cover(to *cover) {
	to.of("channel")
	to.id("id", c.ID)
	to.str("authority", c.Authority)
	to.int("version", c.Version)
	to.int("rank", c.Rank)
	to.str("kind", c.Kind)
	to.bool("paused", c.Paused)
	to.time("made_at", c.MadeAt)
	to.time("changed_at", c.ChangedAt)
	to.maybe("removed_at", c.RemovedAt)
}

func (q queries) scanChannel(row pgx.CollectableRow) (ChannelRow, error) {
	return scanner[ChannelRow](q.guard)(row)
}

// Get returns a channel, removed ones too; ErrNotFound if there is none with
// that id.
func (q channelReads) Get(ctx context.Context, id uuid.UUID) (ChannelRow, error) {
	return one(ctx, q.q, "reading channel", q.scanChannel, `
		SELECT `+channelColumns+`
		FROM cpis.channel AS c
		WHERE c.id = $1`, id)
}

// CountedChannel is a channel with how many notices stand on it, and how.
type CountedChannel struct {
	ChannelRow
	Pending     int
	Undelivered int
	FailedAt    time.Time // when it failed last; zero if it never did
	Failure     string    // why what is tried first among what waits was not delivered; empty if it was not tried
}

// List returns the channels of an authority that are in use, in the order in
// which they are tried.
func (q channelReads) List(ctx context.Context, authority string) ([]CountedChannel, error) {
	return all(ctx, q.q, "reading channels",
		func(row pgx.CollectableRow) (c CountedChannel, err error) {
			var mac []byte
			err = row.Scan(append(c.targets(), &mac, &c.Pending, &c.Undelivered, (*timeTarget)(&c.FailedAt), &c.Failure)...)
			return c, q.guard.check(err, &c.ChannelRow, mac)
		}, `
		SELECT `+channelColumns+`,
		       (SELECT count(*) FROM cpis.delivery AS d WHERE d.channel_id = c.id AND d.state = 'pending'),
		       (SELECT count(*) FROM cpis.delivery AS d WHERE d.channel_id = c.id AND d.state = 'undelivered'),
		       c.failed_at,
		       coalesce((
		           SELECT d.failure FROM cpis.delivery AS d
		           WHERE d.channel_id = c.id AND d.state = 'pending' AND d.failure <> '' ORDER BY d.due_at LIMIT 1), '')
		FROM cpis.channel AS c
		WHERE c.authority = $1
		  AND c.removed_at IS NULL
		ORDER BY c.rank`, authority)
}

// Lock returns the channels of an authority that are in use, in the order
// in which they are tried, and keeps others from changing them.
func (tx channelWrites) Lock(ctx context.Context, authority string) ([]ChannelRow, error) {
	return all(ctx, tx.q, "locking channels", tx.scanChannel, `
		SELECT `+channelColumns+`
		FROM cpis.channel AS c
		WHERE c.authority = $1
		  AND c.removed_at IS NULL
		ORDER BY c.rank
		FOR UPDATE`, authority)
}

// Insert creates a channel in its version 1. ErrConflict says that
// another one has its rank, ErrNotFound that there is no such authority.
func (tx channelWrites) Insert(ctx context.Context, c *ChannelRow) error {
	c.Version, c.ChangedAt = 1, c.MadeAt
	return tx.execAll(ctx, 1, "making channel", `
		INSERT INTO cpis.channel (id, authority, version, rank, kind, paused, wrapped_key, sealed, made_at, changed_at, mac)
		VALUES ($1, $2, 1, $3, $4, $5, $6, $7, $8, $8, $9)`,
		c.ID, c.Authority, c.Rank, c.Kind, c.Paused, c.WrappedKey, c.Sealed, c.MadeAt, tx.guard.mac(c))
}

// Update changes a channel. The row carries the new version, which must
// be one more than the stored one: if it is not, or another channel has its
// rank, the error is ErrConflict.
func (tx channelWrites) Update(ctx context.Context, c *ChannelRow) error {
	return tx.execAll(ctx, 1, "changing channel", `
		UPDATE cpis.channel
		SET version = $2, rank = $3, paused = $4, sealed = $5, changed_at = $6, removed_at = $7, mac = $8
		WHERE id = $1
		  AND version = $2 - 1
		  AND removed_at IS NULL`,
		c.ID, c.Version, c.Rank, c.Paused, c.Sealed, c.ChangedAt, c.RemovedAt, tx.guard.mac(c))
}

// Try takes a channel that failed and does not rest at a time, and reports whether
// it could. The channel then rests until the end of a lease, so that one server
// tries what others wait for.
func (tx channelWrites) Try(ctx context.Context, id uuid.UUID, at, lease time.Time) (bool, error) {
	n, err := tx.exec(ctx, "trying channel", `
		UPDATE cpis.channel
		SET rests_until = $3
		WHERE id = $1
		  AND (rests_until IS NULL OR rests_until <= $2 OR rests_until > $2::timestamptz + `+longestWait+`)`, id, at, lease)
	return n > 0, err
}

// Rest notes that a delivery on a channel failed at a time, how many have failed
// in a row, and until when nothing is tried there.
func (tx channelWrites) Rest(ctx context.Context, id uuid.UUID, failures int, at, until time.Time) error {
	_, err := tx.exec(ctx, "resting channel", `
		UPDATE cpis.channel
		SET failures = $2, failed_at = $3, rests_until = $4
		WHERE id = $1`, id, failures, at, until)
	return err
}

// Wake has a channel tried at once. failures are those in a row that
// still count.
func (tx channelWrites) Wake(ctx context.Context, id uuid.UUID, failures int) error {
	_, err := tx.exec(ctx, "waking channel", `
		UPDATE cpis.channel
		SET failures = $2, rests_until = NULL
		WHERE id = $1
		  AND (failures <> $2 OR rests_until IS NOT NULL)`, id, failures)
	return err
}
