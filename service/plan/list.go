package plan

import (
	"context"

	"github.com/google/uuid"

	"cpis/audit"
	"cpis/policy"
	"cpis/service/domain"
	"cpis/service/guard"
	"cpis/service/identity"
	"cpis/service/keys"
	"cpis/service/record"
	"cpis/service/store"
)

// Filter narrows a list of plans.
type Filter string

// The filters. None shows plans that were removed.
const (
	AllPlans     Filter = ""
	ActivePlans  Filter = "active"
	EndedPlans   Filter = "ended"
	OverduePlans Filter = "overdue" // for unborn children whose expected date has passed, and not ended
	AdultPlans   Filter = "adult"   // in force for children who are 18 or older
)

// ListRequest asks for plans of the caller's authority.
type ListRequest struct {
	Filter  Filter
	Kind    domain.Kind // only this one; all if it is empty
	Paging  guard.Paging
	Request string // request id
}

// Listed is a plan and whom it is about.
type Listed struct {
	Person     domain.Person // named as the authority recorded
	Plan       Plan
	Restricted bool
}

// Page is a part of a list of plans.
type Page struct {
	guard.Receipt

	Plans []Listed
	Next  string // where to go on; empty at the end
}

// GetPlanRequest asks for one plan.
type GetPlanRequest struct {
	PlanID  string
	Request string // request id
}

// Found is one plan.
type Found struct {
	Listed
	guard.Receipt
}

// GetPlan shows one plan of the caller's authority, also one that was removed.
// Its own error is ErrNotFound (also for plans of others).
func (s *Plans) GetPlan(ctx context.Context, c *identity.Caller, q *GetPlanRequest) (*Found, error) {
	a := guard.Act{
		Caller: c, Action: policy.GetPerson, Own: true, Request: q.Request, Target: guard.Target(guard.KindPlan, q.PlanID),
	}
	return guard.Answer(ctx, s.guard, a, func(ctx context.Context, tx *store.Tx, e *audit.Entry) (*Found, error) {
		row, err := guard.FindOwn(ctx, tx.Plans.Get, c.Organisation, q.PlanID)
		if err != nil {
			return nil, err
		}
		about, err := s.records.OpenPersons(ctx, tx, []uuid.UUID{row.Person})
		if err != nil {
			return nil, err
		}
		h := about[row.Person]
		if h == nil {
			return nil, guard.ErrNotFound
		}
		own := record.Plan{Row: row}
		if err := s.records.OpenOwn(h.Key, &own); err != nil {
			return nil, err
		}
		out := &Found{Listed: listPlan(&own, h, s.clock.Today())}
		e.Subject = s.records.Subject(h.Person.NHSNumber)
		out.disclosed(e)
		return out, nil
	})
}

// listPlan returns a plan and whom it is about, as they stand today.
func listPlan(p *record.Plan, h *record.Record, today domain.Date) Listed {
	return Listed{Person: p.Of(h.Person), Plan: showPlan(p, today), Restricted: h.Row.Restricted}
}

// disclosed says in the entry that the plan is shown.
func (p *Listed) disclosed(e *audit.Entry) {
	e.Restricted = e.Restricted || p.Restricted
	e.Disclosed = append(e.Disclosed, audit.Disclosed{Plan: p.Plan.ID, Version: p.Plan.Version})
}

// maxScan is how many plans are opened at most to fill one page.
const maxScan = 5 * keys.MaxBatch

