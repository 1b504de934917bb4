package person

import (
	"context"
	"errors"
	"slices"

	"github.com/google/uuid"

	"cpis/audit"
	"cpis/service/domain"
	"cpis/service/guard"
	"cpis/service/notice"
	"cpis/service/record"
	"cpis/service/store"
)

// joining is two records that are to be one, or to be two again.
type joining struct {
	s          *Persons
	by         record.Author
	superseded bool
	into, from *record.Record // with all plans about them that are not errors
}

// load reads the plans of all authorities about both, which are locked, and
// opens the persons and those plans that matter: the authority's own and, if
// all may move, the others'.
func (j *joining) load(ctx context.Context, tx *store.Tx) error {
	rows, err := tx.Plans.Of(ctx, []uuid.UUID{j.into.Row.ID, j.from.Row.ID}, "")
	if err != nil {
		return err
	}
	j.into.Plans, j.from.Plans = nil, nil
	for _, row := range rows {
		h := j.from
		if row.Person == j.into.Row.ID {
			h = j.into
		}
		if row.Removed {
			continue
		}
		l := record.Plan{Row: row}
		if j.superseded || j.owns(&l) {
			if err := j.s.records.OpenOwn(h.Key, &l); err != nil {
				return err
			}
		}
		h.Plans = append(h.Plans, l)
	}
	return nil
}

// owns reports whether a plan is of the authority that acts.
func (j *joining) owns(l *record.Plan) bool { return l.Row.Authority == j.by.Organisation }

// own returns those of the plans that are of the authority that acts.
func (j *joining) own(plans []record.Plan) []record.Plan {
	return slices.DeleteFunc(slices.Clone(plans), func(l record.Plan) bool { return !j.owns(&l) })
}

// moving is from which record plans are to go to which, and which of them.
type moving struct {
	from, to *record.Record
	moves    func(*record.Plan) bool
}

// merging is what a merge moves.
func (j *joining) merging() moving { return moving{j.from, j.into, j.merges} }

// merges reports whether a merge moves a plan.
func (j *joining) merges(l *record.Plan) bool { return j.superseded || j.owns(l) }

// otherBirth refuses to join two records with different dates of birth: one
// of the persons would be flagged as the other.
func otherBirth() error {
	var v domain.Violations
	v.Add("from_nhs_number", "is not of a record with the same date of birth: check both numbers, and trace them again", "")
	return errors.Join(v.Err(), guard.ErrWrongPerson)
}

// mergeable says what keeps the two records from being joined.
func (j *joining) mergeable() error {
	if !j.from.IsBorn(j.born()) || !j.into.IsBorn(j.born()) {
		return otherBirth()
	}
	return j.movable(j.merging())
}

// born returns the date of birth of both records, if they can be of one person:
// that of the one that moves, unless nothing but errors is held of it.
func (j *joining) born() domain.Date {
	if j.from.Person.Vacant {
		return j.into.Person.DateOfBirth
	}
	return j.from.Person.DateOfBirth
}

// movable says what keeps plans from being moved from one record to the other:
// an offer to another authority that somebody is to decide about the person as
// it is, or a plan of the authority's own beside which it could not have been
// registered.
func (j *joining) movable(m moving) error {
	for i := range m.from.Plans {
		l := &m.from.Plans[i]
		switch {
		case !m.moves(l):
		case l.Row.TransferTo != "" && j.owns(l):
			return &guard.StateError{Problem: l.Name() + " is offered to another authority: withdraw that, or wait until it is decided"}
		case l.Row.TransferTo != "":
			return &guard.StateError{Problem: "a plan about this person is being transferred: wait until that is decided"}
		case j.owns(l):
			for k := range m.to.Plans {
				if other := &m.to.Plans[k]; j.owns(other) && (l.RunsWith(&other.Details) || l.Kind == other.Kind && l.Start == other.Start) {
					return &guard.StateError{Problem: l.Name() + " overlaps with " + other.Name() + " of the same kind: end or remove one of them first"}
				}
			}
		}
	}
	return nil
}

// move creates the versions of plans by which they are about the other person,
// and returns the plans.
func (j *joining) move(ctx context.Context, tx *store.Tx, e *audit.Entry, m moving) (moved []record.Plan, err error) {
	var stay []record.Plan
	var rows []store.PlanRow
	for _, l := range m.from.Plans {
		if !m.moves(&l) {
			stay = append(stay, l)
			continue
		}
		l.Row.Person, l.Row.At = m.to.Row.ID, j.s.clock.Moment()
		l.Row.Version++
		l.Change = j.changeOf(&l)
		if err := j.s.records.SealOwn(m.to, &l); err != nil {
			return nil, err
		}
		moved, rows = append(moved, l), append(rows, l.Row)
		e.Disclosed = append(e.Disclosed, audit.Disclosed{Plan: l.Row.ID.String(), Version: l.Row.Version})
	}
	m.from.Plans, m.to.Plans = stay, append(m.to.Plans, moved...)
	e.Counts = audit.Counts{"moved": int64(len(moved))}
	return moved, tx.Plans.Update(ctx, rows)
}

// changeOf says who moved a plan. Other authorities learn which authority it
// was, unless that must not be revealed; why, and which of its people, is not
// theirs to read.
func (j *joining) changeOf(l *record.Plan) record.Author {
	if j.owns(l) {
		return j.by
	}
	return record.Author{Act: j.by.Act, Organisation: j.named()}
}

// named returns the authority that acts, if others may know it.
func (j *joining) named() string {
	if j.into.Row.Restricted || j.from.Row.Restricted {
		return ""
	}
	return j.by.Organisation
}

// tell tells other authorities what happened to the records they hold plans in.
func (j *joining) tell(tx *store.Tx, h *record.Record, plans []record.Plan, text string) {
	var rows []store.PlanRow
	for i := range plans {
		if !j.owns(&plans[i]) {
			rows = append(rows, plans[i].Row)
		}
	}
	for _, authority := range record.AuthoritiesOf(rows) {
		j.s.notices.Tell(tx, notice.News{
			To: authority, Kind: notice.Merged, Person: h.Row.ID, Key: h.Key, Organisation: j.named(), Text: text,
		})
	}
}

// conflictsElsewhere reports whether a number of a person leads to somebody who is none
// of the two.
func (j *joining) conflictsElsewhere(ctx context.Context, tx *store.Tx, h *record.Record) (bool, error) {
	ids, err := j.s.records.LeadingTo(ctx, tx, &h.Person)
	return slices.ContainsFunc(ids, func(id uuid.UUID) bool { return id != j.into.Row.ID && id != j.from.Row.ID }), err
}

// retag makes each of the two findable as long as somebody holds a plan.
func (j *joining) retag(ctx context.Context, tx *store.Tx) error {
	var findable, lost []*record.Record
	for _, h := range []*record.Record{j.into, j.from} {
		if len(h.Plans) > 0 {
			findable = append(findable, h)
		} else {
			lost = append(lost, h)
		}
	}
	return j.s.records.Retag(ctx, tx, findable, lost)
}
