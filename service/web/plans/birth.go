package plans

import (
	"cpis/service/domain"
	"cpis/service/plan"
	"cpis/service/web/frame"
	"cpis/service/web/journey"
	"cpis/service/web/nhsuk"
	"cpis/service/web/words"
)

// birth is a birth that is to be recorded, and maybe a plan for the child.
type birth struct {
	about

	Born   string
	Also   string // "yes": a plan for the child is registered at the same moment
	Child  plan.ChildPlan
	Hidden string
}

func (b *birth) also() bool { return b.Also == yes }

// recordingBirth is the journey by which a plan for an unborn child ends because it
// was born.
func (p *pages) recordingBirth() *journey.Journey[birth] {
	return &journey.Journey[birth]{
		Path: "/plans/{id}/birth", Caption: "Record a birth", Who: frame.Leads, Action: "record_birth", Reads: "get_person",
		Begin: p.beginBirth, Back: func(a *birth) string { return a.path() }, Words: say,
		Questions: []journey.Question[birth]{askBorn(), askAlso(), askChild(), askChildName(), askChildStart(), askChildHidden()},
		Fits:      fitsBirth, Check: checkBirth, Act: p.recordBirth,
		Changed: func(v *frame.Visit, a *birth) (*journey.Change, error) { return p.changed(v, &a.about, nil) },
		Again:   func(v *frame.Visit, a *birth) error { return p.again(v, &a.about, nil) },
	}
}

func askBorn() journey.Question[birth] {
	return journey.Question[birth]{
		Name: "born", Title: journey.Always[birth]("When was the baby born?"), Before: func(a *birth) nhsuk.Component { return a.inset() },
		Fields: []journey.Field[birth]{{
			Name: "born", Key: "Born", At: func(a *birth) *string { return &a.Born },
			Input: journey.Day{Label: "Date of the birth", Noun: "date of the birth", Past: true},
		}},
	}
}

func askAlso() journey.Question[birth] {
	return journey.Question[birth]{
		Name: "also", Title: journey.Always[birth]("Do you want to register a plan for the baby?"),
		Fields: []journey.Field[birth]{{
			Name: "also", Key: "Plan for the baby", At: func(a *birth) *string { return &a.Also },
			Input: journey.Choice{
				Hint:  "A child protection plan under the baby's own NHS number. Nothing is copied from the mother",
				Empty: "Select yes if you want to register a plan for the baby",
				Choices: []nhsuk.Choice{
					{Value: yes, Text: "Yes, now", Hint: nhsuk.Hint{Text: "You need the baby's NHS number"}},
					{Value: no, Text: "No", Hint: nhsuk.Hint{Text: "The baby then has no flag of its own. You can register a plan later"}},
				},
			},
		}},
	}
}

func askChild() journey.Question[birth] {
	return journey.Question[birth]{
		Name: "number", Title: journey.Always[birth]("What is the baby's NHS number?"), When: (*birth).also,
		Fields: []journey.Field[birth]{{
			Name: "nhs_number", Key: "Baby's NHS number", At: func(a *birth) *string { return &a.Child.NHSNumber }, Input: journey.Number{},
		}},
	}
}

func askChildName() journey.Question[birth] {
	return journey.Question[birth]{
		Name: "name", Title: journey.Always[birth]("What is the baby's name?"), When: (*birth).also,
		Fields: []journey.Field[birth]{
			{Name: "given_name", Key: "Baby's given names", At: func(a *birth) *string { return &a.Child.Given }, Input: givenInput()},
			{Name: "family_name", Key: "Baby's family name", At: func(a *birth) *string { return &a.Child.Family }, Input: familyInput()},
		},
	}
}

func askChildStart() journey.Question[birth] {
	return journey.Question[birth]{
		Name: "start", Title: journey.Always[birth]("When does the baby's plan start?"), When: (*birth).also,
		Fields: []journey.Field[birth]{
			{Name: "start", Key: "Start of the baby's plan", At: func(a *birth) *string { return &a.Child.Start }, Input: startInput()},
			{Name: "reference", Key: "Your reference for it", At: func(a *birth) *string { return &a.Child.Reference }, Input: referenceInput()},
		},
	}
}

func askChildHidden() journey.Question[birth] {
	return journey.Question[birth]{
		Name: "hidden", Title: journey.Always[birth]("Must where the baby lives be kept hidden?"), When: (*birth).also,
		Fields: []journey.Field[birth]{{
			Name: "restricted", Key: "Keep hidden where the baby lives", At: func(a *birth) *string { return &a.Hidden }, Input: hiddenInput(),
		}},
	}
}

// beginBirth sees the plan, if it is one for an unborn child that has not ended.
func (p *pages) beginBirth(v *frame.Visit, a *birth) ([]string, error) {
	return nil, p.see(v, &a.about, unborn)
}

// fitsBirth says what is wrong with the baby's plan.
func fitsBirth(v *frame.Visit, a *birth) error {
	if !a.also() {
		return nil
	}
	c := a.child()
	r := domain.Registration{
		NHSNumber: c.NHSNumber, Family: c.Family, Given: c.Given, DateOfBirth: c.DateOfBirth, Kind: domain.CPP, Start: c.Start, Reference: c.Reference,
	}
	_, wrong := r.Read(domain.RequestForms, v.Today())
	return wrong.Err()
}

// child is the baby's plan; nil if there is to be none.
func (b *birth) child() *plan.ChildPlan {
	if !b.also() {
		return nil
	}
	c := b.Child
	c.DateOfBirth, c.Restricted = b.Born, b.Hidden == yes
	return &c
}

func checkBirth(_ *frame.Visit, a *birth) journey.Check {
	d := a.details()
	d.End, _ = domain.ParseDate(a.Born)
	c := journey.Check{
		Title: "Check before you record this birth", Button: "Record this birth", About: a.list(),
		Says: []string{"The plan for the unborn child ends on the day of the birth. Care staff who look up the mother see it until " + words.English.Day(d.VisibleUntil()) + "."},
	}
	if a.also() {
		c.Button = "Record this birth and register the baby's plan"
		c.Says = append(c.Says, "Care staff who look up the baby see the baby's own flag at once.")
	}
	return c
}

// recordBirth records the birth.
func (p *pages) recordBirth(v *frame.Visit, a *birth, request string) (*journey.Ending, error) {
	done, err := p.Plans.RecordBirth(v.R.Context(), v.Caller(), &plan.RecordBirthRequest{
		PlanID: a.id(), Version: a.Seen.Version, Born: a.Born, Child: a.child(), Request: request,
	})
	if err != nil {
		return nil, plain(err, "child_plan.", "child.")
	}
	e := &journey.Ending{
		Title: "Birth recorded", Proof: frame.ReceiptText(&done.Receipt), Ways: a.ways(),
		Next: []string{"The plan for the unborn child has ended. Shown to care staff who look up the mother until " + words.English.Day(done.VisibleUntil) + "."},
	}
	if done.ChildPlanID == "" {
		e.Next = append(e.Next, "The baby has no flag. Register a plan for the baby if there is one.")
		e.Ways = append([]frame.Way{{Text: "Register a plan for the baby", Href: "/plans/new"}}, e.Ways...)
		return e, nil
	}
	e.Next = append(e.Next, "Care staff who look up the baby see the baby's flag now. You get notices about the baby from now on.")
	e.Ways = append([]frame.Way{{Text: "See the baby's plan", Href: "/plans/" + done.ChildPlanID}}, e.Ways...)
	return e, nil
}
