package clinician

import (
	"errors"
	"html/template"
	"net/http"
	"strings"

	"cpis/service/domain"
	"cpis/service/guard"
	"cpis/service/lookup"
	"cpis/service/session"
	"cpis/service/web/frame"
	"cpis/service/web/nhsuk"
	"cpis/service/web/words"
)

// answerPage is the answer to a look-up. Whatever it is, the page has one length and
// asks for the same files.
type answerPage struct {
	frame.Page

	Kind    string // "flag", "none" or "unknown": its shape
	Answer  string
	Shape   string
	Asked   string
	Sharp   []string // what must not be overlooked
	Calls   []call
	Plans   nhsuk.Group
	Advice  []string
	History []access
	Shown   bool // the history
	Ways    []frame.Way
	Print   string
	Printed string
	Receipt string
}

// call is whom to call: the number of now, or another one.
type call struct{ Words, Number, Href, Who string }

// Dial is the address that calls the number: digits, whatever the number is.
func (c call) Dial() template.URL { return template.URL(c.Href) } //nolint:gosec // made by words.Tel

// access is an earlier visit.
type access struct {
	Where, By string
	Another   bool
}

// showAnswer looks up, and shows the answer.
func (p *pages) showAnswer(v *frame.Visit) error {
	id := v.R.PathValue("q")
	q, err := patientOf(v)
	if errors.Is(err, errExpired) {
		return askAgain(v)
	}
	if err != nil {
		return err
	}
	ask := &lookup.Question{
		NHSNumber: q.Number, DateOfBirth: q.Born.String(), Encounter: domain.Encounter{ID: encounterOf(id), Setting: q.Setting},
		Purpose: domain.DirectCare, SafeguardingLead: q.Lead, BreakGlass: q.Reason, Grounds: q.Grounds, Request: v.Request,
	}
	if q.Unexpected {
		ask.Mode = "unscheduled"
	}
	found, err := p.LookUps.LookUp(v.R.Context(), v.Caller(), ask)
	switch {
	case q.Reason == "" && claimable(err) != "":
		return writeRefused(v, id, claimable(err))
	case err != nil:
		return err
	}
	return writeAnswer(v, id, q, found)
}

// claimable returns why a look-up was refused that its caller may claim the right to:
// roles that nobody may hold together, and a weak log-in, no claim helps. Of those, and of
// what could not be recorded, it returns nothing.
func claimable(err error) string {
	refused, is := errors.AsType[*guard.DeniedError](err)
	if !is || errors.Is(err, guard.ErrUnrecorded) || refused.Reason != "no_rule" && refused.Reason != "mode_not_held" {
		return ""
	}
	return refused.Reason
}

// askAgain sends somebody whose question is gone to the form.
func askAgain(v *frame.Visit) error {
	v.Session.Message = session.Message{Kind: "important", Text: words.In(v.Language()).LookUp.Expired}
	if err := v.Sessions.Keep(v.R.Context(), v.Session); err != nil {
		return err
	}
	return v.To(v.In("/look-up"))
}

func writeAnswer(v *frame.Visit, id string, q *patient, a *lookup.Answer) error {
	page := &answerPage{Page: pageOf(v, nil)}
	w := page.Say()
	number, _ := domain.ParseNHSNumber(q.Number)
	page.Asked = w.Answer.Asked.With(words.NHSNumber(number), w.Language.Day(q.Born))
	page.Kind, page.Answer, page.Shape = verdictWords(w, a.Verdict)
	page.Title = page.Answer
	page.Sharp = sharpWords(w, a)
	page.Calls = callsOf(v, w, a)
	for i := range a.Plans {
		page.Plans = append(page.Plans, planCard(w, &a.Plans[i]))
	}
	page.Advice = adviceWords(w, a.AdviceCode)
	page.Shown = a.Verdict == lookup.FlagHeld && !a.Restricted && !a.Degraded
	for i := range a.History {
		page.History = append(page.History, accessWords(w, &a.History[i]))
	}
	page.Ways = []frame.Way{
		{Text: w.Answer.NotThisPatient, Href: v.In("/look-up/" + id + "/wrong-patient")},
		{Text: w.Answer.LookUpAnother, Href: v.In("/look-up")},
	}
	if a.Verdict == lookup.CannotSay {
		page.Ways = append([]frame.Way{{Text: w.Answer.TryAgain, Href: v.In("/look-up")}}, page.Ways...)
	}
	page.Print = w.Answer.Print
	page.Printed = w.Answer.Recorded.With(w.Language.Clock(v.Now()))
	page.Receipt = frame.ReceiptText(&a.Receipt)
	return showAlike(v, "answer", page, alike)
}

// alike is what the length of an answer is a multiple of, as it is sent.
const alike = 12_000

// showAlike sends a page so that its length says nothing. Nobody on the way may
// compress it: what compresses well would say what it is.
func showAlike(v *frame.Visit, name string, page frame.Content, alike int) error {
	out, err := v.Write(name, page)
	if err != nil {
		return err
	}
	out.WriteString(strings.Repeat("\n", (alike-out.Len()%alike)%alike))
	v.W.Header().Set("Cache-Control", "no-store, no-transform")
	v.Answer(http.StatusOK, out.Bytes())
	return nil
}

