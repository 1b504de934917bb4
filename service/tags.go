package service

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"cpis/service/store"
)

// A person is findable, that is has tags, as long as somebody holds a plan about
// it that is not an error: by the current NHS number and by former ones, under
// each index key. A restricted person may stay findable longer.

// tagsOf gives the tags that make a person findable.
func (s *Service) tagsOf(h *held) []store.TagRow {
	var rows []store.TagRow
	for _, n := range h.person.numbers() {
		for _, t := range s.ring.VersionedTags(n.Reveal()) {
			rows = append(rows, store.TagRow{Tag: store.Tag(t.Tag), Person: h.row.ID, IndexVersion: t.Version})
		}
	}
	return rows
}

// release makes the person of a plan that was an error unfindable, where nobody
// holds another: the number may be somebody else's, whose date of birth is to be
// taken then. So it is of somebody who was restricted, but the restriction stays
// with the number: else one person could lift it, by registering the plan anew.
func (p *changing) release(ctx context.Context) error {
	others := slices.ContainsFunc(p.about.plans, func(l ownPlan) bool { return l.row.ID != p.own.row.ID })
	switch {
	case p.others || others:
		return nil
	case p.about.row.Restricted:
		p.about.person.Vacant = true
		return p.s.updatePersons(ctx, p.tx, p.about)
	}
	return p.tx.Untag(ctx, []uuid.UUID{p.about.row.ID})
}

// retag makes some persons findable by all their numbers and no others, and
// some not at all.
func (s *Service) retag(ctx context.Context, tx *store.Tx, findable, lost []*held) error {
	var ids []uuid.UUID
	var rows []store.TagRow
	for _, h := range findable {
		ids = append(ids, h.row.ID)
		rows = append(rows, s.tagsOf(h)...)
	}
	for _, h := range lost {
		ids = append(ids, h.row.ID)
	}
	if err := tx.Untag(ctx, ids); err != nil {
		return err
	}
	return insertTags(ctx, tx, rows)
}

// insertTags writes tags.
func insertTags(ctx context.Context, tx *store.Tx, rows []store.TagRow) error {
	err := tx.InsertTags(ctx, rows)
	if errors.Is(err, store.ErrNotFound) { // an index key that was retired this moment: soon the ring knows
		return ErrUnavailable
	}
	if err != nil {
		return fmt.Errorf("making people findable: %w", err)
	}
	return nil
}

// leadingTo says whom any of a person's numbers lead to now.
func (s *Service) leadingTo(ctx context.Context, tx *store.Tx, p *Person) ([]uuid.UUID, error) {
	var tags []store.Tag
	for _, n := range p.numbers() {
		tags = append(tags, s.storeTags(n)...)
	}
	rows, err := tx.TagsLeadingTo(ctx, tags)
	if err != nil {
		return nil, err
	}
	ids := make([]uuid.UUID, len(rows))
	for i, r := range rows {
		ids[i] = r.Person
	}
	return ids, nil
}

// storeTags gives the tags of a number under each index key.
func (s *Service) storeTags(n NHSNumber) []store.Tag {
	all := s.ring.Tags(n.Reveal())
	tags := make([]store.Tag, len(all))
	for i, t := range all {
		tags[i] = store.Tag(t)
	}
	return tags
}
