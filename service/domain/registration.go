package domain

import (
	"cpis/service/text"
)

// Registration is a plan as an authority wants it recorded. Its texts are as
// the caller sent them.
type Registration struct {
	NHSNumber   string
	Family      string
	Given       string
	DateOfBirth string // YYYY-MM-DD; UCPP: the mother's
	Kind        Kind
	Start       string // YYYY-MM-DD
	End         string // YYYY-MM-DD, or empty
	Expected    string // YYYY-MM-DD: expected date of birth; UCPP only
	Basis       Basis  // LAC only
	Reference   string // the authority's own, or empty
	Restricted  bool   // the person's whereabouts must not be revealed
	Request     string `json:"-"` // request id
}

// Draft is a Registration whose texts have been read and fit together.
type Draft struct {
	Person     Person
	Details    Details
	Restricted bool
}

// Read reads the texts of r, and says everything that is wrong with them. The
// fields are named as the columns of a file are.
func (r *Registration) Read(f forms, today Date) (Draft, Violations) {
	c := Reader{Form: f, Today: today}
	d := Draft{
		Person: Person{
			NHSNumber:   c.Number(r.NHSNumber),
			Family:      c.name("family_name", r.Family),
			Given:       c.name("given_name", r.Given),
			DateOfBirth: c.Born(r.DateOfBirth),
		},
		Details: Details{
			Kind:      c.Kind(r.Kind),
			Start:     c.start(r.Start),
			End:       c.Day("end", r.End),
			Expected:  c.Day("expected", r.Expected),
			Basis:     c.basis(r.Kind, r.Basis),
			Reference: c.Text("reference", r.Reference, MaxReferenceLength, ExampleReference),
		},
		Restricted: r.Restricted,
	}
	c.named(r.Family, r.Given)
	c.fit(r, &d)
	return d, c.Violations
}

// OfRequest names the fields as requests have them: files have a column for
// each, requests put what belongs to the person together.
func OfRequest(v Violations) Violations {
	for i := range v {
		switch v[i].Field {
		case "nhs_number", "family_name", "given_name", "date_of_birth":
			v[i].Field = "person." + v[i].Field
		}
	}
	return v
}

// fit checks that the parts of a draft fit together.
func (c *Reader) fit(r *Registration, d *Draft) {
	p := &d.Details
	c.End(p, p.End)
	switch p.Kind {
	case CPP, LAC:
		if !text.Blank(r.Expected) {
			c.Add("expected", "is for unborn children only", "")
		}
	case UCPP:
		c.fitExpected(r, p)
	}
	c.FitBorn(p, d.Person.DateOfBirth)
}

func (c *Reader) fitExpected(r *Registration, p *Details) {
	switch {
	case text.Blank(r.Expected):
		c.Add("expected", "is required of an unborn child: the expected date of birth", ExampleDay)
	case p.Expected.IsZero() || p.Start.IsZero():
	case p.Expected.After(p.Start.AddDays(maxBeforeBirth)):
		c.Add("expected", "lies more than 44 weeks after the start", ExampleDay)
	case p.Expected.AddDays(maxOverdue).Before(p.Start):
		c.Add("expected", "lies more than 3 weeks before the start: register a cpp for the child that was born", ExampleDay)
	}
}

// FitBorn checks a plan's first day against the date of birth of whom it is
// about.
func (c *Reader) FitBorn(p *Details, born Date) {
	if born.IsZero() || p.Start.IsZero() {
		return
	}
	switch p.Kind {
	case CPP, LAC:
		if p.Start.Before(born) {
			c.Add("start", "lies before the date of birth; for an unborn child register a ucpp under the mother", ExampleDay)
		} else if !p.Start.Before(born.AddYears(AdultAge)) {
			c.Add("start", "must lie before the 18th birthday", ExampleDay)
		}
	case UCPP:
		if p.Start.Before(born.AddYears(minMotherAge)) || !p.Start.Before(born.AddYears(maxMotherAge+1)) {
			c.Add("date_of_birth", "makes the mother younger than 9 or older than 60: give the mother's, not the child's", "1998-04-30")
		}
	}
}

// End checks the last day of a plan.
func (c *Reader) End(p *Details, end Date) {
	switch {
	case end.IsZero():
	case !p.Start.IsZero() && end.Before(p.Start):
		c.Add("end", "lies before the start", ExampleDay)
	case p.Kind == UCPP && !p.Start.IsZero() && end.After(p.Start.AddDays(MaxUnborn)):
		c.Add("end", "lies more than 48 weeks after the start of a plan for an unborn child", ExampleDay)
	case end.After(c.Today.AddDays(maxAhead)):
		c.Add("end", "lies more than a year ahead", ExampleDay)
	}
}
