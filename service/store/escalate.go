package store

import (
	"cmp"
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// AbandonRemoved hands what waits on channels that were removed to the next
// ones, at most limit at once, and says how many; call it until there are none.
func (tx deliveryWrites) AbandonRemoved(ctx context.Context, at time.Time, limit int) (int, error) {
	const doing = "leaving removed channels"
	rows, err := soundRows[DeliveryRow](ctx, tx.queries, doing, `
		SELECT `+deliveryColumns+`
		FROM cpis.channel AS c
		JOIN cpis.delivery AS d ON d.channel_id = c.id
		WHERE c.removed_at IS NOT NULL
		  AND d.state = 'pending'
		ORDER BY d.channel_id, d.notice_id
		LIMIT $1
		FOR UPDATE OF d SKIP LOCKED`, limit)
	for i := range rows {
		rows[i].Failure = "removed"
	}
	if err != nil {
		return 0, err
	}
	return len(rows), tx.abandon(ctx, doing, rows, at)
}

// abandon gives up deliveries that are locked: the next channels get the notices.
func (tx deliveryWrites) abandon(ctx context.Context, doing string, rows []DeliveryRow, at time.Time) error {
	if len(rows) == 0 {
		return nil
	}
	notices := make([]uuid.UUID, len(rows))
	for i := range rows {
		rows[i].State, notices[i] = DeliveryUndelivered, rows[i].Notice
	}
	if err := tx.putDeliveries(ctx, doing, rows); err != nil {
		return err
	}
	return tx.escalate(ctx, notices, at)
}

// Overdue says what has waited for too long on channels that fail.
type Overdue struct {
	FailedSince time.Time // channels on which nothing was delivered, and that was tried since
	GotBefore   time.Time // what they got before
	Failure     string    // the word for what was never tried
}

// AbandonOverdue hands what is overdue at a time to the next channels, at most
// limit at once, and says how many; call it until there are none.
func (tx deliveryWrites) AbandonOverdue(ctx context.Context, o Overdue, at time.Time, limit int) (int, error) {
	const doing = "leaving channels that fail"
	rows, err := soundRows[DeliveryRow](ctx, tx.queries, doing, `
		SELECT `+deliveryColumns+`
		FROM cpis.channel AS c
		JOIN cpis.delivery AS d ON d.channel_id = c.id
		WHERE c.failures > 0
		  AND c.failed_at >= $1
		  AND c.removed_at IS NULL
		  AND NOT c.paused
		  AND d.state = 'pending'
		  AND d.first_at <= $2
		ORDER BY d.channel_id, d.notice_id
		LIMIT $3
		FOR UPDATE OF d SKIP LOCKED`, o.FailedSince, o.GotBefore, limit)
	for i := range rows {
		rows[i].Failure = cmp.Or(rows[i].Failure, o.Failure)
	}
	if err != nil {
		return 0, err
	}
	return len(rows), tx.abandon(ctx, doing, rows, at)
}

// escalate hands notices to the first channels of their authorities that have
// not had them, to paused ones only if there are no others. If none is
// left, they are undelivered. A notice that does not verify is left as it is.
func (tx deliveryWrites) escalate(ctx context.Context, ids []uuid.UUID, at time.Time) error {
	if len(ids) == 0 {
		return nil
	}
	const doing = "giving notices to the next channel"
	notices, err := soundRows[NoticeRow](ctx, tx.queries, doing, `
		SELECT `+noticeColumns+`
		FROM cpis.notice AS n
		WHERE n.id = ANY ($1::uuid[])
		ORDER BY n.id
		FOR NO KEY UPDATE`, ids)
	if err != nil {
		return err
	}
	next, err := tx.nextChannels(ctx, doing, ids)
	if err != nil {
		return err
	}
	var given []DeliveryRow
	var undelivered []NoticeRow
	for i := range notices {
		if channel, ok := next[notices[i].ID]; ok {
			given = append(given, notices[i].given(channel, at))
			continue
		}
		notices[i].Undelivered = true
		undelivered = append(undelivered, notices[i])
	}
	if err := tx.insertDeliveries(ctx, doing, given); err != nil {
		return err
	}
	return tx.putUndelivered(ctx, undelivered)
}

// nextChannels finds the next channels of notices that have any.
func (tx deliveryWrites) nextChannels(ctx context.Context, doing string, notices []uuid.UUID) (map[uuid.UUID]uuid.UUID, error) {
	next := make(map[uuid.UUID]uuid.UUID, len(notices))
	_, err := all(ctx, tx.q, doing, func(row pgx.CollectableRow) (none struct{}, err error) {
		var notice, channel uuid.UUID
		err = row.Scan(&notice, &channel)
		next[notice] = channel
		return none, err
	}, `
		SELECT n.id, c.id
		FROM cpis.notice AS n
		CROSS JOIN LATERAL (
		    SELECT c.id
		    FROM cpis.channel AS c
		    WHERE c.authority = n.authority
		      AND c.removed_at IS NULL
		      AND NOT EXISTS (SELECT FROM cpis.delivery AS d WHERE d.channel_id = c.id AND d.notice_id = n.id)
		    ORDER BY c.paused, c.rank
		    LIMIT 1
		) AS c
		WHERE n.id = ANY ($1::uuid[])`, notices)
	return next, err
}

// putUndelivered says of notices that are locked that no channel delivered them.
func (tx deliveryWrites) putUndelivered(ctx context.Context, rows []NoticeRow) error {
	ids := make([]uuid.UUID, len(rows))
	for i := range rows {
		ids[i] = rows[i].ID
	}
	_, err := tx.exec(ctx, "giving notices up", `
		UPDATE cpis.notice AS n
		SET undelivered = true, mac = u.mac
		FROM unnest($1::uuid[], $2::bytea[]) AS u (id, mac)
		WHERE n.id = u.id`, ids, macsOf(tx.guard, rows))
	return err
}
