package frame

import (
	"fmt"
	"strconv"
	"strings"

	"cpis/service/domain"
	"cpis/service/web/words"
)

// DayWords are what is said of a day that was not typed right. Empty is said if nothing
// was typed, and Future of a day to come: if one of them is empty, that may be.
type DayWords struct{ Empty, NoDay, NoMonth, NoYear, NotReal, Future string }

// BornWords are what is said of a date of birth.
func BornWords(w *words.Words) DayWords {
	i := &w.Identifiers
	return DayWords{i.BornEmpty, i.BornNoDay, i.BornNoMonth, i.BornNoYear, i.BornNotReal, i.BornFuture}
}

// DayNamed are what is said of a day that sentences call by a noun, such as "start
// date". It may be left empty, and lie in the future.
func DayNamed(noun string) DayWords {
	what := strings.ToUpper(noun[:1]) + noun[1:]
	return DayWords{
		NoDay: what + " must include a day", NoMonth: what + " must include a month", NoYear: what + " must include a year",
		NotReal: what + " must be a real date, like 1 9 2026",
	}
}

// ReadDay reads a day in three parts, field[day], field[month] and field[year]. What is
// wrong is said of the first part that is.
func (f *Form) ReadDay(field string, say DayWords, today domain.Date) domain.Date {
	day, part, problem := say.read(f.Text(field+"[day]"), f.Text(field+"[month]"), f.Text(field+"[year]"), today)
	if problem != "" {
		f.RejectAt(field, field+"-"+part, problem)
	}
	return day
}

// read reads what was typed, and says of which part something is wrong. A day that is
// wrong is none.
func (say *DayWords) read(day, month, year string, today domain.Date) (read domain.Date, part, problem string) {
	switch {
	case day == "" && month == "" && year == "":
		return read, "day", say.Empty
	case day == "":
		return read, "day", say.NoDay
	case month == "":
		return read, "month", say.NoMonth
	case year == "":
		return read, "year", say.NoYear
	}
	read, isDay := dayOf(day, month, year)
	switch {
	case !isDay:
		return domain.Date{}, "day", say.NotReal
	case say.Future != "" && read.After(today):
		return domain.Date{}, "day", say.Future
	}
	return read, "", ""
}

// dayOf returns the day that three numbers are. None is before 1900.
func dayOf(day, month, year string) (read domain.Date, isDay bool) {
	d, err := strconv.Atoi(day)
	m, err2 := strconv.Atoi(month)
	y, err3 := strconv.Atoi(year)
	if err != nil || err2 != nil || err3 != nil || y < 1900 || y > 9999 {
		return domain.Date{}, false
	}
	read, err = domain.ParseDate(fmt.Sprintf("%04d-%02d-%02d", y, m, d))
	return read, err == nil
}
