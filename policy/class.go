package policy

import "slices"

// AllClasses returns every class of organisation.
func AllClasses() []Class {
	return []Class{
		AcuteTrust, GeneralPractice, UrgentCare, Ambulance, NHS111, Dental,
		Community, MentalHealth, SexualHealth, LocalAuthority, Oversight, Operator,
	}
}

// ParseClass returns the class with the given name.
func ParseClass(name string) (Class, bool) {
	c := Class(name)
	return c, slices.Contains(AllClasses(), c)
}

// The groups that the rules speak of. A group stands where a class could.
const (
	unscheduledCare = "unscheduled_care" // where patients turn up unexpectedly
	scheduledCare   = "scheduled_care"   // where patients are expected
	care            = "care"             // where patients are met at all
	anywhere        = "anywhere"         // every class
)

// within reports whether a class is the named one or belongs to the named group.
// What is no class belongs nowhere, not even "anywhere".
func (c Class) within(place Class) bool {
	switch string(place) {
	case unscheduledCare:
		return c.meetsUnscheduled()
	case scheduledCare:
		return c.meetsScheduled()
	case care:
		return c.meetsUnscheduled() || c.meetsScheduled()
	case anywhere:
		return slices.Contains(AllClasses(), c)
	default:
		return c == place && slices.Contains(AllClasses(), c)
	}
}

// isPlace reports whether rules may speak of this class or group.
func (c Class) isPlace() bool {
	return slices.ContainsFunc(AllClasses(), func(k Class) bool { return k.within(c) })
}

// meetsUnscheduled reports whether patients turn up unexpectedly at organisations
// of this class. General practice is not among them: out of hours it is
// organised as urgent care, which is a class of its own.
func (c Class) meetsUnscheduled() bool {
	switch c {
	case AcuteTrust, UrgentCare, Ambulance, NHS111:
		return true
	case GeneralPractice, Dental, Community, MentalHealth, SexualHealth,
		LocalAuthority, Oversight, Operator:
	}
	return false
}

// meetsScheduled reports whether patients are expected at organisations of this
// class. Acute trusts are in both groups: they have outpatients.
func (c Class) meetsScheduled() bool {
	switch c {
	case AcuteTrust, GeneralPractice, Dental, Community, MentalHealth, SexualHealth:
		return true
	case UrgentCare, Ambulance, NHS111, LocalAuthority, Oversight, Operator:
	}
	return false
}

// Fits reports whether the role may be held at organisations of the class. A role
// gives no right if it does not fit, whatever the rules say.
func Fits(r Role, c Class) bool {
	switch r {
	case ClinicianUnscheduled:
		return c.within(unscheduledCare)
	case ClinicianScheduled:
		return c.within(scheduledCare)
	case ClinicalSystem:
		return c.within(care)
	case PrivacyOfficer:
		return c.within(care) || c == LocalAuthority
	case SafeguardingLead, LASystem:
		return c == LocalAuthority
	case Auditor:
		return c == Oversight
	case Administrator:
		return c == Operator
	}
	return false
}
