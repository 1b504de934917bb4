package web

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
	"cpis/service/web/nhsuk"
	"cpis/service/web/words"
)

// LookUps answer questions about patients. *lookup.LookUps does.
type LookUps interface {
	LookUp(ctx context.Context, c *identity.Caller, q *lookup.Question) (*lookup.Answer, error)
}

// Encounters are told that a look-up was about another patient. *notice.Notices is.
type Encounters interface {
	ReportWrongPatient(ctx context.Context, c *identity.Caller, w *notice.WrongPatient) (*notice.ReportResult, error)
}

// patient is whom somebody asked about: kept, sealed, for 15 minutes, and found by an
// address that says nothing. Each view of the answer is a look-up of the same
// encounter, so that a reload tells nobody twice.
type patient struct {
	Number     string         `json:"number"`
	Born       domain.Date    `json:"born"`
	Setting    domain.Setting `json:"setting"`
	Unexpected bool           `json:"unexpected"` // though the role is for appointments
	Grounds    domain.Grounds `json:"grounds"`    // of break-glass
	Reason     string         `json:"reason"`
}

// encounterOf is the encounter of a question.
func encounterOf(id string) string { return "page-" + id }

func patientDraft(id string) session.Draft {
	return session.Draft{Of: "look-up " + id, For: session.KeepQuestion, UntilLogOut: true}
}

func keepPatient(v *visit, id string, q *patient) error {
	return v.Sessions.SaveDraft(v.r.Context(), v.owner(), patientDraft(id), q)
}

// patientOf returns the question of this address, or errExpired.
func patientOf(v *visit) (*patient, error) {
	var q patient
	found, err := v.kept(patientDraft(v.r.PathValue("q")).Of, &q)
	if err == nil && !found {
		err = errExpired
	}
	return &q, err
}

// errExpired says that a question is not kept any more, or was never asked.
var errExpired = errors.New("the question is not kept any more")

// language is that of the address.
func (v *visit) language() words.Language {
	if strings.HasPrefix(v.r.URL.Path, "/cy/") {
		return words.Welsh
	}
	return words.English
}

// in returns an address in the language of this one.
func (v *visit) in(path string) string {
	if v.language() == words.Welsh {
		return "/cy" + path
	}
	return path
}

// pageOf is what pages of look-ups have, in the language of the address.
func pageOf(v *visit, f *form) Page {
	p := Page{Language: v.language()}
	if f != nil {
		p.Problems = f.problems
	}
	other := strings.TrimPrefix(v.r.URL.Path, "/cy")
	if p.Language == words.English {
		other = "/cy" + other
	}
	if v.r.Method == http.MethodGet {
		p.Other = other
	}
	return p
}

// askPage asks whom a look-up is about.
type askPage struct {
	Page

	Heading    nhsuk.Heading
	Number     nhsuk.Input
	Born       nhsuk.DateInput
	Unexpected *nhsuk.Checkboxes
	Where      nhsuk.Select
	Tells      string
	Button     nhsuk.Button
	Action     string
}

// showLookUp asks whom a look-up is about.
func showLookUp(v *visit) error {
	f, err := v.form()
	if err != nil {
		return err
	}
	return writeAsk(v, http.StatusOK, f)
}

