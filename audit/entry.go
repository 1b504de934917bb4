package audit

import (
	"encoding/base64"
	"math"
	"slices"
	"strconv"
	"time"
	"unicode/utf16"
	"unicode/utf8"
)

// Version is the version of the entries that AppendLine writes, and the only
// one that ParseLine knows.
const Version = 1

// MaxLine is the length in bytes of the longest line that counts as an entry:
// what fits an entry bundle of C2SP tlog-tiles. AppendLine cannot refuse, so
// who appends to a log compares with MaxLine before.
const MaxLine = math.MaxUint16

// Entry is one line of the log: who did what to whom, in which right, and how
// it came out. It names people and persons by identifiers and tags only.
//
// The name of each field in the JSON is given in quotation marks. A field that
// is absent (empty, false, nil) is omitted, except version, time and salt.
type Entry struct {
	// Version ("v") is set by ParseLine. AppendLine writes the constant
	// Version whatever stands here.
	Version int
	// Time ("time") is when the service decided, by its own clock. It is
	// written in UTC with microseconds; what is finer is cut off.
	Time time.Time
	// Salt ("salt") is random. Without it a leaf hash, which anybody may be
	// shown, would confirm a guess of what the line says.
	Salt [16]byte

	Actor        string // "actor": the person, or the system itself, who acted
	Client       string // "client": the program that called
	Issuer       string // "iss": the identity provider that vouched for the actor
	Organisation string // "org": code of the organisation acted for
	Role         string // "role": in which role
	Action       string // "action": what was asked for
	Mode         string // "mode": access mode of a look-up
	Purpose      string // "purpose": why, as the caller states it
	Subject      []byte // "subject": tag of the NHS number, base64url
	Encounter    []byte // "encounter": keyed hash of the encounter, base64url
	Request      string // "request": id of the request
	Responsible  []byte // "responsible": keyed hash of the person a system acted for, base64url
	Outcome      string // "outcome": how it came out
	Reason       string // "reason": why it came out so, as a word from a fixed list
	Rule         string // "rule": the policy rule that decided

	BreakGlass bool // "break_glass": the right was claimed, not held
	Restricted bool // "restricted": the person is restricted
	Degraded   bool // "degraded": a flag was answered without its details

	Disclosed []Disclosed // "disclosed": which plans left the service
	Counts    Counts      // "counts": how many rows an upload had, and the like
}

// Disclosed names a plan that an answer contained, and which version of it.
type Disclosed struct {
	Plan    string // "plan": its id
	Version int    // "version"
}

// Counts are small numbers with names, written in the order of their names.
type Counts map[string]int64

// AppendLine appends the entry to dst as its canonical line, without a line
// break, and returns the extended slice. It allocates nothing but the growth of
// dst.
//
// The line is JSON in plain ASCII: every other character is written as \uXXXX,
// so that no line separator, no invisible and no right-to-left character can
// make a line look like something else. Invalid UTF-8 becomes \ufffd.
func (e *Entry) AppendLine(dst []byte) []byte {
	dst = append(dst, `{"v":1,"time":"`...)
	dst = appendTime(dst, e.Time)
	dst = append(dst, '"')
	dst = appendBytes(dst, `,"salt":`, e.Salt[:])
	dst = appendText(dst, `,"actor":`, e.Actor)
	dst = appendText(dst, `,"client":`, e.Client)
	dst = appendText(dst, `,"iss":`, e.Issuer)
	dst = appendText(dst, `,"org":`, e.Organisation)
	dst = appendText(dst, `,"role":`, e.Role)
	dst = appendText(dst, `,"action":`, e.Action)
	dst = appendText(dst, `,"mode":`, e.Mode)
	dst = appendText(dst, `,"purpose":`, e.Purpose)
	dst = appendBytes(dst, `,"subject":`, e.Subject)
	dst = appendBytes(dst, `,"encounter":`, e.Encounter)
	dst = appendText(dst, `,"request":`, e.Request)
	dst = appendBytes(dst, `,"responsible":`, e.Responsible)
	dst = appendText(dst, `,"outcome":`, e.Outcome)
	dst = appendText(dst, `,"reason":`, e.Reason)
	dst = appendText(dst, `,"rule":`, e.Rule)
	dst = appendTrue(dst, `,"break_glass":`, e.BreakGlass)
	dst = appendTrue(dst, `,"restricted":`, e.Restricted)
	dst = appendTrue(dst, `,"degraded":`, e.Degraded)
	dst = appendDisclosed(dst, e.Disclosed)
	dst = appendCounts(dst, e.Counts)
	return append(dst, '}')
}

