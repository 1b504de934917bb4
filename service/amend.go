package service

import (
	"context"

	"cpis/policy"
	"cpis/service/identity"
)

// Amendment gives a plan as it should be. Every text replaces what is held,
// also with nothing; the kind and the NHS number stay.
type Amendment struct {
	PlanID      string
	Version     int // that the caller saw
	Reason      string
	Family      string
	Given       string
	DateOfBirth string // YYYY-MM-DD; UCPP: the mother's
	Start       string // YYYY-MM-DD
	End         string // YYYY-MM-DD; empty reopens a plan that was ended
	Expected    string // YYYY-MM-DD; UCPP only
	Basis       Basis  // LAC only
	Reference   string // the authority's own, or empty
	Request     string `json:"-"` // request id
}

// AmendPlan corrects or completes a plan of the caller's authority, also one
// that has ended. The error is as of EndPlan; ErrState says that the plan was
// removed. Where nothing differs, no version is made.
//
// What is amended must be what could be registered. The date of birth is the
// person's, not the plan's: it can be changed while no other authority holds
// plans about the person, and must fit the authority's own.
func (s *Service) AmendPlan(ctx context.Context, c *identity.Caller, q *Amendment) (*Changed, error) {
	check := checker{form: requestForms, today: s.today()}
	check.seen(q.Version)
	a := planAct{
		caller: c, action: policy.AmendPlan, plan: q.PlanID, version: q.Version, word: wordAmend, reason: check.reason(q.Reason),
		request: q.Request, asks: q, check: check.err(),
	}
	return changePlan(ctx, s, &a, func(ctx context.Context, p *changing) (*Changed, error) { return p.amend(ctx, q) })
}

// amend makes the plan as q gives it.
func (p *changing) amend(ctx context.Context, q *Amendment) (*Changed, error) {
	d, wrong := p.amended(q)
	if wrong.err() != nil {
		return nil, wrong.err()
	}
	if p.isAs(&d) {
		p.entry.Reason = reasonUnchanged
		p.disclose(p.own)
		out := p.changed()
		out.same = true
		return out, nil
	}
	before, err := p.overlaps(ctx)
	if err != nil {
		return nil, err
	}
	born := d.person.DateOfBirth != p.about.person.DateOfBirth
	p.take(&d)
	if err := p.fits(born); err != nil {
		return nil, err
	}
	if born {
		if err := p.s.updatePersons(ctx, p.tx, p.about); err != nil {
			return nil, err
		}
	}
	if err := p.write(ctx); err != nil {
		return nil, err
	}
	return p.changed(), p.tellOverlaps(ctx, before)
}

// amended reads an Amendment as if the plan were registered anew.
func (p *changing) amended(q *Amendment) (draft, violations) {
	r := Registration{
		NHSNumber: p.about.person.NHSNumber.Reveal(), Family: q.Family, Given: q.Given, DateOfBirth: q.DateOfBirth,
		Kind: p.own.Kind, Start: q.Start, End: q.End, Expected: q.Expected, Basis: q.Basis, Reference: q.Reference,
	}
	d, wrong := r.read(requestForms, p.s.today())
	switch {
	case d.details.End.IsZero():
	case p.own.EndReason != "":
		d.details.EndReason = p.own.EndReason
	case d.details.End != p.own.End:
		d.details.EndReason = p.by.Reason
	}
	return d, wrong
}

// isAs says whether the plan is as a draft has it.
func (p *changing) isAs(d *draft) bool {
	return p.own.Details == d.details && p.own.Family == d.person.Family && p.own.Given == d.person.Given &&
		p.about.person.DateOfBirth == d.person.DateOfBirth
}

// take makes the plan, and its person, as a draft has them.
func (p *changing) take(d *draft) {
	p.own.Details, p.own.Family, p.own.Given = d.details, d.person.Family, d.person.Given
	p.about.person.DateOfBirth = d.person.DateOfBirth
}

// fits says what keeps the plan from being as it is now, beside the other plans
// about the person. born says that the date of birth is another.
func (p *changing) fits(born bool) error {
	var v violations
	if other := p.clashing(); other != nil {
		v.add("start", "overlaps with "+other.name()+" of the same kind: correct the dates of one of them", "")
	}
	switch {
	case !born:
	case p.others:
		v.add("date_of_birth", "cannot be changed here, because another record exists about this person: "+
			"check it, and trace the NHS number again", "")
	default:
		p.fitOthers(&v)
	}
	return v.err()
}

// fitOthers checks that the authority's other plans fit the person's new date
// of birth.
func (p *changing) fitOthers(v *violations) {
	for i := range p.about.plans {
		other := &p.about.plans[i]
		if other.row.ID == p.own.row.ID {
			continue
		}
		check := checker{today: p.s.today()}
		check.fitBorn(&other.Details, p.about.person.DateOfBirth)
		if len(check.violations) > 0 {
			v.add("date_of_birth", "does not fit "+other.name()+": correct that one first, or enter it anew", "")
		}
	}
}

// overlaps finds where the plan as it is now overlaps with those of others.
func (p *changing) overlaps(ctx context.Context) ([]overlap, error) {
	return p.s.overlaps(ctx, p.tx, []*newPlan{{ownPlan: *p.own, about: p.about}})
}

// tellOverlaps tells of overlaps with other authorities' plans that were not
// there before.
func (p *changing) tellOverlaps(ctx context.Context, before []overlap) error {
	now, err := p.overlaps(ctx)
	if err != nil {
		return err
	}
	var fresh []overlap
	for _, o := range now {
		known := false
		for _, b := range before {
			known = known || b.with == o.with
		}
		if !known {
			fresh = append(fresh, o)
		}
	}
	p.s.tell(p.tx, newsOf(fresh)...)
	return nil
}
