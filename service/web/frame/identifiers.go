package frame

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"

	"cpis/service/domain"
	"cpis/service/text"
	"cpis/service/web/nhsuk"
	"cpis/service/web/words"
)

// insuranceNumber is what people take for an NHS number.
var insuranceNumber = regexp.MustCompile(`(?i)^[a-z]{2} ?\d{2} ?\d{2} ?\d{2} ?[a-d]$`)

// NumberField asks for an NHS number.
func (f *Form) NumberField(w *words.Words, field string) nhsuk.Input {
	return nhsuk.Input{
		Name: field, Value: f.Or(field, ""), Label: nhsuk.Label{Text: w.LookUp.Number, Size: nhsuk.Medium}, Hint: nhsuk.Hint{Text: w.LookUp.NumberHint},
		Error: f.ErrorIn(w, field), Width: 10, Code: true, Mode: "numeric", Autocomplete: "off", NoSpellcheck: true,
	}
}

// BornField asks for a date of birth.
func (f *Form) BornField(w *words.Words, field string) nhsuk.DateInput {
	return f.DayField(w, field, w.LookUp.Born, w.LookUp.BornHint, domain.Date{})
}

// DayField asks for a day in three parts. It holds one already unless that is zero.
func (f *Form) DayField(w *words.Words, field, legend, hint string, held domain.Date) nhsuk.DateInput {
	part := func(name, label, format string) nhsuk.DatePart {
		value := ""
		if !held.IsZero() {
			value = held.Time().Format(format)
		}
		return nhsuk.DatePart{Name: name, Label: label, Value: f.Or(field+"["+name+"]", value)}
	}
	return nhsuk.DateInput{
		ID: field, Prefix: field, Legend: nhsuk.Legend{Text: legend, Size: nhsuk.Medium}, Hint: nhsuk.Hint{Text: hint}, Error: f.ErrorIn(w, field),
		Day: part("day", w.LookUp.Day, "2"), Month: part("month", w.LookUp.Month, "1"), Year: part("year", w.LookUp.Year, "2006"),
		Autocomplete: "off", NoSpellcheck: true,
	}
}

// ReadNumber reads an NHS number, as it was typed, and says what is wrong with it.
func (f *Form) ReadNumber(w *words.Words, field string) string {
	typed := f.Text(field)
	if problem := NumberProblem(w, typed); problem != "" {
		f.Reject(field, problem)
	}
	return typed
}

// NumberProblem says what is wrong with a text that should be an NHS number, and
// what to do; nothing if it is one.
func NumberProblem(w *words.Words, typed string) string {
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

// ReadBorn reads a date of birth in three parts, field[day], field[month] and
// field[year]. What is wrong is said of the first part that is.
func (f *Form) ReadBorn(w *words.Words, field string, today domain.Date) domain.Date {
	born, part, problem := readBorn(w, f.Text(field+"[day]"), f.Text(field+"[month]"), f.Text(field+"[year]"), today)
	if problem != "" {
		f.RejectAt(field, field+"-"+part, problem)
	}
	return born
}

func readBorn(w *words.Words, day, month, year string, today domain.Date) (born domain.Date, part, problem string) {
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

// ReadDay reads a day in three parts; nothing was typed is no day. What is what the day
// is called at the beginning of a sentence.
func (f *Form) ReadDay(field, what string) domain.Date {
	d, m, y := f.Text(field+"[day]"), f.Text(field+"[month]"), f.Text(field+"[year]")
	if d+m+y == "" {
		return domain.Date{}
	}
	t, err := time.Parse("2/1/2006", d+"/"+m+"/"+y)
	if err != nil {
		f.RejectAt(field, field+"-day", what+" must be a real date, like 1 9 2026")
		return domain.Date{}
	}
	return domain.DateOf(t)
}
