package plan

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/google/uuid"

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
	PersonID  string // by which the authority calls the person, in the place of the number
	Request   string // request id
}

// OwnPerson is what an authority recorded about a person.
type OwnPerson struct {
	guard.Receipt

	ID         string        // by which the authority calls the person; empty until it has one
	Person     domain.Person // named as this authority last recorded
	Restricted bool
	Plans      []Plan // newest start first
}

// GetPerson shows what the caller's authority recorded about a person, by NHS
// number or by the identifier that the authority has for the person. Its own
// error is ErrNotFound (it recorded nothing, whoever else did).
func (s *Plans) GetPerson(ctx context.Context, c *identity.Caller, q *GetPersonRequest) (*OwnPerson, error) {
	check := domain.Reader{Form: domain.RequestForms}
	var n domain.NHSNumber
	switch {
	case q.PersonID == "":
		n = check.Number(q.NHSNumber)
	case q.NHSNumber != "":
		check.Add("person_id", "stands in the place of the NHS number: give one of them", "")
	}
	a := guard.Act{
		Caller: c, Action: policy.GetPerson, Own: true, Request: q.Request,
		Subject: s.records.Subject(n), Target: guard.Target(guard.KindPerson, q.PersonID), Check: check.Err(),
	}
	return guard.Answer(ctx, s.guard, a, func(ctx context.Context, tx *store.Tx, e *audit.Entry) (*OwnPerson, error) {
		h, err := s.findEither(ctx, tx, c.Organisation, n, q.PersonID)
		if err != nil {
			return nil, err
		}
		if n.IsZero() {
			e.Subject = s.records.Subject(h.Person.NHSNumber)
		}
		called, err := tx.Plans.Holdings(ctx, c.Organisation, []uuid.UUID{h.Row.ID})
		if err != nil {
			return nil, err
		}
		out := showPerson(h, s.clock.Today())
		out.ID = personID(called[h.Row.ID])
		e.Restricted = out.Restricted
		for _, p := range out.Plans {
			e.Disclosed = append(e.Disclosed, audit.Disclosed{Plan: p.ID, Version: p.Version})
		}
		return out, nil
	})
}

// findEither finds and opens a person of whom an authority holds plans, by number
// or by identifier.
func (s *Plans) findEither(ctx context.Context, tx *store.Tx, authority string, n domain.NHSNumber, id string) (*record.Record, error) {
	if id == "" {
		return s.findOwn(ctx, tx, authority, n)
	}
	return s.findHeld(ctx, tx, authority, id)
}

// findHeld finds and opens a person by the identifier that an authority has for it.
func (s *Plans) findHeld(ctx context.Context, tx *store.Tx, authority, id string) (*record.Record, error) {
	parsed, err := uuid.Parse(id)
	if err != nil {
		return nil, guard.ErrNotFound
	}
	held, err := tx.Plans.Held(ctx, parsed)
	switch {
	case err != nil:
		return nil, err
	case held.Authority != authority:
		return nil, guard.ErrNotFound
	}
	people, err := s.openWhole(ctx, tx, authority, []store.PlanRow{{Person: held.Person}})
	if err != nil {
		return nil, err
	}
	if len(people) == 0 {
		return nil, guard.ErrNotFound // all were errors, or are of another person or authority by now
	}
	return people[0], nil
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
