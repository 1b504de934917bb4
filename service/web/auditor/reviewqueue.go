package auditor

import (
	"cmp"
	"net/http"
	"net/url"

	"cpis/service/guard"
	"cpis/service/oversight"
	"cpis/service/web/frame"
	"cpis/service/web/nhsuk"
)

// queuePage lists reviews. It says nothing of who looked, or whom at, before one is
// opened with a reason.
type queuePage struct {
	frame.Page

	Heading nhsuk.Heading
	Closed  bool
	Kind    nhsuk.Select
	Show    nhsuk.Button
	Table   nhsuk.Table
	None    bool
	Pages   nhsuk.Pagination
}

// kindOptions are why look-ups are reviewed, in words.
var kindOptions = []option{
	{string(oversight.OfBreakGlass), "Break-glass"},
	{string(oversight.OfRestricted), "Restricted person"},
	{string(oversight.OfSample), "Drawn by lot"},
}

// listReviews lists reviews, 50 on a page: those that wait, the oldest first, or those
// that are closed.
func (p *pages) listReviews(v *frame.Visit) error {
	q := v.R.URL.Query()
	if !known(kindOptions, q.Get("kind")) {
		return frame.ErrNoPage
	}
	ask := &oversight.ListReviewsRequest{
		Closed: q.Get("closed") == "1", Kind: oversight.ReviewKind(q.Get("kind")),
		Paging: guard.Paging{Page: q.Get("page"), Size: rowsShown}, Request: v.Request,
	}
	found, err := frame.Placed(&ask.Paging.Page, func() (*oversight.ReviewPage, error) {
		return p.Reviews.ListReviews(v.R.Context(), v.Caller(), ask)
	})
	if err != nil {
		return err
	}
	page := &queuePage{
		Page: frame.Page{Title: "Reviews"}, Heading: frame.Heading("Reviews"), Closed: ask.Closed, None: len(found.Reviews) == 0,
		Kind:  nhsuk.Select{Name: "kind", Value: string(ask.Kind), Label: nhsuk.Label{Text: "Why they are reviewed"}, Options: []nhsuk.Option{{Text: "All"}}},
		Show:  nhsuk.Button{Text: "Show", Variant: nhsuk.Secondary},
		Table: reviewTable(v, found.Reviews, ask.Closed),
		Pages: frame.Around(queueQuery(ask), ask.Paging.Page, q.Get("before"), found.Next),
	}
	for _, o := range kindOptions {
		page.Kind.Options = append(page.Kind.Options, nhsuk.Option{Value: o.value, Text: o.text})
	}
	return v.Show(http.StatusOK, "reviews", page)
}

// queueQuery is what a list is narrowed to, as an address has it.
func queueQuery(ask *oversight.ListReviewsRequest) url.Values {
	q := url.Values{}
	if ask.Closed {
		q.Set("closed", "1")
	}
	if ask.Kind != "" {
		q.Set("kind", string(ask.Kind))
	}
	return q
}

func reviewTable(v *frame.Visit, all []oversight.ReviewItem, closed bool) nhsuk.Table {
	t := nhsuk.Table{
		Caption: nhsuk.Heading{Text: "Waiting, the oldest first", Size: nhsuk.Medium}, Responsive: true,
		Columns: []nhsuk.Column{{Text: "Reference"}, {Text: "Why it is reviewed"}, {Text: "Looked up"}, {Text: "Where"}, {Text: "Due"}, {Text: "State"}},
	}
	if closed {
		t.Caption.Text, t.Columns[4].Text = "Closed, the newest first", "Closed"
	}
	for i := range all {
		r := &all[i]
		day := r.Due
		if closed {
			day = r.ClosedAt
		}
		t.Rows = append(t.Rows, []nhsuk.Cell{
			{Text: shortReference(r.ID), Hidden: ", open the review", Href: "/reviews/" + r.ID},
			{Text: textOf(kindOptions, string(r.Kind))},
			{Text: frame.Moment(r.At)},
			{Text: cmp.Or(v.Names.Name(r.Organisation), r.Organisation)},
			{Text: frame.Day(day)},
			{Body: stateOf(r)},
		})
	}
	return t
}

// shortReference is enough of a review's identifier to tell reviews apart.
func shortReference(id string) string { return id[max(0, len(id)-8):] }

// stateOf says how far a review is, and whether it is late.
func stateOf(r *oversight.ReviewItem) nhsuk.Component {
	var all nhsuk.Group
	switch r.State {
	case oversight.ReviewOpen:
		all = append(all, nhsuk.Tag{Text: "Waiting", Colour: nhsuk.Blue})
	case oversight.ReviewSecond:
		all = append(all, nhsuk.Tag{Text: "Needs a second look", Colour: nhsuk.Orange})
	case oversight.ReviewClosed:
		all = append(all, nhsuk.Plain(cmp.Or(reviewTexts[string(r.Outcome)], "Closed")))
	}
	if r.Overdue {
		late := "Overdue"
		if r.State == oversight.ReviewClosed {
			late = "Late"
		}
		all = append(all, nhsuk.Plain(" "), nhsuk.Tag{Text: late, Colour: nhsuk.Red})
	}
	return all
}
