package service

import (
	"context"

	"cpis/policy"
	"cpis/service/identity"
)

// Removal takes back a plan that was entered in error.
type Removal struct {
	PlanID  string
	Version int // that the caller saw
	Reason  string
	Request string `json:"-"` // request id
}

// RemovePlan takes back a plan of the caller's authority that was entered in
// error: look-ups show it no more, whether it has ended or not. The error is as
// of EndPlan; ErrState says that it was removed already. Where it was offered
// to another authority, that is withdrawn.
func (s *Service) RemovePlan(ctx context.Context, c *identity.Caller, q *Removal) (*Changed, error) {
	check := checker{}
	check.seen(q.Version)
	a := planAct{
		caller: c, action: policy.RemovePlan, plan: q.PlanID, version: q.Version, word: wordRemove, reason: check.reason(q.Reason),
		request: q.Request, asks: q, check: check.err(),
	}
	return changePlan(ctx, s, &a, func(ctx context.Context, p *changing) (*Changed, error) {
		if p.own.row.TransferTo != "" {
			if err := p.withdrawTransfer(ctx); err != nil {
				return nil, err
			}
		}
		p.own.row.Removed = true
		if err := p.write(ctx); err != nil {
			return nil, err
		}
		return &Changed{Version: p.own.row.Version}, p.release(ctx)
	})
}