// ListPlans shows plans of the caller's authority that are not errors. The
// error is ErrDenied, *InvalidError, *OverloadedError, ErrUnrecorded,
// ErrUnavailable or ErrDamaged.
//
// What the filters ask about is sealed, so plans are opened that are not shown;
// a page may hold fewer than were asked for although others follow. The entry
// names those that are shown.
func (s *Plans) ListPlans(ctx context.Context, c *identity.Caller, q *ListRequest) (*Page, error) {
	check := domain.Reader{}
	l := listing{ListRequest: q, authority: c.Organisation}
	l.size, l.after = q.Paging.Read(&check, uuid.Nil)
	q.check(&check)
	a := guard.Act{Caller: c, Action: policy.ListPlans, Own: true, Request: q.Request, Check: check.Err()}
	return guard.Answer(ctx, s.guard, a, func(ctx context.Context, tx *store.Tx, e *audit.Entry) (*Page, error) {
		out, err := s.fillPage(ctx, tx, l)
		if err != nil {
			return nil, err
		}
		for i := range out.Plans {
			out.Plans[i].disclosed(e)
		}
		return out, nil
	})
}

// check checks what a list is to be narrowed to.
func (q *ListRequest) check(c *domain.Reader) {
	switch q.Filter {
	case AllPlans, ActivePlans, EndedPlans, OverduePlans, AdultPlans:
	default:
		c.Add("filter", "must be active, ended, overdue or adult", string(ActivePlans))
	}
	if q.Kind != "" {
		c.Kind(q.Kind)
	}
}

// listing is a ListRequest of an authority, and how far it was answered.
type listing struct {
	*ListRequest

	authority string
	size      int
	after     uuid.UUID // the last plan that was looked at
}

// fillPage opens plans until as many pass the filter as were asked for.
func (s *Plans) fillPage(ctx context.Context, tx *store.Tx, l listing) (*Page, error) {
	atATime := keys.MaxBatch
	if l.Filter == AllPlans && l.Kind == "" {
		atATime = l.size
	}
	out := &Page{}
	for scanned := 0; scanned < maxScan && len(out.Plans) < l.size; scanned += atATime {
		rows, err := tx.Plans.After(ctx, l.authority, l.after, atATime)
		if err != nil {
			return nil, err
		}
		listed, err := s.openListed(ctx, tx, rows, l.passes)
		if err != nil {
			return nil, err
		}
		for i := 0; i < len(rows) && len(out.Plans) < l.size; i++ {
			l.after = rows[i].ID
			if listed[i] != nil {
				out.Plans = append(out.Plans, *listed[i])
			}
		}
		if len(rows) < atATime && (len(rows) == 0 || l.after == rows[len(rows)-1].ID) {
			return out, nil // that was the last
		}
	}
	out.Next = l.after.String()
	return out, nil
}

// openListed opens plans with whom they are about. What does not pass is nil,
// and so are plans about persons who were erased.
func (s *Plans) openListed(
	ctx context.Context, tx *store.Tx, rows []store.PlanRow, passes func(*record.Plan, *record.Record, domain.Date) bool,
) ([]*Listed, error) {
	ids := make([]uuid.UUID, len(rows))
	for i := range rows {
		ids[i] = rows[i].Person
	}
	about, err := s.records.OpenPersons(ctx, tx, ids)
	if err != nil {
		return nil, err
	}
	today := s.clock.Today()
	listed := make([]*Listed, len(rows))
	for i, row := range rows {
		h := about[row.Person]
		if h == nil {
			continue
		}
		own := record.Plan{Row: row}
		if err := s.records.OpenOwn(h.Key, &own); err != nil {
			return nil, err
		}
		if passes(&own, h, today) {
			l := listPlan(&own, h, today)
			listed[i] = &l
		}
	}
	return listed, nil
}

// passes reports whether a plan is one of those asked for.
func (q *ListRequest) passes(p *record.Plan, h *record.Record, today domain.Date) bool {
	if q.Kind != "" && p.Kind != q.Kind {
		return false
	}
	ended := p.Ended(today)
	switch q.Filter {
	case AllPlans:
		return true
	case ActivePlans:
		return !ended
	case EndedPlans:
		return ended
	case OverduePlans:
		return !ended && p.Kind == domain.UCPP && p.Expected.Before(today)
	case AdultPlans:
		return !ended && p.Kind != domain.UCPP && !today.Before(h.Person.DateOfBirth.AddYears(domain.AdultAge))
	}
	return false
}
