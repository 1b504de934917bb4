package oversight

import (
	"fmt"
	"strings"
	"time"

	"cpis/policy"
	"cpis/service/domain"
	"cpis/service/guard"
	"cpis/service/store"
)

// What entries say, in words for somebody who has never heard of this service. A
// plan for an unborn child is kept with the mother, so the words speak of a record
// and not of a child.

// deeds are the acts that a letter tells of. Others are not about the record of
// somebody: reports and reviews of who looked are not looks themselves.
var deeds = map[policy.Action]string{
	policy.GetPerson:          "read what it keeps in the record",
	policy.RegisterPlan:       "put a plan into the record",
	policy.AmendPlan:          "corrected a plan in the record",
	policy.EndPlan:            "ended a plan in the record",
	policy.RemovePlan:         "took out a plan that had been put into the record by mistake",
	policy.RecordBirth:        "noted a birth in the record",
	policy.ProposeTransfer:    "offered a plan to another authority",
	policy.DecideTransfer:     "decided about a plan that another authority had offered",
	policy.ReplaceNumber:      "noted a new NHS number in the record",
	policy.ProposeChange:      "proposed a change of the record to a colleague",
	policy.DecideChange:       "decided about a change of the record that a colleague had proposed",
	policy.ReadNotices:        "read a notice about the record",
	policy.AnswerNotice:       "noted what was done about a notice",
	policy.ReportMissed:       "noted that an appointment was missed",
	policy.ReportWrongPatient: "noted that an earlier look was at the wrong record",
	"deliver_notice":          "was sent a notice about the record",
}

// roles are the roles in words.
var roles = map[string]string{
	policy.ClinicianUnscheduled.String(): "somebody who cares for people who come without an appointment",
	policy.ClinicianScheduled.String():   "somebody who cares for people at appointments",
	policy.ClinicalSystem.String():       "a computer system, for somebody who gives care",
	policy.SafeguardingLead.String():     "somebody who is responsible for keeping children safe",
	policy.LASystem.String():             "the computer system of a local authority",
	policy.PrivacyOfficer.String():       "somebody who watches over who looks at records",
	policy.Auditor.String():              "somebody who watches over who looks at records",
}

// purposes are the purposes in words.
var purposes = map[string]string{
	string(domain.DirectCare):    "to give care",
	string(domain.EmergencyCare): "to give care in an emergency",
	string(domain.Safeguarding):  "to keep a child safe",
}

// modes are the access modes in words.
var modes = map[string]string{
	string(policy.Unscheduled): "at a visit without an appointment",
	string(policy.Scheduled):   "for an appointment",
}

// lookOf says an entry in plain words; not if it is not about the record.
func lookOf(e *Entry) (look Look, is bool) {
	look = Look{At: e.Time.UTC(), Organisation: e.Organisation, Organised: e.Organised, Role: roles[e.Role]}
	switch action := policy.Action(e.Action); {
	case action == policy.LookUp || action == policy.LookUpMany:
		look.What, look.Why = lookedUp(e.Outcome), why(e)
	case deeds[action] == "":
		return Look{}, false
	case e.Outcome == guard.OutcomeDone:
		look.What = deeds[action]
	default:
		look.What = "tried this, and it was not done: " + deeds[action]
	}
	if look.Role == "" {
		look.Role = "the service itself"
	}
	return look, true
}

// lookedUp says what came of a look-up.
func lookedUp(outcome string) string {
	switch {
	case outcome == "flag_held":
		return "looked the record up, and was shown that social care has a plan"
	case outcome == "no_flag_known":
		return "looked the record up, and was told that no plan is known"
	case outcome == outcomeCannotSay:
		return "looked the record up, and was told that nothing certain can be said"
	case guard.IsRefusal(outcome):
		return "tried to look the record up, and was refused"
	}
	return "tried to look the record up; it did not come to an answer that we know of"
}

// why says why somebody looked a record up.
func why(e *Entry) string {
	reason := purposes[e.Purpose]
	if reason == "" {
		reason = "no reason was given"
	}
	if mode := modes[e.Mode]; mode != "" {
		reason += ", " + mode
	}
	if e.BreakGlass {
		reason += ". Their role alone did not allow it. They had to say why it was needed, and somebody else checks that"
	}
	return reason
}

// letter writes looks as a text to hand over. Everything in it may be read by who
// asked.
func letter(looks []Look, f *store.EntryFilter, now time.Time) string {
	var b strings.Builder
	b.WriteString("Who looked at this record\n\n")
	fmt.Fprintf(&b, "This list tells who looked at the record, or changed it, %s. Times are those of clocks in London.\n", period(f, now))
	for i := range looks {
		l := &looks[i]
		fmt.Fprintf(&b, "\n%d. %s\n", i+1, moment(l.At))
		fmt.Fprintf(&b, "   Where: %s\n", place(l))
		fmt.Fprintf(&b, "   Who:   %s\n", l.who())
		fmt.Fprintf(&b, "   What:  %s\n", l.What)
		if l.Why != "" {
			fmt.Fprintf(&b, "   Why:   %s\n", l.Why)
		}
	}
	switch len(looks) {
	case 0:
		b.WriteString("\nThere is nothing to list.\n")
	case 1:
		b.WriteString("\nThat is all: one entry.\n")
	default:
		fmt.Fprintf(&b, "\nThat is all: %d entries.\n", len(looks))
	}
	b.WriteString("\nThe law may allow or oblige us to leave things out, above all where telling them could put somebody in danger; " +
		"we do not say whether we have. If you think that somebody should not have looked, tell the organisation that gave you this list. " +
		"You can also complain to the Information Commissioner's Office, ico.org.uk.\n")
	return b.String()
}

// who says who looked.
func (l *Look) who() string {
	if l.Staff == "" {
		return l.Role
	}
	return l.Staff + ": " + l.Role
}

// place says where somebody looked.
func place(l *Look) string {
	if l.Organised == "" {
		return "an organisation with the code " + l.Organisation
	}
	return l.Organised + " (" + l.Organisation + ")"
}

// period says which time a letter is about.
func period(f *store.EntryFilter, now time.Time) string {
	until := now
	if !f.Until.IsZero() && f.Until.Before(now) {
		until = f.Until
	}
	if f.From.IsZero() {
		return "up to " + moment(until)
	}
	return "from " + moment(f.From) + " to " + moment(until)
}

// moment writes a time as people in England say it.
func moment(t time.Time) string { return t.In(domain.London).Format("Monday 2 January 2006, 15:04") }
