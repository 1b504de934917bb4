package nhsuk

import (
	"cmp"
	"html/template"
	"strconv"
	"strings"
)

// An Input takes one line of text.
type Input struct {
	ID             string // Name if nothing is said
	Name           string
	Value          string
	Type           string // "text" if nothing is said
	Label          Label
	Hint           Hint
	Error          ErrorMessage
	Wrong          bool // marked as wrong, with the message elsewhere
	Width          int  // in characters: 2, 3, 4, 5, 10, 20 or 30
	Large          bool
	Code           bool // each character counts: numbers of persons, receipts
	Prefix, Suffix string
	Mode           string // which keyboard a phone shows, such as "numeric"
	Autocomplete   string // "off" for other people's data
	Autocapitalize string
	NoSpellcheck   bool // for what spell checkers in a cloud must not read
	Pattern        string
	Placeholder    string
	Disabled       bool
	DescribedBy    string    // ids of more that describes it
	After          Component // beside it, such as a button
	Classes        string
	WrapperClasses string
	GroupClasses   string
}

// HTML writes label, hint, message and field.
func (i Input) HTML() (template.HTML, error) {
	i.ID = cmp.Or(i.ID, i.Name)
	i.Type = cmp.Or(i.Type, "text")
	i.Label = i.Label.of(i.ID)
	i.Wrong = i.Wrong || i.Error.shown()
	i.DescribedBy = described(i.ID, i.DescribedBy, &i.Hint, &i.Error)
	return render("input", i)
}

// of returns the label as that of a field.
func (l Label) of(id string) Label {
	l.For = cmp.Or(l.For, id)
	return l
}

// A Textarea takes several lines of text.
type Textarea struct {
	ID           string // Name if nothing is said
	Name         string
	Value        string
	Label        Label
	Hint         Hint
	Error        ErrorMessage
	Wrong        bool // marked as wrong, with the message elsewhere
	Rows         int  // 5 if nothing is said
	Autocomplete string
	NoSpellcheck bool
	Disabled     bool
	DescribedBy  string // ids of more that describes it
	Classes      string
	GroupClasses string
}

// HTML writes label, hint, message and field.
func (t Textarea) HTML() (template.HTML, error) { return render("textarea", t.set()) }

func (t Textarea) set() Textarea {
	t.ID = cmp.Or(t.ID, t.Name)
	t.Rows = cmp.Or(t.Rows, 5)
	t.Label = t.Label.of(t.ID)
	t.Wrong = t.Wrong || t.Error.shown()
	t.DescribedBy = described(t.ID, t.DescribedBy, &t.Hint, &t.Error)
	return t
}

// Plurals are the forms of a text that depend on a count, with %{count} for it.
// English has one and other, Welsh has all of them.
type Plurals struct {
	One, Two, Few, Many, Other string
}

// A CharacterCount is a textarea that says how much may still be written. The
// limit is a hint: the server checks it.
type CharacterCount struct {
	Textarea

	MaxLength int    // in characters,
	MaxWords  int    // or in words
	CountType string // "characters", "length" or "words"; by the limit if nothing is said
	Threshold int    // in percent of the limit, from where on the count is shown

	// What it says; English if nothing is said.
	LimitText       string
	UnderLimitText  Plurals
	AtLimitText     string
	OverLimitText   Plurals
	WordsUnderLimit Plurals
	WordsAtLimit    string
	WordsOverLimit  Plurals
}

// Limit is the number that the text may have at most, or 0.
func (c CharacterCount) Limit() int { return cmp.Or(c.MaxWords, c.MaxLength) }

// Message says the limit before anything is written.
func (c CharacterCount) Message() string {
	if c.Limit() == 0 {
		return ""
	}
	text := "You can enter up to %{count} characters"
	if c.CountType == "words" {
		text = "You can enter up to %{count} words"
	}
	return strings.ReplaceAll(cmp.Or(c.LimitText, text), "%{count}", strconv.Itoa(c.Limit()))
}

// HTML writes label, hint, message, field and count.
func (c CharacterCount) HTML() (template.HTML, error) {
	if c.MaxWords > 0 {
		c.CountType = cmp.Or(c.CountType, "words")
	}
	c.DescribedBy = join(cmp.Or(c.ID, c.Name)+"-info", c.DescribedBy)
	c.Classes = join("nhsuk-js-character-count", c.Classes)
	c.GroupClasses = join(c.GroupClasses, "nhsuk-character-count")
	c.Textarea = c.set()
	return render("character-count", c)
}

// An Option is one of a select. With Divider it is a line between others.
type Option struct {
	Value, Text string
	Disabled    bool
	Divider     bool
}

// A Select is a list to choose one from. Radios are easier for up to 20 options.
type Select struct {
	ID           string // Name if nothing is said
	Name         string
	Value        string // that of the chosen option
	Options      []Option
	Label        Label
	Hint         Hint
	Error        ErrorMessage
	Wrong        bool // marked as wrong, with the message elsewhere
	Disabled     bool
	DescribedBy  string    // ids of more that describes it
	After        Component // beside it, such as a button
	Classes      string
	GroupClasses string
}

// HTML writes label, hint, message and list.
func (s Select) HTML() (template.HTML, error) {
	s.ID = cmp.Or(s.ID, s.Name)
	s.Label = s.Label.of(s.ID)
	s.Wrong = s.Wrong || s.Error.shown()
	s.DescribedBy = described(s.ID, s.DescribedBy, &s.Hint, &s.Error)
	return render("select", s)
}

