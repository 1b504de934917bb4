package rpc

import (
	"time"
	"unicode/utf8"

	"google.golang.org/protobuf/types/known/timestamppb"

	cpisv1 "cpis/proto/cpis/v1"
)

// readQuestion reads the JSON form of a look-up as nearly everybody writes it:
// known names, each once, texts without escapes, enum values by name. It says
// false to whatever else there is, right or wrong, and the library reads that.
// So nothing is refused here, and what is accepted the library would read in
// the same way: a fuzz test holds it to that.
func readQuestion(data []byte, m *cpisv1.LookUpRequest) bool {
	m.Reset()
	s := scanner{data: data}
	return s.object(func(name []byte) bool { return s.question(name, m) }) && s.end()
}

func (s *scanner) question(name []byte, m *cpisv1.LookUpRequest) bool {
	switch string(name) {
	case "nhsNumber", "nhs_number":
		return s.text(1, &m.NhsNumber)
	case "dateOfBirth", "date_of_birth":
		return s.text(2, &m.DateOfBirth)
	case "accessMode", "access_mode":
		return enum(s, 3, cpisv1.AccessMode_value, &m.AccessMode)
	case "encounter":
		m.Encounter = new(cpisv1.Encounter)
		return s.once(4) && s.nested(func(name []byte) bool { return s.encounter(name, m.Encounter) })
	case "purpose":
		return enum(s, 5, cpisv1.Purpose_value, &m.Purpose)
	case "responsiblePerson", "responsible_person":
		m.ResponsiblePerson = new(cpisv1.Responsible)
		return s.once(6) && s.nested(func(name []byte) bool { return s.responsible(name, m.ResponsiblePerson) })
	case "safeguardingLead", "safeguarding_lead":
		m.SafeguardingLead = new(cpisv1.Responsible)
		return s.once(7) && s.nested(func(name []byte) bool { return s.responsible(name, m.SafeguardingLead) })
	case "breakGlassReason", "break_glass_reason":
		return s.text(8, &m.BreakGlassReason)
	case "breakGlassGrounds", "break_glass_grounds":
		return enum(s, 9, cpisv1.BreakGlassGrounds_value, &m.BreakGlassGrounds)
	}
	return false
}

func (s *scanner) encounter(name []byte, m *cpisv1.Encounter) bool {
	switch string(name) {
	case "id":
		return s.text(1, &m.Id)
	case "setting":
		return enum(s, 2, cpisv1.Setting_value, &m.Setting)
	case "start":
		return s.time(3, &m.Start)
	}
	return false
}

func (s *scanner) responsible(name []byte, m *cpisv1.Responsible) bool {
	switch string(name) {
	case "name":
		return s.text(1, &m.Name)
	case "role":
		return s.text(2, &m.Role)
	case "phone":
		return s.text(3, &m.Phone)
	}
	return false
}

// scanner reads the plain part of JSON. Its methods say false if the text
// goes beyond it.
type scanner struct {
	data []byte
	seen uint16 // fields of the object at hand, by number
}

// once reports whether a field has not been read before.
func (s *scanner) once(field int) bool {
	bit := uint16(1) << field
	first := s.seen&bit == 0
	s.seen |= bit
	return first
}

func (s *scanner) space() {
	for len(s.data) > 0 {
		switch s.data[0] {
		case ' ', '\t', '\n', '\r':
			s.data = s.data[1:]
		default:
			return
		}
	}
}

// take takes one character, white space before it included.
func (s *scanner) take(c byte) bool {
	s.space()
	if len(s.data) == 0 || s.data[0] != c {
		return false
	}
	s.data = s.data[1:]
	return true
}

func (s *scanner) end() bool {
	s.space()
	return len(s.data) == 0
}

// object reads an object; member reads the value of each name.
func (s *scanner) object(member func(name []byte) bool) bool {
	if !s.take('{') {
		return false
	}
	if s.take('}') {
		return true
	}
	for {
		name, ok := s.chars()
		if !ok || !s.take(':') || !member(name) {
			return false
		}
		if !s.take(',') {
			return s.take('}')
		}
	}
}

// nested reads an object within another.
func (s *scanner) nested(member func(name []byte) bool) bool {
	outer := s.seen
	s.seen = 0
	ok := s.object(member)
	s.seen = outer
	return ok
}

// chars reads a text without escapes. The result is part of the data.
func (s *scanner) chars() ([]byte, bool) {
	if !s.take('"') {
		return nil, false
	}
	ascii := true
	for i, c := range s.data {
		switch {
		case c == '"':
			text := s.data[:i]
			s.data = s.data[i+1:]
			return text, ascii || utf8.Valid(text)
		case c < ' ' || c == '\\':
			return nil, false
		case c >= utf8.RuneSelf:
			ascii = false
		}
	}
	return nil, false
}

func (s *scanner) text(field int, to *string) bool {
	text, ok := s.chars()
	*to = string(text)
	return ok && s.once(field)
}

func enum[E ~int32](s *scanner, field int, values map[string]int32, to *E) bool {
	text, ok := s.chars()
	value, known := values[string(text)]
	*to = E(value)
	return ok && known && s.once(field)
}

// time reads a time in UTC with whole seconds.
func (s *scanner) time(field int, to **timestamppb.Timestamp) bool {
	text, ok := s.chars()
	if !ok || len(text) != len("2006-01-02T15:04:05Z") {
		return false
	}
	t, err := time.Parse("2006-01-02T15:04:05Z", string(text))
	if err != nil || t.Year() < 1 {
		return false
	}
	*to = timestamppb.New(t)
	return s.once(field)
}
