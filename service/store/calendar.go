package store

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// WorkState says how far the lists are of plans that ask for their authorities.
type WorkState struct {
	Day    *time.Time // until which the calendar was read, as midnight UTC; nil if it never was
	At     *time.Time // when that was last looked at; nil likewise
	Filled int        // the index key under which every plan has been given what finds it; 0 if under none
}

const workStateColumns = `s.day, s.at, s.filled, s.mac`

func (s *WorkState) targets() []any { return []any{&s.Day, &s.At, &s.Filled} }

func (s *WorkState) cover(c *cover) {
	c.of("work_state")
	c.maybe("day", s.Day)
	c.maybe("at", s.At)
	c.int("filled", s.Filled)
}

const workState = `
	SELECT ` + workStateColumns + `
	FROM cpis.work_state AS s`

// WorkState returns how far the lists are.
func (q planReads) WorkState(ctx context.Context) (WorkState, error) {
	s, err := one(ctx, q.q, "reading how far the lists are", scanner[WorkState](q.guard), workState)
	if errors.Is(err, ErrNotFound) {
		return WorkState{}, nil
	}
	return s, err
}

// LockWorkState is WorkState for who will change it.
func (tx planWrites) LockWorkState(ctx context.Context) (WorkState, error) {
	if _, err := tx.exec(ctx, "noting how far the lists are", `
		INSERT INTO cpis.work_state (one, filled, mac)
		VALUES (true, 0, $1)
		ON CONFLICT DO NOTHING`, tx.guard.mac(&WorkState{})); err != nil {
		return WorkState{}, err
	}
	return one(ctx, tx.q, "locking how far the lists are", scanner[WorkState](tx.guard), workState+`
		FOR UPDATE`)
}

// SetWorkState notes how far the lists are, which LockWorkState returned.
func (tx planWrites) SetWorkState(ctx context.Context, s *WorkState) error {
	return tx.execAll(ctx, 1, "noting how far the lists are", `
		UPDATE cpis.work_state
		SET day = $1, at = $2, filled = $3, mac = $4`, s.Day, s.At, s.Filled, tx.guard.mac(s))
}

// DayTag is the keyed hash of a day on which plans of an authority begin to ask for
// it, or cease to.
type DayTag struct {
	Tag       []byte
	Authority string
	Need      string
}

// Begin lists the plans that ask for their authorities from days on. Each is
// looked at as it is while nobody changes it.
func (tx planWrites) Begin(ctx context.Context, days []DayTag) error {
	by, tags := dayTags(days)
	ids, err := tx.plansOf(ctx, "comes", tags)
	if err != nil || len(ids) == 0 {
		return err
	}
	if _, err := tx.exec(ctx, "locking plans", `
		SELECT
		FROM cpis.plan AS l
		WHERE l.id = ANY ($1::uuid[])
		ORDER BY l.id
		FOR SHARE`, ids); err != nil {
		return err
	}
	rows, err := soundRows[PlanIndexRow](ctx, tx.queries, "reading what finds plans", `
		SELECT `+planIndexColumns+`
		FROM cpis.plan_index AS x
		WHERE x.plan_id = ANY ($1::uuid[])`, ids)
	if err != nil {
		return err
	}
	var items []WorkItemRow
	for i := range rows {
		if d, ok := by[string(rows[i].Comes)]; ok {
			items = append(items, WorkItemRow{rows[i].Plan, d.Authority, d.Need})
		}
	}
	return tx.insertItems(ctx, items)
}

// Cease takes from the list the plans that ask for their authorities before days,
// and from then on no more.
func (tx planWrites) Cease(ctx context.Context, days []DayTag) error {
	_, tags := dayTags(days)
	ids, err := tx.plansOf(ctx, "goes", tags)
	if err != nil || len(ids) == 0 {
		return err
	}
	_, err = tx.exec(ctx, "taking plans off the list", `
		DELETE FROM cpis.work_item
		WHERE plan_id = ANY ($1::uuid[])`, ids)
	return err
}

// plansOf returns the plans that have one of the hashes in a column.
func (tx planWrites) plansOf(ctx context.Context, column string, tags [][]byte) ([]uuid.UUID, error) {
	rows, err := soundRows[PlanIndexRow](ctx, tx.queries, "reading the calendar", `
		SELECT `+planIndexColumns+`
		FROM cpis.plan_index AS x
		WHERE x.`+column+` = ANY ($1::bytea[])`, tags)
	ids := make([]uuid.UUID, len(rows))
	for i := range rows {
		ids[i] = rows[i].Plan
	}
	return ids, err
}

// Holders returns the authorities that hold, or held, plans.
func (q planReads) Holders(ctx context.Context) ([]string, error) {
	return all(ctx, q.q, "finding authorities with plans", pgx.RowTo[string], `
		SELECT a.gss_code
		FROM cpis.authority AS a
		WHERE EXISTS (SELECT FROM cpis.holding AS h WHERE h.authority = a.gss_code)
		ORDER BY a.gss_code`)
}

func dayTags(days []DayTag) (by map[string]DayTag, tags [][]byte) {
	by, tags = make(map[string]DayTag, len(days)), make([][]byte, len(days))
	for i, d := range days {
		by[string(d.Tag)], tags[i] = d, d.Tag
	}
	return by, tags
}
