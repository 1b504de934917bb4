package service

import (
	"time"
	"unicode/utf8"

	"cpis/policy"
	"cpis/service/identity"
	"cpis/service/text"
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

// Encounter is the attendance, admission or appointment a look-up belongs to.
type Encounter struct {
	ID      string // the caller's own identifier; empty where it has none
	Setting Setting
	Start   time.Time // by the caller's clock: recorded, never trusted
}

// Responsible is a person who answers for a request.
type Responsible struct{ Name, Role, Phone string }

// IsZero says whether nobody is named.
func (r Responsible) IsZero() bool { return r == Responsible{} }

// named says whether name and role are there.
func (r Responsible) named() bool {
	return !text.Blank(r.Name) && !text.Blank(r.Role)
}

// fold returns r with its texts as people see them.
func (r Responsible) fold() Responsible {
	return Responsible{Name: text.Fold(r.Name), Role: text.Fold(r.Role), Phone: text.Fold(r.Phone)}
}

// Bounds of the reason for break-glass, in characters.
const (
	minReason       = 10
	maxBreakGlass   = 1000
	exampleWhyBreak = "Child unconscious, no carer present"
)

// Question is one look-up as it was asked. Its texts are as the caller sent
// them.
type Question struct {
	NHSNumber        string
	DateOfBirth      string // YYYY-MM-DD, or empty
	Mode             policy.Mode
	Encounter        Encounter
	Purpose          Purpose
	Responsible      Responsible // required of systems
	SafeguardingLead Responsible // required of NHS 111
	BreakGlass       string      // reason, or empty
	Request          string      // request id
}

// ClinicList is a look-up of many expected patients at once.
type ClinicList struct {
	Items       []ClinicItem
	Mode        policy.Mode // scheduled, or unspecified which means scheduled here
	Setting     Setting
	Purpose     Purpose
	Responsible Responsible // required of systems
	Request     string      // request id
}

// ClinicItem is one person of a clinic list.
type ClinicItem struct {
	NHSNumber   string
	DateOfBirth string
	EncounterID string
}

// asked is a question whose texts have been read.
type asked struct {
	number NHSNumber
	born   Date // zero where no date of birth was given
}

// fold returns the question with its texts as people see them. A reason of
// nothing that is seen is none.
func (q *Question) fold() *Question {
	out := *q
	out.Encounter.ID, out.BreakGlass = text.Fold(q.Encounter.ID), text.Fold(q.BreakGlass)
	out.Responsible, out.SafeguardingLead = q.Responsible.fold(), q.SafeguardingLead.fold()
	return &out
}

// read reads the texts of q for a caller, or says what is wrong with them.
func (q *Question) read(c *identity.Caller, today Date) (asked, error) {
	var a asked
	check := checker{today: today}
	a.number, a.born = readIdentifiers(q.NHSNumber, q.DateOfBirth, today, &check.violations)
	check.text("encounter.id", q.Encounter.ID, maxEncounterID, exampleEncounter)
	check.responsible("responsible_person", q.Responsible)
	check.responsible("safeguarding_lead", q.SafeguardingLead)
	needResponsible(c.System, q.Responsible, &check.violations)
	remote := q.Encounter.Setting == NHS111 || c.Class == policy.NHS111
	if remote && (!q.SafeguardingLead.named() || text.Blank(q.SafeguardingLead.Phone)) {
		check.add("safeguarding_lead", "is required of NHS 111: name, role and phone of its safeguarding lead", "")
	}
	reason := check.text("break_glass_reason", q.BreakGlass, maxBreakGlass, exampleWhyBreak)
	if reason != "" && utf8.RuneCountInString(reason) < minReason {
		check.add("break_glass_reason", "must say why, in ten characters or more", exampleWhyBreak)
	}
	return a, check.err()
}

// responsible reads who answers for a request.
func (c *checker) responsible(field string, r Responsible) Responsible {
	return Responsible{
		Name:  c.text(field+".name", r.Name, maxNameLength, exampleName),
		Role:  c.text(field+".role", r.Role, maxNameLength, "Nurse in charge"),
		Phone: c.text(field+".phone", r.Phone, maxPhoneLength, exampleOffice),
	}
}

// needResponsible notes where a system asks for nobody.
func needResponsible(system bool, r Responsible, v *violations) {
	if system && !r.named() {
		v.add("responsible_person", "is required when a system asks: name and role of who answers for the request", "")
	}
}

// readIdentifiers reads an NHS number and, where there is one, a date of
// birth, and notes what is wrong with them.
func readIdentifiers(number, born string, today Date, v *violations) (NHSNumber, Date) {
	n, problem := ParseNHSNumber(number)
	if problem != "" {
		v.add("nhs_number", string(problem), "999 000 0018")
	}
	if text.Blank(born) {
		return n, Date{}
	}
	d, err := ParseDate(text.Plain(born))
	switch {
	case err != nil:
		v.add("date_of_birth", "must be a date of the form YYYY-MM-DD", "2019-04-30")
	case d.After(today):
		v.add("date_of_birth", "lies in the future", "2019-04-30")
	}
	return n, d
}
