package plans

import (
	"cmp"
	"net/http"

	"cpis/service/domain"
	"cpis/service/guard"
	"cpis/service/person"
	"cpis/service/web/frame"
	"cpis/service/web/journey"
	"cpis/service/web/nhsuk"
	"cpis/service/web/words"
)

// proposed are the kinds of changes that need a second person: what each is called, and
// what is asked of that person.
var proposed = map[person.ChangeKind]struct{ name, question, effect string }{
	person.Restrict: {
		"Restrict a person", "Do you agree to restrict this person?",
		"Care staff will see that there is a flag, and the hub's number. They will not see your authority, nor any other.",
	},
	person.LiftRestriction: {
		"Lift a restriction", "Do you agree to lift this restriction?",
		"Care staff in England will see which authorities have plans about this person, and so about where they live.",
	},
	person.Merge: {
		"Join two records", "Do you agree to join these records?",
		"The plans move from the other record to the one that stays. It can be undone.",
	},
	person.Unmerge: {
		"Undo a join of records", "Do you agree to undo this?",
		"The plans that moved go back to the other record.",
	},
}

// listProposals lists what was proposed, the newest first.
func (p *people) listProposals(v *frame.Visit) error {
	open := v.R.URL.Query().Get("all") == ""
	found, page, err := readPage(v, func(at guard.Paging) (*person.ChangePage, error) {
		return p.Persons.ListChanges(v.R.Context(), v.Caller(), &person.ChangeQuery{OpenOnly: open, Paging: at, Request: v.Request})
	})
	if err != nil {
		return err
	}
	out := newList(v, "Proposals", "/proposals", open, page, found.Next)
	out.Table.Columns = []nhsuk.Column{{Text: "When"}, {Text: "What"}, {Text: "Who it is about"}, {Text: "Proposed by"}, {Text: "State"}}
	for i := range found.Changes {
		c := &found.Changes[i]
		out.Table.Rows = append(out.Table.Rows, []nhsuk.Cell{
			{Text: frame.Moment(c.Proposed.At)},
			{Text: proposed[c.Kind].name, Hidden: ", proposed on " + frame.Moment(c.Proposed.At), Href: "/proposals/" + c.ID},
			{Text: cmp.Or(words.Name(c.Person.Given, c.Person.Family), "Not known")},
			{Text: cmp.Or(c.Proposed.Name, c.Proposed.Actor)},
			{Body: agreedOf(c.State)},
		})
	}
	return v.Show(http.StatusOK, "proposed", out.filled("No proposal waits for a decision.", "Nothing was proposed yet."))
}

// agreedOf is where a proposal stands, in a word.
func agreedOf(s domain.State) nhsuk.Tag {
	t := stateOf(s)
	if s == domain.Accepted {
		t.Text = "Agreed"
	}
	return t
}

func (p *people) findProposal(v *frame.Visit) (*person.ProposedChange, error) {
	found, err := p.Persons.ListChanges(v.R.Context(), v.Caller(), &person.ChangeQuery{ID: v.R.PathValue("id"), Request: v.Request})
	if err != nil {
		return nil, err
	}
	return &found.Changes[0], nil
}

// showProposal shows one proposal, and asks for the decision.
func (p *people) showProposal(v *frame.Visit) error {
	f, err := v.Form()
	if err != nil {
		return err
	}
	return p.askProposal(v, http.StatusOK, f)
}

