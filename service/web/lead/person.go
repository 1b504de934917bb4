package lead

import (
	"cmp"
	"errors"
	"net/http"
	"net/url"
	"strconv"

	"cpis/service/domain"
	"cpis/service/guard"
	"cpis/service/plan"
	"cpis/service/web/frame"
	"cpis/service/web/nhsuk"
	"cpis/service/web/planwords"
	"cpis/service/web/words"
)

// personPage shows a person: the authority's plans, and what happened.
type personPage struct {
	frame.Page

	Heading    nhsuk.Heading
	Restricted *nhsuk.WarningCallout
	About      nhsuk.SummaryList
	Plans      []nhsuk.SummaryList
	Ways       []frame.Way // what can be done about them
	Others     nhsuk.InsetText
	Happened   happenedPart
}

// showPerson shows a person.
func (p *pages) showPerson(v *frame.Visit) error {
	id := v.R.PathValue("id")
	found, err := p.Plans.GetPerson(v.R.Context(), v.Caller(), &plan.GetPersonRequest{PersonID: id, Request: v.Request})
	if err != nil {
		return err
	}
	page := &personPage{
		Page: frame.Page{Title: "Person", Back: nhsuk.BackLink{Text: "Find another person", Href: "/people"}}, Heading: frame.Heading("Person"),
		About: aboutPerson(v, found), Ways: planwords.Ways(id, found.Restricted),
		Others: nhsuk.InsetText{Text: "Other authorities may hold plans about this person. You do not see them here."},
	}
	if found.Restricted {
		page.Restricted = &nhsuk.WarningCallout{
			Heading: nhsuk.Heading{Text: "Where this person lives must not be revealed", Level: 2},
			Text:    "Care staff see that a flag exists, and the number of the hub. They do not see your authority.",
		}
	}
	for i := range found.Plans {
		page.Plans = append(page.Plans, planCard(v, &found.Plans[i], found.Person.DateOfBirth))
	}
	if page.Happened, err = p.happened(v, id); err != nil {
		return err
	}
	return v.Show(http.StatusOK, "person", page)
}

func aboutPerson(v *frame.Visit, p *plan.OwnPerson) nhsuk.SummaryList {
	list := nhsuk.SummaryList{Rows: []nhsuk.Row{
		{Key: "Name", Value: words.Name(p.Person.Given, p.Person.Family)},
		{Key: "NHS number", Value: cmp.Or(words.NHSNumber(p.Person.NHSNumber), "Not known")},
		{Key: "Date of birth", Value: words.English.Day(p.Person.DateOfBirth) + ", " + ageWords(p.Person.DateOfBirth, v.Today())},
	}}
	for _, n := range p.Person.Former {
		list.Rows = append(list.Rows, nhsuk.Row{Key: "Earlier NHS number", Value: words.NHSNumber(n)})
	}
	return list
}

// ageWords says how old somebody is.
func ageWords(born, today domain.Date) string {
	years := today.Time().Year() - born.Time().Year()
	if born.AddYears(years).After(today) {
		years--
	}
	if years < 1 {
		return "under 1 year old"
	}
	return strconv.Itoa(years) + either(years, " year old", " years old")
}

// planCard shows a plan as its authority recorded it.
func planCard(v *frame.Visit, p *plan.Plan, born domain.Date) nhsuk.SummaryList {
	card := nhsuk.SummaryList{Card: &nhsuk.Card{Heading: nhsuk.Heading{Text: planwords.Kind(p.Details.Kind), Level: 3}}}
	if to := v.Offered("/plans/" + p.ID); to != "" {
		card.Card.Actions = []nhsuk.Action{{Text: "Open this plan", Href: to, Hidden: "started " + words.English.Day(p.Details.Start)}}
	}
	add := func(key, value string) {
		if value != "" {
			card.Rows = append(card.Rows, nhsuk.Row{Key: key, Value: value})
		}
	}
	card.Rows = append(card.Rows, nhsuk.Row{Key: "State", ValueBody: planwords.Tags(p, born, v.Today())})
	for _, one := range detailsOf(&p.Details) {
		add(one.name, one.value)
	}
	add("Shown to care staff until", planwords.Shown(p))
	if p.TransferTo != "" {
		add("Offered to", cmp.Or(v.Names.Name(p.TransferTo), p.TransferTo))
	}
	add("Last changed", frame.Moment(p.Changed))
	return card
}

