package record

import (
	"context"
	"maps"
	"slices"

	"github.com/google/uuid"

	"cpis/service/domain"
	"cpis/service/store"
)

// FetchKeyFor is FetchKey for a person who is known already.
func (s *Records) FetchKeyFor(ctx context.Context, person uuid.UUID) {
	about, err := FindOne(ctx, s.db.People.ByID, person)
	if err == nil {
		_ = s.UnwrapKeys(ctx, []*Record{about})
	}
}

// FetchReported gets the key of a report's patient. The keeper is asked once
// also if the key is at hand, and if nothing is held: how long it takes
// says nothing about anybody.
func (s *Records) FetchReported(ctx context.Context, n domain.NHSNumber) {
	ctx, cancel := context.WithTimeout(ctx, KeyWait)
	defer cancel()
	found, err := s.FindPersons(ctx, s.db.People.ByTags, []domain.NHSNumber{n})
	if err != nil {
		return
	}
	for _, h := range found { // one at most
		if _, ok := s.ring.Cached(store.PersonKeys.Owner(h.Row.ID)); !ok {
			_ = s.UnwrapKeys(ctx, []*Record{h})
			return
		}
	}
	_, _ = s.ring.New(ctx, []string{"decoy"})
}

// FetchKey gets the key of the person with an NHS number before a transaction
// needs it, or creates one if nothing is held: no connection, and nobody, has
// to wait for the keeper then. What fails here the transaction tries itself.
func (s *Records) FetchKey(ctx context.Context, made NewKeys, n domain.NHSNumber) {
	ctx, cancel := context.WithTimeout(ctx, KeyWait)
	defer cancel()
	found, err := s.FindPersons(ctx, s.db.People.ByTags, []domain.NHSNumber{n})
	if err != nil {
		return
	}
	if len(found) > 0 {
		_ = s.UnwrapKeys(ctx, slices.Collect(maps.Values(found)))
		return
	}
	_ = s.MakeKeys(ctx, made, []*Record{{Tag: s.ring.LocalTag(n.Reveal())}})
}

// FetchKeysOf gets the keys of persons with NHS numbers, as FetchKey does, and
// creates none. It does so if the authority holds a plan about one of them, and
// says whether it does: how long it takes says nothing about whom others know.
func (s *Records) FetchKeysOf(ctx context.Context, authority string, numbers ...domain.NHSNumber) (own bool) {
	ctx, cancel := context.WithTimeout(ctx, KeyWait)
	defer cancel()
	found, err := s.FindPersons(ctx, s.db.People.ByTags, numbers)
	if err != nil {
		return false
	}
	all := make([]*Record, 0, len(found))
	ids := make([]uuid.UUID, 0, len(found))
	for _, h := range found {
		all, ids = append(all, h), append(ids, h.Row.ID)
	}
	plans, err := s.db.Plans.Of(ctx, ids, authority) // also of nobody
	if err != nil || !slices.ContainsFunc(plans, func(l store.PlanRow) bool { return !l.Removed }) {
		return false
	}
	_ = s.UnwrapKeys(ctx, all)
	return true
}
