package nhsuk_test

import (
	"slices"

	"cpis/service/web/nhsuk"
)

// options are those of a macro of the design system, as its fixtures have them.
type options map[string]any

// of returns an option that has options of its own; a text alone is its text.
func (o options) of(name string) options {
	switch v := o[name].(type) {
	case map[string]any:
		return v
	case string:
		return options{"text": v}
	}
	return nil
}

// list returns the options of each of several.
func (o options) list(name string) []options {
	var all []options
	values, _ := o[name].([]any)
	for _, v := range values {
		switch v := v.(type) {
		case map[string]any:
			all = append(all, v)
		case string:
			all = append(all, options{"text": v})
		}
	}
	return all
}

// text returns an option that is a text, or that has one.
func (o options) text(names ...string) string {
	for _, name := range names {
		switch v := o[name].(type) {
		case string:
			return v
		case map[string]any:
			if s, ok := v["text"].(string); ok {
				return s
			}
		}
	}
	return ""
}

func (o options) number(name string) int {
	n, _ := o[name].(float64)
	return int(n)
}

// yes reports whether an option is chosen, no whether it is chosen against.
func (o options) yes(name string) bool { v, _ := o[name].(bool); return v }
func (o options) no(name string) bool  { v, ok := o[name].(bool); return ok && !v }

func (o options) has(name string) bool { return o[name] != nil && o[name] != false }

// size returns the size, which a class of the same kind overrides.
func (o options) size() nhsuk.Size { return nhsuk.Size(o.text("size")) }

// body returns what is HTML already: from a call block, or an option.
func (o options) body(block ...string) nhsuk.Component {
	if len(block) > 0 && block[0] != "" {
		return nhsuk.Markup(block[0])
	}
	if h := o.text("html"); h != "" {
		return nhsuk.Markup(h)
	}
	return nil
}

func (o options) caption() nhsuk.Caption {
	c := o.of("caption")
	return nhsuk.Caption{
		ID: c.text("id"), Text: c.text("text"), Body: c.body(), Size: c.size(), Placement: nhsuk.Placement(c.text("placement")),
		Paragraph: c.text("element") == "p", Classes: c.text("classes"),
	}
}

func (o options) heading() nhsuk.Heading {
	return nhsuk.Heading{
		ID: o.text("id"), Text: o.text("text"), Body: o.body(), Level: o.number("level"), Size: o.size(), Caption: o.caption(),
		Href: o.text("href"), Hidden: o.text("visuallyHiddenText"), Classes: o.text("classes"),
	}
}

// title returns what label and legend have in common. That it is a heading is
// said by options of the heading, by its text, or by true.
func (o options) title(block string) nhsuk.Label {
	h := o.of("heading")
	l := nhsuk.Label{
		ID: o.text("id"), For: o.text("for"), Text: o.text("text"), Body: o.body(block), Size: o.size(), Caption: o.caption(),
		Hidden: o.text("visuallyHiddenText"), Classes: o.text("classes"),
	}
	if (h != nil || o.yes("heading") || o.yes("isPageHeading")) && !o.no("isPageHeading") {
		l.Heading = max(1, h.number("level"))
		l.HeadingID = h.text("id")
	}
	if t := h.text("text"); t != "" {
		l.Text = t
	}
	if s := h.size(); s != "" && l.Heading > 0 {
		l.Size = s
	}
	return l
}

func (o options) label() nhsuk.Label { return o.of("label").title("") }

func (o options) legend() nhsuk.Legend { return legend(o.of("legend").title("")) }

func legend(l nhsuk.Label) nhsuk.Legend {
	return nhsuk.Legend{
		ID: l.ID, Text: l.Text, Body: l.Body, Size: l.Size, Heading: l.Heading, HeadingID: l.HeadingID, Caption: l.Caption,
		Hidden: l.Hidden, Classes: l.Classes,
	}
}

func (o options) hint() nhsuk.Hint {
	h := o.of("hint")
	return nhsuk.Hint{ID: h.text("id"), Text: h.text("text"), Body: h.body(), Classes: h.text("classes")}
}

func (o options) wrong() nhsuk.ErrorMessage {
	e := o.of("errorMessage")
	return nhsuk.ErrorMessage{ID: e.text("id"), Text: e.text("text"), Body: e.body(), Prefix: e.text("visuallyHiddenText"), Classes: e.text("classes")}
}

func (o options) plurals(name string) nhsuk.Plurals {
	p := o.of(name)
	return nhsuk.Plurals{One: p.text("one"), Two: p.text("two"), Few: p.text("few"), Many: p.text("many"), Other: p.text("other")}
}

func (o options) input() nhsuk.Input {
	return nhsuk.Input{
		ID: o.text("id"), Name: o.text("name"), Value: o.text("value"), Type: o.text("type"), Label: o.label(), Hint: o.hint(), Error: o.wrong(),
		Wrong: o.yes("errorMessage"), Width: o.number("width"), Large: o.yes("large"), Code: o.yes("code"), Prefix: o.text("prefix"),
		Suffix: o.text("suffix"), Mode: o.text("inputmode"), Autocomplete: o.text("autocomplete"), Autocapitalize: o.text("autocapitalize"),
		NoSpellcheck: o.no("spellcheck"), Pattern: o.text("pattern"), Placeholder: o.text("placeholder"), Disabled: o.yes("disabled"),
		DescribedBy: o.text("describedBy"), After: o.of("formGroup").of("afterInput").body(), Classes: o.text("classes"),
	}
}

