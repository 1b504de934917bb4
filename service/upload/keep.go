package upload

import (
	"context"
	"errors"
	"time"

	"cpis/service/guard"
	"cpis/service/record"
	"cpis/service/store"
)

const (
	// resumeWait is how long each of them waits for its turn.
	resumeWait = time.Second
	// resumePage is how many of them it takes at once.
	resumePage = 20
)

// KeptFor is how long it is kept what a file said about people, once it is over.
const KeptFor = 90 * 24 * time.Hour

// Resume attends once to all uploads that nobody works on any more.
func (s *Uploads) Resume(ctx context.Context) error {
	rows, err := s.db.Uploads.Unattended(ctx, s.clock.Moment(), resumePage)
	if err != nil {
		return guard.Translate(err)
	}
	for i := range rows {
		row := &rows[i]
		if State(row.State) == receiving { // whoever sent it has gone
			err = s.db.Tx(ctx, func(tx *store.Tx) error { return tx.Uploads.Delete(ctx, row.ID) })
		} else {
			err = s.resume(ctx, row)
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return guard.Translate(err)
}

// over are the states of files that nothing becomes of any more.
var over = []State{Checked, Applied, Rejected, Cancelled}

// Forget gives up files that nobody approved for long, and forgets what
// files said about people that nothing becomes of any more.
func (s *Uploads) Forget(ctx context.Context) error {
	before := s.clock.Moment().Add(-KeptFor)
	err := s.each(ctx, before, []State{Waiting}, s.giveUp)
	if err != nil {
		return err
	}
	err = s.db.Tx(ctx, func(tx *store.Tx) error {
		return tx.Files.DeleteOldParts(ctx, s.clock.Moment().Add(-keptToCorrect), words(over))
	})
	if err != nil {
		return err
	}
	return s.each(ctx, before, over, func(ctx context.Context, row *store.UploadRow) error {
		defer s.ring.Forget(store.UploadKeys.Owner(row.ID))
		return s.db.Tx(ctx, func(tx *store.Tx) error { return tx.Uploads.Forget(ctx, row.ID) })
	})
}

// each calls do with each upload in one of some states that has not
// changed since a time. do must change it.
func (s *Uploads) each(
	ctx context.Context, before time.Time, in []State, do func(context.Context, *store.UploadRow) error,
) error {
	for {
		rows, err := s.db.Uploads.ChangedBefore(ctx, before, words(in), resumePage)
		if err != nil {
			return err
		}
		for i := range rows {
			if err := do(ctx, &rows[i]); err != nil {
				return err
			}
		}
		if len(rows) < resumePage {
			return nil
		}
	}
}

// words are states as they are stored.
func words(states []State) []string {
	all := make([]string, len(states))
	for i, s := range states {
		all[i] = string(s)
	}
	return all
}

// giveUp cancels a file that nobody approved.
func (s *Uploads) giveUp(ctx context.Context, row *store.UploadRow) error {
	u, err := s.open(ctx, row)
	if err != nil {
		return err
	}
	err = s.db.Tx(ctx, func(tx *store.Tx) error {
		to := *u // fn may run again
		by := record.Author{Act: "cancel", Actor: guard.ActorService, Organisation: row.Authority, Reason: "nobody approved it for 90 days"}
		to.decide(by, s.clock.Moment(), "")
		to.details.Brake = false
		if err := to.move(ctx, tx, Cancelled, s.clock.Moment(), 0); err != nil {
			return err
		}
		e := to.entry(actionCancel, guard.NewID().String())
		_, err := s.guard.Enter(ctx, tx, &e)
		return err
	})
	if errors.Is(err, store.ErrConflict) {
		return nil // somebody decided at this moment
	}
	return err
}
