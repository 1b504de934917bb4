package servicetest

import (
	"cpis/policy"
	"cpis/service/domain"
	"cpis/service/identity"
	"cpis/service/lookup"
)

// MustLookUp looks a person up.
func (f *lookupSteps) MustLookUp(c *identity.Caller, q *lookup.Question) *lookup.Answer {
	f.TB.Helper()
	out, err := f.LookUp(f.TB.Context(), c, q)
	if err != nil {
		f.TB.Fatalf("LookUp: %s", Explain(err))
	}
	return out
}

// Unscheduled is a question that shows whatever flag there is.
func Unscheduled(number string) *lookup.Question {
	return &lookup.Question{
		NHSNumber: number, Mode: policy.Unscheduled, Purpose: domain.EmergencyCare,
		Encounter: domain.Encounter{ID: "attendance-1", Setting: domain.EmergencyDepartment},
	}
}
