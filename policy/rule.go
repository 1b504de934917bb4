package policy

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// Duty says which kind of work a right belongs to. Nobody has rights of both
// managing and auditing.
type Duty string

// The duties.
const (
	Care     Duty = "care"     // of patients
	Managing Duty = "managing" // of plans and of the installation
	Auditing Duty = "auditing" // of what the others did
	NoDuty   Duty = "none"     // what everybody may do
)

// Rule is one right.
type Rule struct {
	ID        string // stands in the audit log; never used again for another right
	Role      Role   // who; 0 is any role
	Class     Class  // class of the caller's organisation, or a group of classes
	Action    Action
	Mode      Mode // of look-ups; Unspecified for all other actions
	Own       bool // only what belongs to the caller's organisation
	Assurance int  // least assurance level, if it is stated
	Claimed   bool // by break-glass, not held
	Duty      Duty
}

// The words of the rules that are no names of roles, classes, actions or modes.
const (
	anyRole      = "any"
	noMode       = "-"
	scopeAny     = "any"
	scopeOwn     = "own"
	basisHeld    = "held"
	basisClaimed = "claimed"
)

// fields returns the rule as the model expects it.
func (r Rule) fields() []string {
	return []string{
		r.ID, pick(r.Role == 0, anyRole, r.Role.String()), string(r.Class), string(r.Action), string(r.Mode),
		pick(r.Own, scopeOwn, scopeAny), level(r.Assurance),
		pick(r.Claimed, basisClaimed, basisHeld), string(r.Duty),
	}
}

func pick(cond bool, yes, no string) string {
	if cond {
		return yes
	}
	return no
}

// level writes an assurance level so that the order of the texts is the order
// of the levels: one digit, and a minus sign before all digits. The model
// compares texts because it knows the rules as nothing else.
func level(assurance int) string {
	return strconv.Itoa(min(max(assurance, -1), 9))
}

// readRules reads lines of rules. Words that the package does not know are
// refused, so that a typing mistake cannot make a right that never applies.
func readRules(text string) ([]Rule, error) {
	in := csv.NewReader(strings.NewReader(text))
	in.Comment = '#'
	in.TrimLeadingSpace = true
	in.FieldsPerRecord = len(Rule{}.fields()) + 1 // the model's name of the line comes first
	var rules []Rule
	for {
		line, err := in.Read()
		if errors.Is(err, io.EOF) {
			return rules, nil
		}
		if err != nil {
			return nil, err
		}
		rule, err := parseRule(line)
		if err != nil {
			return nil, fmt.Errorf("reading rule %q: %w", line[1], err)
		}
		rules = append(rules, rule)
	}
}

// parseRule reads the fields of one line.
func parseRule(line []string) (Rule, error) {
	role, roleOK := ParseRole(line[2])
	action, actionOK := ParseAction(line[4])
	assurance, err := strconv.Atoi(line[7])
	for _, word := range []struct {
		what string
		ok   bool
	}{
		{"line", line[0] == "p"},
		{"role", roleOK || line[2] == anyRole},
		{"class", Class(line[3]).isPlace()},
		{"action", actionOK},
		{"mode", line[5] == noMode || slices.Contains([]Mode{Unscheduled, Scheduled}, Mode(line[5]))},
		{"scope", line[6] == scopeOwn || line[6] == scopeAny},
		{"assurance", err == nil},
		{"basis", line[8] == basisHeld || line[8] == basisClaimed},
	} {
		if !word.ok {
			return Rule{}, fmt.Errorf("unknown %s", word.what)
		}
	}
	rule := Rule{
		ID: line[1], Role: role, Class: Class(line[3]), Action: action,
		Own: line[6] == scopeOwn, Assurance: assurance, Claimed: line[8] == basisClaimed,
		Duty: Duty(line[9]),
	}
	if line[5] != noMode {
		rule.Mode = Mode(line[5])
	}
	return rule, rule.check()
}

// check refuses a rule that contradicts itself or what the package promises.
func (r Rule) check() error {
	modes := r.Action.Modes()
	switch {
	case r.ID == "":
		return errors.New("no identifier")
	case r.Mode == Unspecified && len(modes) > 0, r.Mode != Unspecified && !slices.Contains(modes, r.Mode):
		return errors.New("no such mode of this action")
	case r.Assurance < 1 || r.Assurance > 3:
		return errors.New("no such assurance level")
	case !slices.Contains([]Duty{Care, Managing, Auditing, NoDuty}, r.Duty):
		return errors.New("unknown duty")
	case r.Claimed && (r.Action != LookUp || r.Role != ClinicianUnscheduled && r.Role != ClinicianScheduled):
		return errors.New("only clinicians' look-ups can be claimed")
	case r.Role == 0 && r.Duty != NoDuty:
		return errors.New("a right of any role has no duty")
	case !r.Claimed && !r.fitsSomewhere():
		return errors.New("the role fits nowhere in this class")
	}
	return nil
}

// fitsSomewhere reports whether the rule can ever apply.
func (r Rule) fitsSomewhere() bool {
	return slices.ContainsFunc(AllClasses(), func(c Class) bool {
		return c.within(r.Class) && (r.Role == 0 || Fits(r.Role, c))
	})
}