func (p *people) askProposal(v *frame.Visit, status int, f *frame.Form) error {
	c, err := p.findProposal(v)
	if err != nil {
		return err
	}
	mine := c.Proposed.Actor == v.Session.Caller.ID
	about := proposed[c.Kind]
	title := about.question
	if mine || c.State != domain.Open {
		title = about.name
	}
	page := &decisionPage{
		Page: frame.Page{Title: title, Back: nhsuk.BackLink{Text: "Back to proposals", Href: "/proposals"}}, Heading: frame.Heading(title),
		Tags: nhsuk.Group{agreedOf(c.State)}, Said: c.Proposed.Reason, Cards: proposalCards(c),
		By: "Proposed by " + cmp.Or(c.Proposed.Name, c.Proposed.Actor) + " on " + frame.Moment(c.Proposed.At),
	}
	if c.Decided != nil {
		page.Decided = agreedOf(c.State).Text + " by " + cmp.Or(c.Decided.Name, c.Decided.Actor) + " on " + frame.Moment(c.Decided.At)
		page.Why = c.Decided.Reason
	}
	if c.Kind == person.Merge && c.State == domain.Accepted {
		page.Ways = []frame.Way{{Text: "Undo this", Href: "/proposals/" + c.ID + "/undo"}}
	}
	if c.State == domain.Open {
		page.Effects = []string{"If it is agreed: " + about.effect}
		if mine {
			page.Effects = append(page.Effects, "You proposed this, so a colleague must decide. You can withdraw it.")
		}
		judgementsOf(mine).ask(page, f, "/proposals/"+c.ID)
	}
	return page.show(v, status, f)
}

// judgementsOf are what somebody may decide: what they proposed they can only take
// back.
func judgementsOf(mine bool) decidable {
	if mine {
		return only("Withdraw this proposal")
	}
	return decidable{[]nhsuk.Choice{
		{Value: string(domain.Accept), Text: "Agree", Hint: nhsuk.Hint{Text: "It is done at once"}},
		{Value: string(domain.Decline), Text: "Do not agree", Hint: nhsuk.Hint{Text: "Nothing changes"}},
	}, "Do you agree?", "Send your decision"}
}

// proposalCards are whom a proposal is about: of two records both, with what is
// different marked by a word.
func proposalCards(c *person.ProposedChange) []nhsuk.Component {
	if c.From.NHSNumber.IsZero() {
		return []nhsuk.Component{nhsuk.SummaryList{Rows: personRows(&c.Person, nil)}}
	}
	return []nhsuk.Component{
		nhsuk.SummaryList{Rows: personRows(&c.Person, &c.From), Card: &nhsuk.Card{Heading: nhsuk.Heading{Text: "The record that stays"}}},
		nhsuk.SummaryList{Rows: personRows(&c.From, &c.Person), Card: &nhsuk.Card{Heading: nhsuk.Heading{Text: "The other record"}}},
	}
}

// personRows are what is known of a person, and whether it differs from another.
func personRows(p, other *domain.Person) []nhsuk.Row {
	rows := rowsOf(p)
	if other == nil {
		return rows
	}
	for i, theirs := range rowsOf(other) {
		if rows[i].Value != theirs.Value {
			rows[i].Value += " (different)"
		}
	}
	return rows
}

func rowsOf(p *domain.Person) []nhsuk.Row {
	return []nhsuk.Row{
		{Key: "Name", Value: cmp.Or(words.Name(p.Given, p.Family), "Not known")},
		{Key: "NHS number", Value: journey.Number{}.Say(p.NHSNumber.Reveal())},
		{Key: "Date of birth", Value: journey.Day{}.Say(p.DateOfBirth.String())},
	}
}

// decideProposal takes the decision.
func (p *people) decideProposal(v *frame.Visit) error {
	f, err := v.Form()
	if err != nil {
		return err
	}
	decision, reason := decided(v, f)
	if !f.Fine() {
		return p.askProposal(v, refused, f)
	}
	_, err = p.Persons.DecideChange(v.R.Context(), v.Caller(), &person.DecideChangeRequest{ChangeID: v.R.PathValue("id"), Decision: decision, Reason: reason, Request: f.Act()})
	switch {
	case err == nil:
		return v.ToTelling("/proposals", judgedWords[decision])
	case refuse(f, err):
		return p.askProposal(v, refused, f)
	}
	return err
}

// judgedWords say what happens next.
var judgedWords = map[domain.Decision]string{
	domain.Accept:   "You agreed, and it is done.",
	domain.Decline:  "You did not agree. Nothing changes.",
	domain.Withdraw: "The proposal is withdrawn. Nothing changes.",
}
