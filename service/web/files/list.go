package files

import (
	"net/http"
	"net/url"

	"cpis/service/guard"
	"cpis/service/upload"
	"cpis/service/web/frame"
	"cpis/service/web/nhsuk"
	"cpis/service/web/words"
)

// listPage lists the files of an authority.
type listPage struct {
	frame.Page

	Heading nhsuk.Heading
	Send    nhsuk.Button
	Waiting bool // only those that wait
	Table   nhsuk.Table
	None    bool // there are none yet
	NoneFor bool // none waits, or none follows
	Pages   nhsuk.Pagination
}

// list lists the files, the newest first, 50 on a page.
func (p *pages) list(v *frame.Visit) error {
	q := v.R.URL.Query()
	ask := &upload.ListRequest{WaitingOnly: q.Get("waiting") == "1", Paging: guard.Paging{Page: q.Get("page")}, Request: v.Request}
	found, err := frame.Placed(&ask.Page, func() (*upload.Page, error) { return p.Uploads.ListUploads(v.R.Context(), v.Caller(), ask) })
	if err != nil {
		return err
	}
	filter := url.Values{}
	if ask.WaitingOnly {
		filter.Set("waiting", "1")
	}
	page := &listPage{
		Page: frame.Page{Title: "Files of plans"}, Heading: frame.Heading("Files of plans"), Waiting: ask.WaitingOnly,
		Send: nhsuk.Button{Text: "Send a file", Href: "/files/new"}, Table: fileTable(found.Uploads),
		Pages: frame.Around(filter, ask.Page, q.Get("before"), found.Next),
	}
	empty := len(found.Uploads) == 0
	page.NoneFor = empty && (ask.WaitingOnly || ask.Page != "")
	page.None = empty && !page.NoneFor
	return v.Show(http.StatusOK, "files", page)
}

func fileTable(all []upload.Upload) nhsuk.Table {
	t := nhsuk.Table{
		Caption: nhsuk.Heading{Text: "Files, the newest first", Size: nhsuk.Medium}, Responsive: true,
		Columns: []nhsuk.Column{
			{Text: "Sent"}, {Text: "By"}, {Text: "What it is"}, {Text: "Rows", Format: nhsuk.Numeric}, {Text: "Rejected", Format: nhsuk.Numeric}, {Text: "State"},
		},
	}
	for i := range all {
		u := &all[i]
		t.Rows = append(t.Rows, []nhsuk.Cell{
			{Text: frame.Moment(u.Sent.At), Hidden: numbered(i, all), Href: "/files/" + u.ID},
			{Text: whoWords(&u.Sent)},
			{Text: extentWords(u)},
			{Text: words.Number(u.Counts.Rows)},
			{Text: words.Number(u.Counts.Rejected)},
			{Body: stateTag(u)},
		})
	}
	return t
}

// numbered tells files apart that were sent in one minute, for those who hear the
// links only.
func numbered(i int, all []upload.Upload) string {
	n := 1
	for j := i + 1; j < len(all) && frame.Moment(all[j].Sent.At) == frame.Moment(all[i].Sent.At); j++ {
		n++
	}
	if n == 1 && (i == 0 || frame.Moment(all[i-1].Sent.At) != frame.Moment(all[i].Sent.At)) {
		return ""
	}
	return ", file " + words.Number(n) + " of that minute"
}
