package directory

import (
	"context"
	"errors"
	"time"

	"cpis/audit"
	"cpis/service/domain"
	"cpis/service/guard"
	"cpis/service/notice"
	"cpis/service/store"
)

const (
	// remindAfter is how long an authority is left in peace after a reminder.
	remindAfter = 30 * 24 * time.Hour
)

// What entries of acts say that nobody asked for.
const (
	actionRemind = "remind_contacts"
)

// Remind tells each authority whose numbers have not been confirmed for 90 days,
// once in 30 days however many servers run, and returns how many were told. An
// authority that never gave any is told as soon as it holds a plan: until then
// nobody needs them.
func (s *Contacts) Remind(ctx context.Context) (told int, err error) {
	if err := s.ready(); err != nil {
		return 0, err
	}
	for {
		err := s.db.Tx(ctx, s.remind(ctx))
		switch {
		case errors.Is(err, store.ErrNotFound):
			return told, nil
		case err != nil:
			return told, guard.Translate(err)
		}
		told++
	}
}

// remind tells one authority; store.ErrNotFound says that none is due.
func (s *Contacts) remind(ctx context.Context) func(*store.Tx) error {
	now := s.clock.Moment()
	return func(tx *store.Tx) error {
		gss, err := tx.Directory.Remind(ctx, now, now.Add(-domain.ConfirmedFor), now.Add(-remindAfter))
		if err != nil {
			return err
		}
		s.notices.Tell(tx, notice.News{To: gss, Kind: notice.Unconfirmed})
		_, err = s.guard.Enter(ctx, tx, &audit.Entry{
			Version:      audit.Version,
			Actor:        guard.ActorService,
			Organisation: gss,
			Action:       actionRemind,
			Request:      guard.NewID().String(),
			Outcome:      guard.OutcomeDone,
		})
		return err
	}
}
