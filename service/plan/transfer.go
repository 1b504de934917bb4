package plan

import (
	"context"
	"errors"

	"github.com/google/uuid"

	"cpis/policy"
	"cpis/service/domain"
	"cpis/service/guard"
	"cpis/service/identity"
	"cpis/service/keys"
	"cpis/service/notice"
	"cpis/service/record"
	"cpis/service/store"
)

// ProposeTransferRequest offers a plan to another authority.
type ProposeTransferRequest struct {
	PlanID  string
	Version int    // that the caller saw
	To      string // GSS code of the authority that is to receive it
	Reason  string // for that authority to read
	Request string `json:"-"` // request id
}

// ProposeTransferResult is the answer to ProposeTransfer.
type ProposeTransferResult struct {
	guard.Receipt `json:"-"`

	TransferID string
	Version    int // of the plan
}

// ProposeTransfer offers a plan of the caller's authority to another, which is
// told. Until that accepts, the plan stays the caller's, who may change it, and
// look-ups show both. The errors are those of EndPlan; ErrState says that the
// plan was removed, has ended or is offered already, or that a change of its person
// waits for a second person.
func (s *Plans) ProposeTransfer(ctx context.Context, c *identity.Caller, q *ProposeTransferRequest) (*ProposeTransferResult, error) {
	check := domain.Reader{}
	check.Seen(q.Version)
	to := check.RequiredText("to", q.To, domain.MaxAuthority, exampleAuthority)
	if to == c.Organisation {
		check.Add("to", "is your own authority", exampleAuthority)
	}
	reason := check.Reason(q.Reason)
	a := planAct{
		caller: c, action: policy.ProposeTransfer, plan: q.PlanID, version: q.Version, word: record.ActProposed, reason: reason,
		request: q.Request, asks: q, check: check.Err(),
	}
	return changePlan(ctx, s, &a, func(ctx context.Context, p *changing) (*ProposeTransferResult, error) {
		switch {
		case p.own.Row.TransferTo != "":
			return nil, &guard.StateError{Problem: "the plan is offered to another authority already: withdraw that, or wait until it is decided"}
		case p.own.Ended(s.clock.Today()):
			return nil, p.hasEnded()
		}
		if err := p.nothingProposed(ctx, c.Organisation); err != nil {
			return nil, err
		}
		t, err := p.offer(ctx, to)
		if err != nil {
			return nil, err
		}
		p.tellOfTransfer(notice.TransferProposed, &t, t.Receiver, reason)
		guard.ShowOne(p.entry, guard.KindTransfer, t.ID)
		return &ProposeTransferResult{TransferID: t.ID.String(), Version: p.own.Row.Version}, nil
	})
}

const (
	exampleAuthority = "E09000007"
)

// offer writes the transfer, and the plan's version that says so.
func (p *changing) offer(ctx context.Context, to string) (store.TransferRow, error) {
	p.own.Row.TransferTo = to
	if err := p.write(ctx); err != nil {
		return store.TransferRow{}, unknownReceiver(err)
	}
	t := store.TransferRow{
		ID: guard.NewID(), Plan: p.own.Row.ID, Person: p.about.Row.ID, Sender: p.own.Row.Authority, Receiver: to,
		State: string(domain.Open), ProposedAt: p.own.Row.At,
	}
	var err error
	if t.Proposed, err = record.SealJSON(p.about.Key, saidIn(t.ID, transferProposed), p.by); err != nil {
		return store.TransferRow{}, err
	}
	return t, p.tx.Transfers.Insert(ctx, &t)
}

// unknownReceiver says of an authority that does not exist that it does not.
// All else that a plan refers to is locked.
func unknownReceiver(err error) error {
	if !errors.Is(err, store.ErrNotFound) {
		return err
	}
	var v domain.Violations
	v.Add("to", "must be the GSS code of a local authority with children's services", exampleAuthority)
	return v.Err()
}

// What is sealed of a transfer counts as its versions.
const (
	transferProposed = 1
	transferDecided  = 2
)

func saidIn(transfer uuid.UUID, version int) keys.Context {
	return record.DetailsContext(record.TableTransfer, transfer, version)
}

// tellOfTransfer tells the other side, whom it names: both know.
func (p *changing) tellOfTransfer(kind notice.Kind, t *store.TransferRow, to, why string) {
	p.s.notices.Tell(p.tx, notice.News{
		To: to, Kind: kind, Person: p.about.Row.ID, Key: p.about.Key, Organisation: p.by.Organisation,
		Reference: t.ID.String(), Who: record.Who{Name: p.by.Name}, Text: why,
	})
}

// withdrawTransfer takes the open offer of the plan back, because the plan is
// removed. What its authority gave as the reason for that was not written for
// the other to read.
func (p *changing) withdrawTransfer(ctx context.Context) error {
	t, err := p.tx.Transfers.Open(ctx, p.own.Row.ID)
	if err != nil {
		return err
	}
	by := p.by
	by.Act, by.Reason = record.ActWithdrawn, reasonRemoved
	if err := p.settle(ctx, &t, domain.Withdrawn, by); err != nil {
		return err
	}
	p.tellOfTransfer(notice.TransferDecided, &t, t.Receiver, by.Reason)
	return nil
}

// reasonRemoved is why a transfer was withdrawn of a plan that was removed.
const reasonRemoved = "The plan was removed: it was entered in error."

// settle writes what became of a transfer. The plan's next version is yet to be
// written.
func (p *changing) settle(ctx context.Context, t *store.TransferRow, state domain.State, by record.Author) error {
	now := p.s.clock.Moment()
	t.State, t.DecidedAt = string(state), &now
	var err error
	if t.Decided, err = record.SealJSON(p.about.Key, saidIn(t.ID, transferDecided), by); err != nil {
		return err
	}
	p.own.Row.TransferTo = ""
	return p.tx.Transfers.Decide(ctx, t)
}

// openChange opens what was said about a transfer.
func (s *Plans) openChange(key *keys.DataKey, t *store.TransferRow, version int) (record.Author, error) {
	var by record.Author
	sealed := t.Proposed
	if version == transferDecided {
		sealed = t.Decided
	}
	if record.OpenJSON(key, saidIn(t.ID, version), sealed, &by) != nil {
		return record.Author{}, s.records.Damaged(record.TableTransfer)
	}
	return by, nil
}
