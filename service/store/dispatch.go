package store

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// PlaceRow is how far an authority's notices of a log were given to its channels.
type PlaceRow struct {
	Authority string
	Log       LogID
	Entry     int64 // of the last that were; -1 before the first
}

const placeColumns = `p.authority, p.log, p.entry, p.mac`

// targets are where the columns of a place go.
func (p *PlaceRow) targets() []any { return []any{&p.Authority, &p.Log, &p.Entry} }

func (p *PlaceRow) cover(c *cover) {
	c.of("dispatched")
	c.str("authority", p.Authority)
	c.int("log", int(p.Log))
	c.int("entry", int(p.Entry))
}

// Undispatched is an authority that has channels, and notices in a log which
// none of them has got.
type Undispatched struct {
	Authority string
	Log       LogID
}

// Undispatched returns whose notices wait to be handed to channels. If it does
// not verify how far an authority's were, nobody can tell: somebody is woken, and
// its notices wait.
func (q deliveryReads) Undispatched(ctx context.Context) (waiting []Undispatched, err error) {
	_, err = all(ctx, q.q, "looking for new notices", func(row pgx.CollectableRow) (none struct{}, err error) {
		var u Undispatched
		var entry *int64
		var mac []byte
		var waits bool
		if err = row.Scan(&u.Authority, &u.Log, &entry, &mac, &waits); err != nil {
			return none, err
		}
		sound := entry == nil || q.guard.verifies(&PlaceRow{u.Authority, u.Log, *entry}, mac)
		if sound && waits {
			waiting = append(waiting, u)
		}
		return none, nil
	}, `
		SELECT a.authority, h.log, p.entry, p.mac, EXISTS (
		    SELECT
		    FROM cpis.notice AS n
		    WHERE n.authority = a.authority
		      AND n.log = h.log
		      AND n.entry > coalesce(p.entry, -1)
		)
		FROM (SELECT DISTINCT authority FROM cpis.channel WHERE removed_at IS NULL) AS a
		CROSS JOIN cpis.log_head AS h
		LEFT JOIN cpis.dispatched AS p ON p.authority = a.authority AND p.log = h.log
		ORDER BY a.authority, h.log`)
	return waiting, err
}

// Dispatch hands an authority's next notices of a log to its first channel, in
// their order, and says how many were looked at: about limit, and all of one
// entry together. None are given while another server does the same, or without
// a channel. Notices that do not verify are given to nobody.
func (tx deliveryWrites) Dispatch(ctx context.Context, u Undispatched, at time.Time, limit int) (int, error) {
	place, err := tx.lockPlace(ctx, u)
	if err != nil || place == nil {
		return 0, err
	}
	channel, err := tx.firstChannel(ctx, u.Authority)
	if err != nil || channel == uuid.Nil {
		return 0, err
	}
	read := 0
	var given []DeliveryRow
	_, err = all(ctx, tx.q, "reading notices for a channel", func(row pgx.CollectableRow) (none struct{}, err error) {
		var n NoticeRow
		var mac []byte
		if err = row.Scan(append(n.targets(), &mac)...); err != nil {
			return none, err
		}
		read++
		place.Entry = max(place.Entry, int64(n.Entry))
		if tx.guard.verifies(&n, mac) {
			given = append(given, n.given(channel, at))
		}
		return none, nil
	}, `
		SELECT `+noticeColumns+`
		FROM cpis.notice AS n
		WHERE n.authority = $1
		  AND n.log = $2
		  AND n.entry > $3
		ORDER BY n.entry
		FETCH FIRST $4 ROWS WITH TIES`, u.Authority, u.Log, place.Entry, limit)
	if err != nil || read == 0 {
		return 0, err
	}
	if err := tx.insertDeliveries(ctx, "giving notices to a channel", given); err != nil {
		return 0, err
	}
	return read, tx.putPlaces(ctx, []PlaceRow{*place})
}

// lockPlace returns how far an authority's notices were handed to channels, and
// keeps others from it; nil if somebody else is at it.
func (tx deliveryWrites) lockPlace(ctx context.Context, u Undispatched) (*PlaceRow, error) {
	const doing = "locking a place in the log"
	first := PlaceRow{u.Authority, u.Log, -1}
	if _, err := tx.exec(ctx, doing, `
		INSERT INTO cpis.dispatched (authority, log, entry, mac)
		VALUES ($1, $2, $3, $4)
		ON CONFLICT (authority, log) DO NOTHING`, first.Authority, first.Log, first.Entry, tx.guard.mac(&first)); err != nil {
		return nil, err
	}
	found, err := all(ctx, tx.q, doing, scanner[PlaceRow](tx.guard), `
		SELECT `+placeColumns+`
		FROM cpis.dispatched AS p
		WHERE p.authority = $1
		  AND p.log = $2
		FOR UPDATE SKIP LOCKED`, u.Authority, u.Log)
	if err != nil || len(found) == 0 {
		return nil, err
	}
	return &found[0], nil
}

// firstChannel returns the channel of an authority that is tried first; zero if
// it has none. One that is just being removed is waited for, and not taken; one
// that does not verify is passed over.
func (tx deliveryWrites) firstChannel(ctx context.Context, authority string) (uuid.UUID, error) {
	channels, err := soundRows[ChannelRow](ctx, tx.queries, "finding a channel", `
		SELECT `+channelColumns+`
		FROM cpis.channel AS c
		WHERE c.authority = $1
		  AND c.removed_at IS NULL
		ORDER BY c.rank
		FOR SHARE`, authority)
	if err != nil || len(channels) == 0 {
		return uuid.Nil, err
	}
	return channels[0].ID, nil
}

// putPlaces writes places that are locked, or new.
func (tx deliveryWrites) putPlaces(ctx context.Context, rows []PlaceRow) error {
	authorities, logs, entries := make([]string, len(rows)), make([]int16, len(rows)), make([]int64, len(rows))
	for i, p := range rows {
		authorities[i], logs[i], entries[i] = p.Authority, int16(p.Log), p.Entry
	}
	_, err := tx.exec(ctx, "keeping a place in the log", `
		INSERT INTO cpis.dispatched (authority, log, entry, mac)
		SELECT *
		FROM unnest($1::text[], $2::smallint[], $3::bigint[], $4::bytea[])
		ON CONFLICT (authority, log) DO UPDATE
		SET entry = excluded.entry, mac = excluded.mac`, authorities, logs, entries, macsOf(tx.guard, rows))
	return err
}

// BeginDispatch has an authority's notices given to its channels from now on:
// those that are in the logs already are not. If it has channels, this has begun
// before, and nothing is left out.
func (tx channelWrites) BeginDispatch(ctx context.Context, authority string) error {
	places, err := all(ctx, tx.q, "beginning to dispatch", func(row pgx.CollectableRow) (p PlaceRow, err error) {
		err = row.Scan(p.targets()...)
		return p, err
	}, `
		SELECT $1::text, h.log, h.size - 1
		FROM cpis.log_head AS h
		WHERE NOT EXISTS (SELECT FROM cpis.channel AS c WHERE c.authority = $1 AND c.removed_at IS NULL)
		ORDER BY h.log`, authority)
	if err != nil {
		return err
	}
	return tx.tx.Deliveries.putPlaces(ctx, places)
}
