package store

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// TransferRow is a plan that one authority offers, or offered, to another.
type TransferRow struct {
	ID, Plan, Person uuid.UUID
	Sender, Receiver string // GSS codes
	State            string
	ProposedAt       time.Time
	Proposed         []byte     // by whom and why, under the person's key
	DecidedAt        *time.Time // nil while it is open
	Decided          []byte     // likewise
}

const transferColumns = `t.id, t.plan_id, t.person_id, t.sender, t.receiver, t.state, t.proposed_at, t.proposed, t.decided_at, t.decided, t.mac`

// targets are where the columns of a transfer go.
func (t *TransferRow) targets() []any {
	return []any{&t.ID, &t.Plan, &t.Person, &t.Sender, &t.Receiver, &t.State, &t.ProposedAt, &t.Proposed, &t.DecidedAt, &t.Decided}
}

func (t *TransferRow) cover(c *cover) {
	c.of("transfer")
	c.id("id", t.ID)
	c.id("plan_id", t.Plan)
	c.id("person_id", t.Person)
	c.str("sender", t.Sender)
	c.str("receiver", t.Receiver)
	c.str("state", t.State)
	c.time("proposed_at", t.ProposedAt)
	c.maybe("decided_at", t.DecidedAt)
}

func (q queries) scanTransfer(row pgx.CollectableRow) (TransferRow, error) {
	return scanner[TransferRow](q.guard)(row)
}

// Get returns a transfer; ErrNotFound if there is none with that id.
func (q transferReads) Get(ctx context.Context, id uuid.UUID) (TransferRow, error) {
	return one(ctx, q.q, "reading transfer", q.scanTransfer, `
		SELECT `+transferColumns+`
		FROM cpis.transfer AS t
		WHERE t.id = $1`, id)
}

// Open returns the transfer of a plan that nobody has decided about;
// ErrNotFound if there is none.
func (q transferReads) Open(ctx context.Context, plan uuid.UUID) (TransferRow, error) {
	return one(ctx, q.q, "reading open transfer", q.scanTransfer, `
		SELECT `+transferColumns+`
		FROM cpis.transfer AS t
		WHERE t.plan_id = $1
		  AND t.state = 'open'`, plan)
}

// List pages through the transfers from and to an authority, the newest
// first; start before the greatest id.
func (q transferReads) List(ctx context.Context, authority string, openOnly bool, before uuid.UUID, limit int) ([]TransferRow, error) {
	return all(ctx, q.q, "reading transfers", q.scanTransfer, `
		SELECT `+transferColumns+`
		FROM (
		    (SELECT *
		     FROM cpis.transfer
		     WHERE sender = $1
		       AND id < $2
		       AND (NOT $3 OR state = 'open')
		     ORDER BY id DESC
		     LIMIT $4)
		    UNION ALL
		    (SELECT *
		     FROM cpis.transfer
		     WHERE receiver = $1
		       AND id < $2
		       AND (NOT $3 OR state = 'open')
		     ORDER BY id DESC
		     LIMIT $4)
		) AS t
		ORDER BY t.id DESC
		LIMIT $4`, authority, before, openOnly, limit)
}

// Insert offers a plan. ErrNotFound says that there is no such
// receiver, ErrConflict that the plan is offered already.
func (tx transferWrites) Insert(ctx context.Context, t *TransferRow) error {
	return tx.execAll(ctx, 1, "offering plan", `
		INSERT INTO cpis.transfer (id, plan_id, person_id, sender, receiver, state, proposed_at, proposed, mac)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
		t.ID, t.Plan, t.Person, t.Sender, t.Receiver, t.State, t.ProposedAt, t.Proposed, tx.guard.mac(t))
}

// Decide writes state and decision of a transfer. ErrConflict says that
// somebody has decided already.
func (tx transferWrites) Decide(ctx context.Context, t *TransferRow) error {
	return tx.execAll(ctx, 1, "deciding about transfer", `
		UPDATE cpis.transfer
		SET state = $2, decided_at = $3, decided = $4, mac = $5
		WHERE id = $1
		  AND state = 'open'`, t.ID, t.State, t.DecidedAt, t.Decided, tx.guard.mac(t))
}
