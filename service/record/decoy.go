package record

import (
	"encoding/json"
	"time"

	"cpis/service/domain"
	"cpis/service/guard"
	"cpis/service/keys"
	"cpis/service/store"
)

// Decoy is opened for people without plans, so that the work done for them
// resembles the work for the others: a person with a plan and a short history,
// who exists nowhere but here.
type Decoy struct {
	Key       *keys.DataKey
	person    store.PersonRow
	Plan      store.PlanRow
	Access    store.AccessRow
	Authority store.AuthorityRow
}

// NewDecoy creates a decoy, sealed under a key of its own.
func NewDecoy(key *keys.DataKey) *Decoy {
	d := &Decoy{
		Key:    key,
		person: store.PersonRow{ID: guard.NewID(), Version: 1},
		Plan:   store.PlanRow{ID: guard.NewID(), Version: 1},
		Access: store.AccessRow{ID: guard.NewID()},
		Authority: store.AuthorityRow{
			Name: "Nowhere", OfficePhone: "01632 960000", OfficeHours: "Mon-Fri 09:00-17:00", DutyPhone: "01632 960001",
		},
	}
	born, began := domain.DateOf(time.Unix(1e9, 0)), domain.DateOf(time.Unix(15e8, 0))
	// Structs of texts always encode.
	d.person.Sealed, _ = SealJSON(key, DetailsContext(TablePerson, d.person.ID, 1),
		SealedPerson{NHSNumber: "9990000018", Family: "Nobody", Given: "Nowhere", DateOfBirth: born})
	d.Plan.Sealed, _ = SealJSON(key, DetailsContext(TablePlan, d.Plan.ID, 1), domain.Details{Kind: domain.CPP, Start: began})
	text, _ := json.Marshal(Who{ //nolint:errchkjson // as above
		Name: "Nobody", Title: "Nurse"})
	d.Access.Sealed = key.Seal(text, AccessContext(d.Access.ID))
	return d
}

// Open opens the decoy's record.
func (d *Decoy) Open() { _, _ = OpenPerson(d.Key, &d.person) } // nothing is looked for
