package service

import (
	"context"

	"cpis/audit"
	"cpis/policy"
	"cpis/service/identity"
	"cpis/service/store"
)

// Ruling decides about a proposal.
type Ruling struct {
	ChangeID string
	Decision Decision
	Reason   string
	Request  string `json:"-"` // request id
}

// Ruled is the answer to a Ruling.
type Ruled struct {
	Receipt `json:"-"`

	State State
}

// DecideChange accepts or declines what somebody of the caller's authority
// proposed, or takes back what the caller proposed. Nobody accepts what they
// proposed themselves. What is accepted is done at once. The error is as of
// ProposeChange, and ErrSamePerson; a *StateError may also say that somebody has
// decided, or that another change has overtaken the proposal.
func (s *Service) DecideChange(ctx context.Context, c *identity.Caller, q *Ruling) (*Ruled, error) {
	check := checker{}
	check.decision(q.Decision)
	d := deciding{s: s, ruling: q, who: actorOf(c), by: changeBy(c, string(q.Decision), check.reason(q.Reason))}
	a := act{
		caller: c, action: policy.DecideChange, own: true, request: q.Request, asks: q, check: check.err(),
		prepare: func(ctx context.Context) error {
			s.fetchKeysOfProposal(ctx, c.Organisation, q.ChangeID)
			return nil
		},
	}
	return once(ctx, s, a, func(ctx context.Context, tx *store.Tx, e *audit.Entry) (*Ruled, error) {
		return &Ruled{State: q.Decision.leadsTo()}, d.run(ctx, tx, e)
	})
}

// deciding is a Ruling on its way through the door.
type deciding struct {
	s      *Service
	ruling *Ruling
	who    actor
	by     change
}

// run decides the proposal. It may run again.
func (d *deciding) run(ctx context.Context, tx *store.Tx, e *audit.Entry) error {
	p, err := d.lock(ctx, tx)
	if err != nil {
		return err
	}
	e.Subject, e.Restricted = d.s.subject(p.said.Person.NHSNumber), p.restricted()
	if err := d.mayDecide(p); err != nil {
		return err
	}
	to := d.ruling.Decision.leadsTo()
	e.Reason = p.row.Kind + "_" + string(to)
	said := decided{Change: d.by}
	if to == Accepted {
		if err := d.accept(ctx, tx, e, p, &said); err != nil {
			return err
		}
	}
	p.row.State, p.row.DecidedAt = string(to), d.s.moment()
	p.row.DecidedBy, p.row.DecidedIssuer = d.by.Actor, d.who.Issuer
	if p.row.Decided, err = sealJSON(p.into.key, proposalTable, p.row.ID, versionDecided, said); err != nil {
		return err
	}
	return tx.DecideProposal(ctx, &p.row)
}

// mayDecide says who decides what, and that it is decided once. Who proposed is
// what was sealed then.
func (d *deciding) mayDecide(p *lockedProposal) error {
	switch {
	case State(p.row.State) != Open:
		return &StateError{"the proposal was decided before: it is " + p.row.State}
	case d.ruling.Decision == Accept:
		return secondPerson(ChangeKind(p.row.Kind), p.said.By, d.who)
	case d.ruling.Decision == Withdraw && !p.said.By.is(d.who):
		var v violations
		v.add("decision", "can be withdraw only for who made the proposal: decline it instead", string(Decline))
		return v.err()
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
	return ErrDamaged
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
	row, err := findProposal(ctx, tx.Proposal, d.by.Organisation, d.ruling.ChangeID)
	if err != nil {
		return nil, err
	}
	// What was proposed never changes, nor does the key: both can be read before
	// anybody is locked, and all must be locked in one order.
	about, err := findAbout(ctx, tx.Persons, row.Person)
	if err != nil {
		return nil, err
	}
	if err := d.s.unwrapKeys(ctx, []*held{about}); err != nil {
		return nil, err
	}
	p := &lockedProposal{found: map[store.Tag]store.PersonRow{}}
	if p.said, err = d.s.openProposed(about.key, &row); err != nil {
		return nil, err
	}
	tags := d.s.storeTags(p.said.Person.NHSNumber)
	if n := p.said.From.NHSNumber; !n.IsZero() {
		tags = append(tags, d.s.storeTags(n)...)
	}
	found, byID, err := tx.LockPersonsAnd(ctx, tags, parties(&row))
	if err != nil {
		return nil, err
	}
	for _, t := range found {
		p.found[t.Tag] = t.PersonRow
	}
	if p.row, err = tx.Proposal(ctx, row.ID); err != nil { // as it is now that its persons are locked
		return nil, err
	}
	return p, d.s.openParties(ctx, &p.proposal, byID)
}

// openParties opens the persons of a proposal, which are locked.
func (s *Service) openParties(ctx context.Context, p *proposal, rows []store.PersonRow) error {
	var all []*held
	for _, row := range rows {
		h := &held{row: row}
		if h.erased() {
			return ErrNotFound
		}
		all = append(all, h)
		if row.ID == p.row.Person {
			p.into = h
		} else {
			p.from = h
		}
	}
	return s.openAlone(ctx, all...)
}

// openAlone opens persons, and nothing about them.
func (s *Service) openAlone(ctx context.Context, all ...*held) error {
	if err := s.unwrapKeys(ctx, all); err != nil {
		return err
	}
	for _, h := range all {
		var err error
		if h.person, err = openPerson(h.key, &h.row); err != nil {
			return s.damaged("person")
		}
	}
	return nil
}

// holder gives whom a number of the proposal leads to now; nil where nobody.
func (p *lockedProposal) holder(s *Service, n NHSNumber) *held {
	for _, t := range s.storeTags(n) {
		row, ok := p.found[t]
		switch {
		case !ok:
		case row.ID == p.into.row.ID:
			return p.into
		case p.from != nil && row.ID == p.from.row.ID:
			return p.from
		default:
			return &held{row: row}
		}
	}
	return nil
}

// errOvertaken says that a proposal does not fit what is held any more.
var errOvertaken = &StateError{"another change has overtaken the proposal: decline it, and propose anew what is still wanted"}
