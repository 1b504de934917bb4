package plans

import (
	"cmp"
	"errors"
	"net/http"
	"net/url"

	"cpis/service/domain"
	"cpis/service/guard"
	"cpis/service/plan"
	"cpis/service/web/frame"
	"cpis/service/web/journey"
	"cpis/service/web/nhsuk"
	"cpis/service/web/planwords"
	"cpis/service/web/words"
)

// listPage is a list of what was proposed.
type listPage struct {
	frame.Page

	Heading nhsuk.Heading
	Lead    string
	Other   frame.Way // the same list, with more or less in it
	Table   nhsuk.Table
	None    string // said if there is nothing
	Pages   nhsuk.Pagination
}

// listTransfers lists the offers made and received, the newest first.
func (p *pages) listTransfers(v *frame.Visit) error {
	open := v.R.URL.Query().Get("all") == ""
	found, page, err := readPage(v, func(at guard.Paging) (*plan.TransferPage, error) {
		return p.Plans.ListTransfers(v.R.Context(), v.Caller(), &plan.TransferQuery{OpenOnly: open, Paging: at, Request: v.Request})
	})
	if err != nil {
		return err
	}
	out := newList(v, "Plans offered to you and by you", "/transfers", open, page, found.Next)
	out.Table.Columns = []nhsuk.Column{{Text: "When"}, {Text: "Who it is about"}, {Text: "From"}, {Text: "To"}, {Text: "State"}}
	for i := range found.Transfers {
		t := &found.Transfers[i]
		out.Table.Rows = append(out.Table.Rows, []nhsuk.Cell{
			{Text: frame.Moment(t.Proposed.At)},
			{Text: words.Name(t.Person.Given, t.Person.Family), Hidden: ", offered on " + frame.Moment(t.Proposed.At), Href: "/transfers/" + t.ID},
			{Text: v.Names.Name(t.From)},
			{Text: v.Names.Name(t.To)},
			{Body: stateOf(t.State)},
		})
	}
	return v.Show(http.StatusOK, "proposed", out.filled("No plan waits for a decision.", "No plan was offered to you or by you yet."))
}

// readPage reads a page of a list. A place that is none is the first, without an error.
func readPage[P any](v *frame.Visit, read func(guard.Paging) (*P, error)) (found *P, page string, err error) {
	page = v.R.URL.Query().Get("page")
	found, err = frame.Placed(&page, func() (*P, error) { return read(guard.Paging{Page: page}) })
	return found, page, err
}

// newList begins the page of a list. open says that only what waits is shown.
func newList(v *frame.Visit, title, path string, open bool, page, next string) *listPage {
	q := url.Values{}
	out := &listPage{
		Page: frame.Page{Title: title}, Heading: frame.Heading(title), Lead: "Shown is what waits for a decision.",
		Other: frame.Way{Text: "Show what was decided as well", Href: path + "?all=1"},
		Table: nhsuk.Table{Caption: nhsuk.Heading{Text: title + ", the newest first", Size: nhsuk.Medium}, Responsive: true},
	}
	if !open {
		q.Set("all", "1")
		out.Lead, out.Other = "Shown is what waits, and what was decided.", frame.Way{Text: "Show only what waits for a decision", Href: path}
	}
	out.Pages = frame.Around(q, page, v.R.URL.Query().Get("before"), next)
	return out
}

// filled says if there is nothing: nothing that waits, or nothing at all.
func (l *listPage) filled(nothingWaits, nothing string) *listPage {
	if len(l.Table.Rows) > 0 {
		return l
	}
	if l.None = nothing; l.Lead == "Shown is what waits for a decision." {
		l.None = nothingWaits
	}
	return l
}

// showTransfer shows one offer, and asks for the decision.
func (p *pages) showTransfer(v *frame.Visit) error {
	f, err := v.Form()
	if err != nil {
		return err
	}
	return p.askTransfer(v, http.StatusOK, f)
}

func (p *pages) findTransfer(v *frame.Visit) (*plan.Transfer, error) {
	found, err := p.Plans.ListTransfers(v.R.Context(), v.Caller(), &plan.TransferQuery{ID: v.R.PathValue("id"), Request: v.Request})
	if err != nil {
		return nil, err
	}
	if len(found.Transfers) == 0 {
		return nil, frame.ErrNoPage // whom it is about was erased
	}
	return &found.Transfers[0], nil
}

