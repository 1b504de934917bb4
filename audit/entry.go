package audit

import (
	"crypto/sha256"
	"encoding/base64"
	"math"
	"slices"
	"strconv"
	"time"
	"unicode/utf16"
	"unicode/utf8"
)

// Version is the version of new entries. ParseLine knows it and those before.
const Version = 2

// firstVersion is the version before, which AppendLine writes only for an entry
// that was read from such a line.
const firstVersion = 1

// MaxLine is the length in bytes of the longest line that counts as an entry:
// what fits an entry bundle of C2SP tlog-tiles. AppendLine shortens lists to keep
// within it; whoever makes an entry keeps its texts short.
const MaxLine = math.MaxUint16

// Entry is one line of the log: who did what to whom, in which right, and how
// it came out. It names people and persons by identifiers and tags only.
//
// The name of each field in the JSON is given in quotation marks. A field that
// is absent (empty, 0, false, nil) is omitted, except version, time and salt.
// Those that came with version 2 say so.
type Entry struct {
	// Version ("v") is set by ParseLine. AppendLine writes the constant Version,
	// unless 1 stands here and the entry says nothing that came later.
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
	Assurance    int    // "assurance", version 2: how strongly the actor had signed in, 1 to 3
	From         string // "from", version 2: where the call came from, usually a network such as 203.0.113.0/24
	Organisation string // "org": code of the organisation acted for
	Role         string // "role": in which role
	Action       string // "action": what was asked for
	Procedure    string // "procedure", version 2: the procedure that was called
	Mode         string // "mode": access mode of a look-up
	Setting      string // "setting", version 2: the kind of place where the patient is met
	Purpose      string // "purpose": why, as the caller states it
	Grounds      string // "grounds", version 2: why more closely, as a word from a fixed list
	Subject      []byte // "subject": tag of the NHS number, base64url
	Encounter    []byte // "encounter": keyed hash of the encounter, base64url
	Request      string // "request": id of the request
	Responsible  []byte // "responsible": keyed hash of the person a system acted for, base64url
	Target       Thing  // "target", version 2: what the request named by its identifier
	Recipient    string // "recipient", version 2: code of the organisation that an export is for
	Outcome      string // "outcome": how it came out
	Reason       string // "reason": why it came out so, as a word from a fixed list
	Rule         string // "rule": the policy rule that decided
	Policy       string // "policy", version 2: short hash of the policy that decided
	PolicyText   string // "policy_text", version 2: that policy in full, where it begins to be used

	BreakGlass bool // "break_glass": the right was claimed, not held
	Restricted bool // "restricted": the person is restricted
	Degraded   bool // "degraded": a flag was answered without its details

	Disclosed []Disclosed // "disclosed": which plans left the service
	History   int         // "history", version 2: how many earlier accesses were shown
	Shown     []Shown     // "shown", version 2: what else was shown, by its identifiers
	Review    Review      // "review", version 2: what a privacy officer reviews
	Counts    Counts      // "counts": how many rows an upload had, and the like
}

// Thing is something that has an identifier, such as a notice or an upload.
type Thing struct {
	Kind string // "kind": a word from a fixed list
	ID   string // "id"
}

// Shown names things of one kind that an answer contained.
type Shown struct {
	Kind string   // "kind": as of a Thing
	IDs  []string // "ids"
}

// Review names the review of a look-up by break-glass, and says what its reason
// was without revealing it.
type Review struct {
	ID     string // "id"
	Reason []byte // "reason": SHA-256 of the reason as it is kept, sealed; base64url
}

