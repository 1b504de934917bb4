package words

import "strings"

// A Blank1 is a text with a blank, such as "until {time}".
type Blank1 struct{ text, a string }

// With returns the text with its blank filled.
func (b Blank1) With(a string) string { return fill(b.text, b.a, a) }

// A Blank2 is a text with two blanks, which are filled in the order that its
// field says, whatever their order in a language.
type Blank2 struct{ text, a, b string }

// With returns the text with its blanks filled.
func (b Blank2) With(first, second string) string { return fill(b.text, b.a, first, b.b, second) }

// fill puts values into blanks. What a value says is never taken for a blank.
func fill(text string, pairs ...string) string {
	named := make([]string, len(pairs))
	for i, p := range pairs {
		if named[i] = p; i%2 == 0 {
			named[i] = "{" + p + "}"
		}
	}
	return strings.NewReplacer(named...).Replace(text)
}

// A Count is a text about a number, in the forms that its language has. All of
// them may have the blank {count}.
type Count struct {
	language                   Language
	one, two, few, many, other string
}

// Of returns the text for a number.
func (c Count) Of(n int) string {
	return fill(c.form(n), "count", Number(n))
}

// form returns the form for a number, by the plural rules of Unicode's CLDR;
// what a language does not write otherwise is "other".
func (c Count) form(n int) string {
	form := ""
	switch {
	case n == 1:
		form = c.one
	case c.language != Welsh:
	case n == 2:
		form = c.two
	case n == 3:
		form = c.few
	case n == 6:
		form = c.many
	}
	if form == "" {
		return c.other
	}
	return form
}

// Forms are the forms of a text about a number, with %{count} for its blank, as the
// scripts of the design system take them.
type Forms struct{ One, Two, Few, Many, Other string }

// Forms returns all forms.
func (c Count) Forms() Forms {
	script := func(text string) string { return fill(text, "count", "%{count}") }
	return Forms{script(c.one), script(c.two), script(c.few), script(c.many), script(c.other)}
}
