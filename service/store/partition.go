package store

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

const (
	// partitionEntries is how many entries one partition holds.
	partitionEntries = 1 << 26
	// partitionsAhead is how many empty partitions Migrate leaves to each log: as
	// many entries as the whole of England makes in more than a year.
	partitionsAhead = 8
)

// roomLeft is how many entries the log with the least room can take.
const roomLeft = `(
		           SELECT coalesce(min((
		               SELECT coalesce(max(substring(pg_get_expr(c.relpartbound, c.oid) FROM 'TO \(''(\d+)''\)')::bigint), 0)
		               FROM pg_catalog.pg_inherits AS i
		               JOIN pg_catalog.pg_class AS c ON c.oid = i.inhrelid
		               WHERE i.inhparent = to_regclass('cpis.entry_l' || h.log)
		           ) - h.size), 0)
		           FROM cpis.log_head AS h
		       )`

// EnsurePartitions creates partitions for entries until at least ahead empty ones
// lie beyond the head of each log, and returns how many it made. The user must be
// cpis_owner or able to act as it. Appends go on meanwhile: a partition is made
// as a table of its own and then attached, which does not lock out writers.
func EnsurePartitions(ctx context.Context, url string, ahead int) (made int, err error) {
	err = withConn(ctx, url, map[string]string{"role": ownerRole, "lock_timeout": "10s"}, func(conn *pgx.Conn) error {
		return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
			made, err = ensurePartitions(ctx, tx, ahead)
			return err
		})
	})
	if err != nil {
		return 0, fmt.Errorf("making partitions: %w", err)
	}
	return made, nil
}

// ensurePartitions does it for all logs, in a transaction.
func ensurePartitions(ctx context.Context, q querier, ahead int) (made int, err error) {
	if err := lockPartitions(ctx, q); err != nil {
		return 0, err
	}
	sizes, err := all(ctx, q, "counting partitions",
		func(row pgx.CollectableRow) (l logSize, err error) {
			err = row.Scan(&l.log, &l.size)
			return l, err
		}, `
		SELECT log, size
		FROM cpis.log_head
		ORDER BY log`)
	if err != nil {
		return 0, err
	}
	for _, l := range sizes {
		n, err := makePartitions(ctx, q, l, ahead)
		if err != nil {
			return 0, err
		}
		made += n
	}
	return made, nil
}

type logSize struct {
	log  LogID
	size int64
}

// lockPartitions has others who make partitions wait for the transaction.
func lockPartitions(ctx context.Context, q querier) error {
	_, err := q.Exec(ctx, `SELECT pg_advisory_xact_lock(hashtext('cpis partitions'))`)
	return translate("waiting for others", err)
}

// makePartitions creates a log's partitions, and returns how many.
func makePartitions(ctx context.Context, q querier, l logSize, ahead int) (made int, err error) {
	bounds, err := partitionsOf(ctx, q, l.log)
	if err != nil {
		return 0, err
	}
	if bounds == nil {
		if err := makeTable(ctx, q, partitionOf(l.log), " PARTITION BY RANGE (idx)", "cpis.entry", fmt.Sprintf("IN (%d)", l.log)); err != nil {
			return 0, err
		}
	}
	end := int64(0)
	for _, b := range bounds {
		end = max(end, b.to)
	}
	for ; end/partitionEntries-l.size/partitionEntries-1 < int64(ahead); end += partitionEntries {
		name := fmt.Sprintf("%s_p%04d", partitionOf(l.log), end/partitionEntries)
		values := fmt.Sprintf("FROM (%d) TO (%d)", end, end+partitionEntries)
		if err := makeTable(ctx, q, name, "", partitionOf(l.log), values); err != nil {
			return 0, err
		}
		made++
	}
	return made, nil
}

// partitionOf names the partition that holds all entries of a log.
func partitionOf(log LogID) string { return fmt.Sprintf("cpis.entry_l%d", log) }

// makeTable creates a table like that of all entries, and attaches it as a
// partition for values.
func makeTable(ctx context.Context, q querier, name, divided, to, values string) error {
	for _, sql := range []string{
		`CREATE TABLE ` + name + ` (LIKE cpis.entry INCLUDING ALL)` + divided,
		`ALTER TABLE ` + to + ` ATTACH PARTITION ` + name + ` FOR VALUES ` + values,
	} {
		if _, err := q.Exec(ctx, sql); err != nil {
			return translate("making partition", err)
		}
	}
	return nil
}

// bounds are those of a partition: it holds the entries from one index up to
// another.
type bounds struct {
	table    string
	from, to int64
}

// partitionsOf returns the partitions of a log in their order: none if it has
// none, nil if it has no table either.
func partitionsOf(ctx context.Context, q querier, log LogID) ([]bounds, error) {
	exists, err := one(ctx, q, "looking for partitions", pgx.RowTo[bool], `SELECT to_regclass($1) IS NOT NULL`, partitionOf(log))
	if err != nil || !exists {
		return nil, err
	}
	return all(ctx, q, "reading partitions",
		func(row pgx.CollectableRow) (b bounds, err error) {
			err = row.Scan(&b.table, &b.from, &b.to)
			return b, err
		}, `
		SELECT p.name, p.bound[1]::bigint, p.bound[2]::bigint
		FROM (
		    SELECT c.oid::regclass::text AS name,
		           regexp_match(pg_get_expr(c.relpartbound, c.oid), 'FROM \(''(\d+)''\) TO \(''(\d+)''\)') AS bound
		    FROM pg_catalog.pg_inherits AS i
		    JOIN pg_catalog.pg_class AS c ON c.oid = i.inhrelid
		    WHERE i.inhparent = to_regclass($1)
		) AS p
		ORDER BY p.bound[1]::bigint`, partitionOf(log))
}
