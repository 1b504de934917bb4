package nhsuk

import (
	"cmp"
	"html/template"
)

// Icon is one of the design system's icons.
type Icon string

// The icons that something of ours shows.
const (
	ArrowLeft          Icon = "arrow-left"
	ArrowRight         Icon = "arrow-right"
	ArrowRightCircle   Icon = "arrow-right-circle"
	ChevronRightCircle Icon = "chevron-right-circle"
	Cross              Icon = "cross"
	Search             Icon = "search"
	Tick               Icon = "tick"
	User               Icon = "user"
)

// ButtonVariant is how much a button asks to be pressed.
type ButtonVariant string

// The variants. A page has one button without any, which is its main one.
const (
	Secondary      ButtonVariant = "secondary"
	SecondarySolid ButtonVariant = "secondary-solid"
	Warning        ButtonVariant = "warning"
	Brand          ButtonVariant = "brand"
	LogIn          ButtonVariant = "login"
	ReverseButton  ButtonVariant = "reverse"
)

// A Button does something; with Href and no Type it is a link that looks like one.
type Button struct {
	ID                 string
	Text               string
	Body               Component // instead of Text
	Href               string
	Type               string // "submit" if nothing is said
	Name, Value        string
	Variant            ButtonVariant
	Small              bool
	Icon               Icon
	IconAtEnd          bool
	Label              string // what it is called if its text does not say it
	Disabled           bool
	PreventDoubleClick bool
	Hidden             bool // until the script shows it
	Classes            string
}

// HTML writes the button.
func (b Button) HTML() (template.HTML, error) {
	if b.Href == "" {
		b.Type = cmp.Or(b.Type, "submit")
	}
	return render("button", b)
}

// An ActionLink leads to what most people come to a page for.
type ActionLink struct {
	ID      string
	Text    string
	Body    Component // instead of Text
	Href    string    // a button if nothing is said
	Type    string
	Reverse bool // on blue
	Classes string
}

// HTML writes the link.
func (a ActionLink) HTML() (template.HTML, error) {
	if a.Href == "" {
		a.Type = cmp.Or(a.Type, "submit")
	}
	return render("action-link", a)
}

// A BackLink leads to the page before.
type BackLink struct {
	ID      string
	Text    string    // "Back" if nothing is said
	Body    Component // instead of Text
	Href    string    // a button if nothing is said
	Type    string
	Hidden  string // said before the text, to screen readers only
	Lang    string // if it is not the page's
	Reverse bool   // on blue
	Classes string
}

// HTML writes the link.
func (b BackLink) HTML() (template.HTML, error) {
	b.Text = cmp.Or(b.Text, "Back")
	if b.Href == "" {
		b.Type = cmp.Or(b.Type, "submit")
	}
	return render("back-link", b)
}

// TagColour is one of the tints of a tag. Colour never stands alone: the text
// says it too.
type TagColour string

// The colours. A tag without any is solid blue; do not mix it with tints.
const (
	White     TagColour = "white"
	Grey      TagColour = "grey"
	Green     TagColour = "green"
	AquaGreen TagColour = "aqua-green"
	Blue      TagColour = "blue"
	Purple    TagColour = "purple"
	Pink      TagColour = "pink"
	Red       TagColour = "red"
	Orange    TagColour = "orange"
	Yellow    TagColour = "yellow"
	NoColour  TagColour = "no-colour"
)

// A Tag is the state of something, in at most three words.
type Tag struct {
	ID       string
	Text     string
	Body     Component // instead of Text
	Colour   TagColour
	NoBorder bool
	Classes  string
}

// HTML writes the tag.
func (t Tag) HTML() (template.HTML, error) { return render("tag", t) }
