package store

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// ReviewFilter says which reviews are wanted: those for which everything holds that
// is set.
type ReviewFilter struct {
	Organisation string     // code; of all if empty
	Kind         ReviewKind // of all if empty
	Closed       bool       // those that were closed, the newest first; otherwise those that were not, the oldest first
	After        uuid.UUID  // behind this one in that order; from the beginning if zero
}

// List returns reviews.
func (q reviewReads) List(ctx context.Context, f *ReviewFilter, limit int) ([]ReviewRow, error) {
	parts, args := []string{"r.closed_at IS NULL"}, []any{limit}
	order, behind := "r.at, r.id", ">"
	if f.Closed {
		parts[0], order, behind = "r.closed_at IS NOT NULL", "r.at DESC, r.id DESC", "<"
	}
	add := func(there bool, condition string, value any) {
		if there {
			args = append(args, value)
			parts = append(parts, fmt.Sprintf(condition, len(args)))
		}
	}
	add(f.Organisation != "", "r.organisation = $%d", f.Organisation)
	add(f.Kind != "", "r.kind = $%d", string(f.Kind))
	add(f.After != uuid.Nil, "(r.at, r.id) "+behind+" (SELECT a.at, a.id FROM cpis.review AS a WHERE a.id = $%d)", f.After)
	return all(ctx, q.q, "reading reviews", scanner[ReviewRow](q.guard), `
		SELECT `+reviewColumns+`
		FROM cpis.review AS r
		WHERE `+strings.Join(parts, " AND ")+`
		ORDER BY `+order+`
		LIMIT $1`, args...)
}

// Insert puts reviews into the queue, but those that are there already.
func (tx reviewWrites) Insert(ctx context.Context, rows []ReviewRow) error {
	args := append([]any{kindsOf(rows), logsOf(rows)}, reviewArgs(rows)...)
	macs := make([][]byte, len(rows))
	for i := range rows {
		macs[i] = tx.guard.mac(&rows[i])
	}
	_, err := tx.exec(ctx, "queueing reviews", `
		INSERT INTO cpis.review (kind, log, id, organisation, actor, at, person_id, sealed, wrapped_key, entry, mac)
		SELECT *
		FROM unnest($1::text[], $2::smallint[], $3::uuid[], $4::text[], $5::text[], $6::timestamptz[], $7::uuid[], $8::bytea[], $9::text[],
		    $10::bigint[], $11::bytea[])
		ON CONFLICT DO NOTHING`, append(args, macs)...)
	return err
}

func kindsOf(rows []ReviewRow) []string {
	kinds := make([]string, len(rows))
	for i := range rows {
		kinds[i] = string(rows[i].Kind)
	}
	return kinds
}

func logsOf(rows []ReviewRow) []LogID {
	logs := make([]LogID, len(rows))
	for i := range rows {
		logs[i] = rows[i].Log
	}
	return logs
}

// Place returns how far a log was read for reviews.
func (q reviewReads) Place(ctx context.Context, log LogID) (next int64, err error) {
	return one(ctx, q.q, "reading how far reviews are", pgx.RowTo[int64], `
		SELECT coalesce((SELECT p.next FROM cpis.review_place AS p WHERE p.log = $1), 0)`, log)
}

// MovePlace says that a log was read further. moved is false if it was not read
// just as far as that before: another server was first.
func (tx reviewWrites) MovePlace(ctx context.Context, log LogID, from, to int64) (moved bool, err error) {
	n, err := tx.exec(ctx, "moving how far reviews are", `
		INSERT INTO cpis.review_place AS p (log, next)
		VALUES ($1, $3)
		ON CONFLICT (log) DO UPDATE
		SET next = excluded.next
		WHERE p.next = $2`, log, from, to)
	return n == 1, err
}

// Of look-ups that were answered, restricted are those about people whose
// whereabouts must not be revealed, if the answer said so, and plain all but these
// and break-glass.
const (
	answered   = `i.topic = 'look_up' AND i.subject IS NOT NULL AND NOT i.refused AND NOT i.break_glass`
	restricted = answered + ` AND i.restricted AND i.outcome <> 'cannot_say'`
	plain      = answered + ` AND NOT (i.restricted AND i.outcome <> 'cannot_say')`
)

