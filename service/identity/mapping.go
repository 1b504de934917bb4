package identity

import (
	"slices"
	"strings"

	"cpis/policy"
)

// mapping is a compiled Mapping.
type mapping struct {
	id, name, title, organisation path
	roles                         []roleRule
	assurance                     []assuranceRule
}

type roleRule struct {
	claim path
	after string
	roles map[string]policy.Role
}

type assuranceRule struct {
	claim  path
	levels map[string]int
}

// caller reads who calls from verified claims. The caller's roles are those
// granted; which of them count where is for the policy to decide.
func (m *mapping) caller(c claims) (Caller, Reason) {
	caller, reason := m.person(c)
	if reason != "" {
		return Caller{}, reason
	}
	var ok1, ok2 bool
	caller.Organisation, ok1 = c.text(m.organisation)
	caller.Title, ok2 = c.optional(m.title)
	if !ok1 || !ok2 {
		return Caller{}, Claims
	}
	for _, r := range m.roles {
		caller.Roles |= r.granted(c)
	}
	if caller.Roles == 0 {
		return Caller{}, NoRole
	}
	return caller, ""
}

// person reads who it is, and how strongly they signed in, whatever they may be.
func (m *mapping) person(c claims) (caller Caller, _ Reason) {
	var ok1, ok2 bool
	caller.ID, ok1 = c.text(m.id)
	caller.Name, ok2 = c.optional(m.name)
	if !ok1 || !ok2 {
		return Caller{}, Claims
	}
	caller.Assurance = m.level(c)
	return caller, ""
}

// granted returns the roles of all codes in the rule's claim.
func (r *roleRule) granted(c claims) policy.Roles {
	var roles policy.Roles
	for _, code := range texts(r.claim.find(c)) {
		if i := strings.LastIndex(code, r.after); r.after != "" && i >= 0 {
			code = code[i+len(r.after):]
		}
		roles |= policy.Roles(r.roles[code])
	}
	return roles
}

// level returns the lowest level that any rule finds, 0 without rules. If
// an issuer states levels, silence is not "not stated", which policy lets
// pass: it is the lowest.
func (m *mapping) level(c claims) int {
	if len(m.assurance) == 0 {
		return 0
	}
	level := 3
	for _, r := range m.assurance {
		level = min(level, r.level(c))
	}
	return level
}

func (r *assuranceRule) level(c claims) int {
	levels := []int{1}
	for _, value := range texts(r.claim.find(c)) {
		levels = append(levels, r.levels[value])
	}
	return slices.Max(levels)
}
