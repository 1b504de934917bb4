package auditor

import (
	"cmp"
	"errors"
	"net/http"

	"cpis/service/domain"
	"cpis/service/guard"
	"cpis/service/oversight"
	"cpis/service/web/frame"
	"cpis/service/web/nhsuk"
	"cpis/service/web/words"
)

// asking is a question with its filter, as an address names them.
type asking struct {
	kind     *reportKind
	id       string
	question question
	filter   reportFilter
}

// path is the address of the answer.
func (a *asking) path() string { return "/reports/" + string(a.kind.report) + "/" + a.id }

// again is the address of the form, with the filter and the question filled in.
func (a *asking) again() string {
	q := a.filter.query()
	q.Set("question", a.id)
	return withQuery("/reports/"+string(a.kind.report), q)
}

// asking finds the question that an address names. Of one that is not kept any more,
// or is a colleague's, the form comes instead, with the filter: nil.
func askingOf(v *frame.Visit) (*asking, error) {
	kind, known := kindOf(v.R.PathValue("report"))
	values := v.R.URL.Query()
	if v.R.Method == http.MethodPost {
		values = v.R.PostForm
	}
	filter, fits := reportFilterOf(values)
	if !known || !fits {
		return nil, frame.ErrNoPage
	}
	a := &asking{kind: kind, id: v.R.PathValue("question"), filter: filter}
	held, ok, err := held(v, a.id)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, v.To(withQuery("/reports/"+string(kind.report), filter.query()))
	}
	a.question = held
	return a, nil
}

// coverage says how far an answer reaches.
type coverage struct {
	Until   string
	Behind  string // how many newer entries are missing; empty if none is
	LeftOut bool
}

func coverageOf(c *oversight.Coverage) coverage {
	out := coverage{Until: frame.Moment(c.CompleteUntil), LeftOut: c.AuthoritiesLeftOut}
	switch {
	case c.Behind == 1:
		out.Behind = "1 newer entry is"
	case c.Behind > 1:
		out.Behind = words.Number(c.Behind) + " newer entries are"
	}
	return out
}

// countPage says how many entries a report has.
type countPage struct {
	frame.Page

	Heading  nhsuk.Heading
	Entries  string
	Words    []string
	Coverage coverage
	Run      nhsuk.Button
	Again    string
}

// countReport counts the entries of a report.
func (p *pages) countReport(v *frame.Visit) error {
	a, err := askingOf(v)
	if a == nil {
		return err
	}
	found, err := p.Reports.CountEntries(v.R.Context(), v.Caller(), &oversight.CountRequest{
		Report: a.kind.report, Query: a.question.query(a.filter), Request: v.Request,
	})
	if err != nil {
		return err
	}
	return v.Show(http.StatusOK, "report_count", &countPage{
		Page: frame.Page{Title: a.kind.title, Back: nhsuk.BackLink{Text: "Change the question", Href: a.again()}}, Heading: frame.Heading(a.kind.title),
		Entries: entries(found.Entries), Words: a.filter.words(), Coverage: coverageOf(&found.Coverage), Again: a.again(),
		Run: nhsuk.Button{Text: "Run report", Href: withQuery(a.path(), a.filter.query())},
	})
}

// entries says how many there are.
func entries(n int64) string {
	if n == 1 {
		return "1 entry"
	}
	return words.Number(n) + " entries"
}

// resultPage shows entries.
type resultPage struct {
	frame.Page

	Heading  nhsuk.Heading
	Lead     string
	Words    []string
	Coverage coverage
	Table    nhsuk.Table
	None     bool
	Pages    nhsuk.Pagination
	Again    string
	Count    string
	Path     string
	Filter   []hidden
	Act      string
	Formats  nhsuk.Checkboxes
	Export   nhsuk.Button
}

// hidden is a field that a form carries along.
type hidden struct{ Name, Value string }

// showReport shows the entries of a report: the newest first, 50 on a page.
func (p *pages) showReport(v *frame.Visit) error {
	if kept, err := v.TakeTyped(); err != nil || kept != nil { // back from a log-in in the middle of the form below
		if err != nil {
			return err
		}
		filter, _ := reportFilterOf(kept)
		return v.To(withQuery(v.R.URL.Path, filter.query()))
	}
	a, err := askingOf(v)
	if a == nil {
		return err
	}
	place := v.R.URL.Query().Get("page")
	ask := &oversight.ListRequest{
		Report: a.kind.report, Query: a.question.query(a.filter), Oldest: a.filter.oldest, Paging: guard.Paging{Page: place, Size: rowsShown}, Request: v.Request,
	}
	found, err := p.Reports.ListEntries(v.R.Context(), v.Caller(), ask)
	if _, invalid := errors.AsType[*domain.InvalidError](err); invalid && place != "" { // a place that is none: the first page, without an error
		return v.To(withQuery(a.path(), a.filter.query()))
	}
	if err != nil {
		return err
	}
	page := &resultPage{
		Page: frame.Page{Title: a.kind.title, Back: nhsuk.BackLink{Text: "Change the question", Href: a.again()}}, Heading: frame.Heading(a.kind.title),
		Words: a.filter.words(), Coverage: coverageOf(&found.Coverage), Table: entryTable(a, found.Entries), None: len(found.Entries) == 0,
		Pages: frame.Around(a.filter.query(), place, v.R.URL.Query().Get("before"), found.Next),
		Again: a.again(), Count: withQuery(a.path()+"/count", a.filter.query()),
		Path: a.path(), Act: v.Request, Formats: formatBoxes(),
		Export: nhsuk.Button{Text: "Make a file", Variant: nhsuk.Secondary, PreventDoubleClick: true},
	}
	for name, values := range a.filter.query() {
		page.Filter = append(page.Filter, hidden{name, values[0]})
	}
	page.Lead = leadOf(place, a.filter.oldest, found)
	return v.Show(http.StatusOK, "report_result", page)
}

