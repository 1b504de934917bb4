package service

import (
	"strconv"
	"unicode/utf8"

	"cpis/service/text"
)

// What is plausible. Wider than what is likely: a wrong refusal leaves a child
// without a flag.
const (
	maxNameLength      = 140 // characters
	maxReferenceLength = 64
	maxReasonLength    = 500

	firstBirthYear = 1900
	adultAge       = 18     // years: from then on nobody is put on a CPP or looked after
	minMotherAge   = 9      // years
	maxMotherAge   = 60     // years
	maxOverdue     = 3 * 7  // days from the expected date to the start of a UCPP
	maxBeforeBirth = 44 * 7 // days from the start of a UCPP to the expected date
	maxUnborn      = 48 * 7 // days from the start of a UCPP to its end
	maxAhead       = 366    // days from today to an end that is known already
)

// Right values, shown beside what is wrong.
const (
	exampleNHSNumber = "999 000 0018"
	exampleName      = "Example"
	exampleBorn      = "2019-04-30"
	exampleDay       = "2026-09-01"
	exampleKind      = "cpp"
	exampleBasis     = "s20"
	exampleReference = "CASE-1042"
	exampleReason    = "Plan ended at review conference"
)

const (
	problemRequired = "is required"
	problemFuture   = "lies in the future"
)

// forms says how texts may be written. Requests and files differ in nothing
// else.
type forms struct {
	number func(text string) (NHSNumber, nhsNumberProblem)
	day    func(text string) (d Date, problem string)
}

// requestForms are the forms of requests.
var requestForms = forms{ParseNHSNumber, parseRequestDay}

func parseRequestDay(s string) (Date, string) {
	d, err := ParseDate(text.Plain(s))
	if err != nil {
		return Date{}, "must be a date of the form YYYY-MM-DD"
	}
	return d, ""
}

// draft is a Registration whose texts have been read and fit together.
type draft struct {
	person     Person
	details    Details
	restricted bool
}

// read reads the texts of r, and says everything that is wrong with them. The
// fields are named as the columns of a file are.
func (r *Registration) read(f forms, today Date) (draft, violations) {
	c := checker{form: f, today: today}
	d := draft{
		person: Person{
			NHSNumber:   c.number(r.NHSNumber),
			Family:      c.name("family_name", r.Family),
			Given:       c.name("given_name", r.Given),
			DateOfBirth: c.born(r.DateOfBirth),
		},
		details: Details{
			Kind:      c.kind(r.Kind),
			Start:     c.start(r.Start),
			End:       c.day("end", r.End),
			Expected:  c.day("expected", r.Expected),
			Basis:     c.basis(r.Kind, r.Basis),
			Reference: c.text("reference", r.Reference, maxReferenceLength, exampleReference),
		},
		restricted: r.Restricted,
	}
	c.named(r.Family, r.Given)
	c.fit(r, &d)
	return d, c.violations
}

// ofRequest names the fields as requests have them: files have a column for
// each, requests put what belongs to the person together.
func ofRequest(v violations) violations {
	for i := range v {
		switch v[i].Field {
		case "nhs_number", "family_name", "given_name", "date_of_birth":
			v[i].Field = "person." + v[i].Field
		}
	}
	return v
}

// checker reads texts and collects what is wrong with them. What cannot be
// read comes back as the zero value, and later checks pass over it: nothing is
// complained of twice.
type checker struct {
	violations
	form  forms
	today Date
}

func (c *checker) number(text string) NHSNumber {
	n, problem := c.form.number(text)
	if problem != "" {
		c.add("nhs_number", string(problem), exampleNHSNumber)
	}
	return n
}

// name reads a name. Some people have one only, of either kind.
func (c *checker) name(field, s string) string {
	return c.text(field, s, maxNameLength, exampleName)
}

// named notes where there is no name at all.
func (c *checker) named(family, given string) {
	if text.Blank(family) && text.Blank(given) {
		c.add("family_name", "is required, or given_name is: a person has one name at least", exampleName)
	}
}

// requiredText reads a text of one line.
func (c *checker) requiredText(field, s string, limit int, example string) string {
	if text.Blank(s) {
		c.add(field, problemRequired, example)
		return ""
	}
	return c.text(field, s, limit, example)
}

// text reads a text of one line that may be empty, as people see it.
func (c *checker) text(field, s string, limit int, example string) string {
	s = text.Fold(s)
	switch {
	case !text.Fit(s):
		c.add(field, text.Unfit, example)
	case utf8.RuneCountInString(s) > limit:
		c.add(field, "must not be longer than "+strconv.Itoa(limit)+" characters", example)
	default:
		return s
	}
	return ""
}

