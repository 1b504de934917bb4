package journey

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"cpis/service/domain"
	"cpis/service/text"
	"cpis/service/web/frame"
	"cpis/service/web/nhsuk"
	"cpis/service/web/words"
)

// Input is a kind of field.
type Input interface {
	// Write shows it.
	Write(l Look) nhsuk.Component
	// Read reads what was sent, and rejects what is wrong whoever asks for it.
	Read(v *frame.Visit, f *frame.Form, name string) string
	// Say says an answer in words.
	Say(answer string) string
	// First is the id of the first that can be typed into.
	First(name string) string
}

// Look is how a field is shown.
type Look struct {
	*frame.Form

	Name  string
	Held  string // what was answered before
	Title string // the question, if the field is all that the page asks
}

func (l Look) legend(label string) nhsuk.Legend {
	if l.Title != "" {
		return nhsuk.Legend{Text: l.Title, Size: nhsuk.Large, Heading: 1}
	}
	return nhsuk.Legend{Text: label, Size: nhsuk.Medium}
}

func (l Look) label(label string) nhsuk.Label {
	if l.Title != "" {
		return nhsuk.Label{Text: l.Title, Size: nhsuk.Large, Heading: 1}
	}
	return nhsuk.Label{Text: label, Size: nhsuk.Medium}
}

// none is how an answer is said that was left empty.
const none = "None"

// Text is a line of text.
type Text struct {
	Label, Hint string
	Empty       string // what is said if it is empty; it may be if that is
	Width       int
}

// Write shows the field.
func (t Text) Write(l Look) nhsuk.Component {
	return nhsuk.Input{
		Name: l.Name, Value: l.Or(l.Name, l.Held), Label: l.label(t.Label), Hint: nhsuk.Hint{Text: t.Hint}, Error: l.Error(l.Name),
		Width: t.Width, Autocomplete: "off", NoSpellcheck: true,
	}
}

// Read reads the field.
func (t Text) Read(_ *frame.Visit, f *frame.Form, name string) string {
	if t.Empty != "" && text.Blank(f.Text(name)) {
		f.Reject(name, t.Empty)
	}
	return f.Text(name)
}

// Say returns the text.
func (t Text) Say(answer string) string { return cmp.Or(answer, none) }

// First is the field.
func (t Text) First(name string) string { return name }

// Number is an NHS number.
type Number struct{ Label, Hint string }

// Write shows the field.
func (n Number) Write(l Look) nhsuk.Component {
	return nhsuk.Input{
		Name: l.Name, Value: l.Or(l.Name, n.held(l.Held)), Label: l.label(n.Label), Error: l.Error(l.Name),
		Hint: nhsuk.Hint{Text: cmp.Or(n.Hint, "10 digits, like 999 123 4567")}, Width: 10, Code: true, Mode: "numeric",
		Autocomplete: "off", NoSpellcheck: true,
	}
}

func (Number) held(answer string) string {
	n, _ := domain.ParseNHSNumber(answer)
	return words.NHSNumber(n)
}

// Read reads the field.
func (Number) Read(_ *frame.Visit, f *frame.Form, name string) string {
	n, _ := domain.ParseNHSNumber(f.ReadNumber(words.In(words.English), name))
	return n.Reveal()
}

// Say writes the number as people read it.
func (n Number) Say(answer string) string { return cmp.Or(n.held(answer), none) }

// First is the field.
func (Number) First(name string) string { return name }

// Count is a number from 0 on.
type Count struct {
	Label, Hint string
	Noun        string // what sentences call it, such as "number of new plans"
	Most        int
}

// Write shows the field.
func (c Count) Write(l Look) nhsuk.Component {
	return nhsuk.Input{
		Name: l.Name, Value: l.Or(l.Name, l.Held), Label: l.label(c.Label), Hint: nhsuk.Hint{Text: c.Hint}, Error: l.Error(l.Name),
		Width: 5, Mode: "numeric", Autocomplete: "off", NoSpellcheck: true,
	}
}

// Read reads the field, with or without commas between thousands.
func (c Count) Read(_ *frame.Visit, f *frame.Form, name string) string {
	n, err := strconv.Atoi(strings.ReplaceAll(f.Text(name), ",", ""))
	switch {
	case f.Text(name) == "":
		f.Reject(name, "Enter the "+c.Noun)
	case err != nil || n < 0 || n > c.Most:
		f.Reject(name, sentenceOf(c.Noun)+" must be a number from 0 to "+words.Number(c.Most))
	}
	return strconv.Itoa(n)
}

// Say writes the number.
func (Count) Say(answer string) string {
	n, _ := strconv.Atoi(answer)
	return words.Number(n)
}

// First is the field.
func (Count) First(name string) string { return name }

// Day is a day, kept as YYYY-MM-DD.
type Day struct {
	Label, Hint string
	Noun        string // what sentences call it, such as "start date"
	Past        bool   // it must not lie in the future
	Optional    bool
}

// Write shows the field.
func (d Day) Write(l Look) nhsuk.Component {
	held, _ := domain.ParseDate(l.Held)
	in := l.DayField(words.In(words.English), l.Name, d.Label, cmp.Or(d.Hint, "For example, 1 9 2026"), held)
	in.Legend = l.legend(d.Label)
	return in
}

