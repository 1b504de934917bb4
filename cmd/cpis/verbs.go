package main

import (
	"cmp"
	"slices"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// group is a command of which each verb is one procedure of a service.
type group struct {
	name    string
	service string // of the contract
	verbs   []verb
}

// verb is a command that calls one procedure. Its flags are the fields of the
// request.
type verb struct {
	name, method, help string
	// service of the contract, if it is another than the group's.
	service string
	// columns are those of the table that a list is printed as: paths in what
	// is listed. If there are none the answer is printed as JSON.
	columns string
	// text is the field of the answer that is printed as it is, for people, in the
	// place of all others.
	text protoreflect.Name
	// fill says what a request holds that does not say otherwise.
	fill filler
	// fixed are fields of the request that the verb says itself, by their names.
	fixed map[protoreflect.Name]string
}

// of returns the service that a verb of a group calls.
func (v *verb) of(g *group) string { return cmp.Or(v.service, g.service) }

// groups are the commands that call procedures one by one.
var groups = []group{
	{"plan", "PlanService", []verb{
		{name: "register", method: "RegisterPlan", help: "Record a plan about a person."},
		{name: "amend", method: "AmendPlan", help: "Correct or complete a plan. Options that you leave out change nothing; an empty value clears a field.", fill: asHeld},
		{name: "end", method: "EndPlan", help: "End a plan. Look-ups show it as ended for another year (28 days if it was for an unborn child)."},
		{name: "remove", method: "RemovePlan", help: "Remove a plan that was entered in error. Look-ups stop showing it at once."},
		{name: "birth", method: "RecordBirth", help: "Record the birth and end the plan for the unborn child. With any --child-plan option, the child's own plan is registered too."},
		{name: "get", method: "GetPlan", help: "Show a plan and the person it is about."},
		{name: "list", method: "ListPlans", help: "List your authority's plans.", columns: planColumns},
		{name: "versions", method: "ListVersions", help: "Show every version of a plan: who made it, when and why.", columns: "plan.version change.act change.at change.actor change.organisation change.reason plan.status plan.start plan.end family_name given_name entry"},
		{name: "person", method: "GetPerson", help: "Show what your authority has recorded about a person."},
		{name: "transfer", method: "ProposeTransfer", help: "Offer a plan to another authority."},
		{name: "decide-transfer", method: "DecideTransfer", help: "Accept, decline or withdraw a transfer."},
		{name: "transfers", method: "ListTransfers", help: "List transfers to and from your authority.", columns: "id state from to plan.id plan.kind person.nhs_number person.family_name person.given_name proposed.at proposed.reason decided.at"},
		{name: "replace-number", method: "ReplaceNHSNumber", help: "Record that a person's NHS number was replaced by a new one."},
		{name: "propose", method: "ProposeChange", help: "Propose a change that a colleague must accept: hide a person's whereabouts (restrict), end that (lift_restriction), merge two records of one person, or undo a merge (unmerge)."},
		{name: "decide", method: "DecideChange", help: "Accept, decline or withdraw a proposed change."},
		{name: "proposals", method: "ListChanges", help: "List proposed changes.", columns: "id kind state person.nhs_number from.nhs_number superseded proposed.at proposed.actor proposed.reason decided.at decided.actor"},
	}},
	{"person", "PlanService", []verb{
		{name: "find", method: "FindPeople", help: "Find people that your authority holds plans about: by NHS number, or by name with an empty number.", columns: "person_id person.nhs_number person.family_name person.given_name person.date_of_birth restricted"},
		{name: "events", service: "PersonService", method: "ListPersonEvents", help: "List what happened to a person, newest first: changes of your plans, unexpected look-ups, notices.", columns: "at kind version.plan.id version.change.act version.change.actor access.organisation_name access.setting access.who access.wrong_patient notice.kind notice.id"},
		{name: "get", method: "GetPerson", help: "Show what your authority has recorded about a person: by the identifier that \"cpis person find\" lists, or by NHS number."},
	}},
	{"work", "WorkService", []verb{
		{name: "list", method: "GetWorkList", help: "Count what waits for your authority today. A part that is missing could not be counted."},
	}},
	{"upload", "UploadService", []verb{
		{name: "list", method: "ListUploads", help: "List your authority's uploads.", columns: "id version state extent sequence counts.rows counts.new counts.changed counts.ending counts.rejected sent.at sent.actor changed"},
		{name: "get", method: "GetUpload", help: "Show the state of an upload."},
		{name: "rows", method: "ListUploadRows", help: "List what each row of an upload does, or what is wrong with it.", columns: "file line outcome code reference plan_id violations changes"},
		{name: "approve", method: "ApproveUpload", help: "Approve an upload and apply it."},
		{name: "cancel", method: "CancelUpload", help: "Cancel an upload that has not been applied."},
		{name: "rules", method: "GetUploadRules", help: "Show the rules for approving systems' files automatically."},
		{name: "set-rules", method: "SetUploadRules", help: "Change the rules for approving systems' files automatically. Options that you leave out change nothing.", fill: asRuled},
		{name: "quality", method: "GetQualityReport", help: "Show the quality of your authority's records."},
	}},
	{"notice", "NoticeService", []verb{
		{name: "list", method: "ListNotices", help: "List the notices in your authority's inbox, newest first.", columns: "id version at kind priority person.nhs_number person.family_name person.given_name organisation_name setting acknowledged assigned_to"},
		{name: "get", method: "GetNotice", help: "Show a notice, what was done about it, and how it was sent on."},
		{name: "watch", method: "WatchNotices", help: "Print notices as they arrive, one line of JSON per message. Ctrl-C stops it."},
		{name: "acknowledge", method: "AcknowledgeNotice", help: "Record what was done about a notice."},
		{name: "assign", method: "AssignNotice", help: "Give a notice to a colleague."},
		{name: "colleagues", method: "ListColleagues", help: "List the colleagues who can be given notices.", columns: "user_id name last_seen id"},
		{name: "figures", method: "GetFigures", help: "Count by week how often you were told that somebody looked, and how soon that was acknowledged. Small numbers are hidden."},
	}},
	{"channel", "NoticeService", []verb{
		{name: "put", method: "PutChannel", help: "Add or change a channel that notices are sent on to: a webhook, or a MESH mailbox. The secret of a new webhook is shown only now."},
		{name: "rotate", method: "RotateSecret", help: "Give a webhook a new secret. It is shown only now; the old one works for another day."},
		{name: "remove", method: "RemoveChannel", help: "Remove a channel. Notices that it has not delivered go to the next one."},
		{name: "test", method: "TestChannel", help: "Send a test message on a channel, which names nobody, and say whether it arrived."},
		{name: "list", method: "ListChannels", help: "List the channels.", columns: "id version rank webhook.url mesh.mailbox paused pending undelivered failures failed_at failure"},
	}},
	{"contact", "ContactService", []verb{
		{name: "get", method: "GetContacts", help: "Show the telephone numbers of your authority."},
		{name: "set", method: "SetContacts", help: "Change the numbers. That confirms them, too. Options that you leave out change nothing; an empty value clears a field.", fill: asShown},
		{name: "confirm", method: "ConfirmContacts", help: "Confirm that the numbers are still right."},
	}},
	{"encounter", "EncounterService", []verb{
		{name: "missed", method: "ReportMissedAppointment", help: "Report that a patient was not brought to an appointment."},
		{name: "wrong-patient", method: "ReportWrongPatient", help: "Report that an earlier look-up was of the wrong patient, or that its encounter was cancelled."},
	}},
	{"admin", "AdminService", []verb{
		{name: "policy", method: "GetPolicy", help: "List the rules by which the service decides who may do what.", columns: "id role place action own assurance claimed text"},
		{name: "explain", method: "ExplainPolicy", help: "Ask whether somebody with a role may do something somewhere, and why, or why not."},
		{name: "status", method: "GetStatus", help: "Show how the service does. A part that is missing could not be learnt."},
		{name: "channels", method: "ListFailingChannels", help: "List the channels of any authority on which nothing arrives, and how much waits there.", columns: "authority authority_name kind rank paused failures failed_at rests_until pending undelivered waiting_since"},
		{name: "clients", method: "ListClients", help: "List the client systems that were used, and when first and last. --json shows the issuers that are trusted, too.", columns: "issuer client organisation organisation_name first_day last_day"},
	}},
	{"report", "ReportService", slices.Concat(reportVerbs, oversightVerbs)},
}

const planColumns = "plan.id plan.version plan.kind plan.status plan.start plan.end plan.expected " +
	"person.nhs_number person.family_name person.given_name person.date_of_birth restricted"

// personal are the fields that say who somebody is. They are never taken from
// the command line, which others on the machine can read, and which the shell
// remembers.
var personal = map[string]bool{
	"nhs_number": true, "old_nhs_number": true, "new_nhs_number": true, "from_nhs_number": true,
	"family_name": true, "given_name": true, "date_of_birth": true, "born": true,
}

// inPlace are messages in requests whose fields are named without theirs.
var inPlace = map[string]bool{"contacts": true, "rules": true, "channel": true, "query": true}

// answersOnly are fields of messages that requests and answers share, and that
// mean nothing in a request.
var answersOnly = map[string]bool{
	"cpis.v1.Channel.pending": true, "cpis.v1.Channel.undelivered": true, "cpis.v1.Channel.failures": true,
	"cpis.v1.Channel.failed_at": true, "cpis.v1.Channel.rests_until": true, "cpis.v1.Channel.failure": true,
}

// flagHelp says what each flag and argument means. If it means something else
// with one verb, the method's name and a blank stand before it.
var flagHelp = map[string]string{
	"access-mode":              "Only look-ups in this mode.",
	"action":                   "Only this action, as the log names it, such as look_up.",
	"actor":                    "The user ID of a person, or the name of a system, as the log has it.",
	"at-least":                 "From how many on; 5 if not given.",
	"appointment":              "When the appointment was to be, such as 2026-11-23T14:30:00Z, or \"2026-11-23 14:30\" local time.",
	"appointment-id":           "Your own identifier of the appointment.",
	"approve-systems":          "Approve systems' files automatically if they stay within the limits.",
	"assurance":                "Level of the log-in, 1 to 3; 0 if the identity provider does not state it.",
	"assigned-to":              "Only notices assigned to this user (user ID).",
	"brake-percent":            "Safety brake: the largest share of your plans in force, in percent, that a file may end without being held.",
	"change-id":                "Identifier of the proposal.",
	"break-glass":              "They claim the right by break-glass, and say why.",
	"channel-id":               "Identifier of the channel.",
	"child-plan.reference":     "Your own reference for the child's plan.",
	"child-plan.restricted":    "The child's whereabouts must not be revealed.",
	"child-plan.start":         "First day of the child's plan, such as 2026-11-22 or 22/11/2026.",
	"class":                    "Class of the organisation, such as acute_trust.",
	"closed":                   "Those that are closed, in the place of those that are not.",
	"confirm-ending":           "If the safety brake holds the file: the number of plans that it will end.",
	"cursor":                   "Where to continue: the cursor of the last message that you dealt with.",
	"decision":                 "Your decision.",
	"duty-phone":               "Number of the emergency duty team.",
	"encounter-id":             "Your identifier of the encounter, as it was given with the look-up.",
	"end":                      "Last day, such as 2026-11-22 or 22/11/2026.",
	"export-id":                "Identifier of the export, as \"cpis report exports\" lists it.",
	"expected":                 "Expected date of birth of the unborn child, such as 2027-02-03 or 03/02/2027.",
	"filter":                   "Only these plans.",
	"from":                     "From this time on, such as 2026-03-01, or \"2026-11-23 14:30\" local time.",
	"id":                       "Identifier of the channel to change; leave it out to add a new one.",
	"kind":                     "The kind of plan.",
	"legal-basis":              "The section of the Children Act under which the child is looked after.",
	"max-changed":              "The most plans that a file may change and still be approved automatically.",
	"max-ending":               "The most plans that a file may end and still be approved automatically.",
	"max-new":                  "The most new plans that a file may hold and still be approved automatically.",
	"max-rejected-percent":     "The largest share of rejected rows, in percent, with which a file is still approved automatically.",
	"weeks":                    "How many weeks, up to the last one that is over: 13 or 52.",
	"quarter":                  "The quarter, 1 to 4, which must be over for a week.",
	"week":                     "Monday of the week, such as 2026-11-16; the newest if not given.",
	"year":                     "The year, such as 2026.",
	"name-staff":               "Name the people who looked. The privacy officer of their organisation decides that.",
	"merge-id":                 "For unmerge: the identifier of the merge, as plan proposals lists it.",
	"mesh.mailbox":             "MESH mailbox to send to, such as X26ABC1.",
	"missed-in-a-row":          "How many appointments in a row were missed.",
	"note":                     "Your note, to be kept with the notice.",
	"notice-id":                "Identifier of the notice.",
	"of-another":               "What is acted upon belongs to another organisation.",
	"office-hours":             "When the office number is answered, such as \"Mon-Thu 08:45-17:15; Fri 08:45-16:45\".",
	"office-phone":             "Number of the office.",
	"open-only":                "Only what nobody has dealt with yet.",
	"outcome":                  "Only rows with this outcome.",
	"organisation":             "Only what was done for this organisation: an ODS code, or a local authority's GSS code.",
	"oldest-first":             "The oldest entries first.",
	"order":                    "In which order; without it, in none that means anything.",
	"page":                     "Where to continue: the value that the previous page ended with.",
	"page-size":                "How many to list at most, up to 200.",
	"paused":                   "Send nothing for now; notices wait.",
	"person-id":                "Identifier that your authority has for the person, as \"cpis person find\" lists it.",
	"plan-id":                  "Identifier of the plan.",
	"priority-only":            "Only priority notices.",
	"purpose":                  "Only this purpose, as the log names it, such as direct_care.",
	"rank":                     "Position of the channel, from 1 (tried first) to 9.",
	"reason":                   "The reason, in your words. It is kept with the record.",
	"receipt-index":            "Index of an entry, as its receipt has it: everything under that request.",
	"receipt-log":              "Log of that receipt; the server's own if not given.",
	"reference":                "Your own reference, such as a case number.",
	"report":                   "Which report.",
	"release-id":               "Identifier of the release.",
	"request-id":               "Identifier of the request (X-Request-ID).",
	"responsible-person.name":  "Name of the person you act for. Systems must give it.",
	"responsible-person.phone": "Their telephone number.",
	"responsible-person.role":  "Their job role.",
	"restricted":               "The person's whereabouts must not be revealed to anybody.",
	"reverse":                  "The other way round.",
	"review-id":                "Identifier of the review: the column REVIEW ID of report reviews, or of report break-glass.",
	"role":                     "Only this role, as the log names it, such as clinician_unscheduled.",
	"setting":                  "Where the patient was to be met, or was met.",
	"start":                    "First day, such as 2026-11-22 or 22/11/2026.",
	"subject":                  "The child, by what the log calls it (the column SUBJECT of a report), in the place of the NHS number.",
	"superseded":               "For a merge: the second number was this person's own and has been replaced.",
	"to":                       "The local authority that is to take the plan over: its name, such as Camden, or its GSS code.",
	"transfer-id":              "Identifier of the transfer.",
	"unreviewed-only":          "Of break-glass look-ups, only those that nobody has reviewed.",
	"until":                    "Before this time, in the forms of --from.",
	"undelivered-only":         "Only notices that no channel could deliver.",
	"upload-id":                "Identifier of the upload.",
	"version":                  "The version that you looked at. If it has changed since, nothing is done.",
	"waiting-only":             "Only uploads that wait for approval.",
	"webhook.url":              "Address of the webhook, starting with https://.",
	"words":                    "Why, in your own words. It is required, in ten characters or more, where one person is asked about; kept sealed, and not in the log.",

	"AcknowledgeNotice outcome": "What was done. With other, say it in --note.",
	"CloseReview outcome":       "What was found. The review of misuse stays open until another privacy officer has looked, too.",
	"CloseReview words":         "What was found, in your own words, in ten characters or more; kept sealed, and not in the log.",
	"DecideRelease words":       "Why, in your own words, in ten characters or more; kept sealed.",
	"GetBoardSummary reason":    "Why you ask; it stands in the log.",
	"GetDigest organisation":    "Code of the organisation; your own if not given.",
	"GetDigest reason":          "Why you ask; it stands in the log.",
	"GetReview reason":          "Why you ask; it stands in the log.",
	"GetReview words":           "Why, in your own words; kept sealed, and not in the log.",
	"GetSubjectAccess words":    "Who asks, and how you know that they may, in ten characters or more; kept sealed, and not in the log.",
	"ListReviews kind":          "Only those of one kind.",
	"ListReviews organisation":  "Code of the organisation; all that you may see if not given.",
	"ListReleases open-only":    "Only releases that nobody has decided about.",
	"ProposeRelease words":      "Why it puts nobody in danger, in ten characters or more: your colleague reads it. Kept sealed.",
	"AssignNotice to":           "User ID of the colleague who is to deal with it; empty takes it back.",
	"GetEntryCount outcome":     "Only what came out so, as the log names it, such as flag_held or denied.",
	"GetEntryCount reason":      "Why you ask; it stands in the log.",
	"ListEntries outcome":       "Only what came out so, as the log names it, such as flag_held or denied.",
	"ListEntries page-size":     "How many to show at most, up to 1000.",
	"ListEntries reason":        "Why you ask; it stands in the log.",
	"ListTallies outcome":       "Only what came out so, as the log names it, such as flag_held.",
	"ListTallies reason":        "Why you ask; it stands in the log.",
	"ListNotices kind":          "Only notices of this kind.",
	"ListNotices open-only":     "Only notices that nobody has acknowledged.",
	"ListPersonEvents kind":     "Only events of this kind.",
	"ListPlans kind":            "Only plans of this kind.",
	"ProposeChange kind":        "The change that you propose.",

	"ExplainPolicy access-mode":  "Which kind of visit, of a look-up.",
	"ExplainPolicy action":       "What they want to do, as the log names it, such as look_up.",
	"ExplainPolicy organisation": "Code of an organisation, in the place of --class.",
	"ExplainPolicy role":         "A role, as the log names it, such as safeguarding_lead; or several that are held at once, with commas between them.",
	"GetPolicy role":             "Only the rules that this role has, as the log names it, such as safeguarding_lead.",
}
