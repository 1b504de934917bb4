package clinician

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/google/uuid"

	"cpis/service/domain"
	"cpis/service/identity"
	"cpis/service/lookup"
	"cpis/service/notice"
	"cpis/service/session"
	"cpis/service/web/frame"
	"cpis/service/web/nhsuk"
	"cpis/service/web/words"
)

// LookUps answer questions about patients. *lookup.LookUps does.
type LookUps interface {
	LookUp(ctx context.Context, c *identity.Caller, q *lookup.Question) (*lookup.Answer, error)
	LookUpMany(ctx context.Context, c *identity.Caller, list *lookup.ClinicList) (*lookup.ListAnswer, error)
}

// Encounters are told that a look-up was about another patient. *notice.Notices is.
type Encounters interface {
	ReportWrongPatient(ctx context.Context, c *identity.Caller, w *notice.WrongPatient) (*notice.ReportResult, error)
}

// patient is whom somebody asked about: kept, sealed, for 15 minutes, and found by an
// address that says nothing. Each view of the answer is a look-up of the same
// encounter, so that a reload tells nobody twice.
type patient struct {
	Number     string             `json:"number"`
	Born       domain.Date        `json:"born"`
	Setting    domain.Setting     `json:"setting"`
	Lead       domain.Responsible `json:"lead,omitzero"` // of NHS 111
	Unexpected bool               `json:"unexpected"`    // though the role is for appointments
	Grounds    domain.Grounds     `json:"grounds"`       // of break-glass
	Reason     string             `json:"reason"`
}

// encounterOf is the encounter of a question.
func encounterOf(id string) string { return "page-" + id }

func patientDraft(id string) session.Draft {
	return session.Draft{Of: "look-up " + id, For: session.KeepQuestion, UntilLogOut: true}
}

func keepPatient(v *frame.Visit, id string, q *patient) error {
	return v.Sessions.SaveDraft(v.R.Context(), v.Owner(), patientDraft(id), q)
}

// patientOf returns the question of this address, or errExpired.
func patientOf(v *frame.Visit) (*patient, error) {
	var q patient
	found, err := v.Kept(patientDraft(v.R.PathValue("q")).Of, &q)
	if err == nil && !found {
		err = errExpired
	}
	return &q, err
}

// errExpired says that a question is not kept any more, or was never asked.
var errExpired = errors.New("the question is not kept any more")

// pageOf is what pages of look-ups have, in the language of the address.
func pageOf(v *frame.Visit, f *frame.Form) frame.Page {
	p := frame.Page{Language: v.Language()}
	if f != nil {
		p.Problems = f.Problems
	}
	other := strings.TrimPrefix(v.R.URL.Path, "/cy")
	if p.Language == words.English {
		other = "/cy" + other
	}
	if v.R.Method == http.MethodGet {
		p.Other = other
	}
	return p
}

// askPage asks whom a look-up is about.
type askPage struct {
	frame.Page

	Heading    nhsuk.Heading
	Number     nhsuk.Input
	Born       nhsuk.DateInput
	Unexpected *nhsuk.Checkboxes
	Where      nhsuk.Select
	Lead       *leadFields
	Tells      string
	Button     nhsuk.Button
	Action     string
}

// showLookUp asks whom a look-up is about.
func showLookUp(v *frame.Visit) error {
	f, err := v.Form()
	if err != nil {
		return err
	}
	return writeAsk(v, http.StatusOK, f)
}

