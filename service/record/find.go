package record

import (
	"context"
	"maps"
	"slices"

	"github.com/google/uuid"

	"cpis/service/domain"
	"cpis/service/guard"
	"cpis/service/keys"
	"cpis/service/store"
)

// FindOne finds a person who was not erased.
func FindOne(
	ctx context.Context, find func(context.Context, []uuid.UUID) ([]store.PersonRow, error), id uuid.UUID,
) (*Record, error) {
	rows, err := find(ctx, []uuid.UUID{id})
	if err != nil {
		return nil, err
	}
	if len(rows) == 0 || rows[0].WrappedKey == "" {
		return nil, guard.ErrNotFound
	}
	return &Record{Row: rows[0]}, nil
}

// Visible returns the plans about a patient that look-ups show today.
func (s *Records) Visible(ctx context.Context, tx *store.Tx, n domain.NHSNumber) ([]store.FlagRow, error) {
	var tags []store.Tag
	for _, t := range s.ring.Tags(n.Reveal()) {
		tags = append(tags, store.Tag(t))
	}
	rows, err := tx.Plans.Flags(ctx, tags, s.clock.Today().Time())
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	// While the index key rotates two tags find the same plans.
	first := rows[0].Tag
	rows = slices.DeleteFunc(rows, func(f store.FlagRow) bool {
		return f.Tag != first || f.Damage.Has(store.DamagedTag|store.DamagedPlan)
	})
	for i := range rows {
		rows[i].Person.Restricted = rows[i].Person.Restricted || rows[i].Damage.Has(store.DamagedPerson)
	}
	return rows, nil
}

// FirstOfAuthority reports whether no earlier row is of the same authority.
func FirstOfAuthority(rows []store.FlagRow, i int) bool {
	for j := range i {
		if rows[j].Plan.Authority == rows[i].Plan.Authority {
			return false
		}
	}
	return true
}

// Find is how persons are found: with or without locking them.
type Find func(context.Context, []store.Tag) ([]store.TaggedPerson, error)

// Find finds those whom NHS numbers belong to, with the plans of one
// authority, and opens nothing. Numbers of nobody are left out.
func (s *Records) Find(
	ctx context.Context, tx *store.Tx, find Find, authority string, numbers []domain.NHSNumber,
) (People, error) {
	found, err := s.FindPersons(ctx, find, numbers)
	if err != nil {
		return nil, err
	}
	byID := make(map[uuid.UUID]*Record, len(found))
	for _, h := range found {
		byID[h.Row.ID] = h
	}
	// Asked for nobody too: how long it takes says nothing about whom others know.
	ids := slices.AppendSeq(make([]uuid.UUID, 0, len(byID)), maps.Keys(byID))
	plans, err := tx.Plans.Of(ctx, ids, authority)
	if err != nil {
		return nil, err
	}
	for _, row := range plans {
		if h := byID[row.Person]; !row.Removed {
			h.Plans = append(h.Plans, Plan{Row: row})
		}
	}
	return found, nil
}

// FindPersons finds the persons alone.
func (s *Records) FindPersons(ctx context.Context, find Find, numbers []domain.NHSNumber) (People, error) {
	local := make(map[store.Tag]keys.Tag, len(numbers)) // by each tag of a number
	tags := make([]store.Tag, 0, len(numbers))
	var all []keys.Tag
	for _, n := range numbers {
		all = s.ring.AppendTags(all[:0], n.Reveal())
		for _, t := range all {
			if _, known := local[store.Tag(t)]; !known {
				local[store.Tag(t)] = s.ring.LocalTag(n.Reveal())
				tags = append(tags, store.Tag(t))
			}
		}
	}
	rows, err := find(ctx, tags)
	if err != nil {
		return nil, err
	}
	found := make(People, len(rows))
	byID := make(map[uuid.UUID]*Record, len(rows)) // a person may have several numbers
	for i := range rows {
		tag := local[rows[i].Tag]
		if h := found[tag]; h != nil && h.Row.ID != rows[i].ID {
			return nil, s.Damaged("person_tag") // one number, two persons
		}
		if byID[rows[i].ID] == nil {
			byID[rows[i].ID] = &Record{Row: rows[i].PersonRow, Tag: tag}
		}
		found[tag] = byID[rows[i].ID]
	}
	return found, nil
}
