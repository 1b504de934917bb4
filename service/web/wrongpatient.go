package web

import (
	"html/template"
	"net/http"

	"cpis/service/notice"
	"cpis/service/web/nhsuk"
	"cpis/service/web/words"
)

// inParagraph is a component in a paragraph of its own.
type inParagraph struct{ text nhsuk.Plain }

// HTML writes the paragraph.
func (p inParagraph) HTML() (template.HTML, error) {
	html, err := p.text.HTML()
	return "<p>" + html + "</p>", err
}

// wrongPatientPage asks what happened, before a look-up is marked.
type wrongPatientPage struct {
	Page

	Heading nhsuk.Heading
	Effect  string
	Reason  nhsuk.Textarea
	Button  nhsuk.Button
	Action  string
	Act     string // request id
}

func showWrongPatient(v *visit) error {
	f, err := v.form()
	if err != nil {
		return err
	}
	return writeWrongPatient(v, http.StatusOK, f)
}

func writeWrongPatient(v *visit, status int, f *form) error {
	if _, err := patientOf(v); err != nil {
		return orAgain(v, err)
	}
	page := &wrongPatientPage{Page: pageOf(v, f), Action: v.in("/look-up/" + v.r.PathValue("q") + "/wrong-patient"), Act: f.act()}
	w := page.Say()
	page.Title, page.Heading, page.Effect = w.WrongPatient.Title, heading(w.WrongPatient.Title), w.WrongPatient.Effect
	page.Reason = nhsuk.Textarea{
		Name: "reason", Value: f.or("reason", ""), Label: nhsuk.Label{Text: w.WrongPatient.Reason, Size: nhsuk.Medium},
		Hint: nhsuk.Hint{Text: w.BreakGlass.ReasonHint}, Error: errorOf(w, f, "reason"), Autocomplete: "off", NoSpellcheck: true,
	}
	page.Button = nhsuk.Button{Text: w.WrongPatient.Button, PreventDoubleClick: true}
	page.Back = nhsuk.BackLink{Text: w.Shell.Back, Href: v.in("/look-up/" + v.r.PathValue("q"))}
	return v.show(status, "wrong_patient", page)
}

// reportWrongPatient marks the look-up, and has the page that asks the next.
func reportWrongPatient(v *visit) error {
	f, err := v.form()
	if err != nil {
		return err
	}
	q, err := patientOf(v)
	if err != nil {
		return orAgain(v, err)
	}
	w := words.In(v.language())
	reason := f.text("reason")
	if reason == "" || reason == "." {
		f.reject("reason", w.Identifiers.ReasonEmpty)
		return writeWrongPatient(v, http.StatusUnprocessableEntity, f)
	}
	id := v.r.PathValue("q")
	_, err = v.Encounters.ReportWrongPatient(v.r.Context(), v.caller(), &notice.WrongPatient{
		NHSNumber: q.Number, EncounterID: encounterOf(id), Reason: reason, Request: f.act(),
	})
	if f.refuse(err, map[string]string{"reason": "reason|" + w.Identifiers.ReasonEmpty}) {
		return writeWrongPatient(v, http.StatusUnprocessableEntity, f)
	}
	if err != nil {
		return err
	}
	if err := v.Sessions.DropDraft(v.r.Context(), v.owner(), patientDraft(id).Of); err != nil {
		return err
	}
	return v.toTelling(v.in("/look-up"), w.WrongPatient.Done+". "+w.WrongPatient.Next)
}
