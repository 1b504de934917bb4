package domain

import (
	"time"
)

// ConfirmedFor is how long the word of an authority that its numbers are right is
// taken for it.
const ConfirmedFor = 90 * 24 * time.Hour

// Contact is whom to ring about a flag.
type Contact struct {
	Authority Authority // zero if it must not be revealed
	Name      string
	Office    Phone
	Duty      Phone // emergency duty team
	RingNow   RingNow
}

// Authority names a local authority.
type Authority struct{ GSS, DfE, Name string }

// Phone is one number and when it is answered.
type Phone struct{ Number, Hours string }

// RingNow is the number to ring at the moment of the answer.
type RingNow struct {
	Number string
	Who    string    // "office", "emergency duty team" or "hub"
	Until  time.Time // zero if it does not change
}

const (
	whoHub = "hub"
)

// Hub is the contact for what an authority's numbers cannot or must not
// answer: restricted persons, and authorities without numbers.
type Hub struct{ Name, Phone string }

// Contact returns the hub as whom to ring, at all hours.
func (h Hub) Contact() Contact {
	phone := Phone{h.Phone, "at all hours"}
	return Contact{
		Name:    h.Name,
		Office:  phone,
		Duty:    phone,
		RingNow: RingNow{Number: h.Phone, Who: whoHub},
	}
}
