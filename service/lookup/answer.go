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

// The sentences that tell people what to do. Every answer ends in notNoRisk.
const (
	notNoRisk = "The absence of a flag is not the absence of risk: children at risk may be unknown, " +
		"unmatched or known elsewhere. Follow your safeguarding procedures whenever you are concerned."
	adviceHeld = "This person is known to children's social care. Treat it as context, not as a diagnosis: " +
		"ask fuller questions, ring the number shown, record that you did, and follow your safeguarding procedures. "
	adviceDegraded = "A flag is held, but its details cannot be opened just now. Ring the number shown. "
	adviceUnproved = "The date of birth could not be compared: check that this is the right person before you act. "
	adviceHub      = "This person's whereabouts must not be revealed to anybody. Do not say that a flag exists; " +
		"ring the number shown. "
	adviceNone     = "No flag is known for this NHS number. "
	adviceMismatch = "The date of birth does not fit this NHS number, so the service cannot say whether a flag is held. " +
		"Check both with the patient and trace the number again; until then ring the number shown. "
	adviceDamaged = "What is stored about this person cannot be trusted, so the service cannot say what is held. " +
		"Ring the number shown. "
)

// advice returns the sentences for an answer.
func (a *Answer) advice() string {
	switch {
	case a.Verdict == CannotSay && a.Reason == IdentityMismatch:
		return adviceMismatch + notNoRisk
	case a.Verdict == CannotSay:
		return adviceDamaged + notNoRisk
	case a.Verdict == NoFlagKnown:
		return adviceNone + notNoRisk
	case a.Restricted:
		return adviceHub + notNoRisk
	case a.Degraded && !a.IdentityChecked:
		return adviceDegraded + adviceUnproved + notNoRisk
	case a.Degraded:
		return adviceDegraded + notNoRisk
	}
	return adviceHeld + notNoRisk
}
