package domain

import (
	"errors"
	"time"
)

// Date is a calendar day, without time or zone. The zero value means that no
// day is set.
type Date struct {
	year  int16
	month time.Month
	day   int8
}

var errDate = errors.New("not a date of the form YYYY-MM-DD")

// ParseDate reads YYYY-MM-DD.
func ParseDate(text string) (Date, error) {
	t, err := time.Parse(time.DateOnly, text)
	if err != nil || t.Year() < 1 {
		return Date{}, errDate // not err: it quotes the text
	}
	return DateOf(t), nil
}

// DateOf returns the day of t in t's own zone.
func DateOf(t time.Time) Date {
	y, m, d := t.Date()
	return Date{int16(y), m, int8(d)} //nolint:gosec // a year of four digits and a day of the month fit
}

// LondonDay returns the day in London on which a moment lies.
func LondonDay(t time.Time) Date { return DateOf(t.In(London)) }

// Begins returns when the day begins in London.
func (d Date) Begins() time.Time {
	y, m, day := d.Time().Date()
	return time.Date(y, m, day, 0, 0, 0, 0, London)
}

// Monday returns the first day of the day's week.
func (d Date) Monday() Date { return d.AddDays(-(int(d.Time().Weekday()) + 6) % 7) }

// IsZero reports whether no day is set.
func (d Date) IsZero() bool { return d == Date{} }

// Time returns midnight of the day in UTC.
func (d Date) Time() time.Time {
	return time.Date(int(d.year), d.month, int(d.day), 0, 0, 0, 0, time.UTC)
}

// String returns YYYY-MM-DD, or nothing if no day is set.
func (d Date) String() string {
	if d.IsZero() {
		return ""
	}
	return d.Time().Format(time.DateOnly)
}

// Before reports whether d is earlier than e.
func (d Date) Before(e Date) bool { return d.Time().Before(e.Time()) }

// After reports whether d is later than e.
func (d Date) After(e Date) bool { return e.Before(d) }

// AddDays returns the day n days later.
func (d Date) AddDays(n int) Date { return DateOf(d.Time().AddDate(0, 0, n)) }

// AddYears returns the same day n years later; 29 February becomes 1 March.
func (d Date) AddYears(n int) Date { return DateOf(d.Time().AddDate(n, 0, 0)) }

// MarshalText returns YYYY-MM-DD, or nothing if no day is set.
func (d Date) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads what MarshalText gives.
func (d *Date) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*d = Date{}
		return nil
	}
	parsed, err := ParseDate(string(text))
	*d = parsed
	return err
}
