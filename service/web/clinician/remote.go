package clinician

import (
	"cpis/service/domain"
	"cpis/service/web/frame"
	"cpis/service/web/nhsuk"
	"cpis/service/web/words"
)

// leadFields ask for the safeguarding lead of a service whose callers see nobody: the
// local authority calls the lead back.
type leadFields struct {
	Legend            string
	Hint              nhsuk.Hint
	Name, Role, Phone nhsuk.Input
}

// remote reports whether somebody works for NHS 111.
func remote(v *frame.Visit) bool { return v.Session.Caller.Class == "nhs_111" }

// askLead asks for the lead. One is held already if it was asked before.
func askLead(w *words.Words, f *frame.Form, held domain.Responsible) *leadFields {
	field := func(name, label, held string) nhsuk.Input {
		return nhsuk.Input{
			Name: name, Value: f.Or(name, held), Label: nhsuk.Label{Text: label}, Error: f.ErrorIn(w, name), Width: 20, Autocomplete: "off", NoSpellcheck: true,
		}
	}
	lead := &leadFields{
		Legend: w.LookUp.Lead, Hint: nhsuk.Hint{Text: w.LookUp.LeadHint},
		Name: field("lead-name", w.LookUp.LeadName, held.Name), Role: field("lead-role", w.LookUp.LeadRole, held.Role),
		Phone: field("lead-phone", w.LookUp.LeadPhone, held.Phone),
	}
	lead.Phone.Type = "tel"
	return lead
}

// readLead reads who the lead is. All of it is needed.
func readLead(w *words.Words, f *frame.Form) domain.Responsible {
	for _, one := range []struct{ field, problem string }{
		{"lead-name", w.LookUp.LeadNoName}, {"lead-role", w.LookUp.LeadNoRole}, {"lead-phone", w.LookUp.LeadNoPhone},
	} {
		if f.Text(one.field) == "" {
			f.Reject(one.field, one.problem)
		}
	}
	var read domain.Reader
	lead := read.Responsible("lead", domain.Responsible{Name: f.Text("lead-name"), Role: f.Text("lead-role"), Phone: f.Text("lead-phone")})
	f.Refuse(read.Err(), map[string]string{"lead.name": "lead-name", "lead.role": "lead-role", "lead.phone": "lead-phone"})
	return lead
}
