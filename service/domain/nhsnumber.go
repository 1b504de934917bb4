package domain

import (
	"fmt"
	"strings"

	"cpis/service/text"
)

const redacted = "[redacted]"

// NHSNumber is a valid NHS number. It prints as "[redacted]" wherever it ends
// up, and only Reveal returns the digits.
type NHSNumber struct {
	// A pointer, because fmt prints what an unexported field of another struct
	// holds although the type has a Format method. To a string, because it does
	// follow a pointer to an array, for verbs that do not fit pointers.
	digits *string
}

// nhsNumberProblem says what is wrong with a text that should be an NHS
// number; empty if nothing is.
type nhsNumberProblem string

const (
	nhsNumberForm  nhsNumberProblem = "must be ten digits, all together or as 3-3-4 with spaces or with hyphens"
	nhsNumberMarks nhsNumberProblem = "holds marks that nobody sees, which turn the direction of text: type it again"
	nhsNumberFake  nhsNumberProblem = "is a placeholder, which is nobody's number: find the person's own"
	nhsNumberCheck nhsNumberProblem = "is not an NHS number: its check digit does not fit; look for a mistyped digit"
)

// ParseNHSNumber reads ten digits, written together or as 3-3-4 with spaces or
// with hyphens of any kind, and checks them by modulus 11. Every range is
// accepted: national numbers, those of other UK countries, and those kept for
// tests. Placeholders are refused, which are entered if no number is known:
// under one of them many people would be one.
func ParseNHSNumber(s string) (NHSNumber, nhsNumberProblem) {
	s = text.Plain(s)
	switch {
	case !text.Fit(s):
		return NHSNumber{}, nhsNumberMarks
	case isPlaceholder(strings.NewReplacer(" ", "", "-", "").Replace(s)):
		return NHSNumber{}, nhsNumberFake
	}
	return StoredNHSNumber(s)
}

// isPlaceholder reports whether ten digits are what people enter who have no
// number: one digit ten times, or the digits in a row. The check digit of most
// of them fits.
func isPlaceholder(digits string) bool {
	switch digits {
	case "0123456789", "1234567890", "9876543210", "0987654321",
		"1234567881": // the first nine in a row, with the digit that fits
		return true
	}
	return len(digits) == 10 && strings.Count(digits, digits[:1]) == 10
}

// StoredNHSNumber reads a number that was accepted before, maybe when
// placeholders were.
func StoredNHSNumber(text string) (NHSNumber, nhsNumberProblem) {
	var digits [10]byte
	switch {
	case len(text) == 10:
		copy(digits[:], text)
	case len(text) == 12 && text[3] == text[7] && (text[3] == ' ' || text[3] == '-'):
		copy(digits[:3], text[:3])
		copy(digits[3:6], text[4:7])
		copy(digits[6:], text[8:])
	default:
		return NHSNumber{}, nhsNumberForm
	}
	sum := 0
	for i, c := range digits {
		if c < '0' || c > '9' {
			return NHSNumber{}, nhsNumberForm
		}
		if i < 9 {
			sum += (10 - i) * int(c-'0')
		}
	}
	// 11 stands for 0, and 10 is never issued: no digit equals it.
	if check := (11 - sum%11) % 11; check != int(digits[9]-'0') {
		return NHSNumber{}, nhsNumberCheck
	}
	number := string(digits[:])
	return NHSNumber{&number}, ""
}

// Reveal returns the ten digits. Whoever calls it answers for where they go.
func (n NHSNumber) Reveal() string {
	if n.digits == nil {
		return ""
	}
	return *n.digits
}

// IsZero reports whether there is no number.
func (n NHSNumber) IsZero() bool { return n.digits == nil }

// Is reports whether two numbers are the same.
func (n NHSNumber) Is(other NHSNumber) bool { return n.Reveal() == other.Reveal() }

// String returns "[redacted]".
func (n NHSNumber) String() string { return redacted }

// GoString returns "[redacted]".
func (n NHSNumber) GoString() string { return redacted }

// Format writes "[redacted]" for every verb.
func (n NHSNumber) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// MarshalText returns "[redacted]".
func (n NHSNumber) MarshalText() ([]byte, error) { return []byte(redacted), nil }
