package administrator

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"

	"cpis/service/admin"
	"cpis/service/domain"
	"cpis/service/web/frame"
	"cpis/service/web/nhsuk"
)

// askPage asks for a role, a place and an action.
type askPage struct {
	frame.Page

	Heading                   nhsuk.Heading
	Role, Also, Class, Action nhsuk.Select
	Mode, Whose, Level        nhsuk.Radios
	Claim                     nhsuk.Checkboxes
	Submit                    nhsuk.Button
}

// askPolicy asks what somebody wants to know. An earlier question is filled in.
func askPolicy(v *frame.Visit) error {
	f, err := v.Form()
	if err != nil {
		return err
	}
	if f.Values == nil {
		f.Values = v.R.URL.Query()
	}
	return showAsk(v, http.StatusOK, f)
}

func showAsk(v *frame.Visit, status int, f *frame.Form) error {
	title := "May they do that?"
	page := &askPage{
		Page:    frame.Page{Title: title, Problems: f.Problems, Back: nhsuk.BackLink{Text: "Back to the policy", Href: "/policy"}},
		Heading: frame.Heading(title),
		Role:    choose(f, "role", "Which role have they?", "Choose a role", admin.Roles()),
		Also:    choose(f, "also", "Have they a second role?", "No, or not known", admin.Roles()),
		Class:   choose(f, "class", "At which kind of organisation?", "Choose a kind of organisation", admin.Classes()),
		Action:  choose(f, "action", "What do they want to do?", "Choose what", admin.Actions()),
		Mode: radios(f, "mode", "Which patients, if they look somebody up?", "unsaid",
			nhsuk.Choice{Value: "unsaid", Text: "Their system does not say"},
			nhsuk.Choice{Value: "unscheduled", Text: "Who turned up unexpectedly"},
			nhsuk.Choice{Value: "scheduled", Text: "Who were expected"}),
		Whose: radios(f, "whose", "Whose is it?", "own",
			nhsuk.Choice{Value: "own", Text: "Their own organisation's"},
			nhsuk.Choice{Value: "another", Text: "Another organisation's"}),
		Level: radios(f, "level", "How strong is their log-in?", "3",
			nhsuk.Choice{Value: "3", Text: "Level 3, such as a smartcard or security key"},
			nhsuk.Choice{Value: "2", Text: "Level 2, such as a password and a code"},
			nhsuk.Choice{Value: "1", Text: "Level 1, such as a password alone"},
			nhsuk.Choice{Value: "0", Text: "Their identity provider does not say"}),
		Claim: nhsuk.Checkboxes{Name: "claim", Small: true, Choices: []nhsuk.Choice{{
			Value: "1", Text: "They claim the right, and say why (break-glass)", Checked: f.Text("claim") == "1",
		}}},
		Submit: nhsuk.Button{Text: "Ask"},
	}
	return v.Show(status, "policy_ask", page)
}

// choose asks for one of the policy's words.
func choose(f *frame.Form, name, label, none string, words []admin.Word) nhsuk.Select {
	s := nhsuk.Select{
		Name: name, Value: f.Text(name), Label: nhsuk.Label{Text: label, Size: nhsuk.Small}, Error: f.Error(name),
		Options: []nhsuk.Option{{Text: none}},
	}
	for _, w := range words {
		s.Options = append(s.Options, nhsuk.Option{Value: w.Name, Text: w.Text})
	}
	return s
}

func radios(f *frame.Form, name, legend, otherwise string, choices ...nhsuk.Choice) nhsuk.Radios {
	value := f.Or(name, otherwise)
	if !offers(choices, value) {
		value = otherwise
	}
	return nhsuk.Radios{Name: name, Value: value, Legend: nhsuk.Legend{Text: legend, Size: nhsuk.Small}, Choices: choices, Small: true}
}

func offers(choices []nhsuk.Choice, value string) bool {
	for _, c := range choices {
		if c.Value == value {
			return true
		}
	}
	return false
}

