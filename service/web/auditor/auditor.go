// Package auditor has the pages of auditors and privacy officers: questions to the log,
// files that prove themselves, and reviews of look-ups.
package auditor

import (
	"embed"
	"io/fs"

	"cpis/service/web/frame"
)

// UseCases are what these pages show and do. All are required.
type UseCases struct {
	Reports Reports
	Exports Exports
	Reviews Reviews
	Proofs  Proofs
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
		Who: frame.Watchers, Routes: p.routes(), Templates: templates,
		Menu: frame.Menu(
			frame.Line{Text: "Reports", Href: "/reports"}, frame.Line{Text: "Reviews", Href: "/reviews"},
			frame.Line{Text: "Your files", Href: "/exports"}, frame.Line{Text: "The log", Href: "/log"},
		),
		Ways: []frame.Way{
			{Text: "Who looked at this person?", Href: "/reports/child", About: "By NHS number, in a period"},
			{Text: "Look-ups that wait for review", Href: "/reviews", About: "By break-glass, of restricted people, and some drawn by lot"},
			{Text: "Break-glass look-ups that nobody has explained", Href: "/reports/break_glass?unreviewed=1", About: "Each has a review to be closed"},
			{Text: "All reports", Href: "/reports", About: "Ask the log"},
			{Text: "Your files", Href: "/exports", About: "Reports that prove themselves"},
			{Text: "The log", Href: "/log", About: "Whether it is sound, and whether a receipt is true"},
		},
	}
}

func (p *pages) routes() []frame.Route {
	return []frame.Route{
		{Pattern: "GET /reports", Who: frame.Watchers, Serve: offerReports},
		{Pattern: "GET /reports/{report}", Who: frame.Watchers, Level: 3, Serve: buildReport},
		{Pattern: "POST /reports/{report}", Who: frame.Watchers, Level: 3, Serve: askReport},
		{Pattern: "GET /reports/{report}/{question}", Who: frame.Watchers, Action: "read_reports", Level: 3, Serve: p.showReport},
		{Pattern: "GET /reports/{report}/{question}/count", Who: frame.Watchers, Action: "read_reports", Level: 3, Serve: p.countReport},
		{Pattern: "POST /reports/{report}/{question}", Who: frame.Watchers, Action: "export_report", Level: 3, Serve: p.exportReport},
		{Pattern: "GET /exports", Who: frame.Watchers, Action: "read_reports", Level: 3, Serve: p.listExports},
		{Pattern: "GET /exports/{id}", Who: frame.Watchers, Action: "read_reports", Level: 3, Serve: p.showExport},
		{Pattern: "GET /exports/{id}/file", Who: frame.Watchers, Action: "download_export", Level: 3, Serve: p.sendExport},
		{Pattern: "POST /exports/{id}/delete", Who: frame.Watchers, Action: "export_report", Level: 3, Serve: p.deleteExport},
		{Pattern: "GET /reviews", Who: frame.Watchers, Action: "read_reports", Level: 3, Serve: p.listReviews},
		{Pattern: "GET /reviews/{id}", Who: frame.Watchers, Level: 3, Serve: reviewEnvelope},
		{Pattern: "POST /reviews/{id}", Who: frame.Watchers, Level: 3, Serve: askReview},
		{Pattern: "GET /reviews/{id}/{question}", Who: frame.Watchers, Action: "read_reports", Level: 3, Serve: p.openReview},
		{Pattern: "POST /reviews/{id}/{question}", Who: frame.PrivacyOfficers, Action: "review_access", Level: 3, Serve: p.closeReview},
		{Pattern: "GET /log", Who: frame.Everyone, Serve: p.showLog},
		{Pattern: "POST /log", Who: frame.Everyone, Serve: p.askReceipt},
		{Pattern: "GET /log/{receipt}", Who: frame.Everyone, Serve: p.checkReceipt},
	}
}