// detail is something that is recorded of a plan, in words.
type detail struct{ name, value string }

// detailsOf are what is recorded of a plan, in the order of pages. What is not, is empty.
func detailsOf(d *domain.Details) []detail {
	return []detail{
		{"Started", words.English.Day(d.Start)},
		{"Last day", words.English.Day(d.End)},
		{"Baby due", words.English.Day(d.Expected)},
		{"Legal basis", planwords.Basis(d.Basis)},
		{"Your reference", d.Reference},
		{"Why it ended", d.EndReason},
	}
}

// happenedPart is what happened to a person, day by day.
type happenedPart struct {
	Filter   nhsuk.Radios
	Apply    nhsuk.Button
	Path     string
	Chosen   bool
	Days     []happenedDay
	Failed   bool // it could not be read: that does not mean that nothing happened
	Degraded bool
	Pages    nhsuk.Pagination
}

// happenedDay is what happened on a day.
type happenedDay struct {
	Day   string
	Items []happenedItem
}

// eventFilters are what a timeline can be narrowed to.
var eventFilters = []nhsuk.Choice{
	{Value: "all", Text: "Everything"},
	{Value: string(plan.PlanEvents), Text: "Plans"},
	{Value: string(plan.AccessEvents), Text: "Look-ups"},
	{Value: string(plan.NoticeEvents), Text: "Notices"},
	{Value: string(plan.Corrections), Text: "Corrections"},
}

// eventKind reads what a timeline is narrowed to; what it does not know is everything.
func eventKind(shown string) plan.EventKind {
	switch kind := plan.EventKind(shown); kind {
	case plan.PlanEvents, plan.AccessEvents, plan.NoticeEvents, plan.Corrections:
		return kind
	case plan.AllEvents:
	}
	return plan.AllEvents
}

// happened reads a page of what happened. The plans are shown although it cannot be.
func (p *pages) happened(v *frame.Visit, id string) (happenedPart, error) {
	q := v.R.URL.Query()
	kind, query := eventKind(q.Get("show")), url.Values{}
	part := happenedPart{
		Path: "/people/" + id, Chosen: kind != plan.AllEvents, Apply: nhsuk.Button{Text: "Apply filter", Variant: nhsuk.Secondary, Small: true},
		Filter: nhsuk.Radios{
			Name: "show", Value: cmp.Or(string(kind), "all"), Choices: eventFilters, Small: true, Inline: true, Legend: nhsuk.Legend{Text: "Show", Size: nhsuk.Small},
		},
	}
	if part.Chosen {
		query.Set("show", string(kind))
	}
	ask := plan.EventsRequest{PersonID: id, Kind: kind, Paging: guard.Paging{Page: q.Get("page"), Size: rowsShown}, Request: v.Request}
	found, err := frame.Placed(&ask.Paging.Page, func() (*plan.Events, error) { return p.Plans.ListEvents(v.R.Context(), v.Caller(), &ask) })
	switch {
	case errors.Is(err, guard.ErrUnavailable), errors.Is(err, guard.ErrUnrecorded), errors.Is(err, guard.ErrDamaged):
		part.Failed = true
		return part, nil
	case err != nil:
		return part, err
	}
	part.Days, part.Degraded = daysOf(v, found.Events), found.Degraded
	part.Pages = frame.Around(query, ask.Paging.Page, q.Get("before"), found.Next)
	return part, nil
}

// rowsShown is how many rows a page has.
const rowsShown = 50