// appendTime appends t as 2026-11-23T17:05:06.123456Z. Years that need more
// than four digits are impossible for a clock that works; they are clamped,
// because the caller cannot be refused.
func appendTime(dst []byte, t time.Time) []byte {
	t = t.UTC()
	year, month, day := t.Date()
	switch {
	case year < 0:
		return append(dst, "0000-01-01T00:00:00.000000Z"...)
	case year > 9999:
		return append(dst, "9999-12-31T23:59:59.999999Z"...)
	}
	hour, minute, second := t.Clock()
	dst = appendDigits(dst, year, 4)
	dst = appendDigits(append(dst, '-'), int(month), 2)
	dst = appendDigits(append(dst, '-'), day, 2)
	dst = appendDigits(append(dst, 'T'), hour, 2)
	dst = appendDigits(append(dst, ':'), minute, 2)
	dst = appendDigits(append(dst, ':'), second, 2)
	dst = appendDigits(append(dst, '.'), t.Nanosecond()/1000, 6)
	return append(dst, 'Z')
}

// appendDigits appends n with leading zeros to the given width.
func appendDigits(dst []byte, n, width int) []byte {
	start := len(dst)
	dst = append(dst, "000000"[:width]...)
	for i := start + width - 1; n > 0; i-- {
		dst[i] = byte('0' + n%10)
		n /= 10
	}
	return dst
}

func appendBytes(dst []byte, key string, b []byte) []byte {
	if len(b) == 0 {
		return dst
	}
	dst = append(append(dst, key...), '"')
	dst = base64.RawURLEncoding.AppendEncode(dst, b)
	return append(dst, '"')
}

func appendText(dst []byte, key, s string) []byte {
	if s == "" {
		return dst
	}
	return appendString(append(dst, key...), s)
}

func appendTrue(dst []byte, key string, b bool) []byte {
	if !b {
		return dst
	}
	return append(append(dst, key...), "true"...)
}

func appendDisclosed(dst []byte, disclosed []Disclosed) []byte {
	if len(disclosed) == 0 {
		return dst
	}
	dst = append(dst, `,"disclosed":[`...)
	for i, d := range disclosed {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendString(append(dst, `{"plan":`...), d.Plan)
		dst = strconv.AppendInt(append(dst, `,"version":`...), int64(d.Version), 10)
		dst = append(dst, '}')
	}
	return append(dst, ']')
}

func appendCounts(dst []byte, counts Counts) []byte {
	if len(counts) == 0 {
		return dst
	}
	var few [16]string // enough for every upload, so that nothing is allocated
	names := few[:0]
	for name := range counts {
		names = append(names, name)
	}
	slices.Sort(names)
	dst = append(dst, `,"counts":`...)
	before := byte('{')
	for _, name := range names {
		dst = appendString(append(dst, before), name)
		dst = strconv.AppendInt(append(dst, ':'), counts[name], 10)
		before = ','
	}
	return append(dst, '}')
}

// appendString appends s as a JSON string in plain ASCII. There is one way to
// write each string, which is what makes a line canonical: the two escapes that
// JSON demands for quotation mark and backslash, and \uXXXX in lower case for
// all else that is not printable ASCII.
func appendString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	for {
		plain := plainPrefix(s)
		dst = append(dst, s[:plain]...)
		if s = s[plain:]; s == "" {
			return append(dst, '"')
		}
		size := 1
		if c := s[0]; c == '"' || c == '\\' {
			dst = append(dst, '\\', c)
		} else {
			var r rune
			r, size = utf8.DecodeRuneInString(s)
			dst = appendEscape(dst, r)
		}
		s = s[size:]
	}
}

// plainPrefix returns how many bytes at the beginning of s stand for themselves
// in a JSON string.
func plainPrefix(s string) int {
	for i := range len(s) {
		if c := s[i]; c-' ' > '~'-' ' || c == '"' || c == '\\' {
			return i
		}
	}
	return len(s)
}

func appendEscape(dst []byte, r rune) []byte {
	if r > 0xffff {
		high, low := utf16.EncodeRune(r)
		return appendEscape(appendEscape(dst, high), low)
	}
	const hex = "0123456789abcdef"
	return append(dst, '\\', 'u', hex[r>>12&15], hex[r>>8&15], hex[r>>4&15], hex[r&15])
}
