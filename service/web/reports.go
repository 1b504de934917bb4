package web

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
}

func questionDraft(id string) session.Draft {
	return session.Draft{Of: "question " + id, UntilLogOut: true}
}

// reportsPage offers the reports.
type reportsPage struct {
	Page

	Heading nhsuk.Heading
	Ways    []way
}

// offerReports offers the reports.
func offerReports(v *visit) error {
	page := &reportsPage{Page: Page{Title: "Reports"}, Heading: heading("Reports")}
	for _, k := range reportKinds {
		page.Ways = append(page.Ways, way{k.title, "/reports/" + string(k.report), k.about})
	}
	return v.show(http.StatusOK, "reports", page)
}

// reportForm asks what a report is to be about, and why.
type reportForm struct {
	Page

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
func buildReport(v *visit) error {
	kind, known := kindOf(v.r.PathValue("report"))
	if !known {
		return errNoPage
	}
	f, err := v.form()
	if err != nil {
		return err
	}
	if f.values == nil {
		f.values = v.r.URL.Query()
	}
	return v.showReportForm(http.StatusOK, kind, f)
}

// held returns the question that a form goes on with, if it is still kept.
func (v *visit) held(id string) (q question, ok bool, err error) {
	ok, err = v.kept(questionDraft(id).Of, &q)
	return q, ok, err
}

// keepQuestion keeps a question, and returns what addresses call it.
func (v *visit) keepQuestion(q *question) (id string, err error) {
	id = uuid.NewString()
	return id, v.Sessions.SaveDraft(v.r.Context(), v.owner(), questionDraft(id), q)
}

func (v *visit) showReportForm(status int, kind *reportKind, f *form) error {
	held, ok, err := v.held(f.text("question"))
	if err != nil {
		return err
	}
	page := &reportForm{
		Page: Page{Title: kind.title, Problems: f.problems, Back: nhsuk.BackLink{Text: "Back to reports", Href: "/reports"}}, Heading: heading(kind.title),
		About: kind.about, Report: string(kind.report), Chosen: ok && kind.asks != asksNothing && kind.asks != asksPlace,
		Whom: whomInput(kind.asks, f), Period: periodRadios(f),
		Reason: nhsuk.Radios{
			Name: "reason", Value: f.or("reason", held.Reason), Choices: reasonChoices, Error: f.error("reason"),
			Legend: nhsuk.Legend{Text: "Why do you need this?", Size: nhsuk.Medium}, Hint: nhsuk.Hint{Text: "The reason stands in the log"},
		},
		Words: nhsuk.CharacterCount{MaxLength: domain.MaxReasonLength, Textarea: nhsuk.Textarea{
			Name: "words", Value: f.or("words", held.Words), Rows: 3, Label: nhsuk.Label{Text: "Say why in your own words"}, Error: f.error("words"),
			Hint: nhsuk.Hint{Text: "Needed where one person is asked about, in 10 characters or more. It is kept sealed"}, Autocomplete: "off", NoSpellcheck: true,
		}},
		Run:   nhsuk.Button{Text: "Run report", Name: "do", Value: "run", PreventDoubleClick: true},
		Count: nhsuk.Button{Text: "Count first", Name: "do", Value: "count", Variant: nhsuk.Secondary, PreventDoubleClick: true},
	}
	if ok {
		page.Question = f.text("question")
	}
	if page.Chosen {
		page.Whom = nil
	}
	page.Place = placeInput(kind, f, v.is(PrivacyOfficers))
	if kind.narrow {
		page.Narrow = narrowing(f)
	}
	if kind.report == oversight.BreakGlass {
		page.Unread = &nhsuk.Checkboxes{Name: "unreviewed", Choices: []nhsuk.Choice{{
			Value: "1", Text: "Only those that nobody has explained yet", Checked: f.text("unreviewed") == "1",
		}}, Legend: nhsuk.Legend{Text: "Reviews", Size: nhsuk.Small}}
	}
	return v.show(status, "report", page)
}

// whomInput asks for whom or what a report is about.
func whomInput(what asks, f *form) *nhsuk.Input {
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
		in.Hint = nhsuk.Hint{Text: "The reference that an error page showed, or the number of the entry from a receipt"}
	case asksNothing, asksPlace:
		return nil
	}
	in.Value, in.Error = f.text(in.Name), f.error(in.Name)
	return &in
}

