package nhsuk_test

import (
	"errors"
	"html/template"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"cpis/service/web/nhsuk"
)

const hostile = `"><script>alert(1)</script><img src=x onerror=alert(1)>' onfocus='alert(1) =1+1 javascript:alert(1)`

// filled are components with a text in each of their parts that may hold one.
func filled(s string) map[string]nhsuk.Component {
	hint, wrong, label := nhsuk.Hint{Text: s}, nhsuk.ErrorMessage{Text: s}, nhsuk.Label{Text: s, Hidden: s, Caption: nhsuk.Caption{Text: s}}
	legend := nhsuk.Legend{Text: s, Hidden: s}
	heading := nhsuk.Heading{Text: s, Hidden: s}
	choices := []nhsuk.Choice{{Value: s, Text: s, Hint: hint, Conditional: nhsuk.Plain(s)}, {Divider: s}}
	actions := []nhsuk.Action{{Text: s, Hidden: s, Href: "/x", Value: s}, {Text: s, Name: s}}
	return map[string]nhsuk.Component{
		"ActionLink":         nhsuk.ActionLink{Text: s, Href: s},
		"BackLink":           nhsuk.BackLink{Text: s, Href: s, Hidden: s},
		"Breadcrumb":         nhsuk.Breadcrumb{Crumbs: []nhsuk.Crumb{{Text: s, Href: s}}},
		"Button":             nhsuk.Button{Text: s, Name: s, Value: s, Label: s},
		"Card":               nhsuk.Card{Heading: heading, Text: s, Href: s, Actions: actions},
		"CharacterCount":     nhsuk.CharacterCount{Textarea: nhsuk.Textarea{Name: "x", Value: s, Label: label, Hint: hint, Error: wrong}, LimitText: s, MaxLength: 1},
		"Checkboxes":         nhsuk.Checkboxes{Name: s, Legend: legend, Choices: choices, Hint: hint, Error: wrong},
		"Code":               nhsuk.Code{Text: s, Copy: true, Button: nhsuk.Button{Text: s}},
		"ContentsList":       nhsuk.ContentsList{Contents: []nhsuk.Content{{Text: s, Href: s}}},
		"DateInput":          nhsuk.DateInput{ID: s, Legend: legend, Day: nhsuk.DatePart{Value: s}, Hint: hint, Error: wrong},
		"Details":            nhsuk.Details{Summary: s, Text: s},
		"DoDontList":         nhsuk.DoDontList{Heading: heading, Items: []string{s}, Prefix: s},
		"ErrorSummary":       nhsuk.ErrorSummary{Heading: s, Text: s, Problems: []nhsuk.Problem{{Text: s, Href: s}}},
		"FileUpload":         nhsuk.FileUpload{Name: s, Label: label, Hint: hint, Error: wrong, Accept: s},
		"Footer":             nhsuk.Footer{Text: s, Links: []nhsuk.FooterLink{{Text: s, Href: s}}, Copyright: s},
		"Header":             nhsuk.Header{Service: nhsuk.Service{Text: s, Href: s}, Account: []nhsuk.AccountItem{{Text: s, Action: s}}, Navigation: []nhsuk.NavigationItem{{Text: s, Href: s}}},
		"Input":              nhsuk.Input{Name: s, Value: s, Label: label, Hint: hint, Error: wrong, Placeholder: s, Prefix: s},
		"InsetText":          nhsuk.InsetText{Text: s, Prefix: s},
		"NotificationBanner": nhsuk.NotificationBanner{Title: s, Heading: heading, Text: s},
		"Pagination":         nhsuk.Pagination{Previous: nhsuk.Neighbour{Text: s, Label: s, Href: s}, Next: nhsuk.Neighbour{Href: s}},
		"Panel":              nhsuk.Panel{Heading: heading, Text: s},
		"Radios":             nhsuk.Radios{Name: s, Legend: legend, Choices: choices, Hint: hint, Error: wrong},
		"Scroll":             nhsuk.Scroll{Text: s, LabelledBy: s},
		"SearchInput":        nhsuk.SearchInput{Input: nhsuk.Input{Name: s, Value: s, Label: label}, Button: nhsuk.Button{Text: s}},
		"Select":             nhsuk.Select{Name: s, Label: label, Options: []nhsuk.Option{{Value: s, Text: s}}},
		"SkipLink":           nhsuk.SkipLink{Text: s, Href: s},
		"SummaryList":        nhsuk.SummaryList{Rows: []nhsuk.Row{{Key: s, Value: s, Actions: actions}}, Card: &nhsuk.Card{Heading: heading}},
		"Table":              nhsuk.Table{Caption: heading, Columns: []nhsuk.Column{{Text: s, Hidden: s, Href: s}}, Rows: [][]nhsuk.Cell{{{Text: s, Hidden: s, Href: s}}}},
		"Tag":                nhsuk.Tag{Text: s, Classes: s},
		"TaskList":           nhsuk.TaskList{Tasks: []nhsuk.Task{{Title: s, Href: s, Hint: s, State: s}}},
		"Textarea":           nhsuk.Textarea{Name: s, Value: "</textarea>" + s, Label: label},
		"WarningCallout":     nhsuk.WarningCallout{Heading: heading, Text: s},
	}
}

