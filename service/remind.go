package service

import (
	"context"
	"errors"
	"time"

	"cpis/audit"
	"cpis/service/store"
)

const (
	// remindEvery is how often the service looks whom to remind.
	remindEvery = time.Hour
	// remindAfter is how long an authority is left in peace after a reminder.
	remindAfter = 30 * 24 * time.Hour
)

// What entries of acts say that nobody asked for.
const (
	actorService = "service"
	actionRemind = "remind_contacts"
)

// KeepReminding reminds authorities of numbers that nobody has confirmed for
// long, until ctx ends.
func (s *Service) KeepReminding(ctx context.Context) {
	every(ctx, remindEvery, func(ctx context.Context) {
		_, _ = s.Remind(ctx) // tried again at the next tick
	})
}

// Remind tells each authority whose numbers have not been confirmed for 90 days,
// once in 30 days however many servers run, and gives how many were told. An
// authority that never gave any is told as soon as it holds a plan: until then
// nobody needs them.
func (s *Service) Remind(ctx context.Context) (told int, err error) {
	if err := s.ready(); err != nil {
		return 0, err
	}
	for {
		err := s.db.Tx(ctx, s.remind(ctx))
		switch {
		case errors.Is(err, store.ErrNotFound):
			return told, nil
		case err != nil:
			return told, translate(err)
		}
		told++
	}
}

// remind tells one authority; store.ErrNotFound says that none is due.
func (s *Service) remind(ctx context.Context) func(*store.Tx) error {
	now := s.moment()
	return func(tx *store.Tx) error {
		gss, err := tx.RemindAuthority(ctx, now, now.Add(-confirmedFor), now.Add(-remindAfter))
		if err != nil {
			return err
		}
		s.tell(tx, news{to: gss, kind: NoticeUnconfirmed})
		_, err = s.enter(ctx, tx, &audit.Entry{
			Version:      audit.Version,
			Actor:        actorService,
			Organisation: gss,
			Action:       actionRemind,
			Request:      newID().String(),
			Outcome:      outcomeDone,
		})
		return err
	}
}
