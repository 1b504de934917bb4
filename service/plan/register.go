package plan

import (
	"context"
	"errors"

	"cpis/audit"
	"cpis/policy"
	"cpis/service/domain"
	"cpis/service/guard"
	"cpis/service/identity"
	"cpis/service/record"
	"cpis/service/store"
)

// RegisterPlanResult is the answer to RegisterPlan.
type RegisterPlanResult struct {
	guard.Receipt `json:"-"`

	PlanID  string
	Version int
}

// RegisterPlan records a plan of the caller's authority.
//
// Who is already held is found by NHS number alone; the date of birth must be
// the one that is held. A plan that overlaps with one of the same kind that the
// authority holds is refused, and its identifier is given. One that overlaps
// with another authority's is taken, and both are told. Whoever is registered
// as restricted is restricted for everybody, whichever authority says so.
func (s *Plans) RegisterPlan(ctx context.Context, c *identity.Caller, r *domain.Registration) (*RegisterPlanResult, error) {
	d, wrong := r.Read(domain.RequestForms, s.clock.Today())
	made := record.NewKeys{}
	a := guard.Act{
		Caller: c, Action: policy.RegisterPlan, Own: true, Request: r.Request, Asks: r,
		Subject: s.records.Subject(d.Person.NHSNumber), Check: domain.OfRequest(wrong).Err(),
		Prepare: func(ctx context.Context) error {
			s.records.FetchKey(ctx, made, d.Person.NHSNumber)
			return nil
		},
	}
	return guard.Once(ctx, s.guard, a, func(ctx context.Context, tx *store.Tx, e *audit.Entry) (*RegisterPlanResult, error) {
		plan, restricted, err := s.register(ctx, tx, record.AuthorOf(c, record.ActRegister, ""), made, &d)
		if err != nil {
			return nil, renamed(err, domain.OfRequest)
		}
		out := &RegisterPlanResult{PlanID: plan.Row.ID.String(), Version: plan.Row.Version}
		e.Restricted = restricted
		e.Disclosed = []audit.Disclosed{{Plan: out.PlanID, Version: out.Version}}
		return out, nil
	})
}

// register takes one draft, and reports whether its person is restricted. If it
// overlaps with what other authorities hold, all are told.
func (s *Plans) register(
	ctx context.Context, tx *store.Tx, by record.Author, made record.NewKeys, d *domain.Draft,
) (plan *record.Plan, restricted bool, err error) {
	found, err := s.records.Find(ctx, tx, tx.People.LockByTags, by.Organisation, []domain.NHSNumber{d.Person.NHSNumber})
	if err != nil {
		return nil, false, err
	}
	if err := s.records.OpenPeople(ctx, found); err != nil {
		return nil, false, err
	}
	in := s.Intake(by.Organisation, by, made, found)
	p := in.place(d)
	switch {
	case p.known:
		var v domain.Violations
		v.Add("start", "is that of "+p.plan.Name()+" of the same kind, which is held already", "")
		return nil, false, v.Err()
	case p.plan == nil:
		return nil, false, errors.Join(p.Wrong.Err(), p.err)
	}
	if err := in.write(ctx, tx); err != nil {
		return nil, false, err
	}
	all, err := s.notices.OverlapNews(ctx, tx, in.Plans)
	if err != nil {
		return nil, false, err
	}
	s.notices.Tell(tx, all...)
	return p.plan, in.Plans[0].About.Row.Restricted, nil
}

// renamed names the fields that an *InvalidError is about as a request has
// them.
func renamed(err error, name func(domain.Violations) domain.Violations) error {
	if invalid, ok := errors.AsType[*domain.InvalidError](err); ok {
		invalid.Violations = name(invalid.Violations)
	}
	return err
}
