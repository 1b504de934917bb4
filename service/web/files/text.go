package files

import (
	"html/template"
	"strings"
)

// paragraphs are texts below each other.
type paragraphs []string

// HTML writes the texts.
func (p paragraphs) HTML() (template.HTML, error) {
	var out strings.Builder
	for _, text := range p {
		out.WriteString(`<p class="nhsuk-u-margin-bottom-1">` + template.HTMLEscapeString(text) + "</p>")
	}
	return template.HTML(out.String()), nil //nolint:gosec // each was escaped
}
