package plans

import (
	"cmp"

	"cpis/service/domain"
	"cpis/service/guard"
	"cpis/service/plan"
	"cpis/service/web/frame"
	"cpis/service/web/journey"
	"cpis/service/web/nhsuk"
	"cpis/service/web/planwords"
	"cpis/service/web/words"
)

// about is the plan that a journey changes, as it was seen when that began: its texts
// are those of an amendment that changes nothing.
type about struct {
	Seen       plan.AmendPlanRequest
	Kind       domain.Kind
	NHSNumber  string
	PersonID   string
	Restricted bool
}

func (a *about) id() string { return a.Seen.PlanID }

func (a *about) path() string { return "/plans/" + a.Seen.PlanID }

// aboutOf is a plan as it is now.
func aboutOf(found *plan.Found) about {
	p, d := &found.Person, &found.Plan.Details
	return about{
		Kind: d.Kind, NHSNumber: p.NHSNumber.Reveal(), PersonID: found.PersonID, Restricted: found.Restricted,
		Seen: plan.AmendPlanRequest{
			PlanID: found.Plan.ID, Version: found.Plan.Version, Family: p.Family, Given: p.Given, DateOfBirth: p.DateOfBirth.String(),
			Start: d.Start.String(), End: d.End.String(), Expected: d.Expected.String(), Basis: d.Basis, Reference: d.Reference,
		},
	}
}

// part is something that a plan says.
type part struct {
	name, key string
	at        func(q *plan.AmendPlanRequest) *string
	input     journey.Input
	of        domain.Kind // only plans of this kind have it; all if empty
}

// parts are what plans say, in the order of the pages.
var parts = []part{
	{"given_name", "Given names", func(q *plan.AmendPlanRequest) *string { return &q.Given }, givenInput(), ""},
	{"family_name", "Family name", func(q *plan.AmendPlanRequest) *string { return &q.Family }, familyInput(), ""},
	{"date_of_birth", "Date of birth", func(q *plan.AmendPlanRequest) *string { return &q.DateOfBirth }, bornInput("Date of birth"), ""},
	{"start", "Started", func(q *plan.AmendPlanRequest) *string { return &q.Start }, startInput(), ""},
	{"expected", "Due date", func(q *plan.AmendPlanRequest) *string { return &q.Expected }, expectedInput(), domain.UCPP},
	{"legal_basis", "Legal basis", func(q *plan.AmendPlanRequest) *string { return (*string)(&q.Basis) }, basisInput(), domain.LAC},
	{"end", "Last day", func(q *plan.AmendPlanRequest) *string { return &q.End }, lastDayInput(), ""},
	{"reference", "Your reference", func(q *plan.AmendPlanRequest) *string { return &q.Reference }, referenceInput(), ""},
}

// has reports whether a plan of a kind has the part.
func (p *part) has(k domain.Kind) bool { return p.of == "" || p.of == k }

// find finds the plan of the page.
func (p *pages) find(v *frame.Visit) (*plan.Found, error) {
	return p.Plans.GetPlan(v.R.Context(), v.Caller(), &plan.GetPlanRequest{PlanID: v.R.PathValue("id"), Request: v.Request})
}

// see is the plan of the page as it is seen when a journey begins that changes it, if
// it can be changed so.
func (p *pages) see(v *frame.Visit, a *about, can func(*plan.Plan) bool) error {
	found, err := p.find(v)
	switch {
	case err != nil:
		return err
	case !can(&found.Plan):
		return guard.ErrState
	}
	*a = aboutOf(found)
	return nil
}

// Where a plan stands that can be changed in some way.
func notRemoved(p *plan.Plan) bool { return !p.Removed }
func inForce(p *plan.Plan) bool    { return !p.Removed && !p.Ended }
func unborn(p *plan.Plan) bool     { return inForce(p) && p.Details.Kind == domain.UCPP }
func notOffered(p *plan.Plan) bool { return inForce(p) && p.TransferTo == "" }

