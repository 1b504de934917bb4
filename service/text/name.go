package text

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// NameParts returns the parts of a name as names are compared: without case,
// accents and apostrophes, parted at spaces, hyphens and whatever else is no
// letter. Nothing of a name that has no letter is left. Names are kept and shown
// as they were written; this is for finding them.
func NameParts(s string) []string {
	var parts []string
	for part := range strings.FieldsFuncSeq(norm.NFKD.String(Fold(s)), divides) {
		if part = strings.Map(bare, part); part != "" {
			parts = append(parts, spelt.Replace(part))
		}
	}
	return parts
}

// divides reports whether a character of a decomposed name parts two names. An
// apostrophe does not: O'Brien is also written OBrien.
func divides(r rune) bool {
	return !unicode.IsLetter(r) && !unicode.IsMark(r) && !unicode.IsDigit(r) && !apostrophe(r)
}

func apostrophe(r rune) bool {
	return strings.ContainsRune("'`´\u2018\u2019\u201b\u02bc\u02bb\u02b9\u02bd\u2032\uff07", r)
}

// bare makes a letter of a decomposed name a small one, and leaves out what stands
// on it.
func bare(r rune) rune {
	if unicode.IsMark(r) || apostrophe(r) || unicode.Is(unicode.Lm, r) {
		return -1
	}
	return unicode.ToLower(r)
}

// spelt replaces letters that do not decompose by those that people type for them.
var spelt = strings.NewReplacer(
	"ß", "ss", "æ", "ae", "œ", "oe", "ø", "o", "đ", "d", "ð", "d", "þ", "th", "ł", "l", "ħ", "h", "ı", "i", "ŋ", "n", "ŧ", "t",
)
