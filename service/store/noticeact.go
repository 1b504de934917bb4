package store

import (
	"context"
	"time"

	"github.com/google/uuid"
)

// NoticeActRow is something that was done with a notice.
type NoticeActRow struct {
	Notice     uuid.UUID
	Version    int    // of the notice, that it made
	Act        string // "acknowledge" or "assign"
	Outcome    string // of an acknowledgement
	AssignedTo string // of an assignment
	Actor      string
	At         time.Time
	Sealed     []byte // who it was, and in words, under the person's key; nil if there is none
}

const noticeActColumns = `c.notice_id, c.version, c.act, c.outcome, c.assigned_to, c.actor, c.at, c.sealed, c.mac`

// targets are where the columns of an act go.
func (r *NoticeActRow) targets() []any {
	return []any{&r.Notice, &r.Version, &r.Act, &r.Outcome, &r.AssignedTo, &r.Actor, &r.At, &r.Sealed}
}

func (r *NoticeActRow) cover(c *cover) {
	c.of("notice_act")
	c.id("notice_id", r.Notice)
	c.int("version", r.Version)
	c.str("act", r.Act)
	c.str("outcome", r.Outcome)
	c.str("assigned_to", r.AssignedTo)
	c.str("actor", r.Actor)
	c.time("at", r.At)
	c.bool("sealed", r.Sealed != nil) // what is sealed proves itself, but not that it is there
}

// Acts on notices.
const (
	actAcknowledge = "acknowledge"
	actAssign      = "assign"
)

// after returns the notice as an act leaves it.
func (n *NoticeRow) after(r *NoticeActRow) *NoticeRow {
	next := *n
	next.Version = r.Version
	switch {
	case r.Act == actAcknowledge && n.AcknowledgedAt == nil:
		next.AcknowledgedAt = &r.At
	case r.Act == actAssign:
		next.AssignedTo = r.AssignedTo
	}
	return &next
}

// Act records that something was done with a notice, which is locked.
// The act carries the new version, which must be one more than the stored one,
// else the error is ErrConflict.
func (tx noticeWrites) Act(ctx context.Context, n *NoticeRow, r *NoticeActRow) error {
	next := n.after(r)
	return tx.execAll(ctx, 1, "acting on notice", `
		WITH updated AS (
		    UPDATE cpis.notice
		    SET version = $2, acknowledged_at = $9, assigned_to = $10, mac = $11
		    WHERE id = $1
		      AND version = $2 - 1
		    RETURNING id
		)
		INSERT INTO cpis.notice_act (notice_id, version, act, outcome, assigned_to, actor, at, sealed, mac)
		SELECT id, $2, $3, $4, $5, $6, $7, $8, $12
		FROM updated`, r.Notice, r.Version, r.Act, r.Outcome, r.AssignedTo, r.Actor, r.At, r.Sealed,
		next.AcknowledgedAt, next.AssignedTo, tx.guard.mac(next), tx.guard.mac(r))
}

// Acts returns what was done with a notice, the oldest first. Each act made a
// version: if one is missing, the error is ErrDamaged.
func (q noticeReads) Acts(ctx context.Context, n *NoticeRow) ([]NoticeActRow, error) {
	const doing = "reading acts on notice"
	acts, err := all(ctx, q.q, doing, scanner[NoticeActRow](q.guard), `
		SELECT `+noticeActColumns+`
		FROM cpis.notice_act AS c
		WHERE c.notice_id = $1
		ORDER BY c.version`, n.ID)
	missing := len(acts) < n.Version-1
	for i := range acts {
		missing = missing || acts[i].Version != i+2
	}
	if err == nil && missing {
		q.guard.report("notice_act")
		err = &failure{doing: doing, kinds: []error{ErrDamaged}}
	}
	return acts, err
}
