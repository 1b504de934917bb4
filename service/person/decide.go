package person

import (
	"context"

	"cpis/audit"
	"cpis/policy"
	"cpis/service/domain"
	"cpis/service/guard"
	"cpis/service/identity"
	"cpis/service/record"
	"cpis/service/store"
)

// DecideChangeRequest decides about a proposal.
type DecideChangeRequest struct {
	ChangeID string
	Decision domain.Decision
	Reason   string
	Request  string `json:"-"` // request id
}

// DecideChangeResult is the answer to DecideChange.
type DecideChangeResult struct {
	guard.Receipt `json:"-"`

	State domain.State
}

// DecideChange accepts or declines what somebody of the caller's authority
// proposed, or takes back what the caller proposed. Nobody accepts what they
// proposed themselves. What is accepted is done at once. The errors are
// those of ProposeChange, and ErrSamePerson; a *StateError may also say that somebody has
// decided, or that another change has overtaken the proposal.
func (s *Persons) DecideChange(ctx context.Context, c *identity.Caller, q *DecideChangeRequest) (*DecideChangeResult, error) {
	check := domain.Reader{}
	check.Decision(q.Decision)
	d := deciding{s: s, ruling: q, who: actorOf(c), by: record.AuthorOf(c, string(q.Decision), check.Reason(q.Reason))}
	a := guard.Act{
		Caller: c, Action: policy.DecideChange, Own: true, Request: q.Request, Asks: q, Check: check.Err(),
		Target: guard.Target(guard.KindProposal, q.ChangeID),
		Prepare: func(ctx context.Context) error {
			s.fetchKeysOfProposal(ctx, c.Organisation, q.ChangeID)
			return nil
		},
	}
	return guard.Once(ctx, s.guard, a, func(ctx context.Context, tx *store.Tx, e *audit.Entry) (*DecideChangeResult, error) {
		return &DecideChangeResult{State: q.Decision.LeadsTo()}, d.run(ctx, tx, e)
	})
}

// deciding is a decision on its way through the guard.
type deciding struct {
	s      *Persons
	ruling *DecideChangeRequest
	who    actor
	by     record.Author
}

// run decides the proposal. It may run again.
func (d *deciding) run(ctx context.Context, tx *store.Tx, e *audit.Entry) error {
	p, err := d.lock(ctx, tx)
	if err != nil {
		return err
	}
	e.Subject, e.Restricted = d.s.records.Subject(p.said.Person.NHSNumber), p.restricted()
	if err := d.mayDecide(p); err != nil {
		return err
	}
	to := d.ruling.Decision.LeadsTo()
	e.Reason = p.row.Kind + "_" + string(to)
	said := decided{Change: d.by}
	if to == domain.Accepted {
		if err := d.accept(ctx, tx, e, p, &said); err != nil {
			return err
		}
	}
	p.row.State, p.row.DecidedAt = string(to), d.s.clock.Moment()
	p.row.DecidedBy, p.row.DecidedIssuer = d.by.Actor, d.who.Issuer
	if p.row.Decided, err = record.SealJSON(p.into.Key, saidIn(p.row.ID, versionDecided), said); err != nil {
		return err
	}
	return tx.Proposals.Decide(ctx, &p.row)
}

// mayDecide says who decides what, and that it is decided once. Who proposed is
// what was sealed then.
func (d *deciding) mayDecide(p *lockedProposal) error {
	switch {
	case domain.State(p.row.State) != domain.Open:
		return &guard.StateError{Problem: "the proposal was decided before: it is " + p.row.State}
	case d.ruling.Decision == domain.Accept:
		return secondPerson(ChangeKind(p.row.Kind), p.said.By, d.who)
	case d.ruling.Decision == domain.Withdraw && !p.said.By.is(d.who):
		var v domain.Violations
		v.Add("decision", "must not be withdraw: only who made the proposal can withdraw it; decline it instead", string(domain.Decline))
		return v.Err()
	}
	return nil
}

// accept does what was proposed.
func (d *deciding) accept(ctx context.Context, tx *store.Tx, e *audit.Entry, p *lockedProposal, said *decided) error {
	switch ChangeKind(p.row.Kind) {
	case Merge:
		return d.merge(ctx, tx, e, p, said)
	case Unmerge:
		return d.unmerge(ctx, tx, e, p)
	case Restrict, LiftRestriction:
		return d.restrict(ctx, tx, e, p)
	}
	return guard.ErrDamaged
}

// lockedProposal is a proposal that nobody else decides meanwhile, and whom its
// numbers lead to now: nobody of them changes either.
type lockedProposal struct {
	proposal

	said  proposed
	found map[store.Tag]store.PersonRow
}

// lock finds the proposal, and locks and opens whom it is about, and whom its
// numbers lead to.
func (d *deciding) lock(ctx context.Context, tx *store.Tx) (*lockedProposal, error) {
	row, err := guard.FindOwn(ctx, tx.Proposals.Get, d.by.Organisation, d.ruling.ChangeID)
	if err != nil {
		return nil, err
	}
	// What was proposed never changes, nor does the key: both can be read before
	// anybody is locked, and all must be locked in one order.
	about, err := record.FindOne(ctx, tx.People.ByID, row.Person)
	if err != nil {
		return nil, err
	}
	if err := d.s.records.UnwrapKeys(ctx, []*record.Record{about}); err != nil {
		return nil, err
	}
	p := &lockedProposal{found: map[store.Tag]store.PersonRow{}}
	if p.said, err = d.s.openProposed(about.Key, &row); err != nil {
		return nil, err
	}
	tags := d.s.records.StoreTags(p.said.Person.NHSNumber)
	if n := p.said.From.NHSNumber; !n.IsZero() {
		tags = append(tags, d.s.records.StoreTags(n)...)
	}
	found, byID, err := tx.People.LockFor(ctx, tags, parties(&row))
	if err != nil {
		return nil, err
	}
	for _, t := range found {
		p.found[t.Tag] = t.PersonRow
	}
	if p.row, err = tx.Proposals.Get(ctx, row.ID); err != nil { // as it is now that its persons are locked
		return nil, err
	}
	return p, d.s.openParties(ctx, &p.proposal, byID)
}

// openParties opens the persons of a proposal, which are locked.
func (s *Persons) openParties(ctx context.Context, p *proposal, rows []store.PersonRow) error {
	var all []*record.Record
	for _, row := range rows {
		h := &record.Record{Row: row}
		if h.Erased() {
			return guard.ErrNotFound
		}
		all = append(all, h)
		if row.ID == p.row.Person {
			p.into = h
		} else {
			p.from = h
		}
	}
	return s.records.OpenAlone(ctx, all...)
}

// holder returns whom a number of the proposal identifies now; nil if nobody.
func (p *lockedProposal) holder(s *Persons, n domain.NHSNumber) *record.Record {
	for _, t := range s.records.StoreTags(n) {
		row, ok := p.found[t]
		switch {
		case !ok:
		case row.ID == p.into.Row.ID:
			return p.into
		case p.from != nil && row.ID == p.from.Row.ID:
			return p.from
		default:
			return &record.Record{Row: row}
		}
	}
	return nil
}

// errOvertaken says that a proposal does not fit what is held any more.
var errOvertaken = &guard.StateError{Problem: "another change has overtaken the proposal: decline it, and propose anew what is still wanted"}