// readPolicy checks a question, and sends the browser to its answer. The address has
// words of the policy only, whatever was typed.
func readPolicy(v *frame.Visit) error {
	f, err := v.Form()
	if err != nil {
		return err
	}
	q := url.Values{}
	for _, field := range []struct {
		name, message string
		words         []admin.Word
	}{
		{"role", "Select which role they have", admin.Roles()},
		{"class", "Select a kind of organisation", admin.Classes()},
		{"action", "Select what they want to do", admin.Actions()},
	} {
		if wordOf(field.words, f.Text(field.name)) == "" {
			f.Reject(field.name, field.message)
		}
		q.Set(field.name, f.Text(field.name))
	}
	if !f.Fine() {
		return showAsk(v, http.StatusUnprocessableEntity, f)
	}
	for name, values := range map[string][]string{
		"mode": {"unscheduled", "scheduled"}, "whose": {"another"}, "level": {"1", "2", "3"}, "claim": {"1"}, "also": namesOf(admin.Roles()),
	} {
		for _, value := range values {
			if f.Text(name) == value {
				q.Set(name, value)
			}
		}
	}
	return v.To("/policy/answer?" + q.Encode())
}

func namesOf(words []admin.Word) []string {
	var all []string
	for _, w := range words {
		all = append(all, w.Name)
	}
	return all
}

// answerPage says what is decided, and why.
type answerPage struct {
	frame.Page

	Heading nhsuk.Heading
	Answer  string
	Why     []string
	About   nhsuk.SummaryList
	Others  []admin.Rule // by which somebody may do it
	Reason  string       // of a refusal
	Again   string
}

// answerPolicy asks what the policy decides, and shows it. An address that is no
// question leads to the form.
func (p *pages) answerPolicy(v *frame.Visit) error {
	asked := v.R.URL.Query()
	found, err := p.Policy.ExplainPolicy(v.R.Context(), v.Caller(), questionOf(asked, v.Request))
	if _, invalid := errors.AsType[*domain.InvalidError](err); invalid {
		return v.To("/policy/ask")
	}
	if err != nil {
		return err
	}
	title := "They may not do that"
	page := &answerPage{
		Answer: found.Answer, Why: found.Why, Reason: found.Rule, Others: found.Others, Again: "/policy/ask?" + asked.Encode(),
	}
	decided := "Reason, as entries have it"
	if found.Allowed {
		title, decided = "They may do that", "Rule"
		page.Reason = ""
	}
	page.Page = frame.Page{Title: title, Back: nhsuk.BackLink{Text: "Back to the question", Href: page.Again}}
	page.Heading = frame.Heading(title)
	page.About = nhsuk.SummaryList{Rows: []nhsuk.Row{
		{Key: "Role", Value: frame.Join(wordOf(admin.Roles(), asked.Get("role")), wordOf(admin.Roles(), asked.Get("also")))},
		{Key: "Where", Value: wordOf(admin.Classes(), found.Class)},
		{Key: "What", Value: wordOf(admin.Actions(), asked.Get("action"))},
		{Key: decided, Value: found.Rule},
	}}
	return v.Show(http.StatusOK, "policy_answer", page)
}

// questionOf reads a question from an address.
func questionOf(asked url.Values, request string) *admin.ExplainPolicyRequest {
	level, _ := strconv.Atoi(asked.Get("level")) // what is no number was not stated
	q := &admin.ExplainPolicyRequest{
		Role: asked.Get("role"), Class: asked.Get("class"), Action: asked.Get("action"),
		OfAnother: asked.Get("whose") == "another", Assurance: level, BreakGlass: asked.Get("claim") == "1", Request: request,
	}
	if also := asked.Get("also"); also != "" && also != q.Role {
		q.Role += "," + also
	}
	if q.Action == "look_up" {
		q.Mode = asked.Get("mode")
	}
	return q
}
