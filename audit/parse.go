package audit

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strconv"
	"time"
)

// ParseLine reads a line as AppendLine writes it or wrote it, and no other: an unknown
// version, an unknown, repeated, empty or displaced field, a space or an escape
// that AppendLine would not have written are refused. So two lines that mean
// the same are the same.
//
// The error wraps ErrVersion or ErrMalformed and never quotes the line.
func ParseLine(line []byte) (Entry, error) {
	var e Entry
	if err := e.parse(line); err != nil {
		return Entry{}, err
	}
	// The scanner lets nothing pass that is not canonical. Should it ever, this
	// is where it ends.
	var buf [1024]byte
	if !bytes.Equal(e.AppendLine(buf[:0]), line) {
		return Entry{}, fmt.Errorf("%w entry: not in canonical form", ErrMalformed)
	}
	return e, nil
}

// Reparse is ParseLine into an entry that held another one before: its slices,
// and strings where they are the same, are used again.
func (e *Entry) Reparse(line []byte) error { return e.parse(line) }

// parse reads a canonical line into an entry whose slices, and strings where
// they are the same, are used again.
func (e *Entry) parse(line []byte) error {
	if len(line) > MaxLine {
		return fmt.Errorf("%w entry: longer than %d bytes", ErrMalformed, MaxLine)
	}
	s := scanner{line: line}
	s.entry(e)
	if s.wrong != "" {
		return s.diagnose()
	}
	return nil
}

// strictBase64 refuses stray bits after the last byte.
var strictBase64 = base64.RawURLEncoding.Strict()

// scanner reads a line from left to right. Fields come in a fixed order, so it
// never looks back. After the first thing that is wrong it reads nothing more.
type scanner struct {
	line  []byte
	pos   int
	wrong string // what was being read when something was wrong
}

// entry reads the whole line.
func (s *scanner) entry(e *Entry) {
	s.version(e)
	e.Time = s.time()
	s.expect(`,"salt":`, "salt")
	s.salt(&e.Salt)
	s.text(`,"actor":`, &e.Actor)
	s.text(`,"client":`, &e.Client)
	s.text(`,"iss":`, &e.Issuer)
	s.number(`,"assurance":`, &e.Assurance)
	s.text(`,"from":`, &e.From)
	s.text(`,"org":`, &e.Organisation)
	s.text(`,"role":`, &e.Role)
	s.text(`,"action":`, &e.Action)
	s.text(`,"procedure":`, &e.Procedure)
	s.text(`,"mode":`, &e.Mode)
	s.text(`,"setting":`, &e.Setting)
	s.text(`,"purpose":`, &e.Purpose)
	s.text(`,"grounds":`, &e.Grounds)
	s.bytes(`,"subject":`, &e.Subject)
	s.bytes(`,"encounter":`, &e.Encounter)
	s.text(`,"request":`, &e.Request)
	s.bytes(`,"responsible":`, &e.Responsible)
	s.thing(`,"target":`, &e.Target)
	s.text(`,"recipient":`, &e.Recipient)
	s.text(`,"outcome":`, &e.Outcome)
	s.text(`,"reason":`, &e.Reason)
	s.text(`,"rule":`, &e.Rule)
	s.text(`,"policy":`, &e.Policy)
	s.text(`,"policy_text":`, &e.PolicyText)
	e.BreakGlass = s.skip(`,"break_glass":true`)
	e.Restricted = s.skip(`,"restricted":true`)
	e.Degraded = s.skip(`,"degraded":true`)
	e.Disclosed = s.disclosed(e.Disclosed[:0])
	s.number(`,"history":`, &e.History)
	e.Shown = s.shown()
	s.review(&e.Review)
	e.Counts = s.counts()
	s.expect("}", "an unknown, repeated or displaced field")
	if e.Version == firstVersion && e.isBeyondFirst() {
		s.fail("a field that version 1 does not have")
	}
	if s.pos != len(s.line) {
		s.fail("what follows the entry")
	}
}

