package nhsuk

import (
	"cmp"
	"html/template"
	"slices"
	"strconv"
)

// A Choice is one of several radios or checkboxes. With Divider it is the word
// between others, such as "or".
type Choice struct {
	ID          string // after the name of all, if nothing is said
	Value       string
	Text        string
	Body        Component // instead of Text
	Hint        Hint
	Checked     bool
	Disabled    bool
	Conditional Component // is asked as well if this is chosen
	Divider     string

	// Of checkboxes only.
	Name      string // that of all, if nothing is said
	Behaviour string // "exclusive" is none of the others, "inclusive" all of them
	Group     string // which others, if not all of the form
}

// Radios take one answer of a few.
type Radios struct {
	ID           string // of what surrounds the radios
	Name         string
	IDPrefix     string // Name if nothing is said
	Value        string // that of the chosen one
	Choices      []Choice
	Legend       Legend
	Hint         Hint
	Error        ErrorMessage
	Wrong        bool // marked as wrong, with the message elsewhere
	Small        bool
	Inline       bool
	Disabled     bool
	DescribedBy  string // ids of more that describes them
	Classes      string
	GroupClasses string
}

// HTML writes legend, hint, message and radios.
func (r Radios) HTML() (template.HTML, error) {
	var chosen []string
	if r.Value != "" {
		chosen = []string{r.Value}
	}
	return choices{Kind: "radios", Type: "radio", Chosen: chosen, Radios: r}.HTML()
}

// Checkboxes take any number of answers.
type Checkboxes struct {
	ID           string // of what surrounds the checkboxes
	Name         string
	IDPrefix     string   // Name if nothing is said
	Values       []string // those of the chosen ones
	Choices      []Choice
	Legend       Legend
	Hint         Hint
	Error        ErrorMessage
	Wrong        bool // marked as wrong, with the message elsewhere
	Small        bool
	Inline       bool
	Disabled     bool
	DescribedBy  string // ids of more that describes them
	Classes      string
	GroupClasses string
}

// HTML writes legend, hint, message and checkboxes.
func (c Checkboxes) HTML() (template.HTML, error) {
	all := choices{Kind: "checkboxes", Type: "checkbox", Chosen: c.Values, Radios: Radios{
		ID: c.ID, Name: c.Name, IDPrefix: c.IDPrefix, Choices: c.Choices, Legend: c.Legend, Hint: c.Hint, Error: c.Error, Wrong: c.Wrong,
		Small: c.Small, Inline: c.Inline, Disabled: c.Disabled, DescribedBy: c.DescribedBy, Classes: c.Classes, GroupClasses: c.GroupClasses,
	}}
	return all.HTML()
}

// choices are radios or checkboxes, which differ in little.
type choices struct {
	Radios

	Kind   string
	Type   string
	Chosen []string
	Items  []choice
}

// choice is one of them, with all that its template needs.
type choice struct {
	Choice

	Kind, Type  string
	DescribedBy string
}

// HTML writes legend, hint, message and choices.
func (c choices) HTML() (template.HTML, error) {
	c.IDPrefix = cmp.Or(c.IDPrefix, c.Name)
	c.Wrong = c.Wrong || c.Error.shown()
	c.DescribedBy = described(c.IDPrefix, c.DescribedBy, &c.Hint, &c.Error)
	for i, item := range c.Choices {
		c.Items = append(c.Items, c.item(i, item))
	}
	return grouped(group{Wrong: c.Wrong, Classes: c.GroupClasses}, c.Legend, "", c.DescribedBy, inside{c})
}

// inside is what stands inside the fieldset, if there is one.
type inside struct{ choices }

// HTML writes hint, message and choices.
func (i inside) HTML() (template.HTML, error) { return render("choices", i) }

// item returns a choice with its id: the first has that of all, so that an error
// summary can lead to it.
func (c choices) item(i int, item Choice) choice {
	if item.ID == "" {
		item.ID = c.IDPrefix
		if i > 0 {
			item.ID += "-" + strconv.Itoa(i+1)
		}
	}
	item.Name = cmp.Or(item.Name, c.Name)
	item.Checked = item.Checked || slices.Contains(c.Chosen, item.Value)
	item.Disabled = item.Disabled || c.Disabled
	if item.Hint.shown() {
		item.Hint.ID = cmp.Or(item.Hint.ID, item.ID+"-item-hint")
	}
	item.Hint.Classes = join("nhsuk-"+c.Kind+"__hint", item.Hint.Classes)
	all := ""
	if c.Kind == "checkboxes" && !c.Legend.shown() {
		all = c.DescribedBy // there is no fieldset that could say it
	}
	return choice{Choice: item, Kind: c.Kind, Type: c.Type, DescribedBy: join(all, item.Hint.ID)}
}

// group is what surrounds a field, or several.
type group struct {
	Wrong   bool
	Classes string
	Body    Component
}

// HTML writes the group.
func (g group) HTML() (template.HTML, error) { return render("form-group", g) }

// grouped writes fields that answer one question together: in a fieldset, if
// there is a legend.
func grouped(around group, legend Legend, role, describedBy string, body Component) (template.HTML, error) {
	around.Body = body
	if legend.shown() {
		around.Body = Fieldset{Legend: legend, Role: role, DescribedBy: describedBy, Body: body}
	}
	return around.HTML()
}
