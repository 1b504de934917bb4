package nhsuk

import (
	"cmp"
	"html/template"
	"strings"
)

// CardVariant is what a card is about.
type CardVariant string

// The variants. The last three are care cards: they say how fast to act.
const (
	Feature       CardVariant = "feature"
	PrimaryCard   CardVariant = "primary"
	SecondaryCard CardVariant = "secondary"
	WarningCard   CardVariant = "warning"
	NonUrgent     CardVariant = "non-urgent"
	Urgent        CardVariant = "urgent"
	Emergency     CardVariant = "emergency"
)

// An Action is a link or a button that belongs to something: "Change", with the
// object said to screen readers only. Without Href, or with Type, it is a button.
type Action struct {
	Text        string
	Hidden      string // what is changed, to screen readers only
	Href        string
	Type        string
	Name, Value string

	// Of is the heading of the card around, if there is one.
	of string
}

// HTML writes the action.
func (a Action) HTML() (template.HTML, error) {
	if a.Href == "" {
		a.Type = cmp.Or(a.Type, "submit")
	}
	return render("action", a)
}

// Of is the heading of the card that the action belongs to.
func (a Action) Of() string { return a.of }

// of returns actions as those of something.
func of(heading string, actions []Action) []Action {
	all := make([]Action, len(actions))
	for i, a := range actions {
		a.of = heading
		all[i] = a
	}
	return all
}

// A Card holds something together.
type Card struct {
	ID        string
	Heading   Heading // level 2 if nothing is said
	Href      string  // makes the heading a link
	Clickable bool    // all of it
	Variant   CardVariant
	Text      string
	Body      Component // instead of Text
	Actions   []Action
	Classes   string
}

// HTML writes the card.
func (c Card) HTML() (template.HTML, error) {
	size := ""
	if c.Heading.Size != "" {
		size = "nhsuk-heading-" + string(c.Heading.Size)
	}
	v := card{Card: c, Title: c.Heading.as(join("nhsuk-card__heading", size), 2)}
	v.Title.Hidden = c.prefix()
	v.Actions = of(c.Heading.Text, c.Actions)
	return render("card", v)
}

// Care reports whether the card says how fast to act.
func (c Card) Care() bool {
	switch c.Variant {
	case NonUrgent, Urgent, Emergency:
		return c.Heading.shown()
	case "", Feature, PrimaryCard, SecondaryCard, WarningCard:
	}
	return false
}

// prefix is what screen readers hear before the heading, for colour does not
// speak to them.
func (c Card) prefix() string {
	words := ""
	if c.Care() {
		switch c.Variant {
		case Emergency:
			words = "Immediate action required"
		case Urgent:
			words = "Urgent advice"
		case NonUrgent:
			words = "Non-urgent advice"
		case "", Feature, PrimaryCard, SecondaryCard, WarningCard:
		}
	}
	return cmp.Or(c.Heading.Hidden, words)
}

// card is a Card with its heading in place.
type card struct {
	Card

	Title heading
}

// A WarningCallout is what must not be overlooked.
type WarningCallout struct {
	ID      string
	Heading Heading // level 3 if nothing is said
	Text    string
	Body    Component // instead of Text
	Actions []Action
	Classes string
}

// HTML writes the callout.
func (w WarningCallout) HTML() (template.HTML, error) {
	h := w.Heading
	h.Level = cmp.Or(h.Level, 3)
	if h.Text != "" && !strings.Contains(strings.ToLower(h.Text), "important") {
		h.Hidden = cmp.Or(h.Hidden, "Important")
	}
	return Card{ID: w.ID, Heading: h, Text: w.Text, Body: w.Body, Actions: w.Actions, Classes: w.Classes, Variant: WarningCard}.HTML()
}

// A Panel ends a journey. As an interruption it stops one at a risky act.
type Panel struct {
	ID           string
	Heading      Heading
	Text         string
	Body         Component // instead of Text
	Interruption bool
	Classes      string
}

// HTML writes the panel.
func (p Panel) HTML() (template.HTML, error) {
	class := "nhsuk-panel__heading"
	if p.Heading.Size != "" {
		class = join(class, class+"--"+string(p.Heading.Size))
	}
	return render("panel", panel{Panel: p, Title: p.Heading.as(class, 1)})
}

// panel is a Panel with its heading in place.
type panel struct {
	Panel

	Title heading
}

// An InsetText stands out from what is around it.
type InsetText struct {
	ID      string
	Text    string
	Body    Component // instead of Text
	Prefix  string    // said to screen readers; "Information" if nothing is said
	Classes string
}

// HTML writes the text.
func (i InsetText) HTML() (template.HTML, error) {
	i.Prefix = cmp.Or(i.Prefix, "Information")
	return render("inset-text", i)
}

