package administrator

import (
	"net/http"
	"strconv"

	"cpis/service/admin"
	"cpis/service/web/frame"
	"cpis/service/web/nhsuk"
)

// policyPage shows the rules, a table for each role.
type policyPage struct {
	frame.Page

	Heading nhsuk.Heading
	Hash    string
	Count   int
	Only    string // the role that is shown alone
	Ways    []frame.Way
	Tables  nhsuk.Group
	Ask     nhsuk.Button
}

// showPolicy shows the rules in force, or those of one role.
func (p *pages) showPolicy(v *frame.Visit) error {
	only := v.R.URL.Query().Get("role")
	if wordOf(admin.Roles(), only) == "" {
		only = "" // what is no role is no filter
	}
	held, err := p.Policy.GetPolicy(v.R.Context(), v.Caller(), &admin.GetPolicyRequest{Role: only, Request: v.Request})
	if err != nil {
		return err
	}
	page := &policyPage{
		Page: frame.Page{Title: "Who may do what"}, Heading: frame.Heading("Who may do what"), Hash: held.Hash, Count: len(held.Rules),
		Only: wordOf(admin.Roles(), only), Ask: nhsuk.Button{Text: "Ask about a role, a place and an action", Href: "/policy/ask"},
	}
	for _, role := range append(admin.Roles(), admin.Word{Name: "any", Text: "Anybody with a role"}) {
		if role.Name != "any" {
			page.Ways = append(page.Ways, frame.Way{Text: role.Text, Href: "/policy?role=" + role.Name})
		}
		if table := ruleTable(role.Text, rulesOf(held.Rules, role.Name)); len(table.Rows) > 0 {
			page.Tables = append(page.Tables, table)
		}
	}
	return v.Show(http.StatusOK, "policy", page)
}

// rulesOf are the rules of one role.
func rulesOf(all []admin.Rule, role string) []admin.Rule {
	var some []admin.Rule
	for _, r := range all {
		if r.Role == role {
			some = append(some, r)
		}
	}
	return some
}

// ruleTable shows rules.
func ruleTable(caption string, rules []admin.Rule) nhsuk.Table {
	t := nhsuk.Table{
		Caption: nhsuk.Heading{Text: caption, Size: nhsuk.Medium}, Responsive: true,
		Columns: []nhsuk.Column{{Text: "May"}, {Text: "Where"}, {Text: "Whose"}, {Text: "Log-in"}, {Text: "Rule"}},
	}
	for _, r := range rules {
		may := nhsuk.Group{nhsuk.Plain(r.Deed)}
		if r.Claimed {
			may = append(may, nhsuk.Plain(" "), nhsuk.Tag{Text: "Break-glass", Colour: nhsuk.Pink})
		}
		whose := "Anybody's"
		if r.Own {
			whose = "Their own organisation's"
		}
		t.Rows = append(t.Rows, []nhsuk.Cell{{Body: may}, {Text: r.Where}, {Text: whose}, {Text: levelWords(r.Assurance)}, {Text: r.ID}})
	}
	return t
}

// levelWords says how strongly somebody must be logged in.
func levelWords(level int) string {
	switch level {
	case 1:
		return "Any"
	case 2:
		return "Level 2 or stronger"
	}
	return "Level " + strconv.Itoa(level)
}

// wordOf is what people call a word of the policy; nothing if there is no such word.
func wordOf(words []admin.Word, name string) string {
	for _, w := range words {
		if w.Name == name {
			return w.Text
		}
	}
	return ""
}
