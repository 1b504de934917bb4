package main

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
	// columns are those of the table that a list is printed as: paths in what
	// is listed. Where there are none the answer is printed as JSON.
	columns string
	// fill says what a request holds that does not say otherwise.
	fill filler
}

// groups are the commands that call procedures one by one.
var groups = []group{
	{"plan", "PlanService", []verb{
		{name: "register", method: "RegisterPlan", help: "Record a plan about a person."},
		{name: "amend", method: "AmendPlan", help: "Correct or complete a plan. What is not given stays as it is; an empty text clears it.", fill: asHeld},
		{name: "end", method: "EndPlan", help: "Close a plan. It stays visible for a while."},
		{name: "remove", method: "RemovePlan", help: "Take back a plan that was entered in error. It vanishes from flags at once."},
		{name: "birth", method: "RecordBirth", help: "End the plan for an unborn child. Where a flag of the child plan is given, that is registered too."},
		{name: "get", method: "GetPlan", help: "Show a plan and whom it is about."},
		{name: "list", method: "ListPlans", help: "List the authority's plans.", columns: planColumns},
		{name: "versions", method: "ListVersions", help: "Show all versions of a plan, with who made them and why.", columns: "plan.version change.act change.at change.actor change.organisation change.reason plan.status plan.start plan.end family_name given_name entry"},
		{name: "person", method: "GetPerson", help: "Show what the authority recorded about a person."},
		{name: "transfer", method: "ProposeTransfer", help: "Offer a plan to another authority."},
		{name: "decide-transfer", method: "DecideTransfer", help: "Accept, decline or withdraw a transfer."},
		{name: "transfers", method: "ListTransfers", help: "List transfers to and from the authority.", columns: "id state from to plan.id plan.kind person.nhs_number person.family_name person.given_name proposed.at proposed.reason decided.at"},
		{name: "replace-number", method: "ReplaceNHSNumber", help: "Record that an NHS number was superseded."},
		{name: "propose", method: "ProposeChange", help: "Propose a change that needs a second person: to restrict, to lift that, to merge, to undo that."},
		{name: "decide", method: "DecideChange", help: "Accept, decline or withdraw what was proposed."},
		{name: "proposals", method: "ListChanges", help: "List what was proposed.", columns: "id kind state person.nhs_number from.nhs_number superseded proposed.at proposed.actor proposed.reason decided.at decided.actor"},
	}},
	{"upload", "UploadService", []verb{
		{name: "list", method: "ListUploads", help: "List the authority's uploads.", columns: "id version state extent sequence counts.rows counts.new counts.changed counts.ending counts.rejected sent.at sent.actor changed"},
		{name: "get", method: "GetUpload", help: "Show where an upload stands."},
		{name: "rows", method: "ListUploadRows", help: "List what becomes of the rows of an upload.", columns: "file line outcome code reference plan_id violations changes"},
		{name: "approve", method: "ApproveUpload", help: "Apply an upload that waits for it."},
		{name: "cancel", method: "CancelUpload", help: "Give up an upload that was not applied."},
		{name: "rules", method: "GetUploadRules", help: "Show when files of systems are approved by themselves."},
		{name: "set-rules", method: "SetUploadRules", help: "Change when files of systems are approved by themselves.", fill: asRuled},
		{name: "quality", method: "GetQualityReport", help: "Show how good the authority's records are."},
	}},
	{"notice", "NoticeService", []verb{
		{name: "list", method: "ListNotices", help: "List the inbox.", columns: "id version at kind priority person.nhs_number person.family_name person.given_name organisation_name setting acknowledged assigned_to"},
		{name: "get", method: "GetNotice", help: "Show a notice with all that happened to it."},
		{name: "watch", method: "WatchNotices", help: "Print notices as they come, a line of JSON for each message, until it is stopped."},
		{name: "acknowledge", method: "AcknowledgeNotice", help: "Say what was done about a notice."},
		{name: "assign", method: "AssignNotice", help: "Give a notice to somebody."},
	}},
	{"channel", "NoticeService", []verb{
		{name: "put", method: "PutChannel", help: "Make or change a way on which notices are sent on. The secret of a new webhook is shown this once."},
		{name: "rotate", method: "RotateSecret", help: "Give a webhook a new secret. It is shown this once."},
		{name: "remove", method: "RemoveChannel", help: "Stop a channel."},
		{name: "list", method: "ListChannels", help: "List the channels.", columns: "id version rank webhook.url mesh.mailbox paused pending undelivered"},
	}},
	{"contact", "ContactService", []verb{
		{name: "get", method: "GetContacts", help: "Show the authority's numbers."},
		{name: "set", method: "SetContacts", help: "Change them, and so confirm them. What is not given stays as it is; an empty text clears it.", fill: asShown},
		{name: "confirm", method: "ConfirmContacts", help: "Say that they are still right."},
	}},
	{"encounter", "EncounterService", []verb{
		{name: "missed", method: "ReportMissedAppointment", help: "Report that a patient was not brought to an appointment."},
		{name: "wrong-patient", method: "ReportWrongPatient", help: "Report that an earlier look-up was of the wrong patient, or its encounter cancelled."},
	}},
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
var inPlace = map[string]bool{"contacts": true, "rules": true, "channel": true}

// answersOnly are fields of messages that requests and answers share, and that
// mean nothing in a request.
var answersOnly = map[string]bool{"cpis.v1.Channel.pending": true, "cpis.v1.Channel.undelivered": true}

// flagHelp says what each flag and argument means.
var flagHelp = map[string]string{
	"appointment":              "When the appointment was to be, such as 2026-11-23T14:30:00Z, or \"2026-11-23 14:30\" local time.",
	"appointment-id":           "Your own identifier of the appointment.",
	"approve-systems":          "Approve files of systems within the thresholds.",
	"assigned-to":              "Only those given to this user.",
	"brake-percent":            "Safety brake: share of the plans in force that a file may end.",
	"change-id":                "Identifier of the proposal.",
	"channel-id":               "Identifier of the channel.",
	"child-plan.reference":     "Your own reference of the child's plan.",
	"child-plan.restricted":    "The child's whereabouts must not be revealed.",
	"child-plan.start":         "First day of the child's plan, YYYY-MM-DD.",
	"confirm-ending":           "Where the safety brake holds the file: the number of plans that will end.",
	"cursor":                   "Where to go on: the cursor of the last message that was dealt with.",
	"decision":                 "What becomes of it.",
	"duty-phone":               "Number of the emergency duty team.",
	"encounter-id":             "Your identifier of the encounter, as it was given with the look-up.",
	"end":                      "Last day, YYYY-MM-DD.",
	"expected":                 "Expected date of birth of the unborn child, YYYY-MM-DD.",
	"filter":                   "Only these.",
	"id":                       "Identifier of the channel; none makes a new one.",
	"kind":                     "Of which kind.",
	"legal-basis":              "Why the child is looked after.",
	"max-changed":              "Most changed plans.",
	"max-ending":               "Most plans that end.",
	"max-new":                  "Most new plans.",
	"max-rejected-percent":     "Most rejected rows, in percent.",
	"merge-id":                 "Of undoing a merge: the identifier of that change.",
	"mesh.mailbox":             "MESH mailbox to send to.",
	"missed-in-a-row":          "How many in a row were missed.",
	"note":                     "In words.",
	"notice-id":                "Identifier of the notice.",
	"office-hours":             "When the office number is answered, such as \"Mon-Thu 08:45-17:15; Fri 08:45-16:45\".",
	"office-phone":             "Number of the office.",
	"open-only":                "Only those that nobody has dealt with.",
	"outcome":                  "Which, or what was done.",
	"page":                     "Where to go on: what the page before said.",
	"page-size":                "Most to list.",
	"paused":                   "Send nothing for now.",
	"plan-id":                  "Identifier of the plan.",
	"priority-only":            "Only those to be read first.",
	"rank":                     "Channels are tried in this order, from 1 to 9.",
	"reason":                   "Why.",
	"reference":                "Your own reference.",
	"responsible-person.name":  "Who answers for it (required of systems).",
	"responsible-person.phone": "Their telephone number.",
	"responsible-person.role":  "Their job role.",
	"restricted":               "The person's whereabouts must not be revealed.",
	"setting":                  "Where.",
	"start":                    "First day, YYYY-MM-DD.",
	"superseded":               "Of a merge: the other number was this person's own.",
	"to":                       "To whom: a user, or the GSS code of an authority.",
	"transfer-id":              "Identifier of the transfer.",
	"undelivered-only":         "Only those that no channel could deliver.",
	"upload-id":                "Identifier of the upload.",
	"version":                  "The version that you saw.",
	"waiting-only":             "Only those that wait for approval.",
	"webhook.url":              "Address of a webhook, https only.",
}
