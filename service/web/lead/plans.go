package lead

import (
	"cmp"
	"maps"
	"net/http"
	"net/url"

	"cpis/service/domain"
	"cpis/service/guard"
	"cpis/service/plan"
	"cpis/service/web/frame"
	"cpis/service/web/nhsuk"
	"cpis/service/web/planwords"
	"cpis/service/web/words"
)

// planList is how plans are narrowed and ordered. It names nobody, so it stands in the
// address.
type planList struct {
	filter  plan.Filter
	kind    domain.Kind
	order   plan.Order
	reverse bool
}

// planFilters and planKinds are what a list can be narrowed to.
var (
	planFilters = []nhsuk.Choice{
		{Value: "all", Text: "All"},
		{Value: string(plan.ActivePlans), Text: "In force"},
		{Value: string(plan.EndedPlans), Text: "Ended"},
		{Value: string(plan.OverduePlans), Text: "Past the expected date"},
		{Value: string(plan.AdultPlans), Text: "18 or older"},
	}
	planKinds = []nhsuk.Option{
		{Text: "All kinds"},
		{Value: string(domain.CPP), Text: "Child protection plans"},
		{Value: string(domain.LAC), Text: "Looked-after children"},
		{Value: string(domain.UCPP), Text: "Unborn child protection plans"},
	}
)

// planListOf reads a list from an address; what it does not know is not there.
func planListOf(q url.Values) planList {
	l := planList{order: plan.LastChanged}
	for _, c := range planFilters[1:] {
		if q.Get("show") == c.Value {
			l.filter = plan.Filter(c.Value)
		}
	}
	for _, o := range planKinds[1:] {
		if q.Get("kind") == o.Value {
			l.kind = domain.Kind(o.Value)
		}
	}
	if q.Get("sort") == string(plan.LastVisible) {
		l.order = plan.LastVisible
	}
	l.reverse = q.Get("dir") == "reverse"
	return l
}

// query is the list as an address has it.
func (l planList) query() url.Values {
	q := url.Values{}
	set := func(name, value, usual string) {
		if value != usual {
			q.Set(name, value)
		}
	}
	set("show", string(l.filter), "")
	set("kind", string(l.kind), "")
	set("sort", string(l.order), string(plan.LastChanged))
	if l.reverse {
		q.Set("dir", "reverse")
	}
	return q
}

// narrowed reports whether not all plans are wanted.
func (l planList) narrowed() bool { return l.filter != plan.AllPlans || l.kind != "" }

// words says above the list which plans are shown.
func (l planList) words() string {
	text := ""
	for _, c := range planFilters[1:] {
		if c.Value == string(l.filter) {
			text = c.Text
		}
	}
	for _, o := range planKinds[1:] {
		if o.Value == string(l.kind) {
			text = frame.Join(text, o.Text)
		}
	}
	return text
}

// column is the head of a column that plans are sorted by. Its link has the other
// order, or the first one of another column, and begins on the first page.
func (l planList) column(text string, order plan.Order) nhsuk.Column {
	to := l
	to.order, to.reverse = order, l.order == order && !l.reverse
	c := nhsuk.Column{Text: text, Sort: nhsuk.Unsorted, Href: "/plans"}
	if q := to.query(); len(q) > 0 {
		c.Href += "?" + q.Encode()
	}
	if l.order == order {
		c.Sort = nhsuk.Ascending
		if (order == plan.LastChanged) != l.reverse {
			c.Sort = nhsuk.Descending
		}
	}
	return c
}

// plansPage lists plans.
type plansPage struct {
	frame.Page

	Heading nhsuk.Heading
	Show    nhsuk.Radios
	Kind    nhsuk.Select
	Sort    []hidden
	Apply   nhsuk.Button
	Chosen  string
	Table   nhsuk.Table
	None    bool // there are none yet
	NoneFor bool // for this filter
	Further bool // none of those looked at so far, and there are others
	Pages   nhsuk.Pagination
}

