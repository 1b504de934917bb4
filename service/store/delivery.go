package store

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// States of a delivery.
const (
	DeliveryPending     = "pending"
	DeliveryDelivered   = "delivered"
	DeliveryUndelivered = "undelivered"
)

// DeliveryRow is a notice on a channel.
type DeliveryRow struct {
	Channel  uuid.UUID
	Notice   uuid.UUID
	State    string
	Attempts int
	FirstAt  time.Time  // when the channel got it
	DueAt    time.Time  // next attempt, or end of the lease
	LastAt   *time.Time // of the last attempt; nil before the first
	Failure  string     // a word
}

const deliveryColumns = `d.channel_id, d.notice_id, d.state, d.attempts, d.first_at, d.due_at, d.last_at, d.failure`

func scanDelivery(row pgx.CollectableRow) (d DeliveryRow, err error) {
	err = row.Scan(&d.Channel, &d.Notice, &d.State, &d.Attempts, &d.FirstAt, &d.DueAt, &d.LastAt, &d.Failure)
	return d, err
}

// Deliveries gives the deliveries of a notice, in the order in which its
// channels got it.
func (q queries) Deliveries(ctx context.Context, notice uuid.UUID) ([]DeliveryRow, error) {
	return all(ctx, q.q, "reading deliveries", scanDelivery, `
		SELECT `+deliveryColumns+`
		FROM cpis.delivery AS d
		WHERE d.notice_id = $1
		ORDER BY d.first_at, d.channel_id`, notice)
}

// Undispatched is an authority that has channels, and notices in a log which
// none of them has got.
type Undispatched struct {
	Authority string
	Log       LogID
}

// Undispatched gives whose notices wait to be given to channels.
func (q queries) Undispatched(ctx context.Context) ([]Undispatched, error) {
	return all(ctx, q.q, "looking for new notices",
		func(row pgx.CollectableRow) (u Undispatched, err error) {
			err = row.Scan(&u.Authority, &u.Log)
			return u, err
		}, `
		SELECT a.authority, h.log
		FROM (SELECT DISTINCT authority FROM cpis.channel WHERE removed_at IS NULL) AS a
		CROSS JOIN cpis.log_head AS h
		LEFT JOIN cpis.dispatched AS p ON p.authority = a.authority AND p.log = h.log
		WHERE EXISTS (
		    SELECT
		    FROM cpis.notice AS n
		    WHERE n.authority = a.authority
		      AND n.log = h.log
		      AND n.entry > coalesce(p.entry, -1)
		)
		ORDER BY a.authority, h.log`)
}

// Dispatch gives an authority's next notices of a log to its first channel, in
// their order, and says how many: about limit, and all of one entry together.
// None are given while another server does the same, or without a channel.
func (tx *Tx) Dispatch(ctx context.Context, u Undispatched, at time.Time, limit int) (int64, error) {
	const doing = "giving notices to a channel"
	if _, err := tx.exec(ctx, doing, `
		INSERT INTO cpis.dispatched (authority, log, entry)
		VALUES ($1, $2, -1)
		ON CONFLICT (authority, log) DO NOTHING`, u.Authority, u.Log); err != nil {
		return 0, err
	}
	// A channel that is just being removed is waited for, and not taken. Where
	// the position is locked, somebody else gives.
	return tx.exec(ctx, doing, `
		WITH place AS (
		    SELECT entry
		    FROM cpis.dispatched
		    WHERE authority = $1
		      AND log = $2
		    FOR UPDATE SKIP LOCKED
		), first AS (
		    SELECT id
		    FROM cpis.channel
		    WHERE authority = $1
		      AND removed_at IS NULL
		    ORDER BY rank
		    LIMIT 1
		    FOR SHARE
		), page AS (
		    SELECT n.id, n.person_id, n.entry
		    FROM place AS p
		    JOIN cpis.notice AS n ON n.authority = $1 AND n.log = $2 AND n.entry > p.entry
		    WHERE EXISTS (SELECT FROM first)
		    ORDER BY n.entry
		    FETCH FIRST $4 ROWS WITH TIES
		), moved AS (
		    UPDATE cpis.dispatched
		    SET entry = (SELECT max(entry) FROM page)
		    WHERE authority = $1
		      AND log = $2
		      AND EXISTS (SELECT FROM page)
		)
		INSERT INTO cpis.delivery (channel_id, notice_id, person_id, log, entry, state, first_at, due_at)
		SELECT f.id, g.id, g.person_id, $2, g.entry, 'pending', $3, $3
		FROM page AS g
		CROSS JOIN first AS f
		ON CONFLICT (channel_id, notice_id) DO NOTHING`, u.Authority, u.Log, at, limit)
}