func TestHostileTextIsInert(t *testing.T) {
	t.Parallel()
	plain := filled("words")
	for name, c := range filled(hostile) {
		got, err := c.HTML()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		tame, err := plain[name].HTML()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if g, w := elements(t, string(got)), elements(t, string(tame)); g != w {
			t.Errorf("%s: a text made elements or attributes (got, want):\n%s\n%s", name, g, w)
		}
		if strings.Contains(strings.ToLower(string(got)), `href="javascript:`) {
			t.Errorf("%s: a link runs a script: %s", name, got)
		}
	}
}

// elements names elements and attributes without what they say.
func elements(t *testing.T, text string) string {
	t.Helper()
	root, err := html.Parse(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for n := range root.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		names = append(names, n.Data)
		for _, a := range n.Attr {
			names = append(names, a.Key+"=")
		}
	}
	return strings.Join(names, " ")
}

func TestLinksLeadSomewhereOrNowhere(t *testing.T) {
	t.Parallel()
	tests := []struct{ give, want string }{
		{"/people/1?page=2", `href="/people/1?page=2"`},
		{"#nhs-number", `href="#nhs-number"`},
		{"?page=2", `href="?page=2"`},
		{"tel:+442075277400", `href="tel:&#43;442075277400"`},
		{"mailto:hub@example.nhs.uk", `href="mailto:hub@example.nhs.uk"`},
		{"https://example.nhs.uk/", `href="https://example.nhs.uk/"`},
		{"/a:b", `href="/a:b"`},
		{"javascript:alert(1)", `href="#"`},
		{"JaVaScRiPt:alert(1)", `href="#"`},
		{" javascript:alert(1)", `href="#"`},
		{"java\nscript:alert(1)", `href="#"`},
		{"data:text/html,<script>", `href="#"`},
		{"vbscript:x", `href="#"`},
	}
	for _, tt := range tests {
		got, err := nhsuk.ActionLink{Text: "Call", Href: tt.give}.HTML()
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(got), tt.want) {
			t.Errorf("a link to %q is %s, want %s", tt.give, got, tt.want)
		}
	}
}

type broken struct{}

func (broken) HTML() (template.HTML, error) { return "", errors.New("out of order") }

func TestABrokenPartBreaksTheWhole(t *testing.T) {
	t.Parallel()
	whole := nhsuk.Group{nhsuk.Plain("before"), nhsuk.Card{Body: nhsuk.Details{Summary: "More", Body: broken{}}}}
	if got, err := whole.HTML(); err == nil || got != "" {
		t.Errorf("HTML() = %q, %v; want nothing, and an error", got, err)
	}
}

func TestTypedTextComesBackAsItWas(t *testing.T) {
	t.Parallel()
	got, err := nhsuk.Textarea{Name: "why", Value: "\nSecond line"}.HTML()
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(got), ">\n\nSecond line</textarea>") { // browsers drop the first line break
		t.Errorf("a line break at the start is lost: %q", got)
	}
}

func BenchmarkTable(b *testing.B) {
	row := []nhsuk.Cell{{Text: "5:05pm"}, {Text: "Seen in the emergency department", Href: "/notices/1"}, {Text: "Islington"}, {Body: nhsuk.Tag{Text: "Priority", Colour: nhsuk.Red}}}
	table := nhsuk.Table{Caption: nhsuk.Heading{Text: "Notices"}, Columns: []nhsuk.Column{{Text: "When"}, {Text: "What"}, {Text: "Who"}, {Text: "State"}}}
	for range 50 {
		table.Rows = append(table.Rows, row)
	}
	for b.Loop() {
		if _, err := table.HTML(); err != nil {
			b.Fatal(err)
		}
	}
}
