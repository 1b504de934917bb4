package directory

import (
	"time"

	"cpis/service/domain"
	"cpis/service/store"
)

// Who answers a number.
const (
	whoOffice = "office"
	whoDuty   = "emergency duty team"
)

// ContactOf returns an authority's contact as of now. If it has no numbers, the
// hub's stand in.
func ContactOf(a *store.AuthorityRow, hub domain.Hub, now time.Time) domain.Contact {
	c := domain.Contact{Authority: domain.Authority{GSS: a.GSS, DfE: a.DfE, Name: a.Name}, Name: a.Name + " children's services"}
	hours, err := domain.ParseHours(a.OfficeHours)
	if err != nil {
		hours = domain.Hours{} // never the wrong number: the duty team takes calls at any time
	}
	c.Office = domain.Phone{Number: a.OfficePhone, Hours: a.OfficeHours}
	c.Duty = domain.Phone{Number: a.DutyPhone, Hours: "outside office hours"}
	open, until := hours.Open(now)
	switch {
	case open && a.OfficePhone != "":
		c.RingNow = domain.RingNow{Number: a.OfficePhone, Who: whoOffice, Until: until}
	case a.DutyPhone != "":
		c.RingNow = domain.RingNow{Number: a.DutyPhone, Who: whoDuty, Until: until}
	case a.OfficePhone != "":
		c.RingNow = domain.RingNow{Number: a.OfficePhone, Who: whoOffice, Until: until}
	default:
		c.RingNow = hub.Contact().RingNow
	}
	return c
}
