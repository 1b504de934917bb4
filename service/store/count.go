package store

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
)

// Counts are numbers for an operator to watch.
type Counts struct {
	// Persons and Plans are the database's own estimates: counting would read
	// the tables.
	Persons, Plans int64
	OpenReviews    int64
	// Pending are notices that wait on channels, and Undelivered those that
	// channels gave up. Oldest is when the one that waits longest came to its
	// channel; nil if none waits.
	Pending, Undelivered int64
	Oldest               *time.Time
	// Heads are the sizes of the logs, by their origins.
	Heads map[string]int64
	// Room is how many entries the log with the least room can take before its
	// partitions run out; `cpis migrate` creates more.
	Room int64
	// Unindexed is how many entries of all logs reports do not find yet.
	Unindexed int64
}

// Counts returns the numbers now.
func (db *DB) Counts(ctx context.Context) (Counts, error) {
	c, err := one(ctx, db.q, "counting", scanCounts, `
		SELECT (SELECT greatest(reltuples, 0)::bigint FROM pg_catalog.pg_class WHERE oid = 'cpis.person'::regclass),
		       (SELECT greatest(reltuples, 0)::bigint FROM pg_catalog.pg_class WHERE oid = 'cpis.plan'::regclass),
		       (SELECT count(*) FROM cpis.review WHERE closed_at IS NULL),
		       `+deliveryCounts+`,
		       array(SELECT l.origin FROM cpis.log AS l ORDER BY l.id),
		       array(SELECT h.size FROM cpis.log_head AS h ORDER BY h.log),
		       `+notIndexed+`,
		       `+roomLeft)
	if err != nil {
		return Counts{}, err
	}
	return c, nil
}

func scanCounts(row pgx.CollectableRow) (c Counts, err error) {
	var (
		origins []string
		sizes   []int64
	)
	if err := row.Scan(
		&c.Persons, &c.Plans, &c.OpenReviews, &c.Pending, &c.Undelivered, &c.Oldest, &origins, &sizes, &c.Unindexed, &c.Room,
	); err != nil {
		return c, err
	}
	c.Heads = make(map[string]int64, len(origins))
	for i, origin := range origins {
		c.Heads[origin] = sizes[i]
	}
	return c, nil
}
