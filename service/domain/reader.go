package domain

import (
	"strconv"
	"unicode/utf8"

	"cpis/service/text"
)

// Seen checks that a version is given.
func (c *Reader) Seen(version int) {
	if version < 1 {
		c.Add("version", "must be the version of the plan that you saw", "1")
	}
}

// Reason reads why something is done.
func (c *Reader) Reason(text string) string {
	return c.RequiredText("reason", text, MaxReasonLength, exampleReason)
}

// MaxPhoneLength is how many bytes a phone number may have, and ExampleOffice is
// one.
const (
	MaxPhoneLength = 32
	ExampleOffice  = "020 7946 0102"
)

// ReadIdentifiers reads an NHS number and, if there is one, a date of
// birth, and notes what is wrong with them.
func ReadIdentifiers(number, born string, today Date, v *Violations) (NHSNumber, Date) {
	n, problem := ParseNHSNumber(number)
	if problem != "" {
		v.Add("nhs_number", string(problem), "999 000 0018")
	}
	if text.Blank(born) {
		return n, Date{}
	}
	d, err := ParseDate(text.Plain(born))
	switch {
	case err != nil:
		v.Add("date_of_birth", "must be a date of the form YYYY-MM-DD", "2019-04-30")
	case d.After(today):
		v.Add("date_of_birth", "lies in the future", "2019-04-30")
	}
	return n, d
}

// NumberOf reads an NHS number of a field that has a name of its own.
func (c *Reader) NumberOf(field, text string) NHSNumber {
	n, problem := c.Form.number(text)
	if problem != "" {
		c.Add(field, string(problem), ExampleNHSNumber)
	}
	return n
}

// exampleAuthority is a right GSS code, and maxAuthority how long one may be.
const (
	MaxAuthority = 16
)

// What is plausible. Wider than what is likely: a wrong refusal leaves a child
// without a flag.
const (
	MaxNameLength      = 140 // characters
	MaxReferenceLength = 64
	MaxReasonLength    = 500

	firstBirthYear = 1900
	AdultAge       = 18     // years: from then on nobody is put on a CPP or looked after
	minMotherAge   = 9      // years
	maxMotherAge   = 60     // years
	maxOverdue     = 3 * 7  // days from the expected date to the start of a UCPP
	maxBeforeBirth = 44 * 7 // days from the start of a UCPP to the expected date
	MaxUnborn      = 48 * 7 // days from the start of a UCPP to its end
	maxAhead       = 366    // days from today to an end that is known already
)

// Right values, shown beside what is wrong.
const (
	ExampleNHSNumber = "999 000 0018"
	exampleName      = "Example"
	exampleBorn      = "2019-04-30"
	ExampleDay       = "2026-09-01"
	exampleKind      = "cpp"
	exampleBasis     = "s20"
	ExampleReference = "CASE-1042"
	exampleReason    = "Plan ended at review conference"
)

// ProblemRequired says that something is missing.
const (
	ProblemRequired = "is required"
	problemFuture   = "lies in the future"
)

// forms says how texts may be written. Requests and files differ in nothing
// else.
type forms struct {
	number func(text string) (NHSNumber, nhsNumberProblem)
	day    func(text string) (d Date, problem string)
}

// RequestForms are the forms of requests.
var RequestForms = forms{ParseNHSNumber, parseRequestDay}

func parseRequestDay(s string) (Date, string) {
	d, err := ParseDate(text.Plain(s))
	if err != nil {
		return Date{}, "must be a date of the form YYYY-MM-DD"
	}
	return d, ""
}

// Reader reads texts and collects what is wrong with them. What cannot be
// read comes back as the zero value, and later checks pass over it: nothing is
// complained of twice.
type Reader struct {
	Violations
	Form  forms
	Today Date
}

// Number reads an NHS number.
func (c *Reader) Number(text string) NHSNumber {
	n, problem := c.Form.number(text)
	if problem != "" {
		c.Add("nhs_number", string(problem), ExampleNHSNumber)
	}
	return n
}

// name reads a name. Some people have one only, of either kind.
func (c *Reader) name(field, s string) string {
	return c.Text(field, s, MaxNameLength, exampleName)
}

// named notes if there is no name at all.
func (c *Reader) named(family, given string) {
	if text.Blank(family) && text.Blank(given) {
		c.Add("family_name", "or given_name is required: every person has at least one name", exampleName)
	}
}

// SoughtName reads a name that somebody looks for, or a part of it.
func (c *Reader) SoughtName(field, s string) AskedName { return AskName(c.name(field, s)) }

// RequiredText reads a text of one line.
func (c *Reader) RequiredText(field, s string, limit int, example string) string {
	if text.Blank(s) {
		c.Add(field, ProblemRequired, example)
		return ""
	}
	return c.Text(field, s, limit, example)
}

// Text reads a text of one line that may be empty, as people see it.
func (c *Reader) Text(field, s string, limit int, example string) string {
	s = text.Fold(s)
	switch {
	case !text.Fit(s):
		c.Add(field, text.Unfit, example)
	case utf8.RuneCountInString(s) > limit:
		c.Add(field, "must not be longer than "+strconv.Itoa(limit)+" characters", example)
	default:
		return s
	}
	return ""
}

// Day reads a day that may be left out.
func (c *Reader) Day(field, s string) Date {
	if text.Blank(s) {
		return Date{}
	}
	d, problem := c.Form.day(s)
	if problem != "" {
		c.Add(field, problem, ExampleDay)
	}
	return d
}

// Past reads a day that is required and not after today.
func (c *Reader) Past(field, s, example string) Date {
	if text.Blank(s) {
		c.Add(field, ProblemRequired, example)
		return Date{}
	}
	d, problem := c.Form.day(s)
	switch {
	case problem != "":
		c.Add(field, problem, example)
	case d.After(c.Today):
		c.Add(field, problemFuture, example)
	default:
		return d
	}
	return Date{}
}

// Born reads a date of birth, which is required.
func (c *Reader) Born(text string) Date {
	d := c.Past("date_of_birth", text, exampleBorn)
	if !d.IsZero() && d.Time().Year() < firstBirthYear {
		c.Add("date_of_birth", "lies before 1900", exampleBorn)
		return Date{}
	}
	return d
}

func (c *Reader) start(text string) Date { return c.Past("start", text, ExampleDay) }

// Kind reads the kind of a plan.
func (c *Reader) Kind(k Kind) Kind {
	switch k {
	case CPP, LAC, UCPP:
		return k
	}
	c.Add("kind", "must be cpp, lac or ucpp", exampleKind)
	return ""
}

func (c *Reader) basis(k Kind, b Basis) Basis {
	switch {
	case k == LAC && b == NoBasis:
		c.Add("legal_basis", "is required of a looked-after child: s20, s31 or s38", exampleBasis)
	case k == LAC && b != S20 && b != S31 && b != S38:
		c.Add("legal_basis", "must be s20, s31 or s38; others are not in scope", exampleBasis)
	case k != LAC && b != NoBasis:
		c.Add("legal_basis", "is for looked-after children only", "")
	default:
		return b
	}
	return NoBasis
}
