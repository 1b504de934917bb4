package service

import (
	"encoding/json"
	"time"

	"cpis/policy"
	"cpis/service/keys"
	"cpis/service/store"
)

// decoy is opened for people without plans, so that the work done for them
// resembles the work for the others: a person with a plan and a short history,
// who exists nowhere but here.
type decoy struct {
	key       *keys.DataKey
	person    store.PersonRow
	plan      store.PlanRow
	access    store.AccessRow
	authority store.AuthorityRow
}

// decoyHistory is how many earlier accesses the decoy has.
const decoyHistory = 3

func newDecoy(key *keys.DataKey) *decoy {
	d := &decoy{
		key:    key,
		person: store.PersonRow{ID: newID(), Version: 1},
		plan:   store.PlanRow{ID: newID(), Version: 1},
		access: store.AccessRow{ID: newID()},
		authority: store.AuthorityRow{
			Name: "Nowhere", OfficePhone: "01632 960000", OfficeHours: "Mon-Fri 09:00-17:00", DutyPhone: "01632 960001",
		},
	}
	born, began := dateOf(time.Unix(1e9, 0)), dateOf(time.Unix(15e8, 0))
	// Structs of texts always encode.
	d.person.Sealed, _ = sealJSON(key, "person", d.person.ID, 1,
		sealedPerson{NHSNumber: "9990000018", Family: "Nobody", Given: "Nowhere", DateOfBirth: born})
	d.plan.Sealed, _ = sealJSON(key, "plan", d.plan.ID, 1, Details{Kind: CPP, Start: began})
	text, _ := json.Marshal(who{Name: "Nobody", Title: "Nurse"})
	d.access.Sealed = key.Seal(text, accessContext(&d.access))
	return d
}

// open opens the decoy's record.
func (d *decoy) open() { _, _ = openPerson(d.key, &d.person) } // nothing is looked for

// workOnDecoy does what answering about somebody with a plan takes, and what leaving
// traces of it takes. Nothing of it is kept.
func (s *Service) workOnDecoy(l *lookup, now time.Time) {
	d := s.decoy
	d.open()
	if p, err := openPlan(d.key, &d.plan); err == nil {
		_ = planOf(&d.plan, p, dateOf(now.In(london)))
	}
	_ = contactOf(&d.authority, s.hub, now)
	for range decoyHistory {
		var w who
		if text, err := d.key.Open(d.access.Sealed, accessContext(&d.access)); err == nil && json.Unmarshal(text, &w) == nil {
			_ = shorten(w.String(), maxWho)
		}
	}
	if l.caller == nil || l.decision.Mode != policy.Unscheduled {
		return
	}
	asks := l.who()
	_ = sealSaid(d.key, newID(), said{who: asks})
	if text, err := json.Marshal(asks); err == nil {
		_ = d.key.Seal(text, accessContext(&store.AccessRow{ID: newID()}))
	}
}
