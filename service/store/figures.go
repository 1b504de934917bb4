package store

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
)

// NoticeFigures are what became of notices of some kinds.
type NoticeFigures struct {
	Week    time.Time // its Monday in London, as midnight UTC; zero of all weeks
	Setting *string   // nil of all settings
	All     int64
	// How many were acknowledged in time, and how many never were.
	FourHours, WorkingDay, ThreeDays, Open int64
	// Hours after which half, and nine in ten, were acknowledged: of all, so that those
	// which never were count as well. Infinite if it was fewer.
	Median, Ninth float64
}

func scanFigures(row pgx.CollectableRow) (f NoticeFigures, err error) {
	var week *time.Time
	err = row.Scan(&week, &f.Setting, &f.All, &f.FourHours, &f.WorkingDay, &f.ThreeDays, &f.Open, &f.Median, &f.Ninth)
	if week != nil {
		f.Week = *week
	}
	return f, err
}

// Figures counts the notices of some kinds to an authority from a time up to another:
// by week and setting, by week, and all of them, in this order. A working day later is
// the end of the next day that is not of a weekend.
func (q noticeReads) Figures(ctx context.Context, authority string, kinds []string, from, until time.Time) ([]NoticeFigures, error) {
	return all(ctx, q.q, "counting notices", scanFigures, `
		SELECT n.week, n.setting, count(*),
		       count(*) FILTER (WHERE n.acknowledged_at <= n.at + interval '4 hours'),
		       count(*) FILTER (WHERE n.acknowledged_at < n.due),
		       count(*) FILTER (WHERE n.acknowledged_at <= n.at + interval '72 hours'),
		       count(*) FILTER (WHERE n.acknowledged_at IS NULL),
		       coalesce(percentile_disc(0.5) WITHIN GROUP (ORDER BY n.hours), 0),
		       coalesce(percentile_disc(0.9) WITHIN GROUP (ORDER BY n.hours), 0)
		FROM (
		    SELECT date_trunc('week', n.at AT TIME ZONE 'Europe/London')::date AS week, n.setting, n.at, n.acknowledged_at,
		           (date_trunc('day', n.at AT TIME ZONE 'Europe/London') + make_interval(days =>
		               CASE extract(isodow FROM n.at AT TIME ZONE 'Europe/London') WHEN 5 THEN 4 WHEN 6 THEN 3 ELSE 2 END)
		           ) AT TIME ZONE 'Europe/London' AS due,
		           coalesce(extract(epoch FROM n.acknowledged_at - n.at)::float8 / 3600, 'infinity') AS hours
		    FROM cpis.notice AS n
		    WHERE n.authority = $1
		      AND n.kind = ANY ($2::text[])
		      AND n.at >= $3
		      AND n.at < $4
		) AS n
		GROUP BY GROUPING SETS ((n.week, n.setting), (n.week), ())
		ORDER BY n.week NULLS LAST, n.setting NULLS LAST`, authority, kinds, from, until)
}
