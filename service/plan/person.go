package plan

import (
	"cmp"
	"context"
	"slices"
	"time"

	"cpis/audit"
	"cpis/policy"
	"cpis/service/domain"
	"cpis/service/guard"
	"cpis/service/identity"
	"cpis/service/record"
	"cpis/service/store"
)

// Plan is a plan as its own authority sees it.
type Plan struct {
	ID           string
	Version      int
	Details      domain.Details
	Ended        bool        // its last day has passed
	VisibleUntil domain.Date // none while it is open
	Removed      bool        // entered in error
	TransferTo   string      // GSS code of the authority it is offered to; empty if it is not
	Changed      time.Time
}

// showPlan returns a plan as it stands today.
func showPlan(p *record.Plan, today domain.Date) Plan {
	return Plan{
		ID:           p.Row.ID.String(),
		Version:      p.Row.Version,
		Details:      p.Details,
		Ended:        p.Ended(today),
		VisibleUntil: p.VisibleUntil(),
		Removed:      p.Row.Removed,
		TransferTo:   p.Row.TransferTo,
		Changed:      p.Row.At,
	}
}

// GetPersonRequest asks what the caller's authority recorded about a person.
type GetPersonRequest struct {
	NHSNumber string
	Request   string // request id
}

// OwnPerson is what an authority recorded about a person.
type OwnPerson struct {
	guard.Receipt

	Person     domain.Person // named as this authority last recorded
	Restricted bool
	Plans      []Plan // newest start first
}

// GetPerson shows what the caller's authority recorded about the person with an
// NHS number. Its own error is ErrNotFound (it recorded nothing, whoever else
// did).
func (s *Plans) GetPerson(ctx context.Context, c *identity.Caller, q *GetPersonRequest) (*OwnPerson, error) {
	check := domain.Reader{Form: domain.RequestForms}
	n := check.Number(q.NHSNumber)
	a := guard.Act{
		Caller: c, Action: policy.GetPerson, Own: true, Request: q.Request,
		Subject: s.records.Subject(n), Check: check.Err(),
	}
	return guard.Answer(ctx, s.guard, a, func(ctx context.Context, tx *store.Tx, e *audit.Entry) (*OwnPerson, error) {
		h, err := s.findOwn(ctx, tx, c.Organisation, n)
		if err != nil {
			return nil, err
		}
		out := showPerson(h, s.clock.Today())
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
func (s *Plans) findOwn(ctx context.Context, tx *store.Tx, authority string, n domain.NHSNumber) (*record.Record, error) {
	found, err := s.records.Find(ctx, tx, tx.People.ByTags, authority, []domain.NHSNumber{n})
	if err != nil {
		return nil, err
	}
	h := found[s.ring.LocalTag(n.Reveal())]
	if h == nil || len(h.Plans) == 0 {
		return nil, guard.ErrNotFound
	}
	return h, s.records.OpenPeople(ctx, found)
}

// showPerson returns what an authority recorded, as it stands today.
func showPerson(h *record.Record, today domain.Date) *OwnPerson {
	latest := record.LastRecorded(h.Plans)
	out := &OwnPerson{Person: latest.Of(h.Person), Restricted: h.Row.Restricted}
	for i := range h.Plans {
		out.Plans = append(out.Plans, showPlan(&h.Plans[i], today))
	}
	slices.SortFunc(out.Plans, func(a, b Plan) int {
		return cmp.Or(b.Details.Start.Time().Compare(a.Details.Start.Time()), cmp.Compare(a.ID, b.ID))
	})
	return out
}
