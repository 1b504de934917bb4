package store

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

const (
	// partitionEntries is how many entries one partition holds.
	partitionEntries = 1 << 26
	// partitionsAhead is how many empty partitions Migrate leaves: as many
	// entries as the whole of England makes in more than a year.
	partitionsAhead = 8
)

// partitionsEnd is the index that the entries' partitions end before.
const partitionsEnd = `(
		           SELECT coalesce(max(substring(pg_get_expr(c.relpartbound, c.oid) FROM 'TO \(''(\d+)''\)')::bigint), 0)
		           FROM pg_catalog.pg_inherits AS i
		           JOIN pg_catalog.pg_class AS c ON c.oid = i.inhrelid
		           WHERE i.inhparent = 'cpis.entry'::regclass
		       )`

// EnsurePartitions makes partitions for entries until at least ahead empty ones
// lie beyond the largest log, and gives how many it made. The user must be
// cpis_owner or able to act as it. Appends go on meanwhile: a partition is made
// as a table of its own and then attached, which does not lock out writers.
func EnsurePartitions(ctx context.Context, url string, ahead int) (made int, err error) {
	err = withConn(ctx, url, map[string]string{"role": ownerRole, "lock_timeout": "10s"}, func(conn *pgx.Conn) error {
		return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
			made, err = ensurePartitions(ctx, tx, int64(ahead))
			return err
		})
	})
	if err != nil {
		return 0, fmt.Errorf("making partitions: %w", err)
	}
	return made, nil
}

func ensurePartitions(ctx context.Context, tx pgx.Tx, ahead int64) (made int, err error) {
	if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock(hashtext('cpis partitions'))`); err != nil {
		return 0, translate("waiting for others", err)
	}
	var end, largest int64
	err = tx.QueryRow(ctx, `SELECT `+partitionsEnd+`, (SELECT coalesce(max(size), 0) FROM cpis.log_head)`).Scan(&end, &largest)
	if err != nil {
		return 0, translate("counting partitions", err)
	}
	for used := largest / partitionEntries; end/partitionEntries-used-1 < ahead; end += partitionEntries {
		if err := makePartition(ctx, tx, end); err != nil {
			return 0, err
		}
		made++
	}
	return made, nil
}

// makePartition makes the partition for the entries from an index on.
func makePartition(ctx context.Context, tx pgx.Tx, from int64) error {
	name := fmt.Sprintf("cpis.entry_p%04d", from/partitionEntries)
	for _, sql := range []string{
		`CREATE TABLE ` + name + ` (LIKE cpis.entry INCLUDING ALL)`,
		fmt.Sprintf(`ALTER TABLE cpis.entry ATTACH PARTITION %s FOR VALUES FROM (%d) TO (%d)`, name, from, from+partitionEntries),
	} {
		if _, err := tx.Exec(ctx, sql); err != nil {
			return translate("making partition", err)
		}
	}
	return nil
}
