package frame

import (
	"regexp"
	"strconv"
	"strings"
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
