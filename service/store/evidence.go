package store

import (
	"context"

	"github.com/jackc/pgx/v5"
)

// StoredCheckpoint is a checkpoint as it stands in the database, whatever that is.
type StoredCheckpoint struct {
	Size     int64
	Frontier []byte
	Note     string
}

// Stored returns checkpoints below a size, the largest first, for
// evidence: what is no checkpoint of the log is among them.
func (q checkpointReads) Stored(ctx context.Context, log LogID, below int64, limit int) ([]StoredCheckpoint, error) {
	return all(ctx, q.q, "reading checkpoints",
		func(row pgx.CollectableRow) (c StoredCheckpoint, err error) {
			err = row.Scan(&c.Size, &c.Frontier, &c.Note)
			return c, err
		}, `
		SELECT size, frontier, note
		FROM cpis.checkpoint
		WHERE log = $1
		  AND size < $2
		ORDER BY size DESC
		LIMIT $3`, log, below, limit)
}

// EntriesFrom returns what is stored of a log from an index on, a page in order.
func (q logReads) EntriesFrom(ctx context.Context, log LogID, from int64, limit int) ([]EntryRow, error) {
	return all(ctx, q.q, "reading entries", scanEntry, `
		SELECT idx, line, subject
		FROM cpis.entry
		WHERE log = $1
		  AND idx >= $2
		ORDER BY idx
		LIMIT $3`, log, from, limit)
}
