package lead

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/google/uuid"

	"cpis/service/domain"
	"cpis/service/identity"
	"cpis/service/plan"
	"cpis/service/session"
	"cpis/service/text"
	"cpis/service/web/frame"
	"cpis/service/web/nhsuk"
	"cpis/service/web/planwords"
	"cpis/service/web/words"
)

// Plans are what an authority holds. *plan.Plans finds and shows it.
type Plans interface {
	FindPeople(ctx context.Context, c *identity.Caller, q *plan.FindRequest) (*plan.FoundPeople, error)
	GetPerson(ctx context.Context, c *identity.Caller, q *plan.GetPersonRequest) (*plan.OwnPerson, error)
	ListEvents(ctx context.Context, c *identity.Caller, q *plan.EventsRequest) (*plan.Events, error)
	ListPlans(ctx context.Context, c *identity.Caller, q *plan.ListRequest) (*plan.Page, error)
}

// sought is whom somebody looks for: by number, or by name. It stands in no address.
type sought struct {
	Number, Family, Given, Born string
}

// values are the fields of the page.
func (s *sought) values() url.Values {
	v := url.Values{"number": {s.Number}, "family": {s.Family}, "given": {s.Given}}
	if born, err := domain.ParseDate(s.Born); err == nil {
		t := born.Time()
		v.Set("born[day]", t.Format("2"))
		v.Set("born[month]", t.Format("1"))
		v.Set("born[year]", t.Format("2006"))
	}
	return v
}

func soughtDraft(id string) session.Draft {
	return session.Draft{Of: "sought " + id, UntilLogOut: true}
}

// findPage asks whom somebody looks for.
type findPage struct {
	frame.Page

	Heading       nhsuk.Heading
	Number        nhsuk.Input
	Family, Given nhsuk.Input
	Born          nhsuk.DateInput
	Own           nhsuk.Details
	Button        nhsuk.Button
}

const findTitle = "Find a person"

// askPerson asks whom somebody looks for. What was typed before is still there.
func (p *pages) askPerson(v *frame.Visit) error {
	f, err := v.Form()
	if err != nil {
		return err
	}
	var before sought
	if id := v.R.URL.Query().Get("sought"); f.Values == nil && id != "" {
		found, err := v.Kept(soughtDraft(id).Of, &before)
		if err != nil {
			return err
		}
		if found {
			f.Values = before.values()
		}
	}
	return showFind(v, http.StatusOK, f)
}

func showFind(v *frame.Visit, status int, f *frame.Form) error {
	w := words.In(words.English)
	input := func(field, label string) nhsuk.Input {
		return nhsuk.Input{
			Name: field, Value: f.Text(field), Label: nhsuk.Label{Text: label}, Error: f.Error(field), Width: 20, Autocomplete: "off", NoSpellcheck: true,
		}
	}
	number, id := f.NumberField(w, "number"), input("person", "Identifier")
	number.Hint.Text = "10 digits, like 999 123 4567. It finds one person, so leave the rest empty"
	id.Hint, id.Code, id.Width = nhsuk.Hint{Text: "That your own system keeps for the person, in 5 groups of letters and digits"}, true, 0
	born := f.DayField(w, "born", "Date of birth (optional)", w.LookUp.BornHint, domain.Date{})
	born.Legend.Size = "" // it goes with the names
	return v.Show(status, "find", &findPage{
		Page: frame.Page{Title: findTitle, Problems: f.Problems}, Heading: frame.Heading(findTitle),
		Number: number, Family: input("family", "Family name"), Given: input("given", "Given name"),
		Born:   born,
		Own:    nhsuk.Details{Summary: "Find by the identifier in your own system", Body: id, Open: f.Text("person") != ""},
		Button: nhsuk.Button{Text: "Find", PreventDoubleClick: true},
	})
}

// findPerson keeps what was typed, and leads to who was found.
func (p *pages) findPerson(v *frame.Visit) error {
	f, err := v.Form()
	if err != nil {
		return err
	}
	if id := f.Text("person"); id != "" {
		if uuid.Validate(id) == nil && len(id) == 36 {
			return v.To("/people/" + strings.ToLower(id))
		}
		f.Reject("person", "Check the identifier: it has 32 letters and digits in 5 groups")
	}
	s := readSought(v, f)
	if !f.Fine() {
		return showFind(v, http.StatusUnprocessableEntity, f)
	}
	kept := uuid.NewString()
	if err := v.Sessions.SaveDraft(v.R.Context(), v.Owner(), soughtDraft(kept), s); err != nil {
		return err
	}
	return v.To("/found/" + kept)
}

