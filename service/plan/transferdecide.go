package plan

import (
	"context"

	"github.com/google/uuid"

	"cpis/audit"
	"cpis/policy"
	"cpis/service/domain"
	"cpis/service/guard"
	"cpis/service/identity"
	"cpis/service/notice"
	"cpis/service/record"
	"cpis/service/store"
)

// DecideTransferRequest decides about a transfer.
type DecideTransferRequest struct {
	TransferID string
	Decision   domain.Decision
	Reason     string
	Reference  string // the receiving authority's own for the plan, on acceptance
	Request    string `json:"-"` // request id
}

// DecideTransferResult is the answer to DecideTransfer.
type DecideTransferResult struct {
	guard.Receipt `json:"-"`

	State   domain.State
	Version int // of the plan
}

// DecideTransfer accepts or declines a plan that was offered to the caller's
// authority, or withdraws one that it offered; the other side is told. On
// acceptance the plan is the receiver's at once: it must not overlap with
// another of the same kind that the receiver holds. Its own errors are
// ErrNotFound (also for transfers between others) and ErrState (somebody has
// decided).
func (s *Plans) DecideTransfer(ctx context.Context, c *identity.Caller, q *DecideTransferRequest) (*DecideTransferResult, error) {
	check := domain.Reader{}
	check.Decision(q.Decision)
	reason := check.Reason(q.Reason)
	reference := check.Text("reference", q.Reference, domain.MaxReferenceLength, domain.ExampleReference)
	if q.Decision != domain.Accept && reference != "" {
		check.Add("reference", "is for accepting only", "")
	}
	a := guard.Act{
		Caller: c, Action: policy.DecideTransfer, Own: true, Request: q.Request, Asks: q, Check: check.Err(),
		Target: guard.Target(guard.KindTransfer, q.TransferID),
		Prepare: func(ctx context.Context) error {
			s.fetchKeyOfTransfer(ctx, c.Organisation, q.TransferID)
			return nil
		},
	}
	return guard.Once(ctx, s.guard, a, func(ctx context.Context, tx *store.Tx, e *audit.Entry) (*DecideTransferResult, error) {
		p := &changing{s: s, tx: tx, entry: e, by: record.AuthorOf(c, transferWord(q.Decision), reason)}
		t, err := p.lockTransfer(ctx, q)
		if err != nil {
			return nil, err
		}
		if err := p.decide(ctx, &t, q.Decision, reference); err != nil {
			return nil, err
		}
		return &DecideTransferResult{State: domain.State(t.State), Version: p.own.Row.Version}, nil
	})
}

// transferWord names a decision in the version that it makes.
func transferWord(d domain.Decision) string {
	switch d {
	case domain.Accept:
		return record.ActAccepted
	case domain.Decline:
		return record.ActDeclined
	case domain.Withdraw:
		return record.ActWithdrawn
	}
	return ""
}

// fetchKeyOfTransfer is FetchKey for the person whom a transfer is about.
func (s *Plans) fetchKeyOfTransfer(ctx context.Context, authority, id string) {
	ctx, cancel := context.WithTimeout(ctx, record.KeyWait)
	defer cancel()
	t, err := guard.FindOwn(ctx, s.db.Transfers.Get, authority, id)
	if err == nil {
		s.records.FetchKeyFor(ctx, t.Person)
	}
}

// lockTransfer finds the transfer, locks whom it is about, and opens the plan
// with those of the authority that will hold it.
func (p *changing) lockTransfer(ctx context.Context, q *DecideTransferRequest) (store.TransferRow, error) {
	t, err := guard.FindOwn(ctx, p.tx.Transfers.Get, p.by.Organisation, q.TransferID)
	if err != nil {
		return t, err
	}
	if err := mayDecide(&t, p.by.Organisation, q.Decision); err != nil {
		return t, err
	}
	if _, err := p.tx.People.Lock(ctx, []uuid.UUID{t.Person}); err != nil {
		return t, err
	}
	if t, err = p.tx.Transfers.Get(ctx, t.ID); err != nil { // as it is now that the person is locked
		return t, err
	}
	plan, err := p.tx.Plans.Get(ctx, t.Plan)
	if err != nil {
		return t, err
	}
	holder := t.Sender
	if q.Decision == domain.Accept {
		holder = t.Receiver
	}
	if err := p.lock(ctx, &plan, holder); err != nil {
		return t, err
	}
	if domain.State(t.State) != domain.Open {
		return t, &guard.StateError{Problem: "the transfer was decided before: it is " + t.State}
	}
	return t, nil
}

// mayDecide says who decides what: the receiver accepts or declines, the sender
// withdraws.
func mayDecide(t *store.TransferRow, authority string, d domain.Decision) error {
	var v domain.Violations
	switch {
	case d == domain.Withdraw && authority != t.Sender:
		v.Add("decision", "must not be withdraw: only the authority that offers the plan can withdraw it; decline it instead", string(domain.Decline))
	case d != domain.Withdraw && authority != t.Receiver:
		v.Add("decision", "must be withdraw: only the authority that the plan is offered to can accept or decline it", string(domain.Withdraw))
	}
	return v.Err()
}

// decide writes what becomes of the transfer and of the plan, and tells the
// other side; on acceptance also what stands open.
func (p *changing) decide(ctx context.Context, t *store.TransferRow, d domain.Decision, reference string) error {
	other := t.Sender
	if d == domain.Withdraw {
		other = t.Receiver
	}
	if d == domain.Accept {
		p.own.Row.Authority, p.own.Reference = t.Receiver, reference
		if held := p.clashing(); held != nil {
			var v domain.Violations
			v.Add("decision", "cannot be accept, because the plan overlaps with "+held.Name()+
				" of the same kind: end that one first, or correct its dates", string(domain.Decline))
			return v.Err()
		}
		if err := p.nothingProposed(ctx, t.Sender); err != nil {
			return err
		}
		if err := p.handOn(ctx, t); err != nil {
			return err
		}
	}
	if err := p.settle(ctx, t, d.LeadsTo(), p.by); err != nil {
		return err
	}
	if err := p.write(ctx); err != nil {
		return err
	}
	p.tellOfTransfer(notice.TransferDecided, t, other, p.by.Reason)
	if d == domain.Accept {
		return p.tellOverlaps(ctx, nil)
	}
	return nil
}
