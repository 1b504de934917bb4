package auditor

import (
	"cmp"
	"slices"
	"strings"

	"cpis/service/oversight"
	"cpis/service/web/nhsuk"
)

// reportKind is a report as people ask for it.
type reportKind struct {
	report oversight.Report
	title  string // the question that it answers
	about  string
	asks   asks // whom or what must be named
	narrow bool // by what was done, in which mode and with which answer
}

// asks is what a report cannot do without.
type asks int

const (
	asksNothing asks = iota
	asksPerson       // by NHS number
	asksActor        // by user id
	asksPlace        // by code
	asksRequest      // by identifier or receipt
)

// reportKinds are the reports, those that are asked for most first.
var reportKinds = []reportKind{
	{oversight.Child, "Who looked at this person?", "By NHS number. Earlier numbers and joined records are followed", asksPerson, true},
	{oversight.Actor, "What did this member of staff or system do?", "By user ID, which stands in every report", asksActor, true},
	{oversight.BreakGlass, "Which break-glass look-ups were there?", "With their reviews, or only those that nobody has explained yet", asksNothing, false},
	{oversight.OutOfHours, "Who looked outside office hours?", "People, outside Monday to Friday, 8am to 6:30pm", asksNothing, true},
	{oversight.NoEncounter, "Which look-ups named no visit?", "No attendance, admission or appointment was named", asksNothing, true},
	{oversight.Refusals, "What was refused?", "Because somebody had no right to it, or it did not fit", asksNothing, false},
	{oversight.Organisation, "What was done for this organisation?", "By its code", asksPlace, true},
	{oversight.PlanChanges, "Which plans were changed?", "Plans, people and files of plans", asksNothing, false},
	{oversight.Asked, "Who asked for reports and files like these?", "Reports, exports and reviews", asksNothing, false},
	{oversight.Contacts, "Which phone numbers were changed?", "Those that care staff call", asksNothing, false},
	{oversight.Channels, "Which ways of sending notices were changed?", "Webhooks and mailboxes", asksNothing, false},
	{oversight.Policy, "Which settings and rules were changed?", "By administrators, and by the service", asksNothing, false},
	{oversight.Request, "What belongs to this request?", "By its identifier, or by the number of an entry in the log", asksRequest, false},
	{oversight.Everything, "Everything in a period", "All entries that the filters let through", asksNothing, true},
}

// kindOf finds a report by its name in an address.
func kindOf(name string) (*reportKind, bool) {
	i := slices.IndexFunc(reportKinds, func(k reportKind) bool { return string(k.report) == name })
	if i < 0 {
		return nil, false
	}
	return &reportKinds[i], true
}

// reasonChoices are why somebody asks.
var reasonChoices = []nhsuk.Choice{
	{Value: string(oversight.Complaint), Text: "A complaint"},
	{Value: string(oversight.Concern), Text: "A concern about how somebody used the service"},
	{Value: string(oversight.Incident), Text: "An incident"},
	{Value: string(oversight.SubjectAccess), Text: "Somebody asked who saw their record"},
	{Value: string(oversight.Court), Text: "A court, or a review of a case"},
	{Value: string(oversight.Routine), Text: "A routine check"},
}

// reasonWords says why somebody asked.
func reasonWords(reason string) string {
	for _, c := range reasonChoices {
		if c.Value == reason {
			return c.Text
		}
	}
	return plainWords(reason)
}

// actionTexts are what was done, in words.
var actionTexts = map[string]string{
	"look_up": "Looked up", "look_up_many": "Looked up in a clinic list", "report_missed": "Reported a missed appointment",
	"report_wrong_patient": "Said that it was the wrong patient",
	"register_plan":        "Registered a plan", "amend_plan": "Changed a plan", "end_plan": "Ended a plan", "remove_plan": "Removed a plan",
	"record_birth": "Recorded a birth", "propose_transfer": "Offered a plan to another authority", "decide_transfer": "Decided about an offered plan",
	"replace_number": "Replaced an NHS number", "propose_change": "Proposed a change", "decide_change": "Decided about a change",
	"get_person": "Opened a person", "find_people": "Searched for a person", "list_plans": "Listed plans",
	"upload_plans": "Sent a file of plans", "approve_upload": "Approved a file of plans", "read_uploads": "Read about files of plans",
	"set_upload_rules": "Set rules for files", "read_notices": "Read notices", "answer_notice": "Answered a notice", "list_colleagues": "Listed colleagues", "read_figures": "Read figures",
	"manage_channels": "Changed how notices are sent on", "read_contacts": "Read phone numbers", "set_contacts": "Set phone numbers",
	"read_log": "Read the log", "read_reports": "Asked for a report", "export_report": "Asked for a report as a file", "download_export": "Downloaded a report",
	"review_access": "Said what they found by a review", "raise_reviews": "Put look-ups up for review", "draw_sample": "Drew look-ups to be reviewed by lot", "release_restricted": "Decided what may be told", "second_release": "Decided what may be told, as second person",
	"log_in": "Logged in", "choose_role": "Chose a role", "log_out": "Logged out", "configure": "Ran a command", "explain_policy": "Read the rules", "read_service": "Looked how the service does",
}

// actionWords says what was done.
func actionWords(action string) string { return cmp.Or(actionTexts[action], plainWords(action)) }

// answerTexts are what came of it, in words.
var answerTexts = map[string]string{
	"flag_held": "A flag is held", "no_flag_known": "No flag is known", "cannot_say": "Cannot say", "done": "Done",
	"denied": "Not allowed", "invalid": "Not understood", "refused": "Refused", "abandoned": "Given up by the caller", "failed": "Not confirmed",
}

// answerWords says what came of it.
func answerWords(outcome string) string { return cmp.Or(answerTexts[outcome], plainWords(outcome)) }

// reviewTexts are what was found of a look-up.
var reviewTexts = map[string]string{
	string(oversight.Justified): "Justified", string(oversight.NotJustified): "Not justified", string(oversight.Referred): "Passed on",
	string(oversight.Misuse): "Misuse",
}

// plainWords makes words of one of the log's.
func plainWords(word string) string {
	text := strings.ReplaceAll(word, "_", " ")
	if text == "" {
		return ""
	}
	return strings.ToUpper(text[:1]) + text[1:]
}
