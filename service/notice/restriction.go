package notice

import (
	"context"

	"github.com/google/uuid"

	"cpis/service/record"
	"cpis/service/store"
)

// What other authorities are told.
const (
	textRestricted = "Another authority restricted this person."
	textLifted     = "The restriction of this person was lifted. If it is still needed, restrict the person again."
)

// TellRestrictions tells the other authorities that hold plans about persons that
// these became restricted, or are so no more: one of them may know why they must
// not be found. Who restricted is not to be revealed. Who lifted is, for look-ups
// show all authorities then. The persons' keys are at hand.
func (s *Notices) TellRestrictions(ctx context.Context, tx *store.Tx, by string, persons []*record.Record) error {
	if len(persons) == 0 {
		return nil
	}
	ids := make([]uuid.UUID, len(persons))
	for i, h := range persons {
		ids[i] = h.Row.ID
	}
	plans, err := tx.Plans.Of(ctx, ids, "")
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
		n := News{Kind: RestrictionChanged, Person: h.Row.ID, Key: h.Key, Text: textRestricted}
		if !h.Row.Restricted {
			n.Text, n.priority, n.Organisation = textLifted, true, by
		}
		for _, n.To = range record.AuthoritiesOf(byPerson[h.Row.ID]) {
			s.Tell(tx, n)
		}
	}
	return nil
}