// A FileUpload takes a file. Its form has enctype="multipart/form-data".
type FileUpload struct {
	ID           string // Name if nothing is said
	Name         string
	Label        Label
	Hint         Hint
	Error        ErrorMessage
	Wrong        bool // marked as wrong, with the message elsewhere
	Multiple     bool
	Accept       string // which files are offered, such as ".csv,.zip"
	Disabled     bool
	DescribedBy  string // ids of more that describes it
	Classes      string
	GroupClasses string

	// What it says; English if nothing is said.
	ChooseText, NoFileText, DropText string
	ChosenText                       Plurals
	EnteredText, LeftText            string
}

// HTML writes label, hint, message and field.
func (f FileUpload) HTML() (template.HTML, error) {
	f.ID = cmp.Or(f.ID, f.Name)
	f.Label = f.Label.of(f.ID)
	f.Wrong = f.Wrong || f.Error.shown()
	f.DescribedBy = described(f.ID, f.DescribedBy, &f.Hint, &f.Error)
	return render("file-upload", f)
}

// A SearchInput takes what to look for, with a button beside it.
type SearchInput struct {
	Input

	Button   Button
	TextOnly bool // no icon
	NoButton bool
}

// HTML writes label, hint, message, field and button.
func (s SearchInput) HTML() (template.HTML, error) {
	in := s.Input
	in.Type = cmp.Or(in.Type, "search")
	in.Autocomplete = cmp.Or(in.Autocomplete, "off")
	in.Classes = join("nhsuk-search-input__input", in.Classes)
	in.WrapperClasses = join("nhsuk-search-input__wrapper", in.WrapperClasses)
	group := "nhsuk-search-input"
	if in.Large {
		group = join(group, "nhsuk-search-input--large")
	}
	in.GroupClasses = join(group, in.GroupClasses)
	if !s.NoButton {
		in.After = s.button()
	}
	return in.HTML()
}

func (s SearchInput) button() Button {
	b := s.Button
	if !s.TextOnly {
		b.Icon = cmp.Or(b.Icon, Search)
	}
	if b.Text == "" {
		b.Label = cmp.Or(b.Label, "Search")
	}
	b.Small = !s.Large
	b.Disabled = b.Disabled || s.Disabled
	b.Classes = join("nhsuk-search-input__button", b.Classes)
	return b
}

// A DatePart is the day, the month or the year of a date.
type DatePart struct {
	Name         string // "day", "month" or "year" if nothing is said
	Label        string // the name, with a capital, if nothing is said
	Value        string
	Wrong        bool
	Width        int // 2, or 4 for a year, if nothing is said
	Autocomplete string
	Disabled     bool
	Absent       bool
}

// A DateInput takes a date that people know by heart, in three fields.
type DateInput struct {
	ID               string
	Prefix           string // names the fields Prefix[day] and so on
	Legend           Legend
	Hint             Hint
	Error            ErrorMessage
	Wrong            bool // marked as wrong, with the message elsewhere
	Day, Month, Year DatePart
	NoSpellcheck     bool
	Autocomplete     string // of all three: "off" for other people's dates
	Disabled         bool
	DescribedBy      string // ids of more that describes it
	Classes          string
	GroupClasses     string
}

// HTML writes legend, hint, message and fields.
func (d DateInput) HTML() (template.HTML, error) {
	d.Day.Name, d.Day.Width = cmp.Or(d.Day.Name, "day"), cmp.Or(d.Day.Width, 2)
	d.Month.Name, d.Month.Width = cmp.Or(d.Month.Name, "month"), cmp.Or(d.Month.Width, 2)
	d.Year.Name, d.Year.Width = cmp.Or(d.Year.Name, "year"), cmp.Or(d.Year.Width, 4)
	some := d.Day.Wrong || d.Month.Wrong || d.Year.Wrong
	all := !some && (d.Wrong || d.Error.shown())
	d.Wrong = some || all
	d.DescribedBy = described(d.ID, d.DescribedBy, &d.Hint, &d.Error)
	v := dateInput{DateInput: d}
	for _, part := range []DatePart{d.Day, d.Month, d.Year} {
		if !part.Absent {
			part.Wrong = part.Wrong || all
			v.Fields = append(v.Fields, d.field(part))
		}
	}
	return grouped(group{Wrong: d.Wrong, Classes: d.GroupClasses}, d.Legend, "group", d.DescribedBy, v)
}

// dateInput is what stands inside the fieldset.
type dateInput struct {
	DateInput

	Fields []Input
}

// HTML writes hint, message and fields.
func (d dateInput) HTML() (template.HTML, error) { return render("date-input", d) }

func (d DateInput) field(part DatePart) Input {
	name := part.Name
	if d.Prefix != "" {
		name = d.Prefix + "[" + name + "]"
	}
	return Input{
		ID:           d.ID + "-" + part.Name,
		Name:         name,
		Value:        part.Value,
		Label:        Label{Text: cmp.Or(part.Label, capital(part.Name)), Classes: "nhsuk-date-input__label"},
		Wrong:        part.Wrong,
		Width:        part.Width,
		Mode:         "numeric",
		Autocomplete: cmp.Or(part.Autocomplete, d.Autocomplete),
		NoSpellcheck: d.NoSpellcheck,
		Disabled:     d.Disabled || part.Disabled,
		Classes:      "nhsuk-date-input__input",
	}
}

func capital(word string) string {
	if word == "" {
		return ""
	}
	return strings.ToUpper(word[:1]) + word[1:]
}
