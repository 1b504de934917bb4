package lookup

import (
	"unicode/utf8"

	"cpis/policy"
	"cpis/service/domain"
	"cpis/service/identity"
	"cpis/service/text"
)

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
	Encounter        domain.Encounter
	Purpose          domain.Purpose
	Responsible      domain.Responsible // required of systems
	SafeguardingLead domain.Responsible // required of NHS 111
	BreakGlass       string             // reason, or empty
	Grounds          domain.Grounds     // the same as a word; optional
	Request          string             // request id
}

// ClinicList is a look-up of many expected patients at once.
type ClinicList struct {
	Items       []ClinicItem
	Mode        policy.Mode // scheduled, or unspecified which means scheduled here
	Setting     domain.Setting
	Purpose     domain.Purpose
	Responsible domain.Responsible // required of systems
	Request     string             // request id
}

// ClinicItem is one person of a clinic list.
type ClinicItem struct {
	NHSNumber   string
	DateOfBirth string
	EncounterID string
}

// asked is a question whose texts have been read.
type asked struct {
	number domain.NHSNumber
	born   domain.Date // zero if no date of birth was given
}

// fold returns the question with its texts as people see them. A reason of
// nothing that is seen is none.
func (q *Question) fold() *Question {
	out := *q
	out.Encounter.ID, out.BreakGlass = text.Fold(q.Encounter.ID), text.Fold(q.BreakGlass)
	out.Responsible, out.SafeguardingLead = q.Responsible.Fold(), q.SafeguardingLead.Fold()
	return &out
}

// read reads the texts of q for a caller, or says what is wrong with them.
func (q *Question) read(c *identity.Caller, today domain.Date) (asked, error) {
	var a asked
	check := domain.Reader{Today: today}
	a.number, a.born = domain.ReadIdentifiers(q.NHSNumber, q.DateOfBirth, today, &check.Violations)
	check.Text("encounter.id", q.Encounter.ID, domain.MaxEncounterID, domain.ExampleEncounter)
	check.Responsible("responsible_person", q.Responsible)
	check.Responsible("safeguarding_lead", q.SafeguardingLead)
	domain.NeedResponsible(c.System, q.Responsible, &check.Violations)
	remote := q.Encounter.Setting == domain.NHS111 || c.Class == policy.NHS111
	if remote && (!q.SafeguardingLead.Named() || text.Blank(q.SafeguardingLead.Phone)) {
		check.Add("safeguarding_lead", "is required of NHS 111: name, role and phone of its safeguarding lead", "")
	}
	reason := check.Text("break_glass_reason", q.BreakGlass, maxBreakGlass, exampleWhyBreak)
	if reason != "" && utf8.RuneCountInString(reason) < minReason {
		check.Add("break_glass_reason", "must say why, in ten characters or more", exampleWhyBreak)
	}
	if q.Grounds != domain.NoGrounds && reason == "" {
		check.Add("break_glass_reason", "is required with break_glass_grounds", exampleWhyBreak)
	}
	return a, check.Err()
}
