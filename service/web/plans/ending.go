package plans

import (
	"cpis/service/domain"
	"cpis/service/plan"
	"cpis/service/web/frame"
	"cpis/service/web/journey"
	"cpis/service/web/nhsuk"
	"cpis/service/web/words"
)

// ending is a plan that is to be ended, or taken away.
type ending struct {
	about

	End, Reason string
}

// endingPlan is the journey by which a plan is ended.
func (p *pages) endingPlan() *journey.Journey[ending] {
	return &journey.Journey[ending]{
		Path: "/plans/{id}/end", Caption: "End a plan", Who: frame.Leads, Action: "end_plan", Reads: "get_person",
		Begin: p.beginEnding, Back: func(a *ending) string { return a.path() }, Words: say,
		Questions: []journey.Question[ending]{{
			Name: "last-day", Title: journey.Always[ending]("When is the last day of this plan?"), Before: func(a *ending) nhsuk.Component { return a.inset() },
			Fields: []journey.Field[ending]{
				{Name: "end", Key: "Last day", At: func(a *ending) *string { return &a.End }, Input: lastDayInput()},
				reasonOf(func(a *ending) *string { return &a.Reason }, "Why does it end?"),
			},
		}},
		Fits: fitsEnding, Check: checkEnding, Act: p.end,
		Changed: func(v *frame.Visit, a *ending) (*journey.Change, error) { return p.changed(v, &a.about, nil) },
		Again:   func(v *frame.Visit, a *ending) error { return p.again(v, &a.about, nil) },
	}
}

func lastDayInput() journey.Day {
	return journey.Day{Label: "Last day", Noun: "last day", Hint: "Today, a day in the past, or up to 12 months ahead"}
}

// reasonOf is the field that asks why.
func reasonOf[A any](at func(*A) *string, label string) journey.Field[A] {
	return journey.Field[A]{Name: "reason", Key: "Reason", At: at, Input: journey.Reason{Label: label, Hint: "Your colleagues read it, and so may an auditor"}}
}

// beginEnding sees the plan, if it can still be ended.
func (p *pages) beginEnding(v *frame.Visit, a *ending) ([]string, error) {
	err := p.see(v, &a.about, inForce)
	a.End = a.Seen.End
	return nil, err
}

// fitsEnding says what is wrong with the last day.
func fitsEnding(v *frame.Visit, a *ending) error {
	check := domain.Reader{Form: domain.RequestForms, Today: v.Today()}
	d := a.details()
	check.End(&d, check.Day("end", a.End))
	return check.Err()
}

// details are what the plan said when it was seen.
func (a *about) details() domain.Details {
	d := domain.Details{Kind: a.Kind}
	d.Start, _ = domain.ParseDate(a.Seen.Start)
	d.Expected, _ = domain.ParseDate(a.Seen.Expected)
	return d
}

// checkEnding says until when the plan is still shown.
func checkEnding(_ *frame.Visit, a *ending) journey.Check {
	d := a.details()
	d.End, _ = domain.ParseDate(a.End)
	return journey.Check{
		Title: "Check before you end this plan", Button: "End this plan", About: a.list(),
		Says: []string{"Care staff go on to see it, as a plan that has ended, until " + words.English.Day(d.VisibleUntil()) + "."},
	}
}

// end ends the plan.
func (p *pages) end(v *frame.Visit, a *ending, request string) (*journey.Ending, error) {
	done, err := p.Plans.EndPlan(v.R.Context(), v.Caller(), &plan.EndPlanRequest{
		PlanID: a.id(), Version: a.Seen.Version, End: a.End, Reason: a.Reason, Request: request,
	})
	if err != nil {
		return nil, err
	}
	return &journey.Ending{
		Title: "Plan ended", Proof: frame.ReceiptText(&done.Receipt), Ways: a.ways(),
		Next: []string{"Shown to care staff until " + words.English.Day(done.VisibleUntil) + ".", "You get notices about this person until then."},
	}, nil
}

// ways are where to go when something was done with a plan.
func (a *about) ways() []frame.Way {
	return []frame.Way{{Text: "See the plan", Href: a.path()}, {Text: "Go to your home page", Href: "/home"}}
}

// removingPlan is the journey by which a plan is taken away that was entered by
// mistake.
func (p *pages) removingPlan() *journey.Journey[ending] {
	return &journey.Journey[ending]{
		Path: "/plans/{id}/remove", Caption: "Remove a plan that was entered by mistake", Who: frame.Leads, Action: "remove_plan", Reads: "get_person",
		Begin: p.beginRemoving, Back: func(a *ending) string { return a.path() }, Words: say,
		Questions: []journey.Question[ending]{{
			Name: "reason", Title: journey.Always[ending]("Why was this plan a mistake?"), Before: sayWhenToRemove,
			Fields: []journey.Field[ending]{reasonOf(func(a *ending) *string { return &a.Reason }, "What was wrong?")},
		}},
		Check: checkRemoving, Act: p.remove,
		Changed: func(v *frame.Visit, a *ending) (*journey.Change, error) { return p.changed(v, &a.about, nil) },
		Again:   func(v *frame.Visit, a *ending) error { return p.again(v, &a.about, nil) },
	}
}

// beginRemoving sees the plan, if it is still there.
func (p *pages) beginRemoving(v *frame.Visit, a *ending) ([]string, error) {
	return nil, p.see(v, &a.about, notRemoved)
}

func sayWhenToRemove(a *ending) nhsuk.Component {
	return nhsuk.Group{a.inset(), nhsuk.Paragraph("Remove a plan only if it never was: the wrong person, or entered twice. If it was right and is over, end it.")}
}

func checkRemoving(_ *frame.Visit, a *ending) journey.Check {
	return journey.Check{
		Title: "You are about to remove this plan", Button: "Remove this plan", Risky: true, About: a.list(),
		Says: []string{"Care staff stop seeing its flag at once.", "If the child is on a plan today, go back and end or change it instead."},
	}
}

// remove takes the plan away.
func (p *pages) remove(v *frame.Visit, a *ending, request string) (*journey.Ending, error) {
	done, err := p.Plans.RemovePlan(v.R.Context(), v.Caller(), &plan.RemovePlanRequest{
		PlanID: a.id(), Version: a.Seen.Version, Reason: a.Reason, Request: request,
	})
	if err != nil {
		return nil, err
	}
	return &journey.Ending{
		Title: "Plan removed", Proof: frame.ReceiptText(&done.Receipt), Ways: a.ways(),
		Next: []string{"Care staff do not see it any more.", "You can still read what it said, and who removed it and why.", "If it was offered to another authority, that is withdrawn."},
	}, nil
}
