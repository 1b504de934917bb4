package files

import (
	"cmp"
	"strings"
	"unicode"
	"unicode/utf8"

	"cpis/service/domain"
	"cpis/service/upload"
	"cpis/service/web/frame"
	"cpis/service/web/nhsuk"
	"cpis/service/web/words"
)

// stateTag says where a file stands, in at most three words.
func stateTag(u *upload.Upload) nhsuk.Tag {
	switch u.State {
	case upload.Received:
		return nhsuk.Tag{Text: "Being checked", Colour: nhsuk.Blue}
	case upload.Waiting:
		if u.Brake {
			return nhsuk.Tag{Text: "Held by brake", Colour: nhsuk.Red}
		}
		return nhsuk.Tag{Text: "Waiting", Colour: nhsuk.Yellow}
	case upload.Applying:
		return nhsuk.Tag{Text: "Being applied", Colour: nhsuk.Blue}
	case upload.Applied:
		return nhsuk.Tag{Text: "Applied", Colour: nhsuk.Green}
	case upload.Rejected:
		return nhsuk.Tag{Text: "Rejected", Colour: nhsuk.Red}
	case upload.Cancelled:
		return nhsuk.Tag{Text: "Given up", Colour: nhsuk.Grey}
	case upload.Checked:
		return nhsuk.Tag{Text: "Nothing to do", Colour: nhsuk.White}
	}
	return nhsuk.Tag{Text: "Not known", Colour: nhsuk.Grey}
}

// whoWords says who did something.
func whoWords(c *domain.Change) string {
	switch c.Actor {
	case "rule":
		return "Your rules"
	case "service":
		return "The service"
	}
	return cmp.Or(c.Name, c.Actor, "Not known")
}

func extentWords(u *upload.Upload) string {
	what := "Changes only"
	if u.Extent == upload.Whole {
		what = "Whole list"
	}
	if u.Format == upload.SSD {
		what += ", Standard Safeguarding Dataset"
	}
	if u.Sequence > 0 {
		what += ", number " + words.Number(u.Sequence)
	}
	return what
}

// captionOf says which file it is, without its name.
func captionOf(u *upload.Upload) string {
	what := "Changes"
	if u.Extent == upload.Whole {
		what = "Whole list"
	}
	return what + ", sent by " + whoWords(&u.Sent) + " on " + frame.Moment(u.Sent.At) + ", " + counted(u.Counts.Rows, "row", "rows")
}

// counted says how many there are of something.
func counted(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return words.Number(n) + " " + many
}

// fieldNames are what people call the columns.
var fieldNames = map[string]string{
	"nhs_number": "NHS number", "family_name": "Family name", "given_name": "Given name", "date_of_birth": "Date of birth",
	"kind": "Kind of plan", "start": "Start", "end": "End", "expected": "Expected date of birth", "legal_basis": "Legal basis",
	"reference": "Your reference", "restricted": "Restricted", "row": "The row", "file": "The file", "sequence": "The running number", "authority": "The authority",
}

func fieldWords(field string) string { return cmp.Or(fieldNames[field], field) }

// fixes say what to do about a column that is wrong, if what is wrong does not say so
// itself.
var fixes = map[string]string{
	"nhs_number":    "Check the number with whoever gave it to you. Keep the column as text, and enter all 10 digits.",
	"family_name":   "Enter the name as it is written in your case system.",
	"given_name":    "Enter the name as it is written in your case system.",
	"date_of_birth": "Check the date of birth and the NHS number together: one of them is another person’s, or has a slip.",
	"kind":          "Enter cpp for a child protection plan, lac for a looked-after child, or ucpp for an unborn child.",
	"start":         "Enter the day on which the plan began, like 2026-09-01.",
	"end":           "Enter the last day, like 2026-11-20, or leave it empty while the plan is in force.",
	"expected":      "Enter the day on which the baby is due, for unborn children only.",
	"legal_basis":   "Enter s20, s31 or s38, for looked-after children only.",
	"reference":     "Shorten it to 64 characters.",
	"restricted":    "Enter yes if nobody may learn where the person lives. Enter no otherwise.",
	"row":           "Look at the row in your file, correct it or take it out, and send the file again.",
}

// problemWords says what is wrong as a sentence.
func problemWords(v domain.Violation) string {
	text := fieldWords(v.Field) + " " + v.Problem
	if v.Example != "" {
		text += ", like " + v.Example
	}
	return ended(text)
}

// ended returns a text as a sentence: with a capital letter and a full stop.
func ended(text string) string {
	first, size := utf8.DecodeRuneInString(text)
	return string(unicode.ToUpper(first)) + strings.TrimSuffix(text[size:], ".") + "."
}

// changeWords says what changes of a plan.
func changeWords(c *upload.FieldChange) string {
	return fieldWords(c.Field) + ": changed from " + valueWords(c.Old) + " to " + valueWords(c.New)
}

// valueWords writes a value: days as people read them.
func valueWords(value string) string {
	if value == "" {
		return "nothing"
	}
	if d, err := domain.ParseDate(value); err == nil {
		return words.English.Day(d)
	}
	return "“" + value + "”"
}

// outcome is what becomes of rows, as pages name it.
type outcome struct {
	value upload.RowOutcome
	text  string // in a table of counts
	tag   nhsuk.Tag
	count func(*upload.Counts) int
}

// outcomes are in the order in which somebody who decides looks at them.
var outcomes = []outcome{
	{upload.RowEnding, "Plans that end, because the list lacks them", nhsuk.Tag{Text: "Ending", Colour: nhsuk.Red}, func(c *upload.Counts) int { return c.Ending }},
	{upload.RowHeldBack, "Plans that are missing, and stay as they are", nhsuk.Tag{Text: "Stays", Colour: nhsuk.Orange}, func(c *upload.Counts) int { return c.HeldBack }},
	{upload.RowRejected, "Rejected rows", nhsuk.Tag{Text: "Rejected", Colour: nhsuk.Red}, func(c *upload.Counts) int { return c.Rejected }},
	{upload.RowNew, "New plans", nhsuk.Tag{Text: "New", Colour: nhsuk.Green}, func(c *upload.Counts) int { return c.New }},
	{upload.RowChanged, "Changed plans", nhsuk.Tag{Text: "Changed", Colour: nhsuk.Blue}, func(c *upload.Counts) int { return c.Changed }},
	{upload.RowUnchanged, "Unchanged plans", nhsuk.Tag{Text: "Unchanged", Colour: nhsuk.Grey}, func(c *upload.Counts) int { return c.Unchanged }},
}

func outcomeOf(value upload.RowOutcome) outcome {
	for _, o := range outcomes {
		if o.value == value {
			return o
		}
	}
	return outcome{}
}

// sizeWords says how much may be sent.
func sizeWords(bytes int64) string { return words.Number(max(1, bytes>>20)) + " MB" }
