package web

import (
	"strings"
	"time"

	"cpis/service/domain"
	"cpis/service/web/nhsuk"
)

// Times and numbers as the NHS writes them.

// day writes a day: 22 November 2026.
func day(t time.Time) string { return t.In(domain.London).Format("2 January 2006") }

// clockTime writes a time of day: 5pm, 5:30pm, midday, midnight.
func clockTime(t time.Time) string {
	t = t.In(domain.London)
	switch {
	case t.Hour() == 0 && t.Minute() == 0:
		return "midnight"
	case t.Hour() == 12 && t.Minute() == 0:
		return "midday"
	case t.Minute() == 0:
		return t.Format("3pm")
	}
	return t.Format("3:04pm")
}

// moment writes a day and a time: 22 November 2026 at 5:30pm.
func moment(t time.Time) string { return day(t) + " at " + clockTime(t) }

// telephone is the address that calls a number in the United Kingdom.
func telephone(number string) string {
	digits := strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' || r == '+' {
			return r
		}
		return -1
	}, number)
	if rest, national := strings.CutPrefix(digits, "0"); national {
		digits = "+44" + rest
	}
	return "tel:" + digits
}

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
	var words []string
	for name := range strings.SplitSeq(roles, ",") {
		if known := roleNames[name]; known != "" {
			words = append(words, known)
		}
	}
	return strings.Join(words, " and ")
}

// heading is the h1 of a page.
func heading(text string) nhsuk.Heading { return nhsuk.Heading{Text: text, Size: nhsuk.Large} }
