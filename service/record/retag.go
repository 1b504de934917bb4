package record

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"cpis/audit"
	"cpis/service/keys"
	"cpis/service/store"
)

// retagging writes tags of people under the newest index key.
type retagging struct {
	*KeyAdmin

	ring    *keys.Ring
	version int // of that key
	damaged []store.DamagedRow
}

// all tags everybody who can be tagged, page after page.
func (r *retagging) all(ctx context.Context, progress func(done int)) error {
	for after, done := uuid.Nil, 0; ; {
		persons, err := r.DB.Tags.PeopleWithout(ctx, r.version, after, page)
		if err != nil || len(persons) == 0 {
			return err
		}
		tagged, err := r.page(ctx, after, persons)
		if err != nil {
			return err
		}
		after = persons[len(persons)-1].ID
		done += tagged
		progress(done)
	}
}

// page tags the persons of one page, which begins after an id, and returns how
// many it tagged. Their keys come first, so that nobody is locked while the
// keeper is asked.
func (r *retagging) page(ctx context.Context, after uuid.UUID, persons []store.PersonRow) (tagged int, err error) {
	wrapped := make([]keys.Wrapped, len(persons))
	ids := make([]uuid.UUID, len(persons))
	for i, p := range persons {
		wrapped[i], ids[i] = keys.Wrapped{Owner: store.PersonKeys.Owner(p.ID), Text: p.WrappedKey}, p.ID
	}
	opened := make(map[uuid.UUID]*keys.DataKey, len(persons))
	for i, u := range r.ring.Unwrap(ctx, wrapped) {
		switch {
		case u.Err == nil:
			opened[ids[i]] = u.Value
		case errors.Is(u.Err, keys.ErrTampered):
			r.damaged = append(r.damaged, damagedPerson(ids[i]))
		default:
			return 0, fmt.Errorf("unwrapping a person's key: %w", u.Err)
		}
	}
	counts := audit.Counts{}
	var left []store.DamagedRow
	err = r.Do(ctx, "retag", counts, func(tx *store.Tx) error {
		if err := tx.People.LockForTags(ctx, ids); err != nil {
			return err
		}
		// As they are now that nobody else changes them: meanwhile some may have
		// got their tags, or other numbers, or be found no more.
		now, err := tx.Tags.PeopleWithout(ctx, r.version, after, len(persons))
		if err != nil {
			return err
		}
		var closed []store.DamagedRow
		tagged, closed, err = r.write(ctx, tx, opened, now)
		counts["persons"] = int64(tagged)
		if err == nil && tagged == 0 {
			err = errNothingToDo
		}
		left = closed // this may run again
		return err
	})
	if errors.Is(err, errNothingToDo) {
		err = nil
	}
	r.damaged = append(r.damaged, left...)
	return tagged, err
}

// write writes the tags of those persons whose keys are there, and says of whom
// nothing can be opened.
func (r *retagging) write(
	ctx context.Context, tx *store.Tx, opened map[uuid.UUID]*keys.DataKey, persons []store.PersonRow,
) (tagged int, closed []store.DamagedRow, err error) {
	var rows []store.TagRow
	var ids []uuid.UUID
	for i := range persons {
		key := opened[persons[i].ID]
		if key == nil {
			continue // is in the next page
		}
		p, err := OpenPerson(key, &persons[i])
		if err != nil {
			closed = append(closed, damagedPerson(persons[i].ID))
			continue
		}
		ids = append(ids, persons[i].ID)
		for _, n := range p.Numbers() {
			rows = append(rows, store.TagRow{
				Tag: store.Tag(r.ring.Tag(n.Reveal())), Person: persons[i].ID, IndexVersion: r.version,
			})
		}
	}
	if err := tx.Tags.RemoveVersion(ctx, ids, r.version); err != nil {
		return 0, nil, err
	}
	return len(ids), closed, tx.Tags.Insert(ctx, rows)
}
