package service

import (
	"context"
	"slices"

	"github.com/google/uuid"

	"cpis/service/store"
)

// overlap is a plan of one authority that runs at the same time as one of the
// same kind of another. Both are right: a child may have moved. Their
// authorities ought to talk to each other.
type overlap struct {
	about     *held
	one, with string // GSS codes of the authorities
}

// overlapNews gives the notices about plans that are new to an authority: to it
// and to each other one with which it overlaps about a person. The plans are
// of one authority, and their persons have keys.
func (s *Service) overlapNews(ctx context.Context, tx *store.Tx, plans []*newPlan) ([]news, error) {
	found, err := s.overlaps(ctx, tx, plans)
	if err != nil {
		return nil, err
	}
	return newsOf(found), nil
}

// newsOf gives the notices about overlaps.
func newsOf(found []overlap) []news {
	all := make([]news, 0, 2*len(found))
	for _, o := range found {
		one := news{to: o.one, kind: NoticeOverlap, person: o.about.row.ID, organisation: o.with}
		other := news{to: o.with, kind: NoticeOverlap, person: o.about.row.ID, organisation: o.one}
		if o.about.row.Restricted { // who else knows the person is not to be revealed
			one.organisation, other.organisation = "", ""
		}
		all = append(all, one, other)
	}
	return all
}

// overlaps finds where plans of one authority overlap with what others hold and
// look-ups show: each pair of authorities once for a person.
func (s *Service) overlaps(ctx context.Context, tx *store.Tx, plans []*newPlan) ([]overlap, error) {
	var found []overlap
	told := make(map[pair]bool)
	for batch := range slices.Chunk(plans, atOnce) {
		persons := make([]uuid.UUID, len(batch))
		for i, p := range batch {
			persons[i] = p.about.row.ID
		}
		rows, err := tx.PlansOfOthers(ctx, persons, batch[0].row.Authority, s.today().Time())
		if err != nil {
			return nil, err
		}
		if len(rows) == 0 {
			continue
		}
		others := make(map[uuid.UUID][]store.PlanRow)
		for _, row := range rows {
			others[row.Person] = append(others[row.Person], row)
		}
		for _, p := range batch {
			for _, with := range s.overlapping(p, others[p.about.row.ID]) {
				if o := (pair{p.about.row.ID, with}); !told[o] {
					told[o] = true
					found = append(found, overlap{p.about, p.row.Authority, with})
				}
			}
		}
	}
	return found, nil
}

// pair is a person, and the other authority of an overlap.
type pair struct {
	person uuid.UUID
	with   string
}

// overlapping gives the authorities with whose plans about the same person one
// overlaps.
func (s *Service) overlapping(p *newPlan, others []store.PlanRow) (with []string) {
	if until := p.visibleUntil(); !until.IsZero() && until.Before(s.today()) {
		return nil // it is history already, and nobody is shown it
	}
	for i := range others {
		d, err := openPlan(p.about.key, &others[i])
		if err != nil { // theirs: it must not keep anybody from protecting a child
			s.observe.Damaged("plan")
			continue
		}
		if d.runsWith(&p.Details) {
			with = append(with, others[i].Authority)
		}
	}
	return with
}

// runsWith says whether plans are of the same kind and run at the same time. One
// may begin on the day the other ends.
func (d *Details) runsWith(other *Details) bool {
	return d.Kind == other.Kind && d.Start.Before(other.over()) && other.Start.Before(d.over())
}
