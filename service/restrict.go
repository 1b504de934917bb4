package service

import (
	"context"
	"slices"

	"github.com/google/uuid"

	"cpis/audit"
	"cpis/service/store"
)

// aboutPerson finds whom to restrict or not, and says what keeps it from being
// done.
func (p *proposing) aboutPerson(ctx context.Context, tx *store.Tx, said *proposed) (*proposal, error) {
	number := said.Person.NHSNumber
	found, err := p.s.findHeld(ctx, tx, tx.LockPersonsByTags, p.caller.Organisation, []NHSNumber{number})
	if err != nil {
		return nil, err
	}
	h := found[p.s.ring.LocalTag(number.Reveal())]
	if h == nil || len(h.plans) == 0 {
		return nil, ErrNotFound
	}
	if err := p.s.openPeople(ctx, found); err != nil {
		return nil, err
	}
	if err := restrictable(h, p.kind, p.s.today()); err != nil {
		return nil, err
	}
	said.Person = recordedAs(number, h.person.DateOfBirth, h.plans)
	return &proposal{into: h, told: h}, nil
}

// restrictable says what keeps an authority from restricting a person or not.
func restrictable(h *held, kind ChangeKind, today Date) error {
	switch {
	case !slices.ContainsFunc(h.plans, func(l ownPlan) bool { return l.isVisible(today) }):
		return &StateError{"none of your plans about this person is visible any more"}
	case kind == Restrict && h.row.Restricted:
		return &StateError{"the person is restricted already"}
	case kind == LiftRestriction && !h.row.Restricted:
		return &StateError{"the person is not restricted"}
	}
	return nil
}

// isVisible says whether look-ups show the plan, unless it was an error.
func (p *ownPlan) isVisible(today Date) bool {
	return p.row.VisibleUntil == nil || !p.row.VisibleUntil.Before(today.Time())
}

// recordedAs names a person as an authority recorded it last.
func recordedAs(number NHSNumber, born Date, plans []ownPlan) Person {
	latest := lastRecorded(plans)
	return Person{NHSNumber: number, Family: latest.Family, Given: latest.Given, DateOfBirth: born}
}

// restrict makes a person restricted, or lifts that. Whom the number leads to
// by now is who is restricted, also where two records were joined meanwhile; a
// restriction is lifted only from who was meant.
func (d *deciding) restrict(ctx context.Context, tx *store.Tx, e *audit.Entry, p *lockedProposal) error {
	kind := ChangeKind(p.row.Kind)
	h := p.holder(d.s, p.said.Person.NHSNumber)
	if h == nil || kind == LiftRestriction && h != p.into {
		return errOvertaken
	}
	if h != p.into {
		if err := d.s.openAlone(ctx, h); err != nil {
			return err
		}
	}
	rows, err := tx.PlansOf(ctx, []uuid.UUID{h.row.ID}, d.by.Organisation)
	if err != nil {
		return err
	}
	for _, row := range rows {
		if !row.Removed {
			h.plans = append(h.plans, ownPlan{row: row})
		}
	}
	e.Restricted = true
	wanted := kind == Restrict
	switch {
	case len(h.plans) == 0:
		return errOvertaken
	case h.row.Restricted == wanted:
		return nil // it is so already
	}
	if err := restrictable(h, kind, d.s.today()); err != nil {
		return err
	}
	h.row.Restricted = wanted
	if err := d.s.updatePersons(ctx, tx, h); err != nil {
		return err
	}
	return d.s.tellRestrictions(ctx, tx, d.by.Organisation, []*held{h})
}

// What other authorities are told.
const (
	textRestricted = "Another authority restricted this person."
	textLifted     = "The restriction of this person was lifted. If it is still needed, restrict the person again."
)

// tellRestrictions tells the other authorities that hold plans about persons that
// these became restricted, or are so no more: one of them may know why they must
// not be found. Who restricted is not to be revealed. Who lifted is, for look-ups
// show all authorities then. The persons' keys are at hand.
func (s *Service) tellRestrictions(ctx context.Context, tx *store.Tx, by string, persons []*held) error {
	if len(persons) == 0 {
		return nil
	}
	ids := make([]uuid.UUID, len(persons))
	for i, h := range persons {
		ids[i] = h.row.ID
	}
	plans, err := tx.PlansOf(ctx, ids, "")
	if err != nil {
		return err
	}
	byPerson := make(map[uuid.UUID][]store.PlanRow)
	for _, l := range plans {
		if l.Authority != by {
			byPerson[l.Person] = append(byPerson[l.Person], l)
		}
	}
	for _, h := range persons {
		n := news{kind: NoticeRestriction, person: h.row.ID, key: h.key, text: textRestricted}
		if !h.row.Restricted {
			n.text, n.priority, n.organisation = textLifted, true, by
		}
		for _, n.to = range authoritiesOf(byPerson[h.row.ID]) {
			s.tell(tx, n)
		}
	}
	return nil
}
