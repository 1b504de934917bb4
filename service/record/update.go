package record

import (
	"context"

	"cpis/service/store"
)

// UpdatePersons writes the next versions of persons, as they are now.
func (s *Records) UpdatePersons(ctx context.Context, tx *store.Tx, changed ...*Record) error {
	rows := make([]store.PersonRow, len(changed))
	for i, h := range changed {
		h.Row.Version++
		h.Row.At = s.clock.Moment()
		var err error
		if h.Row.Sealed, err = SealPerson(h.Key, h.Row.ID, h.Row.Version, h.Person); err != nil {
			return err
		}
		rows[i] = h.Row
	}
	return tx.People.Update(ctx, rows)
}
