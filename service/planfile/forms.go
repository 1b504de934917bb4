package planfile

import (
	"fmt"
	"strings"
	"time"
)

// The kinds of plans, and the legal bases that are in scope.
const (
	kindCPP  = "cpp"
	kindLAC  = "lac"
	kindUCPP = "ucpp"

	basisS20 = "s20"
	basisS31 = "s31"
	basisS38 = "s38"
)

// What is wrong with an NHS number. Spreadsheets change what looks like a
// number or a date; what they did is named as such, for whoever exported the
// file cannot see it there.
const (
	numberForm       = "must be ten digits, all together or as 3-3-4 with spaces or with hyphens"
	numberScientific = "was written like 1.2E+09 by a spreadsheet, and digits are lost: " +
		"make the column text, enter the numbers again and export again"
	numberThousands = "has thousands separators, which a spreadsheet added: make the column text and export again"
	numberDecimals  = "has decimals, which a spreadsheet added: make the column text and export again"
	numberQuoted    = "begins with an apostrophe or an equals sign, by which spreadsheets keep texts: leave it out"
	numberNine      = "has nine digits: one is missing, or a spreadsheet dropped a zero at the beginning"
	numberHashes    = "shows ### as a spreadsheet does where a column is too narrow: widen it and export again"
)

// parseNumber reads ten digits, written together or as 3-3-4 with spaces or
// with hyphens. Whether the last of them checks the others is not for us to
// say.
func parseNumber(text string) (digits, problem string) {
	text = strings.ReplaceAll(text, "\u00a0", " ") // as web pages write it
	digits = text
	if len(text) == 12 && text[3] == text[7] && (text[3] == ' ' || text[3] == '-') {
		digits = text[:3] + text[4:7] + text[8:]
	}
	if len(digits) == 10 && digitsOnly(digits) {
		return digits, ""
	}
	return "", numberDamage(text)
}

// numberDamage says what a spreadsheet did to an NHS number, as far as that can
// be seen.
func numberDamage(text string) string {
	whole, decimals, hasPoint := strings.Cut(text, ".")
	switch {
	case strings.HasPrefix(text, "##"):
		return numberHashes
	case strings.HasPrefix(text, "'"), strings.HasPrefix(text, "="):
		return numberQuoted
	case scientific(text):
		return numberScientific
	case hasPoint && digitsOnly(whole) && strings.Trim(decimals, "0") == "":
		return numberDecimals
	case strings.Contains(text, ",") && digitsOnly(strings.ReplaceAll(whole, ",", "")):
		return numberThousands
	case len(text) == 9 && digitsOnly(text):
		return numberNine
	}
	return numberForm
}

// scientific says whether a text reads like 9.99E+09 or, as other countries
// write it, 9,99E+09.
func scientific(text string) bool {
	mantissa, exponent, ok := strings.Cut(strings.ToUpper(text), "E")
	return ok &&
		digitsOnly(strings.Replace(strings.Replace(mantissa, ".", "", 1), ",", "", 1)) &&
		digitsOnly(strings.TrimPrefix(exponent, "+"))
}

func digitsOnly(text string) bool {
	return text != "" && strings.Trim(text, "0123456789") == ""
}

// day is a calendar day as the number YYYYMMDD, so that days compare as they
// follow each other. 0 means that there is none.
type day int32

func dayOf(t time.Time) day {
	y, m, d := t.Date()
	return day(y*10_000 + int(m)*100 + d) //nolint:gosec // a year of four digits fits
}

// time gives midnight of a day.
func (d day) time() time.Time {
	return time.Date(int(d)/10_000, time.Month(int(d)/100%100), int(d)%100, 0, 0, 0, 0, time.UTC)
}

// addDays gives the day n days later.
func (d day) addDays(n int) day { return dayOf(d.time().AddDate(0, 0, n)) }

// String gives YYYY-MM-DD, or nothing where there is no day.
func (d day) String() string {
	if d == 0 {
		return ""
	}
	return fmt.Sprintf("%04d-%02d-%02d", d/10_000, d/100%100, d%100)
}

const (
	dayForm   = "must be a date of the form 2026-11-22 or 22/11/2026"
	dayMonth  = "has no such month: the day comes first, as in 22/11/2026"
	dayYear   = "must have a year of four digits"
	dayTime   = "has a time of day: give the date alone"
	daySerial = "is the number by which a spreadsheet counts days: make the column a date and export again"
	dayHashes = "shows ### as a spreadsheet does where a column is too narrow: widen it and export again"
	dayNone   = "is a day that the calendar does not have"
)

// parseDay reads YYYY-MM-DD and DD/MM/YYYY, where day and month may have one
// digit. Nothing is no day, and no problem either.
func parseDay(text string) (d day, problem string) {
	if text == "" {
		return 0, ""
	}
	if d, ok := dayIn(text, time.DateOnly, "2/1/2006"); ok {
		return d, ""
	}
	return 0, dayDamage(text)
}

// dayIn reads a day in the first of the forms that fits.
func dayIn(text string, forms ...string) (day, bool) {
	for _, form := range forms {
		if t, err := time.Parse(form, text); err == nil && t.Year() > 0 {
			return dayOf(t), true
		}
	}
	return 0, false
}

// dayDamage says what is wrong with a text that should be a day.
func dayDamage(text string) string {
	parts := strings.Split(text, "/")
	_, american := dayIn(text, "1/2/2006")
	switch {
	case strings.HasPrefix(text, "##"):
		return dayHashes
	case len(text) == 5 && digitsOnly(text):
		return daySerial
	case strings.Contains(text, ":"):
		return dayTime
	case american:
		return dayMonth
	case len(parts) == 3 && len(parts[2]) == 2 && digitsOnly(strings.Join(parts, "")):
		return dayYear
	case digitForm(text) == "dddd-dd-dd", len(parts) == 3 && len(parts[2]) == 4 && digitsOnly(strings.Join(parts, "")):
		return dayNone
	}
	return dayForm
}

// digitForm gives a text with a d for each digit.
func digitForm(text string) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return 'd'
		}
		return r
	}, text)
}
