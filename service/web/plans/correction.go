package plans

import (
	"cpis/service/guard"
	"cpis/service/person"
	"cpis/service/plan"
	"cpis/service/web/frame"
	"cpis/service/web/journey"
	"cpis/service/web/nhsuk"
	"cpis/service/web/words"
)

// correction is something about a person that is to be put right.
type correction struct {
	Person held
	Number string // another NHS number
	Stays  string // of two records: "this" or "other"
	Theirs string // "yes": the number that goes was this person's own
	Merge  string // that is to be undone
	Reason string
}

func (c *correction) back() string { return pageOf(c.Person.ID) }

// list says whom it is about.
func (c *correction) list() nhsuk.Component {
	return nhsuk.SummaryList{Rows: []nhsuk.Row{
		{Key: "Name", Value: words.Name(c.Person.Given, c.Person.Family)},
		{Key: "NHS number", Value: journey.Number{}.Say(c.Person.NHSNumber)},
		{Key: "Date of birth", Value: journey.Day{}.Say(c.Person.Born)},
	}}
}

// inset says whom a question is about.
func (c *correction) inset() nhsuk.Component {
	return nhsuk.InsetText{Text: words.Name(c.Person.Given, c.Person.Family) + ", NHS number " + journey.Number{}.Say(c.Person.NHSNumber) + "."}
}

// beginCorrection finds the person.
func (p *people) beginCorrection(v *frame.Visit, c *correction) ([]string, error) {
	found, err := p.Plans.GetPerson(v.R.Context(), v.Caller(), &plan.GetPersonRequest{PersonID: v.R.PathValue("id"), Request: v.Request})
	if err != nil {
		return nil, err
	}
	c.Person = *heldOf(found, v.Today())
	return nil, nil
}

// askWhy is the question why something is put right.
func askWhy(title string) journey.Question[correction] {
	return journey.Question[correction]{
		Name: "reason", Title: journey.Always[correction](title), Before: func(c *correction) nhsuk.Component { return c.inset() },
		Fields: []journey.Field[correction]{reasonOf(func(c *correction) *string { return &c.Reason }, "Reason")},
	}
}

// secondPerson is said of what a colleague has to agree to.
const secondPerson = "Nothing changes until a colleague agrees."

// proposal is the journey by which a change about a person is proposed.
func (p *people) proposal(path, caption string, check journey.Check, ask func(*correction) *person.ProposeChangeRequest, questions ...journey.Question[correction]) *journey.Journey[correction] {
	return &journey.Journey[correction]{
		Path: path, Caption: caption, Who: frame.Leads, Action: "propose_change", Reads: "get_person",
		Begin: p.beginCorrection, Back: (*correction).back, Words: say, Questions: questions,
		Check: func(_ *frame.Visit, c *correction) journey.Check {
			check := check
			check.About = c.list()
			return check
		},
		Act: func(v *frame.Visit, c *correction, request string) (*journey.Ending, error) {
			q := ask(c)
			q.Reason, q.Request = c.Reason, request
			return p.proposeChange(v, q)
		},
	}
}

// proposeChange proposes a change.
func (p *people) proposeChange(v *frame.Visit, q *person.ProposeChangeRequest) (*journey.Ending, error) {
	done, err := p.Persons.ProposeChange(v.R.Context(), v.Caller(), q)
	if err != nil {
		return nil, err
	}
	return &journey.Ending{
		Title: "Change proposed", Proof: frame.ReceiptText(&done.Receipt),
		Next: []string{"Your colleagues have been told, and one of them decides. " + secondPerson, "You can withdraw it until then."},
		Ways: []frame.Way{{Text: "See the proposal", Href: "/proposals/" + done.ID}, {Text: "Go to your home page", Href: "/home"}},
	}, nil
}

// restricting is the journey by which somebody is to be restricted.
func (p *people) restricting() *journey.Journey[correction] {
	j := p.proposal("/people/{id}/restrict", "Keep hidden where somebody lives", journey.Check{
		Title: "Check before you propose this", Button: "Propose to restrict",
		Says: []string{"If a colleague agrees, care staff see that there is a flag, and the hub's number. They see neither your authority nor any other.", secondPerson},
	}, asProposed(person.Restrict), askWhy("Why must where they live be kept hidden?"))
	j.Begin = p.beginRestriction(false)
	return j
}

// lifting is the journey by which a restriction is to be lifted.
func (p *people) lifting() *journey.Journey[correction] {
	j := p.proposal("/people/{id}/lift", "Lift a restriction", journey.Check{
		Title: "Check before you propose this", Button: "Propose to lift the restriction", Risky: true,
		Says: []string{"If a colleague agrees, care staff in England see which authorities have plans about this person, and so about where they live.", secondPerson},
	}, asProposed(person.LiftRestriction), askWhy("Why is it safe to show where they live?"))
	j.Begin = p.beginRestriction(true)
	return j
}

func asProposed(kind person.ChangeKind) func(*correction) *person.ProposeChangeRequest {
	return func(c *correction) *person.ProposeChangeRequest {
		return &person.ProposeChangeRequest{Kind: kind, NHSNumber: c.Person.NHSNumber}
	}
}

// beginRestriction finds the person, who is restricted or not.
func (p *people) beginRestriction(restricted bool) func(*frame.Visit, *correction) ([]string, error) {
	return func(v *frame.Visit, c *correction) ([]string, error) {
		given, err := p.beginCorrection(v, c)
		if err == nil && c.Person.Restricted != restricted {
			err = guard.ErrState
		}
		return given, err
	}
}

// replacing is the journey by which a person gets another NHS number.
func (p *people) replacing() *journey.Journey[correction] {
	return &journey.Journey[correction]{
		Path: "/people/{id}/number", Caption: "Replace an NHS number", Who: frame.Leads, Action: "replace_number", Reads: "get_person",
		Begin: p.beginCorrection, Back: (*correction).back, Words: say,
		Questions: []journey.Question[correction]{
			{
				Name: "number", Title: journey.Always[correction]("What is the new NHS number?"), Before: func(c *correction) nhsuk.Component { return c.inset() },
				Fields: []journey.Field[correction]{{
					Name: "new_nhs_number", Key: "New NHS number", At: func(c *correction) *string { return &c.Number }, Input: journey.Number{Label: "New NHS number"},
				}},
			},
			askWhy("How do you know that it was replaced?"),
		},
		Check: func(_ *frame.Visit, c *correction) journey.Check {
			return journey.Check{
				Title: "Check before you replace the NHS number", Button: "Replace the NHS number", About: c.list(),
				Says: []string{"Care staff find this person by both numbers, and are told that the old one was replaced. Other authorities with plans about this person are told."},
			}
		},
		Act: p.replaceNumber,
	}
}

// replaceNumber replaces the number.
func (p *people) replaceNumber(v *frame.Visit, c *correction, request string) (*journey.Ending, error) {
	done, err := p.Persons.ReplaceNHSNumber(v.R.Context(), v.Caller(), &person.ReplaceNHSNumberRequest{
		Old: c.Person.NHSNumber, New: c.Number, DateOfBirth: c.Person.Born, Reason: c.Reason, Request: request,
	})
	if err != nil {
		return nil, err
	}
	return &journey.Ending{
		Title: "NHS number replaced", Proof: frame.ReceiptText(&done.Receipt),
		Next: []string{"Care staff find this person by the new number from now on, and by the old one as well.", "If this was wrong, replace the number again with the old one."},
		Ways: []frame.Way{{Text: "Go to your home page", Href: "/home"}},
	}, nil
}
