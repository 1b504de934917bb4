package planfile

import (
	"strings"

	"cpis/service/text"
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
	numberMarks     = "holds marks that cannot be seen, such as those of the direction of text: enter the number again by hand"
)

// parseNumber reads ten digits, written together or as 3-3-4 with spaces or
// with hyphens of any kind. Whether they are somebody's is not for us to say.
func parseNumber(cell string) (digits, problem string) {
	number := text.Plain(cell)
	digits = number
	if len(number) == 12 && number[3] == number[7] && (number[3] == ' ' || number[3] == '-') {
		digits = number[:3] + number[4:7] + number[8:]
	}
	if len(digits) == 10 && digitsOnly(digits) {
		return digits, ""
	}
	return "", numberDamage(number)
}

// numberDamage says what a spreadsheet did to an NHS number, as far as that can
// be seen.
func numberDamage(number string) string {
	whole, decimals, hasPoint := strings.Cut(number, ".")
	switch {
	case !text.Fit(number):
		return numberMarks
	case strings.HasPrefix(number, "##"):
		return numberHashes
	case strings.HasPrefix(number, "'"), strings.HasPrefix(number, "="):
		return numberQuoted
	case scientific(number):
		return numberScientific
	case hasPoint && digitsOnly(whole) && strings.Trim(decimals, "0") == "":
		return numberDecimals
	case strings.Contains(number, ",") && digitsOnly(strings.ReplaceAll(whole, ",", "")):
		return numberThousands
	case len(number) == 9 && digitsOnly(number):
		return numberNine
	}
	return numberForm
}

// scientific reports whether a text reads like 9.99E+09 or, as other countries
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