func writeAsk(v *visit, status int, f *form) error {
	page := &askPage{Page: pageOf(v, f), Action: v.in("/look-up")}
	w := page.Say()
	page.Title, page.Heading, page.Button = w.LookUp.Title, heading(w.LookUp.Title), nhsuk.Button{Text: w.LookUp.Button, PreventDoubleClick: true}
	page.Number = nhsuk.Input{
		Name: "number", Value: f.or("number", ""), Label: nhsuk.Label{Text: w.LookUp.Number, Size: nhsuk.Medium}, Hint: nhsuk.Hint{Text: w.LookUp.NumberHint},
		Error: errorOf(w, f, "number"), Width: 10, Code: true, Mode: "numeric", Autocomplete: "off", NoSpellcheck: true,
	}
	part := func(name, label string) nhsuk.DatePart {
		return nhsuk.DatePart{Name: name, Label: label, Value: f.or("born["+name+"]", "")}
	}
	page.Born = nhsuk.DateInput{
		ID: "born", Prefix: "born", Legend: nhsuk.Legend{Text: w.LookUp.Born, Size: nhsuk.Medium}, Hint: nhsuk.Hint{Text: w.LookUp.BornHint},
		Error: errorOf(w, f, "born"), Day: part("day", w.LookUp.Day), Month: part("month", w.LookUp.Month), Year: part("year", w.LookUp.Year),
		Autocomplete: "off", NoSpellcheck: true,
	}
	held, err := workplaceOf(v)
	if err != nil {
		return err
	}
	page.Where = nhsuk.Select{
		Name: "setting", Value: f.or("setting", string(held)), Label: nhsuk.Label{Text: w.LookUp.Where, Size: nhsuk.Medium},
		Error: errorOf(w, f, "setting"), Options: []nhsuk.Option{{}},
	}
	for _, s := range settingsOf(v) {
		page.Where.Options = append(page.Where.Options, nhsuk.Option{Value: string(s), Text: settingWords(w, s)})
	}
	page.Tells = w.LookUp.Silent
	if v.is("clinician_unscheduled") {
		page.Tells = w.LookUp.Tells
	} else {
		page.Unexpected = &nhsuk.Checkboxes{Name: "unexpected", Choices: []nhsuk.Choice{{Value: "1", Text: w.LookUp.Unexpected, Checked: f.or("unexpected", "") == "1"}}}
	}
	return v.show(status, "look_up", page)
}

// errorOf is the message beside a field in the page's language.
func errorOf(w *words.Words, f *form, field string) nhsuk.ErrorMessage {
	return nhsuk.ErrorMessage{Text: f.wrong[field], Prefix: w.Shell.Error}
}

// askLookUp keeps what was asked, and sends the browser to its answer.
func askLookUp(v *visit) error {
	f, err := v.form()
	if err != nil {
		return err
	}
	q := readPatient(v, f)
	if !f.fine() {
		return writeAsk(v, http.StatusUnprocessableEntity, f)
	}
	if err := keepWorkplace(v, q.Setting); err != nil {
		return err
	}
	id := uuid.NewString()
	if err := keepPatient(v, id, q); err != nil {
		return err
	}
	return v.to(v.in("/look-up/" + id))
}

// readPatient reads the form, and says what is wrong with it.
func readPatient(v *visit, f *form) *patient {
	w := words.In(v.language())
	q := &patient{Number: f.text("number"), Setting: domain.Setting(f.text("setting")), Unexpected: f.text("unexpected") == "1"}
	if problem := numberProblem(w, q.Number); problem != "" {
		f.reject("number", problem)
	}
	born, part, problem := readBorn(w, f, domain.DateOf(v.Now().In(domain.London)))
	if problem != "" {
		f.rejectAt("born", "born-"+part, problem)
	}
	q.Born = born
	if !slices.Contains(settingsOf(v), q.Setting) {
		f.reject("setting", w.LookUp.WhereEmpty)
	}
	return q
}

// settingsOf are the places that a role works at.
func settingsOf(v *visit) []domain.Setting {
	if v.is("clinician_unscheduled") {
		return []domain.Setting{
			domain.EmergencyDepartment, domain.UrgentCare, domain.OutOfHours, domain.Ambulance, domain.Maternity, domain.PaediatricWard,
		}
	}
	return []domain.Setting{
		domain.GeneralPractice, domain.Community, domain.MentalHealth, domain.Dental, domain.SexualHealth, domain.Outpatient,
	}
}

const workplaceDraft = "look-up workplace"

// workplaceOf is where somebody said that they work, the last time they were asked.
func workplaceOf(v *visit) (held domain.Setting, err error) {
	_, err = v.kept(workplaceDraft, &held)
	return held, err
}

func keepWorkplace(v *visit, s domain.Setting) error {
	return v.Sessions.SaveDraft(v.r.Context(), v.owner(), session.Draft{Of: workplaceDraft, UntilLogOut: true}, s)
}
