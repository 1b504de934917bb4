package lead

import (
	"cpis/service/domain"
	"cpis/service/plan"
	"cpis/service/web/nhsuk"
)

// kindNames are what people call the kinds of plans.
var kindNames = map[domain.Kind]string{
	domain.CPP:  "Child protection plan",
	domain.LAC:  "Looked-after child",
	domain.UCPP: "Unborn child protection plan",
}

func kindWords(k domain.Kind) string { return kindNames[k] }

// bases are the legal bases on which children are looked after.
var bases = map[domain.Basis]string{
	domain.S20: "Voluntary accommodation (section 20)",
	domain.S31: "Full care order (section 31)",
	domain.S38: "Interim care order (section 38)",
}

// planTags are the states of a plan about somebody with a date of birth.
func planTags(p *plan.Plan, born, today domain.Date) nhsuk.Group {
	var all nhsuk.Group
	add := func(is bool, text string, colour nhsuk.TagColour) {
		if is {
			all = append(all, nhsuk.Tag{Text: text, Colour: colour}, nhsuk.Plain(" "))
		}
	}
	need := domain.Need("")
	if asks := p.Details.Asks(born); !p.Removed && asks.On(today) {
		need = asks.Need
	}
	add(p.Removed, "Removed", nhsuk.White)
	add(p.Ended && !p.Removed, "Ended", nhsuk.Grey)
	add(!p.Ended && !p.Removed, "In force", nhsuk.Green)
	add(need == domain.Overdue, "Past due date", nhsuk.Orange)
	add(need == domain.Adult, "Over 18", nhsuk.Orange)
	add(p.TransferTo != "", "Being transferred", nhsuk.Blue)
	return all
}

// planActs say what was done to a plan, by the word that its version has.
var planActs = map[string]string{
	"register":           "Plan registered",
	"amend":              "Plan changed",
	"end":                "Plan ended",
	"remove":             "Plan removed: it was entered in error",
	"birth":              "Birth recorded",
	"upload":             "Plan changed by a file",
	"transfer_proposed":  "Plan offered to another authority",
	"transfer_accepted":  "Plan taken over from another authority",
	"transfer_declined":  "The other authority declined the plan",
	"transfer_withdrawn": "Offer of the plan withdrawn",
}
