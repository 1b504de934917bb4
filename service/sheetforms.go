package service

import (
	"strings"
	"time"
)

// fileForms are the forms of files. Spreadsheets change what looks like a
// number or a date; what they did is named as such, for whoever exported the
// file cannot see it there.
var fileForms = forms{parseFileNumber, parseFileDay}

// What spreadsheets do to NHS numbers.
const (
	numberScientific nhsNumberProblem = "was written like 1.2E+09 by a spreadsheet, and digits are lost: " +
		"make the column text, enter the numbers again and export again"
	numberThousands nhsNumberProblem = "has thousands separators, which a spreadsheet added: make the column text and export again"
	numberDecimals  nhsNumberProblem = "has decimals, which a spreadsheet added: make the column text and export again"
	numberQuoted    nhsNumberProblem = "begins with an apostrophe or an equals sign, by which spreadsheets keep texts: leave it out"
	numberNine      nhsNumberProblem = "has nine digits: one is missing, or a spreadsheet dropped a zero at the beginning"
	numberHashes    nhsNumberProblem = "shows ### as a spreadsheet does where a column is too narrow: widen it and export again"
)

func parseFileNumber(text string) (NHSNumber, nhsNumberProblem) {
	text = strings.ReplaceAll(text, "\u00a0", " ") // as web pages write it
	n, problem := ParseNHSNumber(text)
	if problem == nhsNumberForm {
		problem = numberDamage(text)
	}
	return n, problem
}

// numberDamage says what a spreadsheet did to an NHS number, as far as that can
// be seen.
func numberDamage(text string) nhsNumberProblem {
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
	return nhsNumberForm
}

// scientific says whether a text reads like 9.99E+09.
func scientific(text string) bool {
	mantissa, exponent, ok := strings.Cut(strings.ToUpper(text), "E")
	return ok &&
		digitsOnly(strings.Replace(mantissa, ".", "", 1)) &&
		digitsOnly(strings.TrimPrefix(exponent, "+"))
}

func digitsOnly(text string) bool {
	return text != "" && strings.Trim(text, "0123456789") == ""
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

// parseFileDay reads YYYY-MM-DD and DD/MM/YYYY, where day and month may have
// one digit.
func parseFileDay(text string) (Date, string) {
	for _, form := range []string{time.DateOnly, "2/1/2006"} {
		if t, err := time.Parse(form, text); err == nil && t.Year() > 0 {
			return dateOf(t), ""
		}
	}
	return Date{}, dayDamage(text)
}

// dayDamage says what is wrong with a text that should be a day.
func dayDamage(text string) string {
	fits := func(form string) bool {
		_, err := time.Parse(form, text)
		return err == nil
	}
	parts := strings.Split(text, "/")
	switch {
	case strings.HasPrefix(text, "##"):
		return dayHashes
	case len(text) == 5 && digitsOnly(text):
		return daySerial
	case strings.Contains(text, ":"):
		return dayTime
	case fits("1/2/2006"):
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
