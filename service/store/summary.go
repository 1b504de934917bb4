package store

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
)

// WeekCount is what happened in a week of London's calendar, at one class of
// organisations or for one authority.
type WeekCount struct {
	Week   time.Time // its Monday, as midnight UTC
	Of     string    // class of organisation, or GSS code
	Name   string    // of the authority
	All    int64     // look-ups, or notices
	Some   int64     // flags found, or notices acknowledged in time
	Median float64   // hours until they were; 0 if none was
}

func scanWeek(row pgx.CollectableRow) (w WeekCount, err error) {
	err = row.Scan(&w.Week, &w.Of, &w.Name, &w.All, &w.Some, &w.Median)
	return w, err
}

// LookUpsByWeek counts the look-ups of people from a time up to another, and those
// that found a flag, by week and class of organisation: of one organisation, or of
// all if that is empty.
func (tx indexWrites) LookUpsByWeek(ctx context.Context, from, until time.Time, organisation string) ([]WeekCount, error) {
	if err := tx.planForThese(ctx); err != nil {
		return nil, err
	}
	return all(ctx, tx.q, "counting look-ups by week", scanWeek, `
		WITH counted AS (
		    SELECT date_trunc('week', i.at AT TIME ZONE 'Europe/London')::date AS week, i.organisation,
		           count(*) AS all, count(*) FILTER (WHERE i.outcome = 'flag_held') AS held
		    FROM cpis.entry_index AS i
		    WHERE i.at >= $1
		      AND i.at < $2
		      AND ($3 = '' OR i.organisation = $3)
		      AND i.topic = 'look_up'
		      AND i.subject IS NOT NULL
		      AND NOT i.refused
		    GROUP BY 1, 2
		)
		SELECT c.week, coalesce(o.class, 'unknown'), '', sum(c.all)::bigint, sum(c.held)::bigint, 0::float8
		FROM counted AS c
		LEFT JOIN cpis.organisation AS o ON o.code = c.organisation
		GROUP BY 1, 2
		ORDER BY 1, 2`, from, until, organisation)
}

// ByWeek counts the notices about people from a time up to another, those that
// were acknowledged within so long, and how long half of these took, by week and
// authority: of one authority, or of all if that is empty.
func (q noticeReads) ByWeek(ctx context.Context, from, until time.Time, within time.Duration, authority string) ([]WeekCount, error) {
	return all(ctx, q.q, "counting notices by week", scanWeek, `
		SELECT date_trunc('week', n.at AT TIME ZONE 'Europe/London')::date, n.authority, coalesce(a.name, ''), count(*),
		       count(*) FILTER (WHERE n.acknowledged_at <= n.at + $3),
		       coalesce(percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM n.acknowledged_at - n.at))
		           FILTER (WHERE n.acknowledged_at <= n.at + $3), 0) / 3600
		FROM cpis.notice AS n
		LEFT JOIN cpis.authority AS a ON a.gss_code = n.authority
		WHERE n.at >= $1
		  AND n.at < $2
		  AND ($4 = '' OR n.authority = $4)
		  AND n.person_id IS NOT NULL
		GROUP BY 1, 2, 3
		ORDER BY 1, 3, 2`, from, until, within, authority)
}
