package service

import (
	"context"

	"cpis/policy"
	"cpis/service/identity"
)

// Birth says that the unborn child of a plan was born.
type Birth struct {
	PlanID  string
	Version int        // that the caller saw
	Born    string     // YYYY-MM-DD: the plan's last day
	Child   *ChildPlan // nil where none is to be registered
	Request string     `json:"-"` // request id
}

// ChildPlan is a child protection plan for a child that was just born.
type ChildPlan struct {
	NHSNumber   string // the child's own
	Family      string
	Given       string
	DateOfBirth string // must be that of the Birth
	Start       string // YYYY-MM-DD
	Reference   string // the authority's own, or empty
	Restricted  bool   // the child's whereabouts must not be revealed
}

// Birthed is the answer to a Birth.
type Birthed struct {
	Receipt `json:"-"`

	Version      int
	VisibleUntil Date   // last day on which look-ups of the mother show the plan
	ChildPlanID  string // empty where none was registered
}

// registration gives the plan as it is to be registered.
func (p *ChildPlan) registration() *Registration {
	return &Registration{
		NHSNumber: p.NHSNumber, Family: p.Family, Given: p.Given, DateOfBirth: p.DateOfBirth,
		Kind: CPP, Start: p.Start, Reference: p.Reference, Restricted: p.Restricted,
	}
}

// endReasonBirth is why a plan for an unborn child ended.
const endReasonBirth = "birth"

// RecordBirth ends a plan for an unborn child of the caller's authority. Where
// the Birth says so it registers a child protection plan for the child, under
// the child's own number, at the same moment; nothing is copied from the
// mother, and only the entry names both plans. The error is as of EndPlan;
// *InvalidError also where the child's plan cannot be registered, and then
// nothing is done.
func (s *Service) RecordBirth(ctx context.Context, c *identity.Caller, q *Birth) (*Birthed, error) {
	b, wrong := s.readBirth(q)
	a := planAct{
		caller: c, action: policy.RecordBirth, plan: q.PlanID, version: q.Version, word: wordBirth,
		request: q.Request, asks: q, check: wrong,
	}
	if b.child != nil {
		a.beside = b.child.person.NHSNumber
	}
	return changePlan(ctx, s, &a, func(ctx context.Context, p *changing) (*Birthed, error) {
		if err := p.bear(ctx, b.born); err != nil {
			return nil, err
		}
		out := &Birthed{Version: p.own.row.Version, VisibleUntil: p.own.visibleUntil()}
		if b.child == nil {
			return out, nil
		}
		var err error
		out.ChildPlanID, err = p.registerChild(ctx, b.child)
		return out, err
	})
}

// birth is a Birth whose texts have been read.
type birth struct {
	born  Date
	child *draft
}

func (s *Service) readBirth(q *Birth) (birth, error) {
	check := checker{form: requestForms, today: s.today()}
	check.seen(q.Version)
	b := birth{born: check.past("born", q.Born, exampleDay)}
	if q.Child == nil {
		return b, check.err()
	}
	d, wrong := q.Child.registration().read(requestForms, check.today)
	if !d.person.DateOfBirth.IsZero() && !b.born.IsZero() && d.person.DateOfBirth != b.born {
		wrong.add("date_of_birth", "must be the day of the birth", exampleDay)
	}
	b.child = &d
	check.violations = append(check.violations, ofChild(wrong)...)
	return b, check.err()
}

// ofChild names the fields as a Birth has them.
func ofChild(v violations) violations {
	for i := range v {
		switch v[i].Field {
		case "nhs_number", "family_name", "given_name", "date_of_birth":
			v[i].Field = "child." + v[i].Field
		}
		v[i].Field = "child_plan." + v[i].Field
	}
	return v
}

// bear ends the plan on the day of the birth.
func (p *changing) bear(ctx context.Context, born Date) error {
	check := checker{today: p.s.today()}
	switch {
	case p.own.Kind != UCPP:
		check.add("plan_id", "is not a plan for an unborn child", "")
	case p.own.ended(check.today):
		return p.hasEnded()
	case born.Before(p.own.Start):
		check.add("born", "lies before the start of the plan: correct that first", exampleDay)
	case born.After(p.own.Start.AddDays(maxUnborn)):
		check.add("born", "lies more than 48 weeks after the start of the plan", exampleDay)
	}
	if err := check.err(); err != nil {
		return err
	}
	p.own.End, p.own.EndReason = born, endReasonBirth
	if other := p.clashing(); other != nil {
		check.add("born", "makes the plan overlap with "+other.name()+" of the same kind: correct that one first", "")
		return check.err()
	}
	return p.write(ctx)
}

// registerChild registers the child's plan. In its version it is a registration
// like any other: it does not say that there was a plan before.
func (p *changing) registerChild(ctx context.Context, d *draft) (plan string, err error) {
	for _, n := range p.about.person.numbers() {
		if n.Reveal() == d.person.NHSNumber.Reveal() {
			var v violations
			v.add("child_plan.child.nhs_number", "is the mother's: give the child's own", exampleNHSNumber)
			return "", v.err()
		}
	}
	by := p.by
	by.Act = wordRegister
	child, restricted, err := p.s.register(ctx, p.tx, by, p.made, d)
	if err != nil {
		return "", renamed(err, ofChild)
	}
	p.entry.Restricted = p.entry.Restricted || restricted
	p.disclose(child)
	return child.row.ID.String(), nil
}
