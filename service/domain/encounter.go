package domain

import (
	"time"

	"cpis/service/text"
)

// MaxEncounterID is how many bytes an identifier of an encounter may have, and
// ExampleEncounter is one.
const (
	MaxEncounterID   = 128
	ExampleEncounter = "APPT-2026-0042"
)

// Setting is the kind of place where a patient is met.
type Setting string

// The settings.
const (
	NoSetting           Setting = ""
	EmergencyDepartment Setting = "emergency_department"
	UrgentCare          Setting = "urgent_care"
	OutOfHours          Setting = "out_of_hours"
	Ambulance           Setting = "ambulance"
	NHS111              Setting = "nhs_111"
	Maternity           Setting = "maternity"
	PaediatricWard      Setting = "paediatric_ward"
	GeneralPractice     Setting = "general_practice"
	Community           Setting = "community"
	MentalHealth        Setting = "mental_health"
	Dental              Setting = "dental"
	SexualHealth        Setting = "sexual_health"
	Outpatient          Setting = "outpatient"
)

// Purpose is why a caller asks.
type Purpose string

// The purposes.
const (
	DirectCare    Purpose = "direct_care"
	EmergencyCare Purpose = "emergency_care"
	Safeguarding  Purpose = "safeguarding"
)

// Grounds is why a caller looks by break-glass, as a word that can be counted.
type Grounds string

// The grounds. Their texts stand in the audit log.
const (
	NoGrounds    Grounds = ""
	Emergency    Grounds = "emergency"     // help is needed now, and nobody with the right is at hand
	Cover        Grounds = "cover"         // stands in for somebody, or works in another place than usual
	RightMissing Grounds = "right_missing" // should have the right, which is not set up yet
	Concern      Grounds = "concern"       // is worried about somebody whom they do not treat
	OtherGrounds Grounds = "other"
)

// Encounter is the attendance, admission or appointment a look-up belongs to.
type Encounter struct {
	ID      string // the caller's own identifier; empty if it has none
	Setting Setting
	Start   time.Time // by the caller's clock: recorded, never trusted
}

// Responsible is a person who answers for a request.
type Responsible struct{ Name, Role, Phone string }

// IsZero reports whether nobody is named.
func (r Responsible) IsZero() bool { return r == Responsible{} }

// Named reports whether name and role are there.
func (r Responsible) Named() bool {
	return !text.Blank(r.Name) && !text.Blank(r.Role)
}

// Fold returns r with its texts as people see them.
func (r Responsible) Fold() Responsible {
	return Responsible{Name: text.Fold(r.Name), Role: text.Fold(r.Role), Phone: text.Fold(r.Phone)}
}

// Responsible reads who answers for a request.
func (c *Reader) Responsible(field string, r Responsible) Responsible {
	return Responsible{
		Name:  c.Text(field+".name", r.Name, MaxNameLength, exampleName),
		Role:  c.Text(field+".role", r.Role, MaxNameLength, "Nurse in charge"),
		Phone: c.Text(field+".phone", r.Phone, MaxPhoneLength, ExampleOffice),
	}
}

// NeedResponsible notes if a system asks for nobody.
func NeedResponsible(system bool, r Responsible, v *Violations) {
	if system && !r.Named() {
		v.Add("responsible_person", "is required when a system asks: name and role of who answers for the request", "")
	}
}
