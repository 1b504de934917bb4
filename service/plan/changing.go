package plan

import (
	"context"
	"errors"

	"github.com/google/uuid"

	"cpis/audit"
	"cpis/policy"
	"cpis/service/domain"
	"cpis/service/guard"
	"cpis/service/identity"
	"cpis/service/record"
	"cpis/service/store"
)

// planAct is an act of a caller that changes one plan of the caller's
// authority.
type planAct struct {
	caller  *identity.Caller
	action  policy.Action
	plan    string           // identifier, as the caller sent it
	version int              // that the caller saw
	word    string           // names the act in the version that it makes
	reason  string           // as the caller gave it
	request string           // request id
	asks    any              // the request
	check   error            // *InvalidError, if the request is not valid
	beside  domain.NHSNumber // of another person about whom the act records something; zero if there is none
}

// changing is a plan that is being changed. Until the transaction ends nobody
// else changes anything about its person.
type changing struct {
	s     *Plans
	tx    *store.Tx
	entry *audit.Entry
	by    record.Author
	own   *record.Plan
	about *record.Record // with all plans of one authority that are not errors
	// others says that other authorities hold plans about the person that are
	// not errors.
	others bool
	made   record.NewKeys // for the person beside
}

// changePlan is the way of every change of a plan that its authority makes:
// find the plan, lock whom it is about, open both, compare versions, and let
// the act make the next version. The act changes p.own and writes it; like
// every step it may run again, and returns the answer.
func changePlan[A any, P guard.Answered[A]](
	ctx context.Context, s *Plans, a *planAct, do func(context.Context, *changing) (*A, error),
) (*A, error) {
	made := record.NewKeys{}
	through := guard.Act{
		Caller: a.caller, Action: a.action, Own: true, Request: a.request, Asks: a.asks, Check: a.check,
		Target: guard.Target(guard.KindPlan, a.plan),
		Prepare: func(ctx context.Context) error {
			s.fetchKeyOf(ctx, a.caller.Organisation, a.plan)
			if !a.beside.IsZero() {
				s.records.FetchKey(ctx, made, a.beside)
			}
			return nil
		},
	}
	return guard.Once[A, P](ctx, s.guard, through, func(ctx context.Context, tx *store.Tx, e *audit.Entry) (*A, error) {
		p := &changing{s: s, tx: tx, entry: e, by: record.AuthorOf(a.caller, a.word, a.reason), made: made}
		if err := p.find(ctx, a); err != nil {
			return nil, err
		}
		return do(ctx, p)
	})
}

// find finds the plan of an act, locks and opens it, and compares versions.
func (p *changing) find(ctx context.Context, a *planAct) error {
	row, err := guard.FindOwn(ctx, p.tx.Plans.Get, a.caller.Organisation, a.plan)
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
	case p.own.Row.Version != a.version:
		return &guard.StaleError{Current: p.own.Row.Version}
	case p.own.Row.Removed:
		return errRemoved
	}
	return nil
}

// errRemoved says that a plan was entered in error, and is changed no more.
var errRemoved = &guard.StateError{Problem: "the plan was removed: it was entered in error"}

// fetchKeyOf is FetchKey for the person whom a plan of an authority is about.
func (s *Plans) fetchKeyOf(ctx context.Context, authority, plan string) {
	ctx, cancel := context.WithTimeout(ctx, record.KeyWait)
	defer cancel()
	row, err := guard.FindOwn(ctx, s.db.Plans.Get, authority, plan)
	if err == nil {
		s.records.FetchKeyFor(ctx, row.Person)
	}
}

// lockBoth locks a person and the one beside, if there is one that is held:
// both in one order, so that two who do so do not wait for each other.
func (s *Plans) lockBoth(ctx context.Context, tx *store.Tx, person uuid.UUID, beside domain.NHSNumber) error {
	if beside.IsZero() {
		return nil
	}
	found, err := s.records.FindPersons(ctx, tx.People.ByTags, []domain.NHSNumber{beside})
	if err != nil {
		return err
	}
	ids := []uuid.UUID{person}
	for _, h := range found {
		ids = append(ids, h.Row.ID)
	}
	_, err = tx.People.Lock(ctx, ids)
	return err
}

// lock locks whom a plan is about, opens both as they are from now on, and with
// them the plans of an authority: its own, or another's that is to receive it.
func (p *changing) lock(ctx context.Context, row *store.PlanRow, authority string) error {
	var err error
	if p.about, err = record.FindOne(ctx, p.tx.People.Lock, row.Person); err != nil {
		return err
	}
	plans, err := p.tx.Plans.Of(ctx, []uuid.UUID{row.Person}, "")
	if err != nil {
		return err
	}
	for _, l := range plans {
		if l.ID == row.ID {
			p.own = &record.Plan{Row: l}
		}
		switch {
		case l.Removed:
		case l.Authority == authority:
			p.about.Plans = append(p.about.Plans, record.Plan{Row: l})
		default:
			p.others = true
		}
	}
	switch {
	case p.own == nil:
		return guard.ErrConflict // it has moved this moment, to another record of its person
	case p.own.Row.Authority != row.Authority:
		return guard.ErrNotFound // likewise, to another authority
	}
	return p.open(ctx)
}

// open opens the person and the plans, and says in the entry whom it is about.
func (p *changing) open(ctx context.Context) error {
	s, h := p.s, p.about
	if err := s.records.UnwrapKeys(ctx, []*record.Record{h}); err != nil {
		return err
	}
	var err error
	if h.Person, err = record.OpenPerson(h.Key, &h.Row); err != nil {
		return s.records.Damaged(record.TablePerson)
	}
	p.entry.Subject, p.entry.Restricted = s.records.Subject(h.Person.NHSNumber), h.Row.Restricted
	return errors.Join(s.records.OpenOwn(h.Key, p.own), s.records.OpenPlans(h))
}

// clashing finds another plan of the authority beside which this one could not
// be registered as it is now: of the same kind, and running at the same time or
// from the same first day.
func (p *changing) clashing() *record.Plan {
	for i := range p.about.Plans {
		other := &p.about.Plans[i]
		if other.Row.ID == p.own.Row.ID || other.Kind != p.own.Kind {
			continue
		}
		if other.Start == p.own.Start || other.RunsWith(&p.own.Details) {
			return other
		}
	}
	return nil
}

// write writes the plan's next version, and says so in the entry.
func (p *changing) write(ctx context.Context) error {
	p.own.Change = p.by
	p.own.Row.Version++
	p.own.Row.At = p.s.clock.Moment()
	if err := p.s.records.SealOwn(p.about, p.own); err != nil {
		return err
	}
	p.disclose(p.own)
	return p.tx.Plans.Update(ctx, []store.PlanRow{p.own.Row})
}

// disclose says in the entry that a plan was shown or changed.
func (p *changing) disclose(own *record.Plan) {
	p.entry.Disclosed = append(p.entry.Disclosed, audit.Disclosed{Plan: own.Row.ID.String(), Version: own.Row.Version})
}

// ChangeResult is the answer to a change of a plan.
type ChangeResult struct {
	guard.Receipt `json:"-"`

	Version      int         // that was made; the one before if nothing differs
	VisibleUntil domain.Date // last day on which look-ups show the plan; none while it is open, or if it was removed

	same bool // nothing differs
}

// Unchanged reports whether nothing differs, so that no version was made.
func (r *ChangeResult) Unchanged() bool { return r.same }

// changed is the answer that the plan was written.
func (p *changing) changed() *ChangeResult {
	return &ChangeResult{Version: p.own.Row.Version, VisibleUntil: p.own.VisibleUntil()}
}
