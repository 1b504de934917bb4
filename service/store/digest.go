package store

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
)

// DigestRow is what an organisation did in a week, as a signed text.
type DigestRow struct {
	Organisation string
	Week         time.Time // its Monday, as midnight UTC
	At           time.Time // when it was made
	Note         string    // the text, signed by the log's key
}

func scanDigest(row pgx.CollectableRow) (d DigestRow, err error) {
	err = row.Scan(&d.Organisation, &d.Week, (*timeTarget)(&d.At), &d.Note)
	return d, err
}

// Lacking returns organisations that have no digest of a week, though they did
// something in it or leave reviews open, at most limit.
func (q digestReads) Lacking(ctx context.Context, week, from, until time.Time, limit int) ([]string, error) {
	return all(ctx, q.q, "looking for digests to make", pgx.RowTo[string], `
		SELECT a.organisation
		FROM (
		    SELECT i.organisation
		    FROM cpis.entry_index AS i
		    WHERE i.at >= $2
		      AND i.at < $3
		    UNION
		    SELECT r.organisation
		    FROM cpis.review AS r
		    WHERE r.closed_at IS NULL
		      AND r.at < $3
		) AS a
		WHERE a.organisation <> ''
		  AND NOT EXISTS (SELECT FROM cpis.digest AS d WHERE d.organisation = a.organisation AND d.week = $1::date)
		ORDER BY a.organisation
		LIMIT $4`, week, from, until, limit)
}

// Get returns an organisation's digest of a week, or the newest if that is zero;
// ErrNotFound if there is none.
func (q digestReads) Get(ctx context.Context, organisation string, week time.Time) (DigestRow, error) {
	return one(ctx, q.q, "reading digest", scanDigest, `
		SELECT organisation, week, at, note
		FROM cpis.digest
		WHERE organisation = $1
		  AND ($2::date IS NULL OR week = $2)
		ORDER BY week DESC
		LIMIT 1`, organisation, timeOrNull(week))
}

// Insert keeps a digest, unless another server was first.
func (tx digestWrites) Insert(ctx context.Context, d *DigestRow) (kept bool, err error) {
	n, err := tx.exec(ctx, "keeping digest", `
		INSERT INTO cpis.digest (organisation, week, at, note)
		VALUES ($1, $2::date, $3, $4)
		ON CONFLICT DO NOTHING`, d.Organisation, d.Week, d.At, d.Note)
	return n == 1, err
}

// DigestNumbers are what is counted of an organisation's entries.
type DigestNumbers struct {
	LookUps, Hits, Refused, BreakGlass, OutOfHours, NoEncounter, Plans, Reports int64
}

// Numbers counts an organisation's entries from a time up to another.
func (tx indexWrites) Numbers(ctx context.Context, organisation string, from, until time.Time) (DigestNumbers, error) {
	if err := tx.planForThese(ctx); err != nil {
		return DigestNumbers{}, err
	}
	return one(ctx, tx.q, "counting for a digest", func(row pgx.CollectableRow) (n DigestNumbers, err error) {
		err = row.Scan(&n.LookUps, &n.Hits, &n.Refused, &n.BreakGlass, &n.OutOfHours, &n.NoEncounter, &n.Plans, &n.Reports)
		return n, err
	}, `
		SELECT count(*) FILTER (WHERE l.is),
		       count(*) FILTER (WHERE l.is AND i.outcome = 'flag_held'),
		       count(*) FILTER (WHERE i.refused),
		       count(*) FILTER (WHERE i.break_glass),
		       count(*) FILTER (WHERE i.out_of_hours),
		       count(*) FILTER (WHERE l.is AND NOT i.encounter),
		       count(*) FILTER (WHERE i.topic = 'plans' AND NOT i.refused),
		       count(*) FILTER (WHERE i.topic = 'reports')
		FROM cpis.entry_index AS i
		CROSS JOIN LATERAL (SELECT i.topic = 'look_up' AND i.subject IS NOT NULL AND NOT i.refused AS is) AS l
		WHERE i.organisation = $1
		  AND i.at >= $2
		  AND i.at < $3`, organisation, from, until)
}
