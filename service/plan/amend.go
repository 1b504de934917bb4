package plan

import (
	"context"

	"cpis/policy"
	"cpis/service/domain"
	"cpis/service/guard"
	"cpis/service/identity"
	"cpis/service/notice"
	"cpis/service/record"
)

// AmendPlanRequest is a plan as it should be. Every text replaces what is held,
// also with nothing; the kind and the NHS number stay.
type AmendPlanRequest struct {
	PlanID      string
	Version     int // that the caller saw
	Reason      string
	Family      string
	Given       string
	DateOfBirth string       // YYYY-MM-DD; UCPP: the mother's
	Start       string       // YYYY-MM-DD
	End         string       // YYYY-MM-DD; empty reopens a plan that was ended
	Expected    string       // YYYY-MM-DD; UCPP only
	Basis       domain.Basis // LAC only
	Reference   string       // the authority's own, or empty
	Request     string       `json:"-"` // request id
}

// AmendPlan corrects or completes a plan of the caller's authority, also one
// that has ended. The errors are those of EndPlan; ErrState says that the
// plan was removed. If nothing differs, no version is made.
//
// What is amended must be what could be registered. The date of birth is the
// person's, not the plan's: it can be changed while no other authority holds
// plans about the person, and must fit the authority's own.
func (s *Plans) AmendPlan(ctx context.Context, c *identity.Caller, q *AmendPlanRequest) (*ChangeResult, error) {
	check := domain.Reader{Form: domain.RequestForms, Today: s.clock.Today()}
	check.Seen(q.Version)
	a := planAct{
		caller: c, action: policy.AmendPlan, plan: q.PlanID, version: q.Version, word: record.ActAmend, reason: check.Reason(q.Reason),
		request: q.Request, asks: q, check: check.Err(),
	}
	return changePlan(ctx, s, &a, func(ctx context.Context, p *changing) (*ChangeResult, error) { return p.amend(ctx, q) })
}

// amend changes the plan to what q says.
func (p *changing) amend(ctx context.Context, q *AmendPlanRequest) (*ChangeResult, error) {
	d, wrong := p.amended(q)
	if wrong.Err() != nil {
		return nil, wrong.Err()
	}
	if p.isAs(&d) {
		p.entry.Reason = guard.ReasonUnchanged
		p.disclose(p.own)
		out := p.changed()
		out.same = true
		return out, nil
	}
	before, err := p.overlaps(ctx)
	if err != nil {
		return nil, err
	}
	born := d.Person.DateOfBirth != p.about.Person.DateOfBirth
	p.take(&d)
	if err := p.fits(born); err != nil {
		return nil, err
	}
	if born {
		if err := p.s.records.UpdatePersons(ctx, p.tx, p.about); err != nil {
			return nil, err
		}
		if err := p.s.records.ReindexOwn(ctx, p.tx, p.about); err != nil {
			return nil, err
		}
	}
	if err := p.write(ctx); err != nil {
		return nil, err
	}
	return p.changed(), p.tellOverlaps(ctx, before)
}

// amended reads the request as if the plan were registered anew.
func (p *changing) amended(q *AmendPlanRequest) (domain.Draft, domain.Violations) {
	r := domain.Registration{
		NHSNumber: p.about.Person.NHSNumber.Reveal(), Family: q.Family, Given: q.Given, DateOfBirth: q.DateOfBirth,
		Kind: p.own.Kind, Start: q.Start, End: q.End, Expected: q.Expected, Basis: q.Basis, Reference: q.Reference,
	}
	d, wrong := r.Read(domain.RequestForms, p.s.clock.Today())
	switch {
	case d.Details.End.IsZero():
	case p.own.EndReason != "":
		d.Details.EndReason = p.own.EndReason
	case d.Details.End != p.own.End:
		d.Details.EndReason = p.by.Reason
	}
	return d, wrong
}

// isAs reports whether the plan is as a draft has it.
func (p *changing) isAs(d *domain.Draft) bool {
	return p.own.Details == d.Details && p.own.Family == d.Person.Family && p.own.Given == d.Person.Given &&
		p.about.Person.DateOfBirth == d.Person.DateOfBirth
}

// take makes the plan, and its person, as a draft has them.
func (p *changing) take(d *domain.Draft) {
	p.own.Details, p.own.Family, p.own.Given = d.Details, d.Person.Family, d.Person.Given
	p.about.Person.DateOfBirth = d.Person.DateOfBirth
}

// fits says what keeps the plan from being as it is now, beside the other plans
// about the person. born says that the date of birth is another.
func (p *changing) fits(born bool) error {
	var v domain.Violations
	if other := p.clashing(); other != nil {
		v.Add("start", "overlaps with "+other.Name()+" of the same kind: correct the dates of one of them", "")
	}
	switch {
	case !born:
	case p.others:
		v.Add("date_of_birth", "cannot be changed here, because another record exists about this person: "+
			"check it, and trace the NHS number again", "")
	default:
		p.fitOthers(&v)
	}
	return v.Err()
}

// fitOthers checks that the authority's other plans fit the person's new date
// of birth.
func (p *changing) fitOthers(v *domain.Violations) {
	for i := range p.about.Plans {
		other := &p.about.Plans[i]
		if other.Row.ID == p.own.Row.ID {
			continue
		}
		check := domain.Reader{Today: p.s.clock.Today()}
		check.FitBorn(&other.Details, p.about.Person.DateOfBirth)
		if len(check.Violations) > 0 {
			v.Add("date_of_birth", "does not fit "+other.Name()+": correct that one first, or enter it anew", "")
		}
	}
}

// overlaps finds where the plan as it is now overlaps with those of others.
func (p *changing) overlaps(ctx context.Context) ([]notice.Overlapping, error) {
	return p.s.notices.Overlaps(ctx, p.tx, []*record.NewPlan{{Plan: *p.own, About: p.about}})
}

// tellOverlaps tells of overlaps with other authorities' plans that were not
// there before.
func (p *changing) tellOverlaps(ctx context.Context, before []notice.Overlapping) error {
	now, err := p.overlaps(ctx)
	if err != nil {
		return err
	}
	var fresh []notice.Overlapping
	for _, o := range now {
		known := false
		for _, b := range before {
			known = known || b.With == o.With
		}
		if !known {
			fresh = append(fresh, o)
		}
	}
	p.s.notices.Tell(p.tx, notice.NewsOf(fresh)...)
	return nil
}
