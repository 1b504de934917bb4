package person

import (
	"context"
	"slices"

	"github.com/google/uuid"

	"cpis/audit"
	"cpis/service/domain"
	"cpis/service/guard"
	"cpis/service/record"
	"cpis/service/store"
)

// aboutPerson finds whom to restrict or not, and says what keeps it from being
// done.
func (p *proposing) aboutPerson(ctx context.Context, tx *store.Tx, said *proposed) (*proposal, error) {
	number := said.Person.NHSNumber
	found, err := p.s.records.Find(ctx, tx, tx.People.LockByTags, p.caller.Organisation, []domain.NHSNumber{number})
	if err != nil {
		return nil, err
	}
	h := found[p.s.ring.LocalTag(number.Reveal())]
	if h == nil || len(h.Plans) == 0 {
		return nil, guard.ErrNotFound
	}
	if err := p.s.records.OpenPeople(ctx, found); err != nil {
		return nil, err
	}
	if err := restrictable(h, p.kind, p.s.clock.Today()); err != nil {
		return nil, err
	}
	said.Person = record.RecordedAs(number, h.Person.DateOfBirth, h.Plans)
	return &proposal{into: h, told: h}, nil
}

// restrictable says what keeps an authority from restricting a person or not.
func restrictable(h *record.Record, kind ChangeKind, today domain.Date) error {
	switch {
	case !slices.ContainsFunc(h.Plans, func(l record.Plan) bool { return l.IsVisible(today) }):
		return &guard.StateError{Problem: "none of your plans about this person is visible any more"}
	case kind == Restrict && h.Row.Restricted:
		return &guard.StateError{Problem: "the person is restricted already"}
	case kind == LiftRestriction && !h.Row.Restricted:
		return &guard.StateError{Problem: "the person is not restricted"}
	}
	return nil
}

// restrict restricts whoever the number identifies now, even if two records have
// been joined since, or lifts the restriction: only from who was meant.
func (d *deciding) restrict(ctx context.Context, tx *store.Tx, e *audit.Entry, p *lockedProposal) error {
	kind := ChangeKind(p.row.Kind)
	h := p.holder(d.s, p.said.Person.NHSNumber)
	if h == nil || kind == LiftRestriction && h != p.into {
		return errOvertaken
	}
	if h != p.into {
		if err := d.s.records.OpenAlone(ctx, h); err != nil {
			return err
		}
	}
	rows, err := tx.Plans.Of(ctx, []uuid.UUID{h.Row.ID}, d.by.Organisation)
	if err != nil {
		return err
	}
	for _, row := range rows {
		if !row.Removed {
			h.Plans = append(h.Plans, record.Plan{Row: row})
		}
	}
	e.Restricted = true
	wanted := kind == Restrict
	switch {
	case len(h.Plans) == 0:
		return errOvertaken
	case h.Row.Restricted == wanted:
		return nil // it is so already
	}
	if err := restrictable(h, kind, d.s.clock.Today()); err != nil {
		return err
	}
	h.Row.Restricted = wanted
	if err := d.s.records.UpdatePersons(ctx, tx, h); err != nil {
		return err
	}
	return d.s.notices.TellRestrictions(ctx, tx, d.by.Organisation, []*record.Record{h})
}
