package plans

import (
	"errors"
	"strings"

	"cpis/service/domain"
	"cpis/service/guard"
	"cpis/service/plan"
	"cpis/service/web/frame"
	"cpis/service/web/journey"
	"cpis/service/web/nhsuk"
	"cpis/service/web/planwords"
)

// registration is a plan as somebody wants it registered.
type registration struct {
	domain.Registration

	Hidden string // "yes" or "no": must it be kept hidden where they live?
	Held   *held  // what the authority holds already about the person
}

// held is what an authority holds about a person.
type held struct {
	ID, NHSNumber, Family, Given, Born string
	Restricted                         bool
	Plans                              []string // in words
}

// yes and no are answers.
const (
	yes = "yes"
	no  = "no"
)

func (r *registration) unborn() bool { return r.Kind == domain.UCPP }

// registering is the journey by which a plan is registered.
func (p *pages) registering() *journey.Journey[registration] {
	return &journey.Journey[registration]{
		Path: "/plans/new", Caption: "Register a plan", Who: frame.Leads, Action: "register_plan", Finds: "get_person",
		Begin: p.beginRegistration, Back: func(a *registration) string { return a.back() },
		Questions: []journey.Question[registration]{
			askKind(), p.askWhose(), askName(), askStart(), askBasis(), askExpected(), askHidden(),
		},
		Fits: fitsRegistration, Words: say, Check: checkRegistration, Act: p.register,
	}
}

func (r *registration) back() string {
	if r.Held != nil {
		return pageOf(r.Held.ID)
	}
	return "/home"
}

func askKind() journey.Question[registration] {
	return journey.Question[registration]{
		Name: "kind", Title: journey.Always[registration]("What kind of plan is it?"),
		Fields: []journey.Field[registration]{{
			Name: "kind", Key: "Kind of plan", At: func(a *registration) *string { return (*string)(&a.Kind) },
			Input: journey.Choice{Choices: kinds(), Empty: "Select what kind of plan it is"},
		}},
	}
}

func (p *pages) askWhose() journey.Question[registration] {
	return journey.Question[registration]{
		Name: "whose", Then: p.recognise,
		Title: func(a *registration) string {
			if a.unborn() {
				return "Who is the mother?"
			}
			return "Whose plan is it?"
		},
		Fields: []journey.Field[registration]{
			{Name: "nhs_number", Key: "NHS number", At: func(a *registration) *string { return &a.NHSNumber }, Input: journey.Number{Label: "NHS number"}},
			{Name: "date_of_birth", Key: "Date of birth", At: func(a *registration) *string { return &a.DateOfBirth }, Input: bornInput("Date of birth")},
		},
	}
}

func bornInput(label string) journey.Day {
	return journey.Day{Label: label, Noun: "date of birth", Hint: "For example, 30 4 2019", Past: true}
}

func askName() journey.Question[registration] {
	return journey.Question[registration]{
		Name: "name", Before: sayHeld,
		Title: func(a *registration) string {
			if a.unborn() {
				return "What is the mother's name?"
			}
			return "What is their name?"
		},
		Fields: []journey.Field[registration]{
			{Name: "given_name", Key: "Given names", At: func(a *registration) *string { return &a.Given }, Input: givenInput()},
			{Name: "family_name", Key: "Family name", At: func(a *registration) *string { return &a.Family }, Input: familyInput()},
		},
	}
}

func givenInput() journey.Text { return journey.Text{Label: "Given names", Width: 20} }

func familyInput() journey.Text {
	return journey.Text{Label: "Family name", Hint: "Some people have one name only. Leave the other empty", Width: 20}
}

func askStart() journey.Question[registration] {
	return journey.Question[registration]{
		Name: "start", Title: journey.Always[registration]("When did the plan start?"),
		Fields: []journey.Field[registration]{
			{Name: "start", Key: "Start date", At: func(a *registration) *string { return &a.Start }, Input: startInput()},
			{Name: "reference", Key: "Your reference", At: func(a *registration) *string { return &a.Reference }, Input: referenceInput()},
		},
	}
}

