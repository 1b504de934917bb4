package auditor

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/google/uuid"

	"cpis/service/domain"
	"cpis/service/identity"
	"cpis/service/oversight"
	"cpis/service/session"
	"cpis/service/web/frame"
	"cpis/service/web/nhsuk"
)

// Reports answer questions to the log. *oversight.Reports does it.
type Reports interface {
	CountEntries(ctx context.Context, c *identity.Caller, q *oversight.CountRequest) (*oversight.Count, error)
	ListEntries(ctx context.Context, c *identity.Caller, q *oversight.ListRequest) (*oversight.Page, error)
}

// question is what is asked and why, as far as it may stand in no address.
type question struct {
	Reason    string
	Words     string
	NHSNumber string
	Actor     string
	RequestID string
	Receipt   *int64
	Log       string // of the receipt, if all of it was pasted
}

func questionDraft(id string) session.Draft {
	return session.Draft{Of: "question " + id, UntilLogOut: true}
}

// reportsPage offers the reports.
type reportsPage struct {
	frame.Page

	Heading nhsuk.Heading
	Ways    []frame.Way
}

// offerReports offers the reports.
func offerReports(v *frame.Visit) error {
	page := &reportsPage{Page: frame.Page{Title: "Reports"}, Heading: frame.Heading("Reports")}
	for _, k := range reportKinds {
		page.Ways = append(page.Ways, frame.Way{Text: k.title, Href: "/reports/" + string(k.report), About: k.about})
	}
	return v.Show(http.StatusOK, "reports", page)
}

// reportForm asks what a report is to be about, and why.
type reportForm struct {
	frame.Page

	Heading  nhsuk.Heading
	About    string
	Report   string
	Question string // that is asked again, with other filters
	Chosen   bool   // whom or what it is about is known already
	Whom     *nhsuk.Input
	Place    *nhsuk.Input
	Period   nhsuk.Radios
	Narrow   nhsuk.Group
	Unread   *nhsuk.Checkboxes
	Reason   nhsuk.Radios
	Words    nhsuk.CharacterCount
	Run      nhsuk.Button
	Count    nhsuk.Button
}

// buildReport asks what a report is to be about.
func buildReport(v *frame.Visit) error {
	kind, known := kindOf(v.R.PathValue("report"))
	if !known {
		return frame.ErrNoPage
	}
	f, err := v.Form()
	if err != nil {
		return err
	}
	if f.Values == nil {
		f.Values = v.R.URL.Query()
	}
	return showReportForm(v, http.StatusOK, kind, f)
}

// held returns the question that a form goes on with, if it is still kept.
func held(v *frame.Visit, id string) (q question, ok bool, err error) {
	ok, err = v.Kept(questionDraft(id).Of, &q)
	return q, ok, err
}

// keepQuestion keeps a question, and returns what addresses call it.
func keepQuestion(v *frame.Visit, q *question) (id string, err error) {
	id = uuid.NewString()
	return id, v.Sessions.SaveDraft(v.R.Context(), v.Owner(), questionDraft(id), q)
}

func showReportForm(v *frame.Visit, status int, kind *reportKind, f *frame.Form) error {
	held, ok, err := held(v, f.Text("question"))
	if err != nil {
		return err
	}
	page := &reportForm{
		Page: frame.Page{Title: kind.title, Problems: f.Problems, Back: nhsuk.BackLink{Text: "Back to reports", Href: "/reports"}}, Heading: frame.Heading(kind.title),
		About: kind.about, Report: string(kind.report), Chosen: ok && kind.asks != asksNothing && kind.asks != asksPlace,
		Whom: whomInput(kind.asks, f), Period: periodRadios(f),
		Reason: nhsuk.Radios{
			Name: "reason", Value: f.Or("reason", held.Reason), Choices: reasonChoices, Error: f.Error("reason"),
			Legend: nhsuk.Legend{Text: "Why do you need this?", Size: nhsuk.Medium}, Hint: nhsuk.Hint{Text: "The reason stands in the log"},
		},
		Words: nhsuk.CharacterCount{MaxLength: domain.MaxReasonLength, Textarea: nhsuk.Textarea{
			Name: "words", Value: f.Or("words", held.Words), Rows: 3, Label: nhsuk.Label{Text: "Say why in your own words"}, Error: f.Error("words"),
			Hint: nhsuk.Hint{Text: "Needed where one person is asked about, in 10 characters or more. It is kept sealed"}, Autocomplete: "off", NoSpellcheck: true,
		}},
		Run:   nhsuk.Button{Text: "Run report", Name: "do", Value: "run", PreventDoubleClick: true},
		Count: nhsuk.Button{Text: "Count first", Name: "do", Value: "count", Variant: nhsuk.Secondary, PreventDoubleClick: true},
	}
	if ok {
		page.Question = f.Text("question")
	}
	if page.Chosen {
		page.Whom = nil
	}
	page.Place = placeInput(kind, f, v.Is(frame.PrivacyOfficers))
	if kind.narrow {
		page.Narrow = narrowing(f)
	}
	if kind.report == oversight.BreakGlass {
		page.Unread = &nhsuk.Checkboxes{Name: "unreviewed", Choices: []nhsuk.Choice{{
			Value: "1", Text: "Only those that nobody has explained yet", Checked: f.Text("unreviewed") == "1",
		}}, Legend: nhsuk.Legend{Text: "Reviews", Size: nhsuk.Small}}
	}
	return v.Show(status, "report", page)
}

