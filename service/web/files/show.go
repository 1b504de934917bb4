package files

import (
	"net/http"
	"strconv"
	"strings"

	"cpis/service/domain"
	"cpis/service/upload"
	"cpis/service/web/frame"
	"cpis/service/web/nhsuk"
	"cpis/service/web/words"
)

// state is how the page of a file looks that stands somewhere.
type state struct {
	template, title string
}

// states are the pages of a file, one for each state.
var states = map[upload.State]state{
	upload.Received:  {"file_progress", "The file is being checked"},
	upload.Applying:  {"file_progress", "The file is being applied"},
	upload.Waiting:   {"file_waiting", "Check what this file would do"},
	upload.Checked:   {"file_over", "There is nothing to do"},
	upload.Applied:   {"file_over", "The file was applied"},
	upload.Rejected:  {"file_over", "The file was not used"},
	upload.Cancelled: {"file_over", "The file was given up"},
}

// filePage is a file, wherever it stands.
type filePage struct {
	frame.Page

	Heading  nhsuk.Heading
	Panel    nhsuk.Panel // instead, of a file that was applied
	Caption  string      // which file it is
	ID       string
	Applying bool
	Applied  bool
	Brake    nhsuk.WarningCallout
	Warnings []string
	Counts   nhsuk.Table
	Read     bool     // the check found something
	Problems []string // of the file as a whole
	Causes   []cause
	Rejected string // how many rows, in words
	Decided  string
	Reason   string
	About    nhsuk.SummaryList
	Next     []string // what happens now
	Download nhsuk.Button
	Kept     string // until when the result is there
	Held     bool   // by the safety brake
	Approve  nhsuk.Button
	Act      string
	Version  int
}

// cause is why rows were rejected: how many, what is wrong, what to do, and where they
// are listed.
type cause struct{ Rows, Problem, Fix, Href string }

// causeOf says why rows were rejected.
func causeOf(r *upload.ReasonCount) cause {
	return cause{
		Rows: counted(r.Rows, "row", "rows"), Problem: problemWords(domain.Violation{Field: r.Field, Problem: r.Problem}), Fix: fixes[r.Field],
	}
}

// show shows where a file stands.
func (p *pages) show(v *frame.Visit) error {
	u, err := p.get(v)
	if err != nil {
		return err
	}
	s := states[u.State]
	page := &filePage{
		Page: frame.Page{Title: s.title, Back: nhsuk.BackLink{Text: "Back to files", Href: "/files"}}, Heading: frame.Heading(s.title),
		Panel: nhsuk.Panel{Heading: nhsuk.Heading{Text: s.title}, Text: didWords(u)}, Caption: captionOf(u), Read: u.Counts.Rows > 0,
		ID: u.ID, Applying: u.State == upload.Applying, Applied: u.State == upload.Applied, Held: u.Brake && u.State == upload.Waiting,
		Warnings: warningsOf(u), Counts: countTable(u), Problems: problemsOf(u), Causes: causesOf(u), About: aboutFile(u), Next: nextOf(u),
		Act: v.Request, Version: u.Version, Approve: nhsuk.Button{Text: "Approve and apply", PreventDoubleClick: true},
	}
	page.decided(u)
	page.result(u)
	if page.Held {
		page.Brake = brakeOf(u)
		page.Approve = nhsuk.Button{Text: "Go on", Href: "/files/" + u.ID + "/approve", Variant: nhsuk.Warning}
	}
	return v.Show(http.StatusOK, s.template, page)
}

// decided says who decided about a file.
func (page *filePage) decided(u *upload.Upload) {
	if u.Decided.At.IsZero() {
		return
	}
	did := "Approved"
	if u.State == upload.Cancelled {
		did = "Given up"
	}
	page.Decided = did + " by " + whoWords(&u.Decided) + " on " + frame.Moment(u.Decided.At) + "."
	page.Reason = u.Decided.Reason
}

// result offers the result, if there is one.
func (page *filePage) result(u *upload.Upload) {
	if u.Counts.Rejected > 0 {
		page.Rejected = counted(u.Counts.Rejected, "row was rejected", "rows were rejected")
	}
	if !u.Result {
		return
	}
	page.Download = nhsuk.Button{Text: "Download your file with the results", Href: "/files/" + u.ID + "/result", Variant: nhsuk.Secondary}
	if !u.KeptUntil.IsZero() {
		page.Kept = "It is there until " + frame.Moment(u.KeptUntil) + "."
	}
}

