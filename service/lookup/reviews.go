package lookup

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"cpis/audit"
	"cpis/service/domain"
	"cpis/service/guard"
	"cpis/service/keys"
	"cpis/service/record"
	"cpis/service/store"
)

const (
	// reviewKeyFor is how old the key becomes that seals the reasons of
	// break-glass: with the time between two attempts, less than an hour.
	reviewKeyFor = 55 * time.Minute
)

// reviewKey seals the reasons of break-glass for a while: one for each server and
// hour, because a claim must not have to wait for the keeper.
type reviewKey struct {
	keys.NewKey

	made time.Time
}

// RenewReviews creates another key for the reasons of break-glass, once the one
// in use is old: so that a key-encryption key that was rotated is soon in use
// for them, too. While the keeper is away, the old one does.
func (s *LookUps) RenewReviews(ctx context.Context) error {
	if domain.Elapsed(s.reviews.Load().made, s.clock.Now()) < reviewKeyFor {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, record.CheckKeysTimeout)
	defer cancel()
	began := s.clock.Now()
	made, err := s.ring.New(ctx, []string{store.ReviewKeys.Owner(uuid.Nil)})
	if err != nil {
		return fmt.Errorf("making the key for reviews: %w", err)
	}
	s.reviews.Store(&reviewKey{made[0], began})
	return nil
}

// reviewOf puts a break-glass look-up into the queue of the caller's privacy
// officer, with its reason sealed. The entry says which review that is, and what
// was sealed, so that neither can be exchanged afterwards.
func (s *LookUps) reviewOf(l *lookup, now time.Time) store.ReviewRow {
	key := s.reviews.Load()
	r := store.ReviewRow{
		ID:           guard.NewID(),
		Kind:         store.ReviewBreakGlass,
		Organisation: l.caller.Organisation,
		Actor:        l.caller.ID,
		At:           now,
		WrappedKey:   key.Wrapped.Text,
	}
	if len(l.rows) > 0 {
		r.Person = uuid.NullUUID{UUID: l.rows[0].Person.ID, Valid: true}
	}
	r.Sealed = key.Key.Seal([]byte(l.question.BreakGlass), record.ReviewContext(r.ID))
	l.entry.Review = audit.NewReview(r.ID.String(), r.Sealed)
	return r
}