func writeAsk(v *frame.Visit, status int, f *frame.Form) error {
	page := &askPage{Page: pageOf(v, f), Action: v.In("/look-up")}
	w := page.Say()
	page.Title, page.Heading, page.Button = w.LookUp.Title, frame.Heading(w.LookUp.Title), nhsuk.Button{Text: w.LookUp.Button, PreventDoubleClick: true}
	page.Number, page.Born = f.NumberField(w, "number"), f.BornField(w, "born")
	held, err := workplaceOf(v)
	if err != nil {
		return err
	}
	page.Where = whereField(w, f, settingsOf(v), held.Setting)
	if remote(v) {
		page.Lead = askLead(w, f, held.Lead)
	}
	page.Tells = w.LookUp.Silent
	if v.Is("clinician_unscheduled") {
		page.Tells = w.LookUp.Tells
	} else {
		page.Unexpected = &nhsuk.Checkboxes{Name: "unexpected", Choices: []nhsuk.Choice{{Value: "1", Text: w.LookUp.Unexpected, Checked: f.Or("unexpected", "") == "1"}}}
	}
	return v.Show(status, "look_up", page)
}

// whereField asks where somebody works.
func whereField(w *words.Words, f *frame.Form, places []domain.Setting, held domain.Setting) nhsuk.Select {
	where := nhsuk.Select{
		Name: "setting", Value: f.Or("setting", string(held)), Label: nhsuk.Label{Text: w.LookUp.Where, Size: nhsuk.Medium},
		Error: f.ErrorIn(w, "setting"), Options: []nhsuk.Option{{}},
	}
	for _, s := range places {
		where.Options = append(where.Options, nhsuk.Option{Value: string(s), Text: w.Setting(s)})
	}
	return where
}

// askLookUp keeps what was asked, and sends the browser to its answer.
func askLookUp(v *frame.Visit) error {
	f, err := v.Form()
	if err != nil {
		return err
	}
	q := readPatient(v, f)
	if !f.Fine() {
		return writeAsk(v, http.StatusUnprocessableEntity, f)
	}
	if err := keepWorkplace(v, &workplace{q.Setting, q.Lead}); err != nil {
		return err
	}
	id := uuid.NewString()
	if err := keepPatient(v, id, q); err != nil {
		return err
	}
	return v.To(v.In("/look-up/" + id))
}

// readPatient reads the form, and says what is wrong with it.
func readPatient(v *frame.Visit, f *frame.Form) *patient {
	w := words.In(v.Language())
	q := &patient{
		Number: f.ReadNumber(w, "number"), Born: f.ReadDay("born", frame.BornWords(w), v.Today()),
		Setting: domain.Setting(f.Text("setting")), Unexpected: f.Text("unexpected") == "1",
	}
	if !slices.Contains(settingsOf(v), q.Setting) {
		f.Reject("setting", w.LookUp.WhereEmpty)
	}
	if remote(v) {
		q.Lead = readLead(w, f)
	}
	return q
}

// settingsOf are the places that a role works at.
func settingsOf(v *frame.Visit) []domain.Setting {
	if remote(v) {
		return []domain.Setting{domain.NHS111}
	}
	if v.Is("clinician_unscheduled") {
		return []domain.Setting{
			domain.EmergencyDepartment, domain.UrgentCare, domain.OutOfHours, domain.Ambulance, domain.Maternity, domain.PaediatricWard,
		}
	}
	return expectedSettings
}

// expectedSettings are the places that expect their patients.
var expectedSettings = []domain.Setting{
	domain.GeneralPractice, domain.Community, domain.MentalHealth, domain.Dental, domain.SexualHealth, domain.Outpatient,
}

// workplace is where somebody works, and who leads on safeguarding there: asked once,
// until they log out.
type workplace struct {
	Setting domain.Setting     `json:"setting"`
	Lead    domain.Responsible `json:"lead,omitzero"`
}

const workplaceDraft = "look-up workplace"

// workplaceOf is what somebody said of their workplace the last time they were asked.
// Who can only work at one place is not asked.
func workplaceOf(v *frame.Visit) (held workplace, err error) {
	_, err = v.Kept(workplaceDraft, &held)
	if all := settingsOf(v); len(all) == 1 {
		held.Setting = all[0]
	}
	return held, err
}

func keepWorkplace(v *frame.Visit, at *workplace) error {
	return v.Sessions.SaveDraft(v.R.Context(), v.Owner(), session.Draft{Of: workplaceDraft, UntilLogOut: true}, at)
}