func (p *pages) askTransfer(v *frame.Visit, status int, f *frame.Form) error {
	t, err := p.findTransfer(v)
	if err != nil {
		return err
	}
	mine := t.From == v.Session.Caller.Organisation
	title := "You have offered a plan"
	if !mine {
		title = v.Names.Name(t.From) + " offers you a plan"
	}
	page := &decisionPage{
		Page: frame.Page{Title: title, Back: nhsuk.BackLink{Text: "Back to offers", Href: "/transfers"}}, Heading: frame.Heading(title),
		Tags: nhsuk.Group{stateOf(t.State)}, Said: t.Proposed.Reason, Cards: []nhsuk.Component{transferCard(v, t)},
		By: "Offered by " + cmp.Or(t.Proposed.Name, t.Proposed.Actor) + " on " + frame.Moment(t.Proposed.At),
	}
	if t.Decided != nil {
		page.Decided = stateOf(t.State).Text + " by " + cmp.Or(t.Decided.Name, t.Decided.Actor) + " on " + frame.Moment(t.Decided.At)
		page.Why = t.Decided.Reason
	}
	if t.Plan != nil && (mine || t.State == domain.Accepted) {
		page.Ways = []frame.Way{{Text: "See the plan", Href: "/plans/" + t.Plan.Plan.ID}}
	}
	if t.State == domain.Open {
		page.Effects = []string{"Until it is accepted, " + v.Names.Name(t.From) + " is responsible, and care staff see the numbers of both."}
		decisionsOf(mine).ask(page, f, "/transfers/"+t.ID)
		if !mine {
			page.Reference = referenceInput().Write(journey.Look{Form: f, Name: "reference"})
		}
	}
	return page.show(v, status, f)
}

// decisionsOf are what an authority may decide: its own offer it can only take back.
func decisionsOf(mine bool) decidable {
	if mine {
		return only("Withdraw this offer")
	}
	return decidable{[]nhsuk.Choice{
		{Value: string(domain.Accept), Text: "Accept", Hint: nhsuk.Hint{Text: "You are responsible at once. Care staff see your numbers"}},
		{Value: string(domain.Decline), Text: "Decline", Hint: nhsuk.Hint{Text: "They are told, and stay responsible"}},
	}, "Do you accept?", "Send your decision"}
}

// transferCard is whom the plan is about, and what it says as far as it may be shown.
func transferCard(v *frame.Visit, t *plan.Transfer) nhsuk.Component {
	rows := []nhsuk.Row{
		{Key: "Name", Value: words.Name(t.Person.Given, t.Person.Family)},
		{Key: "NHS number", Value: journey.Number{}.Say(t.Person.NHSNumber.Reveal())},
		{Key: "Date of birth", Value: journey.Day{}.Say(t.Person.DateOfBirth.String())},
	}
	if t.Plan != nil {
		d := &t.Plan.Plan.Details
		rows = append(rows, nhsuk.Row{Key: "Plan", Value: planwords.Named(d)})
		if d.Kind == domain.UCPP {
			rows = append(rows, nhsuk.Row{Key: "Due date", Value: journey.Day{}.Say(d.Expected.String())})
		}
	}
	rows = append(rows, nhsuk.Row{Key: "From", Value: v.Names.Name(t.From)}, nhsuk.Row{Key: "To", Value: v.Names.Name(t.To)})
	if t.Restricted {
		rows = append(rows, nhsuk.Row{Key: "Restricted", Value: "Where this person lives must not be revealed"})
	}
	return nhsuk.SummaryList{Rows: rows}
}

// decideTransfer takes the decision.
func (p *pages) decideTransfer(v *frame.Visit) error {
	f, err := v.Form()
	if err != nil {
		return err
	}
	decision, reason := decided(v, f)
	if !f.Fine() {
		return p.askTransfer(v, refused, f)
	}
	q := &plan.DecideTransferRequest{TransferID: v.R.PathValue("id"), Decision: decision, Reason: reason, Request: f.Act()}
	if decision == domain.Accept {
		q.Reference = f.Text("reference")
	}
	if _, err := p.Plans.DecideTransfer(v.R.Context(), v.Caller(), q); err != nil {
		if !refuse(f, err) {
			return err
		}
		return p.askTransfer(v, refused, f)
	}
	return v.ToTelling("/transfers", decidedWords[decision])
}

// refuse says what a room says is wrong, or in the way.
func refuse(f *frame.Form, err error) bool {
	if state, ok := errors.AsType[*guard.StateError](err); ok {
		f.RejectAt("decision", "maincontent", journey.Sentence(state.Problem))
		return true
	}
	invalid, ok := errors.AsType[*domain.InvalidError](err)
	if !ok {
		return false
	}
	for _, violation := range invalid.Violations {
		f.Reject(violation.Field, say(violation))
	}
	return true
}

// decidedWords say what happens next.
var decidedWords = map[domain.Decision]string{
	domain.Accept:   "You are responsible for this plan from now. Care staff see your numbers.",
	domain.Decline:  "The authority that offered it has been told and stays responsible.",
	domain.Withdraw: "The offer is withdrawn. The other authority has been told, and you stay responsible.",
}
