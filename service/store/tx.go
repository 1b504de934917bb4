package store

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"cpis/audit"
)

const (
	// maxAttempts is how often a transaction that met another is tried.
	maxAttempts = 6
	// firstPause is the longest pause before the second attempt; it doubles
	// with each.
	firstPause = 10 * time.Millisecond
)

// errUnrecorded says that a transaction changed people or plans and has no
// entry that says so. That is a mistake in this program.
var errUnrecorded = errors.New("committing: a change without an entry")

// errAppended says that a transaction wrote after it had appended its entries,
// which makes every other append wait. That is a mistake in this program.
var errAppended = errors.New("writing after the entries were appended")

// Tx runs fn in a transaction and commits it. If the transaction met another
// (serialization failure, deadlock, a key taken at the same moment) fn runs
// again, up to six times, so it must have no effect but through tx. It is
// rolled back if fn fails or panics, and fn's error is returned as it is.
//
// Tx returns nil only if the commit is confirmed and durable. ErrUncertain says
// that it may have happened. The context ends the wait, not the commit: give it
// one of its own, not a caller's. Transactions do not nest.
func (db *DB) Tx(ctx context.Context, fn func(*Tx) error) error {
	for attempt := 1; ; attempt++ {
		err := db.attempt(ctx, fn)
		db.noteFailure(err)
		if !again(err) || attempt == maxAttempts {
			return err
		}
		if pause(ctx, attempt) != nil {
			return err
		}
	}
}

// again reports whether running a transaction again may help.
func again(err error) bool {
	f, ok := errors.AsType[*failure](err)
	return ok && f.again && !errors.Is(err, ErrUncertain)
}

// pause waits for a random while, longer from attempt to attempt, so that two
// transactions that met do not meet again.
func pause(ctx context.Context, attempt int) error {
	timer := time.NewTimer(rand.N(firstPause << attempt)) //nolint:gosec // spreads load, guards nothing.
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// attempt runs fn once.
func (db *DB) attempt(ctx context.Context, fn func(*Tx) error) error {
	conn, err := db.acts.Acquire(ctx)
	if err != nil {
		return translate("beginning transaction", err)
	}
	defer conn.Release()
	change, err := uuid.NewV7()
	if err != nil {
		return fmt.Errorf("naming change: %w", err)
	}
	inner, err := conn.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.ReadCommitted})
	if err != nil {
		return translate("beginning transaction", err)
	}
	tx := newTx(&work{
		q: planning{inner}, guard: db.guard, change: change, order: &db.order, leave: func() {}, patient: db.opts.Owner,
	})
	defer func() { tx.leave() }() // after the commit, or the rollback
	defer rollback(ctx, inner)    // does nothing after a commit
	if err := fn(tx); err != nil {
		return err
	}
	if tx.changed && !tx.appended {
		return errUnrecorded
	}
	return commit(ctx, conn, inner)
}

func commit(ctx context.Context, conn *pgxpool.Conn, inner pgx.Tx) error {
	const doing = "committing"
	if err := checkOpen(doing, conn.Conn()); err != nil {
		return err
	}
	forgetWarnings(conn.Conn())
	err := inner.Commit(ctx)
	if errors.Is(err, pgx.ErrTxCommitRollback) {
		// A statement failed and fn did not say so.
		return &failure{doing: doing, what: "a statement of the transaction failed"}
	}
	if err != nil {
		return commitFailure(doing, err)
	}
	return errWarned(doing, conn.Conn())
}

// rollback ends a transaction whose caller may be gone: a connection must not
// go back to the pool, nor the head of the log stay locked, because of that.
func rollback(ctx context.Context, inner pgx.Tx) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), rollbackTimeout)
	defer cancel()
	_ = inner.Rollback(ctx) // if it fails, the connection is closed, which does the same
}

