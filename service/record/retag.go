package record

import (
	"context"
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
		if u.Err != nil {
			return 0, fmt.Errorf("unwrapping a person's key: %w", u.Err)
		}
		opened[ids[i]] = u.Value
	}
	counts := audit.Counts{}
	err = r.Do(ctx, "retag", counts, func(tx *store.Tx) error {
		if _, err := tx.LockPersons(ctx, ids); err != nil {
			return err
		}
		// As they are now that nobody else changes them: meanwhile some may have
		// got their tags, or other numbers, or be found no more.
		now, err := tx.PersonsWithoutTag(ctx, r.version, after, len(persons))
		if err != nil {
			return err
		}
		tagged, err = r.write(ctx, tx, opened, now)
		counts["persons"] = int64(tagged)
		return err
	})
	return tagged, err
}

// write writes the tags of those persons whose keys are there.
func (r *retagging) write(
	ctx context.Context, tx *store.Tx, opened map[uuid.UUID]*keys.DataKey, persons []store.PersonRow,
) (tagged int, err error) {
	var rows []store.TagRow
	var ids []uuid.UUID
	for i := range persons {
		key := opened[persons[i].ID]
		if key == nil {
			continue // is in the next page
		}
		p, err := OpenPerson(key, &persons[i])
		if err != nil {
			return 0, err
		}
		ids = append(ids, persons[i].ID)
		for _, n := range p.Numbers() {
			rows = append(rows, store.TagRow{
				Tag: store.Tag(r.ring.Tag(n.Reveal())), Person: persons[i].ID, IndexVersion: r.version,
			})
		}
	}
	if err := tx.UntagVersion(ctx, ids, r.version); err != nil {
		return 0, err
	}
	return len(ids), tx.InsertTags(ctx, rows)
}