// readSought reads whom somebody looks for, and says what is wrong.
func readSought(v *frame.Visit, f *frame.Form) *sought {
	w := words.In(words.English)
	s := &sought{Number: f.Text("number"), Family: f.Text("family"), Given: f.Text("given")}
	say := frame.BornWords(w)
	say.Empty = "" // a name is enough
	s.Born = f.ReadDay("born", say, v.Today()).String()
	named := !text.Blank(s.Family) || !text.Blank(s.Given)
	switch {
	case !f.Fine():
	case !text.Blank(s.Number) && (named || s.Born != ""):
		f.Reject("number", "Enter the NHS number alone, or leave it empty to find by name")
	case !text.Blank(s.Number):
		f.ReadNumber(w, "number")
	case !named:
		f.Reject("number", "Enter the NHS number, or a name")
	}
	return s
}

// foundPage shows who was found.
type foundPage struct {
	frame.Page

	Heading    nhsuk.Heading
	Lead       string
	Table      nhsuk.Table
	None       bool
	Number     bool // was looked for, not a name
	More       bool
	Incomplete bool
	Again      string
}

const foundTitle = "People found"

// soughtFields are the fields of the page, by those of the room.
var soughtFields = map[string]string{
	"nhs_number":    "number|Check the NHS number: it has 10 digits, and one of them may not be right",
	"family_name":   "family|Enter a name of at least one letter, without signs that names do not have",
	"given_name":    "given|Enter a name of at least one letter, without signs that names do not have",
	"date_of_birth": "born|Date of birth must be a real date, like 30 4 2019",
}

// showFound shows who was found. If that is one person, it is that person's page.
func (p *pages) showFound(v *frame.Visit) error {
	var s sought
	id := v.R.PathValue("question")
	ok, err := v.Kept(soughtDraft(id).Of, &s)
	switch {
	case err != nil:
		return err
	case !ok:
		return v.To("/people") // it is a colleague's, or not kept any more
	}
	found, err := p.Plans.FindPeople(v.R.Context(), v.Caller(), &plan.FindRequest{
		NHSNumber: s.Number, Family: s.Family, Given: s.Given, DateOfBirth: s.Born, Request: v.Request,
	})
	if _, invalid := errors.AsType[*domain.InvalidError](err); invalid {
		f := &frame.Form{Values: s.values(), Wrong: map[string]string{}}
		if f.Refuse(err, soughtFields) {
			return showFind(v, http.StatusUnprocessableEntity, f)
		}
	}
	if err != nil {
		return err
	}
	if len(found.People) == 1 && !found.More && !found.Incomplete && found.People[0].ID != "" {
		return v.To("/people/" + found.People[0].ID)
	}
	return v.Show(http.StatusOK, "found", &foundPage{
		Page:    frame.Page{Title: foundTitle, Back: nhsuk.BackLink{Text: "Change what you look for", Href: "/people?sought=" + id}},
		Heading: frame.Heading(foundTitle), Lead: countWords(len(found.People), "person", "people"), Table: peopleTable(v, found.People),
		None: len(found.People) == 0, Number: s.Number != "", More: found.More, Incomplete: found.Incomplete, Again: "/people?sought=" + id,
	})
}

// countWords writes a count and what is counted.
func countWords(n int, one, several string) string {
	return words.Number(n) + " " + either(n, one, several)
}

func peopleTable(v *frame.Visit, all []plan.FoundPerson) nhsuk.Table {
	t := nhsuk.Table{
		Caption: nhsuk.Heading{Text: "People with plans of yours, those first whose plans changed last", Size: nhsuk.Medium}, Responsive: true,
		Columns: []nhsuk.Column{{Text: "Name"}, {Text: "NHS number"}, {Text: "Date of birth"}, {Text: "Plans"}},
	}
	for i := range all {
		f := &all[i]
		name := nhsuk.Cell{Text: words.Name(f.Person.Given, f.Person.Family)}
		if f.ID != "" {
			name.Href = "/people/" + f.ID
		}
		var state nhsuk.Group
		if f.Restricted {
			state = append(state, nhsuk.Tag{Text: "Restricted", Colour: nhsuk.Purple}, nhsuk.Plain(" "))
		}
		for j := range f.Plans {
			state = append(state, nhsuk.Plain(planwords.Kind(f.Plans[j].Details.Kind)+" "))
			state = append(state, planwords.Tags(&f.Plans[j], f.Person.DateOfBirth, v.Today())...)
		}
		t.Rows = append(t.Rows, []nhsuk.Cell{
			name, {Text: words.NHSNumber(f.Person.NHSNumber)}, {Text: words.English.Day(f.Person.DateOfBirth)}, {Body: state},
		})
	}
	return t
}
