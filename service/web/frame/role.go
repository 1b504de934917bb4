package frame

import (
	"net/http"
	"strconv"
	"strings"

	"cpis/service/guard"
	"cpis/service/session"
	"cpis/service/web/nhsuk"
)

// fewRoles is how many can be chosen from at a glance; more are searched.
const fewRoles = 5

// rolePage asks in which role somebody acts.
type rolePage struct {
	Page

	Radios nhsuk.Radios
	Search *nhsuk.SearchInput // of many
	None   bool               // nothing was found
	Query  string
	To     string
	Submit nhsuk.Button
}

// showRoles asks in which role somebody acts, if there are several.
func showRoles(v *Visit) error {
	if len(v.Session.Choices) == 1 && v.Session.Chosen() {
		return v.To("/home")
	}
	return askRole(v, http.StatusOK, &Form{Wrong: map[string]string{}})
}

func askRole(v *Visit, status int, f *Form) error {
	query := strings.TrimSpace(v.R.FormValue("q"))
	page := &rolePage{
		Page: Page{Title: "Choose your role", Problems: f.Problems}, Query: query, To: v.back(v.R.FormValue("to")),
		Submit: nhsuk.Button{Text: "Continue", PreventDoubleClick: true},
		Radios: nhsuk.Radios{
			Name: "role", Legend: nhsuk.Legend{Text: "Choose your role", Size: nhsuk.Large, Heading: 1}, Error: f.Error("role"),
		},
	}
	if len(v.Session.Choices) > fewRoles {
		page.Search = &nhsuk.SearchInput{Input: nhsuk.Input{
			ID: "q", Name: "q", Value: query, Label: nhsuk.Label{Text: "Find one of your " + strconv.Itoa(len(v.Session.Choices)) + " roles by its organisation"},
		}, Button: nhsuk.Button{Text: "Search"}}
	}
	for i := range v.Session.Choices {
		if one, ok := choiceOf(v, i, query); ok {
			page.Radios.Choices = append(page.Radios.Choices, one)
		}
	}
	page.None = len(page.Radios.Choices) == 0
	return v.Show(status, "role", page)
}

// choiceOf is a role that somebody can act in, if its organisation is searched for.
func choiceOf(v *Visit, i int, query string) (nhsuk.Choice, bool) {
	c := v.Session.Choices[i]
	if v.People.Place(&c) != nil {
		return nhsuk.Choice{}, false
	}
	name := v.Names.Name(c.Organisation)
	if query != "" && !strings.Contains(strings.ToLower(name+" "+c.Organisation), strings.ToLower(query)) {
		return nhsuk.Choice{}, false
	}
	role := RoleWords(c.Roles.String())
	return nhsuk.Choice{
		Value: strconv.Itoa(i), Text: role + ", " + name, Hint: nhsuk.Hint{Text: c.Organisation},
		Checked: v.Session.Chosen() && c.Organisation == v.Session.Caller.Organisation && c.Roles == v.Session.Caller.Roles,
	}, true
}

// chooseRole has somebody act in the role that they chose.
func chooseRole(v *Visit) error {
	f, err := v.Form()
	if err != nil {
		return err
	}
	i, err := strconv.Atoi(f.Text("role"))
	if err != nil || i < 0 || i >= len(v.Session.Choices) {
		f.Reject("role", "Select the role that you act in now")
		return askRole(v, http.StatusUnprocessableEntity, f)
	}
	caller := v.Session.Choices[i]
	caller.Call = v.call()
	if v.People.Place(&caller) != nil {
		return guard.ErrNotFound
	}
	opened, err := v.Sessions.ChooseRole(v.R.Context(), &caller, &session.ChooseRoleRequest{Session: v.Session, Request: v.Request})
	if err != nil {
		return err
	}
	return enterWith(v, opened, &session.Attempt{To: v.back(f.Text("to"))})
}