func startInput() journey.Day {
	return journey.Day{Label: "Start date", Noun: "start date", Past: true}
}

func referenceInput() journey.Text {
	return journey.Text{Label: "Your reference (optional)", Hint: "What your own system calls the plan, like CASE-1042", Width: 20}
}

func askBasis() journey.Question[registration] {
	return journey.Question[registration]{
		Name: "basis", Title: journey.Always[registration]("What is the legal basis?"), When: func(a *registration) bool { return a.Kind == domain.LAC },
		Fields: []journey.Field[registration]{{
			Name: "legal_basis", Key: "Legal basis", At: func(a *registration) *string { return (*string)(&a.Basis) }, Input: basisInput(),
		}},
	}
}

func basisInput() journey.Choice {
	return journey.Choice{Label: "Legal basis", Hint: "Sections of the Children Act 1989", Choices: bases(), Empty: "Select the legal basis"}
}

func askExpected() journey.Question[registration] {
	return journey.Question[registration]{
		Name: "expected", Title: journey.Always[registration]("When is the baby due?"), When: (*registration).unborn,
		Fields: []journey.Field[registration]{{
			Name: "expected", Key: "Due date", At: func(a *registration) *string { return &a.Expected }, Input: expectedInput(),
		}},
	}
}

func expectedInput() journey.Day {
	return journey.Day{Label: "Due date", Noun: "date when the baby is due", Hint: "For example, 1 2 2027"}
}

func askHidden() journey.Question[registration] {
	return journey.Question[registration]{
		Name: "hidden", Title: journey.Always[registration]("Must where they live be kept hidden?"),
		Fields: []journey.Field[registration]{{
			Name: "restricted", Key: "Keep hidden where they live", At: func(a *registration) *string { return &a.Hidden }, Input: hiddenInput(),
		}},
	}
}

func hiddenInput() journey.Choice {
	return journey.Choice{
		Hint: "Choose yes if naming your authority could lead somebody to them", Empty: "Select yes if where they live must be kept hidden",
		Choices: []nhsuk.Choice{
			{Value: yes, Text: "Yes", Hint: nhsuk.Hint{Text: "Care staff see that there is a flag, and the hub's number. They do not see your authority"}},
			{Value: no, Text: "No", Hint: nhsuk.Hint{Text: "Care staff see your authority and your numbers"}},
		},
	}
}

// beginRegistration fills in whom the plan is about, if the way led over a person.
func (p *pages) beginRegistration(v *frame.Visit, a *registration) ([]string, error) {
	id := v.R.URL.Query().Get("person")
	if id == "" {
		return nil, nil
	}
	found, err := p.Plans.GetPerson(v.R.Context(), v.Caller(), &plan.GetPersonRequest{PersonID: id, Request: v.Request})
	if err != nil {
		return nil, err
	}
	a.Held = heldOf(found, v.Today())
	a.NHSNumber, a.DateOfBirth, a.Family, a.Given = a.Held.NHSNumber, a.Held.Born, a.Held.Family, a.Held.Given
	return []string{"whose"}, nil
}

func heldOf(found *plan.OwnPerson, today domain.Date) *held {
	h := &held{
		ID: found.ID, NHSNumber: found.Person.NHSNumber.Reveal(), Family: found.Person.Family, Given: found.Person.Given,
		Born: found.Person.DateOfBirth.String(), Restricted: found.Restricted,
	}
	for i := range found.Plans {
		h.Plans = append(h.Plans, planwords.Named(&found.Plans[i].Details)+" ("+planwords.States(&found.Plans[i], found.Person.DateOfBirth, today)+")")
	}
	return h
}

