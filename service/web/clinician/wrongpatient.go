package clinician

import (
	"net/http"

	"cpis/service/notice"
	"cpis/service/web/frame"
	"cpis/service/web/nhsuk"
	"cpis/service/web/words"
)

// wrongPatientPage asks what happened, before a look-up is marked.
type wrongPatientPage struct {
	frame.Page

	Heading nhsuk.Heading
	Effect  string
	Reason  nhsuk.Textarea
	Button  nhsuk.Button
	Action  string
	Act     string // request id
}

func showWrongPatient(v *frame.Visit) error {
	f, err := v.Form()
	if err != nil {
		return err
	}
	return writeWrongPatient(v, http.StatusOK, f)
}

func writeWrongPatient(v *frame.Visit, status int, f *frame.Form) error {
	if _, err := patientOf(v); err != nil {
		return orAgain(v, err)
	}
	page := &wrongPatientPage{Page: pageOf(v, f), Action: v.In("/look-up/" + v.R.PathValue("q") + "/wrong-patient"), Act: f.Act()}
	w := page.Say()
	page.Title, page.Heading, page.Effect = w.WrongPatient.Title, frame.Heading(w.WrongPatient.Title), w.WrongPatient.Effect
	page.Reason = nhsuk.Textarea{
		Name: "reason", Value: f.Or("reason", ""), Label: nhsuk.Label{Text: w.WrongPatient.Reason, Size: nhsuk.Medium},
		Hint: nhsuk.Hint{Text: w.BreakGlass.ReasonHint}, Error: f.ErrorIn(w, "reason"), Autocomplete: "off", NoSpellcheck: true,
	}
	page.Button = nhsuk.Button{Text: w.WrongPatient.Button, PreventDoubleClick: true}
	page.Back = nhsuk.BackLink{Text: w.Shell.Back, Href: v.In("/look-up/" + v.R.PathValue("q"))}
	return v.Show(status, "wrong_patient", page)
}

// reportWrongPatient marks the look-up, and has the page that asks the next.
func (p *pages) reportWrongPatient(v *frame.Visit) error {
	f, err := v.Form()
	if err != nil {
		return err
	}
	q, err := patientOf(v)
	if err != nil {
		return orAgain(v, err)
	}
	w := words.In(v.Language())
	reason := f.Text("reason")
	if reason == "" || reason == "." {
		f.Reject("reason", w.Identifiers.ReasonEmpty)
		return writeWrongPatient(v, http.StatusUnprocessableEntity, f)
	}
	id := v.R.PathValue("q")
	_, err = p.Encounters.ReportWrongPatient(v.R.Context(), v.Caller(), &notice.WrongPatient{
		NHSNumber: q.Number, EncounterID: encounterOf(id), Reason: reason, Request: f.Act(),
	})
	if f.Refuse(err, map[string]string{"reason": "reason|" + w.Identifiers.ReasonEmpty}) {
		return writeWrongPatient(v, http.StatusUnprocessableEntity, f)
	}
	if err != nil {
		return err
	}
	if err := v.Sessions.DropDraft(v.R.Context(), v.Owner(), patientDraft(id).Of); err != nil {
		return err
	}
	return v.ToTelling(v.In("/look-up"), w.WrongPatient.Done+". "+w.WrongPatient.Next)
}
