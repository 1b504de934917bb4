package store

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
)

// RetentionRow says that the lines of a log before an index were removed.
type RetentionRow struct {
	Log      LogID
	First    int64 // the lines before it
	Entry    int64 // which says so
	Before   time.Time
	Reason   string
	Operator string
	At       time.Time
}

// LatestRetention returns what was removed last of a log; ErrNotFound if nothing
// ever was.
func (q logReads) LatestRetention(ctx context.Context, log LogID) (RetentionRow, error) {
	return one(ctx, q.q, "reading what was removed",
		func(row pgx.CollectableRow) (r RetentionRow, err error) {
			err = row.Scan(&r.Log, &r.First, &r.Entry, &r.Before, &r.Reason, &r.Operator, &r.At)
			return r, err
		}, `
		SELECT log, first, entry, before, reason, operator, at
		FROM cpis.retention
		WHERE log = $1
		ORDER BY first DESC
		LIMIT 1`, log)
}

// InsertRetention says what will be removed, and that the next entry of the log,
// which must be the only one of the transaction, says so.
func (tx logWrites) InsertRetention(ctx context.Context, r *RetentionRow) error {
	return tx.execAll(ctx, 1, "keeping what is removed", `
		INSERT INTO cpis.retention (log, first, entry, before, reason, operator, at)
		SELECT h.log, $2, h.size, $3, $4, $5, $6
		FROM (SELECT log, size FROM cpis.log_head WHERE log = $1 FOR UPDATE) AS h`,
		r.Log, r.First, r.Before, r.Reason, r.Operator, r.At)
}

// Before returns the newest checkpoint that was signed before a time;
// ErrNotFound if there is none.
func (q checkpointReads) Before(ctx context.Context, log LogID, before time.Time) (CheckpointRow, error) {
	return one(ctx, q.q, "reading checkpoint", scanCheckpoint, `
		SELECT log, size, frontier, note, at
		FROM cpis.checkpoint
		WHERE log = $1
		  AND at < $2
		ORDER BY size DESC
		LIMIT 1`, log, before)
}

const (
	// removedAtOnce is how many lines are removed in one statement.
	removedAtOnce = 10_000
	// dropAttempts is how often a partition is tried to be dropped. Appends wait
	// for whoever waits for a lock, so each attempt is short.
	dropAttempts = 20
)

// RemoveEntries removes the lines of a log before an index: whole partitions are
// dropped, what is left of another is deleted, and the index forgets them. It needs the owner's rights,
// goes on if it was interrupted, and returns how many lines it deleted and
// partitions it dropped.
func (db *DB) RemoveEntries(ctx context.Context, log LogID, first int64) (deleted, dropped int64, err error) {
	partitions, err := partitionsOf(ctx, db.acts, log)
	if err != nil {
		return 0, 0, err
	}
	for _, p := range partitions {
		if p.to > first {
			break
		}
		if err := db.drop(ctx, p.table); err != nil {
			return 0, dropped, err
		}
		dropped++
	}
	for {
		from, err := db.Logs.FirstEntry(ctx, log)
		if errors.Is(err, ErrNotFound) || err == nil && from >= first {
			return deleted, dropped, db.forgetIndexed(ctx, log, first)
		}
		if err != nil {
			return deleted, dropped, err
		}
		n, err := db.deleteEntries(ctx, log, from, min(from+removedAtOnce, first))
		if err != nil {
			return deleted, dropped, err
		}
		deleted += n
	}
}

// forgetIndexed removes from the index of a log what it says of entries before one:
// their lines are gone.
func (db *DB) forgetIndexed(ctx context.Context, log LogID, first int64) error {
	for {
		var n int64
		err := db.Tx(ctx, func(tx *Tx) (err error) {
			n, err = tx.exec(ctx, "forgetting indexed entries", `
				DELETE FROM cpis.entry_index
				WHERE log = $1
				  AND idx IN (SELECT i.idx FROM cpis.entry_index AS i WHERE i.log = $1 AND i.idx < $2 ORDER BY i.idx LIMIT $3)`,
				log, first, removedAtOnce)
			return err
		})
		if err != nil || n < removedAtOnce {
			return err
		}
	}
}

// drop drops a partition, without making appends wait for long.
func (db *DB) drop(ctx context.Context, table string) error {
	for attempt := 1; ; attempt++ {
		err := db.Tx(ctx, func(tx *Tx) error {
			if _, err := tx.exec(ctx, "removing partition", `SET LOCAL lock_timeout = '1s'`); err != nil {
				return err
			}
			_, err := tx.exec(ctx, "removing partition", `DROP TABLE `+table)
			return err
		})
		if stateOf(err) != lockNotAvailable || attempt == dropAttempts {
			return err
		}
	}
}

// deleteEntries deletes the lines from one index up to another.
func (db *DB) deleteEntries(ctx context.Context, log LogID, from, to int64) (n int64, err error) {
	err = db.Tx(ctx, func(tx *Tx) (err error) {
		n, err = tx.exec(ctx, "removing entries", `
			DELETE FROM cpis.entry
			WHERE log = $1
			  AND idx >= $2
			  AND idx < $3`, log, from, to)
		return err
	})
	return n, err
}
