package plan

import (
	"context"

	"cpis/policy"
	"cpis/service/domain"
	"cpis/service/guard"
	"cpis/service/identity"
	"cpis/service/record"
)

// RecordBirthRequest says that the unborn child of a plan was born.
type RecordBirthRequest struct {
	PlanID  string
	Version int        // that the caller saw
	Born    string     // YYYY-MM-DD: the plan's last day
	Child   *ChildPlan // nil if none is to be registered
	Request string     `json:"-"` // request id
}

// ChildPlan is a child protection plan for a child that was just born.
type ChildPlan struct {
	NHSNumber   string // the child's own
	Family      string
	Given       string
	DateOfBirth string // must be the day of birth
	Start       string // YYYY-MM-DD
	Reference   string // the authority's own, or empty
	Restricted  bool   // the child's whereabouts must not be revealed
}

// RecordBirthResult is the answer to RecordBirth.
type RecordBirthResult struct {
	guard.Receipt `json:"-"`

	Version      int
	VisibleUntil domain.Date // last day on which look-ups of the mother show the plan
	ChildPlanID  string      // empty if none was registered
}

// registration returns the plan as it is to be registered.
func (p *ChildPlan) registration() *domain.Registration {
	return &domain.Registration{
		NHSNumber: p.NHSNumber, Family: p.Family, Given: p.Given, DateOfBirth: p.DateOfBirth,
		Kind: domain.CPP, Start: p.Start, Reference: p.Reference, Restricted: p.Restricted,
	}
}

// endReasonBirth is why a plan for an unborn child ended.
const endReasonBirth = "birth"

// RecordBirth ends a plan for an unborn child of the caller's authority. If
// the request says so it registers a child protection plan for the child, under
// the child's own number, at the same moment; nothing is copied from the
// mother, and only the entry names both plans. The errors are those of
// EndPlan; *InvalidError also if the child's plan cannot be registered, and then
// nothing is done.
func (s *Plans) RecordBirth(ctx context.Context, c *identity.Caller, q *RecordBirthRequest) (*RecordBirthResult, error) {
	b, wrong := s.readBirth(q)
	a := planAct{
		caller: c, action: policy.RecordBirth, plan: q.PlanID, version: q.Version, word: record.ActBirth,
		request: q.Request, asks: q, check: wrong,
	}
	if b.child != nil {
		a.beside = b.child.Person.NHSNumber
	}
	return changePlan(ctx, s, &a, func(ctx context.Context, p *changing) (*RecordBirthResult, error) {
		if err := p.endAtBirth(ctx, b.born); err != nil {
			return nil, err
		}
		out := &RecordBirthResult{Version: p.own.Row.Version, VisibleUntil: p.own.VisibleUntil()}
		if b.child == nil {
			return out, nil
		}
		var err error
		out.ChildPlanID, err = p.registerChild(ctx, b.child)
		return out, err
	})
}

// birth is a RecordBirthRequest whose texts have been read.
type birth struct {
	born  domain.Date
	child *domain.Draft
}

func (s *Plans) readBirth(q *RecordBirthRequest) (birth, error) {
	check := domain.Reader{Form: domain.RequestForms, Today: s.clock.Today()}
	check.Seen(q.Version)
	b := birth{born: check.Past("born", q.Born, domain.ExampleDay)}
	if q.Child == nil {
		return b, check.Err()
	}
	d, wrong := q.Child.registration().Read(domain.RequestForms, check.Today)
	if !d.Person.DateOfBirth.IsZero() && !b.born.IsZero() && d.Person.DateOfBirth != b.born {
		wrong.Add("date_of_birth", "must be the day of the birth", domain.ExampleDay)
	}
	b.child = &d
	check.Violations = append(check.Violations, ofChild(wrong)...)
	return b, check.Err()
}

// ofChild names the fields as a RecordBirthRequest has them.
func ofChild(v domain.Violations) domain.Violations {
	for i := range v {
		switch v[i].Field {
		case "nhs_number", "family_name", "given_name", "date_of_birth":
			v[i].Field = "child." + v[i].Field
		}
		v[i].Field = "child_plan." + v[i].Field
	}
	return v
}

// endAtBirth ends the plan on the day of birth.
func (p *changing) endAtBirth(ctx context.Context, born domain.Date) error {
	check := domain.Reader{Today: p.s.clock.Today()}
	switch {
	case p.own.Kind != domain.UCPP:
		check.Add("plan_id", "is not a plan for an unborn child", "")
	case p.own.Ended(check.Today):
		return p.hasEnded()
	case born.Before(p.own.Start):
		check.Add("born", "lies before the start of the plan: correct that first", domain.ExampleDay)
	case born.After(p.own.Start.AddDays(domain.MaxUnborn)):
		check.Add("born", "lies more than 48 weeks after the start of the plan", domain.ExampleDay)
	}
	if err := check.Err(); err != nil {
		return err
	}
	p.own.End, p.own.EndReason = born, endReasonBirth
	if other := p.clashing(); other != nil {
		check.Add("born", "makes the plan overlap with "+other.Name()+" of the same kind: correct that one first", "")
		return check.Err()
	}
	return p.write(ctx)
}

// registerChild registers the child's plan. In its version it is a registration
// like any other: it does not say that there was a plan before.
func (p *changing) registerChild(ctx context.Context, d *domain.Draft) (plan string, err error) {
	for _, n := range p.about.Person.Numbers() {
		if n.Reveal() == d.Person.NHSNumber.Reveal() {
			var v domain.Violations
			v.Add("child_plan.child.nhs_number", "is the mother's: give the child's own", domain.ExampleNHSNumber)
			return "", v.Err()
		}
	}
	by := p.by
	by.Act = record.ActRegister
	child, restricted, err := p.s.register(ctx, p.tx, by, p.made, d)
	if err != nil {
		return "", renamed(err, ofChild)
	}
	p.entry.Restricted = p.entry.Restricted || restricted
	p.disclose(child)
	return child.Row.ID.String(), nil
}
