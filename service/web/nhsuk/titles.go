package nhsuk

import (
	"cmp"
	"html/template"
	"strings"
)

// Size is how large a label, a legend or a heading is.
type Size string

// The sizes, from small to large.
const (
	ExtraSmall Size = "xs"
	Small      Size = "s"
	Medium     Size = "m"
	Large      Size = "l"
	ExtraLarge Size = "xl"
)

// Placement is where a caption stands: inside the heading, or beside it.
type Placement string

// The placements. AtStart is the one if nothing is said.
const (
	AtStart Placement = "start"
	AtEnd   Placement = "end"
	Before  Placement = "before"
	After   Placement = "after"
)

// A Caption is a few words in grey over a heading, such as the step of a journey
// that the page belongs to.
type Caption struct {
	ID        string
	Text      string
	Body      Component // instead of Text
	Size      Size      // that of the heading if nothing is said
	Placement Placement
	Paragraph bool // rather than a part of the line
	Classes   string
}

// HTML writes the caption.
func (c Caption) HTML() (template.HTML, error) { return render("caption", c) }

// under returns the caption as it stands with something of a size.
func (c Caption) under(size Size) Caption {
	if c.Text == "" && c.Body == nil {
		return Caption{}
	}
	c.Size = cmp.Or(c.Size, size)
	if c.Size == Small || c.Size == ExtraSmall { // a caption has no smaller size than its own
		c.Size = ""
	}
	c.Placement = cmp.Or(c.Placement, AtStart)
	return c
}

// A Heading is h1 to h6.
type Heading struct {
	ID      string
	Text    string
	Body    Component // instead of Text
	Level   int       // 1 if nothing is said
	Size    Size
	Caption Caption
	Href    string // makes it a link
	Hidden  string // said after the text, to screen readers only
	Classes string
}

// HTML writes the heading.
func (h Heading) HTML() (template.HTML, error) {
	class := "nhsuk-heading"
	if h.Size != "" {
		class += "-" + string(h.Size)
	}
	return h.as(class, 1).HTML()
}

func (h Heading) shown() bool { return h.Text != "" || h.Body != nil }

// as returns the heading with the class that it has in another component.
func (h Heading) as(class string, level int) heading {
	h.Level = cmp.Or(h.Level, level)
	h.Caption = h.Caption.under(h.Size)
	return heading{Heading: h, Class: join(class, h.Classes)}
}

// heading is a Heading in its place.
type heading struct {
	Heading

	Class string
}

// HTML writes the heading.
func (h heading) HTML() (template.HTML, error) { return render("heading", h) }

// A Label is what a field is called. With Heading it is the heading of the page
// or of a part of it as well.
type Label struct {
	ID        string
	For       string // the field's id if nothing is said
	Text      string
	Body      Component // instead of Text
	Size      Size
	Heading   int // the level: 1 if the page asks only this, 0 if it is none
	HeadingID string
	Caption   Caption
	Hidden    string // said after the text, to screen readers only
	Classes   string
}

// HTML writes the label.
func (l Label) HTML() (template.HTML, error) {
	l.Caption = l.Caption.under(l.Size)
	return render("label", l)
}

// A Legend is what several fields are called together.
type Legend struct {
	ID        string
	Text      string
	Body      Component // instead of Text
	Size      Size
	Heading   int // the level: 1 if the page asks only this, 0 if it is none
	HeadingID string
	Caption   Caption
	Hidden    string // said after the text, to screen readers only
	Classes   string
}

// HTML writes the legend.
func (l Legend) HTML() (template.HTML, error) {
	l.Caption = l.Caption.under(l.Size)
	if l.Caption.Placement == Before { // a legend stands first
		l.Caption.Placement = AtStart
	}
	return render("legend", l)
}

func (l Legend) shown() bool { return l.Text != "" || l.Body != nil }

// A Hint helps to answer a question.
type Hint struct {
	ID      string
	Text    string
	Body    Component // instead of Text
	Classes string
}

// HTML writes the hint.
func (h Hint) HTML() (template.HTML, error) { return render("hint", h) }

func (h Hint) shown() bool { return h.Text != "" || h.Body != nil }

// An ErrorMessage says what is wrong with an answer, and what to do.
type ErrorMessage struct {
	ID      string
	Text    string
	Body    Component // instead of Text
	Prefix  string    // "Error" if nothing is said
	Classes string
}

// HTML writes the message.
func (e ErrorMessage) HTML() (template.HTML, error) {
	e.Prefix = cmp.Or(e.Prefix, "Error")
	return render("error-message", e)
}

func (e ErrorMessage) shown() bool { return e.Text != "" || e.Body != nil }

// A Fieldset holds fields that answer one question together.
type Fieldset struct {
	ID          string
	Legend      Legend
	Role        string
	DescribedBy string
	Body        Component
	Classes     string
}

// HTML writes the fieldset.
func (f Fieldset) HTML() (template.HTML, error) { return render("fieldset", f) }

// join returns the classes, or ids, that are not empty.
func join(words ...string) string {
	var some []string
	for _, w := range words {
		if w != "" {
			some = append(some, w)
		}
	}
	return strings.Join(some, " ")
}

// described names hint and error message after the field that they belong to,
// and returns the ids of all that describes it.
func described(id, also string, hint *Hint, wrong *ErrorMessage) string {
	var hintID, wrongID string
	if hint.shown() {
		hint.ID = cmp.Or(hint.ID, id+"-hint")
		hintID = hint.ID
	}
	if wrong.shown() {
		wrong.ID = cmp.Or(wrong.ID, id+"-error")
		wrongID = wrong.ID
	}
	return join(also, hintID, wrongID)
}
