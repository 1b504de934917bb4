package policy

import (
	"iter"
	"strings"
)

// AllRoles returns every role, in ascending order.
func AllRoles() []Role {
	return []Role{
		ClinicianUnscheduled, ClinicianScheduled, ClinicalSystem, SafeguardingLead,
		LASystem, PrivacyOfficer, Auditor, Administrator,
	}
}

// String returns the role's name as it stands in the rules and in the audit
// log, and "none" for what is not exactly one role.
func (r Role) String() string {
	switch r {
	case ClinicianUnscheduled:
		return "clinician_unscheduled"
	case ClinicianScheduled:
		return "clinician_scheduled"
	case ClinicalSystem:
		return "clinical_system"
	case SafeguardingLead:
		return "safeguarding_lead"
	case LASystem:
		return "la_system"
	case PrivacyOfficer:
		return "privacy_officer"
	case Auditor:
		return "auditor"
	case Administrator:
		return "administrator"
	}
	return "none"
}

// Title returns what people call the role, as a sentence has it.
func (r Role) Title() string {
	switch r {
	case ClinicianUnscheduled:
		return "clinician in urgent care"
	case ClinicianScheduled:
		return "clinician in planned care"
	case ClinicalSystem:
		return "clinical system"
	case SafeguardingLead:
		return "safeguarding lead"
	case LASystem:
		return "case system"
	case PrivacyOfficer:
		return "privacy officer"
	case Auditor:
		return "auditor"
	case Administrator:
		return "administrator"
	}
	return ""
}

// ParseRole returns the role with the given name.
func ParseRole(name string) (Role, bool) {
	for _, r := range AllRoles() {
		if r.String() == name {
			return r, true
		}
	}
	return 0, false
}

// Roles is a set of roles. It is comparable, so that decisions can be
// remembered.
type Roles uint16

// RolesOf returns the set of the given roles.
func RolesOf(roles ...Role) Roles {
	var s Roles
	for _, r := range roles {
		s |= Roles(r)
	}
	return s
}

// Has reports whether the role is in the set.
func (s Roles) Has(r Role) bool {
	return r != 0 && s&Roles(r) == Roles(r)
}

// All yields the roles of the set in ascending order. Bits that are no role
// are passed over: they give no right.
func (s Roles) All() iter.Seq[Role] {
	return func(yield func(Role) bool) {
		for _, r := range AllRoles() {
			if s.Has(r) && !yield(r) {
				return
			}
		}
	}
}

// Lowest returns the first role of the set, or 0 for an empty one.
func (s Roles) Lowest() Role {
	for r := range s.All() {
		return r
	}
	return 0
}

// String returns the names of the roles in ascending order, separated by
// commas, and "none" for an empty set.
func (s Roles) String() string {
	var names []string
	for r := range s.All() {
		names = append(names, r.String())
	}
	if names == nil {
		return Role(0).String()
	}
	return strings.Join(names, ",")
}
