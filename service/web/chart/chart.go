// Package chart draws numbers, for pages that have them in a table as well.
//
// A chart is SVG that the server writes: without a style or script of its own, and
// without a colour that means something. It is hidden from screen readers, because the
// sentence above it and the table below it say the same, and better.
package chart

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"sync"

	"cpis/service/web/nhsuk"
	"cpis/service/web/words"
)

// A Figure is a finding, the chart that shows it, and the table that it was found in.
type Figure struct {
	Finding string // a sentence that says what there is to see
	Chart   nhsuk.Component
	Note    string // how to read the chart, if that is not plain
	Table   nhsuk.Table
}

// HTML writes the figure. A chart without numbers is left out; the table never is.
func (f Figure) HTML() (template.HTML, error) { return render("figure", f) }

// A Point is a number and where it belongs.
type Point struct {
	Label string // such as a week
	Value int64
	// Hidden says that the number is not shown. It is drawn as a short grey mark.
	Hidden bool
}

// Series are numbers over time, each with a panel of its own, so that nobody has to
// tell colours apart. All panels have one scale.
type Series []Line

// A Line is one panel of Series.
type Line struct {
	Name   string
	Points []Point
}

// Bars are numbers side by side, each with its name and the number as text.
type Bars []Point

// Sizes are in pixels of a chart that is as wide as the narrowest phone allows. Wider
// screens have several panels in a row, and letters of the same size.
const (
	width    = 288
	inner    = width - 2*margin
	margin   = 4
	ceiling  = 32 // where columns end at most
	floor    = 104
	stub     = 3 // the mark of a number that is not shown
	lineHigh = 40
	fits     = 30 // letters in a line, beside a number
)

// column is a bar of a panel as it is drawn.
type column struct {
	X, Y, Width, Height int
	Hidden              bool
}

// panel is a Line as it is drawn.
type panel struct {
	Name, First, Last, Most string
	Columns                 []column
}

// HTML writes the panels.
func (s Series) HTML() (template.HTML, error) {
	top := s.most()
	var panels []panel
	for _, line := range s {
		if len(line.Points) > 0 {
			panels = append(panels, line.panel(top))
		}
	}
	return render("series", panels)
}

func (s Series) most() (most int64) {
	for _, line := range s {
		most = max(most, mostOf(line.Points))
	}
	return most
}

// mostOf is the largest number that is shown.
func mostOf(points []Point) (most int64) {
	for _, p := range points {
		if !p.Hidden {
			most = max(most, p.Value)
		}
	}
	return most
}

func (l Line) panel(top int64) panel {
	n := len(l.Points)
	out := panel{Name: short(l.Name), First: l.Points[0].Label, Most: words.Number(mostOf(l.Points))}
	if n > 1 {
		out.Last = l.Points[n-1].Label
	}
	for i, p := range l.Points {
		left, right := margin+i*inner/n, margin+(i+1)*inner/n
		c := column{X: left, Width: max(1, right-left-max(1, (right-left)/5)), Height: scaled(p.Value, top, floor-ceiling), Hidden: p.Hidden}
		if p.Hidden {
			c.Height = stub
		}
		c.Y = floor - c.Height
		out.Columns = append(out.Columns, c)
	}
	return out
}

// row is a bar as it is drawn.
type row struct {
	Text, Number    string
	TextY, Y, Width int
	Hidden          bool
}

// HTML writes the bars.
func (b Bars) HTML() (template.HTML, error) {
	v := struct {
		Height int
		Rows   []row
	}{Height: len(b)*lineHigh + margin}
	top := mostOf(b)
	for i, p := range b {
		r := row{Text: short(p.Label), Number: words.Number(p.Value), TextY: i*lineHigh + 16, Y: i*lineHigh + 22, Width: scaled(p.Value, top, inner), Hidden: p.Hidden}
		if p.Hidden {
			r.Number, r.Width = "not shown", stub
		}
		v.Rows = append(v.Rows, r)
	}
	return render("bars", v)
}

// scaled is how long a number is drawn. What is not nothing can be seen.
func scaled(n, top int64, room int) int {
	if n <= 0 || top <= 0 {
		return 0
	}
	return max(1, int(float64(room)*float64(min(n, top))/float64(top)))
}

// short cuts a name to what fits: the table has it whole.
func short(name string) string {
	if r := []rune(name); len(r) > fits {
		return string(r[:fits-1]) + "…"
	}
	return name
}

//go:embed template/*.html
var files embed.FS

// templates is read once, when the first chart is drawn.
var templates = sync.OnceValue(func() *template.Template {
	return template.Must(template.ParseFS(files, "template/*.html"))
})

func render(name string, v any) (template.HTML, error) {
	var out bytes.Buffer
	if err := templates().ExecuteTemplate(&out, name, v); err != nil {
		return "", fmt.Errorf("drawing %s: %w", name, err)
	}
	return template.HTML(out.String()), nil //nolint:gosec // html/template has escaped it
}
