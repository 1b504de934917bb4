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

// planAct is an act of a caller that changes one plan of the caller's
// authority.
type planAct struct {
	caller  *identity.Caller
	action  policy.Action
	plan    string    // identifier, as the caller sent it
	version int       // that the caller saw
	word    string    // names the act in the version that it makes
	reason  string    // as the caller gave it
	request string    // request id
	asks    any       // the request
	check   error     // *InvalidError, where the request is not valid
	beside  NHSNumber // of another person about whom the act records something; zero where there is none
}

// The words that name acts in the versions that they make.
const (
	wordRegister  = "register"
	wordAmend     = "amend"
	wordEnd       = "end"
	wordRemove    = "remove"
	wordBirth     = "birth"
	wordProposed  = "transfer_proposed"
	wordAccepted  = "transfer_accepted"
	wordDeclined  = "transfer_declined"
	wordWithdrawn = "transfer_withdrawn"
	wordUpload    = "upload"
)

// changing is a plan that is being changed. Until the transaction ends nobody
// else changes anything about its person.
type changing struct {
	s     *Service
	tx    *store.Tx
	entry *audit.Entry
	by    change
	own   *ownPlan
	about *held // with all plans of one authority that are not errors
	// others says that other authorities hold plans about the person that are
	// not errors.
	others bool
	made   newKeys // for the person beside
}

// changePlan is the way of every change of a plan that its authority makes:
// find the plan, lock whom it is about, open both, compare versions, and let
// the act make the next version. The act changes p.own and writes it; like
// every step it may run again, and returns the answer.
func changePlan[A any, P answered[A]](
	ctx context.Context, s *Service, a *planAct, do func(context.Context, *changing) (*A, error),
) (*A, error) {
	made := newKeys{}
	through := act{
		caller: a.caller, action: a.action, own: true, request: a.request, asks: a.asks, check: a.check,
		prepare: func(ctx context.Context) error {
			s.fetchKeyOf(ctx, a.caller.Organisation, a.plan)
			if !a.beside.IsZero() {
				s.fetchKey(ctx, made, a.beside)
			}
			return nil
		},
	}
	return once[A, P](ctx, s, through, func(ctx context.Context, tx *store.Tx, e *audit.Entry) (*A, error) {
		p := &changing{s: s, tx: tx, entry: e, by: changeBy(a.caller, a.word, a.reason), made: made}
		if err := p.find(ctx, a); err != nil {
			return nil, err
		}
		return do(ctx, p)
	})
}

// find finds the plan of an act, locks and opens it, and compares versions.
func (p *changing) find(ctx context.Context, a *planAct) error {
	row, err := findPlan(ctx, p.tx.Plan, a.caller.Organisation, a.plan)
	if err != nil {
		return err
	}
	if err := p.s.lockBoth(ctx, p.tx, row.Person, a.beside); err != nil {
		return err
	}
	if err := p.lock(ctx, &row, row.Authority); err != nil {
		return err
	}
	switch {
	case p.own.row.Version != a.version:
		return &StaleError{Current: p.own.row.Version}
	case p.own.row.Removed:
		return errRemoved
	}
	return nil
}

// errRemoved says that a plan was entered in error, and is changed no more.
var errRemoved = &StateError{"the plan was removed: it was entered in error"}

// fetchKeyOf is fetchKey for the person whom a plan of an authority is about.
func (s *Service) fetchKeyOf(ctx context.Context, authority, plan string) {
	ctx, cancel := context.WithTimeout(ctx, keyWait)
	defer cancel()
	row, err := findPlan(ctx, s.db.Plan, authority, plan)
	if err == nil {
		s.fetchKeyFor(ctx, row.Person)
	}
}

// fetchKeyFor is fetchKey for a person who is known already.
func (s *Service) fetchKeyFor(ctx context.Context, person uuid.UUID) {
	about, err := findAbout(ctx, s.db.Persons, person)
	if err == nil {
		_ = s.unwrapKeys(ctx, []*held{about})
	}
}

// findPlan finds a plan of an authority. A plan of another is not found, like
// one that does not exist, before anything else is read of it.
func findPlan(
	ctx context.Context, find func(context.Context, uuid.UUID) (store.PlanRow, error), authority, id string,
) (store.PlanRow, error) {
	parsed, err := uuid.Parse(id)
	if err != nil {
		return store.PlanRow{}, ErrNotFound
	}
	row, err := find(ctx, parsed)
	if errors.Is(err, store.ErrNotFound) || err == nil && row.Authority != authority {
		return store.PlanRow{}, ErrNotFound
	}
	return row, err
}

