package web

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"net/http"
	"net/url"

	"cpis/service/domain"
	"cpis/service/guard"
	"cpis/service/identity"
	"cpis/service/notice"
	"cpis/service/web/nhsuk"
	"cpis/service/web/words"
)

// Notices are what an authority is told. *notice.Notices does it.
type Notices interface {
	ListNotices(ctx context.Context, c *identity.Caller, q *notice.InboxQuery) (*notice.InboxPage, error)
	GetNotice(ctx context.Context, c *identity.Caller, q *notice.GetNoticeRequest) (*notice.Detail, error)
	AcknowledgeNotice(ctx context.Context, c *identity.Caller, q *notice.AcknowledgeRequest) (*notice.ActResult, error)
	AssignNotice(ctx context.Context, c *identity.Caller, q *notice.AssignRequest) (*notice.ActResult, error)
	ListColleagues(ctx context.Context, c *identity.Caller, q *notice.ListColleaguesRequest) (*notice.ColleagueList, error)
}

// filter is what an inbox is narrowed to. It names nobody, so it stands in the address.
type filter struct{ open, priority, undelivered, mine bool }

// filterOf reads a filter from an address; what it does not know is not there.
func filterOf(q url.Values) filter {
	return filter{q.Get("open") == "1", q.Get("priority") == "1", q.Get("undelivered") == "1", q.Get("mine") == "1"}
}

// query is the filter as an address has it.
func (f filter) query() url.Values {
	q := url.Values{}
	for name, on := range map[string]bool{"open": f.open, "priority": f.priority, "undelivered": f.undelivered, "mine": f.mine} {
		if on {
			q.Set(name, "1")
		}
	}
	return q
}

// words repeats the filter above the list.
func (f filter) words() []string {
	var all []string
	for _, one := range []struct {
		on   bool
		text string
	}{{f.open, "not answered"}, {f.priority, "priority"}, {f.undelivered, "not delivered"}, {f.mine, "given to you"}} {
		if one.on {
			all = append(all, one.text)
		}
	}
	return all
}

// noticesPage is the inbox of an authority.
type noticesPage struct {
	Page

	Heading nhsuk.Heading
	Filters nhsuk.Checkboxes
	Apply   nhsuk.Button
	Chosen  []string
	Table   nhsuk.Table
	None    bool // there are none yet
	NoneFor bool // for this filter
	Pages   nhsuk.Pagination
}

// listNotices is the inbox: the newest first, 50 on a page.
func listNotices(v *visit) error {
	q := v.r.URL.Query()
	f := filterOf(q)
	ask := &notice.InboxQuery{
		Open: f.open, Priority: f.priority, Undelivered: f.undelivered, Paging: guard.Paging{Page: q.Get("page")}, Request: v.request,
	}
	if f.mine {
		ask.AssignedTo = v.session.Caller.ID
	}
	found, err := v.Notices.ListNotices(v.r.Context(), v.caller(), ask)
	if _, invalid := errors.AsType[*domain.InvalidError](err); invalid && ask.Page != "" { // a place that is none: the first page, without an error
		ask.Page = ""
		found, err = v.Notices.ListNotices(v.r.Context(), v.caller(), ask)
	}
	if err != nil {
		return err
	}
	page := &noticesPage{
		Page: Page{Title: "Notices"}, Heading: heading("Notices"), Chosen: f.words(), Filters: f.boxes(),
		Apply: nhsuk.Button{Text: "Apply filters", Variant: nhsuk.Secondary, Small: true}, Table: noticeTable(v, found.Notices),
		Pages: around(f.query(), ask.Page, q.Get("before"), found.Next),
	}
	empty := len(found.Notices) == 0
	page.NoneFor = empty && (len(page.Chosen) > 0 || ask.Page != "")
	page.None = empty && !page.NoneFor
	return v.show(http.StatusOK, "notices", page)
}

func (f filter) boxes() nhsuk.Checkboxes {
	boxes := nhsuk.Checkboxes{
		Name: "filter", Small: true, Legend: nhsuk.Legend{Text: "Show only", Size: nhsuk.Small}, Inline: true,
	}
	for _, one := range []struct {
		name, text string
		on         bool
	}{{"open", "Not answered", f.open}, {"priority", "Priority", f.priority}, {"mine", "Given to me", f.mine}, {"undelivered", "Not delivered", f.undelivered}} {
		boxes.Choices = append(boxes.Choices, nhsuk.Choice{ID: "filter-" + one.name, Name: one.name, Value: "1", Text: one.text, Checked: one.on})
	}
	return boxes
}