// mayGo says which deliveries d of a channel c may be tried: those that are
// due, and before which nothing else about the same person waits. That is a
// scalar subquery so that it is one probe of an index, for no more rows than are
// wanted: a join would look at all that wait.
const mayGo = `
		    d.state = 'pending'
		      AND d.due_at <= $1
		      AND NOT c.paused
		      AND c.removed_at IS NULL
		      AND (
		          SELECT true
		          FROM cpis.delivery AS e
		          WHERE e.channel_id = d.channel_id
		            AND e.person_id = d.person_id
		            AND e.log = d.log
		            AND e.state = 'pending'
		            AND (e.entry, e.notice_id) < (d.entry, d.notice_id)
		          LIMIT 1
		      ) IS NULL`

// DueChannels gives the channels on which something is to be sent at a time, and
// which do not rest.
func (q queries) DueChannels(ctx context.Context, at time.Time) ([]ChannelRow, error) {
	return all(ctx, q.q, "looking for deliveries", q.scanChannel, `
		SELECT `+channelColumns+`
		FROM cpis.channel AS c
		WHERE (c.rests_until IS NULL OR c.rests_until <= $1)
		  AND EXISTS (
		    SELECT
		    FROM cpis.delivery AS d
		    WHERE d.channel_id = c.id
		      AND `+mayGo+`
		)
		ORDER BY c.id`, at)
}

// ClaimedDelivery is a notice that is to be sent on.
type ClaimedDelivery struct {
	DeliveryRow
	Authority string
	Kind      string
	Priority  bool
	At        time.Time // of the notice
}

func scanClaimed(row pgx.CollectableRow) (c ClaimedDelivery, err error) {
	d := &c.DeliveryRow
	err = row.Scan(&d.Channel, &d.Notice, &d.State, &d.Attempts, &d.FirstAt, &d.DueAt, &d.LastAt, &d.Failure,
		&c.Authority, &c.Kind, &c.Priority, &c.At)
	return c, err
}

// ClaimDeliveries takes what is to be sent on a channel, at most limit, until
// the end of a lease: no other server tries it meanwhile, nor sends anything
// later about the same person there. Each counts as an attempt, and its number
// is needed to settle it.
func (tx *Tx) ClaimDeliveries(ctx context.Context, channel uuid.UUID, at, lease time.Time, limit int) ([]ClaimedDelivery, error) {
	return all(ctx, tx.q, "claiming deliveries", scanClaimed, `
		WITH due AS (
		    SELECT d.channel_id, d.notice_id
		    FROM cpis.delivery AS d
		    JOIN cpis.channel AS c ON c.id = d.channel_id
		    WHERE d.channel_id = $4
		      AND `+mayGo+`
		    ORDER BY d.due_at, d.log, d.entry, d.notice_id
		    LIMIT $3
		    FOR UPDATE OF d SKIP LOCKED
		)
		UPDATE cpis.delivery AS d
		SET attempts = d.attempts + 1, due_at = $2, last_at = $1
		FROM due
		JOIN cpis.notice AS n ON n.id = due.notice_id
		WHERE d.channel_id = due.channel_id
		  AND d.notice_id = due.notice_id
		RETURNING `+deliveryColumns+`, n.authority, n.kind, n.priority, n.at`, at, lease, limit, channel)
}

// SettleDeliveries says what became of attempts. Those whose lease ended, and
// which somebody else has claimed since, are left alone. Of those that are
// given up the next channels get the notices; the others keep their due times.
func (tx *Tx) SettleDeliveries(ctx context.Context, rows []DeliveryRow, at time.Time) error {
	c := settledColumnsOf(rows)
	given, err := all(ctx, tx.q, "settling deliveries", pgx.RowTo[uuid.UUID], `
		WITH settled AS (
		    UPDATE cpis.delivery AS d
		    SET state = s.state, due_at = s.due_at, failure = s.failure
		    FROM unnest($1::uuid[], $2::uuid[], $3::integer[], $4::text[], $5::timestamptz[], $6::text[])
		        AS s (channel_id, notice_id, attempts, state, due_at, failure)
		    WHERE d.channel_id = s.channel_id
		      AND d.notice_id = s.notice_id
		      AND d.attempts = s.attempts
		      AND d.state = 'pending'
		    RETURNING d.notice_id, d.state
		)
		SELECT notice_id
		FROM settled
		WHERE state = 'undelivered'
		ORDER BY notice_id`, c.channels, c.notices, c.attempts, c.states, c.due, c.failures)
	if err != nil {
		return err
	}
	return tx.escalate(ctx, given, at)
}

// settledColumns are deliveries turned into the arrays that unnest takes.
type settledColumns struct {
	channels, notices []uuid.UUID
	attempts          []int32
	states, failures  []string
	due               []time.Time
}

func settledColumnsOf(rows []DeliveryRow) (c settledColumns) {
	for i := range rows {
		d := &rows[i]
		c.channels, c.notices = append(c.channels, d.Channel), append(c.notices, d.Notice)
		c.attempts = append(c.attempts, int32(d.Attempts)) //nolint:gosec // as it was read from such a column
		c.states, c.failures = append(c.states, d.State), append(c.failures, d.Failure)
		c.due = append(c.due, d.DueAt)
	}
	return c
}