// whomInput asks for whom or what a report is about.
func whomInput(what asks, f *frame.Form) *nhsuk.Input {
	in := nhsuk.Input{Autocomplete: "off", NoSpellcheck: true, Code: true, Width: 20}
	switch what {
	case asksPerson:
		in.Name, in.Mode = "nhs-number", "numeric"
		in.Label, in.Hint = nhsuk.Label{Text: "NHS number", Size: nhsuk.Medium}, nhsuk.Hint{Text: "10 digits, like 999 123 4567"}
	case asksActor:
		in.Name = "actor"
		in.Label, in.Hint = nhsuk.Label{Text: "User ID", Size: nhsuk.Medium}, nhsuk.Hint{Text: "As it stands in the column Who of any report, like 555254240100"}
	case asksRequest:
		in.Name, in.Width = "request-id", 0
		in.Label = nhsuk.Label{Text: "Request or entry", Size: nhsuk.Medium}
		in.Hint = nhsuk.Hint{Text: "A whole receipt, the number of the entry in it, or the reference that an error page showed"}
	case asksNothing, asksPlace:
		return nil
	}
	in.Value, in.Error = f.Text(in.Name), f.Error(in.Name)
	return &in
}

// placeInput asks for an organisation: oversight may ask about each, everybody else
// about their own alone.
func placeInput(kind *reportKind, f *frame.Form, own bool) *nhsuk.Input {
	if own && kind.asks != asksPlace {
		return nil
	}
	label := "Organisation (optional)"
	if kind.asks == asksPlace {
		label = "Organisation"
	}
	return &nhsuk.Input{
		Name: "organisation", Value: f.Text("organisation"), Label: nhsuk.Label{Text: label, Size: nhsuk.Small}, Error: f.Error("organisation"),
		Hint: nhsuk.Hint{Text: "Its code, like RKE or E09000019"}, Width: 10, Code: true, Autocomplete: "off",
	}
}

// The periods that are offered. The first is set.
const (
	last90    = "90"
	lastYear  = "365"
	otherDays = "other"
)

// periodRadios asks from when until when.
func periodRadios(f *frame.Form) nhsuk.Radios {
	chosen := f.Or("period", last90)
	if f.Values.Get("from")+f.Values.Get("until") != "" {
		chosen = otherDays
	}
	return nhsuk.Radios{
		Name: "period", Value: chosen, Legend: nhsuk.Legend{Text: "Which period?", Size: nhsuk.Medium}, Error: f.Error("period"),
		Choices: []nhsuk.Choice{
			{Value: last90, Text: "The last 90 days"},
			{Value: lastYear, Text: "The last 12 months"},
			{Value: otherDays, Text: "Another period", Conditional: nhsuk.Group{
				dateInput(f, "from", "From (optional)", "The first day, like 1 9 2026"), dateInput(f, "until", "Until (optional)", "The last day, like 29 11 2026"),
			}},
		},
	}
}

// dateInput asks for a day. What an address says of it is filled in.
func dateInput(f *frame.Form, name, legend, hint string) nhsuk.DateInput {
	d := nhsuk.DateInput{
		ID: name, Prefix: name, Legend: nhsuk.Legend{Text: legend, Size: nhsuk.Small}, Hint: nhsuk.Hint{Text: hint}, Error: f.Error(name),
		Day: nhsuk.DatePart{Value: f.Text(name + "[day]")}, Month: nhsuk.DatePart{Value: f.Text(name + "[month]")}, Year: nhsuk.DatePart{Value: f.Text(name + "[year]")},
	}
	if t, err := dayOf(f.Text(name)); err == nil {
		d.Day.Value, d.Month.Value, d.Year.Value = strconv.Itoa(t.Day()), strconv.Itoa(int(t.Month())), strconv.Itoa(t.Year())
	}
	return d
}

