package web

import (
	"net/http"

	"cpis/service/web/frame"
	"cpis/service/web/nhsuk"
)

// helpPage is a page of words.
type helpPage struct {
	frame.Page

	Heading nhsuk.Heading
	Words   []term
	Why     []string
}

// term is a word and what it means.
type term struct{ Word, Meaning string }

// terms are the words that pages use.
var terms = []term{
	{"Flag", "The sign that a local authority has a plan about this person that is shown today"},
	{"Child protection plan", "A plan made because a child is at risk of serious harm"},
	{"Looked-after child", "A child in the care of a local authority"},
	{"Unborn child protection plan", "A plan for a baby who is not born yet. It is kept under the mother's NHS number and says nothing about her"},
	{"In force, ended, removed", "Counts today; over, but still shown for a while; entered by mistake and shown to nobody"},
	{"Expected, unexpected visit", "With an appointment: silent. Without one: the local authority is told"},
	{"Notice", "A message to the local authority that something happened"},
	{"Restricted", "Nobody may learn where this person lives, not even from the authority's name"},
	{"Break-glass", "Looking up without the right, for a stated reason. Always reviewed"},
	{"Local authority, emergency duty team, hub", "Who keeps the plan; who answers out of hours; the number that names no authority"},
	{"Receipt", "Proof that your act is in the log"},
	{"Audit log, checkpoint, witness", "The list of every act; its signed total; somebody outside who signs it too"},
}

func showHelp(v *frame.Visit) error { return showWords(v, "help", "Help", nil) }

func showHelpWords(v *frame.Visit) error {
	return showWords(v, "help_words", "What the words mean", nil)
}

// showHelpPhone says whom to call. It answers without the database.
func showHelpPhone(v *frame.Visit) error {
	return showWords(v, "help_phone", "Who to call when this does not work", nil)
}

func showCookies(v *frame.Visit) error { return showWords(v, "cookies", "Cookies", nil) }

func showPrivacy(v *frame.Visit) error {
	return showWords(v, "privacy", "What is recorded about you", nil)
}

func showAccessibility(v *frame.Visit) error {
	return showWords(v, "accessibility", "Accessibility of these pages", nil)
}

// refusals say why something was refused, by the reasons of the policy.
var refusals = map[string][]string{
	"no_rule":           {"No rule lets your role do this at your organisation.", "Ask whoever gives roles in your organisation. Say what you wanted to do, and where."},
	"mode_not_held":     {"Your role lets you look up patients of the other kind only: with an appointment, or without.", "If you meet this patient unexpectedly, you can claim the right and say why. The local authority and your privacy officer are told."},
	"conflicting_roles": {"You hold roles that nobody may hold together, such as managing plans and auditing.", "Choose one of them. If you cannot, ask whoever gave you the other."},
	"not_own":           {"Your right covers only what is your organisation's own.", "Ask the organisation whose it is."},
	"assurance_too_low": {"You did not log in strongly enough for this.", "Log in again with your smartcard or security key."},
}

// showHelpRefused says why something was refused, and what to do about it.
func showHelpRefused(v *frame.Visit) error {
	why := refusals[v.R.PathValue("reason")]
	if why == nil {
		return frame.ErrNoPage
	}
	return showWords(v, "help_refused", "Why this was refused", why)
}

func showWords(v *frame.Visit, name, title string, why []string) error {
	return v.Show(http.StatusOK, name, &helpPage{frame.Page{Title: title}, frame.Heading(title), terms, why})
}