// WaitForLocks makes the rest of the transaction wait for what others have
// locked as long as its context allows. Without it a statement of the service
// that waits for two seconds fails with ErrUnavailable, because it holds a
// connection meanwhile: it is for transactions of which only a few can run.
func (tx *Tx) WaitForLocks(ctx context.Context) error {
	tx.patient = true
	_, err := tx.q.Exec(ctx, `SET LOCAL lock_timeout = 0`)
	return translate("waiting for locks", err)
}

// exec runs a statement that writes, and returns the number of its rows.
func (tx *work) exec(ctx context.Context, doing, sql string, args ...any) (int64, error) {
	if tx.appended {
		return 0, fmt.Errorf("%s: %w", doing, errAppended)
	}
	return tx.execLast(ctx, doing, sql, args...)
}

// execLast is exec for what may follow the entries.
func (tx *work) execLast(ctx context.Context, doing, sql string, args ...any) (int64, error) {
	tag, err := tx.q.Exec(ctx, sql, args...)
	return tag.RowsAffected(), translate(doing, err)
}

// execAll is exec for a statement that must write one row for each of n: fewer
// are ErrConflict.
func (tx *work) execAll(ctx context.Context, n int, doing, sql string, args ...any) error {
	written, err := tx.exec(ctx, doing, sql, args...)
	if err == nil && written != int64(n) {
		return &failure{doing: doing, kinds: []error{ErrConflict}}
	}
	return err
}

// Append adds lines to a log, and returns the index of the first and the
// tree that includes them. It is the last thing to do in a transaction but
// for Answers.Keep: from here on every other append to the log waits
// for the commit. subjects are as many as lines, with nil if there is none.
func (tx logWrites) Append(ctx context.Context, log LogID, lines, subjects [][]byte) (first int64, tree audit.Tree, err error) {
	if tx.appended {
		return 0, audit.Tree{}, errAppended
	}
	tx.appended = true
	if err := tx.takeTurn(ctx); err != nil {
		return 0, audit.Tree{}, err
	}
	from, err := one(ctx, tx.q, "locking head of the log", scanTree, `
		SELECT size, frontier
		FROM cpis.log_head
		WHERE log = $1
		FOR UPDATE`, log)
	if err != nil {
		return 0, audit.Tree{}, err
	}
	to := from
	for _, line := range lines {
		to.Append(audit.LeafHash(line))
	}
	b := Batch{Lines: lines, Subjects: subjects}
	if err := b.check(from, to); err != nil {
		return 0, audit.Tree{}, err
	}
	written, err := tx.execLast(ctx, "appending entries", appendLines, headArgs(log, &from, &to, lines, subjects)...)
	if err != nil {
		return 0, audit.Tree{}, err
	}
	if written != int64(len(lines)) {
		// We hold the row, so its frontier and root do not belong together.
		return 0, audit.Tree{}, fmt.Errorf("appending entries: stored head of log %d is broken", log)
	}
	if err := tx.insertNotices(ctx, log, from.Size()); err != nil {
		return 0, audit.Tree{}, err
	}
	return from.Size(), to, tx.recordChange(ctx, log, from.Size(), len(lines))
}

// takeTurn waits for the transaction's turn to append, no longer than a
// statement waits for a lock, and keeps it until the transaction has ended.
func (tx logWrites) takeTurn(ctx context.Context) error {
	if !tx.patient {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, lockTimeout)
		defer cancel()
	}
	leave, err := tx.order.takeAct(ctx)
	if err != nil {
		return &failure{doing: "waiting for the log", kinds: []error{ErrUnavailable, err}}
	}
	tx.leave = leave
	return nil
}

// recordChange says which entries record the versions that were made.
func (tx logWrites) recordChange(ctx context.Context, log LogID, first int64, entries int) error {
	if !tx.changed {
		return nil
	}
	_, err := tx.execLast(ctx, "recording change", `
		INSERT INTO cpis.change (id, log, entry, entries)
		VALUES ($1, $2, $3, $4)`, tx.change, log, first, entries)
	return err
}
