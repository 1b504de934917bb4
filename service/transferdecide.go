package service

import (
	"context"
	"errors"

	"github.com/google/uuid"

	"cpis/audit"
	"cpis/policy"
	"cpis/service/identity"
	"cpis/service/store"
)

// Settlement decides about a transfer.
type Settlement struct {
	TransferID string
	Decision   Decision
	Reason     string
	Reference  string // the receiving authority's own for the plan, on acceptance
	Request    string `json:"-"` // request id
}

// Settled is the answer to a Settlement.
type Settled struct {
	Receipt `json:"-"`

	State   State
	Version int // of the plan
}

// DecideTransfer accepts or declines a plan that was offered to the caller's
// authority, or withdraws one that it offered; the other side is told. On
// acceptance the plan is the receiver's at once: it must not overlap with
// another of the same kind that the receiver holds. The error is ErrDenied,
// *InvalidError, *OverloadedError, ErrNotFound (also for transfers between
// others), ErrState (somebody has decided), ErrReused, ErrUnrecorded,
// ErrUnavailable or ErrDamaged.
func (s *Service) DecideTransfer(ctx context.Context, c *identity.Caller, q *Settlement) (*Settled, error) {
	check := checker{}
	check.decision(q.Decision)
	reason := check.reason(q.Reason)
	reference := check.text("reference", q.Reference, maxReferenceLength, exampleReference)
	if q.Decision != Accept && reference != "" {
		check.add("reference", "is for accepting only", "")
	}
	a := act{
		caller: c, action: policy.DecideTransfer, own: true, request: q.Request, asks: q, check: check.err(),
		prepare: func(ctx context.Context) error {
			s.fetchKeyOfTransfer(ctx, c.Organisation, q.TransferID)
			return nil
		},
	}
	return once(ctx, s, a, func(ctx context.Context, tx *store.Tx, e *audit.Entry) (*Settled, error) {
		p := &changing{s: s, tx: tx, entry: e, by: changeBy(c, transferWord(q.Decision), reason)}
		t, err := p.lockTransfer(ctx, q)
		if err != nil {
			return nil, err
		}
		if err := p.decide(ctx, &t, q.Decision, reference); err != nil {
			return nil, err
		}
		return &Settled{State: State(t.State), Version: p.own.row.Version}, nil
	})
}

// transferWord names a decision in the version that it makes.
func transferWord(d Decision) string {
	switch d {
	case Accept:
		return wordAccepted
	case Decline:
		return wordDeclined
	case Withdraw:
		return wordWithdrawn
	}
	return ""
}

// findTransfer finds a transfer to or from an authority. One between others is
// not found, like one that does not exist.
func findTransfer(
	ctx context.Context, find func(context.Context, uuid.UUID) (store.TransferRow, error), authority, id string,
) (store.TransferRow, error) {
	parsed, err := uuid.Parse(id)
	if err != nil {
		return store.TransferRow{}, ErrNotFound
	}
	t, err := find(ctx, parsed)
	if errors.Is(err, store.ErrNotFound) || err == nil && t.Sender != authority && t.Receiver != authority {
		return store.TransferRow{}, ErrNotFound
	}
	return t, err
}

// fetchKeyOfTransfer is fetchKey for the person whom a transfer is about.
func (s *Service) fetchKeyOfTransfer(ctx context.Context, authority, id string) {
	ctx, cancel := context.WithTimeout(ctx, keyWait)
	defer cancel()
	t, err := findTransfer(ctx, s.db.Transfer, authority, id)
	if err == nil {
		s.fetchKeyFor(ctx, t.Person)
	}
}

// lockTransfer finds the transfer, locks whom it is about, and opens the plan
// with those of the authority that will hold it.
func (p *changing) lockTransfer(ctx context.Context, q *Settlement) (store.TransferRow, error) {
	t, err := findTransfer(ctx, p.tx.Transfer, p.by.Organisation, q.TransferID)
	if err != nil {
		return t, err
	}
	if err := mayDecide(&t, p.by.Organisation, q.Decision); err != nil {
		return t, err
	}
	if _, err := p.tx.LockPersons(ctx, []uuid.UUID{t.Person}); err != nil {
		return t, err
	}
	if t, err = p.tx.Transfer(ctx, t.ID); err != nil { // as it is now that the person is locked
		return t, err
	}
	plan, err := p.tx.Plan(ctx, t.Plan)
	if err != nil {
		return t, err
	}
	holder := t.Sender
	if q.Decision == Accept {
		holder = t.Receiver
	}
	if err := p.lock(ctx, &plan, holder); err != nil {
		return t, err
	}
	if State(t.State) != Open {
		return t, &StateError{"the transfer was decided before: it is " + t.State}
	}
	return t, nil
}

// mayDecide says who decides what: the receiver accepts or declines, the sender
// withdraws.
func mayDecide(t *store.TransferRow, authority string, d Decision) error {
	var v violations
	switch {
	case d == Withdraw && authority != t.Sender:
		v.add("decision", "can be withdraw only for the authority that offers the plan: decline it instead", string(Decline))
	case d != Withdraw && authority != t.Receiver:
		v.add("decision", "can be accept or decline only for the authority that the plan is offered to: withdraw it instead", string(Withdraw))
	}
	return v.err()
}

// decide writes what becomes of the transfer and of the plan, and tells the
// other side; on acceptance also what stands open.
func (p *changing) decide(ctx context.Context, t *store.TransferRow, d Decision, reference string) error {
	other := t.Sender
	if d == Withdraw {
		other = t.Receiver
	}
	if d == Accept {
		p.own.row.Authority, p.own.Reference = t.Receiver, reference
		if held := p.clashing(); held != nil {
			var v violations
			v.add("decision", "cannot be accept while the plan overlaps with "+held.name()+
				" of the same kind: end that one first, or correct its dates", string(Decline))
			return v.err()
		}
		if err := p.nothingProposed(ctx, t.Sender); err != nil {
			return err
		}
		if err := p.handOn(ctx, t); err != nil {
			return err
		}
	}
	if err := p.settle(ctx, t, d.leadsTo(), p.by); err != nil {
		return err
	}
	if err := p.write(ctx); err != nil {
		return err
	}
	p.tellOfTransfer(NoticeTransferDecided, t, other, p.by.Reason)
	if d == Accept {
		return p.tellOverlaps(ctx, nil)
	}
	return nil
}
