package web

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"cpis/service/domain"
	"cpis/service/guard"
	"cpis/service/session"
	"cpis/service/web/nhsuk"
)

// form is what somebody typed, and what is wrong with it, in the order of the page.
type form struct {
	values   url.Values
	problems []nhsuk.Problem
	wrong    map[string]string // message by field
}

// form returns what was posted, or what was kept of an earlier try at the same page.
func (v *visit) form() (*form, error) {
	f := &form{values: v.r.PostForm, wrong: map[string]string{}}
	if v.r.Method == http.MethodPost {
		return f, nil
	}
	kept, err := v.takeTyped()
	f.values = kept
	return f, err
}

// text returns what was typed into a field, without blanks around it.
func (f *form) text(field string) string { return strings.TrimSpace(f.values.Get(field)) }

// or returns what was typed, or what is held if nothing was sent yet.
func (f *form) or(field, held string) string {
	if f.values == nil || !f.values.Has(field) {
		return held
	}
	return f.values.Get(field)
}

// reject says what is wrong with a field.
func (f *form) reject(field, message string) {
	f.rejectAt(field, field, message)
}

// rejectAt is reject for a field whose first input has another id.
func (f *form) rejectAt(field, id, message string) {
	if f.wrong[field] == "" {
		f.wrong[field] = message
		f.problems = append(f.problems, nhsuk.Problem{Text: message, Href: "#" + id})
	}
}

// refuse takes over what a room says is wrong. Fields have other names there; what
// the page says comes first. It reports whether that is all that was wrong.
func (f *form) refuse(err error, fields map[string]string) bool {
	invalid, ok := errors.AsType[*domain.InvalidError](err)
	if !ok {
		return false
	}
	for _, violation := range invalid.Violations {
		field, known := fields[violation.Field]
		if !known {
			return false
		}
		name, message, _ := strings.Cut(field, "|")
		if message == "" {
			message = sentence(violation)
		}
		f.reject(name, message)
	}
	return true
}

// sentence says what a room says of a field, as a sentence.
func sentence(v domain.Violation) string {
	text := "This " + v.Problem
	if v.Example != "" {
		text += ", such as " + v.Example
	}
	return text
}

// error is the message beside a field.
func (f *form) error(field string) nhsuk.ErrorMessage {
	return nhsuk.ErrorMessage{Text: f.wrong[field]}
}

// fine reports whether nothing is wrong.
func (f *form) fine() bool { return len(f.problems) == 0 }

// requestField carries the id of an act: it is made when the form is shown, so that a
// double click, or a reload, is the same act.
const requestField = "request"

// act returns the id that the form carries, or a new one.
func (f *form) act() string {
	if id := f.values.Get(requestField); uuid.Validate(id) == nil && len(id) == 36 {
		return strings.ToLower(id)
	}
	return uuid.NewString()
}

// typedOf names the draft of a form that could not be taken.
func typedOf(path string) session.Draft { return session.Draft{Of: "form " + path} }

// keepTyped keeps a form for its owner, who is not logged in, or not strongly enough.
func (v *visit) keepTyped(owner session.Owner) error {
	if err := v.readForm(); err != nil {
		return err
	}
	err := v.Sessions.SaveDraft(v.r.Context(), owner, typedOf(v.r.URL.Path), v.r.PostForm)
	if errors.Is(err, session.ErrDraftTooLarge) {
		return errTooLarge
	}
	return err
}

// kept reads a draft of the person, and reports whether there is one.
func (v *visit) kept(of string, typed any) (bool, error) {
	err := v.Sessions.FindDraft(v.r.Context(), v.owner(), of, typed)
	if errors.Is(err, guard.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// takeTyped returns what was kept of a form of this page, once.
func (v *visit) takeTyped() (url.Values, error) {
	of := typedOf(v.r.URL.Path).Of
	var typed url.Values
	if found, err := v.kept(of, &typed); !found {
		return nil, err
	}
	return typed, v.Sessions.DropDraft(v.r.Context(), v.owner(), of)
}

// version returns the version that was seen when the form was shown, or 0.
func (f *form) version() int {
	n, err := strconv.Atoi(f.text("version"))
	if err != nil {
		return 0
	}
	return n
}
