package domain

import (
	"errors"
	"strings"
	"time"

	"github.com/rickar/cal/v2"
	"github.com/rickar/cal/v2/gb"
)

// Hours are the opening hours of an office, in England's local time. On bank
// holidays it is closed. The zero value is always closed.
type Hours struct {
	days [7]span // by time.Weekday
}

// span is a part of one day, in minutes after midnight; empty when to is 0.
type span struct{ from, to int }

var errHours = errors.New(`not opening hours of the form "Mon-Thu 08:45-17:15; Fri 08:45-16:45"`)

// ParseHours reads opening hours such as
//
//	Mon-Thu 08:45-17:15; Fri 08:45-16:45
//
// An empty text means always closed. A day that is named twice is refused: an
// office has one span of hours a day here.
func ParseHours(text string) (Hours, error) {
	var h Hours
	for part := range strings.SplitSeq(text, ";") {
		part = strings.TrimSpace(part)
		if part == "" {
			continue
		}
		days, times, ok := strings.Cut(part, " ")
		if !ok {
			return Hours{}, errHours
		}
		first, last, ok := parseDays(days)
		if !ok {
			return Hours{}, errHours
		}
		s, ok := parseSpan(times)
		if !ok {
			return Hours{}, errHours
		}
		for d := first; ; d = (d + 1) % 7 {
			if h.days[d] != (span{}) {
				return Hours{}, errHours
			}
			h.days[d] = s
			if d == last {
				break
			}
		}
	}
	return h, nil
}

func parseDays(text string) (first, last int, ok bool) {
	from, to, isRange := strings.Cut(text, "-")
	if !isRange {
		to = from
	}
	first, last = weekday(from), weekday(to)
	return first, last, first >= 0 && last >= 0
}

func weekday(name string) int {
	for d := time.Sunday; d <= time.Saturday; d++ {
		if name == d.String()[:3] {
			return int(d)
		}
	}
	return -1
}

func parseSpan(text string) (span, bool) {
	from, to, ok := strings.Cut(text, "-")
	if !ok {
		return span{}, false
	}
	opens, err := time.Parse("15:04", from)
	if err != nil {
		return span{}, false
	}
	closes, err := time.Parse("15:04", to)
	if err != nil || !closes.After(opens) {
		return span{}, false
	}
	return span{minutes(opens), minutes(closes)}, true
}

func minutes(t time.Time) int { return 60*t.Hour() + t.Minute() }

// lookAhead is how far the next change between open and closed is searched;
// no office is closed for longer.
const lookAhead = 14 // days

// Open reports whether the office is open at t, and when that changes next; the
// zero time if it does not change for a fortnight.
func (h Hours) Open(t time.Time) (open bool, until time.Time) {
	t = t.In(London)
	now := minutes(t)
	if s := h.on(t); now >= s.from && now < s.to {
		return true, atMinute(t, s.to)
	}
	for n := range lookAhead {
		day := t.AddDate(0, 0, n)
		if s := h.on(day); s.to > 0 && (n > 0 || now < s.from) {
			return false, atMinute(day, s.from)
		}
	}
	return false, time.Time{}
}

// on returns the opening hours on the day of t.
func (h Hours) on(t time.Time) span {
	if actual, observed, _ := bankHolidays.IsHoliday(t); actual || observed {
		return span{}
	}
	return h.days[t.Weekday()]
}

func atMinute(day time.Time, m int) time.Time {
	y, mo, d := day.Date()
	return time.Date(y, mo, d, m/60, m%60, 0, 0, London)
}

// London is England's local time. The zone data is compiled into the program.
var London = mustLoad("Europe/London")

func mustLoad(zone string) *time.Location {
	loc, err := time.LoadLocation(zone)
	if err != nil {
		panic(err) // the program was built without zone data
	}
	return loc
}

// bankHolidays are those of England and Wales. The calendar's own cache is not
// safe for concurrent use, so it stays off.
var bankHolidays = newBankHolidays()

func newBankHolidays() *cal.Calendar {
	c := &cal.Calendar{Name: "England"}
	c.AddHoliday(gb.Holidays...)
	return c
}
