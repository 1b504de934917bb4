package words

import (
	"strconv"
	"strings"
	"time"

	"github.com/nyaruka/phonenumbers"

	"cpis/service/domain"
)

// months and weekdays of Welsh; those of English are in package time.
var (
	welshMonths = [...]string{
		"Ionawr", "Chwefror", "Mawrth", "Ebrill", "Mai", "Mehefin", "Gorffennaf", "Awst", "Medi", "Hydref", "Tachwedd", "Rhagfyr",
	}
	welshDays = [...]string{"Dydd Sul", "Dydd Llun", "Dydd Mawrth", "Dydd Mercher", "Dydd Iau", "Dydd Gwener", "Dydd Sadwrn"}
)

// Day writes a day: 22 November 2026, 22 Tachwedd 2026.
func (l Language) Day(d domain.Date) string {
	if d.IsZero() {
		return ""
	}
	return l.day(d.Time())
}

// Weekday writes a day with its name: Sunday 22 November 2026, Dydd Sul 22
// Tachwedd 2026.
func (l Language) Weekday(d domain.Date) string {
	if d.IsZero() {
		return ""
	}
	return l.weekday(d.Time()) + " " + l.Day(d)
}

// Days writes a period, saying what both days share once: 1 to 29 November 2026,
// 1 September to 29 November 2026.
func (l Language) Days(from, to domain.Date) string {
	a, b := from.Time(), to.Time()
	first := l.day(a)
	switch {
	case from == to:
		return first
	case a.Year() == b.Year() && a.Month() == b.Month():
		first = strconv.Itoa(a.Day())
	case a.Year() == b.Year():
		first = strconv.Itoa(a.Day()) + " " + l.month(a)
	}
	if l == Welsh {
		return first + " i " + l.day(b)
	}
	return first + " to " + l.day(b)
}

// Clock writes a time of day in England and Wales: 5pm, 5:30pm, midday, midnight.
func (l Language) Clock(t time.Time) string {
	t = t.In(domain.London)
	switch {
	case t.Minute() > 0:
		return t.Format("3:04pm")
	case t.Hour() == 0:
		return l.either("midnight", "hanner nos")
	case t.Hour() == 12:
		return l.either("midday", "hanner dydd")
	}
	return t.Format("3pm")
}

// Moment writes a day and a time: 22 November 2026 at 5:30pm.
func (l Language) Moment(t time.Time) string {
	return l.day(t.In(domain.London)) + l.either(" at ", " am ") + l.Clock(t)
}

func (l Language) day(t time.Time) string {
	return strconv.Itoa(t.Day()) + " " + l.month(t) + " " + strconv.Itoa(t.Year())
}

func (l Language) month(t time.Time) string {
	if l == Welsh {
		return welshMonths[t.Month()-1]
	}
	return t.Month().String()
}

func (l Language) weekday(t time.Time) string {
	if l == Welsh {
		return welshDays[t.Weekday()]
	}
	return t.Weekday().String()
}

func (l Language) either(english, welsh string) string {
	if l == Welsh {
		return welsh
	}
	return english
}

// Other is the language that a page offers beside its own.
func (l Language) Other() Language {
	if l == Welsh {
		return English
	}
	return Welsh
}

// Number writes a count: 1,000.
func Number[N int | int64](n N) string {
	digits := strconv.FormatInt(int64(n), 10)
	for i := len(digits) - 3; i > 0 && digits[i-1] != '-'; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

// NHSNumber writes ten digits as people read them: 999 000 0018. It must not
// break over lines: see the class no-wrap.
func NHSNumber(n domain.NHSNumber) string {
	digits := n.Reveal()
	if len(digits) != 10 {
		return ""
	}
	return digits[:3] + " " + digits[3:6] + " " + digits[6:]
}

// Phone writes a telephone number as people read it: 020 7527 7400. What is no
// number of the United Kingdom's plan, such as 111, is left as it is.
func Phone(number string) string {
	n, err := phonenumbers.Parse(number, "GB")
	if err != nil || !phonenumbers.IsValidNumber(n) {
		return strings.TrimSpace(number)
	}
	if n.GetCountryCode() == 44 {
		return phonenumbers.Format(n, phonenumbers.NATIONAL)
	}
	return phonenumbers.Format(n, phonenumbers.INTERNATIONAL)
}

// Tel is the address that calls a telephone number: tel:+442075277400. A text
// without digits has none.
func Tel(number string) string {
	n, err := phonenumbers.Parse(number, "GB")
	if err == nil && phonenumbers.IsValidNumber(n) {
		return "tel:" + phonenumbers.Format(n, phonenumbers.E164)
	}
	digits := strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, number)
	if digits == "" {
		return ""
	}
	return "tel:" + digits
}
