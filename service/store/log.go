package store

import (
	"bytes"
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"cpis/audit"
)

// LogID identifies a log within one database.
type LogID int16

// Log is one of the audit logs of the installation.
type Log struct {
	ID     LogID
	Origin string // the name that its checkpoints are signed for
}

// Find returns the log with an origin; ErrNotFound if there is none.
func (q logReads) Find(ctx context.Context, origin string) (Log, error) {
	return one(ctx, q.q, "finding log", scanLog, `
		SELECT id, origin
		FROM cpis.log
		WHERE origin = $1`, origin)
}

// All returns all logs, in the order they were made.
func (q logReads) All(ctx context.Context) ([]Log, error) {
	return all(ctx, q.q, "listing logs", scanLog, `
		SELECT id, origin
		FROM cpis.log
		ORDER BY id`)
}

func scanLog(row pgx.CollectableRow) (l Log, err error) {
	err = row.Scan(&l.ID, &l.Origin)
	return l, err
}

// Head returns the state of a log as this transaction sees it. The errors are
// those of [DB.Head].
func (tx logWrites) Head(ctx context.Context, log LogID) (audit.Tree, error) {
	return readHead(ctx, tx.q, log)
}

func readHead(ctx context.Context, q querier, log LogID) (audit.Tree, error) {
	return one(ctx, q, "reading head of the log", scanHead, `
		SELECT size, frontier, root
		FROM cpis.log_head
		WHERE log = $1`, log)
}

// scanHead is scanTree for a row that has the root too.
func scanHead(row pgx.CollectableRow) (audit.Tree, error) {
	var (
		size           int64
		frontier, root []byte
	)
	if err := row.Scan(&size, &frontier, &root); err != nil {
		return audit.Tree{}, err
	}
	tree, err := parseTree(size, frontier)
	if err != nil {
		return audit.Tree{}, err
	}
	if want := tree.Root(); !bytes.Equal(root, want[:]) {
		return audit.Tree{}, &failure{doing: "reading tree", kinds: []error{audit.ErrMalformed}, what: "its root is another"}
	}
	return tree, nil
}

func scanTree(row pgx.CollectableRow) (audit.Tree, error) {
	var (
		size     int64
		frontier []byte
	)
	if err := row.Scan(&size, &frontier); err != nil {
		return audit.Tree{}, err
	}
	return parseTree(size, frontier)
}

// parseTree keeps the error of a stored tree that makes no sense apart from
// those of the database.
func parseTree(size int64, frontier []byte) (audit.Tree, error) {
	tree, err := audit.ParseTree(size, frontier)
	if err != nil {
		return audit.Tree{}, &failure{doing: "reading tree", kinds: []error{err}, what: fmt.Sprintf("size %d", size)}
	}
	return tree, nil
}

// Create creates a new, empty log, with partitions for its entries. It needs the
// owner's rights (Options.Owner). ErrConflict says that the origin is taken.
func (tx logWrites) Create(ctx context.Context, origin string) (Log, error) {
	var empty audit.Tree
	root := empty.Root()
	l, err := one(ctx, tx.q, "making log", scanLog, `
		WITH made AS (
		    INSERT INTO cpis.log (id, origin)
		    SELECT coalesce(max(id), 0) + 1, $1
		    FROM cpis.log
		    RETURNING id, origin
		), head AS (
		    INSERT INTO cpis.log_head (log, size, frontier, root)
		    SELECT id, 0, '', $2
		    FROM made
		)
		SELECT id, origin
		FROM made`, origin, root[:])
	if err != nil {
		return l, err
	}
	if err := lockPartitions(ctx, tx.q); err != nil {
		return l, err
	}
	_, err = makePartitions(ctx, tx.q, logSize{log: l.ID}, partitionsAhead)
	return l, err
}