// recognise says whether the authority holds plans about the person, and fills in the
// name by which it does. Somebody else's name does not stay.
func (p *pages) recognise(v *frame.Visit, a *registration, f *frame.Form) error {
	if before := a.Held; before != nil && before.NHSNumber != a.NHSNumber && before.Family == a.Family && before.Given == a.Given {
		a.Family, a.Given = "", ""
	}
	a.Held = nil
	found, err := p.Plans.GetPerson(v.R.Context(), v.Caller(), &plan.GetPersonRequest{NHSNumber: a.NHSNumber, Request: v.Request})
	switch {
	case errors.Is(err, guard.ErrNotFound):
		return nil
	case err != nil:
		return err
	case found.Person.DateOfBirth.String() != a.DateOfBirth:
		f.RejectAt("date_of_birth", "date_of_birth-day", say(domain.Violation{Field: "date_of_birth", Problem: "does not fit this NHS number"}))
		return nil
	}
	if a.Held = heldOf(found, v.Today()); a.Family == "" && a.Given == "" {
		a.Family, a.Given = a.Held.Family, a.Held.Given
	}
	return nil
}

// sayHeld says what is held already about the person.
func sayHeld(a *registration) nhsuk.Component {
	if a.Held == nil {
		return nil
	}
	all := nhsuk.Group{nhsuk.Paragraph("You have plans about this person already:")}
	for _, one := range a.Held.Plans {
		all = append(all, nhsuk.Paragraph(one))
	}
	all = append(all, nhsuk.Paragraph("We hold the name below. Change it if it is wrong."))
	return nhsuk.InsetText{Body: all}
}

// fitsRegistration says what is wrong with the answers so far, as they would be
// registered.
func fitsRegistration(v *frame.Visit, a *registration) error {
	_, wrong := a.whole().Read(domain.RequestForms, v.Today())
	return wrong.Err()
}

// whole is what is registered: nothing that belongs to another kind of plan.
func (r *registration) whole() *domain.Registration {
	q := r.Registration
	if q.Kind != domain.LAC {
		q.Basis = domain.NoBasis
	}
	if q.Kind != domain.UCPP {
		q.Expected = ""
	}
	q.Restricted = r.Hidden == yes
	return &q
}

func checkRegistration(_ *frame.Visit, a *registration) journey.Check {
	c := journey.Check{Title: "Check before you register this plan", Button: "Register this plan"}
	if a.Held != nil {
		c.About = sayAlso(a.Held)
	}
	c.Says = []string{"Care staff in England see this flag as soon as you register it."}
	if a.unborn() {
		c.Says = append(c.Says, "It is shown under the mother's NHS number, and says that it is about her unborn baby.")
	}
	return c
}

// sayAlso says which plans there are besides.
func sayAlso(h *held) nhsuk.Component {
	return nhsuk.InsetText{Text: "You have plans about this person already: " + strings.Join(h.Plans, "; ") + "."}
}

// register registers the plan.
func (p *pages) register(v *frame.Visit, a *registration, request string) (*journey.Ending, error) {
	q := a.whole()
	q.Request = request
	done, err := p.Plans.RegisterPlan(v.R.Context(), v.Caller(), q)
	if err != nil {
		return nil, plain(err, "person.")
	}
	return &journey.Ending{
		Title: "Plan registered", Next: nextOfRegistration(a), Proof: frame.ReceiptText(&done.Receipt),
		Ways: []frame.Way{
			{Text: "See the plan", Href: "/plans/" + done.PlanID}, {Text: "Register another plan", Href: "/plans/new"}, {Text: "Go to your home page", Href: "/home"},
		},
	}, nil
}

func nextOfRegistration(a *registration) []string {
	who := "this person"
	if a.unborn() {
		who = "the mother"
	}
	shown := "Care staff who look up " + who + " see the flag and your numbers now."
	if a.Hidden == yes || a.Held != nil && a.Held.Restricted {
		shown = "Care staff who look up " + who + " see that there is a flag, and the hub's number. They do not see your authority."
	}
	return []string{shown, "You get a notice when they are seen in emergency or urgent care."}
}
