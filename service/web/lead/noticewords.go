package lead

import (
	"cpis/service/domain"
	"cpis/service/notice"
	"cpis/service/web/frame"
	"cpis/service/web/nhsuk"
	"cpis/service/web/words"
)

// kinds says what happened, by the kind of notice.
var kinds = map[notice.Kind]string{
	notice.Unscheduled:        "Seen in unexpected care",
	notice.BreakGlass:         "Looked up without the right (break-glass)",
	notice.Restricted:         "A restricted person was looked up",
	notice.Mismatch:           "Asked for with another date of birth",
	notice.Missed:             "Was not brought to an appointment",
	notice.Correction:         "An earlier notice was wrong",
	notice.Overlap:            "Another authority has a plan for the same time",
	notice.TransferProposed:   "A plan is offered to you",
	notice.TransferDecided:    "Your offer of a plan was decided",
	notice.NumberReplaced:     "An NHS number was replaced",
	notice.Merged:             "Two records were joined",
	notice.ChangeProposed:     "A colleague proposes a change",
	notice.UploadWaiting:      "A file waits for approval",
	notice.Unconfirmed:        "Your numbers have not been confirmed",
	notice.RestrictionChanged: "A restriction was made or lifted",
	notice.Digest:             "Your week in numbers",
}

// seenIn says where somebody was seen, for notices of unexpected care.
var seenIn = map[domain.Setting]string{
	domain.EmergencyDepartment: "Seen in the emergency department",
	domain.UrgentCare:          "Seen in urgent care",
	domain.OutOfHours:          "Seen by a GP out of hours",
	domain.Ambulance:           "Seen by the ambulance service",
	domain.NHS111:              "Called NHS 111",
	domain.Maternity:           "Seen in maternity care",
	domain.PaediatricWard:      "Seen on a children's ward",
}

// happened says what a notice is about.
func happened(n *notice.Notice) string {
	if n.Kind == notice.Unscheduled && seenIn[n.Setting] != "" {
		return seenIn[n.Setting]
	}
	if text := kinds[n.Kind]; text != "" {
		return text
	}
	return "Something happened"
}

// outcomes are what can be done about a notice, in the order of the page.
var outcomes = []struct {
	value notice.AckOutcome
	text  string
}{
	{notice.SettingContacted, "Spoke to the care setting"},
	{notice.FamilyContacted, "Spoke to or visited the family"},
	{notice.Escalated, "Started a strategy discussion or another formal step"},
	{notice.NoAction, "Nothing needs to be done"},
	{notice.OtherOutcome, "Something else"},
}

func outcomeWords(o notice.AckOutcome) string {
	for _, one := range outcomes {
		if one.value == o {
			return one.text
		}
	}
	return ""
}

// whom names the person of a notice.
func whom(n *notice.Notice) string {
	switch {
	case n.Person == nil && n.Degraded:
		return "Cannot be shown just now"
	case n.Person == nil:
		return "Not known"
	}
	return words.Name(n.Person.Given, n.Person.Family)
}

// placeOf names where a notice comes from.
func placeOf(v *frame.Visit, n *notice.Notice) string {
	switch {
	case n.OrganisationName != "":
		return n.OrganisationName
	case n.Organisation != "":
		return v.Names.Name(n.Organisation)
	}
	return "Not named"
}

// tagsOf are the states of a notice.
func tagsOf(v *frame.Visit, n *notice.Notice) nhsuk.Group {
	var all nhsuk.Group
	add := func(is bool, text string, colour nhsuk.TagColour) {
		if is {
			all = append(all, nhsuk.Tag{Text: text, Colour: colour}, nhsuk.Plain(" "))
		}
	}
	add(n.Priority, "Priority", nhsuk.Red)
	add(n.Kind == notice.BreakGlass, "Break-glass", nhsuk.Pink)
	add(!n.Acknowledged, "Not answered", nhsuk.Yellow)
	add(n.Acknowledged, "Answered", nhsuk.Grey)
	add(n.Assignee != nil && n.Assignee.User == v.Session.Caller.ID, "Given to you", nhsuk.Blue)
	add(n.CorrectedBy != "", "Corrected", nhsuk.Purple)
	add(n.Undelivered, "Not delivered", nhsuk.Red)
	return all
}
