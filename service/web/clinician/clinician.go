// Package clinician has the look-up page, for places without an integrated system, in
// English and Welsh.
package clinician

import (
	"embed"
	"io/fs"
	"slices"

	"cpis/service/web/frame"
	"cpis/service/web/words"
)

// UseCases are what these pages show and do. All are required.
type UseCases struct {
	LookUps LookUps
	// Encounters are told of wrong patients.
	Encounters Encounters
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
		Who: frame.Clinicians, Routes: slices.Concat(p.routes(""), p.routes("/cy")), Templates: templates,
		Menu: []frame.Item{
			{Text: func(w *words.Words) string { return w.LookUp.Button }, Href: "/look-up"},
			{Text: func(w *words.Words) string { return w.List.Menu }, Href: "/list", Who: expecting},
		},
		Ways: []frame.Way{
			{Text: "Look up a patient", Href: "/look-up", About: "Whether a local authority has a plan about them, and whom to call"},
			{Text: "Look up a clinic list", Href: "/list", About: "All patients whom you expect, at once", Who: expecting},
		},
	}
}

// expecting are those whose patients have appointments.
const expecting frame.Who = "clinician_scheduled"

// routes are the pages in a language, which stands before the path.
func (p *pages) routes(language string) []frame.Route {
	path := language + "/look-up"
	return []frame.Route{
		{Pattern: "GET " + path, Who: frame.Clinicians, Serve: showLookUp},
		{Pattern: "POST " + path, Who: frame.Clinicians, Serve: askLookUp},
		{Pattern: "GET " + path + "/{q}", Who: frame.Clinicians, Action: "look_up", Serve: p.showAnswer},
		{Pattern: "GET " + path + "/{q}/break-glass", Who: frame.Clinicians, Serve: showBreakGlass},
		{Pattern: "POST " + path + "/{q}/break-glass", Who: frame.Clinicians, Serve: claimBreakGlass},
		{Pattern: "GET " + path + "/{q}/wrong-patient", Who: frame.Clinicians, Serve: showWrongPatient},
		{Pattern: "POST " + path + "/{q}/wrong-patient", Who: frame.Clinicians, Action: "report_wrong_patient", Serve: p.reportWrongPatient},
		{Pattern: "GET " + language + "/list", Who: expecting, Serve: showList},
		{Pattern: "POST " + language + "/list", Who: expecting, Serve: askList},
		{Pattern: "POST " + language + "/list/file", Who: expecting, Streams: true, Serve: takeListFile},
		{Pattern: "GET " + language + "/list/{q}", Who: expecting, Action: "look_up_many", Serve: p.answerList},
		{Pattern: "GET " + language + "/list/{q}/{line}", Who: expecting, Action: "look_up", Serve: openLine}, // where it leads
	}
}