func noticeTable(v *visit, all []notice.Notice) nhsuk.Table {
	t := nhsuk.Table{
		Caption: nhsuk.Heading{Text: "Notices, the newest first", Size: nhsuk.Medium}, Responsive: true,
		Columns: []nhsuk.Column{{Text: "When"}, {Text: "What happened"}, {Text: "Who"}, {Text: "Where"}, {Text: "State"}},
	}
	for i := range all {
		n := &all[i]
		t.Rows = append(t.Rows, []nhsuk.Cell{
			{Text: moment(n.At)}, {Text: happened(n), Hidden: ", " + moment(n.At), Href: "/notices/" + n.ID}, {Text: whom(n)}, {Text: placeOf(v, n)}, {Body: tagsOf(v, n)},
		})
	}
	return t
}

// around leads to the pages before and after. The place of the page before is kept in
// the address.
func around(q url.Values, here, before, next string) nhsuk.Pagination {
	at := func(page, before string) string {
		q := maps.Clone(q)
		if page != "" {
			q.Set("page", page)
		}
		if before != "" {
			q.Set("before", before)
		}
		return "?" + q.Encode()
	}
	var p nhsuk.Pagination
	if here != "" {
		p.Previous = nhsuk.Neighbour{Href: at(before, "")}
	}
	if next != "" {
		p.Next = nhsuk.Neighbour{Href: at(next, here)}
	}
	return p
}

// noticePage is one notice.
type noticePage struct {
	Page

	Heading   nhsuk.Heading
	Tags      nhsuk.Group
	Corrected bool
	Corrects  bool
	Degraded  bool
	About     nhsuk.SummaryList
	Done      []done
	Radios    nhsuk.Radios
	Note      nhsuk.CharacterCount
	Submit    nhsuk.Button
	ID        string
	Version   int
	Act       string // request id
}

// done is something that was done about a notice.
type done struct{ What, Who, When, Note string }

// readNotice shows one notice.
func readNotice(v *visit) error {
	f, err := v.form()
	if err != nil {
		return err
	}
	return showNotice(v, http.StatusOK, f)
}

func showNotice(v *visit, status int, f *form) error {
	found, err := v.Notices.GetNotice(v.r.Context(), v.caller(), &notice.GetNoticeRequest{NoticeID: v.r.PathValue("id"), Request: v.request})
	if err != nil {
		return err
	}
	n := &found.Notice
	page := &noticePage{
		Page:    Page{Title: happened(n), Problems: f.problems, Back: nhsuk.BackLink{Text: "Back to notices", Href: "/notices"}},
		Heading: heading(happened(n)), Tags: tagsOf(v, n), Corrected: n.CorrectedBy != "", Corrects: n.Corrects != "", Degraded: n.Degraded,
		About: aboutNotice(v, n), ID: n.ID, Version: n.Version, Act: f.act(), Submit: nhsuk.Button{Text: "Record what was done", PreventDoubleClick: true},
		Radios: nhsuk.Radios{
			Name: "outcome", Value: f.text("outcome"), Legend: nhsuk.Legend{Text: "What did you do?", Size: nhsuk.Medium}, Error: f.error("outcome"),
		},
		Note: nhsuk.CharacterCount{MaxLength: maxNote, Textarea: nhsuk.Textarea{
			Name: "note", Value: f.text("note"), Label: nhsuk.Label{Text: "Note (optional)"}, Error: f.error("note"), Autocomplete: "off", NoSpellcheck: true,
		}},
	}
	for _, o := range outcomes {
		page.Radios.Choices = append(page.Radios.Choices, nhsuk.Choice{Value: string(o.value), Text: o.text})
	}
	for i := range found.Acts {
		page.Done = append(page.Done, doneOf(&found.Acts[i]))
	}
	return v.show(status, "notice", page)
}

// maxNote is the longest note that a room takes.
const maxNote = 500

func doneOf(d *notice.Done) done {
	what := outcomeWords(d.Outcome)
	if what == "" {
		what = "Given to " + cmp.Or(d.AssignedName, d.AssignedTo, "nobody")
	}
	return done{what, cmp.Or(d.Change.Name, d.Change.Actor), moment(d.Change.At), d.Change.Reason}
}

