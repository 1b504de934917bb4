package web

import (
	"strings"
	"time"

	"cpis/service/domain"
	"cpis/service/web/nhsuk"
	"cpis/service/web/words"
)

// day writes the day of a time in England: 22 November 2026.
func day(t time.Time) string { return words.English.Day(domain.DateOf(t.In(domain.London))) }

// moment writes a day and a time: 22 November 2026 at 5:30pm.
func moment(t time.Time) string { return words.English.Moment(t) }

// roleNames are what people call the roles.
var roleNames = map[string]string{
	"clinician_unscheduled": "Clinician, urgent care",
	"clinician_scheduled":   "Clinician, planned care",
	"clinical_system":       "Clinical system",
	"safeguarding_lead":     "Safeguarding lead",
	"la_system":             "Case system",
	"privacy_officer":       "Privacy officer",
	"auditor":               "Auditor",
	"administrator":         "Administrator",
}

// roleWords names the roles of a list as the policy writes it.
func roleWords(roles string) string {
	var all []string
	for name := range strings.SplitSeq(roles, ",") {
		if known := roleNames[name]; known != "" {
			all = append(all, known)
		}
	}
	return strings.Join(all, " and ")
}

// heading is the h1 of a page.
func heading(text string) nhsuk.Heading { return nhsuk.Heading{Text: text, Size: nhsuk.Large} }
