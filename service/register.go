package service

import (
	"context"
	"errors"

	"cpis/audit"
	"cpis/policy"
	"cpis/service/identity"
	"cpis/service/store"
)

// Registration is a plan as an authority wants it recorded. Its texts are as
// the caller sent them.
type Registration struct {
	NHSNumber   string
	Family      string
	Given       string
	DateOfBirth string // YYYY-MM-DD; UCPP: the mother's
	Kind        Kind
	Start       string // YYYY-MM-DD
	End         string // YYYY-MM-DD, or empty
	Expected    string // YYYY-MM-DD: expected date of birth; UCPP only
	Basis       Basis  // LAC only
	Reference   string // the authority's own, or empty
	Restricted  bool   // the person's whereabouts must not be revealed
	Request     string `json:"-"` // request id
}

// Registered is the answer to a Registration.
type Registered struct {
	Receipt `json:"-"`

	PlanID  string
	Version int
}

// RegisterPlan records a plan of the caller's authority. The error is
// ErrDenied, *InvalidError, *OverloadedError, ErrReused, ErrUnrecorded,
// ErrUnavailable or ErrDamaged.
//
// Who is already held is found by NHS number alone; the date of birth must be
// the one that is held. A plan that overlaps with one of the same kind that
// the authority holds is refused, and its identifier is given. One that overlaps
// with another authority's is taken, and both are told. Whoever is registered
// as restricted is restricted for everybody, whichever authority says so.
func (s *Service) RegisterPlan(ctx context.Context, c *identity.Caller, r *Registration) (*Registered, error) {
	d, wrong := r.read(requestForms, s.today())
	made := newKeys{}
	a := act{
		caller: c, action: policy.RegisterPlan, own: true, request: r.Request, asks: r,
		subject: s.subject(d.person.NHSNumber), check: ofRequest(wrong).err(),
		prepare: func(ctx context.Context) error {
			s.fetchKey(ctx, made, d.person.NHSNumber)
			return nil
		},
	}
	return once(ctx, s, a, func(ctx context.Context, tx *store.Tx, e *audit.Entry) (*Registered, error) {
		plan, restricted, err := s.register(ctx, tx, changeBy(c, wordRegister, ""), made, &d)
		if err != nil {
			return nil, renamed(err, ofRequest)
		}
		out := &Registered{PlanID: plan.row.ID.String(), Version: plan.row.Version}
		e.Restricted = restricted
		e.Disclosed = []audit.Disclosed{{Plan: out.PlanID, Version: out.Version}}
		return out, nil
	})
}

// register takes one draft, and says whether its person is restricted. Where it
// overlaps with what other authorities hold, all are told.
func (s *Service) register(
	ctx context.Context, tx *store.Tx, by change, made newKeys, d *draft,
) (plan *ownPlan, restricted bool, err error) {
	in, err := s.takeIn(ctx, tx.LockPersonsByTags, tx, by.Organisation, by, made, []NHSNumber{d.person.NHSNumber})
	if err != nil {
		return nil, false, err
	}
	p := in.place(d)
	switch {
	case p.known:
		var v violations
		v.add("start", "is that of "+p.plan.name()+" of the same kind, which is held already", "")
		return nil, false, v.err()
	case p.plan == nil:
		return nil, false, errors.Join(p.wrong.err(), p.err)
	}
	if err := in.write(ctx, tx); err != nil {
		return nil, false, err
	}
	all, err := s.overlapNews(ctx, tx, in.plans)
	if err != nil {
		return nil, false, err
	}
	s.tell(tx, all...)
	return p.plan, in.plans[0].about.row.Restricted, nil
}

// renamed names the fields that an *InvalidError is about as a request has
// them.
func renamed(err error, name func(violations) violations) error {
	if invalid, ok := errors.AsType[*InvalidError](err); ok {
		invalid.Violations = name(invalid.Violations)
	}
	return err
}