// hidden is a field that a form carries along.
type hidden struct{ Name, Value string }

// listPlans lists plans in an order, 50 on a page.
func (p *pages) listPlans(v *frame.Visit) error {
	l := planListOf(v.R.URL.Query())
	ask := plan.ListRequest{
		Filter: l.filter, Kind: l.kind, Order: l.order, Reverse: l.reverse, Request: v.Request,
		Paging: guard.Paging{Page: v.R.URL.Query().Get("page"), Size: rowsShown},
	}
	found, err := frame.Placed(&ask.Paging.Page, func() (*plan.Page, error) { return p.Plans.ListPlans(v.R.Context(), v.Caller(), &ask) })
	if err != nil {
		return err
	}
	page := &plansPage{
		Page: frame.Page{Title: "Plans"}, Heading: frame.Heading("Plans"), Chosen: l.words(), Table: l.table(v, found.Plans),
		Show: nhsuk.Radios{
			Name: "show", Value: cmp.Or(string(l.filter), "all"), Choices: planFilters, Small: true, Inline: true, Legend: nhsuk.Legend{Text: "Show", Size: nhsuk.Small},
		},
		Kind:  nhsuk.Select{Name: "kind", Value: string(l.kind), Options: planKinds, Label: nhsuk.Label{Text: "Kind of plan", Size: nhsuk.Small}},
		Apply: nhsuk.Button{Text: "Apply filters", Variant: nhsuk.Secondary, Small: true},
		Pages: nhsuk.Pagination{Previous: neighbour(l, found.Previous), Next: neighbour(l, found.Next)},
	}
	for _, name := range []string{"sort", "dir"} {
		if value := l.query().Get(name); value != "" {
			page.Sort = append(page.Sort, hidden{name, value})
		}
	}
	if len(found.Plans) == 0 {
		page.Further = found.Next != ""
		page.NoneFor = !page.Further && (l.narrowed() || ask.Paging.Page != "")
		page.None = !page.Further && !page.NoneFor
	}
	return v.Show(http.StatusOK, "plans", page)
}

// neighbour is the page before or after, if there is one.
func neighbour(l planList, place string) nhsuk.Neighbour {
	if place == "" {
		return nhsuk.Neighbour{}
	}
	q := maps.Clone(l.query())
	q.Set("page", place)
	return nhsuk.Neighbour{Href: "/plans?" + q.Encode()}
}

func (l planList) table(v *frame.Visit, all []plan.Listed) nhsuk.Table {
	t := nhsuk.Table{
		Caption: nhsuk.Heading{Text: "Plans of your authority", Size: nhsuk.Medium}, Responsive: true,
		Columns: []nhsuk.Column{
			{Text: "Who"}, {Text: "Plan"}, {Text: "State"}, {Text: "Started"}, l.column("Shown until", plan.LastVisible), l.column("Last changed", plan.LastChanged),
		},
	}
	for i := range all {
		one := &all[i]
		who := nhsuk.Cell{Text: words.Name(one.Person.Given, one.Person.Family)}
		if one.PersonID != "" {
			who.Href, who.Hidden = "/people/"+one.PersonID, ", "+planwords.Kind(one.Plan.Details.Kind)
		}
		state := planwords.Tags(&one.Plan, one.Person.DateOfBirth, v.Today())
		if one.Restricted {
			state = append(state, nhsuk.Tag{Text: "Restricted", Colour: nhsuk.Purple})
		}
		t.Rows = append(t.Rows, []nhsuk.Cell{
			who,
			{Text: planText(&one.Plan)},
			{Body: state},
			{Text: words.English.Day(one.Plan.Details.Start)},
			{Text: planwords.Shown(&one.Plan)},
			{Text: frame.Moment(one.Plan.Changed)},
		})
	}
	return t
}

// planText names a plan, with the authority's own reference if there is one.
func planText(p *plan.Plan) string {
	return frame.Join(planwords.Kind(p.Details.Kind), p.Details.Reference)
}