// RestartDeliveries has all that waits on a channel tried at a time, and for
// as long from then on as if the channel had just got it.
func (tx *Tx) RestartDeliveries(ctx context.Context, channel uuid.UUID, at time.Time) error {
	if err := tx.WakeChannel(ctx, channel, 0); err != nil {
		return err
	}
	_, err := tx.exec(ctx, "restarting deliveries", `
		UPDATE cpis.delivery
		SET first_at = $2, due_at = $2
		WHERE channel_id = $1
		  AND state = 'pending'`, channel, at)
	return err
}

// AbandonRemoved gives what waits on channels that were removed to the next
// ones, at most limit at once, and says how many; call it until it gives none.
func (tx *Tx) AbandonRemoved(ctx context.Context, at time.Time, limit int) (int, error) {
	given, err := all(ctx, tx.q, "leaving removed channels", pgx.RowTo[uuid.UUID], `
		WITH stranded AS (
		    SELECT d.channel_id, d.notice_id
		    FROM cpis.channel AS c
		    JOIN cpis.delivery AS d ON d.channel_id = c.id
		    WHERE c.removed_at IS NOT NULL
		      AND d.state = 'pending'
		    ORDER BY d.channel_id, d.notice_id
		    LIMIT $1
		    FOR UPDATE OF d SKIP LOCKED
		)
		UPDATE cpis.delivery AS d
		SET state = 'undelivered', failure = 'removed'
		FROM stranded AS s
		WHERE d.channel_id = s.channel_id
		  AND d.notice_id = s.notice_id
		RETURNING d.notice_id`, limit)
	if err != nil {
		return 0, err
	}
	return len(given), tx.escalate(ctx, given, at)
}

// Overdue says what has waited for too long on channels that fail.
type Overdue struct {
	FailedSince time.Time // channels on which nothing was delivered, and that was tried since
	GotBefore   time.Time // what they got before
	Failure     string    // the word for what was never tried
}

// AbandonOverdue gives what is overdue at a time to the next channels, at most
// limit at once, and says how many; call it until it gives none.
func (tx *Tx) AbandonOverdue(ctx context.Context, o Overdue, at time.Time, limit int) (int, error) {
	given, err := all(ctx, tx.q, "leaving channels that fail", pgx.RowTo[uuid.UUID], `
		WITH overdue AS (
		    SELECT d.channel_id, d.notice_id
		    FROM cpis.channel AS c
		    JOIN cpis.delivery AS d ON d.channel_id = c.id
		    WHERE c.failures > 0
		      AND c.failed_at >= $1
		      AND c.removed_at IS NULL
		      AND NOT c.paused
		      AND d.state = 'pending'
		      AND d.first_at <= $2
		    ORDER BY d.channel_id, d.notice_id
		    LIMIT $4
		    FOR UPDATE OF d SKIP LOCKED
		)
		UPDATE cpis.delivery AS d
		SET state = 'undelivered', failure = coalesce(NULLIF(d.failure, ''), $3)
		FROM overdue AS o
		WHERE d.channel_id = o.channel_id
		  AND d.notice_id = o.notice_id
		RETURNING d.notice_id`, o.FailedSince, o.GotBefore, o.Failure, limit)
	if err != nil {
		return 0, err
	}
	return len(given), tx.escalate(ctx, given, at)
}

// escalate gives notices to the first channels of their authorities that have
// not had them, to paused ones only where there are no others. Where none is
// left, they are undelivered.
func (tx *Tx) escalate(ctx context.Context, notices []uuid.UUID, at time.Time) error {
	if len(notices) == 0 {
		return nil
	}
	_, err := tx.exec(ctx, "giving notices to the next channel", `
		WITH next AS (
		    SELECT n.id, n.person_id, n.log, n.entry, c.id AS channel_id
		    FROM unnest($1::uuid[]) AS w (id)
		    JOIN cpis.notice AS n ON n.id = w.id
		    LEFT JOIN LATERAL (
		        SELECT c.id
		        FROM cpis.channel AS c
		        WHERE c.authority = n.authority
		          AND c.removed_at IS NULL
		          AND NOT EXISTS (SELECT FROM cpis.delivery AS d WHERE d.channel_id = c.id AND d.notice_id = n.id)
		        ORDER BY c.paused, c.rank
		        LIMIT 1
		    ) AS c ON true
		), given AS (
		    INSERT INTO cpis.delivery (channel_id, notice_id, person_id, log, entry, state, first_at, due_at)
		    SELECT channel_id, id, person_id, log, entry, 'pending', $2, $2
		    FROM next
		    WHERE channel_id IS NOT NULL
		    ON CONFLICT (channel_id, notice_id) DO NOTHING
		)
		UPDATE cpis.notice AS n
		SET undelivered = true
		FROM next
		WHERE n.id = next.id
		  AND next.channel_id IS NULL`, notices, at)
	return err
}
