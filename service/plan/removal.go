package plan

import (
	"context"
	"slices"

	"github.com/google/uuid"

	"cpis/policy"
	"cpis/service/domain"
	"cpis/service/identity"
	"cpis/service/record"
)

// RemovePlanRequest takes back a plan that was entered in error.
type RemovePlanRequest struct {
	PlanID  string
	Version int // that the caller saw
	Reason  string
	Request string `json:"-"` // request id
}

// RemovePlan takes back a plan of the caller's authority that was entered in
// error: look-ups show it no more, whether it has ended or not. The errors are
// those of EndPlan; ErrState says that it was removed already. If it was offered
// to another authority, that is withdrawn.
func (s *Plans) RemovePlan(ctx context.Context, c *identity.Caller, q *RemovePlanRequest) (*ChangeResult, error) {
	check := domain.Reader{}
	check.Seen(q.Version)
	a := planAct{
		caller: c, action: policy.RemovePlan, plan: q.PlanID, version: q.Version, word: record.ActRemove, reason: check.Reason(q.Reason),
		request: q.Request, asks: q, check: check.Err(),
	}
	return changePlan(ctx, s, &a, func(ctx context.Context, p *changing) (*ChangeResult, error) {
		if p.own.Row.TransferTo != "" {
			if err := p.withdrawTransfer(ctx); err != nil {
				return nil, err
			}
		}
		p.own.Row.Removed = true
		if err := p.write(ctx); err != nil {
			return nil, err
		}
		return &ChangeResult{Version: p.own.Row.Version}, p.untagIfUnused(ctx)
	})
}

// untagIfUnused makes the person of a plan that was an error unfindable, if nobody
// holds another: the number may be somebody else's, whose date of birth is to be
// taken then. So it is of somebody who was restricted, but the restriction stays
// with the number: else one person could lift it, by registering the plan anew.
func (p *changing) untagIfUnused(ctx context.Context) error {
	others := slices.ContainsFunc(p.about.Plans, func(l record.Plan) bool { return l.Row.ID != p.own.Row.ID })
	switch {
	case p.others || others:
		return nil
	case p.about.Row.Restricted:
		p.about.Person.Vacant = true
		return p.s.records.UpdatePersons(ctx, p.tx, p.about)
	}
	return p.tx.Tags.Remove(ctx, []uuid.UUID{p.about.Row.ID})
}