// RestrictedLookUps returns, from one entry of a log up to, but not including,
// another, the look-ups of people whose whereabouts must not be revealed. Those by
// break-glass have a review already.
func (q indexReads) RestrictedLookUps(ctx context.Context, log LogID, from, to int64) ([]IndexRow, error) {
	return all(ctx, q.q, "looking for reviews", scanIndexRow, `
		SELECT `+indexColumns+`
		FROM cpis.entry_index AS i
		WHERE i.log = $1
		  AND i.idx >= $2
		  AND i.idx < $3
		  AND `+restricted+`
		ORDER BY i.idx`, log, from, to)
}

// SampleRow is an organisation of whose look-ups in a week no sample was drawn.
type SampleRow struct {
	Log          LogID
	Organisation string
}

// Unsampled returns, for a week, which organisations wait for their sample, at most
// limit.
func (q reviewReads) Unsampled(ctx context.Context, week, from, until time.Time, limit int) ([]SampleRow, error) {
	return all(ctx, q.q, "looking for samples to draw", pgx.RowToStructByPos[SampleRow], `
		SELECT DISTINCT i.log, i.organisation
		FROM cpis.entry_index AS i
		WHERE i.at >= $2
		  AND i.at < $3
		  AND `+plain+`
		  AND NOT EXISTS (
		      SELECT FROM cpis.review_sample AS s WHERE s.log = i.log AND s.organisation = i.organisation AND s.week = $1::date)
		ORDER BY i.log, i.organisation
		LIMIT $4`, week, from, until, limit)
}

// KeepSample keeps that a sample was drawn, unless another server was first.
func (tx reviewWrites) KeepSample(ctx context.Context, s SampleRow, week time.Time) (kept bool, err error) {
	n, err := tx.exec(ctx, "keeping that a sample was drawn", `
		INSERT INTO cpis.review_sample (log, organisation, week)
		VALUES ($1, $2, $3::date)
		ON CONFLICT DO NOTHING`, s.Log, s.Organisation, week)
	return n == 1, err
}

// FirstFrom returns the first entry of a log at a time or after it; ErrNotFound if
// there is none.
func (q indexReads) FirstFrom(ctx context.Context, log LogID, at time.Time) (int64, error) {
	return one(ctx, q.q, "looking for the end of a week", pgx.RowTo[int64], `
		SELECT i.idx
		FROM cpis.entry_index AS i
		WHERE i.log = $1
		  AND i.at >= $2
		ORDER BY i.at, i.log, i.idx
		LIMIT 1`, log, at)
}

// CountPlain counts the look-ups of an organisation from a time up to another of
// which there is no review otherwise.
func (q indexReads) CountPlain(ctx context.Context, s SampleRow, from, until time.Time) (int64, error) {
	return one(ctx, q.q, "counting for a sample", pgx.RowTo[int64], `
		SELECT count(*)
		FROM cpis.entry_index AS i
		WHERE i.log = $1
		  AND i.organisation = $2
		  AND i.at >= $3
		  AND i.at < $4
		  AND `+plain, s.Log, s.Organisation, from, until)
}

// Sample draws some of those by lot: the first in the order of SHA-256(seed ‖
// index, eight bytes, big-endian).
func (q indexReads) Sample(ctx context.Context, s SampleRow, from, until time.Time, seed []byte, size int) ([]IndexRow, error) {
	return all(ctx, q.q, "drawing a sample", scanIndexRow, `
		SELECT `+indexColumns+`
		FROM cpis.entry_index AS i
		WHERE i.log = $1
		  AND i.organisation = $2
		  AND i.at >= $3
		  AND i.at < $4
		  AND `+plain+`
		ORDER BY sha256($5::bytea || int8send(i.idx)), i.idx
		LIMIT $6`, s.Log, s.Organisation, from, until, seed, size)
}