// placeInput asks for an organisation: oversight may ask about each, everybody else
// about their own alone.
func placeInput(kind *reportKind, f *form, own bool) *nhsuk.Input {
	if own && kind.asks != asksPlace {
		return nil
	}
	label := "Organisation (optional)"
	if kind.asks == asksPlace {
		label = "Organisation"
	}
	return &nhsuk.Input{
		Name: "organisation", Value: f.text("organisation"), Label: nhsuk.Label{Text: label, Size: nhsuk.Small}, Error: f.error("organisation"),
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
func periodRadios(f *form) nhsuk.Radios {
	chosen := f.or("period", last90)
	if f.values.Get("from")+f.values.Get("until") != "" {
		chosen = otherDays
	}
	return nhsuk.Radios{
		Name: "period", Value: chosen, Legend: nhsuk.Legend{Text: "Which period?", Size: nhsuk.Medium}, Error: f.error("period"),
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
func dateInput(f *form, name, legend, hint string) nhsuk.DateInput {
	d := nhsuk.DateInput{
		ID: name, Prefix: name, Legend: nhsuk.Legend{Text: legend, Size: nhsuk.Small}, Hint: nhsuk.Hint{Text: hint}, Error: f.error(name),
		Day: nhsuk.DatePart{Value: f.text(name + "[day]")}, Month: nhsuk.DatePart{Value: f.text(name + "[month]")}, Year: nhsuk.DatePart{Value: f.text(name + "[year]")},
	}
	if t, err := dayOf(f.text(name)); err == nil {
		d.Day.Value, d.Month.Value, d.Year.Value = strconv.Itoa(t.Day()), strconv.Itoa(int(t.Month())), strconv.Itoa(t.Year())
	}
	return d
}

// narrowing asks for what else a report is narrowed to.
func narrowing(f *form) nhsuk.Group {
	var all nhsuk.Group
	for _, one := range []struct {
		name, label, any string
		options          []option
	}{
		{"action", "What was done", "Everything", actionOptions},
		{"mode", "Which visits", "All visits", modeOptions},
		{"outcome", "Which answer", "All answers", outcomeOptions},
	} {
		s := nhsuk.Select{Name: one.name, Value: f.text(one.name), Label: nhsuk.Label{Text: one.label}, Options: []nhsuk.Option{{Text: one.any}}}
		for _, o := range one.options {
			s.Options = append(s.Options, nhsuk.Option{Value: o.value, Text: o.text})
		}
		all = append(all, s)
	}
	return all
}

// askReport takes a question, and leads to its answer or to its count.
func askReport(v *visit) error {
	kind, known := kindOf(v.r.PathValue("report"))
	if !known {
		return errNoPage
	}
	f, err := v.form()
	if err != nil {
		return err
	}
	q, _, err := v.held(f.text("question"))
	if err != nil {
		return err
	}
	filter := v.readReport(kind, f, &q)
	if f.fine() {
		query := q.query(filter)
		f.refuse(oversight.Read(kind.report, query, v.request).Err(), reportFields)
	}
	if !f.fine() {
		return v.showReportForm(http.StatusUnprocessableEntity, kind, f)
	}
	id, err := v.keepQuestion(&q)
	if err != nil {
		return err
	}
	to := "/reports/" + string(kind.report) + "/" + id
	if f.text("do") == "count" {
		to += "/count"
	}
	return v.to(withQuery(to, filter.query()))
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
func (v *visit) readReport(kind *reportKind, f *form, q *question) reportFilter {
	filter, ok := reportFilterOf(f.values)
	if !ok {
		filter = reportFilter{}
	}
	filter.from, filter.until = v.readPeriod(f)
	q.Reason, q.Words = f.text("reason"), f.text("words")
	switch {
	case kind.asks == asksPerson && f.values.Has("nhs-number"):
		q.NHSNumber = f.text("nhs-number")
	case kind.asks == asksActor && f.values.Has("actor"):
		q.Actor = f.text("actor")
	case kind.asks == asksRequest && f.values.Has("request-id"):
		q.RequestID, q.Receipt = f.text("request-id"), nil
		if n, err := strconv.ParseInt(q.RequestID, 10, 64); err == nil && n >= 0 {
			q.RequestID, q.Receipt = "", &n
		}
	}
	return filter
}

// readPeriod reads from when until when, as days.
func (v *visit) readPeriod(f *form) (from, until string) {
	now := v.Now().In(domain.London)
	switch f.text("period") {
	case last90, "":
		return now.AddDate(0, 0, -90).Format(time.DateOnly), ""
	case lastYear:
		return now.AddDate(-1, 0, 0).Format(time.DateOnly), ""
	}
	return f.day("from", "First day"), f.day("until", "Last day")
}

// day reads a date of three fields; nothing was typed is no day.
func (f *form) day(name, what string) string {
	d, m, y := f.text(name+"[day]"), f.text(name+"[month]"), f.text(name+"[year]")
	if d+m+y == "" {
		return ""
	}
	t, err := time.ParseInLocation("2/1/2006", d+"/"+m+"/"+y, domain.London)
	if err != nil {
		f.rejectAt(name, name+"-day", what+" must be a real date, like 1 9 2026")
		return ""
	}
	return t.Format(time.DateOnly)
}

// query is what the log is asked.
func (q *question) query(filter reportFilter) oversight.Query {
	asked := oversight.Query{
		Reason: oversight.Reason(q.Reason), Words: q.Words, NHSNumber: q.NHSNumber, Actor: q.Actor, RequestID: q.RequestID, Receipt: q.Receipt,
	}
	filter.narrow(&asked)
	return asked
}
