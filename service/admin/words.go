package admin

import (
	"strings"

	"cpis/policy"
)

// Word is a word of the policy, as the rules and the log have it, and what people
// call it.
type Word struct{ Name, Text string }

// Roles are the roles, in the order of the policy.
func Roles() []Word {
	return wordsOf(policy.AllRoles(), policy.Role.String, policy.Role.Title)
}

// Classes are the classes of organisations, in the order of the policy.
func Classes() []Word {
	name := func(c policy.Class) string { return string(c) }
	return wordsOf(policy.AllClasses(), name, func(c policy.Class) string { return placeTexts[c].name })
}

// Actions are the actions, in the order of the policy.
func Actions() []Word {
	name := func(a policy.Action) string { return string(a) }
	return wordsOf(policy.AllActions(), name, func(a policy.Action) string { return actionTexts[a] })
}

func wordsOf[W any](all []W, name, text func(W) string) []Word {
	words := make([]Word, len(all))
	for i, w := range all {
		words[i] = Word{name(w), begin(text(w))}
	}
	return words
}

// begin writes a text as a sentence begins.
func begin(text string) string {
	if text == "" {
		return ""
	}
	return strings.ToUpper(text[:1]) + text[1:]
}

// a puts the article before a noun.
func a(noun string) string {
	if strings.ContainsAny(noun[:1], "aeiou") {
		return "an " + noun
	}
	return "a " + noun
}

// place is a class of organisation, or a group of classes: its name, and how a
// sentence says that something happens there.
type place struct{ name, at string }

// placeTexts are the places that rules speak of.
var placeTexts = map[policy.Class]place{
	policy.AcuteTrust:      {"acute trust", "at an acute trust"},
	policy.GeneralPractice: {"general practice", "at a general practice"},
	policy.UrgentCare:      {"urgent care", "in urgent care"},
	policy.Ambulance:       {"ambulance service", "at an ambulance service"},
	policy.NHS111:          {"NHS 111", "at NHS 111"},
	policy.Dental:          {"dental practice", "at a dental practice"},
	policy.Community:       {"community service", "at a community service"},
	policy.MentalHealth:    {"mental health service", "at a mental health service"},
	policy.SexualHealth:    {"sexual health service", "at a sexual health service"},
	policy.LocalAuthority:  {"local authority", "at a local authority"},
	policy.Oversight:       {"oversight organisation", "at an oversight organisation"},
	policy.Operator:        {"operator of the installation", "at the operator of the installation"},

	"unscheduled_care": {"wherever patients turn up unexpectedly", "wherever patients turn up unexpectedly"},
	"scheduled_care":   {"wherever patients are expected", "wherever patients are expected"},
	"care":             {"wherever care is given", "wherever care is given"},
	"anywhere":         {"anywhere", "anywhere"},
}

// actionTexts are the actions, as a sentence has them after "may".
var actionTexts = map[policy.Action]string{
	policy.LookUp:             "look up a patient",
	policy.LookUpMany:         "look up the patients of a clinic list",
	policy.ViewRestricted:     "see everything about a restricted person in a look-up",
	policy.ReportMissed:       "report a missed appointment",
	policy.ReportWrongPatient: "report that a look-up was of the wrong patient",

	policy.RegisterPlan:    "register a plan",
	policy.AmendPlan:       "change a plan",
	policy.EndPlan:         "end a plan",
	policy.RemovePlan:      "remove a plan that was entered in error",
	policy.RecordBirth:     "record a birth",
	policy.ProposeTransfer: "offer a plan to another local authority",
	policy.DecideTransfer:  "decide about a plan that is offered",
	policy.ReplaceNumber:   "replace an NHS number",
	policy.ProposeChange:   "propose a change that needs a second person",
	policy.DecideChange:    "decide about a change that a colleague proposed",
	policy.GetPerson:       "see a person's plans",
	policy.ListPlans:       "list plans, transfers and proposals",
	policy.FindPeople:      "find people by name or NHS number",
	policy.ReadWork:        "count what needs doing today",

	policy.UploadPlans:    "send a file of plans",
	policy.ApproveUpload:  "approve a file of plans",
	policy.ReadUploads:    "see what files of plans do",
	policy.SetUploadRules: "set the rules by which systems' files are approved",

	policy.ReadNotices:    "read notices",
	policy.AnswerNotice:   "answer a notice, or give it to a colleague",
	policy.ListColleagues: "list colleagues",
	policy.ReadFigures:    "read figures of look-ups and notices",
	policy.ManageChannels: "change how notices are sent on",
	policy.ReadContacts:   "read the phone numbers that care staff call",
	policy.SetContacts:    "change the phone numbers that care staff call",

	policy.ReadProof:         "check that an act is in the log",
	policy.ReadLog:           "read the lines of the log",
	policy.ExportLog:         "export the log",
	policy.ReadReports:       "ask who looked, and why",
	policy.ExportReport:      "ask for a report as a file",
	policy.DownloadExport:    "download the file of a report",
	policy.ReviewAccess:      "close the review of a break-glass look-up",
	policy.ReleaseRestricted: "let it be told who looked at a restricted child",
	policy.SecondRelease:     "agree, for another organisation, that it be told who looked at a restricted child",
	policy.Configure:         "change the settings of the installation",
	policy.ExplainPolicy:     "read the rules, and ask what they decide",
	policy.ReadService:       "see how the service does",

	policy.LogIn:      "log in to the pages",
	policy.ChooseRole: "choose one of several roles",
	policy.LogOut:     "log out of the pages",
}

// modeTexts say which patients a look-up is about. A clinic list says so itself.
var modeTexts = map[policy.Mode]string{
	policy.Unscheduled: "who turned up unexpectedly",
	policy.Scheduled:   "who was expected",
}

// deed is an action in a mode, as a sentence has it after "may".
func deed(action policy.Action, mode policy.Mode) string {
	text := actionTexts[action]
	if action == policy.LookUp && mode != policy.Unspecified {
		text += " " + modeTexts[mode]
	}
	return text
}

// ruleText is a rule as a sentence.
func ruleText(r *policy.Rule) string {
	who := "anybody with a role"
	if r.Role != 0 {
		who = a(r.Role.Title())
	}
	text := placeTexts[r.Class].at + ", " + who + " may " + deed(r.Action, r.Mode)
	if r.Own {
		text += ", for their own organisation only"
	}
	if r.Claimed {
		text += ", if they say why they need to (break-glass)"
	}
	return begin(text) + ". " + levelText(r.Assurance)
}

// levelText says how strongly somebody must be logged in.
func levelText(level int) string {
	switch level {
	case 1:
		return "Any log-in will do."
	case 2:
		return "It takes a log-in of level 2 or stronger."
	}
	return "It takes a log-in of level 3."
}