// narrowing asks for what else a report is narrowed to.
func narrowing(f *frame.Form) nhsuk.Group {
	var all nhsuk.Group
	for _, one := range []struct {
		name, label, any string
		options          []option
	}{
		{"action", "What was done", "Everything", actionOptions},
		{"mode", "Which visits", "All visits", modeOptions},
		{"outcome", "Which answer", "All answers", outcomeOptions},
	} {
		s := nhsuk.Select{Name: one.name, Value: f.Text(one.name), Label: nhsuk.Label{Text: one.label}, Options: []nhsuk.Option{{Text: one.any}}}
		for _, o := range one.options {
			s.Options = append(s.Options, nhsuk.Option{Value: o.value, Text: o.text})
		}
		all = append(all, s)
	}
	return all
}

// askReport takes a question, and leads to its answer or to its count.
func askReport(v *frame.Visit) error {
	kind, known := kindOf(v.R.PathValue("report"))
	if !known {
		return frame.ErrNoPage
	}
	f, err := v.Form()
	if err != nil {
		return err
	}
	q, _, err := held(v, f.Text("question"))
	if err != nil {
		return err
	}
	filter := readReport(v, kind, f, &q)
	if f.Fine() {
		query := q.query(filter)
		f.Refuse(oversight.Read(kind.report, query, v.Request).Err(), reportFields)
	}
	if !f.Fine() {
		return showReportForm(v, http.StatusUnprocessableEntity, kind, f)
	}
	id, err := keepQuestion(v, &q)
	if err != nil {
		return err
	}
	to := "/reports/" + string(kind.report) + "/" + id
	if f.Text("do") == "count" {
		to += "/count"
	}
	return v.To(withQuery(to, filter.query()))
}

func withQuery(path string, q url.Values) string {
	if len(q) == 0 {
		return path
	}
	return path + "?" + q.Encode()
}

// reportFields are the fields of the page, by those of the room.
var reportFields = map[string]string{
	"query.nhs_number":   "nhs-number|Check the NHS number: it has 10 digits, and one of them may not be right",
	"query.actor":        "actor|Enter the user ID, like 555254240100",
	"query.organisation": "organisation|Enter the code of the organisation, like RKE",
	"query.request_id":   "request-id|Enter the reference, or the number of an entry",
	"query.reason":       "reason|Select why you need this",
	"query.words":        "words|Say why this person is asked about, in 10 characters or more",
	"query.until":        "until|The last day must not be before the first",
}

// readReport reads a form into a question and a filter.
func readReport(v *frame.Visit, kind *reportKind, f *frame.Form, q *question) reportFilter {
	filter, ok := reportFilterOf(f.Values)
	if !ok {
		filter = reportFilter{}
	}
	filter.from, filter.until = readPeriod(v, f)
	q.Reason, q.Words = f.Text("reason"), f.Text("words")
	switch {
	case kind.asks == asksPerson && f.Values.Has("nhs-number"):
		q.NHSNumber = f.Text("nhs-number")
	case kind.asks == asksActor && f.Values.Has("actor"):
		q.Actor = f.Text("actor")
	case kind.asks == asksRequest && f.Values.Has("request-id"):
		q.readRequest(f.Text("request-id"))
	}
	return filter
}

// readRequest reads what names a request: its identifier, the number of an entry, or a
// whole receipt.
func (q *question) readRequest(typed string) {
	q.RequestID, q.Receipt, q.Log = typed, nil, ""
	if r, ok := readReceipt(typed); ok {
		q.RequestID, q.Receipt, q.Log = "", &r.Index, r.Log
	} else if n, err := strconv.ParseInt(typed, 10, 64); err == nil && n >= 0 {
		q.RequestID, q.Receipt = "", &n
	}
}

// readPeriod reads from when until when, as days.
func readPeriod(v *frame.Visit, f *frame.Form) (from, until string) {
	now := v.Now().In(domain.London)
	switch f.Text("period") {
	case last90, "":
		return now.AddDate(0, 0, -90).Format(time.DateOnly), ""
	case lastYear:
		return now.AddDate(-1, 0, 0).Format(time.DateOnly), ""
	}
	read := func(field, noun string) string { return f.ReadDay(field, frame.DayNamed(noun), v.Today()).String() }
	return read("from", "first day"), read("until", "last day")
}

// query is what the log is asked.
func (q *question) query(filter reportFilter) oversight.Query {
	asked := oversight.Query{
		Reason: oversight.Reason(q.Reason), Words: q.Words, NHSNumber: q.NHSNumber, Actor: q.Actor, RequestID: q.RequestID, Receipt: q.Receipt, Log: q.Log,
	}
	filter.narrow(&asked)
	return asked
}
