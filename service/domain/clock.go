package domain

import "time"

// Clock tells the time. Nothing in the service asks another.
type Clock func() time.Time

// Now returns the time.
func (c Clock) Now() time.Time { return c() }

// Today returns the day in England.
func (c Clock) Today() Date { return LondonDay(c()) }

// Moment returns the time as PostgreSQL keeps it.
func (c Clock) Moment() time.Time { return c().UTC().Truncate(time.Microsecond) }

// Elapsed returns the time from one moment to another: by the clock on the wall,
// or by the one that cannot be set, whichever says more. The latter stands still
// while a machine sleeps.
func Elapsed(from, to time.Time) time.Duration {
	return max(to.Sub(from), to.Round(0).Sub(from.Round(0)))
}
