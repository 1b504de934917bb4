package service

import (
	"context"

	"github.com/google/uuid"

	"cpis/audit"
	"cpis/policy"
	"cpis/service/identity"
	"cpis/service/keys"
	"cpis/service/store"
)

// PlanFilter narrows a list of plans.
type PlanFilter string

// The filters. None shows plans that were removed.
const (
	AllPlans     PlanFilter = ""
	ActivePlans  PlanFilter = "active"
	EndedPlans   PlanFilter = "ended"
	OverduePlans PlanFilter = "overdue" // for unborn children whose expected date has passed, and not ended
	AdultPlans   PlanFilter = "adult"   // in force for children who are 18 or older
)

// PlanQuery asks for plans of the caller's authority.
type PlanQuery struct {
	Filter  PlanFilter
	Kind    Kind // only this one; all where it is empty
	Paging  Paging
	Request string // request id
}

// ListedPlan is a plan and whom it is about.
type ListedPlan struct {
	Person     Person // named as the authority recorded
	Plan       OwnPlan
	Restricted bool
}

// PlanPage is a part of a list of plans.
type PlanPage struct {
	Receipt

	Plans []ListedPlan
	Next  string // where to go on; empty at the end
}

// FoundPlan is one plan.
type FoundPlan struct {
	ListedPlan
	Receipt
}

// GetPlan shows one plan of the caller's authority, also one that was removed.
// The error is ErrDenied, *OverloadedError, ErrNotFound (also for plans of
// others), ErrUnrecorded, ErrUnavailable or ErrDamaged.
func (s *Service) GetPlan(ctx context.Context, c *identity.Caller, id, request string) (*FoundPlan, error) {
	a := act{caller: c, action: policy.GetPerson, own: true, request: request}
	return answer(ctx, s, a, func(ctx context.Context, tx *store.Tx, e *audit.Entry) (*FoundPlan, error) {
		row, err := findPlan(ctx, tx.Plan, c.Organisation, id)
		if err != nil {
			return nil, err
		}
		about, err := s.openPersons(ctx, tx, []uuid.UUID{row.Person})
		if err != nil {
			return nil, err
		}
		h := about[row.Person]
		if h == nil {
			return nil, ErrNotFound
		}
		own := ownPlan{row: row}
		if err := s.openOwn(h.key, &own); err != nil {
			return nil, err
		}
		out := &FoundPlan{ListedPlan: listPlan(&own, h, s.today())}
		e.Subject = s.subject(h.person.NHSNumber)
		out.disclosed(e)
		return out, nil
	})
}

// listPlan returns a plan and whom it is about, as they stand today.
func listPlan(p *ownPlan, h *held, today Date) ListedPlan {
	return ListedPlan{Person: p.of(h.person), Plan: showPlan(p, today), Restricted: h.row.Restricted}
}

// disclosed says in the entry that the plan is shown.
func (p *ListedPlan) disclosed(e *audit.Entry) {
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
func (s *Service) ListPlans(ctx context.Context, c *identity.Caller, q *PlanQuery) (*PlanPage, error) {
	check := checker{}
	size, after := q.Paging.read(&check, uuid.Nil)
	q.check(&check)
	a := act{caller: c, action: policy.ListPlans, own: true, request: q.Request, check: check.err()}
	return answer(ctx, s, a, func(ctx context.Context, tx *store.Tx, e *audit.Entry) (*PlanPage, error) {
		out, err := s.fillPage(ctx, tx, q, c.Organisation, size, after)
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
func (q *PlanQuery) check(c *checker) {
	switch q.Filter {
	case AllPlans, ActivePlans, EndedPlans, OverduePlans, AdultPlans:
	default:
		c.add("filter", "must be active, ended, overdue or adult", string(ActivePlans))
	}
	if q.Kind != "" {
		c.kind(q.Kind)
	}
}

// fillPage opens plans until as many pass the filter as were asked for.
func (s *Service) fillPage(
	ctx context.Context, tx *store.Tx, q *PlanQuery, authority string, size int, after uuid.UUID,
) (*PlanPage, error) {
	atATime := keys.MaxBatch
	if q.Filter == AllPlans && q.Kind == "" {
		atATime = size
	}
	out := &PlanPage{}
	for scanned := 0; scanned < maxScan && len(out.Plans) < size; scanned += atATime {
		rows, err := tx.PlansAfter(ctx, authority, after, atATime)
		if err != nil {
			return nil, err
		}
		listed, err := s.openListed(ctx, tx, rows, q.passes)
		if err != nil {
			return nil, err
		}
		for i := 0; i < len(rows) && len(out.Plans) < size; i++ {
			after = rows[i].ID
			if listed[i] != nil {
				out.Plans = append(out.Plans, *listed[i])
			}
		}
		if len(rows) < atATime && (len(rows) == 0 || after == rows[len(rows)-1].ID) {
			return out, nil // that was the last
		}
	}
	out.Next = after.String()
	return out, nil
}

// openListed opens plans with whom they are about. What does not pass is nil,
// and so are plans about persons who were erased.
func (s *Service) openListed(
	ctx context.Context, tx *store.Tx, rows []store.PlanRow, passes func(*ownPlan, *held, Date) bool,
) ([]*ListedPlan, error) {
	ids := make([]uuid.UUID, len(rows))
	for i := range rows {
		ids[i] = rows[i].Person
	}
	about, err := s.openPersons(ctx, tx, ids)
	if err != nil {
		return nil, err
	}
	today := s.today()
	listed := make([]*ListedPlan, len(rows))
	for i, row := range rows {
		h := about[row.Person]
		if h == nil {
			continue
		}
		own := ownPlan{row: row}
		if err := s.openOwn(h.key, &own); err != nil {
			return nil, err
		}
		if passes(&own, h, today) {
			l := listPlan(&own, h, today)
			listed[i] = &l
		}
	}
	return listed, nil
}

// passes says whether a plan is one of those asked for.
func (q *PlanQuery) passes(p *ownPlan, h *held, today Date) bool {
	if q.Kind != "" && p.Kind != q.Kind {
		return false
	}
	ended := p.ended(today)
	switch q.Filter {
	case AllPlans:
		return true
	case ActivePlans:
		return !ended
	case EndedPlans:
		return ended
	case OverduePlans:
		return !ended && p.Kind == UCPP && p.Expected.Before(today)
	case AdultPlans:
		return !ended && p.Kind != UCPP && !today.Before(h.person.DateOfBirth.AddYears(adultAge))
	}
	return false
}
