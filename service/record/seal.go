package record

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"

	"cpis/service/domain"
	"cpis/service/guard"
	"cpis/service/keys"
	"cpis/service/store"
)

// sealedClaim is Claim as it is sealed.
type sealedClaim struct {
	Number  string    `json:"nhs"`
	Instead string    `json:"instead"`
	At      time.Time `json:"at"`
}

// SealedPerson is Person as it is sealed.
type SealedPerson struct {
	NHSNumber   string      `json:"nhs"`
	Family      string      `json:"family"`
	Given       string      `json:"given"`
	DateOfBirth domain.Date `json:"dob"`
	Former      []string    `json:"former,omitempty"`
	Vacant      bool        `json:"vacant,omitempty"`

	Claims []sealedClaim `json:"claims,omitempty"`
}

// sealedSize is what sealed texts are padded to a multiple of, so that a
// ciphertext's length says little.
const sealedSize = 256

// SealJSON seals v for the place where it will stand.
func SealJSON(key *keys.DataKey, in keys.Context, v any) ([]byte, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("encoding details: %w", err)
	}
	if short := len(text) % sealedSize; short > 0 {
		text = append(text, bytes.Repeat([]byte{' '}, sealedSize-short)...)
	}
	return key.Seal(text, in), nil
}

// OpenJSON opens what SealJSON sealed.
func OpenJSON(key *keys.DataKey, in keys.Context, sealed []byte, v any) error {
	text, err := key.Open(sealed, in)
	if err != nil {
		return fmt.Errorf("opening %s: %w", in.Table, err)
	}
	if err := json.Unmarshal(text, v); err != nil {
		return fmt.Errorf("decoding %s: %w", in.Table, guard.ErrDamaged) // not err: it quotes the text
	}
	return nil
}

// TextsOf returns a person as it is sealed.
func TextsOf(p *domain.Person) SealedPerson {
	var former []string
	for _, n := range p.Former {
		former = append(former, n.Reveal())
	}
	var claims []sealedClaim
	for _, c := range p.Claims {
		claims = append(claims, sealedClaim{c.Number.Reveal(), c.Instead.Reveal(), c.At})
	}
	return SealedPerson{p.NHSNumber.Reveal(), p.Family, p.Given, p.DateOfBirth, former, p.Vacant, claims}
}

// Read returns a person that was sealed.
func (s *SealedPerson) Read() (domain.Person, error) {
	n, problem := domain.StoredNHSNumber(s.NHSNumber)
	if problem != "" {
		return domain.Person{}, guard.ErrDamaged
	}
	p := domain.Person{NHSNumber: n, Family: s.Family, Given: s.Given, DateOfBirth: s.DateOfBirth, Vacant: s.Vacant}
	for _, text := range s.Former {
		if n, problem = domain.StoredNHSNumber(text); problem != "" {
			return domain.Person{}, guard.ErrDamaged
		}
		p.Former = append(p.Former, n)
	}
	for _, c := range s.Claims {
		number, problem := domain.ParseNHSNumber(c.Number)
		instead, other := domain.ParseNHSNumber(c.Instead)
		if problem != "" || other != "" {
			return domain.Person{}, guard.ErrDamaged
		}
		p.Claims = append(p.Claims, domain.Claim{Number: number, Instead: instead, At: c.At})
	}
	return p, nil
}

// SealPerson seals one version of a person.
func SealPerson(key *keys.DataKey, id uuid.UUID, version int, p domain.Person) ([]byte, error) {
	return SealJSON(key, DetailsContext(TablePerson, id, version), TextsOf(&p))
}

// OpenPerson opens a person.
func OpenPerson(key *keys.DataKey, row *store.PersonRow) (domain.Person, error) {
	var s SealedPerson
	if err := OpenJSON(key, DetailsContext(TablePerson, row.ID, row.Version), row.Sealed, &s); err != nil {
		return domain.Person{}, err
	}
	return s.Read()
}

// OpenDetails opens the details of a plan.
func OpenDetails(key *keys.DataKey, row *store.PlanRow) (domain.Details, error) {
	var d domain.Details
	err := OpenJSON(key, DetailsContext(TablePlan, row.ID, row.Version), row.Sealed, &d)
	return d, err
}

// dayOrNil returns a day as the store takes it.
func dayOrNil(d domain.Date) *time.Time {
	if d.IsZero() {
		return nil
	}
	t := d.Time()
	return &t
}
