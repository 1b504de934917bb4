package files

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"

	"cpis/service/domain"
	"cpis/service/upload"
	"cpis/service/web/frame"
	"cpis/service/web/nhsuk"
)

// rowsPage lists rows of a file.
type rowsPage struct {
	frame.Page

	Heading nhsuk.Heading
	ID      string
	Cause   *cause // for which the rows were rejected, if only those are listed
	Filters []filterLink
	Table   nhsuk.Table
	None    bool
	More    bool // rows may follow on the next pages
	Pages   nhsuk.Pagination
}

// filterLink shows the rows with one outcome.
type filterLink struct {
	Text, Href string
	Current    bool
}

// listRows lists what becomes of rows: those with one outcome, if the address says so.
func (p *pages) listRows(v *frame.Visit) error {
	q := v.R.URL.Query()
	ask := &upload.ListRowsRequest{
		UploadID: v.R.PathValue("id"), Outcome: outcomeOf(upload.RowOutcome(q.Get("outcome"))).value, Page: q.Get("page"), Request: v.Request,
	}
	ask.Cause, _ = strconv.Atoi(q.Get("cause")) // what is no number is all
	found, err := p.rows(v, ask)
	if err != nil {
		return err
	}
	const title = "Rows of the file"
	here := "/files/" + ask.UploadID
	page := &rowsPage{
		Page: frame.Page{Title: title, Back: nhsuk.BackLink{Text: "Back to the file", Href: here}}, Heading: frame.Heading(title), ID: ask.UploadID,
		Filters: []filterLink{{"All rows", here + "/rows", ask.Outcome == ""}}, Table: rowTable(found.Rows), None: len(found.Rows) == 0, More: found.Next != "",
	}
	for _, o := range outcomes {
		page.Filters = append(page.Filters, filterLink{o.text, here + "/rows?outcome=" + string(o.value), ask.Outcome == o.value && ask.Cause == 0})
	}
	if ask.Cause > 0 {
		why := causeOf(&found.Cause)
		page.Cause = &why
	}
	page.Pages = frame.Around(queryOf(ask), ask.Page, q.Get("before"), found.Next)
	return v.Show(http.StatusOK, "file_rows", page)
}

// rows asks for rows. A cause that the file does not have is none: it may have been
// checked again.
func (p *pages) rows(v *frame.Visit, ask *upload.ListRowsRequest) (*upload.RowPage, error) {
	list := func() (*upload.RowPage, error) { return p.Uploads.ListUploadRows(v.R.Context(), v.Caller(), ask) }
	found, err := frame.Placed(&ask.Page, list)
	if _, invalid := errors.AsType[*domain.InvalidError](err); invalid && ask.Cause != 0 {
		ask.Cause = 0
		return list()
	}
	return found, err
}

// queryOf is what is asked for as an address has it, but for the page.
func queryOf(ask *upload.ListRowsRequest) url.Values {
	q := url.Values{}
	if ask.Outcome != "" {
		q.Set("outcome", string(ask.Outcome))
	}
	if ask.Cause > 0 {
		q.Set("cause", strconv.Itoa(ask.Cause))
	}
	return q
}

func rowTable(rows []upload.RowResult) nhsuk.Table {
	t := nhsuk.Table{
		Caption: nhsuk.Heading{Text: "Rows, in the order of the file", Size: nhsuk.Medium}, Responsive: true,
		Columns: []nhsuk.Column{{Text: "Line"}, {Text: "Your reference"}, {Text: "Result"}, {Text: "Why, and what to do"}},
	}
	for i := range rows {
		r := &rows[i]
		t.Rows = append(t.Rows, []nhsuk.Cell{
			{Text: lineWords(r)}, {Text: orNone(r.Reference)}, {Body: outcomeOf(r.Outcome).tag}, {Body: detailsOf(r)},
		})
	}
	return t
}

// lineWords says which line it is.
func lineWords(r *upload.RowResult) string {
	if r.Line == 0 {
		return "Not in the file"
	}
	line := counted(r.Line, "", "")
	if r.File != "" {
		return r.File + ", line " + line
	}
	return line
}

func orNone(text string) string {
	if text == "" {
		return "None"
	}
	return text
}

// detailsOf says what is wrong with a row, or what changes.
func detailsOf(r *upload.RowResult) nhsuk.Component {
	var all nhsuk.Lines
	for _, v := range r.Violations {
		all = append(all, problemWords(v))
	}
	for i := range r.Changes {
		all = append(all, changeWords(&r.Changes[i]))
	}
	if r.Outcome == upload.RowHeldBack {
		all = append(all, "It stays as it is: a row that is wrong may be about it.")
	}
	if len(all) == 0 {
		all = nhsuk.Lines{"Nothing"}
	}
	return all
}