// version reads which version the entry is of, and what follows up to the digits
// of its time.
func (s *scanner) version(e *Entry) {
	e.Version = Version
	if s.skip(`{"v":1,"time":"`) {
		e.Version = firstVersion
		return
	}
	s.expect(`{"v":2,"time":"`, "version and time")
}

// diagnose makes an error of what was wrong, and finds out whether it is only
// that the version is a later one.
func (s *scanner) diagnose() error {
	rest, ok := bytes.CutPrefix(s.line, []byte(`{"v":`))
	end := bytes.IndexFunc(rest, func(r rune) bool { return r < '0' || r > '9' })
	if !ok || end <= 0 || rest[0] == '0' || string(rest[:end]) == "1" || string(rest[:end]) == "2" {
		return fmt.Errorf("%w entry: reading %s", ErrMalformed, s.wrong)
	}
	return ErrVersion
}

func (s *scanner) fail(reading string) {
	if s.wrong == "" {
		s.wrong = reading
	}
}

// skip moves past want if it comes next, and reports whether it did.
func (s *scanner) skip(want string) bool {
	rest := s.line[s.pos:]
	if len(rest) < len(want) || string(rest[:len(want)]) != want || s.wrong != "" {
		return false
	}
	s.pos += len(want)
	return true
}

func (s *scanner) expect(want, reading string) {
	if !s.skip(want) {
		s.fail(reading)
	}
}

// time reads the digits of a time and the closing quotation mark.
func (s *scanner) time() time.Time {
	var buf [len(`2026-11-23T17:05:06.123456Z`)]byte
	rest := s.line[s.pos:]
	if s.wrong != "" || len(rest) < len(buf) {
		s.fail("time")
		return time.Time{}
	}
	text := rest[:len(buf)]
	t := time.Date(digits(text[0:4]), time.Month(digits(text[5:7])), digits(text[8:10]),
		digits(text[11:13]), digits(text[14:16]), digits(text[17:19]), 1000*digits(text[20:26]), time.UTC)
	// Anything else than digits, and a day like 30 February, has become some
	// other time.
	if !bytes.Equal(appendTime(buf[:0], t), text) {
		s.fail("time")
	}
	s.pos += len(buf)
	s.expect(`"`, "time")
	return t
}

func digits(text []byte) int {
	n := 0
	for _, c := range text {
		n = 10*n + int(c-'0')
	}
	return n
}

func (s *scanner) salt(salt *[16]byte) {
	b := s.base64(salt[:0])
	if len(b) != len(salt) {
		s.fail("salt")
	}
}

// bytes reads an optional field of bytes.
func (s *scanner) bytes(key string, value *[]byte) {
	if !s.skip(key) {
		*value = nil
		return
	}
	if *value = s.base64((*value)[:0]); len(*value) == 0 {
		s.fail("a field that is empty")
	}
}

// number reads an optional field that is a number.
func (s *scanner) number(key string, value *int) {
	if *value = 0; !s.skip(key) {
		return
	}
	if *value = int(s.int(strconv.IntSize)); *value == 0 {
		s.fail("a field that is empty")
	}
}

// thing reads an optional field that names a thing.
func (s *scanner) thing(key string, value *Thing) {
	if !s.skip(key) {
		*value = Thing{}
		return
	}
	s.expect(`{"kind":`, "a thing")
	s.string(&value.Kind)
	s.expect(`,"id":`, "a thing")
	s.string(&value.ID)
	s.expect("}", "a thing")
	if *value == (Thing{}) {
		s.fail("a field that is empty")
	}
}

// base64 reads base64url into dst, which it returns.
func (s *scanner) base64(dst []byte) []byte {
	text, _ := s.quoted() // which also keeps out the line breaks that base64 ignores
	b, err := strictBase64.AppendDecode(dst, text)
	if err != nil {
		s.fail("base64")
	}
	return b
}

// text reads an optional field of text.
func (s *scanner) text(key string, value *string) {
	if !s.skip(key) {
		*value = ""
		return
	}
	if s.string(value); *value == "" {
		s.fail("a field that is empty")
	}
}

