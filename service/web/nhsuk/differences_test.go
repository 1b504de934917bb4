package nhsuk_test

import (
	"slices"
	"strings"

	"golang.org/x/net/html"
)

// A difference is something that we do otherwise wherever it stands.
type difference struct {
	why    string
	change func(*html.Node)
}

// without takes an attribute off elements of a class.
func without(class, attr, why string) difference {
	return difference{why: why, change: func(n *html.Node) {
		if slices.Contains(strings.Fields(attribute(n, "class")), class) {
			n.Attr = slices.DeleteFunc(n.Attr, func(a html.Attribute) bool { return a.Key == attr })
		}
	}}
}

// differences, by component.
var differences = map[string][]difference{
	"header": {without("nhsuk-header__service-logo", "aria-label",
		"the name of a link is what it shows (WCAG 2.5.3), and it shows more than its label says")},
	"search-input": {{
		why: "a button with words is called by them (WCAG 2.5.3)",
		change: func(n *html.Node) {
			if n.Data == "button" && strings.TrimSpace(words(n)) != "" {
				n.Attr = slices.DeleteFunc(n.Attr, func(a html.Attribute) bool { return a.Key == "aria-label" })
			}
		},
	}},
	"tables": {
		without("nhsuk-table", "data-module", "tables are sorted on the server: what is shown is a page of more"),
		without("nhsuk-table__header", "data-sort-next", "the script that sorts is not sent"),
		without("nhsuk-table__cell", "data-sort-value", "the script that sorts is not sent"),
		without("nhsuk-table__header", "data-sort-value", "the script that sorts is not sent"),
	},
}

// words is the text of an element.
func words(n *html.Node) string {
	var all strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode {
			all.WriteString(d.Data)
		}
	}
	return all.String()
}

// The reasons of exceptions.
const (
	typed     = "a size, width or colour is an option of its own: no class overrides it"
	whole     = "a form is switched off as a whole: no part of it is switched on again"
	unsaid    = "what happens anyway is not said"
	image     = "pages have no pictures"
	plainText = "a unit is text"
)

// exceptions are fixtures that we do not write alike, by component and place.
var exceptions = map[string]string{
	"button/58":             unsaid,
	"card/47":               image,
	"card/48":               image,
	"card/49":               image,
	"character-count/25":    "the browser would cut off what is pasted, unseen",
	"character-count/28":    "a text on a limit that only a script knows",
	"checkboxes/6":          whole,
	"checkboxes/7":          whole,
	"code/4":                unsaid,
	"date-input/4":          whole,
	"error-message/3":       "an error is always said to be one",
	"error-summary/2":       unsaid,
	"file-upload/2":         "the button that the script makes looks alike everywhere",
	"file-upload/3":         "the button that the script makes looks alike everywhere",
	"file-upload/4":         "the button that the script makes looks alike everywhere",
	"header/6":              image,
	"heading/2":             typed,
	"heading/20":            "a caption is no heading",
	"input/23":              typed,
	"input/40":              plainText,
	"input/43":              plainText,
	"label/2":               typed,
	"legend/2":              typed,
	"notification-banner/2": unsaid,
	"notification-banner/3": "the order of the page is that of the keyboard",
	"radios/6":              whole,
	"radios/7":              whole,
	"search-input/3":        whole,
	"tag/12":                typed,
	"task-list/3":           "tasks that are not there are not numbered",
}