// Details are more that only some need, closed until opened.
type Details struct {
	ID          string
	Summary     string
	SummaryBody Component // instead of Summary
	Text        string
	Body        Component // instead of Text
	Open        bool
	Expander    bool // larger, for long parts
	Reverse     bool // on blue
	Classes     string
}

// HTML writes the details.
func (d Details) HTML() (template.HTML, error) { return render("details", d) }

// A NotificationBanner says something about the page before. Success takes the
// focus. A page never has one together with an error summary.
type NotificationBanner struct {
	ID               string
	Success          bool
	Title            string // "Important" or "Success" if nothing is said
	TitleID          string
	Heading          Heading // level 3 if nothing is said
	HeadingParagraph bool    // looks like a heading, and is none
	Text             string
	Body             Component // instead of Text
	Role             string    // "region", or "alert" of success, if nothing is said
	NoAutoFocus      bool
	Classes          string
}

// HTML writes the banner.
func (n NotificationBanner) HTML() (template.HTML, error) {
	n.TitleID = cmp.Or(n.TitleID, "nhsuk-notification-banner-title")
	if n.Success {
		n.Role, n.Title = cmp.Or(n.Role, "alert"), cmp.Or(n.Title, "Success")
	}
	n.Role, n.Title = cmp.Or(n.Role, "region"), cmp.Or(n.Title, "Important")
	return render("notification-banner", banner{NotificationBanner: n, Head: n.Heading.as("nhsuk-notification-banner__heading", 3)})
}

// banner is a NotificationBanner with its heading in place.
type banner struct {
	NotificationBanner

	Head heading
}

// A Problem is a line of an error summary. Href leads to the field, for a date
// to the first part that is wrong.
type Problem struct {
	Text string
	Href string
}

// An ErrorSummary stands first on a page whose form was not right, in the order
// of the page.
type ErrorSummary struct {
	ID          string
	Heading     string    // "There is a problem" if nothing is said
	HeadingBody Component // instead of Heading
	Text        string    // before the list
	Body        Component // instead of Text
	Problems    []Problem
	NoAutoFocus bool
	Classes     string
}

// HTML writes the summary.
func (e ErrorSummary) HTML() (template.HTML, error) {
	e.Heading = cmp.Or(e.Heading, "There is a problem")
	return render("error-summary", e)
}

// A DoDontList says what to do, or what not to.
type DoDontList struct {
	ID       string
	Heading  Heading // level 3 if nothing is said
	Dont     bool
	Items    []string
	Prefix   string // before each; "do not" of what not to do, if nothing is said
	NoPrefix bool
	Classes  string
}

// HTML writes the list.
func (d DoDontList) HTML() (template.HTML, error) {
	h := d.Heading
	h.Level = cmp.Or(h.Level, 3)
	if d.Dont {
		d.Prefix = cmp.Or(d.Prefix, "do not")
	}
	return Card{ID: d.ID, Heading: h, Variant: Feature, Body: doDont{d}, Classes: d.Classes}.HTML()
}

// doDont is the list itself.
type doDont struct{ DoDontList }

// HTML writes the items.
func (d doDont) HTML() (template.HTML, error) { return render("do-dont-list", d) }

// A Scroll is what may be wider than the page, which must not be.
type Scroll struct {
	ID         string
	LabelledBy string // the id of what says what it is
	Text       string
	Body       Component // instead of Text
	Reverse    bool      // on blue
	Classes    string
}

// HTML writes the region.
func (s Scroll) HTML() (template.HTML, error) { return render("scroll", s) }

// A Code is shown as it is, and can be copied.
type Code struct {
	ID         string
	Text       string
	Body       Component // instead of Text
	Copy       bool      // with a button that copies it, with the script
	Button     Button    // how it looks and what it says
	CopiedText string    // "Code copied" if nothing is said
	Announced  string    // the same, to screen readers
	Background string    // of the page around
	NoBorder   bool
	Reverse    bool // on blue
	Classes    string
}

// HTML writes the code.
func (c Code) HTML() (template.HTML, error) {
	v := code{Code: c, CopyText: c.Button.Text}
	looks := "nhsuk-button--secondary nhsuk-button--small"
	if c.Reverse {
		looks = "nhsuk-button--reverse nhsuk-button--small"
	}
	v.Button.Text = cmp.Or(c.Button.Text, "Copy code")
	v.Button.Type = "button"
	v.Button.Hidden = true
	v.Button.Classes = join(cmp.Or(c.Button.Classes, looks), "nhsuk-code__button nhsuk-js-code-button")
	return render("code", v)
}

// code is a Code with its button in place.
type code struct {
	Code

	CopyText string
}