// aboutNotice is what is known of a notice.
func aboutNotice(v *visit, n *notice.Notice) nhsuk.SummaryList {
	var list nhsuk.SummaryList
	add := func(key, value string) {
		if value != "" {
			list.Rows = append(list.Rows, nhsuk.Row{Key: key, Value: value})
		}
	}
	add("Who", whom(n))
	if n.Person != nil {
		add("NHS number", cmp.Or(words.NHSNumber(n.Person.NHSNumber), "Not known"))
		add("Date of birth", words.English.Day(n.Person.DateOfBirth))
	}
	add("When", moment(n.At))
	add("Where", placeOf(v, n))
	add("Who asked", join(n.Actor.Name, n.Actor.Role))
	for _, r := range []struct {
		key         string
		name, phone string
	}{{"For", join(n.Actor.Responsible.Name, n.Actor.Responsible.Role), n.Actor.Responsible.Phone}, {"Safeguarding lead there", n.Actor.Lead.Name, n.Actor.Lead.Phone}} {
		add(r.key, r.name)
		if r.phone != "" {
			list.Rows = append(list.Rows, nhsuk.Row{Key: "Number to call", ValueBody: callLink(r.phone)})
		}
	}
	if !n.Encounter.IsZero() {
		add("Time of the visit", moment(n.Encounter)+", by the care setting's clock")
	}
	add("What was said", n.Text)
	if n.Assignee != nil {
		add("Given to", cmp.Or(n.Assignee.Name, n.Assignee.User))
	}
	return list
}

func join(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + ", " + b
}

// callLink is a number that can be called.
func callLink(number string) nhsuk.Component {
	return nhsuk.ActionLink{Text: number, Href: words.Tel(number)}
}

// answerNotice records what was done about a notice.
func answerNotice(v *visit) error {
	f, err := v.form()
	if err != nil {
		return err
	}
	outcome := notice.AckOutcome(f.text("outcome"))
	if outcomeWords(outcome) == "" {
		f.reject("outcome", "Select what you did")
	}
	if outcome == notice.OtherOutcome && f.text("note") == "" {
		f.reject("note", "Say what was done, in a few words that a colleague will understand")
	}
	if f.fine() {
		_, err := v.Notices.AcknowledgeNotice(v.r.Context(), v.caller(), &notice.AcknowledgeRequest{
			NoticeID: v.r.PathValue("id"), Version: f.version(), Outcome: outcome, Note: f.text("note"), Request: f.act(),
		})
		if err == nil {
			return v.toTelling("/notices?open=1", "Recorded what was done.")
		}
		if !f.refuse(err, map[string]string{"note": "note|Note must be 500 characters or fewer"}) {
			return err
		}
	}
	return showNotice(v, http.StatusUnprocessableEntity, f)
}

// givePage asks to whom a notice is given.
type givePage struct {
	Page

	Heading nhsuk.Heading
	Select  nhsuk.Select
	None    bool
	Submit  nhsuk.Button
	ID      string
	Version string
	Act     string
}

// askToGive asks to whom a notice is given.
func askToGive(v *visit) error {
	f, err := v.form()
	if err != nil {
		return err
	}
	return showGive(v, http.StatusOK, f)
}

func showGive(v *visit, status int, f *form) error {
	found, err := v.Notices.ListColleagues(v.r.Context(), v.caller(), &notice.ListColleaguesRequest{Request: v.request})
	if err != nil {
		return err
	}
	id := v.r.PathValue("id")
	page := &givePage{
		Page:    Page{Title: "Give this notice to a colleague", Problems: f.problems, Back: nhsuk.BackLink{Href: "/notices/" + id}},
		Heading: heading("Give this notice to a colleague"), ID: id, Act: f.act(), Version: f.or("version", v.r.URL.Query().Get("version")),
		Submit: nhsuk.Button{Text: "Give it", PreventDoubleClick: true}, None: len(found.Colleagues) == 0,
		Select: nhsuk.Select{Name: "to", Value: f.text("to"), Label: nhsuk.Label{Text: "Who is to answer it?"}, Error: f.error("to"), Options: []nhsuk.Option{{Text: "Choose a colleague"}}},
	}
	for _, c := range found.Colleagues {
		page.Select.Options = append(page.Select.Options, nhsuk.Option{Value: c.ID, Text: cmp.Or(c.Name, c.User)})
	}
	return v.show(status, "give", page)
}

// giveNotice gives a notice to a colleague.
func giveNotice(v *visit) error {
	f, err := v.form()
	if err != nil {
		return err
	}
	if f.text("to") == "" {
		f.reject("to", "Select who is to answer it")
		return showGive(v, http.StatusUnprocessableEntity, f)
	}
	id := v.r.PathValue("id")
	_, err = v.Notices.AssignNotice(v.r.Context(), v.caller(), &notice.AssignRequest{
		NoticeID: id, Version: f.version(), To: f.text("to"), Request: f.act(),
	})
	switch {
	case err == nil:
		return v.toTelling("/notices/"+id, "The notice was given to your colleague.")
	case f.refuse(err, map[string]string{"to": "to|Select somebody who acted for your authority in the last 90 days"}):
		return showGive(v, http.StatusUnprocessableEntity, f)
	}
	return err
}