// didWords says what a file did, in numbers.
func didWords(u *upload.Upload) string {
	c := &u.Counts
	return words.Number(c.New) + " new, " + words.Number(c.Changed) + " changed, " + words.Number(c.Ends()) + " ended"
}

// brakeOf says what the safety brake holds a file for.
func brakeOf(u *upload.Upload) nhsuk.WarningCallout {
	return nhsuk.WarningCallout{
		Heading: nhsuk.Heading{Text: brakeWords(u), Level: 2},
		Text:    "That is more than your safety brake allows. If rows are missing by mistake, or a column of ends has slipped, these children lose their flags.",
	}
}

func brakeWords(u *upload.Upload) string {
	return "This file would end " + words.Number(u.Counts.Ends()) + " of your " + counted(u.Counts.InForce, "plan", "plans") + " in force"
}

// warningsOf are what is to be known besides, each a sentence. What the brake says
// stands in its own words.
func warningsOf(u *upload.Upload) []string {
	var all []string
	for _, w := range u.Warnings {
		if !strings.HasPrefix(w, "safety brake: this file ends") || !u.Brake {
			all = append(all, ended(strings.Replace(w, " × ", " times: ", 1)))
		}
	}
	return all
}

// countTable is what a file does, in numbers, each with its rows.
func countTable(u *upload.Upload) nhsuk.Table {
	caption := "What this file would do"
	switch u.State {
	case upload.Applied:
		caption = "What this file did"
	case upload.Rejected, upload.Cancelled, upload.Checked:
		caption = "What the check found"
	case upload.Received, upload.Waiting, upload.Applying:
	}
	t := nhsuk.Table{
		Caption: nhsuk.Heading{Text: caption, Size: nhsuk.Medium}, FirstIsHeader: true,
		Columns: []nhsuk.Column{{Text: "Plans"}, {Text: "How many", Format: nhsuk.Numeric}},
	}
	for _, o := range outcomes {
		n := o.count(&u.Counts)
		cell := nhsuk.Cell{Text: o.text}
		if n > 0 {
			cell.Href = "/files/" + u.ID + "/rows?outcome=" + string(o.value)
		}
		t.Rows = append(t.Rows, []nhsuk.Cell{cell, {Text: words.Number(n)}})
		if o.value == upload.RowChanged {
			t.Rows = append(t.Rows, []nhsuk.Cell{{Text: "Of the changed plans: end, or end sooner"}, {Text: words.Number(u.Counts.Closing)}})
		}
	}
	return t
}

// problemsOf are what is wrong with a file as a whole.
func problemsOf(u *upload.Upload) []string {
	var all []string
	for _, v := range u.Problems {
		all = append(all, problemWords(v))
	}
	return all
}

// causesOf are why rows were rejected, the most frequent first.
func causesOf(u *upload.Upload) []cause {
	var all []cause
	for i := range u.Reasons {
		why := causeOf(&u.Reasons[i])
		why.Href = "/files/" + u.ID + "/rows?outcome=rejected&cause=" + strconv.Itoa(i+1)
		all = append(all, why)
	}
	return all
}

// aboutFile is what is known of a file.
func aboutFile(u *upload.Upload) nhsuk.SummaryList {
	list := nhsuk.SummaryList{Rows: []nhsuk.Row{
		{Key: "What it is", Value: extentWords(u)},
		{Key: "Sent by", Value: whoWords(&u.Sent)},
		{Key: "Sent", Value: frame.Moment(u.Sent.At)},
	}}
	if u.Code != "" {
		list.Rows = append(list.Rows, nhsuk.Row{Key: "Code of the national service", Value: u.Code})
	}
	return list
}

// nextOf says what happens now.
func nextOf(u *upload.Upload) []string {
	switch u.State {
	case upload.Applied:
		return []string{
			"Care staff who look somebody up see the plans as they are now.",
			"You get a notice when one of these people is seen in emergency or urgent care.",
		}
	case upload.Rejected:
		return []string{"Nothing has changed. Correct the file, and send it again."}
	case upload.Checked:
		return []string{"Everything that this file says is held already. Nothing has changed."}
	case upload.Cancelled:
		return []string{"Nothing has changed."}
	case upload.Received, upload.Waiting, upload.Applying:
	}
	return nil
}
