package frame

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

	Administrators Who = "administrator"

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
	// Streams says that what is posted is read by the page as it comes, because a file
	// is in it.
	Streams bool

	Serve func(*Visit) error
}

// routes are those that people log in by, in order of the site map.
func routes() []Route {
	return []Route{
		{Pattern: "GET /{$}", Who: Open, Serve: showStart},
		{Pattern: "GET /log-in/{provider}", Who: Open, Quiet: true, Serve: beginLogIn},
		{Pattern: "GET /log-in/{provider}/back", Who: Open, Quiet: true, Action: "log_in", Serve: endLogIn},
		{Pattern: "GET /no-role", Who: Open, Serve: showNoRole},
		{Pattern: "GET /role", Who: Anybody, Serve: showRoles},
		{Pattern: "POST /role", Who: Anybody, Action: "choose_role", Serve: chooseRole},
		{Pattern: "GET /confirm", Who: Everyone, Serve: showConfirm},
		{Pattern: "POST /log-out", Who: Anybody, Quiet: true, Action: "log_out", Serve: logOut},
		{Pattern: "GET /logged-out", Who: Open, Plain: true, Serve: showLoggedOut},
		{Pattern: "POST /log-out/{provider}", Who: Open, Plain: true, Action: "log_out", Serve: logOutByProvider},
		{Pattern: "GET /session", Who: Anybody, Quiet: true, Serve: showTimeLeft},
		{Pattern: "POST /session", Who: Anybody, Serve: stay},
	}
}

// AllRoutes returns what there is: the one table. The mux, the golden list of routes,
// what each role sees and which entry each leaves come from it.
func AllRoutes(areas ...Area) []Route {
	all := routes()
	for _, a := range areas {
		all = append(all, a.Routes...)
	}
	return all
}
