package record

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"cpis/service/domain"
	"cpis/service/guard"
	"cpis/service/store"
)

// The domains of hashes that stand in entries, so that one of another domain is
// never the same.
const (
	hashEncounter   = "encounter"
	hashResponsible = "responsible"
)

// Encounter returns the keyed hash of an organisation's encounter; nil if there
// is no identifier. Identifiers of encounters may be hospital numbers.
func (s *Records) Encounter(organisation, id string) []byte {
	if id == "" {
		return nil
	}
	h := s.ring.StableHash(hashEncounter, organisation, id)
	return h[:]
}

// EncounterHashes returns the hashes of an encounter under all index keys: what
// is stored was made under one of them.
func (s *Records) EncounterHashes(organisation, id string) [][]byte {
	var all [][]byte
	for _, h := range s.ring.Hashes(hashEncounter, organisation, id) {
		all = append(all, h[:])
	}
	return all
}

// Responsible returns the keyed hash of who answers for a request.
func (s *Records) Responsible(organisation, name, role string) []byte {
	h := s.ring.StableHash(hashResponsible, organisation, name, role)
	return h[:]
}

// Subject returns what an entry calls a person; nil if there is no number.
func (s *Records) Subject(n domain.NHSNumber) []byte {
	if n.IsZero() {
		return nil
	}
	t := s.ring.Tag(n.Reveal())
	return t[:]
}

// A person is findable, that is has tags, as long as somebody holds a plan about
// it that is not an error: by the current NHS number and by former ones, under
// each index key. A restricted person may stay findable longer.

// TagsOf returns the tags that make a person findable.
func (s *Records) TagsOf(h *Record) []store.TagRow {
	var rows []store.TagRow
	for _, n := range h.Person.Numbers() {
		for _, t := range s.ring.VersionedTags(n.Reveal()) {
			rows = append(rows, store.TagRow{Tag: store.Tag(t.Tag), Person: h.Row.ID, IndexVersion: t.Version})
		}
	}
	return rows
}

// Retag makes some persons findable by all their numbers and no others, and
// some not at all.
func (s *Records) Retag(ctx context.Context, tx *store.Tx, findable, lost []*Record) error {
	var ids []uuid.UUID
	var rows []store.TagRow
	for _, h := range findable {
		ids = append(ids, h.Row.ID)
		rows = append(rows, s.TagsOf(h)...)
	}
	for _, h := range lost {
		ids = append(ids, h.Row.ID)
	}
	if err := tx.Tags.Remove(ctx, ids); err != nil {
		return err
	}
	return InsertTags(ctx, tx, rows)
}

// InsertTags writes tags.
func InsertTags(ctx context.Context, tx *store.Tx, rows []store.TagRow) error {
	err := tx.Tags.Insert(ctx, rows)
	if errors.Is(err, store.ErrNotFound) { // an index key that was retired this moment: soon the ring knows
		return guard.ErrUnavailable
	}
	if err != nil {
		return fmt.Errorf("making people findable: %w", err)
	}
	return nil
}

// LeadingTo says whom any of a person's numbers lead to now.
func (s *Records) LeadingTo(ctx context.Context, tx *store.Tx, p *domain.Person) ([]uuid.UUID, error) {
	var tags []store.Tag
	for _, n := range p.Numbers() {
		tags = append(tags, s.StoreTags(n)...)
	}
	rows, err := tx.Tags.LeadingTo(ctx, tags)
	if err != nil {
		return nil, err
	}
	ids := make([]uuid.UUID, len(rows))
	for i, r := range rows {
		ids[i] = r.Person
	}
	return ids, nil
}

// StoreTags returns the tags of a number under each index key.
func (s *Records) StoreTags(n domain.NHSNumber) []store.Tag {
	all := s.ring.Tags(n.Reveal())
	tags := make([]store.Tag, len(all))
	for i, t := range all {
		tags[i] = store.Tag(t)
	}
	return tags
}
