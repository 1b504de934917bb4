// Package policy decides who may do what. It knows roles, classes of
// organisation, actions and access modes; it has no database and no HTTP, and
// it never sees a person. What no rule allows is refused.
//
// The rules are lines of policy.csv, read by the model in model.conf. What they
// amount to stands in testdata/matrix.golden, which a test keeps true: review a
// change of the rules by the change of that table.
package policy

// Role is what a caller acts as. A caller may hold several, see Roles.
type Role uint16

// The roles.
const (
	ClinicianUnscheduled Role = 1 << iota // meets patients who turn up unexpectedly
	ClinicianScheduled                    // meets patients who were expected
	ClinicalSystem                        // asks by itself for a named responsible person
	SafeguardingLead                      // manages an authority's plans
	LASystem                              // an authority's case-management system
	PrivacyOfficer                        // watches over the accesses of one organisation
	Auditor                               // reads the log, changes nothing
	Administrator                         // runs an installation, sees no plans
)

// Class is the class of an organisation: all that policy knows about one.
type Class string

// The classes.
const (
	AcuteTrust      Class = "acute_trust"      // NHS trusts: hospitals, and what they run
	GeneralPractice Class = "general_practice" // GP practices
	UrgentCare      Class = "urgent_care"      // urgent treatment, walk-in, minor injuries, GP out of hours
	Ambulance       Class = "ambulance"
	NHS111          Class = "nhs_111"
	Dental          Class = "dental"
	Community       Class = "community"     // health visiting, school nursing, community paediatrics
	MentalHealth    Class = "mental_health" // CAMHS
	SexualHealth    Class = "sexual_health" // sexual health, TOP, SARC
	LocalAuthority  Class = "local_authority"
	Oversight       Class = "oversight" // auditors' and regulators' organisations
	Operator        Class = "operator"  // who runs the installation
)

// Action is what a caller wants to do. Its text stands in the audit log.
type Action string

// The actions.
const (
	LookUp             Action = "look_up"
	LookUpMany         Action = "look_up_many"
	ViewRestricted     Action = "view_restricted" // see the authority and history of a restricted person
	ReportMissed       Action = "report_missed"   // an appointment that a patient was not brought to
	ReportWrongPatient Action = "report_wrong_patient"

	RegisterPlan    Action = "register_plan"
	AmendPlan       Action = "amend_plan"
	EndPlan         Action = "end_plan"
	RemovePlan      Action = "remove_plan"
	RecordBirth     Action = "record_birth"
	ProposeTransfer Action = "propose_transfer" // offer a plan to another authority
	DecideTransfer  Action = "decide_transfer"  // accept, decline or withdraw that
	ReplaceNumber   Action = "replace_number"   // an NHS number that was superseded
	ProposeChange   Action = "propose_change"   // what needs a second person: restrict, lift, merge, unmerge
	DecideChange    Action = "decide_change"    // be the second person
	GetPerson       Action = "get_person"       // one person's plans, and their versions
	ListPlans       Action = "list_plans"       // all plans, transfers and proposals
	FindPeople      Action = "find_people"      // by name or NHS number, among the authority's own
	ReadWork        Action = "read_work"        // how much asks for the authority today

	UploadPlans    Action = "upload_plans" // send files, and give them up
	ApproveUpload  Action = "approve_upload"
	ReadUploads    Action = "read_uploads" // what files do, and how good records are
	SetUploadRules Action = "set_upload_rules"

	ReadNotices    Action = "read_notices"
	AnswerNotice   Action = "answer_notice"   // acknowledge and assign
	ListColleagues Action = "list_colleagues" // to whom notices can be given
	ReadFigures    Action = "read_figures"    // how often somebody looked, and how soon notices were answered
	ManageChannels Action = "manage_channels" // where notices are sent on to
	ReadContacts   Action = "read_contacts"
	SetContacts    Action = "set_contacts"

	ReadProof      Action = "read_proof" // checkpoints, tiles and proofs: hashes only
	ReadLog        Action = "read_log"   // the log itself, line by line
	ExportLog      Action = "export_log"
	ReadReports    Action = "read_reports"    // who looked, and why
	ExportReport   Action = "export_report"   // a report as a file
	DownloadExport Action = "download_export" // that file
	ReviewAccess   Action = "review_access"   // the break-glass queue
	// ReleaseRestricted lets be told who looked at a restricted child.
	ReleaseRestricted Action = "release_restricted"
	// SecondRelease is to be the second person of an organisation that has one only.
	SecondRelease Action = "second_release"
	Configure     Action = "configure"

	LogIn      Action = "log_in"      // to the pages
	ChooseRole Action = "choose_role" // of several that somebody has
	LogOut     Action = "log_out"

	ExplainPolicy Action = "explain_policy" // read these rules, and ask what they decide
	ReadService   Action = "read_service"   // how the service does: numbers and states
)

// Mode is the access mode of a look-up; empty for every other action.
type Mode string

// The modes. Unspecified is only ever asked for, never decided.
const (
	Unspecified Mode = ""
	Unscheduled Mode = "unscheduled"
	Scheduled   Mode = "scheduled"
)

// Request is one question to the policy. It is comparable.
type Request struct {
	Roles     Roles
	Class     Class
	Action    Action
	Mode      Mode // as the caller asked; look-ups only
	Own       bool // the thing acted upon belongs to the caller's organisation
	Assurance int  // authenticator assurance level, 1 to 3; 0 if the issuer does not state it
	// BreakGlass says that the caller claims the right with a written reason.
	BreakGlass bool
}

// Decision is the answer.
type Decision struct {
	Allowed bool
	Mode    Mode // the mode under which a look-up is made or was refused, never Unspecified for look-ups
	Role    Role // the role that was used; of a refusal, the lowest role held
	// Rule names what decided: the rule's identifier, or of a refusal one of
	// the reasons. It is for the audit log. Pages tell people the reason; systems
	// are told only of AssuranceTooLow, which they can do something about.
	Rule string
	// BreakGlass says that the right was claimed, not held. Whatever the mode,
	// such a look-up is told to the authority and the privacy officer.
	BreakGlass bool
}

// The reasons of a refusal. If several hold, the first of them is given.
const (
	NoRule           = "no_rule"           // nothing allows it, whatever the circumstances
	ModeNotHeld      = "mode_not_held"     // the caller may do it, but only in the other mode
	ConflictingRoles = "conflicting_roles" // the caller holds roles that nobody may hold together
	NotOwn           = "not_own"           // the right covers only what is the organisation's own
	AssuranceTooLow  = "assurance_too_low" // the caller did not sign in strongly enough
)

// Reasons returns all reasons, in the order in which they are given.
func Reasons() []string {
	return []string{NoRule, ModeNotHeld, ConflictingRoles, NotOwn, AssuranceTooLow}
}