// refusedPage says that a role has not this right, and how to look all the same.
type refusedPage struct {
	frame.Page

	Heading nhsuk.Heading
	Why     nhsuk.Details
	Start   nhsuk.Button
	Again   frame.Way
	Urgent  string
}

func writeRefused(v *frame.Visit, id, reason string) error {
	page := &refusedPage{Page: pageOf(v, nil)}
	w := page.Say()
	page.Title, page.Heading = w.BreakGlass.Refused, frame.Heading(w.BreakGlass.Refused)
	page.Why = nhsuk.Details{Summary: w.Refused.Why, Text: strings.Join(w.Refused.Of(reason), " ")}
	page.Start = nhsuk.Button{Text: w.BreakGlass.Start, Href: v.In("/look-up/" + id + "/break-glass"), Variant: nhsuk.Warning}
	page.Again = frame.Way{Text: w.LookUp.Again, Href: v.In("/look-up")}
	page.Urgent = w.Failures.CallInstead.With(words.Phone(v.Hub.Phone))
	return v.Show(http.StatusForbidden, "look_up_refused", page)
}

// breakGlassPage asks why somebody looks without the right to.
type breakGlassPage struct {
	frame.Page

	Panel  nhsuk.Panel
	Radios nhsuk.Radios
	Reason nhsuk.CharacterCount
	Button nhsuk.Button
	Away   frame.Way
	Action string
}

// maxWhy is how long the reason for break-glass may be, minWhy how short.
const (
	minWhy = 10
	maxWhy = 1000
)

func showBreakGlass(v *frame.Visit) error {
	f, err := v.Form()
	if err != nil {
		return err
	}
	return writeBreakGlass(v, http.StatusOK, f)
}

func writeBreakGlass(v *frame.Visit, status int, f *frame.Form) error {
	if _, err := patientOf(v); err != nil {
		return orAgain(v, err)
	}
	page := &breakGlassPage{Page: pageOf(v, f), Action: v.In("/look-up/" + v.R.PathValue("q") + "/break-glass")}
	w := page.Say()
	page.Title = w.BreakGlass.Title
	page.Panel = nhsuk.Panel{Interruption: true, Heading: nhsuk.Heading{Text: w.BreakGlass.Title, Size: nhsuk.Large}, Body: nhsuk.Group{
		nhsuk.Paragraph(w.BreakGlass.Told), nhsuk.Paragraph(w.BreakGlass.CountsFor.With(words.Number(int(session.KeepQuestion.Minutes())))),
	}}
	page.Radios = nhsuk.Radios{
		Name: "grounds", Value: f.Or("grounds", ""), Legend: nhsuk.Legend{Text: w.BreakGlass.Grounds, Size: nhsuk.Medium}, Error: f.ErrorIn(w, "grounds"),
	}
	for _, g := range groundsWords(w) {
		page.Radios.Choices = append(page.Radios.Choices, nhsuk.Choice{Value: string(g.grounds), Text: g.text})
	}
	page.Reason = nhsuk.CharacterCount{MaxLength: maxWhy, Textarea: nhsuk.Textarea{
		Name: "reason", Value: f.Or("reason", ""), Label: nhsuk.Label{Text: w.BreakGlass.Reason, Size: nhsuk.Medium},
		Hint: nhsuk.Hint{Text: w.BreakGlass.ReasonHint}, Error: f.ErrorIn(w, "reason"), Autocomplete: "off", NoSpellcheck: true,
	}, LimitText: w.Identifiers.Limit.With(words.Number(maxWhy)), UnderLimitText: nhsuk.Plurals(w.Identifiers.CharactersLeft.Forms())}
	page.Button = nhsuk.Button{Text: w.BreakGlass.Button, Variant: nhsuk.Warning, PreventDoubleClick: true}
	page.Away = frame.Way{Text: w.BreakGlass.GoBack, Href: v.In("/look-up")}
	return v.Show(status, "break_glass", page)
}

func claimBreakGlass(v *frame.Visit) error {
	f, err := v.Form()
	if err != nil {
		return err
	}
	q, err := patientOf(v)
	if err != nil {
		return orAgain(v, err)
	}
	w := words.In(v.Language())
	q.Grounds, q.Reason = domain.Grounds(f.Text("grounds")), f.Text("reason")
	if !knownGrounds(w, q.Grounds) {
		f.Reject("grounds", w.Identifiers.SelectGrounds)
	}
	switch n := len([]rune(q.Reason)); {
	case n < minWhy:
		f.Reject("reason", w.Identifiers.ReasonEmpty)
	case n > maxWhy:
		f.Reject("reason", w.Identifiers.ReasonTooLong.With(words.Number(maxWhy), words.Number(n)))
	}
	if !f.Fine() {
		return writeBreakGlass(v, http.StatusUnprocessableEntity, f)
	}
	id := v.R.PathValue("q")
	if err := keepPatient(v, id, q); err != nil {
		return err
	}
	return v.To(v.In("/look-up/" + id))
}

// orAgain sends somebody whose question is gone to the form; other errors stay.
func orAgain(v *frame.Visit, err error) error {
	if errors.Is(err, errExpired) {
		return askAgain(v)
	}
	return err
}
