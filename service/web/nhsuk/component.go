package nhsuk

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"io/fs"
	"regexp"
	"strings"
	"sync"
)

// A Component writes itself as HTML. All structs of this package are components.
type Component interface {
	HTML() (template.HTML, error)
}

// Plain is text as a component, escaped.
type Plain string

// HTML returns the text, escaped.
func (p Plain) HTML() (template.HTML, error) {
	return template.HTML(template.HTMLEscapeString(string(p))), nil //nolint:gosec // escaped
}

// Paragraph is a text in a paragraph of its own.
type Paragraph string

// HTML returns the paragraph, escaped.
func (p Paragraph) HTML() (template.HTML, error) {
	return template.HTML("<p>" + template.HTMLEscapeString(string(p)) + "</p>"), nil //nolint:gosec // escaped
}

// Lines are texts below each other, with little room between them.
type Lines []string

// HTML returns the texts, escaped.
func (l Lines) HTML() (template.HTML, error) {
	var out strings.Builder
	for _, text := range l {
		out.WriteString(`<p class="nhsuk-u-margin-bottom-1">` + template.HTMLEscapeString(text) + "</p>")
	}
	return template.HTML(out.String()), nil //nolint:gosec // each was escaped
}

// Markup is HTML that a template of ours has made. Never convert a text to it.
type Markup template.HTML

// HTML returns the markup as it is.
func (m Markup) HTML() (template.HTML, error) { return template.HTML(m), nil } //nolint:gosec // said by its maker

// Group is several components, one after the other.
type Group []Component

// HTML writes all of them.
func (g Group) HTML() (template.HTML, error) {
	var all strings.Builder
	for _, c := range g {
		html, err := c.HTML()
		if err != nil {
			return "", err
		}
		all.WriteString(string(html))
	}
	return template.HTML(all.String()), nil //nolint:gosec // each has escaped its own
}

//go:embed template/*.html
var files embed.FS

// templates is read once, when the first page is shown: commands show none.
var templates = sync.OnceValue(func() *template.Template {
	set := template.New("nhsuk").Funcs(template.FuncMap{"link": link})
	names, err := fs.Glob(files, "template/*.html")
	if err != nil {
		panic(err) // the pattern is constant
	}
	for _, name := range names {
		text, err := fs.ReadFile(files, name)
		if err != nil {
			panic(err) // it is embedded
		}
		template.Must(set.Parse(lineBreak.ReplaceAllString(string(text), "")))
	}
	return set
})

// lineBreak is for people who read a template. Browsers get none: a space that
// is meant stands within a line.
var lineBreak = regexp.MustCompile(`\n[\t ]*`)

// render writes a component with the template of its name.
func render(name string, component Component) (template.HTML, error) {
	var out bytes.Buffer
	if err := templates().ExecuteTemplate(&out, name, component); err != nil {
		return "", fmt.Errorf("writing %s: %w", name, err)
	}
	return template.HTML(out.String()), nil //nolint:gosec // html/template has escaped it
}

// link is an address as a page may have it: a path, a fragment, or one of the
// schemes that do nothing but lead somewhere. html/template alone knows no tel.
func link(address string) template.URL {
	scheme, _, found := strings.Cut(address, ":")
	if found && !strings.ContainsAny(scheme, "/?#") {
		switch strings.ToLower(scheme) {
		case "https", "http", "mailto", "tel":
		default:
			return "#"
		}
	}
	return template.URL(address) //nolint:gosec // by scheme, above
}
