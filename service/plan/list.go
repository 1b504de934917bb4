package plan

import (
	"context"
	"slices"

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
	OverduePlans        = Filter(domain.Overdue) // for unborn children whose expected date has passed, and not ended
	AdultPlans          = Filter(domain.Adult)   // in force for children who are 18 or older
)

// ListRequest asks for plans of the caller's authority.
type ListRequest struct {
	Filter  Filter
	Kind    domain.Kind // only this one; all if it is empty
	Order   Order
	Reverse bool // the other way round
	Paging  guard.Paging
	Request string // request id
}

// Listed is a plan and whom it is about.
type Listed struct {
	PersonID   string        // by which the authority calls the person; empty until it has one
	Person     domain.Person // named as the authority recorded
	Plan       Plan
	Restricted bool
}

// Page is a part of a list of plans.
type Page struct {
	guard.Receipt

	Plans    []Listed
	Next     string // where to go on; empty at the end
	Previous string // where the page before is, of an ordered list; empty at the beginning
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
		called, err := tx.Plans.Holdings(ctx, c.Organisation, []uuid.UUID{row.Person})
		if err != nil {
			return nil, err
		}
		out := &Found{Listed: listPlan(&own, h, s.clock.Today())}
		out.PersonID = personID(called[row.Person])
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
	l.read(&check)
	a := guard.Act{Caller: c, Action: policy.ListPlans, Own: true, Request: q.Request, Check: check.Err()}
	return guard.Answer(ctx, s.guard, a, func(ctx context.Context, tx *store.Tx, e *audit.Entry) (*Page, error) {
		out, err := s.list(ctx, tx, l)
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
	from      place     // likewise, of an ordered list
	need      string    // only plans that are listed with it; all if it is empty
}

// read reads a request.
func (l *listing) read(c *domain.Reader) {
	paging := l.Paging
	if l.Order != AnyOrder {
		paging.Page = "" // is a place in an order
	}
	l.size, l.after = paging.Read(c, uuid.Nil)
	l.readOrder(c)
	l.check(c)
}

// list fills a page.
func (s *Plans) list(ctx context.Context, tx *store.Tx, l listing) (*Page, error) {
	if l.Order == AnyOrder {
		return s.fillPage(ctx, tx, l)
	}
	if l.Filter == OverduePlans || l.Filter == AdultPlans {
		state, err := tx.Plans.WorkState(ctx)
		if err != nil {
			return nil, err
		}
		if s.records.Current(state) { // else all are opened
			l.need = string(l.Filter)
		}
	}
	return s.fillOrdered(ctx, tx, &l)
}

// fillOrdered is fillPage of an ordered list.
func (s *Plans) fillOrdered(ctx context.Context, tx *store.Tx, l *listing) (*Page, error) {
	atATime := l.size
	if l.need == "" && (l.Filter != AllPlans || l.Kind != "") {
		atATime = keys.MaxBatch
	}
	out := &Page{}
	at, begin, end := l.from.key, place{}, false
	for scanned := 0; scanned < maxScan && len(out.Plans) < l.size && !end; scanned += atATime {
		rows, err := tx.Plans.Ordered(ctx, l.ordered(at, atATime))
		if err != nil {
			return nil, err
		}
		listed, err := s.openListed(ctx, tx, rows, l.passes)
		if err != nil {
			return nil, err
		}
		used := 0
		for ; used < len(rows) && len(out.Plans) < l.size; used++ {
			if at = l.Order.keyOf(&rows[used]); begin.key == (store.PlanKey{}) {
				begin.key = at
			}
			if listed[used] != nil {
				out.Plans = append(out.Plans, *listed[used])
			}
		}
		end = len(rows) < atATime && used == len(rows)
	}
	out.turn(l, begin, place{key: at}, end)
	return out, nil
}

// turn says where the pages before and behind one are that begins with one plan and
// reaches until another, as it was read.
func (p *Page) turn(l *listing, begin, until place, end bool) {
	begun := begin.key != store.PlanKey{}
	if l.from.back {
		slices.Reverse(p.Plans)
		if until.back = true; !end {
			p.Previous = until.String()
		}
		if begun {
			p.Next = begin.String()
		}
		return
	}
	if !end {
		p.Next = until.String()
	}
	if begin.back = true; begun && l.from != l.first() {
		p.Previous = begin.String()
	}
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
	called, err := tx.Plans.HoldingsOf(ctx, rows)
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
			l.PersonID = personID(called[row.Person])
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
	case OverduePlans, AdultPlans:
		asks := p.Asks(h.Person.DateOfBirth)
		return asks.Need == domain.Need(q.Filter) && asks.On(today)
	}
	return false
}
