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
	"cpis/service/record"
	"cpis/service/store"
)

// FindRequest asks for people of whom the caller's authority holds plans: by NHS
// number, or by name.
type FindRequest struct {
	NHSNumber   string // alone
	Family      string // or a part of it
	Given       string // likewise
	DateOfBirth string // YYYY-MM-DD, or empty
	Request     string // request id
}

// FoundPerson is somebody whom an authority holds plans about.
type FoundPerson struct {
	ID         string        // by which the authority calls the person; empty until it has one
	Person     domain.Person // named as the authority last recorded
	Restricted bool
	Plans      []Plan // newest start first
}

// FoundPeople are those who were found.
type FoundPeople struct {
	guard.Receipt

	People []FoundPerson // whose plans changed last first
	More   bool          // there are others: the date of birth, or more of the name, tells them apart
	// Incomplete says that some plans cannot be found by name yet.
	Incomplete bool
}

const (
	// maxFound is how many people are shown at most.
	maxFound = 50
	// maxProposed is how many plans are opened at most to find them.
	maxProposed = 200
)

// FindPeople finds people among the caller's authority's own. A name is
// compared without case, accents, hyphens and apostrophes, and each part of it
// alone finds; former names find as well as those that were recorded last. That
// nobody is found does not mean that no other authority knows the person. The
// error is ErrDenied, *InvalidError, *OverloadedError, ErrUnrecorded,
// ErrUnavailable or ErrDamaged.
func (s *Plans) FindPeople(ctx context.Context, c *identity.Caller, q *FindRequest) (*FoundPeople, error) {
	check := domain.Reader{Form: domain.RequestForms, Today: s.clock.Today()}
	f := q.read(&check)
	a := guard.Act{
		Caller: c, Action: policy.FindPeople, Own: true, Request: q.Request, Subject: s.records.Subject(f.number), Check: check.Err(),
	}
	return guard.Answer(ctx, s.guard, a, func(ctx context.Context, tx *store.Tx, e *audit.Entry) (*FoundPeople, error) {
		out, err := s.find(ctx, tx, c.Organisation, &f)
		if err != nil {
			return nil, err
		}
		e.Counts = audit.Counts{"found": int64(len(out.People))}
		for i := range out.People {
			p := &out.People[i]
			e.Restricted = e.Restricted || p.Restricted
			for _, l := range p.Plans {
				e.Disclosed = append(e.Disclosed, audit.Disclosed{Plan: l.ID, Version: l.Version})
			}
		}
		return out, nil
	})
}

// finding is a FindRequest that was read.
type finding struct {
	number domain.NHSNumber // if it is by number
	named  record.AskedPerson
}

func (q *FindRequest) read(check *domain.Reader) (f finding) {
	f.named = record.AskedPerson{
		Family: check.SoughtName("family_name", q.Family), Given: check.SoughtName("given_name", q.Given),
		Born: check.Day("date_of_birth", q.DateOfBirth),
	}
	nameless := f.named.Family.Empty() && f.named.Given.Empty()
	switch {
	case q.NHSNumber != "" && (!nameless || !f.named.Born.IsZero()):
		check.Add("nhs_number", "must stand alone: it finds one person", domain.ExampleNHSNumber)
	case q.NHSNumber != "":
		f.number = check.Number(q.NHSNumber)
	case nameless && len(check.Violations) == 0:
		check.Add("family_name", "or given_name is required, or the NHS number alone", "Example")
	}
	return f
}

// find finds people by what is asked.
func (s *Plans) find(ctx context.Context, tx *store.Tx, authority string, f *finding) (*FoundPeople, error) {
	out := &FoundPeople{}
	var people []*record.Record
	var err error
	if f.number.IsZero() {
		people, err = s.findNamed(ctx, tx, authority, f, out)
	} else {
		people, err = s.findNumbered(ctx, tx, authority, f)
	}
	if err != nil {
		return nil, err
	}
	if n := shownAtOnce(people); n < len(people) {
		people, out.More = people[:n], true
	}
	ids := make([]uuid.UUID, len(people))
	for i, h := range people {
		ids[i] = h.Row.ID
	}
	called, err := tx.Plans.Holdings(ctx, authority, ids)
	if err != nil {
		return nil, err
	}
	for _, h := range people {
		own := showPerson(h, s.clock.Today())
		out.People = append(out.People, FoundPerson{
			ID: personID(called[h.Row.ID]), Person: own.Person, Restricted: own.Restricted, Plans: own.Plans,
		})
	}
	return out, nil
}

// shownAtOnce returns how many people are shown: of whom one entry names all plans.
func shownAtOnce(people []*record.Record) int {
	plans := 0
	for i, h := range people {
		if plans += len(h.Plans); i == maxFound || i > 0 && plans > maxProposed {
			return i
		}
	}
	return len(people)
}

// personID returns an identifier as it is shown: none of a person who has none yet.
func personID(id uuid.UUID) string {
	if id == uuid.Nil {
		return ""
	}
	return id.String()
}

// findNumbered finds the person with an NHS number, if it is one of the authority's.
func (s *Plans) findNumbered(ctx context.Context, tx *store.Tx, authority string, f *finding) ([]*record.Record, error) {
	found, err := s.records.Find(ctx, tx, tx.People.ByTags, authority, []domain.NHSNumber{f.number})
	if err != nil {
		return nil, err
	}
	h := found[s.ring.LocalTag(f.number.Reveal())]
	if h == nil || len(h.Plans) == 0 {
		return nil, nil // whoever else knows the person: nothing is opened, and no key asked for
	}
	return []*record.Record{h}, s.records.OpenPeople(ctx, found)
}

// findNamed finds people by name. The index only proposes them: whoever is
// shown was opened and compared.
func (s *Plans) findNamed(ctx context.Context, tx *store.Tx, authority string, f *finding, out *FoundPeople) ([]*record.Record, error) {
	state, err := tx.Plans.WorkState(ctx)
	if err != nil {
		return nil, err
	}
	out.Incomplete = !s.records.Complete(state)
	rows, err := tx.Plans.ByNames(ctx, authority, s.records.NamedAs(authority, &f.named), maxProposed+1)
	if err != nil {
		return nil, err
	}
	if len(rows) > maxProposed {
		rows, out.More = rows[:maxProposed], true
	}
	people, err := s.openWhole(ctx, tx, authority, rows)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(people, func(h *record.Record) bool {
		return !slices.ContainsFunc(h.Plans, func(p record.Plan) bool { return f.named.Fits(h, &p) })
	}), nil
}

// openWhole opens the people whom plans are about, in the order of these, with all
// plans of the authority about them that are not errors.
func (s *Plans) openWhole(ctx context.Context, tx *store.Tx, authority string, rows []store.PlanRow) ([]*record.Record, error) {
	var ids []uuid.UUID
	for i := range rows {
		if !slices.Contains(ids, rows[i].Person) {
			ids = append(ids, rows[i].Person)
		}
	}
	about, err := s.records.OpenPersons(ctx, tx, ids)
	if err != nil {
		return nil, err
	}
	plans, err := tx.Plans.Of(ctx, ids, authority)
	if err != nil {
		return nil, err
	}
	for _, row := range plans {
		if h := about[row.Person]; h != nil && !row.Removed {
			h.Plans = append(h.Plans, record.Plan{Row: row})
		}
	}
	var people []*record.Record
	for _, id := range ids {
		h := about[id]
		if h == nil || len(h.Plans) == 0 {
			continue
		}
		if err := s.records.OpenPlans(h); err != nil {
			return nil, err
		}
		people = append(people, h)
	}
	return people, nil
}
