package words

// Language is one that pages speak, as the lang attribute has it.
type Language string

// The languages.
const (
	English Language = "en"
	Welsh   Language = "cy"
)

// Words is all that pages say, by section.
type Words struct {
	Language     Language `json:"-"`
	Shell        Shell
	LookUp       LookUp
	Answer       Answer
	Advice       Advice
	List         List
	BreakGlass   BreakGlass
	WrongPatient WrongPatient
	Refused      Refused
	Identifiers  Identifiers
	Fields       Fields
	Failures     Failures
	Kinds        Kinds
	Bases        Bases
	PlanActs     PlanActs
	Settings     Settings
	Tags         Tags
	Glossary     Glossary
}

// Shell is what stands around every page.
type Shell struct {
	Service       string
	SkipLink      string
	Back          string
	LogIn         string
	LogOut        string
	ChangeRole    string
	Account       string
	Menu          string
	More          string
	Browse        string
	Help          string
	WhoToCall     string
	WordsMeaning  string
	Cookies       string
	Privacy       string
	Accessibility string
	Support       string // heads the links of the footer, for screen readers
	OtherLanguage string // leads to the same page in the other language, in that language
	Information   string // before an inset text, for screen readers
	Important     string
	Success       string
	Error         string // before a message
	ErrorTitle    Blank1 `blanks:"title"` // of a page with errors
	Title         Blank2 `blanks:"page service"`
	Problem       string // heads the list of errors
	SessionEnds   Blank1 `blanks:"time"`
	StayLoggedIn  string
	EndsSoon      string
	EndsKept      string
}

// LookUp is the page that asks whom a look-up is about.
type LookUp struct {
	Title       string
	Number      string
	NumberHint  string
	Born        string
	BornHint    string
	Day         string
	Month       string
	Year        string
	Tells       string // this look-up tells the authority
	Silent      string
	Unexpected  string // the patient came without an appointment
	Where       string
	WhereEmpty  string
	Lead        string // whom the authority calls back at NHS 111
	LeadHint    string
	LeadName    string
	LeadRole    string
	LeadPhone   string
	LeadNoName  string
	LeadNoRole  string
	LeadNoPhone string
	Button      string
	Again       string
	Expired     string // a look-up that was made too long ago
}

// Answer is the page with the answer.
type Answer struct {
	Asked           Blank2 `blanks:"number day"` // what was typed
	AskedNumberOnly Blank1 `blanks:"number"`
	Held            string
	None            string
	Unknown         string
	HeldShape       string // what the shapes mean, for who cannot see them
	NoneShape       string
	UnknownShape    string
	CallNow         Blank1 `blanks:"number"`
	Until           Blank1 `blanks:"time"`
	Office          string
	Duty            string
	Hub             string
	AllHours        string
	OtherNumbers    string
	Plans           string
	Started         string
	Ended           string
	Expected        string
	ShownUntil      string
	WhomToAsk       string
	Receiving       Blank1 `blanks:"authority"`
	History         string
	HistoryNone     string
	HistoryItem     Blank2 `blanks:"place setting"`
	HistoryBy       Blank2 `blanks:"who when"`
	WasAnother      string // an earlier look-up that was of another patient
	Visits          Count
	NoRisk          string // beside "no flag"
	IfWorried       string
	NotNo           string // beside "we cannot say"
	CheckBoth       string
	TryAgain        string
	Restricted      string
	Degraded        string
	Superseded      string
	Recorded        Blank1 `blanks:"time"`
	Receipt         string
	Print           string
	NotThisPatient  string
	LookUpAnother   string
	WhatToDo        string
}

// Advice is what to do, by the code that comes with an answer.
type Advice struct {
	Held         string
	Degraded     string
	Unproved     string
	Hub          string
	None         string
	Mismatch     string
	Damaged      string
	AbsenceNotNo string // ends all of them
}

// List is the page that asks about a whole clinic, and the one with the answers.
type List struct {
	Menu         string
	Title        string
	Patients     string
	PatientsHint Blank1 `blanks:"limit"`
	Silent       string
	Button       string
	File         string
	FileHint     string
	FileButton   string
	FileChoose   string
	FileNone     string
	FileDrop     string
	FileChosen   Count
	FileEntered  string
	FileLeft     string
	FileEmpty    string
	FileTooBig   string
	FileKind     string
	Empty        string
	TooMany      Blank2 `blanks:"limit entered"`
	Line         Blank2 `blanks:"line problem"`
	MoreLines    Count
	NoNumber     string
	ManyNumbers  string
	NoDate       string
	ManyDates    string
	Expired      string
	Answers      Count
	Held         Count
	None         Count
	Unknown      Count
	Lines        string // before the numbers of lines
	NotNo        string
	Whole        string
	OfLine       Blank1 `blanks:"line"`
	Another      string
	Recorded     Blank1 `blanks:"time"`
}

// BreakGlass is the journey of somebody who looks all the same.
type BreakGlass struct {
	Refused      string
	Start        string
	Title        string
	Told         string
	CountsFor    Blank1 `blanks:"minutes"`
	Grounds      string
	Emergency    string
	Cover        string
	RightMissing string
	Concern      string
	Other        string
	Reason       string
	ReasonHint   string
	Button       string
	GoBack       string
}

