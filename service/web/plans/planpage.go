package plans

import (
	"cmp"
	"net/http"
	"strconv"

	"cpis/service/domain"
	"cpis/service/plan"
	"cpis/service/web/frame"
	"cpis/service/web/journey"
	"cpis/service/web/nhsuk"
	"cpis/service/web/planwords"
	"cpis/service/web/words"
)

// planPage is one plan, and whom it is about: where it stands, what can be done, and what was.
type planPage struct {
	frame.Page

	Heading    nhsuk.Heading
	Tags       nhsuk.Group
	Restricted bool
	List       nhsuk.SummaryList
	Ways       []frame.Way
	Person     []frame.Way // what can be done about whom it is about
	History    []version
}

// version is a plan as it was from one change to the next.
type version struct {
	What, Who, When, Why string
	Facts                nhsuk.Details // none if another authority's
}

// showPlan shows one plan.
func (p *pages) showPlan(v *frame.Visit) error {
	found, err := p.find(v)
	if err != nil {
		return err
	}
	all, err := p.Plans.ListVersions(v.R.Context(), v.Caller(), &plan.ListVersionsRequest{PlanID: found.Plan.ID, Request: v.Request})
	if err != nil {
		return err
	}
	a := aboutOf(found)
	title := planwords.Kind(a.Kind)
	page := &planPage{
		Page: frame.Page{Title: title, Back: nhsuk.BackLink{Href: pageOf(a.PersonID)}}, Heading: frame.Heading(title), Restricted: found.Restricted,
		Tags: planwords.Tags(&found.Plan, found.Person.DateOfBirth, v.Today()), List: a.facts(&found.Plan), Ways: a.offers(&found.Plan), Person: a.personOffers(),
	}
	if found.Plan.TransferTo != "" {
		page.List.Rows = append(page.List.Rows, nhsuk.Row{Key: "Offered to", Value: v.Names.Name(found.Plan.TransferTo)})
	}
	for i := range all.Versions {
		page.History = append(page.History, versionOf(v, &all.Versions[i]))
	}
	return v.Show(http.StatusOK, "plan", page)
}

// pageOf is the page from which what is about a person is reached.
func pageOf(person string) string {
	if person == "" {
		return "/plans"
	}
	return "/people/" + person
}

// facts are what the plan says.
func (a *about) facts(p *plan.Plan) nhsuk.SummaryList {
	list := nhsuk.SummaryList{Rows: []nhsuk.Row{
		{Key: whomKey(a.Kind), Value: words.Name(a.Seen.Given, a.Seen.Family)}, {Key: "NHS number", Value: journey.Number{}.Say(a.NHSNumber)},
	}}
	list.Rows = append(list.Rows, a.rows(2)...)
	list.Rows = append(list.Rows, nhsuk.Row{Key: "Shown to care staff until", Value: planwords.Shown(p)})
	return list
}

// rows are the parts of a plan, from one on.
func (a *about) rows(from int) []nhsuk.Row {
	var all []nhsuk.Row
	for i := range parts[from:] {
		if p := &parts[from+i]; p.has(a.Kind) {
			all = append(all, nhsuk.Row{Key: p.key, Value: p.input.Say(*p.at(&a.Seen))})
		}
	}
	return all
}

// offers are what can be done with the plan as it stands.
func (a *about) offers(p *plan.Plan) []frame.Way {
	var ways []frame.Way
	add := func(ok bool, text, way, about string) {
		if ok {
			ways = append(ways, frame.Way{Text: text, Href: a.path() + "/" + way, About: about})
		}
	}
	there := !p.Removed
	add(there && !p.Ended && a.Kind == domain.UCPP, "Record the birth", "birth", "Ends this plan, and registers one for the baby if you want")
	add(there && !p.Ended, "End this plan", "end", "It is over, or will be on a day that you know")
	add(there, "Change this plan", "change", "Something in it is wrong or missing")
	add(there && !p.Ended && p.TransferTo == "", "Offer this plan to another authority", "transfer", "The child has moved, or will")
	add(there, "Remove this plan", "remove", "It was entered by mistake")
	return ways
}

// personOffers are what can be done about the person.
func (a *about) personOffers() []frame.Way {
	if a.PersonID == "" {
		return nil
	}
	person := frame.Way{Text: "What happened to this person", Href: pageOf(a.PersonID), About: "All your plans, look-ups and notices"}
	return append([]frame.Way{person}, planwords.Ways(a.PersonID, a.Restricted)...)
}

// versionOf shows a version, as far as it is the authority's own.
func versionOf(v *frame.Visit, one *plan.Version) version {
	c := &one.Change
	out := version{What: planwords.Act(c.Act), Who: cmp.Or(c.Name, c.Actor, "Somebody"), When: words.English.Moment(c.At), Why: c.Reason}
	if one.Authority != v.Session.Caller.Organisation {
		out.Who = frame.Join(out.Who, v.Names.Name(one.Authority))
		return out
	}
	if one.Plan.Details.Kind == "" {
		return out // the person was erased
	}
	a := aboutOf(&plan.Found{Listed: plan.Listed{Plan: one.Plan, Person: domain.Person{Family: one.Family, Given: one.Given}}})
	out.Facts = nhsuk.Details{Summary: "What version " + strconv.Itoa(one.Plan.Version) + " said", Body: nhsuk.SummaryList{Rows: a.past()}}
	return out
}

// past are the parts of a version: the date of birth is the person's and has none.
func (a *about) past() []nhsuk.Row {
	rows := a.rows(0)
	return append(rows[:2:2], rows[3:]...)
}