func (o options) textarea() nhsuk.Textarea {
	return nhsuk.Textarea{
		ID: o.text("id"), Name: o.text("name"), Value: o.text("value"), Label: o.label(), Hint: o.hint(), Error: o.wrong(),
		Wrong: o.yes("errorMessage"), Rows: o.number("rows"), Autocomplete: o.text("autocomplete"), NoSpellcheck: o.no("spellcheck"),
		Disabled: o.yes("disabled"), DescribedBy: o.text("describedBy"), Classes: o.text("classes"),
	}
}

func (o options) button() nhsuk.Button {
	b := nhsuk.Button{
		ID: o.text("id"), Text: o.text("text"), Body: o.body(), Href: o.text("href"), Type: o.text("type"), Name: o.text("name"),
		Value: o.text("value"), Variant: nhsuk.ButtonVariant(o.text("variant")), Small: o.yes("small"), Icon: nhsuk.Icon(o.of("icon").text("name", "text")),
		IconAtEnd: o.of("icon").text("placement") == "end", Label: o.text("ariaLabel"), Disabled: o.yes("disabled"),
		PreventDoubleClick: o.yes("preventDoubleClick"), Classes: o.text("classes"),
	}
	return b
}

func (o options) actions() []nhsuk.Action {
	list := o.list("actions")
	if list == nil {
		list = o.of("actions").list("items")
	}
	var all []nhsuk.Action
	for _, a := range list {
		all = append(all, nhsuk.Action{Text: a.text("text"), Hidden: a.text("visuallyHiddenText"), Href: a.text("href"), Type: a.text("type")})
	}
	return all
}

func (o options) card(block string) nhsuk.Card {
	return nhsuk.Card{
		ID: o.text("id"), Heading: o.of("heading").heading(), Href: o.text("href"), Clickable: o.yes("clickable"),
		Variant: nhsuk.CardVariant(o.text("variant")), Text: o.text("description"), Body: o.of("description").body(block),
		Actions: o.actions(), Classes: o.text("classes"),
	}
}

// surrounding is the card that something stands in, if any.
func (o options) surrounding() *nhsuk.Card {
	if !o.has("card") {
		return nil
	}
	c := o.of("card").card("")
	return &c
}

func (o options) choices() []nhsuk.Choice {
	var all []nhsuk.Choice
	for _, i := range o.list("items") {
		group := i.text("behaviourGroup", "exclusiveGroup")
		behaviour := i.text("behaviour")
		if i.yes("exclusive") {
			behaviour = "exclusive"
		}
		all = append(all, nhsuk.Choice{
			ID: i.text("id"), Value: i.text("value"), Text: i.text("text"), Body: i.body(), Hint: i.hint(), Checked: i.yes("checked"),
			Disabled: i.yes("disabled"), Conditional: i.of("conditional").body(), Divider: i.text("divider"), Name: i.text("name"),
			Behaviour: behaviour, Group: group,
		})
	}
	return all
}

func (o options) radios() nhsuk.Radios {
	return nhsuk.Radios{
		ID: o.text("id"), Name: o.text("name"), IDPrefix: o.text("idPrefix"), Value: o.text("value"), Choices: o.choices(),
		Legend: o.of("fieldset").legend(), Hint: o.hint(), Error: o.wrong(), Wrong: o.yes("errorMessage"), Small: o.yes("small"),
		Inline: o.yes("inline"), Disabled: o.yes("disabled"), Classes: o.text("classes"),
	}
}

func (o options) checkboxes() nhsuk.Checkboxes {
	r := o.radios()
	var values []string
	for _, v := range o.list("values") {
		values = append(values, v.text("text"))
	}
	return nhsuk.Checkboxes{
		ID: r.ID, Name: r.Name, IDPrefix: r.IDPrefix, Values: values, Choices: r.Choices, Legend: r.Legend, Hint: r.Hint, Error: r.Error,
		Wrong: r.Wrong, Small: r.Small, Inline: r.Inline, Disabled: r.Disabled, Classes: r.Classes,
	}
}

// part returns the day, the month or the year of a date, which its options say
// in one of three ways.
func (o options) part(name string) nhsuk.DatePart {
	p := o.of(name)
	part := nhsuk.DatePart{Absent: o.no(name)}
	if items := o.list("items"); items != nil {
		i := slices.IndexFunc(items, func(i options) bool { return i.text("name") == name })
		if part.Absent = i < 0; i >= 0 {
			p = items[i]
		}
	}
	part.Value = p.text("value")
	if part.Value == "" {
		part.Value = o.of("values").text(name)
	}
	part.Label, part.Wrong, part.Width = p.text("label"), p.yes("error"), p.number("width")
	part.Autocomplete, part.Disabled = p.text("autocomplete"), p.yes("disabled")
	return part
}

func (o options) tag() nhsuk.Tag {
	t := nhsuk.Tag{Text: o.text("text"), Body: o.body(), Colour: nhsuk.TagColour(o.text("colour")), NoBorder: o.no("border"), Classes: o.text("classes")}
	if o.no("colour") {
		t.Colour = nhsuk.NoColour
	}
	return t
}
