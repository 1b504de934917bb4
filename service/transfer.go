package service

import (
	"context"
	"errors"

	"cpis/policy"
	"cpis/service/identity"
	"cpis/service/keys"
	"cpis/service/store"
)

// Offer offers a plan to another authority.
type Offer struct {
	PlanID  string
	Version int    // that the caller saw
	To      string // GSS code of the authority that is to receive it
	Reason  string // for that authority to read
	Request string `json:"-"` // request id
}

// Offered is the answer to an Offer.
type Offered struct {
	Receipt `json:"-"`

	TransferID string
	Version    int // of the plan
}

// ProposeTransfer offers a plan of the caller's authority to another, which is
// told. Until that accepts, the plan stays the caller's, who may change it, and
// look-ups show both. The error is as of EndPlan; ErrState says that the plan
// was removed, has ended or is offered already, or that a change of its person
// waits for a second person.
func (s *Service) ProposeTransfer(ctx context.Context, c *identity.Caller, q *Offer) (*Offered, error) {
	check := checker{}
	check.seen(q.Version)
	to := check.requiredText("to", q.To, maxAuthority, exampleAuthority)
	if to == c.Organisation {
		check.add("to", "is your own authority", exampleAuthority)
	}
	reason := check.reason(q.Reason)
	a := planAct{
		caller: c, action: policy.ProposeTransfer, plan: q.PlanID, version: q.Version, word: wordProposed, reason: reason,
		request: q.Request, asks: q, check: check.err(),
	}
	return changePlan(ctx, s, &a, func(ctx context.Context, p *changing) (*Offered, error) {
		switch {
		case p.own.row.TransferTo != "":
			return nil, &StateError{"the plan is offered to another authority already: withdraw that, or wait until it is decided"}
		case p.own.ended(s.today()):
			return nil, p.hasEnded()
		}
		if err := p.nothingProposed(ctx, c.Organisation); err != nil {
			return nil, err
		}
		t, err := p.offer(ctx, to)
		if err != nil {
			return nil, err
		}
		p.tellOfTransfer(NoticeTransferProposed, &t, t.Receiver, reason)
		return &Offered{TransferID: t.ID.String(), Version: p.own.row.Version}, nil
	})
}

// exampleAuthority is a right GSS code, and maxAuthority how long one may be.
const (
	exampleAuthority = "E09000007"
	maxAuthority     = 16
)

// offer writes the transfer, and the plan's version that says so.
func (p *changing) offer(ctx context.Context, to string) (store.TransferRow, error) {
	p.own.row.TransferTo = to
	if err := p.write(ctx); err != nil {
		return store.TransferRow{}, unknownReceiver(err)
	}
	t := store.TransferRow{
		ID: newID(), Plan: p.own.row.ID, Person: p.about.row.ID, Sender: p.own.row.Authority, Receiver: to,
		State: string(Open), ProposedAt: p.own.row.At,
	}
	var err error
	if t.Proposed, err = sealJSON(p.about.key, transferTable, t.ID, transferProposed, p.by); err != nil {
		return store.TransferRow{}, err
	}
	return t, p.tx.InsertTransfer(ctx, &t)
}

// unknownReceiver says of an authority that does not exist that it does not.
// All else that a plan refers to is locked.
func unknownReceiver(err error) error {
	if !errors.Is(err, store.ErrNotFound) {
		return err
	}
	var v violations
	v.add("to", "must be the GSS code of a local authority with children's services", exampleAuthority)
	return v.err()
}

// What is sealed of a transfer counts as its versions.
const (
	transferTable    = "transfer"
	transferProposed = 1
	transferDecided  = 2
)

// tellOfTransfer tells the other side, whom it names: both know.
func (p *changing) tellOfTransfer(kind NoticeKind, t *store.TransferRow, to, why string) {
	p.s.tell(p.tx, news{
		to: to, kind: kind, person: p.about.row.ID, key: p.about.key, organisation: p.by.Organisation,
		reference: t.ID.String(), who: who{Name: p.by.Name}, text: why,
	})
}

// withdrawTransfer takes the open offer of the plan back, because the plan is
// removed. What its authority gave as the reason for that was not written for
// the other to read.
func (p *changing) withdrawTransfer(ctx context.Context) error {
	t, err := p.tx.OpenTransfer(ctx, p.own.row.ID)
	if err != nil {
		return err
	}
	by := p.by
	by.Act, by.Reason = wordWithdrawn, reasonRemoved
	if err := p.settle(ctx, &t, Withdrawn, by); err != nil {
		return err
	}
	p.tellOfTransfer(NoticeTransferDecided, &t, t.Receiver, by.Reason)
	return nil
}

// reasonRemoved is why a transfer was withdrawn of a plan that was removed.
const reasonRemoved = "The plan was removed: it was entered in error."

// settle writes what became of a transfer. The plan's next version is yet to be
// written.
func (p *changing) settle(ctx context.Context, t *store.TransferRow, state State, by change) error {
	now := p.s.moment()
	t.State, t.DecidedAt = string(state), &now
	var err error
	if t.Decided, err = sealJSON(p.about.key, transferTable, t.ID, transferDecided, by); err != nil {
		return err
	}
	p.own.row.TransferTo = ""
	return p.tx.DecideTransfer(ctx, t)
}

// openChange opens what was said about a transfer.
func (s *Service) openChange(key *keys.DataKey, t *store.TransferRow, version int) (change, error) {
	var by change
	sealed := t.Proposed
	if version == transferDecided {
		sealed = t.Decided
	}
	if openJSON(key, transferTable, t.ID, version, sealed, &by) != nil {
		return change{}, s.damaged(transferTable)
	}
	return by, nil
}
