package planfile

import (
	"fmt"
	"strings"
	"time"

	"cpis/service/text"
)

// day is a calendar day as the number YYYYMMDD, so that days compare as they
// follow each other. 0 means that there is none.
type day int32

func dayOf(t time.Time) day {
	y, m, d := t.Date()
	return day(y*10_000 + int(m)*100 + d) //nolint:gosec // a year of four digits fits
}

// time returns midnight of a day.
func (d day) time() time.Time {
	return time.Date(int(d)/10_000, time.Month(int(d)/100%100), int(d)%100, 0, 0, 0, 0, time.UTC)
}

// addDays returns the day n days later.
func (d day) addDays(n int) day { return dayOf(d.time().AddDate(0, 0, n)) }

// String returns YYYY-MM-DD, or nothing if there is no day.
func (d day) String() string {
	if d == 0 {
		return ""
	}
	return fmt.Sprintf("%04d-%02d-%02d", d/10_000, d/100%100, d%100)
}

// dayOrder is what files as a whole say of the order in which they write days
// with slashes. One cell alone does not tell: 03/04/2015 is a day either way.
type dayOrder struct {
	monthFirst bool // somewhere a day can only be read with its month first
}

// learn takes what one more cell tells.
func (o *dayOrder) learn(cell string) {
	if strings.Count(cell, "/") < 2 {
		return
	}
	date, _, _ := strings.Cut(strings.TrimSpace(text.Plain(cell)), " ")
	_, dayFirst := dayIn(date, formDayFirst)
	_, monthFirst := dayIn(date, formMonthFirst)
	o.monthFirst = o.monthFirst || monthFirst && !dayFirst
}

// unsure reports whether a cell may be another day than it seems to be: the
// file holds days with the month first, and this could be one.
func (o dayOrder) unsure(cell string) bool {
	if !o.monthFirst {
		return false
	}
	dayFirst, ok := dayIn(cell, formDayFirst)
	monthFirst, too := dayIn(cell, formMonthFirst)
	return ok && too && dayFirst != monthFirst
}

const (
	dayForm   = "must be a date of the form 2026-11-22 or 22/11/2026"
	dayMonth  = "has no such month: the day comes first, as in 22/11/2026"
	dayUnsure = "may have its month first, as another date of the file has, and would be another day then: " +
		"export all dates as 2026-11-22, or all with the day first"
	dayYear      = "must have a year of four digits"
	dayYearFirst = "has its year first, which needs hyphens: 2026-11-22"
	dayDigits    = "has nothing between year, month and day: it must be written 2026-11-22 or 22/11/2026"
	dayOther     = "has dots or hyphens where slashes must be: 22/11/2026"
	dayTime      = "has a time of day: give the date alone"
	dayLost      = "is a time of day without a date, because the spreadsheet lost the date: " +
		"make the column a date, look whether the dates are there, and export again"
	dayZero   = "is the day that a spreadsheet shows for an empty cell or a zero: enter the date"
	daySerial = "is the number by which a spreadsheet counts days: make the column a date and export again"
	dayHashes = "shows ### as a spreadsheet does where a column is too narrow: widen it and export again"
	dayMarks  = "holds marks that cannot be seen, such as those of the direction of text: enter the date again by hand"
	dayNone   = "is a day that the calendar does not have"
)

const (
	formDayFirst   = "2/1/2006"
	formMonthFirst = "1/2/2006"
)

// dayForms are the forms of days that are read: those that no month-first
// country reads otherwise, and the one with slashes. Day and month may have one
// digit. Months are read in any letters.
var dayForms = []string{
	time.DateOnly, formDayFirst,
	"2-Jan-2006", "2 Jan 2006", "2-January-2006", "2 January 2006",
}

// parseDay reads a day. Nothing is no day, and no problem either.
func parseDay(cell string, order dayOrder) (d day, problem string) {
	date := text.Plain(cell)
	if date == "" {
		return 0, ""
	}
	if order.unsure(date) {
		return 0, dayUnsure
	}
	if d, ok := dayIn(date, dayForms...); ok {
		return d, ""
	}
	return 0, dayDamage(date)
}

// dayIn reads a day in the first of the forms that fits.
func dayIn(date string, forms ...string) (day, bool) {
	for _, form := range forms {
		if t, err := time.Parse(form, date); err == nil && t.Year() > 0 {
			return dayOf(t), true
		}
	}
	return 0, false
}

// dayDamage says what is wrong with a text that should be a day, and what
// happened to it.
func dayDamage(date string) string {
	form := digitForm(date)
	_, monthFirst := dayIn(date, formMonthFirst)
	_, short := dayIn(date, "2-Jan-06", "2 Jan 06", "2/1/06", "1/2/06", "2.1.06", "2-1-06")
	_, other := dayIn(date, "2.1.2006", "2-1-2006", "1-2-2006", "1.2.2006")
	_, yearFirst := dayIn(date, "2006/1/2", "2006.1.2")
	switch {
	case !text.Fit(date):
		return dayMarks
	case strings.HasPrefix(date, "##"):
		return dayHashes
	case form == "ddddd", strings.HasPrefix(form, "ddddd."):
		return daySerial
	case strings.HasPrefix(form, "d:"), strings.HasPrefix(form, "dd:"):
		return dayLost
	case strings.HasPrefix(date, "00/01/1900"), strings.HasPrefix(date, "0/1/1900"), strings.HasPrefix(date, "1/0/1900"):
		return dayZero
	case strings.Contains(date, ":"):
		return dayTime
	case monthFirst:
		return dayMonth
	case short:
		return dayYear
	case yearFirst:
		return dayYearFirst
	case form == "dddddddd":
		return dayDigits
	case other:
		return dayOther
	case dayShaped(form):
		return dayNone
	}
	return dayForm
}

// dayShaped reports whether a form, as digitForm returns it, is that of a day.
func dayShaped(form string) bool {
	parts := strings.Split(form, "/")
	return form == "dddd-dd-dd" || len(parts) == 3 && parts[2] == "dddd" && strings.Trim(parts[0]+parts[1], "d") == ""
}

// digitForm returns a text with a d for each digit.
func digitForm(date string) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return 'd'
		}
		return r
	}, date)
}
