package service

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"cpis/service/keys"
	"cpis/service/store"
)

// Kind is what a local authority records about a person.
type Kind string

// The kinds.
const (
	CPP  Kind = "cpp"  // child protection plan
	LAC  Kind = "lac"  // looked-after child
	UCPP Kind = "ucpp" // unborn child protection plan, held against the mother
)

// Note says in one sentence what a plan of this kind does and does not say.
func (k Kind) Note() string {
	switch k {
	case CPP:
		return "This child is, or was within the last year, on a child protection plan."
	case LAC:
		return "This child is, or was within the last year, looked after by a local authority."
	case UCPP:
		return "This plan protects an unborn child. It is recorded under the mother's NHS number and says nothing about the mother."
	}
	return ""
}

// Basis is the legal basis on which a child is looked after.
type Basis string

// The legal bases in scope, sections of the Children Act 1989.
const (
	NoBasis Basis = ""
	S31     Basis = "s31" // full care order
	S38     Basis = "s38" // interim care order
	S20     Basis = "s20" // voluntary accommodation
)

// Person is whom a plan is about: the child, or for an unborn child the
// mother.
type Person struct {
	NHSNumber   NHSNumber
	Family      string
	Given       string
	DateOfBirth Date
	Former      []NHSNumber // superseded numbers that still find the person
	Claims      []Claim     // of those numbers that replaced others
	// Vacant says that all plans about the person were errors. Whoever is
	// registered next under the number is who it is of, whatever the date of birth.
	Vacant bool
}

// numbers are all that find the person, the current one first.
func (p *Person) numbers() []NHSNumber {
	return append([]NHSNumber{p.NHSNumber}, p.Former...)
}

// has says whether a number finds the person.
func (p *Person) has(n NHSNumber) bool {
	return slices.ContainsFunc(p.numbers(), n.is)
}

// Details are what only a person's data key opens.
type Details struct {
	Kind      Kind   `json:"kind"`
	Start     Date   `json:"start"`
	End       Date   `json:"end"`
	Expected  Date   `json:"expected"`
	Basis     Basis  `json:"basis,omitempty"`
	Reference string `json:"ref,omitempty"`
	EndReason string `json:"end_reason,omitempty"`
}

// How long a plan is shown after it is over.
const (
	visibleAfterEnd       = 365 // days, CPP and LAC
	visibleAfterUnbornEnd = 28  // days, UCPP, after its end or the expected date
)

// visibleUntil gives the last day on which look-ups show the plan; none while
// it is open.
func (d Details) visibleUntil() Date {
	switch {
	case d.Kind == UCPP && !d.End.IsZero():
		return d.End.AddDays(visibleAfterUnbornEnd)
	case d.Kind == UCPP:
		return d.Expected.AddDays(visibleAfterUnbornEnd)
	case !d.End.IsZero():
		return d.End.AddDays(visibleAfterEnd)
	}
	return Date{}
}

// ended says whether the plan's last day has passed.
func (d Details) ended(today Date) bool { return !d.End.IsZero() && d.End.Before(today) }

// sealedPerson is Person as it is sealed.
type sealedPerson struct {
	NHSNumber   string   `json:"nhs"`
	Family      string   `json:"family"`
	Given       string   `json:"given"`
	DateOfBirth Date     `json:"dob"`
	Former      []string `json:"former,omitempty"`
	Vacant      bool     `json:"vacant,omitempty"`

	Claims []sealedClaim `json:"claims,omitempty"`
}

// sealedSize is what sealed texts are padded to a multiple of, so that a
// ciphertext's length says little.
const sealedSize = 256

// sealJSON seals v for one version of one row.
func sealJSON(key *keys.DataKey, table string, row uuid.UUID, version int, v any) ([]byte, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("encoding details: %w", err)
	}
	if short := len(text) % sealedSize; short > 0 {
		text = append(text, bytes.Repeat([]byte{' '}, sealedSize-short)...)
	}
	return key.Seal(text, detailsOf(table, row, version)), nil
}

// openJSON opens what sealJSON sealed.
func openJSON(key *keys.DataKey, table string, row uuid.UUID, version int, sealed []byte, v any) error {
	text, err := key.Open(sealed, detailsOf(table, row, version))
	if err != nil {
		return fmt.Errorf("opening %s: %w", table, err)
	}
	if err := json.Unmarshal(text, v); err != nil {
		return fmt.Errorf("decoding %s: %w", table, ErrDamaged) // not err: it quotes the text
	}
	return nil
}

func detailsOf(table string, row uuid.UUID, version int) keys.Context {
	return keys.Context{Purpose: "details", Table: table, Row: row.String(), Version: version}
}

// textsOf returns a person as it is sealed.
func textsOf(p *Person) sealedPerson {
	var former []string
	for _, n := range p.Former {
		former = append(former, n.Reveal())
	}
	var claims []sealedClaim
	for _, c := range p.Claims {
		claims = append(claims, sealedClaim{c.Number.Reveal(), c.Instead.Reveal(), c.At})
	}
	return sealedPerson{p.NHSNumber.Reveal(), p.Family, p.Given, p.DateOfBirth, former, p.Vacant, claims}
}

// read gives a person that was sealed.
func (s *sealedPerson) read() (Person, error) {
	n, problem := storedNHSNumber(s.NHSNumber)
	if problem != "" {
		return Person{}, ErrDamaged
	}
	p := Person{NHSNumber: n, Family: s.Family, Given: s.Given, DateOfBirth: s.DateOfBirth, Vacant: s.Vacant}
	for _, text := range s.Former {
		if n, problem = storedNHSNumber(text); problem != "" {
			return Person{}, ErrDamaged
		}
		p.Former = append(p.Former, n)
	}
	for _, c := range s.Claims {
		number, problem := ParseNHSNumber(c.Number)
		instead, other := ParseNHSNumber(c.Instead)
		if problem != "" || other != "" {
			return Person{}, ErrDamaged
		}
		p.Claims = append(p.Claims, Claim{number, instead, c.At})
	}
	return p, nil
}

func sealPerson(key *keys.DataKey, id uuid.UUID, version int, p Person) ([]byte, error) {
	return sealJSON(key, "person", id, version, textsOf(&p))
}

func openPerson(key *keys.DataKey, row *store.PersonRow) (Person, error) {
	var s sealedPerson
	if err := openJSON(key, "person", row.ID, row.Version, row.Sealed, &s); err != nil {
		return Person{}, err
	}
	return s.read()
}

func openPlan(key *keys.DataKey, row *store.PlanRow) (Details, error) {
	var d Details
	err := openJSON(key, "plan", row.ID, row.Version, row.Sealed, &d)
	return d, err
}

// dayOrNil gives a day as the store takes it.
func dayOrNil(d Date) *time.Time {
	if d.IsZero() {
		return nil
	}
	t := d.Time()
	return &t
}
