package service

import (
	"cmp"
	"context"
	"slices"
	"time"

	"cpis/audit"
	"cpis/policy"
	"cpis/service/identity"
	"cpis/service/store"
)

// OwnPlan is a plan as its own authority sees it.
type OwnPlan struct {
	ID           string
	Version      int
	Details      Details
	Ended        bool   // its last day has passed
	VisibleUntil Date   // none while it is open
	Removed      bool   // entered in error
	TransferTo   string // GSS code of the authority it is offered to; empty where it is not
	Changed      time.Time
}

// showPlan returns a plan as it stands today.
func showPlan(p *ownPlan, today Date) OwnPlan {
	return OwnPlan{
		ID:           p.row.ID.String(),
		Version:      p.row.Version,
		Details:      p.Details,
		Ended:        p.ended(today),
		VisibleUntil: p.visibleUntil(),
		Removed:      p.row.Removed,
		TransferTo:   p.row.TransferTo,
		Changed:      p.row.At,
	}
}

// of gives the person whom the plan is about, named as its authority recorded.
// Of a plan that was an error it gives no more than the names: what else is held
// by now may be what others recorded, about somebody else.
func (p *ownPlan) of(person Person) Person {
	if p.row.Removed {
		return Person{Family: p.Family, Given: p.Given}
	}
	person.Family, person.Given = p.Family, p.Given
	return person
}

// OwnPerson is what an authority recorded about a person.
type OwnPerson struct {
	Receipt

	Person     Person // named as this authority last recorded
	Restricted bool
	Plans      []OwnPlan // newest start first
}

// GetPerson shows what the caller's authority recorded about the person with
// an NHS number. The error is ErrDenied, *InvalidError, *OverloadedError,
// ErrNotFound where it recorded nothing, whoever else did, ErrUnrecorded,
// ErrUnavailable or ErrDamaged.
func (s *Service) GetPerson(ctx context.Context, c *identity.Caller, number, requestID string) (*OwnPerson, error) {
	check := checker{form: requestForms}
	n := check.number(number)
	a := act{
		caller: c, action: policy.GetPerson, own: true, request: requestID,
		subject: s.subject(n), check: check.err(),
	}
	return answer(ctx, s, a, func(ctx context.Context, tx *store.Tx, e *audit.Entry) (*OwnPerson, error) {
		h, err := s.findOwn(ctx, tx, c.Organisation, n)
		if err != nil {
			return nil, err
		}
		out := showPerson(h, s.today())
		e.Restricted = out.Restricted
		for _, p := range out.Plans {
			e.Disclosed = append(e.Disclosed, audit.Disclosed{Plan: p.ID, Version: p.Version})
		}
		return out, nil
	})
}

// findOwn finds and opens a person of whom an authority holds plans. Of those
// whom only others know nothing is opened, nor their key asked for: finding
// them takes no longer than finding nobody.
func (s *Service) findOwn(ctx context.Context, tx *store.Tx, authority string, n NHSNumber) (*held, error) {
	found, err := s.findHeld(ctx, tx, tx.PersonsByTags, authority, []NHSNumber{n})
	if err != nil {
		return nil, err
	}
	h := found[s.ring.LocalTag(n.Reveal())]
	if h == nil || len(h.plans) == 0 {
		return nil, ErrNotFound
	}
	return h, s.openPeople(ctx, found)
}

// showPerson returns what an authority recorded, as it stands today.
func showPerson(h *held, today Date) *OwnPerson {
	latest := lastRecorded(h.plans)
	out := &OwnPerson{Person: latest.of(h.person), Restricted: h.row.Restricted}
	for i := range h.plans {
		out.Plans = append(out.Plans, showPlan(&h.plans[i], today))
	}
	slices.SortFunc(out.Plans, func(a, b OwnPlan) int {
		return cmp.Or(b.Details.Start.Time().Compare(a.Details.Start.Time()), cmp.Compare(a.ID, b.ID))
	})
	return out
}
