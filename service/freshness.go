package service

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"

	"cpis/service/keys"
	"cpis/service/store"
)

// How a running server keeps up with keys that rotate.
const (
	// checkKeysEvery is how soon a server notices a change of index keys.
	checkKeysEvery = time.Second
	// keysFreshFor is how long a server answers without having confirmed that
	// its index keys are the database's.
	keysFreshFor = 30 * time.Second
	// checkKeysTimeout bounds one check.
	checkKeysTimeout = 10 * time.Second
	// reviewKeyFor is how old the key becomes that seals the reasons of
	// break-glass: with the time between two attempts, less than an hour.
	reviewKeyFor = 55 * time.Minute
	// renewReviewsEvery is how long after a failed attempt there is another.
	renewReviewsEvery = time.Minute
)

// retagAfter and retireAfter are how old a new index key must be for the next
// steps of its rotation. By then every server that answers has it: one that has
// not noticed it refuses since keysFreshFor, and what it took before is done.
const (
	retagAfter  = time.Minute
	retireAfter = 2 * time.Minute
)

// KeepKeys keeps the keys in memory up with those that are stored, until ctx
// ends: index keys that rotate, and the key that seals the reasons of
// break-glass. Without it the service soon refuses to answer: a server that
// knows only an index key that was retired would find nobody.
func (s *Service) KeepKeys(ctx context.Context) {
	var running sync.WaitGroup
	running.Go(func() { every(ctx, checkKeysEvery, s.checkKeys) })
	running.Go(func() { every(ctx, renewReviewsEvery, s.renewReviews) })
	running.Wait()
}

// checkKeys is CheckKeys for a loop, which tries again. Where it fails for
// long, requests are refused, which is reported and noticed enough.
func (s *Service) checkKeys(ctx context.Context) { _ = s.CheckKeys(ctx) }

// CheckKeys compares the index keys in memory with the database's, and opens
// those that came. Where it succeeds, the service may answer for a while.
func (s *Service) CheckKeys(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, checkKeysTimeout)
	defer cancel()
	s.checking.Lock()
	defer s.checking.Unlock()
	began := s.now() // of what changes from now on the database may say nothing
	rows, err := s.db.IndexKeys(ctx)
	if err != nil {
		return fmt.Errorf("reading the index keys: %w", err)
	}
	if !slices.EqualFunc(rows, s.ring.IndexVersions(), func(row store.IndexKeyRow, version int) bool {
		return row.Version == version
	}) {
		if err := s.ring.SetIndex(ctx, WrappedIndexKeys(rows)); err != nil {
			return err
		}
	}
	s.confirmed.Store(&began)
	return nil
}

// WrappedIndexKeys gives stored index keys as a keys.Ring takes them.
func WrappedIndexKeys(rows []store.IndexKeyRow) []keys.Wrapped {
	wrapped := make([]keys.Wrapped, len(rows))
	for i, row := range rows {
		wrapped[i] = keys.Wrapped{Owner: fmt.Sprintf("index/%d", row.Version), Text: row.Wrapped}
	}
	return wrapped
}

// freshKeys says whether the index keys in memory were the database's a moment
// ago: nil, or ErrUnavailable. Whoever computes tags must ask.
func (s *Service) freshKeys() error {
	if elapsed(*s.confirmed.Load(), s.now()) > keysFreshFor {
		return fmt.Errorf("index keys were not confirmed lately: %w", ErrUnavailable)
	}
	return nil
}

// elapsed is the time from one moment to another: by the clock on the wall, or
// by the one that cannot be set, whichever says more. The latter stands still
// while a machine sleeps.
func elapsed(from, to time.Time) time.Duration {
	return max(to.Sub(from), to.Round(0).Sub(from.Round(0)))
}

// reviewKey seals the reasons of break-glass for a while: one for each server and
// hour, because a claim must not have to wait for the keeper.
type reviewKey struct {
	keys.NewKey

	made time.Time
}

// renewReviews makes another key for the reasons of break-glass, once the one
// in use is old: so that a key-encryption key that was rotated is soon in use
// for them, too. While the keeper is away, the old one does.
func (s *Service) renewReviews(ctx context.Context) {
	if elapsed(s.reviews.Load().made, s.now()) < reviewKeyFor {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, checkKeysTimeout)
	defer cancel()
	began := s.now()
	made, err := s.ring.New(ctx, []string{store.ReviewKeys.Owner(uuid.Nil)})
	if err != nil {
		return // tried again at the next tick
	}
	s.reviews.Store(&reviewKey{made[0], began})
}
