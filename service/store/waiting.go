package store

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
)

// OpenNotices says how many notices of an authority nobody has acknowledged.
type OpenNotices struct {
	Open, Priority int
	Oldest         time.Time // zero if there is none
}

// CountOpen counts the notices of an authority that nobody has acknowledged.
func (q noticeReads) CountOpen(ctx context.Context, authority string) (OpenNotices, error) {
	return one(ctx, q.q, "counting notices", func(row pgx.CollectableRow) (n OpenNotices, err error) {
		return n, row.Scan(&n.Open, &n.Priority, (*timeTarget)(&n.Oldest))
	}, `
		SELECT count(*), count(*) FILTER (WHERE n.priority), min(n.at)
		FROM cpis.notice AS n
		WHERE n.authority = $1
		  AND n.acknowledged_at IS NULL`, authority)
}

// Waiting says how much waits for somebody's decision.
type Waiting struct {
	Files, Offered, Offering, Proposals int
	Own                                 int // proposals of one caller
}

// Waiting counts what waits for the decision of an authority, or of those to whom it
// offers something.
func (q planReads) Waiting(ctx context.Context, authority, caller, issuer string) (Waiting, error) {
	return one(ctx, q.q, "counting what waits", func(row pgx.CollectableRow) (w Waiting, err error) {
		return w, row.Scan(&w.Files, &w.Offered, &w.Offering, &w.Proposals, &w.Own)
	}, `
		SELECT (SELECT count(*) FROM cpis.upload AS u WHERE u.authority = $1 AND u.state = 'waiting'),
		       (SELECT count(*) FROM cpis.transfer AS t WHERE t.receiver = $1 AND t.state = 'open'),
		       (SELECT count(*) FROM cpis.transfer AS t WHERE t.sender = $1 AND t.state = 'open'),
		       (SELECT count(*) FROM cpis.proposal AS r WHERE r.authority = $1 AND r.state = 'open'),
		       (SELECT count(*) FROM cpis.proposal AS r
		        WHERE r.authority = $1 AND r.state = 'open' AND r.proposed_by = $2 AND r.proposed_issuer = $3)`,
		authority, caller, issuer)
}

// CountItems counts the plans of an authority that ask for it today, by why.
func (q planReads) CountItems(ctx context.Context, authority string) (map[string]int, error) {
	counts := map[string]int{}
	_, err := all(ctx, q.q, "counting plans that ask", func(row pgx.CollectableRow) (none struct{}, err error) {
		var need string
		var n int
		err = row.Scan(&need, &n)
		counts[need] = n
		return none, err
	}, `
		SELECT w.need, count(*)
		FROM cpis.work_item AS w
		WHERE w.authority = $1
		GROUP BY w.need`, authority)
	return counts, err
}

// RestingChannel is a channel that rests, and when it failed last.
type RestingChannel struct {
	ChannelRow

	FailedAt time.Time
}

// Resting returns the channels of an authority that are in use and rest, in the
// order in which they are tried.
func (q channelReads) Resting(ctx context.Context, authority string, at time.Time) ([]RestingChannel, error) {
	return all(ctx, q.q, "reading channels that rest", q.scanResting, selectResting+`
		  AND c.authority = $2
		ORDER BY c.rank`, at, authority)
}

// AllResting is Resting for all authorities, one after the other.
func (q channelReads) AllResting(ctx context.Context, at time.Time) ([]RestingChannel, error) {
	return all(ctx, q.q, "reading all channels that rest", q.scanResting, selectResting+`
		ORDER BY c.authority, c.rank`, at)
}

// selectResting reads what scanResting scans.
const selectResting = `
		SELECT ` + channelColumns + `, c.failed_at
		FROM cpis.channel AS c
		WHERE c.removed_at IS NULL
		  AND NOT c.paused
		  AND c.failures > 0
		  AND c.rests_until > $1`

func (q channelReads) scanResting(row pgx.CollectableRow) (c RestingChannel, err error) {
	var mac []byte
	err = row.Scan(append(c.targets(), &mac, (*timeTarget)(&c.FailedAt))...)
	return c, q.guard.check(err, &c.ChannelRow, mac)
}
