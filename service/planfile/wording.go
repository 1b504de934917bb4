package planfile

import (
	"slices"
	"strings"
	"unicode"

	"cpis/service/text"
)

// wording is what a text of a case system says, however it is written: its
// words in small letters, without the sections of the Children Act that it
// cites.
type wording struct {
	words string // with one space between them; "/" and "and" stand for what joins two things
	cited string // section that is cited, without paragraphs; empty if none is
}

// begins reports whether a wording begins with some words.
func (w wording) begins(words string) bool {
	rest, ok := strings.CutPrefix(w.words, words)
	return ok && (rest == "" || rest[0] == ' ')
}

// beginsAny reports whether a wording begins with one of several phrases.
func (w wording) beginsAny(phrases []string) bool {
	return slices.ContainsFunc(phrases, w.begins)
}

// wordingOf reads a text.
func wordingOf(cell string) wording {
	var w wording
	var words []string
	tokens := tokensOf(cell)
	for i := 0; i < len(tokens); i++ {
		switch token := tokens[i]; token {
		case "s", "sec", "sect", "section":
			if i+1 < len(tokens) && digitsOnly(tokens[i+1]) {
				w.cited = tokens[i+1]
				i = afterParagraphs(tokens, i+2) - 1
				continue
			}
			words = append(words, token)
		case "(", ")", "ca", "children", "act", "1989":
		case "&", "+":
			words = append(words, "and")
		default:
			words = append(words, token)
		}
	}
	for len(words) > 0 && (words[len(words)-1] == "under" || words[len(words)-1] == "of" || words[len(words)-1] == "the") {
		words = words[:len(words)-1] // what introduced the section
	}
	w.words = strings.Join(words, " ")
	return w
}

// afterParagraphs skips the paragraphs of a section, as in 20(1)(b).
func afterParagraphs(tokens []string, i int) int {
	for i+2 < len(tokens) && tokens[i] == "(" && tokens[i+2] == ")" {
		i += 3
	}
	return i
}

// tokensOf takes a text apart: words, numbers, and the marks that mean
// something in it.
func tokensOf(cell string) []string {
	const (
		none = iota
		letter
		digit
	)
	var tokens []string
	before := none
	for _, r := range strings.ToLower(text.Plain(cell)) {
		kind := none
		switch {
		case unicode.IsLetter(r):
			kind = letter
		case r >= '0' && r <= '9':
			kind = digit
		case strings.ContainsRune("()&+/", r):
			tokens = append(tokens, string(r))
		}
		switch {
		case kind != none && kind == before:
			tokens[len(tokens)-1] += string(r)
		case kind != none:
			tokens = append(tokens, string(r))
		}
		before = kind
	}
	return tokens
}

// cutCode takes the code that a text begins with, such as C2 or E4A, from what
// follows it. What could be a code and stands alone is one.
func cutCode(cell string) (code, rest string) {
	cell = strings.ToUpper(text.Plain(cell))
	n := 0
	for n < len(cell) && (cell[n] >= 'A' && cell[n] <= 'Z' || cell[n] >= '0' && cell[n] <= '9') {
		n++
	}
	if n < 2 || n > 3 || cell[1] < '0' || cell[1] > '9' {
		return "", cell
	}
	return cell[:n], strings.TrimLeft(cell[n:], " :-.,(")
}
