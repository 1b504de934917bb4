package words

import (
	"bytes"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync"
)

//go:embed en.json cy.json
var files embed.FS

// catalogue is every language that was read.
type catalogue struct {
	languages map[Language]*Words
	sections  map[Language][]string // that a language has
}

// read is the catalogue, read once.
var read = sync.OnceValues(func() (catalogue, error) {
	all := catalogue{languages: map[Language]*Words{}, sections: map[Language][]string{}}
	for _, language := range []Language{English, Welsh} {
		text, err := files.ReadFile(string(language) + ".json")
		if err != nil {
			return catalogue{}, fmt.Errorf("reading words: %w", err)
		}
		// What a language lacks is English, so that no page is empty.
		w := Words{}
		if english := all.languages[English]; english != nil {
			w = *english
		}
		sections, err := w.read(language, text)
		if err != nil {
			return catalogue{}, fmt.Errorf("reading %s.json: %w", language, err)
		}
		all.languages[language], all.sections[language] = &w, sections
	}
	return all, nil
})

// Check reads all languages and says what is wrong with them. A program that
// shows pages calls it when it starts.
func Check() error {
	_, err := read()
	return err
}

// In returns the words of a language. It panics if Check would return an error.
func In(language Language) *Words {
	all, err := read()
	if err != nil {
		panic(err) // said by Check before the first page
	}
	return all.languages[language]
}

// Offers reports whether a language has all of some sections, which are named as
// the fields of Words. Otherwise a page with them is shown in English.
func Offers(language Language, sections ...string) bool {
	all, err := read()
	if err != nil {
		return false
	}
	for _, s := range sections {
		if !slices.Contains(all.sections[language], s) {
			return false
		}
	}
	return true
}

// read fills the sections that a file has, and returns their names.
func (w *Words) read(language Language, text []byte) ([]string, error) {
	if err := onlyOnce(text); err != nil {
		return nil, err
	}
	var file map[string]map[string]json.RawMessage
	if err := json.Unmarshal(text, &file); err != nil {
		return nil, fmt.Errorf("not sections of texts: %w", err)
	}
	w.Language = language
	var read []string
	var wrong []error
	for section, value := range fields(reflect.ValueOf(w).Elem()) {
		texts, found := file[key(section.Name)]
		delete(file, key(section.Name))
		switch {
		case found:
			read = append(read, section.Name)
			wrong = append(wrong, readSection(language, key(section.Name), value, texts))
		case language == English:
			wrong = append(wrong, fmt.Errorf("section %s is missing", key(section.Name)))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(file)) {
		wrong = append(wrong, fmt.Errorf("section %s is unknown", name))
	}
	return read, errors.Join(wrong...)
}

// readSection fills a section, whose texts are all there or it is none.
func readSection(language Language, section string, into reflect.Value, texts map[string]json.RawMessage) error {
	var wrong []error
	for field, value := range fields(into) {
		name := key(field.Name)
		text, found := texts[name]
		delete(texts, name)
		if !found {
			wrong = append(wrong, fmt.Errorf("%s.%s is missing", section, name))
			continue
		}
		if err := readText(language, field, value, text); err != nil {
			wrong = append(wrong, fmt.Errorf("%s.%s %w", section, name, err))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(texts)) {
		wrong = append(wrong, fmt.Errorf("%s.%s is unknown", section, name))
	}
	return errors.Join(wrong...)
}

// readText fills a text of any kind.
func readText(language Language, field reflect.StructField, into reflect.Value, text []byte) error {
	blanks := strings.Fields(field.Tag.Get("blanks"))
	switch into := into.Addr().Interface().(type) {
	case *string:
		return readString(text, into)
	case *Blank1:
		into.a = blanks[0]
		return readString(text, &into.text, blanks...)
	case *Blank2:
		into.a, into.b = blanks[0], blanks[1]
		return readString(text, &into.text, blanks...)
	case *Count:
		return into.read(language, text)
	case *Term:
		return into.read(text)
	}
	return errors.New("is of no kind of text")
}

// blank is what a text has where a value goes.
var blank = regexp.MustCompile(`\{([^{}]*)\}`)

// readString reads a text that has exactly some blanks.
func readString(text []byte, into *string, blanks ...string) error {
	if err := json.Unmarshal(text, into); err != nil {
		return errors.New("is not a text")
	}
	if strings.TrimSpace(*into) == "" {
		return errors.New("says nothing")
	}
	found := blanksOf(*into)
	if want := slices.Sorted(slices.Values(blanks)); !slices.Equal(found, want) {
		return fmt.Errorf("has the blanks %q, not %q", found, want)
	}
	return nil
}

// blanksOf are the names of a text's blanks in order.
func blanksOf(text string) []string {
	var names []string
	for _, found := range blank.FindAllStringSubmatch(text, -1) {
		names = append(names, found[1])
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func (c *Count) read(language Language, text []byte) error {
	var forms struct{ One, Two, Few, Many, Other string }
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&forms); err != nil {
		return errors.New("has other forms than one, two, few, many and other")
	}
	*c = Count{language, forms.One, forms.Two, forms.Few, forms.Many, forms.Other}
	for _, form := range []string{c.one, c.two, c.few, c.many, c.other} {
		if found := blanksOf(form); len(found) > 0 && !slices.Equal(found, []string{"count"}) {
			return fmt.Errorf("has the blanks %q, not %q", found, "count")
		}
	}
	switch {
	case c.other == "":
		return errors.New("lacks the form other")
	case c.one == "":
		return errors.New("lacks the form one")
	case language == English && c.two+c.few+c.many != "":
		return errors.New("has forms that English has not")
	}
	return nil
}

func (t *Term) read(text []byte) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(t); err != nil || t.Word == "" || t.Meaning == "" {
		return errors.New("is not a word and its meaning")
	}
	return nil
}

// fields are the fields of a struct that files fill, with their values.
func fields(v reflect.Value) func(yield func(reflect.StructField, reflect.Value) bool) {
	return func(yield func(reflect.StructField, reflect.Value) bool) {
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.Tag.Get("json") != "-" && !yield(f, v.Field(i)) {
				return
			}
		}
	}
}

// key is the name of a field as files have it: NumberHint is numberHint, and
// CPPNote cppNote.
func key(name string) string {
	i := 0
	for i < len(name) && name[i] >= 'A' && name[i] <= 'Z' {
		i++
	}
	if i > 1 && i < len(name) && name[i] >= 'a' && name[i] <= 'z' {
		i-- // the last capital begins a word
	}
	return strings.ToLower(name[:i]) + name[i:]
}

// onlyOnce finds a name that a file has twice, of which encoding/json would take
// the last.
func onlyOnce(text []byte) error {
	d := json.NewDecoder(bytes.NewReader(text))
	return onceWithin(d)
}

func onceWithin(d *json.Decoder) error {
	token, err := d.Token()
	if err != nil || token != json.Delim('{') {
		return err //nolint:wrapcheck // said again, and better, by Unmarshal
	}
	seen := map[json.Token]bool{}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return err
		}
		if seen[name] {
			return fmt.Errorf("%v stands there twice", name)
		}
		seen[name] = true
		if err := onceWithin(d); err != nil {
			return err
		}
	}
	_, err = d.Token()
	return err
}
