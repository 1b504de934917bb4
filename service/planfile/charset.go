package planfile

import (
	"bytes"
	"strings"
	"unicode/utf8"
)

const (
	problemNotText = "holds bytes that no text has: the file must be CSV, not a workbook, an archive or a picture"
	problemUTF16   = "is UTF-16: save the file as “CSV UTF-8”"
	problemPacked  = "is a workbook or an archive, not text: save the sheet as “CSV UTF-8”"
	problemPDF     = "is a PDF, not text: export the plans as CSV"
	problemMixed   = "is not written in the characters of the lines before it: " +
		"the file mixes UTF-8 with Windows-1252; save it as “CSV UTF-8”"
)

// What files begin with.
var (
	markUTF8 = []byte("\xef\xbb\xbf")
	markZIP  = []byte("PK\x03\x04")

	marks = []struct {
		start   []byte
		problem string
	}{
		{[]byte("\xff\xfe"), problemUTF16}, // little end first
		{[]byte("\xfe\xff"), problemUTF16},
		{markZIP, problemPacked},
		{[]byte("PK\x05\x06"), problemPacked},       // with nothing in it
		{[]byte("\xd0\xcf\x11\xe0"), problemPacked}, // workbooks of old
		{[]byte("\x1f\x8b"), problemPacked},         // gzip
		{[]byte("7z\xbc\xaf"), problemPacked},
		{[]byte("Rar!"), problemPacked},
		{[]byte("%PDF"), problemPDF},
	}
)

// longestMark is how many bytes tell what a file is.
const longestMark = 4

// markProblem says what is wrong with a file that begins so.
func markProblem(start []byte) string {
	for _, m := range marks {
		if bytes.HasPrefix(start, m.start) {
			return m.problem
		}
	}
	// Latin letters in UTF-16, if the mark is missing.
	if len(start) == longestMark && (start[0] == 0) != (start[1] == 0) && (start[2] == 0) == (start[0] == 0) {
		return problemUTF16
	}
	return ""
}

// charset is the character set of a file, as far as it is known: files do not
// say. The first text that is not plain ASCII decides, and every later one must
// agree. Nothing that was read before is read wrongly then, so the file need
// not be read twice, and one that was put together from two is refused rather
// than garbled: names in Windows-1252 are hardly ever valid UTF-8 by chance.
type charset int

const (
	charsetASCII charset = iota // nothing else so far
	charsetUTF8
	charsetWindows
)

// decode returns the text of a cell, or says why it has none.
func (c *charset) decode(cell []byte) (text, problem string) {
	if isASCII(cell) {
		return string(cell), ""
	}
	seen := charsetWindows
	if utf8.Valid(cell) {
		seen = charsetUTF8
	}
	if *c != charsetASCII && *c != seen {
		return "", problemMixed
	}
	*c = seen
	if seen == charsetUTF8 {
		return string(cell), ""
	}
	text, ok := decodeWindows(cell)
	if !ok {
		return "", problemNotText
	}
	return text, ""
}

// shown returns the text of any cell, with a mark for each byte that is no
// character. Cells that nobody reads may hold such bytes.
func shown(cell []byte) string {
	if utf8.Valid(cell) {
		return string(cell)
	}
	text, _ := decodeWindows(cell) // the mark says it
	return text
}

func isASCII(text []byte) bool {
	for _, b := range text {
		if b >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// windows are the characters from 0x80 to 0x9F of Windows-1252; the others are
// those of Unicode. It lacks five.
var windows = [0x20]rune{
	'€', 0, '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', 0, 'Ž', 0,
	0, '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', 0, 'ž', 'Ÿ',
}

// decodeWindows returns a text, with a mark for each byte that is no character,
// and whether there is none.
func decodeWindows(cell []byte) (text string, ok bool) {
	var out strings.Builder
	out.Grow(len(cell) + len(cell)/4)
	ok = true
	for _, b := range cell {
		r := rune(b)
		if b >= 0x80 && b < 0xa0 {
			if r = windows[b-0x80]; r == 0 {
				r, ok = utf8.RuneError, false
			}
		}
		out.WriteRune(r)
	}
	return out.String(), ok
}
