package main

import (
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// saidAs are the words for fields whose names in the contract are not what
// people would say.
var saidAs = map[protoreflect.FullName]string{
	"cpis.v1.Change.actor": "by",

	"cpis.v1.GetQualityReportResponse.valid_numbers_percent": "valid NHS numbers, in percent of rows",
	"cpis.v1.GetQualityReportResponse.go_live_percent":       "needed to go live, in percent",
	"cpis.v1.GetQualityReportResponse.last_applied":          "last file applied",
	"cpis.v1.GetQualityReportResponse.days_since":            "days since then",
	"cpis.v1.GetQualityReportResponse.active":                "plans in force",
	"cpis.v1.GetQualityReportResponse.overdue":               "of unborn children whose expected date has passed",
	"cpis.v1.GetQualityReportResponse.adults":                "of people who are 18 or older",
	"cpis.v1.GetQualityReportResponse.contacts_days":         "days since the contacts were confirmed",

	"cpis.v1.GetContactsResponse.overdue":      "confirmation overdue",
	"cpis.v1.Contacts.duty_phone":              "emergency duty team",
	"cpis.v1.Notice.at":                        "made",
	"cpis.v1.Notice.plan_ids":                  "plans",
	"cpis.v1.Notice.details_unavailable":       "details cannot be opened now",
	"cpis.v1.OwnPlan.changed":                  "last changed",
	"cpis.v1.Upload.changed":                   "last changed",
	"cpis.v1.Upload.sequence":                  "running number",
	"cpis.v1.Upload.brake":                     "held by the safety brake",
	"cpis.v1.UploadCounts.valid_numbers":       "valid NHS numbers",
	"cpis.v1.UploadCounts.closing":             "ended by their rows",
	"cpis.v1.UploadRules.approve_systems":      "approve systems' files",
	"cpis.v1.UploadRules.max_new":              "at most new",
	"cpis.v1.UploadRules.max_changed":          "at most changed",
	"cpis.v1.UploadRules.max_ending":           "at most ending",
	"cpis.v1.UploadRules.max_rejected_percent": "at most rejected, in percent of rows",
	"cpis.v1.UploadRules.brake_percent":        "safety brake, in percent of plans in force",
}

// wordsFor returns what people call a field.
func wordsFor(fd protoreflect.FieldDescriptor) string {
	if words, ok := saidAs[fd.FullName()]; ok {
		return words
	}
	return wordsOf(string(fd.Name()))
}

// titleOf is what a field is called as a line begins with it.
func titleOf(fd protoreflect.FieldDescriptor) string {
	text := wordsFor(fd)
	return strings.ToUpper(text[:1]) + text[1:]
}

// wordsOf writes the name of a field as people do.
func wordsOf(name string) string {
	words := strings.Split(name, "_")
	for i, word := range words {
		switch word {
		case "nhs", "url", "gss", "id":
			words[i] = strings.ToUpper(word)
		case "dfe":
			words[i] = "DfE"
		}
	}
	return strings.Join(words, " ")
}

// headsOf are the heads of columns: of each path in a message the words for its
// last field, and for as many before it as tell it from the others.
func headsOf(d protoreflect.MessageDescriptor, paths []string) []string {
	heads := make([]string, len(paths))
	for i, path := range paths {
		n := 1
		for n <= strings.Count(path, ".") && sharesHead(d, paths, i, n) {
			n++
		}
		heads[i] = strings.ToUpper(headOf(d, path, n))
	}
	return heads
}

// sharesHead reports whether another column would have the same head of n
// fields.
func sharesHead(d protoreflect.MessageDescriptor, paths []string, i, n int) bool {
	for j, other := range paths {
		if j != i && headOf(d, other, n) == headOf(d, paths[i], n) {
			return true
		}
	}
	return false
}

// headOf returns the words for the last n fields of a path.
func headOf(d protoreflect.MessageDescriptor, path string, n int) string {
	var words []string
	for name := range strings.SplitSeq(path, ".") {
		fd := d.Fields().ByName(protoreflect.Name(name))
		if fd == nil {
			panic("no such column: " + path) // a mistake in the table of verbs
		}
		words = append(words, wordsFor(fd))
		d = fd.Message()
	}
	return strings.Join(words[max(0, len(words)-n):], " ")
}
