package web

import "slices"

// Who may see a page. What it shows is decided by the policy all the same: this
// says whom the page is for, so that others are told so before they type anything.
type Who string

// Whom pages are for.
const (
	Open     Who = "open"     // whoever comes
	Anybody  Who = "anybody"  // whoever is logged in, in a role or not yet
	Everyone Who = "everyone" // whoever acts in a role
	Leads    Who = "safeguarding_lead"
	Watchers Who = "auditor,privacy_officer"

	PrivacyOfficers Who = "privacy_officer"

	Clinicians Who = "clinician_unscheduled,clinician_scheduled"
)

// Route is a page, or what a page posts to.
type Route struct {
	Pattern string // as of http.ServeMux
	Who     Who
	Action  string // that stands in the entry which the route leaves; none if empty
	Level   int    // of assurance, asked for before anything is typed; 0 if any does
	// Plain pages need no session, not even to say who is logged in: they answer
	// without the database.
	Plain bool
	// Quiet requests do not keep a session alive.
	Quiet bool

	serve func(*visit) error
}

// Routes returns what there is, in order of the site map.
func Routes() []Route { return routes() }

// routes is the one table. The mux, the golden list of routes, what each role sees
// and which entry each leaves come from it.
func routes() []Route {
	all := []Route{
		{Pattern: "GET /{$}", Who: Open, serve: showStart},
		{Pattern: "GET /log-in/{provider}", Who: Open, Quiet: true, serve: beginLogIn},
		{Pattern: "GET /log-in/{provider}/back", Who: Open, Quiet: true, Action: "log_in", serve: endLogIn},
		{Pattern: "GET /no-role", Who: Open, serve: showNoRole},
		{Pattern: "GET /role", Who: Anybody, serve: showRoles},
		{Pattern: "POST /role", Who: Anybody, Action: "choose_role", serve: chooseRole},
		{Pattern: "GET /confirm", Who: Everyone, serve: showConfirm},
		{Pattern: "POST /log-out", Who: Anybody, Quiet: true, Action: "log_out", serve: logOut},
		{Pattern: "GET /logged-out", Who: Open, Plain: true, serve: showLoggedOut},
		{Pattern: "POST /log-out/{provider}", Who: Open, Plain: true, Action: "log_out", serve: logOutByProvider},
		{Pattern: "GET /session", Who: Anybody, Quiet: true, serve: showTimeLeft},
		{Pattern: "POST /session", Who: Anybody, serve: stay},

		{Pattern: "GET /help", Who: Open, Plain: true, serve: showHelp},
		{Pattern: "GET /help/words", Who: Open, Plain: true, serve: showHelpWords},
		{Pattern: "GET /help/phone", Who: Open, Plain: true, serve: showHelpPhone},
		{Pattern: "GET /help/refused/{reason}", Who: Open, Plain: true, serve: showHelpRefused},
		{Pattern: "GET /cookies", Who: Open, Plain: true, serve: showCookies},

		{Pattern: "GET /home", Who: Everyone, serve: showHome},

		{Pattern: "GET /notices", Who: Leads, Action: "read_notices", serve: listNotices},
		{Pattern: "GET /notices/{id}", Who: Leads, Action: "read_notices", serve: readNotice},
		{Pattern: "POST /notices/{id}", Who: Leads, Action: "answer_notice", Level: 3, serve: answerNotice},
		{Pattern: "GET /notices/{id}/give", Who: Leads, Action: "list_colleagues", Level: 3, serve: askToGive},
		{Pattern: "POST /notices/{id}/give", Who: Leads, Action: "answer_notice", Level: 3, serve: giveNotice},

		{Pattern: "GET /contacts", Who: Leads, Action: "read_contacts", serve: showContacts},
		{Pattern: "GET /contacts/change", Who: Leads, Action: "read_contacts", Level: 3, serve: changeContacts},
		{Pattern: "POST /contacts/change", Who: Leads, Action: "set_contacts", Level: 3, serve: setContacts},
		{Pattern: "POST /contacts/confirm", Who: Leads, Action: "set_contacts", Level: 3, serve: confirmContacts},

		{Pattern: "GET /reports", Who: Watchers, serve: offerReports},
		{Pattern: "GET /reports/{report}", Who: Watchers, Level: 3, serve: buildReport},
		{Pattern: "POST /reports/{report}", Who: Watchers, Level: 3, serve: askReport},
		{Pattern: "GET /reports/{report}/{question}", Who: Watchers, Action: "read_reports", Level: 3, serve: showReport},
		{Pattern: "GET /reports/{report}/{question}/count", Who: Watchers, Action: "read_reports", Level: 3, serve: countReport},
		{Pattern: "POST /reports/{report}/{question}", Who: Watchers, Action: "export_report", Level: 3, serve: exportReport},
		{Pattern: "GET /exports", Who: Watchers, Action: "read_reports", Level: 3, serve: listExports},
		{Pattern: "GET /exports/{id}", Who: Watchers, Action: "read_reports", Level: 3, serve: showExport},
		{Pattern: "GET /exports/{id}/file", Who: Watchers, Action: "download_export", Level: 3, serve: sendExport},
		{Pattern: "POST /exports/{id}/delete", Who: Watchers, Action: "export_report", Level: 3, serve: deleteExport},

		{Pattern: "GET /reviews/{id}", Who: Watchers, Level: 3, serve: reviewEnvelope},
		{Pattern: "POST /reviews/{id}", Who: Watchers, Level: 3, serve: askReview},
		{Pattern: "GET /reviews/{id}/{question}", Who: Watchers, Action: "read_reports", Level: 3, serve: openReview},
		{Pattern: "POST /reviews/{id}/{question}", Who: PrivacyOfficers, Action: "review_access", Level: 3, serve: closeReview},
	}
	return slices.Concat(all, lookUpRoutes(""), lookUpRoutes("/cy"))
}

// lookUpRoutes are the pages of look-ups in a language, which stands before the path.
func lookUpRoutes(language string) []Route {
	path := language + "/look-up"
	return []Route{
		{Pattern: "GET " + path, Who: Clinicians, serve: showLookUp},
		{Pattern: "POST " + path, Who: Clinicians, serve: askLookUp},
		{Pattern: "GET " + path + "/{q}", Who: Clinicians, Action: "look_up", serve: showAnswer},
		{Pattern: "GET " + path + "/{q}/break-glass", Who: Clinicians, serve: showBreakGlass},
		{Pattern: "POST " + path + "/{q}/break-glass", Who: Clinicians, serve: claimBreakGlass},
		{Pattern: "GET " + path + "/{q}/wrong-patient", Who: Clinicians, serve: showWrongPatient},
		{Pattern: "POST " + path + "/{q}/wrong-patient", Who: Clinicians, Action: "report_wrong_patient", serve: reportWrongPatient},
	}
}
