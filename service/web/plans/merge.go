package plans

import (
	"cpis/service/domain"
	"cpis/service/guard"
	"cpis/service/person"
	"cpis/service/web/frame"
	"cpis/service/web/journey"
	"cpis/service/web/nhsuk"
)

// Which of two records stays.
const (
	this  = "this"
	other = "other"
)

// merging is the journey by which two records of one person are to be joined.
func (p *people) merging() *journey.Journey[correction] {
	return p.proposal("/people/{id}/merge", "Two records, one person", journey.Check{
		Title: "Check before you propose this", Button: "Propose to join the records",
		Says: []string{"If a colleague agrees, the plans move to the record that stays. It can be undone.", secondPerson},
	}, merged, askOther(), askStays(), askTheirs(), askWhy("How do you know that both are one person?"))
}

// merged is the proposal to join two records.
func merged(c *correction) *person.ProposeChangeRequest {
	q := &person.ProposeChangeRequest{Kind: person.Merge, NHSNumber: c.Person.NHSNumber, From: c.Number, Superseded: c.Theirs == yes}
	if c.Stays == other {
		q.NHSNumber, q.From = q.From, q.NHSNumber
	}
	return q
}

func askOther() journey.Question[correction] {
	return journey.Question[correction]{
		Name: "other", Title: journey.Always[correction]("What is the NHS number of the other record?"), Before: func(c *correction) nhsuk.Component { return c.inset() },
		Fields: []journey.Field[correction]{{
			Name: "from_nhs_number", Key: "NHS number of the other record", At: func(c *correction) *string { return &c.Number }, Input: journey.Number{Label: "NHS number"},
		}},
	}
}

func askStays() journey.Question[correction] {
	return journey.Question[correction]{
		Name: "stays", Title: journey.Always[correction]("Which NHS number is right?"),
		Fields: []journey.Field[correction]{{
			Name: "stays", Key: "The right number", At: func(c *correction) *string { return &c.Stays }, InputFor: staysInput,
		}},
	}
}

// staysInput offers both numbers.
func staysInput(_ *frame.Visit, c *correction) journey.Input {
	number := journey.Number{}
	return journey.Choice{Empty: "Select which NHS number is right", Choices: []nhsuk.Choice{
		{Value: this, Text: number.Say(c.Person.NHSNumber), Hint: nhsuk.Hint{Text: "The record that you came from"}},
		{Value: other, Text: number.Say(c.Number), Hint: nhsuk.Hint{Text: "The other record"}},
	}}
}

func askTheirs() journey.Question[correction] {
	return journey.Question[correction]{
		Name: "theirs", Title: journey.Always[correction]("Was the other NHS number ever this person's own?"),
		Fields: []journey.Field[correction]{{
			Name: "theirs", Key: "The other number was theirs", At: func(c *correction) *string { return &c.Theirs },
			Input: journey.Choice{Empty: "Select yes if the number was this person's own", Choices: []nhsuk.Choice{
				{Value: yes, Text: "Yes, it was replaced", Hint: nhsuk.Hint{Text: "Both numbers find this person. The plans of all authorities move"}},
				{Value: no, Text: "No, it was never theirs", Hint: nhsuk.Hint{Text: "Your plans move, and nobody is found by the wrong number any more"}},
			}},
		}},
	}
}

// undoing is the journey by which joining two records is to be undone.
func (p *people) undoing() *journey.Journey[correction] {
	j := p.proposal("/proposals/{id}/undo", "Two records again", journey.Check{
		Title: "Check before you propose this", Button: "Propose to undo it",
		Says: []string{"If a colleague agrees, the plans that moved go back to the other record.", secondPerson},
	}, func(c *correction) *person.ProposeChangeRequest {
		return &person.ProposeChangeRequest{Kind: person.Unmerge, MergeID: c.Merge}
	}, askWhy("Why were they two people after all?"))
	j.Begin, j.Back, j.Reads = p.beginUndoing, func(c *correction) string { return "/proposals/" + c.Merge }, "list_plans"
	return j
}

// beginUndoing finds what was done.
func (p *people) beginUndoing(v *frame.Visit, c *correction) ([]string, error) {
	found, err := p.findProposal(v)
	if err != nil {
		return nil, err
	}
	if found.Kind != person.Merge || found.State != domain.Accepted {
		return nil, guard.ErrState
	}
	c.Merge = found.ID
	c.Person = held{
		NHSNumber: found.Person.NHSNumber.Reveal(), Family: found.Person.Family, Given: found.Person.Given, Born: found.Person.DateOfBirth.String(),
	}
	return nil, nil
}
