// Package text holds the one rule for text from outside, for requests, files,
// tokens and command lines alike: what of it is not seen, what has no place in
// it, and what counts as empty. It depends on nothing of ours.
package text

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Unfit says what is wrong with a text that [Fit] refuses.
const Unfit = "must not hold control characters, line breaks, marks of direction, or marks of broken text"

// Fold returns a text as people see it: characters that show nothing are left
// out, every space is a plain one, and nothing stands around it. What people
// would take for empty is empty. A text that is not valid UTF-8 stays so.
func Fold(s string) string {
	if plain(s) {
		return s
	}
	s = strings.Map(func(r rune) rune {
		switch {
		case r == utf8.RuneError:
			return r
		case Hidden(r):
			return -1
		case unicode.Is(unicode.Zs, r):
			return ' '
		}
		return r
	}, valid(s))
	return strings.TrimSpace(s)
}

// Plain returns a text that a machine is to read, as a number, a date, a code
// or the name of a column: folded, with a plain hyphen for each dash and a
// space for each tab. Names keep their dashes.
func Plain(s string) string {
	if plain(s) {
		return s
	}
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\t':
			return ' '
		case unicode.Is(unicode.Pd, r), r == minus:
			return '-'
		}
		return r
	}, Fold(s))
}

// Fit reports whether a text of one line may be kept and shown.
func Fit(s string) bool { return utf8.ValidString(s) && !strings.ContainsFunc(s, unfit) }

// Blank reports whether nothing of a text is seen.
func Blank(s string) bool { return Fold(s) == "" }

// minus is a dash to people, and a sign of mathematics to Unicode.
const minus = '\u2212'

// plain reports whether Fold and Plain change nothing, as in nearly all texts.
func plain(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return s == "" || s[0] != ' ' && s[len(s)-1] != ' '
}

// valid returns s with marks of broken text for what is not UTF-8, so that Fit
// refuses it afterwards.
func valid(s string) string { return strings.ToValidUTF8(s, string(utf8.RuneError)) }

// Hidden reports whether a character shows nothing and may be left out: of no
// width, joining or parting others, or choosing between forms of them.
func Hidden(r rune) bool {
	switch {
	case r <= unicode.MaxASCII, unicode.Is(unicode.Bidi_Control, r):
		return false
	case r == '\u2800': // a cell of Braille without dots
		return true
	case unicode.Is(unicode.Cf, r):
		return !unicode.Is(unicode.Prepended_Concatenation_Mark, r)
	}
	return unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
}

// unfit reports whether a character has no place in a text of one line: it
// steers a terminal, breaks a line, makes text read in another order than it is
// stored, or stands for what could not be decoded.
func unfit(r rune) bool {
	return unicode.IsControl(r) || unicode.In(r, unicode.Zl, unicode.Zp, unicode.Bidi_Control, unicode.Noncharacter_Code_Point) ||
		r == utf8.RuneError
}
