package work

import (
	"context"
	"fmt"
	"time"

	"cpis/service/domain"
	"cpis/service/guard"
	"cpis/service/store"
)

const (
	// calendarTimeout bounds one look at the calendar.
	calendarTimeout = 30 * time.Second
	// daysAtOnce is how many days one transaction goes through: after a long
	// absence it takes several.
	daysAtOnce = 92
	// daysBack is how many days are gone through if nobody knows which were.
	daysBack = 400
)

// ReadCalendar lists the plans that begin to ask for their authorities today, and
// takes those off the list that cease to. It opens nothing: a day is known by its
// keyed hash. The last day is gone through again each time, because somebody may
// have written a plan meanwhile who thought that it was still the day before.
func (s *Lists) ReadCalendar(ctx context.Context) error {
	if err := s.ready(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, calendarTimeout)
	defer cancel()
	for done := false; !done; {
		err := s.db.Tx(ctx, func(tx *store.Tx) (err error) {
			done, err = s.read(ctx, tx)
			return err
		})
		if err != nil {
			return fmt.Errorf("reading the calendar: %w", guard.Translate(err))
		}
	}
	return nil
}

// read goes through the next days, and reports whether today was one of them. What
// begins and ceases in these days is listed first, and then taken off.
func (s *Lists) read(ctx context.Context, tx *store.Tx) (done bool, err error) {
	state, err := tx.Plans.LockWorkState(ctx)
	if err != nil {
		return false, err
	}
	authorities, err := tx.Plans.Holders(ctx)
	if err != nil {
		return false, err
	}
	first, last := s.days(&state)
	var comes, goes []store.DayTag
	for day := first; !day.After(last); day = day.AddDays(1) {
		begin, cease := s.records.Days(authorities, day)
		comes, goes = append(comes, begin...), append(goes, cease...)
	}
	if err := tx.Plans.Begin(ctx, comes); err != nil {
		return false, err
	}
	if err := tx.Plans.Cease(ctx, goes); err != nil {
		return false, err
	}
	at, now := last.Time(), s.clock.Moment()
	state.Day, state.At = &at, &now
	return last == s.clock.Today(), tx.Plans.SetWorkState(ctx, &state)
}

// days are the first and the last day to go through.
func (s *Lists) days(state *store.WorkState) (first, last domain.Date) {
	today := s.clock.Today()
	first = today.AddDays(-daysBack)
	if state.Day != nil {
		if first = domain.DateOf(*state.Day); first.After(today) {
			first = today
		}
	}
	last = first.AddDays(daysAtOnce)
	if today.Before(last) {
		last = today
	}
	return first.AddDays(-1), last
}
