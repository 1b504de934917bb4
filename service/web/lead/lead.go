// Package lead has the pages of safeguarding leads: what needs them today, the people
// whom their authority has plans about, what happened to them, and whom care staff call.
package lead

import (
	"embed"
	"io/fs"
	"slices"

	"cpis/service/web/frame"
)

// UseCases are what these pages show and do. All are required.
type UseCases struct {
	Work     Work
	Plans    Plans
	Notices  Notices
	Contacts Contacts
	Channels Channels
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
		Who: frame.Leads, Routes: p.routes(), Templates: templates, Home: p.showHome, Ways: ways(),
		Menu: frame.Menu(
			frame.Line{Text: "Find a person", Href: "/people"}, frame.Line{Text: "Plans", Href: "/plans"}, frame.Line{Text: "Notices", Href: "/notices"},
			frame.Line{Text: "Contacts", Href: "/contacts"}, frame.Line{Text: "Channels", Href: "/channels"},
		),
	}
}

// ways are what a lead can do, whatever needs them today.
func ways() []frame.Way {
	return []frame.Way{
		{Text: "All notices", Href: "/notices", About: "Those that were answered as well"},
		{Text: "Figures", Href: "/figures", About: "How often somebody looked, and how soon notices were answered"},
		{Text: "All plans", Href: "/plans", About: "In the order in which they changed, or in which they cease to be shown"},
		{Text: "Contacts", Href: "/contacts", About: "The numbers that care staff see and call"},
		{Text: "Channels", Href: "/channels", About: "Where notices are sent on to, and whether they arrive"},
	}
}

func (p *pages) routes() []frame.Route {
	return slices.Concat(p.personRoutes(), p.noticeRoutes(), p.channelRoutes())
}

// personRoutes are the pages of people and their plans.
func (p *pages) personRoutes() []frame.Route {
	return []frame.Route{
		{Pattern: "GET /people", Who: frame.Leads, Serve: p.askPerson},
		{Pattern: "POST /people", Who: frame.Leads, Serve: p.findPerson},
		{Pattern: "GET /found/{question}", Who: frame.Leads, Action: "find_people", Serve: p.showFound},
		{Pattern: "GET /people/{id}", Who: frame.Leads, Action: "get_person", Serve: p.showPerson},
		{Pattern: "GET /plans", Who: frame.Leads, Action: "list_plans", Serve: p.listPlans},
	}
}

// noticeRoutes are the pages of notices and contacts.
func (p *pages) noticeRoutes() []frame.Route {
	return []frame.Route{
		{Pattern: "GET /notices", Who: frame.Leads, Action: "read_notices", Serve: p.listNotices},
		{Pattern: "GET /notices/{id}", Who: frame.Leads, Action: "read_notices", Serve: p.readNotice},
		{Pattern: "POST /notices/{id}", Who: frame.Leads, Action: "answer_notice", Level: 3, Serve: p.answerNotice},
		{Pattern: "GET /notices/{id}/give", Who: frame.Leads, Action: "list_colleagues", Level: 3, Serve: p.askToGive},
		{Pattern: "POST /notices/{id}/give", Who: frame.Leads, Action: "answer_notice", Level: 3, Serve: p.giveNotice},
		{Pattern: "GET /figures", Who: frame.Leads, Action: "read_figures", Serve: p.showFigures},
		{Pattern: "GET /figures/file", Who: frame.Leads, Action: "read_figures", Serve: p.sendFigures},
		{Pattern: "GET /contacts", Who: frame.Leads, Action: "read_contacts", Serve: p.showContacts},
		{Pattern: "GET /contacts/change", Who: frame.Leads, Action: "read_contacts", Level: 3, Serve: p.changeContacts},
		{Pattern: "POST /contacts/change", Who: frame.Leads, Action: "set_contacts", Level: 3, Serve: p.setContacts},
		{Pattern: "POST /contacts/confirm", Who: frame.Leads, Action: "set_contacts", Level: 3, Serve: p.confirmContacts},
	}
}

// channelRoutes are the pages of channels.
func (p *pages) channelRoutes() []frame.Route {
	return []frame.Route{
		{Pattern: "GET /channels", Who: frame.Leads, Action: "read_notices", Serve: p.showChannels},
		{Pattern: "GET /channels/new", Who: frame.Leads, Action: "read_notices", Level: 3, Serve: p.askChannel},
		{Pattern: "POST /channels/new", Who: frame.Leads, Action: "manage_channels", Level: 3, Serve: p.addChannel},
		{Pattern: "GET /channels/{id}", Who: frame.Leads, Action: "read_notices", Serve: p.showChannel},
		{Pattern: "POST /channels/{id}/test", Who: frame.Leads, Action: "manage_channels", Level: 3, Serve: p.testChannel},
		{Pattern: "GET /channels/{id}/change", Who: frame.Leads, Action: "read_notices", Level: 3, Serve: p.askChange},
		{Pattern: "POST /channels/{id}/change", Who: frame.Leads, Action: "manage_channels", Level: 3, Serve: p.changeChannel},
		{Pattern: "GET /channels/{id}/secret", Who: frame.Leads, Action: "read_notices", Level: 3, Serve: p.askSecret},
		{Pattern: "POST /channels/{id}/secret", Who: frame.Leads, Action: "manage_channels", Level: 3, Serve: p.replaceSecret},
		{Pattern: "GET /channels/{id}/remove", Who: frame.Leads, Action: "read_notices", Level: 3, Serve: p.askRemoval},
		{Pattern: "POST /channels/{id}/remove", Who: frame.Leads, Action: "manage_channels", Level: 3, Serve: p.removeChannel},
	}
}
