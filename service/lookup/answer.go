package lookup

import (
	"time"

	"cpis/policy"
	"cpis/service/domain"
	"cpis/service/guard"
)

// Verdict is one of three answers. No error ever stands for one of them.
type Verdict string

// The verdicts. Their texts stand in the audit log.
const (
	FlagHeld    Verdict = "flag_held"
	NoFlagKnown Verdict = "no_flag_known"
	CannotSay   Verdict = "cannot_say"
)

// Reason is why the service cannot say.
type Reason string

// The reasons.
const (
	NoReason         Reason = ""
	IdentityMismatch Reason = guard.ReasonMismatch // the date of birth is another
	RecordDamaged    Reason = guard.ReasonDamaged  // what is stored does not verify
)

// Answer is the answer to one question.
type Answer struct {
	Verdict         Verdict
	Reason          Reason
	Degraded        bool // a flag is held, but its details cannot be opened now
	Restricted      bool
	IdentityChecked bool
	Superseded      bool             // the number that was asked for is a former one
	Plans           []Plan           // newest start first
	Contacts        []domain.Contact // if the plans cannot say whom to ring
	History         []Access         // newest first
	Advice          string
	AdviceCode      AdviceCode
	Mode            policy.Mode
	Receipt         guard.Receipt
}

// Plan is a plan as a look-up shows it. Of a restricted person's, only the
// kind is filled.
type Plan struct {
	ID           string
	Version      int
	Kind         domain.Kind
	Ended        bool
	Start        domain.Date
	End          domain.Date
	Expected     domain.Date
	VisibleUntil domain.Date
	Contact      domain.Contact
	Receiving    domain.Contact // of the authority that the plan is offered to; zero if to none
}

// Access is an earlier unscheduled access to a person's flag.
type Access struct {
	At               time.Time
	Organisation     string
	OrganisationName string
	Setting          domain.Setting
	Who              string // empty if it cannot be opened
	WrongPatient     bool   // it was reported afterwards that this was another patient
}

// AdviceCode says which advice an answer comes with, for those who say it in
// another language.
type AdviceCode string

// The codes.
const (
	AdviceHeld     AdviceCode = "held"
	AdviceDegraded AdviceCode = "degraded"
	AdviceUnproved AdviceCode = "unproved" // degraded, and the date of birth could not be compared
	AdviceHub      AdviceCode = "hub"      // restricted
	AdviceNone     AdviceCode = "none"
	AdviceMismatch AdviceCode = "mismatch"
	AdviceDamaged  AdviceCode = "damaged"
)

// The sentences that tell people what to do. Every answer ends in notNoRisk.
const (
	notNoRisk = "The absence of a flag is not the absence of risk: children at risk may be unknown, " +
		"unmatched or known elsewhere. Follow your safeguarding procedures whenever you are concerned."
	held = "This person is known to children's social care. Treat it as context, not as a diagnosis: " +
		"ask fuller questions, call the number shown, record that you did, and follow your safeguarding procedures. "
	degraded = "A flag is held, but its details cannot be opened just now. Call the number shown. "
	unproved = "The date of birth could not be compared: check that this is the right person before you act. "
	hub      = "This person's whereabouts must not be revealed to anybody. Do not say that a flag exists; " +
		"call the number shown. "
	none     = "No flag is known for this NHS number. "
	mismatch = "The date of birth does not fit this NHS number, so the service cannot say whether a flag is held. " +
		"Check both with the patient and trace the number again; until then call the number shown. "
	damaged = "What is stored about this person cannot be trusted, so the service cannot say what is held. " +
		"Call the number shown. "
)

// Text returns the advice in English.
func (c AdviceCode) Text() string {
	switch c {
	case AdviceHeld:
		return held + notNoRisk
	case AdviceDegraded:
		return degraded + notNoRisk
	case AdviceUnproved:
		return degraded + unproved + notNoRisk
	case AdviceHub:
		return hub + notNoRisk
	case AdviceNone:
		return none + notNoRisk
	case AdviceMismatch:
		return mismatch + notNoRisk
	case AdviceDamaged:
		return damaged + notNoRisk
	}
	return ""
}

// advise sets which advice the answer comes with, and says it.
func (a *Answer) advise() {
	a.AdviceCode = a.advice()
	a.Advice = a.AdviceCode.Text()
}

func (a *Answer) advice() AdviceCode {
	switch {
	case a.Verdict == CannotSay && a.Reason == IdentityMismatch:
		return AdviceMismatch
	case a.Verdict == CannotSay:
		return AdviceDamaged
	case a.Verdict == NoFlagKnown:
		return AdviceNone
	case a.Restricted:
		return AdviceHub
	case a.Degraded && !a.IdentityChecked:
		return AdviceUnproved
	case a.Degraded:
		return AdviceDegraded
	}
	return AdviceHeld
}
