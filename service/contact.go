package service

import (
	"time"

	"cpis/service/store"
)

// Contact is whom to ring about a flag.
type Contact struct {
	Authority Authority // zero where it must not be revealed
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
	Until  time.Time // zero where it does not change
}

// Who answers a number.
const (
	whoOffice = "office"
	whoDuty   = "emergency duty team"
	whoHub    = "hub"
)

// Hub is the contact for what an authority's numbers cannot or must not
// answer: restricted persons, and authorities without numbers.
type Hub struct{ Name, Phone string }

func (h Hub) contact() Contact {
	phone := Phone{h.Phone, "at all hours"}
	return Contact{
		Name:    h.Name,
		Office:  phone,
		Duty:    phone,
		RingNow: RingNow{Number: h.Phone, Who: whoHub},
	}
}

// contactFor returns the contact of the authority that holds a plan: the hub's, if
// the authority's numbers do not verify.
func (s *Service) contactFor(f *store.FlagRow, now time.Time) Contact {
	if f.Damage.Has(store.DamagedAuthority) {
		return s.hub.contact()
	}
	return contactOf(&f.Authority, s.hub, now)
}

// contactOf returns an authority's contact as of now. If it has no numbers, the
// hub's stand in.
func contactOf(a *store.AuthorityRow, hub Hub, now time.Time) Contact {
	c := Contact{Authority: Authority{a.GSS, a.DfE, a.Name}, Name: a.Name + " children's services"}
	hours, err := ParseHours(a.OfficeHours)
	if err != nil {
		hours = Hours{} // never the wrong number: the duty team takes calls at any time
	}
	c.Office = Phone{a.OfficePhone, a.OfficeHours}
	c.Duty = Phone{a.DutyPhone, "outside office hours"}
	open, until := hours.open(now)
	switch {
	case open && a.OfficePhone != "":
		c.RingNow = RingNow{a.OfficePhone, whoOffice, until}
	case a.DutyPhone != "":
		c.RingNow = RingNow{a.DutyPhone, whoDuty, until}
	case a.OfficePhone != "":
		c.RingNow = RingNow{a.OfficePhone, whoOffice, until}
	default:
		c.RingNow = hub.contact().RingNow
	}
	return c
}
