package policy

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Override changes the embedded rules of one installation: it takes an embedded
// right away, grants a further one, or both. A grant cannot undo what the
// package promises: it asks for no less than the embedded rights to the same
// action do, and whoever runs an installation cannot raise themselves.
type Override struct {
	Withdraw string // identifier of an embedded rule; empty for none
	Grant    Rule   // the zero Rule for none; its Duty is that of the action and is left empty
}

// grantPrefix begins the identifiers of granted rules, so that an auditor sees
// from the log that a right was not an embedded one.
const grantPrefix = "X"

// override returns the embedded rules as changed by the overrides.
func override(embedded []Rule, overrides []Override) ([]Rule, error) {
	rules := slices.Clone(embedded)
	for _, o := range overrides {
		if o.Withdraw != "" {
			n := len(rules)
			rules = slices.DeleteFunc(rules, func(r Rule) bool { return r.ID == o.Withdraw })
			if len(rules) == n {
				return nil, fmt.Errorf("withdrawing rule %q: no such rule", o.Withdraw)
			}
		}
		if o.Grant == (Rule{}) {
			continue
		}
		grant, err := admit(o.Grant, embedded)
		if err != nil {
			return nil, fmt.Errorf("granting rule %q: %w", o.Grant.ID, err)
		}
		rules = append(rules, grant)
	}
	return rules, nil
}

// admit refuses a grant that asks less than every embedded right to the same
// action does: less assurance, or more than the organisation's own.
func admit(grant Rule, embedded []Rule) (Rule, error) {
	own, least := true, 3
	for _, r := range embedded {
		if r.Action == grant.Action {
			grant.Duty = r.Duty
			own, least = own && r.Own, min(least, r.Assurance)
		}
	}
	switch {
	case !strings.HasPrefix(grant.ID, grantPrefix):
		return Rule{}, errors.New("its identifier must begin with " + grantPrefix)
	case grant.Claimed, grant.Role == 0:
		return Rule{}, errors.New("only rights held by one role can be granted")
	case grant.Role == Administrator || grant.Role == Auditor:
		return Rule{}, errors.New("what administrators and auditors may do is fixed")
	case own && !grant.Own:
		return Rule{}, errors.New("this action is for the organisation's own only")
	case grant.Assurance < least:
		return Rule{}, errors.New("this action needs more assurance")
	case !grant.Class.isPlace():
		return Rule{}, errors.New("unknown class")
	}
	return grant, grant.check()
}
