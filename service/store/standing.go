package store

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
)

// DatabaseStanding is how the database does.
type DatabaseStanding struct {
	Version          string // of PostgreSQL
	Schema           int    // the newest migration that has run
	Size             int64  // bytes
	Connections, Max int    // of all who use the server, and how many it takes
}

// Standing asks the database how it does.
func (db *DB) Standing(ctx context.Context) (DatabaseStanding, error) {
	return one(ctx, db.q, "asking how the database does", func(row pgx.CollectableRow) (s DatabaseStanding, err error) {
		return s, row.Scan(&s.Version, &s.Schema, &s.Size, &s.Connections, &s.Max)
	}, `
		SELECT current_setting('server_version'),
		       (SELECT coalesce(max(version_id), 0) FROM cpis.schema_version WHERE is_applied),
		       pg_database_size(current_database()),
		       (SELECT count(*) FROM pg_catalog.pg_stat_activity WHERE backend_type = 'client backend'),
		       current_setting('max_connections')::integer`)
}

// deliveryCounts are how many deliveries wait, how many were given up, and when the
// one that waits longest came to its channel.
const deliveryCounts = `(SELECT count(*) FROM cpis.delivery WHERE state = 'pending'),
		       (SELECT count(*) FROM cpis.delivery WHERE state = 'undelivered'),
		       (SELECT min(first_at) FROM cpis.delivery WHERE state = 'pending')`

// DeliveryStanding is how many notices are on their way.
type DeliveryStanding struct {
	Pending, Undelivered int64
	Oldest               time.Time // when the one that waits longest came to its channel; zero if none waits
}

// Standing counts the deliveries of all authorities.
func (q deliveryReads) Standing(ctx context.Context) (DeliveryStanding, error) {
	return one(ctx, q.q, "counting deliveries", func(row pgx.CollectableRow) (s DeliveryStanding, err error) {
		return s, row.Scan(&s.Pending, &s.Undelivered, (*timeTarget)(&s.Oldest))
	}, `
		SELECT `+deliveryCounts)
}

// notIndexed is how many entries of all logs reports do not find yet.
const notIndexed = `(SELECT coalesce(sum(h.size - coalesce(s.next, 0)), 0)::bigint
		        FROM cpis.log_head AS h LEFT JOIN cpis.entry_index_state AS s ON s.log = h.log)`

// LogStanding is how large a log is.
type LogStanding struct {
	Size      int64 // entries
	Room      int64 // that the log with the least room can still take
	Unindexed int64 // entries of all logs that reports do not find yet
}

// Standing says how large a log is.
func (q logReads) Standing(ctx context.Context, log LogID) (LogStanding, error) {
	return one(ctx, q.q, "reading how large the log is", func(row pgx.CollectableRow) (s LogStanding, err error) {
		return s, row.Scan(&s.Size, &s.Room, &s.Unindexed)
	}, `
		SELECT coalesce((SELECT h.size FROM cpis.log_head AS h WHERE h.log = $1), 0),
		       `+roomLeft+`,
		       `+notIndexed, log)
}

// FailingChannel is a channel on which nothing arrives, and how much waits there.
type FailingChannel struct {
	ChannelRow

	AuthorityName        string
	FailedAt             time.Time // when it failed last; zero if it never did
	Pending, Undelivered int64
	Oldest               time.Time // when the notice that waits longest came to it; zero if none waits
}

// Failing returns the channels in use of any authority whose last delivery failed, and
// those that are paused while notices wait.
func (q channelReads) Failing(ctx context.Context) ([]FailingChannel, error) {
	return all(ctx, q.q, "reading channels that fail", func(row pgx.CollectableRow) (c FailingChannel, err error) {
		var mac []byte
		err = row.Scan(append(c.targets(), &mac, &c.AuthorityName, (*timeTarget)(&c.FailedAt), &c.Pending, &c.Undelivered, (*timeTarget)(&c.Oldest))...)
		return c, q.guard.check(err, &c.ChannelRow, mac)
	}, `
		SELECT `+channelColumns+`, a.name, c.failed_at,
		       (SELECT count(*) FROM cpis.delivery AS d WHERE d.channel_id = c.id AND d.state = 'pending'),
		       (SELECT count(*) FROM cpis.delivery AS d WHERE d.channel_id = c.id AND d.state = 'undelivered'),
		       (SELECT min(d.first_at) FROM cpis.delivery AS d WHERE d.channel_id = c.id AND d.state = 'pending')
		FROM cpis.channel AS c
		JOIN cpis.authority AS a ON a.gss_code = c.authority
		WHERE c.removed_at IS NULL
		  AND (c.failures > 0
		       OR c.paused AND EXISTS (SELECT FROM cpis.delivery AS d WHERE d.channel_id = c.id AND d.state = 'pending'))
		ORDER BY a.name, c.authority, c.rank`)
}
