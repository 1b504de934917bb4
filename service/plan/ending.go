package plan

import (
	"context"

	"cpis/policy"
	"cpis/service/domain"
	"cpis/service/guard"
	"cpis/service/identity"
	"cpis/service/record"
)

// EndPlanRequest closes a plan. Its texts are as the caller sent them.
type EndPlanRequest struct {
	PlanID  string
	Version int    // that the caller saw
	End     string // last day, YYYY-MM-DD
	Reason  string
	Request string `json:"-"` // request id
}

// EndPlan closes a plan of the caller's authority. Its own errors are
// ErrNotFound (also for plans of others), *StaleError and ErrState (it was
// removed, or its last day has passed).
//
// The last day may lie up to a year ahead, and as long as it has not passed it
// may be set anew. The plan must stay one that could be registered: an unborn
// child's lasts 48 weeks at most, and none overlaps with another of the same
// kind that the authority holds.
func (s *Plans) EndPlan(ctx context.Context, c *identity.Caller, q *EndPlanRequest) (*ChangeResult, error) {
	check := domain.Reader{Form: domain.RequestForms, Today: s.clock.Today()}
	end, reason := q.read(&check)
	a := planAct{
		caller: c, action: policy.EndPlan, plan: q.PlanID, version: q.Version, word: record.ActEnd, reason: reason,
		request: q.Request, asks: q, check: check.Err(),
	}
	return changePlan(ctx, s, &a, func(ctx context.Context, p *changing) (*ChangeResult, error) {
		if err := p.end(end, reason); err != nil {
			return nil, err
		}
		if err := p.write(ctx); err != nil {
			return nil, err
		}
		return p.changed(), nil
	})
}

// read reads the texts of the request.
func (q *EndPlanRequest) read(c *domain.Reader) (domain.Date, string) {
	c.Seen(q.Version)
	end := c.Day("end", q.End)
	if q.End == "" {
		c.Add("end", domain.ProblemRequired, domain.ExampleDay)
	}
	reason := c.Reason(q.Reason)
	c.End(&domain.Details{}, end)
	return end, reason
}

// hasEnded says that a plan has ended.
func (p *changing) hasEnded() error {
	return &guard.StateError{Problem: "the plan ended on " + p.own.End.String()}
}

// end closes the plan, if it may be closed on that day.
func (p *changing) end(last domain.Date, reason string) error {
	check := domain.Reader{Today: p.s.clock.Today()}
	if p.own.Ended(check.Today) {
		return p.hasEnded()
	}
	if check.End(&p.own.Details, last); len(check.Violations) > 0 {
		return check.Err()
	}
	p.own.End, p.own.EndReason = last, reason
	if other := p.clashing(); other != nil {
		check.Add("end", "makes it overlap with "+other.Name()+" of the same kind: choose an earlier day, or correct that one first", "")
	}
	return check.Err()
}