// rowsShown is how many rows a page has.
const rowsShown = 50

// leadOf says how many entries are shown, of how many if that is known.
func leadOf(place string, oldest bool, found *oversight.Page) string {
	shown := entries(int64(len(found.Entries)))
	switch {
	case place != "":
		return "The next " + shown
	case found.Next != "" && oldest:
		return "The oldest " + shown
	case found.Next != "":
		return "The newest " + shown
	}
	return shown
}

// when is the head of the one column that entries are sorted by. Its link has the other
// order, and begins on the first page.
func (a *asking) when() nhsuk.Column {
	to, sorted := a.filter, nhsuk.Descending
	if to.oldest = !to.oldest; a.filter.oldest {
		sorted = nhsuk.Ascending
	}
	return nhsuk.Column{Text: "When", Sort: sorted, Href: withQuery(a.path(), to.query())}
}

// entryTable shows entries, as people read them.
func entryTable(a *asking, all []oversight.Entry) nhsuk.Table {
	kind, caption := a.kind, "Entries, the newest first"
	if a.filter.oldest {
		caption = "Entries, the oldest first"
	}
	t := nhsuk.Table{
		Caption: nhsuk.Heading{Text: caption, Size: nhsuk.Medium}, Responsive: true,
		Columns: []nhsuk.Column{a.when(), {Text: "Who"}, {Text: "Where"}, {Text: "What they did"}, {Text: "Answer"}, {Text: "Why"}},
	}
	child, glass := kind.asks == asksPerson, kind.report == oversight.BreakGlass
	if glass {
		t.Columns = append(t.Columns, nhsuk.Column{Text: "Review"})
	}
	if !child {
		t.Columns = append(t.Columns, nhsuk.Column{Text: "Person"})
	}
	for i := range all {
		e := &all[i]
		row := []nhsuk.Cell{
			{Text: frame.Moment(e.Time)},
			{Body: whoActed(e)},
			{Text: cmp.Or(e.Organised, e.Organisation, "None")},
			{Body: whatWasDone(e)},
			{Text: answerWords(e.Outcome)},
			{Text: cmp.Or(whyWords(e), "None")},
		}
		if glass {
			row = append(row, reviewCell(e))
		}
		if !child {
			row = append(row, nhsuk.Cell{Text: cmp.Or(shortSubject(e.Subject), "None")})
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

// whoActed is the user ID and the role.
func whoActed(e *oversight.Entry) nhsuk.Component {
	if role := frame.RoleWords(e.Role); role != "" {
		return nhsuk.Plain(e.Actor + ", " + role)
	}
	return nhsuk.Plain(e.Actor)
}

// glassTag marks what was done without the right to.
var glassTag = nhsuk.Tag{Text: "Break-glass", Colour: nhsuk.Pink}

// whatWasDone says what was done, with what is remarkable about it as tags.
func whatWasDone(e *oversight.Entry) nhsuk.Component {
	all := nhsuk.Group{nhsuk.Plain(actionWords(e.Action))}
	if e.BreakGlass {
		all = append(all, nhsuk.Plain(" "), glassTag)
	}
	if e.Restricted {
		all = append(all, nhsuk.Plain(" "), nhsuk.Tag{Text: "Restricted", Colour: nhsuk.Purple})
	}
	if e.ReviewID != "" && e.Reviewed.IsZero() {
		all = append(all, nhsuk.Plain(" "), nhsuk.Tag{Text: "Unexplained", Colour: nhsuk.Orange})
	}
	return all
}

// reviewCell leads to the review of a break-glass look-up.
func reviewCell(e *oversight.Entry) nhsuk.Cell {
	if e.ReviewID == "" {
		return nhsuk.Cell{Text: "None"}
	}
	return nhsuk.Cell{Text: reviewLink(e), Hidden: " of " + frame.Moment(e.Time), Href: "/reviews/" + e.ReviewID}
}

func reviewLink(e *oversight.Entry) string {
	if e.Reviewed.IsZero() {
		return "Open the review"
	}
	return cmp.Or(reviewTexts[e.ReviewOutcome], "Closed")
}

// whyWords says why, as far as the entry does.
func whyWords(e *oversight.Entry) string {
	switch e.Action {
	case "read_reports", "export_report", "download_export":
		return reasonWords(e.Purpose)
	}
	return frame.Join(plainWords(e.Purpose), plainWords(e.Grounds))
}

// shortSubject is enough of what the log calls a person to tell people apart.
func shortSubject(subject string) string {
	if len(subject) <= 8 {
		return subject
	}
	return subject[:8]
}
