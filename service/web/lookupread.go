package web

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode"

	"cpis/service/domain"
	"cpis/service/text"
	"cpis/service/web/words"
)

// insuranceNumber is what people take for an NHS number.
var insuranceNumber = regexp.MustCompile(`(?i)^[a-z]{2} ?\d{2} ?\d{2} ?\d{2} ?[a-d]$`)

// numberProblem says what is wrong with a text that should be an NHS number, and
// what to do; nothing if it is one.
func numberProblem(w *words.Words, typed string) string {
	_, problem := domain.ParseNHSNumber(typed)
	plain := text.Plain(typed)
	digits := 0
	for _, r := range plain {
		if unicode.IsDigit(r) {
			digits++
		}
	}
	switch {
	case problem == "":
		return ""
	case text.Blank(typed):
		return w.Identifiers.NumberEmpty
	case insuranceNumber.MatchString(strings.TrimSpace(plain)):
		return w.Identifiers.NumberOther
	case strings.IndexFunc(plain, unicode.IsLetter) >= 0:
		return w.Identifiers.NumberLetters
	case digits != 10:
		return w.Identifiers.NumberLength.With(strconv.Itoa(digits))
	case strings.HasPrefix(string(problem), "is a placeholder"):
		return w.Identifiers.NumberFake
	}
	return w.Identifiers.NumberCheck
}

// readBorn reads a date of birth in three parts. What is wrong is said of the first
// part that is.
func readBorn(w *words.Words, f *form, today domain.Date) (born domain.Date, part, problem string) {
	day, month, year := f.text("born[day]"), f.text("born[month]"), f.text("born[year]")
	switch {
	case day == "" && month == "" && year == "":
		return born, "day", w.Identifiers.BornEmpty
	case day == "":
		return born, "day", w.Identifiers.BornNoDay
	case month == "":
		return born, "month", w.Identifiers.BornNoMonth
	case year == "":
		return born, "year", w.Identifiers.BornNoYear
	}
	d, err := strconv.Atoi(day)
	m, err2 := strconv.Atoi(month)
	y, err3 := strconv.Atoi(year)
	if err != nil || err2 != nil || err3 != nil || y < 1900 || y > 9999 {
		return born, "day", w.Identifiers.BornNotReal
	}
	born, err = domain.ParseDate(fmt.Sprintf("%04d-%02d-%02d", y, m, d))
	switch {
	case err != nil:
		return domain.Date{}, "day", w.Identifiers.BornNotReal
	case born.After(today):
		return domain.Date{}, "day", w.Identifiers.BornFuture
	}
	return born, "", ""
}
