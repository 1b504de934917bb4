package clinician

import (
	"cpis/service/domain"
	"cpis/service/lookup"
	"cpis/service/web/frame"
	"cpis/service/web/nhsuk"
	"cpis/service/web/words"
)

// verdictWords returns the shape of an answer, its words, and what the shape is.
func verdictWords(w *words.Words, v lookup.Verdict) (kind, answer, shape string) {
	switch v {
	case lookup.FlagHeld:
		return "flag", w.Answer.Held, w.Answer.HeldShape
	case lookup.NoFlagKnown:
		return "none", w.Answer.None, w.Answer.NoneShape
	case lookup.CannotSay:
	}
	return "unknown", w.Answer.Unknown, w.Answer.UnknownShape
}

// sharpWords are what must not be overlooked, the most important first.
func sharpWords(w *words.Words, a *lookup.Answer) []string {
	var all []string
	if a.Restricted {
		all = append(all, w.Answer.Restricted)
	}
	if a.Degraded {
		all = append(all, w.Answer.Degraded)
	}
	switch a.Verdict {
	case lookup.NoFlagKnown:
		all = append(all, w.Answer.NoRisk, w.Answer.IfWorried)
	case lookup.CannotSay:
		all = append(all, w.Answer.NotNo, w.Answer.CheckBoth)
	case lookup.FlagHeld:
	}
	if a.Superseded {
		all = append(all, w.Answer.Superseded)
	}
	return all
}

// adviceWords is the advice of an answer, in the page's language.
func adviceWords(w *words.Words, code lookup.AdviceCode) []string {
	a, first := &w.Advice, ""
	switch code {
	case lookup.AdviceHeld:
		first = a.Held
	case lookup.AdviceDegraded:
		first = a.Degraded
	case lookup.AdviceUnproved:
		return []string{a.Degraded, a.Unproved, a.AbsenceNotNo}
	case lookup.AdviceHub:
		first = a.Hub
	case lookup.AdviceNone:
		first = a.None
	case lookup.AdviceMismatch:
		first = a.Mismatch
	case lookup.AdviceDamaged:
		first = a.Damaged
	}
	return []string{first, a.AbsenceNotNo}
}

// callsOf are the numbers of an answer, those of now first. Who has none is told the
// hub's.
func callsOf(v *frame.Visit, w *words.Words, a *lookup.Answer) []call {
	var contacts []domain.Contact
	for i := range a.Plans {
		contacts = append(contacts, a.Plans[i].Contact)
	}
	contacts = append(contacts, a.Contacts...)
	var now, later []call
	seen := map[string]bool{}
	note := func(list *[]call, c call) {
		if c.Number != "" && !seen[c.Number+c.Who] {
			seen[c.Number+c.Who] = true
			*list = append(*list, c)
		}
	}
	if a.Verdict != lookup.FlagHeld {
		contacts = append(contacts, v.Hub.Contact())
	}
	for _, c := range contacts {
		note(&now, callNow(w, c))
	}
	for _, c := range contacts {
		note(&later, callLater(w, c.Name, w.Answer.Office, c.Office))
		note(&later, callLater(w, c.Name, w.Answer.Duty, c.Duty))
	}
	if a.Restricted {
		later = nil // the hub has one number
	}
	return append(now, later...)
}

func callNow(w *words.Words, c domain.Contact) call {
	number := words.Phone(c.RingNow.Number)
	who := c.Name + ", " + whoWords(w, c.RingNow.Who)
	if !c.RingNow.Until.IsZero() {
		who += ", " + w.Answer.Until.With(w.Language.Clock(c.RingNow.Until))
	}
	return call{w.Answer.CallNow.With(number), number, words.Tel(c.RingNow.Number), who}
}

func callLater(_ *words.Words, name, which string, p domain.Phone) call {
	number := words.Phone(p.Number)
	return call{number, number, words.Tel(p.Number), name + ", " + which + ", " + p.Hours}
}

func whoWords(w *words.Words, who string) string {
	switch who {
	case "office":
		return w.Answer.Office
	case "emergency duty team":
		return w.Answer.Duty
	}
	return w.Answer.Hub
}

// planCard is a plan as care staff see it. Of a restricted person's there is no more
// than its kind.
func planCard(w *words.Words, p *lookup.Plan) nhsuk.Component {
	list := nhsuk.SummaryList{
		Card: &nhsuk.Card{Heading: nhsuk.Heading{Text: w.Kinds.Of(p.Kind), Level: 2, Size: nhsuk.Small}}, NoLastBorder: true,
		Rows: []nhsuk.Row{{Key: w.Shell.Information, Value: w.Kinds.Note(p.Kind)}},
	}
	row := func(key, value string) {
		if value != "" {
			list.Rows = append(list.Rows, nhsuk.Row{Key: key, Value: value})
		}
	}
	row(w.Answer.WhomToAsk, p.Contact.Name)
	row(w.Answer.Started, w.Language.Day(p.Start))
	row(w.Answer.Ended, w.Language.Day(p.End))
	row(w.Answer.Expected, w.Language.Day(p.Expected))
	row(w.Answer.ShownUntil, w.Language.Day(p.VisibleUntil))
	if p.Receiving.Name != "" {
		list.Rows = append(list.Rows, nhsuk.Row{Key: w.Shell.Important, Value: w.Answer.Receiving.With(p.Receiving.Name)})
	}
	return list
}

func accessWords(w *words.Words, a *lookup.Access) access {
	place, who := a.OrganisationName, a.Who
	if place == "" {
		place = w.Settings.NotKnown
	}
	if who == "" {
		who = w.Settings.NotNamed
	}
	return access{
		Where: w.Answer.HistoryItem.With(place, w.Setting(a.Setting)), By: w.Answer.HistoryBy.With(who, w.Language.Moment(a.At)), Another: a.WrongPatient,
	}
}

// ground is a reason for break-glass, in words.
type ground struct {
	grounds domain.Grounds
	text    string
}

func groundsWords(w *words.Words) []ground {
	return []ground{
		{domain.Emergency, w.BreakGlass.Emergency},
		{domain.Cover, w.BreakGlass.Cover},
		{domain.RightMissing, w.BreakGlass.RightMissing},
		{domain.Concern, w.BreakGlass.Concern},
		{domain.OtherGrounds, w.BreakGlass.Other},
	}
}

func knownGrounds(w *words.Words, g domain.Grounds) bool {
	for _, known := range groundsWords(w) {
		if known.grounds == g {
			return true
		}
	}
	return false
}
