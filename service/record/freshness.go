package record

import (
	"context"
	"fmt"
	"slices"
	"time"

	"cpis/service/domain"
	"cpis/service/guard"
	"cpis/service/keys"
	"cpis/service/store"
)

const (
	// keysFreshFor is how long a server answers without having confirmed that
	// its index keys are the database's.
	keysFreshFor = 30 * time.Second
	// CheckKeysTimeout bounds one check.
	CheckKeysTimeout = 10 * time.Second
)

// retagAfter and retireAfter are how old a new index key must be for the next
// steps of its rotation. By then every server that answers has it: one that has
// not noticed it refuses since keysFreshFor, and what it took before is done.
const (
	retagAfter  = time.Minute
	retireAfter = 2 * time.Minute
)

// CheckKeys compares the index keys in memory with the database's, and opens
// those that came. If it succeeds, the service may answer for a while.
func (s *Records) CheckKeys(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, CheckKeysTimeout)
	defer cancel()
	s.checking.Lock()
	defer s.checking.Unlock()
	began := s.clock.Now() // of what changes from now on the database may say nothing
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

// WrappedIndexKeys returns stored index keys as a keys.Ring takes them.
func WrappedIndexKeys(rows []store.IndexKeyRow) []keys.Wrapped {
	wrapped := make([]keys.Wrapped, len(rows))
	for i, row := range rows {
		wrapped[i] = keys.Wrapped{Owner: fmt.Sprintf("index/%d", row.Version), Text: row.Wrapped}
	}
	return wrapped
}

// FreshKeys reports whether the index keys in memory were the database's a moment
// ago: nil, or ErrUnavailable. Whoever computes tags must ask.
func (s *Records) FreshKeys() error {
	if domain.Elapsed(*s.confirmed.Load(), s.clock.Now()) > keysFreshFor {
		return fmt.Errorf("index keys were not confirmed lately: %w", guard.ErrUnavailable)
	}
	return nil
}
