package web

// Who may see a page. What it shows is decided by the policy all the same: this
// says whom the page is for, so that others are told so before they type anything.
type Who string

// Whom pages are for.
const (
	Open     Who = "open"     // whoever comes
	Anybody  Who = "anybody"  // whoever is logged in, in a role or not yet
	Everyone Who = "everyone" // whoever acts in a role
	Leads    Who = "safeguarding_lead"
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
	return []Route{
		{Pattern: "GET /{$}", Who: Open, serve: (*visit).start},
		{Pattern: "GET /log-in/{provider}", Who: Open, Quiet: true, serve: (*visit).logIn},
		{Pattern: "GET /log-in/{provider}/back", Who: Open, Quiet: true, Action: "log_in", serve: (*visit).logInBack},
		{Pattern: "GET /no-role", Who: Open, serve: (*visit).noRole},
		{Pattern: "GET /role", Who: Anybody, serve: (*visit).role},
		{Pattern: "POST /role", Who: Anybody, Action: "choose_role", serve: (*visit).chooseRole},
		{Pattern: "GET /confirm", Who: Everyone, serve: (*visit).confirm},
		{Pattern: "POST /log-out", Who: Anybody, Quiet: true, Action: "log_out", serve: (*visit).logOut},
		{Pattern: "GET /logged-out", Who: Open, Plain: true, serve: (*visit).loggedOut},
		{Pattern: "POST /log-out/{provider}", Who: Open, Plain: true, Action: "log_out", serve: (*visit).logOutByProvider},
		{Pattern: "GET /session", Who: Anybody, Quiet: true, serve: (*visit).timeLeft},
		{Pattern: "POST /session", Who: Anybody, serve: (*visit).stay},

		{Pattern: "GET /help", Who: Open, Plain: true, serve: (*visit).help},
		{Pattern: "GET /help/words", Who: Open, Plain: true, serve: (*visit).helpWords},
		{Pattern: "GET /help/phone", Who: Open, Plain: true, serve: (*visit).helpPhone},
		{Pattern: "GET /help/refused/{reason}", Who: Open, Plain: true, serve: (*visit).helpRefused},
		{Pattern: "GET /cookies", Who: Open, Plain: true, serve: (*visit).cookies},

		{Pattern: "GET /home", Who: Everyone, serve: (*visit).home},

		{Pattern: "GET /notices", Who: Leads, Action: "read_notices", serve: (*visit).notices},
		{Pattern: "GET /notices/{id}", Who: Leads, Action: "read_notices", serve: (*visit).notice},
		{Pattern: "POST /notices/{id}", Who: Leads, Action: "answer_notice", Level: 3, serve: (*visit).answerNotice},
		{Pattern: "GET /notices/{id}/give", Who: Leads, Action: "list_colleagues", Level: 3, serve: (*visit).giveNotice},
		{Pattern: "POST /notices/{id}/give", Who: Leads, Action: "answer_notice", Level: 3, serve: (*visit).giveNoticeTo},

		{Pattern: "GET /contacts", Who: Leads, Action: "read_contacts", serve: (*visit).contacts},
		{Pattern: "GET /contacts/change", Who: Leads, Action: "read_contacts", Level: 3, serve: (*visit).changeContacts},
		{Pattern: "POST /contacts/change", Who: Leads, Action: "set_contacts", Level: 3, serve: (*visit).setContacts},
		{Pattern: "POST /contacts/confirm", Who: Leads, Action: "set_contacts", Level: 3, serve: (*visit).confirmContacts},
	}
}
