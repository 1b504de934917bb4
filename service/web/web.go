package web

import (
	"embed"
	"io/fs"

	"cpis/service/web/administrator"
	"cpis/service/web/auditor"
	"cpis/service/web/clinician"
	"cpis/service/web/files"
	"cpis/service/web/frame"
	"cpis/service/web/journey"
	"cpis/service/web/lead"
	"cpis/service/web/plans"
)

// Config is what the pages are made of.
type Config struct {
	frame.Config
	UseCases
}

// UseCases are what pages show and do, area by area.
type UseCases struct {
	Lead      lead.UseCases
	Files     files.UseCases
	Auditor   auditor.UseCases
	Clinician clinician.UseCases
	Plans     plans.UseCases
	// Administrator is what administrators see of the installation.
	Administrator administrator.UseCases
}

// New creates the pages.
func New(c Config) (*frame.Pages, error) {
	return frame.New(c.Config, areas(c.UseCases)...)
}

// Routes returns what there is, in order of the site map.
func Routes() []frame.Route { return frame.AllRoutes(areas(UseCases{})...) }

//go:embed template/*.html
var embedded embed.FS

// areas are all that there are: what everybody sees, and the parts for each kind of user.
func areas(u UseCases) []frame.Area {
	templates, _ := fs.Sub(embedded, "template") // is embedded
	return []frame.Area{
		{Routes: routes(), Templates: templates},
		journey.Area(), lead.Area(u.Lead), files.Area(u.Files), plans.Area(u.Plans),
		auditor.Area(u.Auditor), clinician.Area(u.Clinician), administrator.Area(u.Administrator),
	}
}

// routes are the pages for everybody.
func routes() []frame.Route {
	return []frame.Route{
		{Pattern: "GET /help", Who: frame.Open, Plain: true, Serve: showHelp},
		{Pattern: "GET /help/words", Who: frame.Open, Plain: true, Serve: showHelpWords},
		{Pattern: "GET /help/phone", Who: frame.Open, Plain: true, Serve: showHelpPhone},
		{Pattern: "GET /help/refused/{reason}", Who: frame.Open, Plain: true, Serve: showHelpRefused},
		{Pattern: "GET /cookies", Who: frame.Open, Plain: true, Serve: showCookies},
		{Pattern: "GET /privacy", Who: frame.Open, Plain: true, Serve: showPrivacy},
		{Pattern: "GET /accessibility", Who: frame.Open, Plain: true, Serve: showAccessibility},
		{Pattern: "GET /home", Who: frame.Everyone, Serve: showHome},
	}
}