// WrongPatient is the journey of somebody who looked up another patient.
type WrongPatient struct {
	Title  string
	Effect string
	Reason string
	Button string
	Done   string
	Next   string
}

// Refused says why something was refused, by the reasons of the policy, and what can
// be done about it.
type Refused struct {
	Title             string
	Why               string // leads to it
	Logged            string
	SaysNothing       string // about a flag
	NoRule            string
	NoRuleDo          string
	ModeNotHeld       string
	ModeNotHeldDo     string
	ConflictingRoles  string
	ConflictingDo     string
	NotOwn            string
	NotOwnDo          string
	AssuranceTooLow   string
	AssuranceTooLowDo string
	OtherRole         string // the page is for another role
	OtherRoleDo       string
}

// OtherRole is the reason of a page that is for another role: nothing was asked for,
// so that the policy decided nothing and the log has nothing of it.
const OtherRole = "other_role"

// Of returns why something was refused, and what to do; nothing of a reason that is
// none.
func (r *Refused) Of(reason string) []string {
	switch reason {
	case "no_rule":
		return []string{r.NoRule, r.NoRuleDo}
	case "mode_not_held":
		return []string{r.ModeNotHeld, r.ModeNotHeldDo}
	case "conflicting_roles":
		return []string{r.ConflictingRoles, r.ConflictingDo}
	case "not_own":
		return []string{r.NotOwn, r.NotOwnDo}
	case "assurance_too_low":
		return []string{r.AssuranceTooLow, r.AssuranceTooLowDo}
	case OtherRole:
		return []string{r.OtherRole, r.OtherRoleDo}
	}
	return nil
}

// Identifiers is what is wrong with a number or a date of birth.
type Identifiers struct {
	NumberEmpty    string
	NumberLetters  string
	NumberLength   Blank1 `blanks:"entered"`
	NumberCheck    string
	NumberFake     string
	NumberOther    string // a National Insurance number
	BornEmpty      string
	BornNoDay      string
	BornNoMonth    string
	BornNoYear     string
	BornNotReal    string
	BornFuture     string
	BornOther      string
	SelectGrounds  string
	ReasonEmpty    string
	ReasonTooLong  Blank2 `blanks:"limit used"`
	Limit          Blank1 `blanks:"limit"`
	CharactersLeft Count
}

// Fields is what is wrong with other fields.
type Fields struct {
	StartEmpty    string
	StartNotReal  string
	StartFuture   string
	EndEmpty      string
	EndNotReal    string
	EndEarly      Blank1 `blanks:"day"`
	EndLate       string
	KindEmpty     string
	Overlap       string
	Brake         string
	FileEmpty     string
	FileKind      string
	FileTooBig    Blank1 `blanks:"size"`
	Phone         string
	SamePerson    string
	Receipt       string
	DecisionEmpty string
}

// Failures are the pages that say why there is none.
type Failures struct {
	NotHere         string // 403
	NotHereBody     Blank2 `blanks:"why role"`
	NotFound        string // 404
	NotFoundBody    string
	Changed         string // 409
	ChangedBody     string
	TooBig          string // 413
	TooBigBody      Blank1 `blanks:"size"`
	TooMany         string // 429
	TooManyBody     Count
	Wrong           string // 500
	WrongBody       string
	Reference       Blank1 `blanks:"id"`
	Unavailable     string // 503
	UnavailableBody string
	LoggedOut       string
	LoggedOutBody   string
	CallInstead     Blank1 `blanks:"number"` // ends all of them
}

// Kinds are the kinds of plans.
type Kinds struct {
	CPP, LAC, UCPP             string
	CPPNote, LACNote, UCPPNote string
}

// Bases are the legal bases on which children are looked after.
type Bases struct{ S20, S31, S38 string }

// PlanActs say what was done with a plan.
type PlanActs struct {
	Register, Amend, End, Remove, Birth, Upload string
	Offered, TakenOver, Declined, Withdrawn     string
	Merged, Unmerged                            string
}

// Settings are the kinds of places where patients are met.
type Settings struct {
	EmergencyDepartment, UrgentCare, OutOfHours, Ambulance, NHS111, Maternity, PaediatricWard      string
	GeneralPractice, Community, MentalHealth, Dental, SexualHealth, Outpatient, NotKnown, NotNamed string
}

// Tags are states, in at most three words.
type Tags struct {
	InForce, Ended, PastDue, Over18, Transferred, Removed                             string
	Priority, NotAnswered, GivenToYou, Answered, Corrected, NotDelivered              string
	Checking, Waiting, HeldByBrake, Applying, Applied, Rejected, GivenUp, NothingToDo string
	Agreed, Accepted, Declined, Withdrawn                                             string
	BreakGlass, Restricted, WrongPatient, Unexplained                                 string
	Working, Resting, Paused, Away                                                    string
}

// Term is a word and what it means.
type Term struct{ Word, Meaning string }

// Glossary is what words mean.
type Glossary struct {
	Flag, CPP, LAC, UCPP, InForce, Visit, Notice, Restricted, BreakGlass, Hub, Receipt, Log Term
}

// Terms are the words of the glossary in order.
func (g Glossary) Terms() []Term {
	return []Term{g.Flag, g.CPP, g.LAC, g.UCPP, g.InForce, g.Visit, g.Notice, g.Restricted, g.BreakGlass, g.Hub, g.Receipt, g.Log}
}