// day reads a day that may be left out.
func (c *checker) day(field, s string) Date {
	if text.Blank(s) {
		return Date{}
	}
	d, problem := c.form.day(s)
	if problem != "" {
		c.add(field, problem, exampleDay)
	}
	return d
}

// past reads a day that is required and not after today.
func (c *checker) past(field, s, example string) Date {
	if text.Blank(s) {
		c.add(field, problemRequired, example)
		return Date{}
	}
	d, problem := c.form.day(s)
	switch {
	case problem != "":
		c.add(field, problem, example)
	case d.After(c.today):
		c.add(field, problemFuture, example)
	default:
		return d
	}
	return Date{}
}

func (c *checker) born(text string) Date {
	d := c.past("date_of_birth", text, exampleBorn)
	if !d.IsZero() && d.Time().Year() < firstBirthYear {
		c.add("date_of_birth", "lies before 1900", exampleBorn)
		return Date{}
	}
	return d
}

func (c *checker) start(text string) Date { return c.past("start", text, exampleDay) }

func (c *checker) kind(k Kind) Kind {
	switch k {
	case CPP, LAC, UCPP:
		return k
	}
	c.add("kind", "must be cpp, lac or ucpp", exampleKind)
	return ""
}

func (c *checker) basis(k Kind, b Basis) Basis {
	switch {
	case k == LAC && b == NoBasis:
		c.add("legal_basis", "is required of a looked-after child: s20, s31 or s38", exampleBasis)
	case k == LAC && b != S20 && b != S31 && b != S38:
		c.add("legal_basis", "must be s20, s31 or s38; others are not in scope", exampleBasis)
	case k != LAC && b != NoBasis:
		c.add("legal_basis", "is for looked-after children only", "")
	default:
		return b
	}
	return NoBasis
}

// fit checks that the parts of a draft fit together.
func (c *checker) fit(r *Registration, d *draft) {
	p := &d.details
	c.end(p, p.End)
	switch p.Kind {
	case CPP, LAC:
		if !text.Blank(r.Expected) {
			c.add("expected", "is for unborn children only", "")
		}
	case UCPP:
		c.fitExpected(r, p)
	}
	c.fitBorn(p, d.person.DateOfBirth)
}

func (c *checker) fitExpected(r *Registration, p *Details) {
	switch {
	case text.Blank(r.Expected):
		c.add("expected", "is required of an unborn child: the expected date of birth", exampleDay)
	case p.Expected.IsZero() || p.Start.IsZero():
	case p.Expected.After(p.Start.AddDays(maxBeforeBirth)):
		c.add("expected", "lies more than 44 weeks after the start", exampleDay)
	case p.Expected.AddDays(maxOverdue).Before(p.Start):
		c.add("expected", "lies more than 3 weeks before the start: register a cpp for the child that was born", exampleDay)
	}
}

// fitBorn checks a plan's first day against the date of birth of whom it is
// about.
func (c *checker) fitBorn(p *Details, born Date) {
	if born.IsZero() || p.Start.IsZero() {
		return
	}
	switch p.Kind {
	case CPP, LAC:
		if p.Start.Before(born) {
			c.add("start", "lies before the date of birth; for an unborn child register a ucpp under the mother", exampleDay)
		} else if !p.Start.Before(born.AddYears(adultAge)) {
			c.add("start", "must lie before the 18th birthday", exampleDay)
		}
	case UCPP:
		if p.Start.Before(born.AddYears(minMotherAge)) || !p.Start.Before(born.AddYears(maxMotherAge+1)) {
			c.add("date_of_birth", "makes the mother younger than 9 or older than 60: give the mother's, not the child's", "1998-04-30")
		}
	}
}

// end checks the last day of a plan.
func (c *checker) end(p *Details, end Date) {
	switch {
	case end.IsZero():
	case !p.Start.IsZero() && end.Before(p.Start):
		c.add("end", "lies before the start", exampleDay)
	case p.Kind == UCPP && !p.Start.IsZero() && end.After(p.Start.AddDays(maxUnborn)):
		c.add("end", "lies more than 48 weeks after the start of a plan for an unborn child", exampleDay)
	case end.After(c.today.AddDays(maxAhead)):
		c.add("end", "lies more than a year ahead", exampleDay)
	}
}
