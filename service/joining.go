package service

import (
	"context"
	"errors"
	"slices"

	"github.com/google/uuid"

	"cpis/audit"
	"cpis/service/store"
)

// joining is two records that are to be one, or to be two again.
type joining struct {
	s          *Service
	by         change
	superseded bool
	into, from *held // with all plans about them that are not errors
}

// load reads the plans of all authorities about both, which are locked, and
// opens the persons and those plans that matter: the authority's own and, where
// all may move, the others'.
func (j *joining) load(ctx context.Context, tx *store.Tx) error {
	rows, err := tx.PlansOf(ctx, []uuid.UUID{j.into.row.ID, j.from.row.ID}, "")
	if err != nil {
		return err
	}
	j.into.plans, j.from.plans = nil, nil
	for _, row := range rows {
		h := j.from
		if row.Person == j.into.row.ID {
			h = j.into
		}
		if row.Removed {
			continue
		}
		l := ownPlan{row: row}
		if j.superseded || j.owns(&l) {
			if err := j.s.openOwn(h.key, &l); err != nil {
				return err
			}
		}
		h.plans = append(h.plans, l)
	}
	return nil
}

// owns says whether a plan is of the authority that acts.
func (j *joining) owns(l *ownPlan) bool { return l.row.Authority == j.by.Organisation }

// own gives those of the plans that are of the authority that acts.
func (j *joining) own(plans []ownPlan) []ownPlan {
	return slices.DeleteFunc(slices.Clone(plans), func(l ownPlan) bool { return !j.owns(&l) })
}

// moves says whether a merge moves a plan.
func (j *joining) moves(l *ownPlan) bool { return j.superseded || j.owns(l) }

// errOtherBirth refuses to join two records with different dates of birth: one
// of the persons would be flagged as the other.
func errOtherBirth() error {
	var v violations
	v.add("from_nhs_number", "is not of a record with the same date of birth: check both numbers, and trace them again", "")
	return errors.Join(v.err(), errWrongPerson)
}

// mergeable says what keeps the two records from being joined.
func (j *joining) mergeable() error {
	if !j.from.isBorn(j.born()) || !j.into.isBorn(j.born()) {
		return errOtherBirth()
	}
	return j.movable(j.from, j.into, j.moves)
}

// born gives the date of birth of both records, where they can be of one person:
// that of the one that moves, unless nothing but errors is held of it.
func (j *joining) born() Date {
	if j.from.person.Vacant {
		return j.into.person.DateOfBirth
	}
	return j.from.person.DateOfBirth
}

// movable says what keeps plans from being moved from one record to the other:
// an offer to another authority that somebody is to decide about the person as
// it is, or a plan of the authority's own beside which it could not have been
// registered.
func (j *joining) movable(from, to *held, moves func(*ownPlan) bool) error {
	for i := range from.plans {
		l := &from.plans[i]
		switch {
		case !moves(l):
		case l.row.TransferTo != "" && j.owns(l):
			return &StateError{l.name() + " is offered to another authority: withdraw that, or wait until it is decided"}
		case l.row.TransferTo != "":
			return &StateError{"a plan about this person is being transferred: wait until that is decided"}
		case j.owns(l):
			for k := range to.plans {
				if other := &to.plans[k]; j.owns(other) && (l.runsWith(&other.Details) || l.Kind == other.Kind && l.Start == other.Start) {
					return &StateError{l.name() + " overlaps with " + other.name() + " of the same kind: end or remove one of them first"}
				}
			}
		}
	}
	return nil
}

// move makes the versions of plans by which they are about the other person,
// and gives the plans.
func (j *joining) move(
	ctx context.Context, tx *store.Tx, e *audit.Entry, from, to *held, moves func(*ownPlan) bool,
) (moved []ownPlan, err error) {
	var stay []ownPlan
	var rows []store.PlanRow
	for _, l := range from.plans {
		if !moves(&l) {
			stay = append(stay, l)
			continue
		}
		l.row.Person, l.row.At = to.row.ID, j.s.moment()
		l.row.Version++
		l.Change = j.changeOf(&l)
		if err := sealOwn(to.key, &l); err != nil {
			return nil, err
		}
		moved, rows = append(moved, l), append(rows, l.row)
		e.Disclosed = append(e.Disclosed, audit.Disclosed{Plan: l.row.ID.String(), Version: l.row.Version})
	}
	from.plans, to.plans = stay, append(to.plans, moved...)
	e.Counts = audit.Counts{"moved": int64(len(moved))}
	return moved, tx.UpdatePlans(ctx, rows)
}

// changeOf says who moved a plan. Other authorities learn which authority it
// was, unless that must not be revealed; why, and which of its people, is not
// theirs to read.
func (j *joining) changeOf(l *ownPlan) change {
	if j.owns(l) {
		return j.by
	}
	return change{Act: j.by.Act, Organisation: j.named()}
}

// named gives the authority that acts, where others may know it.
func (j *joining) named() string {
	if j.into.row.Restricted || j.from.row.Restricted {
		return ""
	}
	return j.by.Organisation
}

// tell tells other authorities what happened to the records they hold plans in.
func (j *joining) tell(tx *store.Tx, h *held, plans []ownPlan, text string) {
	var rows []store.PlanRow
	for i := range plans {
		if !j.owns(&plans[i]) {
			rows = append(rows, plans[i].row)
		}
	}
	for _, authority := range authoritiesOf(rows) {
		j.s.tell(tx, news{
			to: authority, kind: NoticeMerged, person: h.row.ID, key: h.key, organisation: j.named(), text: text,
		})
	}
}

// leadsAstray says whether a number of a person leads to somebody who is none
// of the two.
func (j *joining) leadsAstray(ctx context.Context, tx *store.Tx, h *held) (bool, error) {
	ids, err := j.s.leadingTo(ctx, tx, &h.person)
	return slices.ContainsFunc(ids, func(id uuid.UUID) bool { return id != j.into.row.ID && id != j.from.row.ID }), err
}

// retag makes each of the two findable as long as somebody holds a plan.
func (j *joining) retag(ctx context.Context, tx *store.Tx) error {
	var findable, lost []*held
	for _, h := range []*held{j.into, j.from} {
		if len(h.plans) > 0 {
			findable = append(findable, h)
		} else {
			lost = append(lost, h)
		}
	}
	return j.s.retag(ctx, tx, findable, lost)
}