// list says which plan it is, and whom it is about.
func (a *about) list() nhsuk.Component {
	return nhsuk.SummaryList{Rows: []nhsuk.Row{
		{Key: "Plan", Value: a.words()},
		{Key: whomKey(a.Kind), Value: words.Name(a.Seen.Given, a.Seen.Family)},
		{Key: "NHS number", Value: journey.Number{}.Say(a.NHSNumber)},
		{Key: "Date of birth", Value: journey.Day{}.Say(a.Seen.DateOfBirth)},
	}}
}

// words names the plan.
func (a *about) words() string {
	return planwords.Kind(a.Kind) + ", started " + journey.Day{}.Say(a.Seen.Start)
}

// inset says which plan a question is about.
func (a *about) inset() nhsuk.Component {
	return nhsuk.InsetText{Text: words.Name(a.Seen.Given, a.Seen.Family) + ". " + a.words() + "."}
}

// whomKey is what the person of a plan is to it.
func whomKey(k domain.Kind) string {
	if k == domain.UCPP {
		return "Mother"
	}
	return "Child"
}

// changed shows what somebody else changed meanwhile. yours are the answers, of a
// journey that answers what plans say.
func (p *pages) changed(v *frame.Visit, a *about, yours *plan.AmendPlanRequest) (*journey.Change, error) {
	found, err := p.find(v)
	if err != nil {
		return nil, err
	}
	now := aboutOf(found)
	c := &journey.Change{}
	if c.Says, err = p.whoChanged(v, a); err != nil {
		return nil, err
	}
	c.Table = nhsuk.Table{
		Caption: nhsuk.Heading{Text: "What is different", Size: nhsuk.Medium}, Responsive: true, FirstIsHeader: true,
		Columns: []nhsuk.Column{{Text: "What"}, {Text: "As you saw it"}, {Text: "As it is now"}},
	}
	if yours != nil {
		c.Table.Columns = append(c.Table.Columns, nhsuk.Column{Text: "What you typed"})
	}
	for i := range parts {
		c.Table.Rows = append(c.Table.Rows, parts[i].compare(a, &now, yours)...)
	}
	return c, nil
}

// compare is the part's line, if there is a difference.
func (p *part) compare(a, now *about, yours *plan.AmendPlanRequest) [][]nhsuk.Cell {
	was, is := *p.at(&a.Seen), *p.at(&now.Seen)
	typed := was
	if yours != nil {
		typed = *p.at(yours)
	}
	if is == was && typed == was {
		return nil
	}
	row := []nhsuk.Cell{{Text: p.key}, {Text: p.input.Say(was)}, {Text: p.input.Say(is)}}
	switch {
	case yours == nil:
	case typed == was:
		row = append(row, nhsuk.Cell{Text: "Nothing: it stays as it is now"})
	default:
		row = append(row, nhsuk.Cell{Text: p.input.Say(typed)})
	}
	return [][]nhsuk.Cell{row}
}

// whoChanged says who has changed the plan since it was seen, and why.
func (p *pages) whoChanged(v *frame.Visit, a *about) ([]string, error) {
	all, err := p.Plans.ListVersions(v.R.Context(), v.Caller(), &plan.ListVersionsRequest{PlanID: a.id(), Request: v.Request})
	if err != nil {
		return nil, err
	}
	var says []string
	for i := range all.Versions {
		if one := &all.Versions[i]; one.Plan.Version > a.Seen.Version {
			says = append(says, changeWords(&one.Change)+".")
		}
	}
	return says, nil
}

// changeWords says what was done with a plan, by whom, when and why.
func changeWords(c *domain.Change) string {
	text := planwords.Act(c.Act) + " by " + cmp.Or(c.Name, c.Actor, "somebody") + " on " + words.English.Moment(c.At)
	if c.Reason != "" {
		text += ": " + c.Reason
	}
	return text
}

// again takes over how the plan is now. What was typed stays; what was not comes from
// there.
func (p *pages) again(v *frame.Visit, a *about, yours *plan.AmendPlanRequest) error {
	found, err := p.find(v)
	if err != nil {
		return err
	}
	now := aboutOf(found)
	if yours != nil {
		for i := range parts {
			if at := parts[i].at; *at(yours) == *at(&a.Seen) {
				*at(yours) = *at(&now.Seen)
			}
		}
	}
	*a = now
	return nil
}