// string reads a string.
func (s *scanner) string(value *string) {
	text, escaped := s.quoted()
	switch {
	case escaped:
		*value = s.unescape(text)
	case string(text) != *value:
		*value = string(text)
	}
}

// quoted reads a string with its quotation marks. It returns what is between
// them, and whether there are escapes in it.
func (s *scanner) quoted() (text []byte, escaped bool) {
	s.expect(`"`, "string")
	rest := s.line[s.pos:]
	for i := 0; i < len(rest); i++ {
		switch c := rest[i]; {
		case c == '"':
			s.pos += i + 1
			return rest[:i], escaped
		case c == '\\':
			escaped = true
			i++ // what is escaped does not end the string
		case c-' ' > '~'-' ':
			s.fail("a character that is not ASCII")
			return nil, false
		}
	}
	s.fail("string")
	return nil, false
}

// unescape returns what a text with escapes means. It is rare, so the standard
// library may do it.
func (s *scanner) unescape(text []byte) string {
	var value string
	quoted := s.line[s.pos-len(text)-2 : s.pos]
	if json.Unmarshal(quoted, &value) != nil || !bytes.Equal(appendString(nil, value), quoted) {
		s.fail("an escape")
	}
	return value
}

func (s *scanner) int(bits int) int64 {
	start := s.pos
	for s.pos < len(s.line) && (s.line[s.pos] == '-' || '0' <= s.line[s.pos] && s.line[s.pos] <= '9') {
		s.pos++
	}
	text := string(s.line[start:s.pos])
	n, err := strconv.ParseInt(text, 10, bits)
	if err != nil || strconv.FormatInt(n, 10) != text {
		s.fail("number")
	}
	return n
}

func (s *scanner) disclosed(list []Disclosed) []Disclosed {
	if !s.skip(`,"disclosed":[`) {
		return nil
	}
	s.each("disclosed plans", func() {
		var d Disclosed
		s.expect(`{"plan":`, "disclosed plan")
		s.string(&d.Plan)
		s.expect(`,"version":`, "disclosed plan")
		d.Version = int(s.int(strconv.IntSize))
		s.expect("}", "disclosed plan")
		list = append(list, d)
	})
	return list
}

// each reads the rest of a list that has begun: one thing or more.
func (s *scanner) each(what string, one func()) {
	for s.wrong == "" {
		one()
		if !s.skip(",") {
			break
		}
	}
	s.expect("]", what)
}

func (s *scanner) shown() []Shown {
	if !s.skip(`,"shown":[`) {
		return nil
	}
	var list []Shown
	s.each("what was shown", func() {
		var some Shown
		s.expect(`{"kind":`, "what was shown")
		s.string(&some.Kind)
		s.expect(`,"ids":`, "what was shown")
		some.IDs = s.texts()
		s.expect("}", "what was shown")
		list = append(list, some)
	})
	return list
}

// texts reads a list of strings.
func (s *scanner) texts() []string {
	s.expect("[", "a list")
	if s.skip("]") {
		return nil
	}
	var list []string
	s.each("a list", func() {
		var one string
		s.string(&one)
		list = append(list, one)
	})
	return list
}

func (s *scanner) review(r *Review) {
	if !s.skip(`,"review":{"id":`) {
		*r = Review{}
		return
	}
	s.string(&r.ID)
	s.expect(`,"reason":`, "review")
	r.Reason = s.base64(r.Reason[:0])
	s.expect("}", "review")
	if r.ID == "" && len(r.Reason) == 0 {
		s.fail("a field that is empty")
	}
}

func (s *scanner) counts() Counts {
	if !s.skip(`,"counts":{`) {
		return nil
	}
	counts := Counts{}
	for last := ""; s.wrong == ""; {
		var name string
		s.string(&name)
		if len(counts) > 0 && name <= last {
			s.fail("counts out of order")
		}
		s.expect(":", "counts")
		counts[name], last = s.int(64), name
		if !s.skip(",") {
			break
		}
	}
	s.expect("}", "counts")
	return counts
}
