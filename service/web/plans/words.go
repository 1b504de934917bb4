package plans

import (
	"cmp"
	"strings"

	"cpis/service/domain"
	"cpis/service/web/journey"
	"cpis/service/web/nhsuk"
	"cpis/service/web/planwords"
)

// kinds are the kinds of plans, in the order of the page.
func kinds() []nhsuk.Choice {
	kind := func(k domain.Kind, hint string) nhsuk.Choice {
		return nhsuk.Choice{Value: string(k), Text: planwords.Kind(k), Hint: nhsuk.Hint{Text: hint}}
	}
	return []nhsuk.Choice{
		kind(domain.CPP, "A child is at risk of serious harm"),
		kind(domain.LAC, "A child is in the care of your local authority"),
		kind(domain.UCPP, "Held against the mother. It says nothing about her"),
	}
}

// bases are the legal bases on which a child is looked after.
func bases() []nhsuk.Choice {
	var all []nhsuk.Choice
	for _, b := range []domain.Basis{domain.S20, domain.S38, domain.S31} {
		all = append(all, nhsuk.Choice{Value: string(b), Text: planwords.Basis(b)})
	}
	return all
}

// problems are what rooms say is wrong, by field and how it begins, in the words of
// pages: they say what to do. What is not here is said as rooms say it.
var problems = []struct{ field, begins, words string }{
	{"nhs_number", "is the mother's", "This is the mother's NHS number. Enter the child's own"},
	{"date_of_birth", "does not fit this NHS number", "We hold another date of birth for this NHS number. Check both with whoever gave them to you"},
	{"date_of_birth", "makes the mother younger", "Check the date of birth: it must be the mother's, not the child's"},
	{"date_of_birth", "lies in the future", "Date of birth must be today or in the past"},
	{"date_of_birth", "lies before 1900", "Date of birth must be 1900 or later"},
	{"date_of_birth", "cannot be changed here", "This date of birth cannot be changed here, because another authority has a plan about this person. Check the NHS number again"},
	{"date_of_birth", "does not fit your plan", "This date of birth does not fit another of your plans about this person. Change that plan first"},
	{"start", "lies before the date of birth", "Start date must be the date of birth or later. For a baby who is not born yet, register an unborn child protection plan"},
	{"start", "must lie before the 18th birthday", "Start date must be before the 18th birthday"},
	{"start", "overlaps with", "You have a plan of this kind for the same time. Change that plan instead"},
	{"start", "is that of your plan", "You have registered a plan of this kind with this start date already. Change that plan instead"},
	{"start", "lies in the future", "Start date must be today or in the past"},
	{"end", "lies before the start", "Last day must not be before the plan started"},
	{"end", "lies more than a year ahead", "Last day must be within the next 12 months"},
	{"end", "lies more than 48 weeks", "Last day must be within 48 weeks of the start of a plan for an unborn child"},
	{"end", "makes it overlap", "With this last day the plan would run at the same time as another of yours of the same kind. Choose an earlier day"},
	{"born", "lies before the start", "Date of the birth must not be before the plan started. Change the start date first if that is wrong"},
	{"born", "lies more than 48 weeks", "Date of the birth must be within 48 weeks of the start of the plan"},
	{"born", "makes the plan overlap", "With this date the plan would run at the same time as another of yours. Correct that one first"},
	{"expected", "is required", "Enter the date when the baby is due"},
	{"expected", "lies more than 44 weeks", "Due date must be within 44 weeks of the start of the plan"},
	{"expected", "lies more than 3 weeks before", "Due date must not be more than 3 weeks before the start. If the baby is born, register a child protection plan for the child"},
	{"new_nhs_number", "is that of another record", "There is another record under this number. Propose to join the two instead"},
	{"new_nhs_number", "is the old one", "Enter another number than the one that it replaces"},
	{"old_nhs_number", "was replaced before", "This number was replaced already. Open the person again"},
	{"from_nhs_number", "is the number of the record that stays", "Enter the number of the other record"},
	{"from_nhs_number", "is of the same record already", "This number finds the same record already"},
	{"nhs_number", "is of no record", "Nothing is held under this number. Replace the old NHS number by it instead"},
	{"legal_basis", "is required", "Select the legal basis"},
	{"family_name", "or given_name is required", "Enter a given name or a family name"},
	{"to", "must be the GSS code", "Select a local authority"},
	{"to", "is your own authority", "Select another local authority than your own"},
}

// nouns are what sentences call the fields.
var nouns = map[string]string{
	"nhs_number": "NHS number", "from_nhs_number": "NHS number of the other record", "new_nhs_number": "New NHS number", "old_nhs_number": "Old NHS number",
	"family_name": "Family name", "given_name": "Given names", "date_of_birth": "Date of birth", "kind": "Kind of plan", "start": "Start date",
	"end": "Last day", "expected": "Due date", "legal_basis": "Legal basis", "reference": "Your reference", "reason": "Reason", "born": "Date of the birth",
	"to": "Local authority", "decision": "Your decision",
}

// say says what is wrong, so that people know what to do.
func say(v domain.Violation) string {
	for _, p := range problems {
		if p.field == v.Field && strings.HasPrefix(v.Problem, p.begins) {
			return p.words
		}
	}
	return journey.Sentence(cmp.Or(nouns[v.Field], "This") + " " + v.Problem)
}

// plainly names the fields of what is wrong as pages do: what is about a person, or a
// child, is not said to be.
func plainly(all []domain.Violation, prefixes ...string) []domain.Violation {
	out := make([]domain.Violation, len(all))
	for i, v := range all {
		for _, prefix := range prefixes {
			v.Field = strings.TrimPrefix(v.Field, prefix)
		}
		out[i] = v
	}
	return out
}
