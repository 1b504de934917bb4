package plans

import (
	"net/http"

	"cpis/service/domain"
	"cpis/service/web/frame"
	"cpis/service/web/journey"
	"cpis/service/web/nhsuk"
)

// decisionPage is something that was proposed, and the decision about it.
type decisionPage struct {
	frame.Page

	Heading nhsuk.Heading
	Tags    nhsuk.Group
	Said    string // why it was proposed
	By      string
	Cards   []nhsuk.Component
	Effects []string // what changes
	Decided string   // what became of it
	Why     string
	Ways    []frame.Way

	Radios    nhsuk.Component // nil if there is nothing to choose from
	Only      string          // the only decision that there is
	Reference nhsuk.Component // nil if it is not asked for
	Reason    nhsuk.Component
	Button    nhsuk.Button
	Action    string // empty if there is nothing to decide
	Act       string // request id
}

// decidable are the decisions that somebody may make about something. If there is but
// one, it is not asked which.
type decidable struct {
	choices []nhsuk.Choice
	legend  string
	button  string
}

// only is the one decision that whoever proposed something can make.
func only(button string) decidable {
	return decidable{choices: []nhsuk.Choice{{Value: string(domain.Withdraw)}}, button: button}
}

// decided reads what somebody decided, and why. Whether it is theirs to decide is for
// the room to say.
func decided(v *frame.Visit, f *frame.Form) (d domain.Decision, reason string) {
	if d = domain.Decision(f.Text("decision")); d.LeadsTo() == "" {
		f.Reject("decision", "Select what you decide")
	}
	return d, journey.Reason{}.Read(v, f, "reason")
}

// ask puts the questions onto the page.
func (d decidable) ask(page *decisionPage, f *frame.Form, action string) {
	page.Action, page.Act = action, f.Act()
	if len(d.choices) == 1 {
		page.Only = d.choices[0].Value
	} else {
		page.Radios = nhsuk.Radios{
			Name: "decision", Value: f.Text("decision"), Choices: d.choices, Error: f.Error("decision"), Legend: nhsuk.Legend{Text: d.legend, Size: nhsuk.Medium},
		}
	}
	page.Reason = journey.Reason{Label: "Why do you decide so?"}.Write(journey.Look{Form: f, Name: "reason"})
	page.Button = nhsuk.Button{Text: d.button, PreventDoubleClick: true}
}

// show shows the page.
func (page *decisionPage) show(v *frame.Visit, status int, f *frame.Form) error {
	page.Problems = f.Problems
	return v.Show(status, "decision", page)
}

// refused is the status of a page whose form was not right.
const refused = http.StatusUnprocessableEntity
