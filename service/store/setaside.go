package store

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// AsideRow is something that was found in a log's tables and is none of it.
type AsideRow struct {
	Kind    string // entry, checkpoint or tile
	Level   int    // of a tile
	Index   int64  // of an entry or tile; size of a checkpoint
	Content []byte
}

// AsideNote says who set something aside, and why.
type AsideNote struct {
	Reason, Operator string
	At               time.Time
}

// SetAside returns what was set aside of a log, after an identifier, a page in
// order of identifiers.
func (q logReads) SetAside(ctx context.Context, log LogID, after uuid.UUID, limit int) (ids []uuid.UUID, rows []AsideRow, err error) {
	rows, err = all(ctx, q.q, "reading what was set aside",
		func(row pgx.CollectableRow) (a AsideRow, err error) {
			var id uuid.UUID
			err = row.Scan(&id, &a.Kind, &a.Level, &a.Index, &a.Content)
			ids = append(ids, id)
			return a, err
		}, `
		SELECT id, kind, level, idx, content
		FROM cpis.set_aside
		WHERE log = $1
		  AND id > $2
		ORDER BY id
		LIMIT $3`, log, after, limit)
	return ids, rows, err
}

// SetEntriesAside sets aside the entries that stand where the log has not come
// to, and returns how many there were. It needs the owner's rights.
func (tx logWrites) SetEntriesAside(ctx context.Context, log LogID, n AsideNote) (int64, error) {
	return tx.exec(ctx, "setting entries aside", `
		WITH head AS (
		    SELECT size FROM cpis.log_head WHERE log = $1 FOR UPDATE
		),
		gone AS (
		    DELETE FROM cpis.entry AS e
		    WHERE e.log = $1
		      AND e.idx >= (SELECT size FROM head)
		    RETURNING e.idx, e.line
		)
		INSERT INTO cpis.set_aside (id, log, kind, level, idx, content, reason, operator, at)
		SELECT gen_random_uuid(), $1, 'entry', 0, g.idx, g.line, $2, $3, $4
		FROM gone AS g`, log, n.Reason, n.Operator, n.At)
}

// SetAside sets a checkpoint aside. It needs the owner's rights.
func (tx checkpointWrites) SetAside(ctx context.Context, log LogID, size int64, n AsideNote) error {
	return tx.execAll(ctx, 1, "setting checkpoint aside", `
		WITH gone AS (
		    DELETE FROM cpis.checkpoint
		    WHERE log = $1
		      AND size = $2
		    RETURNING size, note
		)
		INSERT INTO cpis.set_aside (id, log, kind, level, idx, content, reason, operator, at)
		SELECT gen_random_uuid(), $1, 'checkpoint', 0, g.size, convert_to(g.note, 'UTF8'), $3, $4, $5
		FROM gone AS g`, log, size, n.Reason, n.Operator, n.At)
}

// Replace keeps full tiles, and sets aside those that differ and are kept
// instead. It needs the owner's rights.
func (tx tileWrites) Replace(ctx context.Context, log LogID, tiles []TileRow, n AsideNote) error {
	levels, indexes, hashes := tileArgs(tiles)
	_, err := tx.exec(ctx, "setting tiles aside", `
		WITH gone AS (
		    DELETE FROM cpis.tile AS t
		    USING `+givenTiles+`
		    WHERE t.log = $1
		      AND t.level = n.level
		      AND t.idx = n.idx
		      AND t.hashes <> n.hashes
		    RETURNING t.level, t.idx, t.hashes
		)
		INSERT INTO cpis.set_aside (id, log, kind, level, idx, content, reason, operator, at)
		SELECT gen_random_uuid(), $1, 'tile', g.level, g.idx, g.hashes, $5, $6, $7
		FROM gone AS g`, log, levels, indexes, hashes, n.Reason, n.Operator, n.At)
	if err != nil {
		return err
	}
	_, err = tx.Insert(ctx, log, tiles)
	return err
}
