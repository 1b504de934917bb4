package notice

import (
	"context"
	"slices"

	"github.com/google/uuid"

	"cpis/service/record"
	"cpis/service/store"
)

// Overlapping is a plan of one authority that runs at the same time as one of the
// same kind of another. Both are right: a child may have moved. Their
// authorities ought to talk to each other.
type Overlapping struct {
	about     *record.Record
	one, With string // GSS codes of the authorities
}

// OverlapNews returns the notices about plans that are new to an authority: to it
// and to each other one with which it overlaps about a person. The plans are
// of one authority, and their persons have keys.
func (s *Notices) OverlapNews(ctx context.Context, tx *store.Tx, plans []*record.NewPlan) ([]News, error) {
	found, err := s.Overlaps(ctx, tx, plans)
	if err != nil {
		return nil, err
	}
	return NewsOf(found), nil
}

// NewsOf returns the notices about overlaps.
func NewsOf(found []Overlapping) []News {
	all := make([]News, 0, 2*len(found))
	for _, o := range found {
		one := News{To: o.one, Kind: Overlap, Person: o.about.Row.ID, Organisation: o.With}
		other := News{To: o.With, Kind: Overlap, Person: o.about.Row.ID, Organisation: o.one}
		if o.about.Row.Restricted { // who else knows the person is not to be revealed
			one.Organisation, other.Organisation = "", ""
		}
		all = append(all, one, other)
	}
	return all
}

// Overlaps finds where plans of one authority overlap with what others hold and
// look-ups show: each pair of authorities once for a person.
func (s *Notices) Overlaps(ctx context.Context, tx *store.Tx, plans []*record.NewPlan) ([]Overlapping, error) {
	var found []Overlapping
	told := make(map[pair]bool)
	for batch := range slices.Chunk(plans, record.AtOnce) {
		persons := make([]uuid.UUID, len(batch))
		for i, p := range batch {
			persons[i] = p.About.Row.ID
		}
		rows, err := tx.Plans.OfOthers(ctx, persons, batch[0].Row.Authority, s.clock.Today().Time())
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
			for _, with := range s.overlapping(p, others[p.About.Row.ID]) {
				if o := (pair{p.About.Row.ID, with}); !told[o] {
					told[o] = true
					found = append(found, Overlapping{p.About, p.Row.Authority, with})
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

// overlapping returns the authorities with whose plans about the same person one
// overlaps.
func (s *Notices) overlapping(p *record.NewPlan, others []store.PlanRow) (with []string) {
	if until := p.VisibleUntil(); !until.IsZero() && until.Before(s.clock.Today()) {
		return nil // it is history already, and nobody is shown it
	}
	for i := range others {
		d, err := record.OpenDetails(p.About.Key, &others[i])
		if err != nil { // theirs: it must not keep anybody from protecting a child
			s.observe.Damaged(record.TablePlan)
			continue
		}
		if d.RunsWith(&p.Details) {
			with = append(with, others[i].Authority)
		}
	}
	return with
}