// NewReview names a review, of which this is kept, sealed.
func NewReview(id string, sealed []byte) Review {
	sum := sha256.Sum256(sealed)
	return Review{ID: id, Reason: sum[:]}
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
//
// Lists that would make it longer than MaxLine are shortened, and the line says
// so: see LeftOut.
func (e *Entry) AppendLine(dst []byte) []byte {
	start := len(dst)
	dst = e.appendWhole(dst)
	if len(dst)-start > MaxLine {
		dst = e.shortened().appendWhole(dst[:start])
	}
	return dst
}

// appendWhole is AppendLine, however long the line becomes.
func (e *Entry) appendWhole(dst []byte) []byte {
	if e.Version == firstVersion && !e.isBeyondFirst() {
		dst = append(dst, `{"v":1,"time":"`...)
	} else {
		dst = append(dst, `{"v":2,"time":"`...)
	}
	dst = appendTime(dst, e.Time)
	dst = append(dst, '"')
	dst = appendBytes(dst, `,"salt":`, e.Salt[:])
	dst = appendText(dst, `,"actor":`, e.Actor)
	dst = appendText(dst, `,"client":`, e.Client)
	dst = appendText(dst, `,"iss":`, e.Issuer)
	dst = appendNumber(dst, `,"assurance":`, e.Assurance)
	dst = appendText(dst, `,"from":`, e.From)
	dst = appendText(dst, `,"org":`, e.Organisation)
	dst = appendText(dst, `,"role":`, e.Role)
	dst = appendText(dst, `,"action":`, e.Action)
	dst = appendText(dst, `,"procedure":`, e.Procedure)
	dst = appendText(dst, `,"mode":`, e.Mode)
	dst = appendText(dst, `,"setting":`, e.Setting)
	dst = appendText(dst, `,"purpose":`, e.Purpose)
	dst = appendText(dst, `,"grounds":`, e.Grounds)
	dst = appendBytes(dst, `,"subject":`, e.Subject)
	dst = appendBytes(dst, `,"encounter":`, e.Encounter)
	dst = appendText(dst, `,"request":`, e.Request)
	dst = appendBytes(dst, `,"responsible":`, e.Responsible)
	dst = appendThing(dst, `,"target":`, &e.Target)
	dst = appendText(dst, `,"recipient":`, e.Recipient)
	dst = appendText(dst, `,"outcome":`, e.Outcome)
	dst = appendText(dst, `,"reason":`, e.Reason)
	dst = appendText(dst, `,"rule":`, e.Rule)
	dst = appendText(dst, `,"policy":`, e.Policy)
	dst = appendText(dst, `,"policy_text":`, e.PolicyText)
	dst = appendTrue(dst, `,"break_glass":`, e.BreakGlass)
	dst = appendTrue(dst, `,"restricted":`, e.Restricted)
	dst = appendTrue(dst, `,"degraded":`, e.Degraded)
	dst = appendDisclosed(dst, e.Disclosed)
	dst = appendNumber(dst, `,"history":`, e.History)
	dst = appendShown(dst, e.Shown)
	dst = appendReview(dst, &e.Review)
	dst = appendCounts(dst, e.Counts)
	return append(dst, '}')
}

// isBeyondFirst reports whether the entry says anything that version 1 has no
// field for.
func (e *Entry) isBeyondFirst() bool {
	return e.Assurance != 0 || e.From != "" || e.Procedure != "" || e.Setting != "" || e.Grounds != "" || e.Target != Thing{} ||
		e.Recipient != "" || e.Policy != "" || e.PolicyText != "" || e.History != 0 || len(e.Shown) > 0 || e.Review.ID != "" || len(e.Review.Reason) > 0
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

func appendNumber(dst []byte, key string, n int) []byte {
	if n == 0 {
		return dst
	}
	return strconv.AppendInt(append(dst, key...), int64(n), 10)
}

func appendThing(dst []byte, key string, t *Thing) []byte {
	if *t == (Thing{}) {
		return dst
	}
	dst = appendString(append(append(dst, key...), `{"kind":`...), t.Kind)
	dst = appendString(append(dst, `,"id":`...), t.ID)
	return append(dst, '}')
}

func appendShown(dst []byte, shown []Shown) []byte {
	if len(shown) == 0 {
		return dst
	}
	dst = append(dst, `,"shown":[`...)
	for i := range shown {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendString(append(dst, `{"kind":`...), shown[i].Kind)
		dst = append(dst, `,"ids":[`...)
		for j, id := range shown[i].IDs {
			if j > 0 {
				dst = append(dst, ',')
			}
			dst = appendString(dst, id)
		}
		dst = append(dst, `]}`...)
	}
	return append(dst, ']')
}

func appendReview(dst []byte, r *Review) []byte {
	if r.ID == "" && len(r.Reason) == 0 {
		return dst
	}
	dst = appendString(append(dst, `,"review":{"id":`...), r.ID)
	dst = append(dst, `,"reason":"`...)
	dst = base64.RawURLEncoding.AppendEncode(dst, r.Reason)
	return append(dst, `"}`...)
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
