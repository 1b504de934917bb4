package service

import (
	"context"

	"cpis/policy"
	"cpis/service/identity"
)

// Ending closes a plan. Its texts are as the caller sent them.
type Ending struct {
	PlanID  string
	Version int    // that the caller saw
	End     string // last day, YYYY-MM-DD
	Reason  string
	Request string `json:"-"` // request id
}

// EndPlan closes a plan of the caller's authority. The error is ErrDenied,
// *InvalidError, *OverloadedError, ErrNotFound (also for plans of others),
// *StaleError, ErrState (it was removed, or its last day has passed),
// ErrReused, ErrUnrecorded, ErrUnavailable or ErrDamaged.
//
// The last day may lie up to a year ahead, and as long as it has not passed it
// may be set anew. The plan must stay one that could be registered: an unborn
// child's lasts 48 weeks at most, and none overlaps with another of the same
// kind that the authority holds.
func (s *Service) EndPlan(ctx context.Context, c *identity.Caller, q *Ending) (*Changed, error) {
	check := checker{form: requestForms, today: s.today()}
	end, reason := q.read(&check)
	a := planAct{
		caller: c, action: policy.EndPlan, plan: q.PlanID, version: q.Version, word: wordEnd, reason: reason,
		request: q.Request, asks: q, check: check.err(),
	}
	return changePlan(ctx, s, &a, func(ctx context.Context, p *changing) (*Changed, error) {
		if err := p.end(end, reason); err != nil {
			return nil, err
		}
		if err := p.write(ctx); err != nil {
			return nil, err
		}
		return p.changed(), nil
	})
}

// read reads the texts of an Ending.
func (q *Ending) read(c *checker) (Date, string) {
	c.seen(q.Version)
	end := c.day("end", q.End)
	if q.End == "" {
		c.add("end", problemRequired, exampleDay)
	}
	reason := c.reason(q.Reason)
	c.end(&Details{}, end)
	return end, reason
}

// hasEnded says that a plan has ended.
func (p *changing) hasEnded() error {
	return &StateError{"the plan ended on " + p.own.End.String()}
}

// end closes the plan, where it may be closed on that day.
func (p *changing) end(last Date, reason string) error {
	check := checker{today: p.s.today()}
	if p.own.ended(check.today) {
		return p.hasEnded()
	}
	if check.end(&p.own.Details, last); len(check.violations) > 0 {
		return check.err()
	}
	p.own.End, p.own.EndReason = last, reason
	if other := p.clashing(); other != nil {
		check.add("end", "makes it overlap with "+other.name()+" of the same kind: choose an earlier day, or correct that one first", "")
	}
	return check.err()
}
