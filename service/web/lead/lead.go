// Package lead has the pages of safeguarding leads: what happened to the people whom
// their authority has plans about, and whom care staff call.
package lead

import (
	"embed"
	"io/fs"

	"cpis/service/web/frame"
	"cpis/service/web/words"
)

// UseCases are what these pages show and do. All are required.
type UseCases struct {
	Notices  Notices
	Contacts Contacts
}

// pages are the pages over their use cases.
type pages struct{ UseCases }

//go:embed template/*.html
var files embed.FS

// Area returns the pages.
func Area(u UseCases) frame.Area {
	p := &pages{u}
	templates, _ := fs.Sub(files, "template") // is embedded
	return frame.Area{
		Who: frame.Leads, Routes: p.routes(), Templates: templates,
		Menu: []frame.Item{
			{Text: func(*words.Words) string { return "Notices" }, Href: "/notices"},
			{Text: func(*words.Words) string { return "Contacts" }, Href: "/contacts"},
		},
		Ways: []frame.Way{
			{Text: "Notices nobody has answered", Href: "/notices?open=1", About: "What happened to the people you have plans about"},
			{Text: "All notices", Href: "/notices", About: "Those that were answered as well"},
			{Text: "Contacts", Href: "/contacts", About: "The numbers that care staff see and call"},
		},
	}
}

func (p *pages) routes() []frame.Route {
	return []frame.Route{
		{Pattern: "GET /notices", Who: frame.Leads, Action: "read_notices", Serve: p.listNotices},
		{Pattern: "GET /notices/{id}", Who: frame.Leads, Action: "read_notices", Serve: p.readNotice},
		{Pattern: "POST /notices/{id}", Who: frame.Leads, Action: "answer_notice", Level: 3, Serve: p.answerNotice},
		{Pattern: "GET /notices/{id}/give", Who: frame.Leads, Action: "list_colleagues", Level: 3, Serve: p.askToGive},
		{Pattern: "POST /notices/{id}/give", Who: frame.Leads, Action: "answer_notice", Level: 3, Serve: p.giveNotice},
		{Pattern: "GET /contacts", Who: frame.Leads, Action: "read_contacts", Serve: p.showContacts},
		{Pattern: "GET /contacts/change", Who: frame.Leads, Action: "read_contacts", Level: 3, Serve: p.changeContacts},
		{Pattern: "POST /contacts/change", Who: frame.Leads, Action: "set_contacts", Level: 3, Serve: p.setContacts},
		{Pattern: "POST /contacts/confirm", Who: frame.Leads, Action: "set_contacts", Level: 3, Serve: p.confirmContacts},
	}
}
