// Package planwords says in English what plans are, and where they stand, for all
// packages of pages that show them.
package planwords

import (
	"strings"

	"cpis/service/domain"
	"cpis/service/plan"
	"cpis/service/web/nhsuk"
	"cpis/service/web/words"
)

// Kind names a kind of plan.
func Kind(k domain.Kind) string { return words.In(words.English).Kinds.Of(k) }

// Basis names a legal basis.
func Basis(b domain.Basis) string { return words.In(words.English).Bases.Of(b) }

// Act says what was done with a plan, by the word that its version has.
func Act(word string) string { return words.In(words.English).PlanActs.Of(word) }

// Named names a plan: Child protection plan, started 1 September 2026.
func Named(d *domain.Details) string { return Kind(d.Kind) + ", started " + words.English.Day(d.Start) }

// ShownUntil says until when care staff see a plan.
func ShownUntil(until domain.Date) string {
	if until.IsZero() {
		return "Until it is ended"
	}
	return words.English.Day(until)
}

// Shown says until when care staff see a plan, or that they do not.
func Shown(p *plan.Plan) string {
	if p.Removed {
		return "Not shown"
	}
	return ShownUntil(p.VisibleUntil)
}

// Tags are where a plan about somebody with a date of birth stands today.
func Tags(p *plan.Plan, born, today domain.Date) nhsuk.Group {
	var all nhsuk.Group
	for _, tag := range states(p, born, today) {
		all = append(all, tag, nhsuk.Plain(" "))
	}
	return all
}

// States says the same within a sentence: in force, being transferred.
func States(p *plan.Plan, born, today domain.Date) string {
	var all []string
	for _, tag := range states(p, born, today) {
		all = append(all, strings.ToLower(tag.Text))
	}
	return strings.Join(all, ", ")
}

func states(p *plan.Plan, born, today domain.Date) []nhsuk.Tag {
	var all []nhsuk.Tag
	add := func(is bool, text string, colour nhsuk.TagColour) {
		if is {
			all = append(all, nhsuk.Tag{Text: text, Colour: colour})
		}
	}
	need := domain.Need("")
	if asks := p.Details.Asks(born); !p.Removed && asks.On(today) {
		need = asks.Need
	}
	tags := &words.In(words.English).Tags
	add(p.Removed, tags.Removed, nhsuk.White)
	add(p.Ended && !p.Removed, tags.Ended, nhsuk.Grey)
	add(!p.Ended && !p.Removed, tags.InForce, nhsuk.Green)
	add(need == domain.Overdue, tags.PastDue, nhsuk.Orange)
	add(need == domain.Adult, tags.Over18, nhsuk.Orange)
	add(p.TransferTo != "", tags.Transferred, nhsuk.Blue)
	return all
}
