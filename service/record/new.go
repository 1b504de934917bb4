package record

import (
	"context"

	"github.com/google/uuid"

	"cpis/service/guard"
	"cpis/service/keys"
	"cpis/service/store"
)

// NewPlan is a plan to be written, and about whom.
type NewPlan struct {
	Plan
	About *Record
}

// NewKeys are keys made for persons of whom nothing is held yet, by the tags of
// their NHS numbers. They are kept when a transaction runs again, for wrapping
// keys takes longer than all the rest. One that nobody needed is forgotten.
type NewKeys map[keys.Tag]NewKey

// NewKey is a key made for a person, and the identifier that the person will have.
type NewKey struct {
	Person uuid.UUID
	keys.NewKey
}

// AtOnce is how many rows are written by one statement.
const AtOnce = 1000

// MakeKeys creates ids and data keys for people not on record yet, one batch at
// most.
func (s *Records) MakeKeys(ctx context.Context, made NewKeys, batch []*Record) error {
	var tags []keys.Tag
	var persons []uuid.UUID
	var owners []string
	for _, h := range batch {
		if _, known := made[h.Tag]; !known {
			id := guard.NewID()
			tags, persons, owners = append(tags, h.Tag), append(persons, id), append(owners, store.PersonKeys.Owner(id))
		}
	}
	if len(owners) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, KeyWait)
	defer cancel()
	fresh, err := s.ring.New(ctx, owners)
	if err != nil {
		return s.KeyError(err)
	}
	for i, tag := range tags {
		made[tag] = NewKey{persons[i], fresh[i]}
	}
	return nil
}
