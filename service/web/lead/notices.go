package lead

import (
	"cmp"
	"context"
	"net/http"
	"net/url"

	"cpis/service/guard"
	"cpis/service/identity"
	"cpis/service/notice"
	"cpis/service/web/frame"
	"cpis/service/web/nhsuk"
	"cpis/service/web/words"
)

// Notices are what an authority is told. *notice.Notices does it.
type Notices interface {
	ListNotices(ctx context.Context, c *identity.Caller, q *notice.InboxQuery) (*notice.InboxPage, error)
	GetNotice(ctx context.Context, c *identity.Caller, q *notice.GetNoticeRequest) (*notice.Detail, error)
	AcknowledgeNotice(ctx context.Context, c *identity.Caller, q *notice.AcknowledgeRequest) (*notice.ActResult, error)
	AssignNotice(ctx context.Context, c *identity.Caller, q *notice.AssignRequest) (*notice.ActResult, error)
	GetFigures(ctx context.Context, c *identity.Caller, q *notice.FiguresRequest) (*notice.Figures, error)
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
	frame.Page

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
func (p *pages) listNotices(v *frame.Visit) error {
	q := v.R.URL.Query()
	f := filterOf(q)
	ask := &notice.InboxQuery{
		Open: f.open, Priority: f.priority, Undelivered: f.undelivered, Paging: guard.Paging{Page: q.Get("page")}, Request: v.Request,
	}
	if f.mine {
		ask.AssignedTo = v.Session.Caller.ID
	}
	found, err := frame.Placed(&ask.Page, func() (*notice.InboxPage, error) { return p.Notices.ListNotices(v.R.Context(), v.Caller(), ask) })
	if err != nil {
		return err
	}
	page := &noticesPage{
		Page: frame.Page{Title: "Notices"}, Heading: frame.Heading("Notices"), Chosen: f.words(), Filters: f.boxes(),
		Apply: nhsuk.Button{Text: "Apply filters", Variant: nhsuk.Secondary, Small: true}, Table: noticeTable(v, found.Notices),
		Pages: frame.Around(f.query(), ask.Page, q.Get("before"), found.Next),
	}
	empty := len(found.Notices) == 0
	page.NoneFor = empty && (len(page.Chosen) > 0 || ask.Page != "")
	page.None = empty && !page.NoneFor
	return v.Show(http.StatusOK, "notices", page)
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

func noticeTable(v *frame.Visit, all []notice.Notice) nhsuk.Table {
	t := nhsuk.Table{
		Caption: nhsuk.Heading{Text: "Notices, the newest first", Size: nhsuk.Medium}, Responsive: true,
		Columns: []nhsuk.Column{{Text: "When"}, {Text: "What happened"}, {Text: "Who"}, {Text: "Where"}, {Text: "State"}},
	}
	for i := range all {
		n := &all[i]
		t.Rows = append(t.Rows, []nhsuk.Cell{
			{Text: frame.Moment(n.At)}, {Text: happened(n), Hidden: ", " + frame.Moment(n.At), Href: "/notices/" + n.ID}, {Text: whom(n)}, {Text: placeOf(v, n)}, {Body: tagsOf(v, n)},
		})
	}
	return t
}

// noticePage is one notice.
type noticePage struct {
	frame.Page

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
func (p *pages) readNotice(v *frame.Visit) error {
	f, err := v.Form()
	if err != nil {
		return err
	}
	return p.showNotice(v, http.StatusOK, f)
}

func (p *pages) showNotice(v *frame.Visit, status int, f *frame.Form) error {
	found, err := p.Notices.GetNotice(v.R.Context(), v.Caller(), &notice.GetNoticeRequest{NoticeID: v.R.PathValue("id"), Request: v.Request})
	if err != nil {
		return err
	}
	n := &found.Notice
	page := &noticePage{
		Page:    frame.Page{Title: happened(n), Problems: f.Problems, Back: nhsuk.BackLink{Text: "Back to notices", Href: "/notices"}},
		Heading: frame.Heading(happened(n)), Tags: tagsOf(v, n), Corrected: n.CorrectedBy != "", Corrects: n.Corrects != "", Degraded: n.Degraded,
		About: aboutNotice(v, n), ID: n.ID, Version: n.Version, Act: f.Act(), Submit: nhsuk.Button{Text: "Record what was done", PreventDoubleClick: true},
		Radios: nhsuk.Radios{
			Name: "outcome", Value: f.Text("outcome"), Legend: nhsuk.Legend{Text: "What did you do?", Size: nhsuk.Medium}, Error: f.Error("outcome"),
		},
		Note: nhsuk.CharacterCount{MaxLength: maxNote, Textarea: nhsuk.Textarea{
			Name: "note", Value: f.Text("note"), Label: nhsuk.Label{Text: "Note (optional)"}, Error: f.Error("note"), Autocomplete: "off", NoSpellcheck: true,
		}},
	}
	for _, o := range outcomes {
		page.Radios.Choices = append(page.Radios.Choices, nhsuk.Choice{Value: string(o.value), Text: o.text})
	}
	for i := range found.Acts {
		page.Done = append(page.Done, doneOf(&found.Acts[i]))
	}
	return v.Show(status, "notice", page)
}

// maxNote is the longest note that a room takes.
const maxNote = 500

func doneOf(d *notice.Done) done {
	what := outcomeWords(d.Outcome)
	if what == "" {
		what = "Given to " + cmp.Or(d.AssignedName, d.AssignedTo, "nobody")
	}
	return done{what, cmp.Or(d.Change.Name, d.Change.Actor), frame.Moment(d.Change.At), d.Change.Reason}
}

// aboutNotice is what is known of a notice.
func aboutNotice(v *frame.Visit, n *notice.Notice) nhsuk.SummaryList {
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
	add("When", frame.Moment(n.At))
	add("Where", placeOf(v, n))
	add("Who asked", frame.Join(n.Actor.Name, n.Actor.Role))
	for _, r := range []struct {
		key         string
		name, phone string
	}{{"For", frame.Join(n.Actor.Responsible.Name, n.Actor.Responsible.Role), n.Actor.Responsible.Phone}, {"Safeguarding lead there", n.Actor.Lead.Name, n.Actor.Lead.Phone}} {
		add(r.key, r.name)
		if r.phone != "" {
			list.Rows = append(list.Rows, nhsuk.Row{Key: "Number to call", ValueBody: callLink(r.phone)})
		}
	}
	if !n.Encounter.IsZero() {
		add("Time of the visit", frame.Moment(n.Encounter)+", by the care setting's clock")
	}
	add("What was said", n.Text)
	if n.Assignee != nil {
		add("Given to", cmp.Or(n.Assignee.Name, n.Assignee.User))
	}
	return list
}

// callLink is a number that can be called.
func callLink(number string) nhsuk.Component {
	return nhsuk.ActionLink{Text: number, Href: words.Tel(number)}
}

// answerNotice records what was done about a notice.
func (p *pages) answerNotice(v *frame.Visit) error {
	f, err := v.Form()
	if err != nil {
		return err
	}
	outcome := notice.AckOutcome(f.Text("outcome"))
	if outcomeWords(outcome) == "" {
		f.Reject("outcome", "Select what you did")
	}
	if outcome == notice.OtherOutcome && f.Text("note") == "" {
		f.Reject("note", "Say what was done, in a few words that a colleague will understand")
	}
	if f.Fine() {
		_, err := p.Notices.AcknowledgeNotice(v.R.Context(), v.Caller(), &notice.AcknowledgeRequest{
			NoticeID: v.R.PathValue("id"), Version: f.Version(), Outcome: outcome, Note: f.Text("note"), Request: f.Act(),
		})
		if err == nil {
			return v.ToTelling("/notices?open=1", "Recorded what was done.")
		}
		if !f.Refuse(err, map[string]string{"note": "note|Note must be 500 characters or fewer"}) {
			return err
		}
	}
	return p.showNotice(v, http.StatusUnprocessableEntity, f)
}

// givePage asks to whom a notice is given.
type givePage struct {
	frame.Page

	Heading nhsuk.Heading
	Select  nhsuk.Select
	None    bool
	Submit  nhsuk.Button
	ID      string
	Version string
	Act     string
}

// askToGive asks to whom a notice is given.
func (p *pages) askToGive(v *frame.Visit) error {
	f, err := v.Form()
	if err != nil {
		return err
	}
	return p.showGive(v, http.StatusOK, f)
}

func (p *pages) showGive(v *frame.Visit, status int, f *frame.Form) error {
	found, err := p.Notices.ListColleagues(v.R.Context(), v.Caller(), &notice.ListColleaguesRequest{Request: v.Request})
	if err != nil {
		return err
	}
	id := v.R.PathValue("id")
	page := &givePage{
		Page:    frame.Page{Title: "Give this notice to a colleague", Problems: f.Problems, Back: nhsuk.BackLink{Href: "/notices/" + id}},
		Heading: frame.Heading("Give this notice to a colleague"), ID: id, Act: f.Act(), Version: f.Or("version", v.R.URL.Query().Get("version")),
		Submit: nhsuk.Button{Text: "Give it", PreventDoubleClick: true}, None: len(found.Colleagues) == 0,
		Select: nhsuk.Select{Name: "to", Value: f.Text("to"), Label: nhsuk.Label{Text: "Who is to answer it?"}, Error: f.Error("to"), Options: []nhsuk.Option{{Text: "Choose a colleague"}}},
	}
	for _, c := range found.Colleagues {
		page.Select.Options = append(page.Select.Options, nhsuk.Option{Value: c.ID, Text: cmp.Or(c.Name, c.User)})
	}
	return v.Show(status, "give", page)
}

// giveNotice gives a notice to a colleague.
func (p *pages) giveNotice(v *frame.Visit) error {
	f, err := v.Form()
	if err != nil {
		return err
	}
	if f.Text("to") == "" {
		f.Reject("to", "Select who is to answer it")
		return p.showGive(v, http.StatusUnprocessableEntity, f)
	}
	id := v.R.PathValue("id")
	_, err = p.Notices.AssignNotice(v.R.Context(), v.Caller(), &notice.AssignRequest{
		NoticeID: id, Version: f.Version(), To: f.Text("to"), Request: f.Act(),
	})
	switch {
	case err == nil:
		return v.ToTelling("/notices/"+id, "The notice was given to your colleague.")
	case f.Refuse(err, map[string]string{"to": "to|Select somebody who acted for your authority in the last 90 days"}):
		return p.showGive(v, http.StatusUnprocessableEntity, f)
	}
	return err
}
