package service

import (
	"context"
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
	if s.broken.Load() {
		return 0, ErrDamaged
	}
	now := s.moment()
	err = s.db.Tx(ctx, func(tx *store.Tx) error {
		due, err := tx.RemindAuthorities(ctx, now, now.Add(-confirmedFor), now.Add(-remindAfter))
		told = len(due)
		if err != nil || told == 0 {
			return err
		}
		for _, gss := range due {
			s.tell(tx, news{to: gss, kind: noticeUnconfirmed})
		}
		_, err = enter(ctx, tx, s.log, now, &audit.Entry{
			Version: audit.Version,
			Actor:   actorService,
			Action:  actionRemind,
			Request: newID().String(),
			Outcome: outcomeDone,
			Counts:  audit.Counts{"notices": int64(told)},
		})
		return err
	})
	return told, translate(err)
}
