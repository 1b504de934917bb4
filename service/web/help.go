package web

import (
	"net/http"

	"cpis/service/web/frame"
	"cpis/service/web/nhsuk"
	"cpis/service/web/words"
)

// helpPage is a page of words.
type helpPage struct {
	frame.Page

	Heading nhsuk.Heading
	Words   []term
	Why     []string
	Logged  bool // what was refused is in the log
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

func showHelp(v *frame.Visit) error { return showWords(v, "help", "Help") }

func showHelpWords(v *frame.Visit) error {
	return showWords(v, "help_words", "What the words mean")
}

// showHelpPhone says whom to call. It answers without the database.
func showHelpPhone(v *frame.Visit) error {
	return showWords(v, "help_phone", "Who to call when this does not work")
}

func showCookies(v *frame.Visit) error { return showWords(v, "cookies", "Cookies") }

func showPrivacy(v *frame.Visit) error {
	return showWords(v, "privacy", "What is recorded about you")
}

func showAccessibility(v *frame.Visit) error {
	return showWords(v, "accessibility", "Accessibility of these pages")
}

// showHelpRefused says why something was refused, and what to do about it.
func showHelpRefused(v *frame.Visit) error {
	reason, w := v.R.PathValue("reason"), words.In(words.English)
	why := w.Refused.Of(reason)
	if why == nil {
		return frame.ErrNoPage
	}
	return v.Show(http.StatusOK, "help_refused", &helpPage{
		Page: frame.Page{Title: w.Refused.Title}, Heading: frame.Heading(w.Refused.Title), Why: why, Logged: reason != words.OtherRole,
	})
}

func showWords(v *frame.Visit, name, title string) error {
	return v.Show(http.StatusOK, name, &helpPage{Page: frame.Page{Title: title}, Heading: frame.Heading(title), Words: terms})
}
