package store

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"cpis/audit"
)

// CheckpointRow is a signed statement of a log's size and root.
type CheckpointRow struct {
	Log  LogID
	Tree audit.Tree
	Note string // the signed note, as published
	At   time.Time
}

// Latest returns the checkpoint of the largest size; ErrNotFound if
// none was signed yet.
func (q checkpointReads) Latest(ctx context.Context, log LogID) (CheckpointRow, error) {
	return one(ctx, q.q, "reading checkpoint", scanCheckpoint, `
		SELECT log, size, frontier, note, at
		FROM cpis.checkpoint
		WHERE log = $1
		ORDER BY size DESC
		LIMIT 1`, log)
}

// For returns the first checkpoint that covers the entry at an index;
// ErrNotFound if none was signed since.
func (q checkpointReads) For(ctx context.Context, log LogID, entry int64) (CheckpointRow, error) {
	return one(ctx, q.q, "reading checkpoint", scanCheckpoint, `
		SELECT log, size, frontier, note, at
		FROM cpis.checkpoint
		WHERE log = $1
		  AND size > $2
		ORDER BY size
		LIMIT 1`, log, entry)
}

func scanCheckpoint(row pgx.CollectableRow) (c CheckpointRow, err error) {
	var (
		size     int64
		frontier []byte
	)
	if err := row.Scan(&c.Log, &size, &frontier, &c.Note, &c.At); err != nil {
		return c, err
	}
	c.Tree, err = parseTree(size, frontier)
	return c, err
}

// Insert keeps a checkpoint. ErrConflict says that there is one of
// this size already: another server was first, and its is as good.
func (tx checkpointWrites) Insert(ctx context.Context, c CheckpointRow) error {
	root := c.Tree.Root()
	_, err := tx.exec(ctx, "keeping checkpoint", `
		INSERT INTO cpis.checkpoint (log, size, root, frontier, note, at)
		VALUES ($1, $2, $3, $4, $5, $6)`,
		c.Log, c.Tree.Size(), root[:], c.Tree.AppendFrontier(nil), c.Note, c.At)
	return err
}
