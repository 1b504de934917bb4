package oversight

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"cpis/audit"
	"cpis/service/guard"
	"cpis/service/record"
	"cpis/service/store"
)

// actionRaise stands in the entry of reviews that the service put into the queue.
const actionRaise = "raise_reviews"

// RaiseReviews reads on in the index of each log, and puts into the queue of privacy
// officers what somebody must look at: look-ups of restricted people. Look-ups know
// nothing of it. Each is raised once, however many servers run.
func (s *Reports) RaiseReviews(ctx context.Context) error {
	if err := s.ready(); err != nil {
		return err
	}
	states, err := s.db.Index.States(ctx)
	if err != nil {
		return fmt.Errorf("reading how far the index is: %w", guard.Translate(err))
	}
	for i := range states {
		if states[i].Damaged != nil {
			continue // until somebody has looked, and makes it again
		}
		if err := s.raiseUntil(ctx, states[i].Log, states[i].Next); err != nil {
			return fmt.Errorf("raising reviews: %w", err)
		}
	}
	return nil
}

// raiseUntil reads the index of a log up to an entry.
func (s *Reports) raiseUntil(ctx context.Context, log store.LogID, end int64) error {
	from, err := s.db.Reviews.Place(ctx, log)
	for err == nil && from < end {
		to := min(from+indexChunk, end)
		if err = s.raise(ctx, log, from, to); err == nil {
			from = to
		}
	}
	return guard.Translate(err)
}

// raise raises what a part of a log has, and keeps in the same transaction that it
// was read.
func (s *Reports) raise(ctx context.Context, log store.LogID, from, to int64) error {
	found, err := s.db.Index.RestrictedLookUps(ctx, log, from, to)
	if err != nil {
		return err
	}
	rows, err := s.newReviews(ctx, store.ReviewRestricted, found)
	if err != nil {
		return err
	}
	return s.db.Tx(ctx, func(tx *store.Tx) error {
		moved, err := tx.Reviews.MovePlace(ctx, log, from, to)
		if err != nil || !moved || len(rows) == 0 {
			return err
		}
		return s.queue(ctx, tx, rows, &audit.Entry{Action: actionRaise, Counts: audit.Counts{"reviews": int64(len(rows))}})
	})
}

// queue puts reviews into the queue, with the entry of it.
func (s *Reports) queue(ctx context.Context, tx *store.Tx, rows []store.ReviewRow, e *audit.Entry) error {
	if err := tx.Reviews.Insert(ctx, rows); err != nil {
		return err
	}
	e.Version, e.Actor, e.Request, e.Outcome = audit.Version, guard.ActorService, guard.NewID().String(), guard.OutcomeDone
	_, err := s.guard.Enter(ctx, tx, e)
	return err
}

// newReviews makes reviews of look-ups. One key does for all of them, as one does for
// those by break-glass of a server and hour.
func (s *Reports) newReviews(ctx context.Context, kind store.ReviewKind, found []store.IndexRow) ([]store.ReviewRow, error) {
	if len(found) == 0 {
		return nil, nil
	}
	made, err := s.ring.New(ctx, []string{store.ReviewKeys.Owner(uuid.Nil)})
	if err != nil {
		return nil, fmt.Errorf("making the key of reviews: %w", keeperError(err))
	}
	rows := make([]store.ReviewRow, len(found))
	for i := range found {
		f, id := &found[i], guard.NewID()
		rows[i] = store.ReviewRow{
			ID: id, Kind: kind, Organisation: f.Organisation, Actor: f.Actor, At: f.At, Log: f.Log, Entry: int(f.Index),
			Sealed: made[0].Key.Seal(nil, record.ReviewContext(id)), WrappedKey: made[0].Wrapped.Text,
		}
	}
	return rows, nil
}