// Read reads the field. What is wrong is said of the first part that is.
func (d Day) Read(v *frame.Visit, f *frame.Form, name string) string {
	say := frame.DayNamed(d.Noun)
	if !d.Optional {
		say.Empty = "Enter the " + d.Noun
	}
	if d.Past {
		say.Future = sentenceOf(d.Noun) + " must be today or in the past"
	}
	return f.ReadDay(name, say, v.Today()).String()
}

func sentenceOf(noun string) string { return strings.ToUpper(noun[:1]) + noun[1:] }

// Say writes the day.
func (d Day) Say(answer string) string {
	date, _ := domain.ParseDate(answer)
	return cmp.Or(words.English.Day(date), none)
}

// First is the day.
func (d Day) First(name string) string { return name + "-day" }

// Choice is one of a few.
type Choice struct {
	Label, Hint string
	Choices     []nhsuk.Choice
	Empty       string // what is said if nothing is chosen
}

// Write shows the field.
func (c Choice) Write(l Look) nhsuk.Component {
	return nhsuk.Radios{
		Name: l.Name, Value: l.Or(l.Name, l.Held), Choices: c.Choices, Legend: l.legend(c.Label), Hint: nhsuk.Hint{Text: c.Hint}, Error: l.Error(l.Name),
	}
}

// Read reads the field.
func (c Choice) Read(_ *frame.Visit, f *frame.Form, name string) string {
	if c.find(f.Text(name)) == nil {
		f.Reject(name, c.Empty)
		return ""
	}
	return f.Text(name)
}

func (c Choice) find(value string) *nhsuk.Choice {
	for i := range c.Choices {
		if value != "" && c.Choices[i].Value == value {
			return &c.Choices[i]
		}
	}
	return nil
}

// Say is the text of the choice.
func (c Choice) Say(answer string) string {
	if chosen := c.find(answer); chosen != nil {
		return chosen.Text
	}
	return none
}

// First is the first choice.
func (c Choice) First(name string) string { return name }

// Several are some of a few, kept with commas between.
type Several struct{ Choice }

// Write shows the field.
func (s Several) Write(l Look) nhsuk.Component {
	chosen := l.Values[l.Name]
	if l.Values == nil {
		chosen = strings.Split(l.Held, ",")
	}
	return nhsuk.Checkboxes{
		Name: l.Name, Values: chosen, Choices: s.Choices, Legend: l.legend(s.Label), Hint: nhsuk.Hint{Text: s.Hint}, Error: l.Error(l.Name),
	}
}

// Read reads the field.
func (s Several) Read(_ *frame.Visit, f *frame.Form, name string) string {
	var some []string
	for _, c := range s.Choices { // in their order
		if slices.Contains(f.Values[name], c.Value) {
			some = append(some, c.Value)
		}
	}
	if some == nil {
		f.Reject(name, s.Empty)
	}
	return strings.Join(some, ",")
}

// Say names what was chosen.
func (s Several) Say(answer string) string {
	var some []string
	for value := range strings.SplitSeq(answer, ",") {
		some = append(some, s.Choice.Say(value))
	}
	return strings.Join(some, ", ")
}

// List is one of many.
type List struct {
	Label, Hint string
	Options     []nhsuk.Option
	Empty       string // what is said if nothing is chosen
}

// Write shows the field.
func (s List) Write(l Look) nhsuk.Component {
	return nhsuk.Select{
		Name: l.Name, Value: l.Or(l.Name, l.Held), Options: append([]nhsuk.Option{{}}, s.Options...), Label: l.label(s.Label),
		Hint: nhsuk.Hint{Text: s.Hint}, Error: l.Error(l.Name),
	}
}

// Read reads the field.
func (s List) Read(_ *frame.Visit, f *frame.Form, name string) string {
	if s.Say(f.Text(name)) == none {
		f.Reject(name, s.Empty)
		return ""
	}
	return f.Text(name)
}

// Say is the text of the option.
func (s List) Say(answer string) string {
	for _, o := range s.Options {
		if o.Value == answer {
			return o.Text
		}
	}
	return none
}

// First is the list.
func (s List) First(name string) string { return name }

// Reason is why something is done.
type Reason struct{ Label, Hint string }

// Write shows the field.
func (r Reason) Write(l Look) nhsuk.Component {
	return nhsuk.CharacterCount{MaxLength: domain.MaxReasonLength, Textarea: nhsuk.Textarea{
		Name: l.Name, Value: l.Or(l.Name, l.Held), Label: l.label(r.Label), Hint: nhsuk.Hint{Text: r.Hint}, Error: l.Error(l.Name), Rows: 3,
		Autocomplete: "off", NoSpellcheck: true,
	}}
}

// Read reads the field. A reason has a letter.
func (r Reason) Read(_ *frame.Visit, f *frame.Form, name string) string {
	reason := f.Text(name)
	switch n := utf8.RuneCountInString(reason); {
	case text.Blank(strings.Trim(reason, ".-_?!,;: ")):
		f.Reject(name, "Say why, in a few words that a colleague will understand")
	case n > domain.MaxReasonLength:
		f.Reject(name, fmt.Sprintf("Reason must be %d characters or fewer. You have used %d", domain.MaxReasonLength, n))
	}
	return reason
}

// Say returns the reason.
func (r Reason) Say(answer string) string { return cmp.Or(answer, none) }

// First is the field.
func (r Reason) First(name string) string { return name }
