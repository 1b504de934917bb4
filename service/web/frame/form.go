package frame

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
	"cpis/service/web/words"
)

// Form is what somebody typed, and what is wrong with it, in the order of the page.
type Form struct {
	Values   url.Values
	Problems []nhsuk.Problem
	Wrong    map[string]string // message by field
}

// FormOf returns a form with what was typed.
func FormOf(values url.Values) *Form { return &Form{Values: values, Wrong: map[string]string{}} }

// Form returns what was posted, or what was kept of an earlier try at the same page.
func (v *Visit) Form() (*Form, error) {
	f := FormOf(v.R.PostForm)
	if v.R.Method == http.MethodPost {
		return f, nil
	}
	kept, err := v.TakeTyped()
	f.Values = kept
	return f, err
}

// Text returns what was typed into a field, without blanks around it.
func (f *Form) Text(field string) string { return strings.TrimSpace(f.Values.Get(field)) }

// Or returns what was typed, or what is held if nothing was sent yet.
func (f *Form) Or(field, held string) string {
	if f.Values == nil || !f.Values.Has(field) {
		return held
	}
	return f.Values.Get(field)
}

// Reject says what is wrong with a field.
func (f *Form) Reject(field, message string) {
	f.RejectAt(field, field, message)
}

// RejectAt is reject for a field whose first input has another id.
func (f *Form) RejectAt(field, id, message string) {
	if f.Wrong[field] == "" {
		f.Wrong[field] = message
		f.Problems = append(f.Problems, nhsuk.Problem{Text: message, Href: "#" + id})
	}
}

// Refuse takes over what a room says is wrong. Fields have other names there; what
// the page says comes first. It reports whether that is all that was wrong.
func (f *Form) Refuse(err error, fields map[string]string) bool {
	invalid, ok := errors.AsType[*domain.InvalidError](err)
	if !ok || errors.Is(err, guard.ErrUnrecorded) {
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
		f.Reject(name, message)
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

// Error is the message beside a field.
func (f *Form) Error(field string) nhsuk.ErrorMessage {
	return nhsuk.ErrorMessage{Text: f.Wrong[field]}
}

// ErrorIn is the message beside a field in a language.
func (f *Form) ErrorIn(w *words.Words, field string) nhsuk.ErrorMessage {
	return nhsuk.ErrorMessage{Text: f.Wrong[field], Prefix: w.Shell.Error}
}

// Fine reports whether nothing is wrong.
func (f *Form) Fine() bool { return len(f.Problems) == 0 }

// requestField carries the id of an act: it is made when the form is shown, so that a
// double click, or a reload, is the same act.
const requestField = "request"

// Act returns the id that the form carries, or a new one.
func (f *Form) Act() string {
	if id := f.Values.Get(requestField); uuid.Validate(id) == nil && len(id) == 36 {
		return strings.ToLower(id)
	}
	return uuid.NewString()
}

// typedOf names the draft of a form that could not be taken.
func typedOf(path string) session.Draft { return session.Draft{Of: "form " + path} }

// keepTyped keeps a form for its owner, who is not logged in, or not strongly enough.
func (v *Visit) keepTyped(owner session.Owner) error {
	if v.route.Streams {
		return nil // a file is chosen again
	}
	if err := v.readForm(); err != nil {
		return err
	}
	return v.keepForm(owner, v.R.URL.Path, v.R.PostForm)
}

func (v *Visit) keepForm(owner session.Owner, path string, values url.Values) error {
	err := v.Sessions.SaveDraft(v.R.Context(), owner, typedOf(path), values)
	if errors.Is(err, session.ErrDraftTooLarge) {
		return errTooLarge
	}
	return err
}

// KeepFor keeps what a form of another page begins with: that page shows it, once.
func (v *Visit) KeepFor(path string, values url.Values) error {
	return v.keepForm(v.Owner(), path, values)
}

// Kept reads a draft of the person, and reports whether there is one.
func (v *Visit) Kept(of string, typed any) (bool, error) {
	err := v.Sessions.FindDraft(v.R.Context(), v.Owner(), of, typed)
	if errors.Is(err, guard.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// TakeTyped returns what was kept of a form of this page, once.
func (v *Visit) TakeTyped() (url.Values, error) {
	of := typedOf(v.R.URL.Path).Of
	var typed url.Values
	if found, err := v.Kept(of, &typed); !found {
		return nil, err
	}
	return typed, v.Sessions.DropDraft(v.R.Context(), v.Owner(), of)
}

// Version returns the version that was seen when the form was shown, or 0.
func (f *Form) Version() int {
	n, err := strconv.Atoi(f.Text("version"))
	if err != nil {
		return 0
	}
	return n
}