// findAbout finds a person who was not erased.
func findAbout(
	ctx context.Context, find func(context.Context, []uuid.UUID) ([]store.PersonRow, error), id uuid.UUID,
) (*held, error) {
	rows, err := find(ctx, []uuid.UUID{id})
	if err != nil {
		return nil, err
	}
	if len(rows) == 0 || rows[0].WrappedKey == "" {
		return nil, ErrNotFound
	}
	return &held{row: rows[0]}, nil
}

// lockBoth locks a person and the one beside, where there is one that is held:
// both in one order, so that two who do so do not wait for each other.
func (s *Service) lockBoth(ctx context.Context, tx *store.Tx, person uuid.UUID, beside NHSNumber) error {
	if beside.IsZero() {
		return nil
	}
	found, err := s.findPersons(ctx, tx.PersonsByTags, []NHSNumber{beside})
	if err != nil {
		return err
	}
	ids := []uuid.UUID{person}
	for _, h := range found {
		ids = append(ids, h.row.ID)
	}
	_, err = tx.LockPersons(ctx, ids)
	return err
}

// lock locks whom a plan is about, opens both as they are from now on, and with
// them the plans of an authority: its own, or another's that is to receive it.
func (p *changing) lock(ctx context.Context, row *store.PlanRow, authority string) error {
	var err error
	if p.about, err = findAbout(ctx, p.tx.LockPersons, row.Person); err != nil {
		return err
	}
	plans, err := p.tx.PlansOf(ctx, []uuid.UUID{row.Person}, "")
	if err != nil {
		return err
	}
	for _, l := range plans {
		if l.ID == row.ID {
			p.own = &ownPlan{row: l}
		}
		switch {
		case l.Removed:
		case l.Authority == authority:
			p.about.plans = append(p.about.plans, ownPlan{row: l})
		default:
			p.others = true
		}
	}
	switch {
	case p.own == nil:
		return ErrConflict // it has moved this moment, to another record of its person
	case p.own.row.Authority != row.Authority:
		return ErrNotFound // likewise, to another authority
	}
	return p.open(ctx)
}

// open opens the person and the plans, and says in the entry whom it is about.
func (p *changing) open(ctx context.Context) error {
	s, h := p.s, p.about
	if err := s.unwrapKeys(ctx, []*held{h}); err != nil {
		return err
	}
	var err error
	if h.person, err = openPerson(h.key, &h.row); err != nil {
		return s.damaged("person")
	}
	p.entry.Subject, p.entry.Restricted = s.subject(h.person.NHSNumber), h.row.Restricted
	return errors.Join(s.openOwn(h.key, p.own), s.openPlans(h))
}

// clashing finds another plan of the authority beside which this one could not
// be registered as it is now: of the same kind, and running at the same time or
// from the same first day.
func (p *changing) clashing() *ownPlan {
	for i := range p.about.plans {
		other := &p.about.plans[i]
		if other.row.ID == p.own.row.ID || other.Kind != p.own.Kind {
			continue
		}
		if other.Start == p.own.Start || other.runsWith(&p.own.Details) {
			return other
		}
	}
	return nil
}

// write writes the plan's next version, and says so in the entry.
func (p *changing) write(ctx context.Context) error {
	p.own.Change = p.by
	p.own.row.Version++
	p.own.row.At = p.s.moment()
	if err := sealOwn(p.about.key, p.own); err != nil {
		return err
	}
	p.disclose(p.own)
	return p.tx.UpdatePlans(ctx, []store.PlanRow{p.own.row})
}

// disclose says in the entry that a plan was shown or changed.
func (p *changing) disclose(own *ownPlan) {
	p.entry.Disclosed = append(p.entry.Disclosed, audit.Disclosed{Plan: own.row.ID.String(), Version: own.row.Version})
}

// Changed is the answer to a change of a plan.
type Changed struct {
	Receipt `json:"-"`

	Version      int  // that was made; the one before where nothing differs
	VisibleUntil Date // last day on which look-ups show the plan; none while it is open, or where it was removed

	same bool // nothing differs
}

// Unchanged reports whether nothing differs, so that no version was made.
func (r *Changed) Unchanged() bool { return r.same }

// changed is the answer that the plan was written.
func (p *changing) changed() *Changed {
	return &Changed{Version: p.own.row.Version, VisibleUntil: p.own.visibleUntil()}
}

// seen checks that a version is given.
func (c *checker) seen(version int) {
	if version < 1 {
		c.add("version", "must be the version of the plan that you saw", "1")
	}
}

// reason reads why something is done.
func (c *checker) reason(text string) string {
	return c.requiredText("reason", text, maxReasonLength, exampleReason)
}
