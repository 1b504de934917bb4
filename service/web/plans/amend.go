package plans

import (
	"slices"
	"strings"

	"cpis/service/domain"
	"cpis/service/plan"
	"cpis/service/web/frame"
	"cpis/service/web/journey"
	"cpis/service/web/nhsuk"
	"cpis/service/web/planwords"
)

// amendment is a plan as it should be.
type amendment struct {
	about

	What   string // the pages that are asked, with commas between
	Is     plan.AmendPlanRequest
	Reason string
}

// subject is something of a plan that can be changed, on a page of its own.
type subject struct {
	name, choice, title string
	parts               []string
}

// subjects are what can be changed.
var subjects = []subject{
	{"name", "The name", "What is the right name?", []string{"given_name", "family_name"}},
	{"born", "The date of birth", "What is the right date of birth?", []string{"date_of_birth"}},
	{"start", "The start date", "When did the plan start?", []string{"start"}},
	{"expected", "The date when the baby is due", "When is the baby due?", []string{"expected"}},
	{"basis", "The legal basis", "What is the legal basis?", []string{"legal_basis"}},
	{"last-day", "The last day", "What is the last day of the plan?", []string{"end"}},
	{"reference", "Your reference", "What is your reference?", []string{"reference"}},
}

// amendingPlan is the journey by which what a plan says is corrected or completed.
func (p *pages) amendingPlan() *journey.Journey[amendment] {
	return &journey.Journey[amendment]{
		Path: "/plans/{id}/change", Caption: "Change a plan", Who: frame.Leads, Action: "amend_plan", Reads: "get_person",
		Begin: p.beginAmending, Back: func(a *amendment) string { return a.path() }, Words: say,
		Questions: amendments(), Fits: fitsAmendment, Check: checkAmendment, Act: p.amend,
		Changed: func(v *frame.Visit, a *amendment) (*journey.Change, error) { return p.changed(v, &a.about, &a.Is) },
		Again:   func(v *frame.Visit, a *amendment) error { return p.again(v, &a.about, &a.Is) },
	}
}

// amendments are the questions: what is to be changed, a page for each of that, and
// why.
func amendments() []journey.Question[amendment] {
	all := []journey.Question[amendment]{{
		Name: "what", Title: journey.Always[amendment]("What do you want to change?"), Before: func(a *amendment) nhsuk.Component { return a.inset() },
		Fields: []journey.Field[amendment]{{
			Name: "what", Key: "What you change", At: func(a *amendment) *string { return &a.What },
			InputFor: func(_ *frame.Visit, a *amendment) journey.Input { return whatInput(a.Kind) },
		}},
	}}
	for _, s := range subjects {
		all = append(all, s.question())
	}
	return append(all, journey.Question[amendment]{
		Name: "reason", Title: journey.Always[amendment]("Why do you change it?"),
		Fields: []journey.Field[amendment]{reasonOf(func(a *amendment) *string { return &a.Reason }, "Why do you change it?")},
	})
}

// whatInput offers what a plan of a kind has.
func whatInput(k domain.Kind) journey.Input {
	in := journey.Several{Choice: journey.Choice{Label: "Choose all that is wrong or missing", Empty: "Select what you want to change"}}
	for _, s := range subjects {
		if partOf(s.parts[0]).has(k) {
			in.Choices = append(in.Choices, nhsuk.Choice{Value: s.name, Text: s.choice})
		}
	}
	return in
}

// partOf is the part of a name.
func partOf(name string) *part {
	return &parts[slices.IndexFunc(parts, func(p part) bool { return p.name == name })]
}

// question asks for a subject.
func (s subject) question() journey.Question[amendment] {
	q := journey.Question[amendment]{
		Name: s.name, Title: journey.Always[amendment](s.title),
		When: func(a *amendment) bool {
			return slices.Contains(strings.Split(a.What, ","), s.name) && partOf(s.parts[0]).has(a.Kind)
		},
	}
	for _, name := range s.parts {
		p := partOf(name)
		field := journey.Field[amendment]{
			Name: p.name, Key: p.key, Input: p.input,
			At:  func(a *amendment) *string { return p.at(&a.Is) },
			Was: func(a *amendment) *string { return p.at(&a.Seen) },
		}
		if name == "end" {
			field.Input = reopenInput()
		}
		q.Fields = append(q.Fields, field)
	}
	return q
}

// reopenInput is a last day that may be taken back.
func reopenInput() journey.Day {
	in := lastDayInput()
	in.Optional, in.Hint = true, "Leave it empty if the plan has not ended: it is in force again then"
	return in
}

// beginAmending sees the plan, if it was not removed.
func (p *pages) beginAmending(v *frame.Visit, a *amendment) ([]string, error) {
	err := p.see(v, &a.about, notRemoved)
	a.Is = a.Seen
	return nil, err
}

// fitsAmendment says what is wrong with the plan as it would be: what could not be
// registered.
func fitsAmendment(v *frame.Visit, a *amendment) error {
	q := &a.Is
	r := domain.Registration{
		NHSNumber: a.NHSNumber, Family: q.Family, Given: q.Given, DateOfBirth: q.DateOfBirth, Kind: a.Kind,
		Start: q.Start, End: q.End, Expected: q.Expected, Basis: q.Basis, Reference: q.Reference,
	}
	_, wrong := r.Read(domain.RequestForms, v.Today())
	return wrong.Err()
}

func checkAmendment(_ *frame.Visit, a *amendment) journey.Check {
	return journey.Check{
		Title: "Check before you change this plan", Button: "Change this plan", About: a.list(),
		Says: []string{"Care staff see the plan as you have changed it at once. What it said before is kept."},
	}
}

// amend changes the plan.
func (p *pages) amend(v *frame.Visit, a *amendment, request string) (*journey.Ending, error) {
	q := a.Is
	q.PlanID, q.Version, q.Reason, q.Request = a.id(), a.Seen.Version, a.Reason, request
	done, err := p.Plans.AmendPlan(v.R.Context(), v.Caller(), &q)
	if err != nil {
		return nil, plain(err, "person.")
	}
	e := &journey.Ending{Title: "Plan changed", Proof: frame.ReceiptText(&done.Receipt), Ways: a.ways()}
	if done.Unchanged() {
		e.Title, e.Next = "Nothing was different", []string{"The plan said all of that already, so there is no new version of it."}
		return e, nil
	}
	e.Next = []string{"Care staff see the plan as it is now.", "Shown to care staff: " + lowerFirst(planwords.ShownUntil(done.VisibleUntil)) + "."}
	return e, nil
}

func lowerFirst(text string) string { return strings.ToLower(text[:1]) + text[1:] }
