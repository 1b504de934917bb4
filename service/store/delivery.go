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
	Person   uuid.UUID // whom the notice is about; zero if that is nobody
	Log      LogID     // of the notice's entry
	Entry    int64
	State    string
	Attempts int
	FirstAt  time.Time  // when the channel got it
	DueAt    time.Time  // next attempt, or end of the lease
	LastAt   *time.Time // of the last attempt; nil before the first
	Failure  string     // a word
}

const deliveryColumns = `d.channel_id, d.notice_id, d.person_id, d.log, d.entry, d.state, d.attempts, d.first_at, d.due_at, d.last_at, d.failure, d.mac`

// targets are where the columns of a delivery go.
func (d *DeliveryRow) targets() []any {
	return []any{
		&d.Channel, &d.Notice, (*idTarget)(&d.Person), &d.Log, &d.Entry, &d.State, &d.Attempts, &d.FirstAt, &d.DueAt, &d.LastAt, &d.Failure,
	}
}

// cover leaves out what each attempt changes: it can only delay the next one, see
// longestWait, and nothing is given up because of it.
func (d *DeliveryRow) cover(c *cover) {
	c.of("delivery")
	c.id("channel_id", d.Channel)
	c.id("notice_id", d.Notice)
	c.id("person_id", d.Person)
	c.int("log", int(d.Log))
	c.int("entry", int(d.Entry))
	c.str("state", d.State)
	c.time("first_at", d.FirstAt)
}

// Of returns the deliveries of a notice, in the order in which its
// channels got it.
func (q deliveryReads) Of(ctx context.Context, notice uuid.UUID) ([]DeliveryRow, error) {
	return all(ctx, q.q, "reading deliveries", scanner[DeliveryRow](q.guard), `
		SELECT `+deliveryColumns+`
		FROM cpis.delivery AS d
		WHERE d.notice_id = $1
		ORDER BY d.first_at, d.channel_id`, notice)
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

// longestWait is longer than a delivery or a channel ever waits for its next
// attempt: whatever says that it waits longer was not written by the service, and
// waits no more.
const longestWait = `interval '2 hours'`

// rested says which channels c may be tried.
const rested = `(c.rests_until IS NULL OR c.rests_until <= $1 OR c.rests_until > $1::timestamptz + ` + longestWait + `)`

// Due returns the channels on which something is to be sent at a time, and
// which do not rest.
func (q channelReads) Due(ctx context.Context, at time.Time) ([]ChannelRow, error) {
	return all(ctx, q.q, "looking for deliveries", q.scanChannel, `
		SELECT `+channelColumns+`
		FROM cpis.channel AS c
		WHERE `+rested+`
		  AND EXISTS (
		    SELECT
		    FROM cpis.delivery AS d
		    WHERE d.channel_id = c.id
		      AND `+mayGo+`
		)
		ORDER BY c.id`, at)
}

// WakeOverslept has deliveries tried at a time that wait longer than any does.
func (tx deliveryWrites) WakeOverslept(ctx context.Context, at time.Time) error {
	woken, err := tx.exec(ctx, "waking deliveries", `
		UPDATE cpis.delivery AS d
		SET due_at = $1
		FROM cpis.channel AS c
		WHERE d.channel_id = c.id
		  AND d.state = 'pending'
		  AND d.due_at > $1::timestamptz + `+longestWait, at)
	if woken > 0 {
		tx.guard.report("delivery")
	}
	return err
}

// ClaimedDelivery is a notice that is to be sent on.
type ClaimedDelivery struct {
	DeliveryRow
	Authority string
	Kind      string
	Priority  bool
	At        time.Time // of the notice
}

// Claim takes what is to be sent on a channel, at most limit, until
// the end of a lease: no other server tries it meanwhile, nor sends anything
// later about the same person there. Each counts as an attempt, and its number
// is needed to settle it. What does not verify is taken, too, and not returned: it
// wakes somebody at each attempt, until it is put right.
func (tx deliveryWrites) Claim(ctx context.Context, channel uuid.UUID, at, lease time.Time, limit int) ([]ClaimedDelivery, error) {
	taken, err := soundRows[DeliveryRow](ctx, tx.queries, "claiming deliveries", `
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
		SET attempts = least(d.attempts, 1000000) + 1, due_at = $2, last_at = $1
		FROM due
		WHERE d.channel_id = due.channel_id
		  AND d.notice_id = due.notice_id
		RETURNING `+deliveryColumns, at, lease, limit, channel)
	if err != nil || len(taken) == 0 {
		return nil, err
	}
	about, err := tx.noticesOf(ctx, taken)
	var claimed []ClaimedDelivery
	for i := range taken {
		if n := about[taken[i].Notice]; n != nil {
			claimed = append(claimed, ClaimedDelivery{taken[i], n.Authority, n.Kind, n.Priority, n.At})
		}
	}
	return claimed, err
}

// noticesOf reads the notices of deliveries, as far as they verify.
func (tx deliveryWrites) noticesOf(ctx context.Context, of []DeliveryRow) (map[uuid.UUID]*NoticeRow, error) {
	ids := make([]uuid.UUID, len(of))
	for i := range of {
		ids[i] = of[i].Notice
	}
	rows, err := soundRows[NoticeRow](ctx, tx.queries, "reading notices of deliveries", `
		SELECT `+noticeColumns+`
		FROM cpis.notice AS n
		WHERE n.id = ANY ($1::uuid[])`, ids)
	found := make(map[uuid.UUID]*NoticeRow, len(rows))
	for i := range rows {
		found[rows[i].ID] = &rows[i]
	}
	return found, err
}

// Settle says what became of attempts. Those whose lease ended, and
// which somebody else has claimed since, are left alone. Of those that are
// given up the next channels get the notices; the others keep their due times.
func (tx deliveryWrites) Settle(ctx context.Context, rows []DeliveryRow, at time.Time) error {
	c := columnsOfDeliveries(tx.guard, rows)
	given, err := all(ctx, tx.q, "settling deliveries", pgx.RowTo[uuid.UUID], `
		WITH settled AS (
		    UPDATE cpis.delivery AS d
		    SET state = s.state, due_at = s.due_at, failure = s.failure,
		        first_at = CASE s.state WHEN 'pending' THEN d.first_at ELSE s.first_at END, -- they may have been restarted meanwhile
		        mac = CASE s.state WHEN 'pending' THEN d.mac ELSE s.mac END
		    FROM unnest($1::uuid[], $2::uuid[], $3::integer[], $4::text[], $5::timestamptz[], $6::text[], $7::timestamptz[], $8::bytea[])
		        AS s (channel_id, notice_id, attempts, state, due_at, failure, first_at, mac)
		    WHERE d.channel_id = s.channel_id
		      AND d.notice_id = s.notice_id
		      AND d.attempts = s.attempts
		      AND d.state = 'pending'
		    RETURNING d.notice_id, d.state
		)
		SELECT notice_id
		FROM settled
		WHERE state = 'undelivered'
		ORDER BY notice_id`, c.channels, c.notices, c.attempts, c.states, c.due, c.failures, c.first, c.macs)
	if err != nil {
		return err
	}
	return tx.escalate(ctx, given, at)
}

// putDeliveries writes deliveries that are locked.
func (tx deliveryWrites) putDeliveries(ctx context.Context, doing string, rows []DeliveryRow) error {
	c := columnsOfDeliveries(tx.guard, rows)
	return tx.execAll(ctx, len(rows), doing, `
		UPDATE cpis.delivery AS d
		SET state = s.state, due_at = s.due_at, failure = s.failure, first_at = s.first_at, mac = s.mac
		FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::timestamptz[], $5::text[], $6::timestamptz[], $7::bytea[])
		    AS s (channel_id, notice_id, state, due_at, failure, first_at, mac)
		WHERE d.channel_id = s.channel_id
		  AND d.notice_id = s.notice_id`, c.channels, c.notices, c.states, c.due, c.failures, c.first, c.macs)
}

// insertDeliveries hands notices to channels that have not had them.
func (tx deliveryWrites) insertDeliveries(ctx context.Context, doing string, rows []DeliveryRow) error {
	c := columnsOfDeliveries(tx.guard, rows)
	_, err := tx.exec(ctx, doing, `
		INSERT INTO cpis.delivery (channel_id, notice_id, person_id, log, entry, state, first_at, due_at, mac)
		SELECT s.channel_id, s.notice_id, NULLIF(s.person_id, '00000000-0000-0000-0000-000000000000'::uuid),
		       s.log, s.entry, s.state, s.first_at, s.due_at, s.mac
		FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::smallint[], $5::bigint[], $6::text[], $7::timestamptz[], $8::timestamptz[], $9::bytea[])
		    AS s (channel_id, notice_id, person_id, log, entry, state, first_at, due_at, mac)
		ON CONFLICT (channel_id, notice_id) DO NOTHING`,
		c.channels, c.notices, c.persons, c.logs, c.entries, c.states, c.first, c.due, c.macs)
	return err
}

// given returns a notice as a channel gets it.
func (n *NoticeRow) given(channel uuid.UUID, at time.Time) DeliveryRow {
	return DeliveryRow{
		Channel: channel, Notice: n.ID, Person: n.Person, Log: n.Log, Entry: int64(n.Entry),
		State: DeliveryPending, FirstAt: at, DueAt: at,
	}
}

// deliveryArrays are deliveries turned into the arrays that unnest takes.
type deliveryArrays struct {
	channels, notices, persons []uuid.UUID
	logs                       []int16
	entries                    []int64
	attempts                   []int32
	states, failures           []string
	first, due                 []time.Time
	macs                       [][]byte
}

func columnsOfDeliveries(g *guard, rows []DeliveryRow) (c deliveryArrays) {
	for i := range rows {
		d := &rows[i]
		c.channels, c.notices, c.persons = append(c.channels, d.Channel), append(c.notices, d.Notice), append(c.persons, d.Person)
		c.logs, c.entries = append(c.logs, int16(d.Log)), append(c.entries, d.Entry)
		c.attempts = append(c.attempts, int32(d.Attempts)) //nolint:gosec // as it was read from such a column
		c.states, c.failures = append(c.states, d.State), append(c.failures, d.Failure)
		c.first, c.due = append(c.first, d.FirstAt), append(c.due, d.DueAt)
	}
	c.macs = macsOf(g, rows)
	return c
}

// restartPage is how many deliveries are restarted by one statement.
const restartPage = 5000

// Restart has all that waits on a channel tried at a time, and for
// as long from then on as if the channel had just got it.
func (tx deliveryWrites) Restart(ctx context.Context, channel uuid.UUID, at time.Time) error {
	if err := tx.tx.Channels.Wake(ctx, channel, 0); err != nil {
		return err
	}
	const doing = "restarting deliveries"
	for after := uuid.Nil; ; {
		rows, last, err := tx.lockWaiting(ctx, doing, `
			SELECT `+deliveryColumns+`
			FROM cpis.delivery AS d
			WHERE d.channel_id = $1
			  AND d.state = 'pending'
			  AND d.notice_id > $2
			ORDER BY d.notice_id
			LIMIT $3
			FOR UPDATE`, channel, after, restartPage)
		if err != nil || last == uuid.Nil {
			return err
		}
		for i := range rows {
			rows[i].FirstAt, rows[i].DueAt = at, at
		}
		if err := tx.putDeliveries(ctx, doing, rows); err != nil {
			return err
		}
		after = last
	}
}

// lockWaiting reads a page of deliveries that wait: those that verify, and the
// notice of the last of all; zero if there is none.
func (tx deliveryWrites) lockWaiting(ctx context.Context, doing, sql string, args ...any) (sound []DeliveryRow, last uuid.UUID, err error) {
	_, err = all(ctx, tx.q, doing, func(row pgx.CollectableRow) (none struct{}, err error) {
		var d DeliveryRow
		var mac []byte
		if err = row.Scan(append(d.targets(), &mac)...); err != nil {
			return none, err
		}
		last = d.Notice
		if tx.guard.verifies(&d, mac) {
			sound = append(sound, d)
		}
		return none, nil
	}, sql, args...)
	return sound, last, err
}
