package frame

import (
	"bytes"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"cpis/service/domain"
	"cpis/service/identity"
	"cpis/service/session"
	"cpis/service/web/words"
)

// Visit is one request on its way through the door and a page.
type Visit struct {
	*Pages

	W       http.ResponseWriter
	R       *http.Request
	route   Route
	Request string // request id
	began   time.Time
	Status  int
	err     error

	token   string           // that the browser holds
	Session *session.Session // nil if nobody is logged in
	ended   *session.Session // one that ended by itself, of which no more than the owner counts
}

// Caller returns who acts, as a call of this page.
func (v *Visit) Caller() *identity.Caller {
	c := v.Session.Caller
	c.Call = v.call()
	return &c
}

func (v *Visit) call() identity.Call {
	return identity.Call{From: v.From(v.R), Procedure: v.route.Pattern}
}

// Owner is whose drafts the person's are.
func (v *Visit) Owner() session.Owner { return session.OwnerOf(&v.Session.Caller) }

// Today returns the day in England.
func (v *Visit) Today() domain.Date { return domain.Clock(v.Now).Today() }

// Is reports whether somebody is logged in who acts in one of the roles of a page.
func (v *Visit) Is(who Who) bool {
	if v.Session == nil {
		return false
	}
	for r := range v.Session.Caller.Roles.All() {
		if slices.Contains(strings.Split(string(who), ","), r.String()) {
			return true
		}
	}
	return false
}

// To sends the browser to another page of ours.
func (v *Visit) To(path string) error {
	v.send(path)
	return nil
}

// inLanguage returns an address in the language of this one, if that page is there in it.
func (v *Visit) inLanguage(path string) string {
	if in := v.In(path); v.back(in) != "" {
		return in
	}
	return path
}

// send answers with a redirection, which is always to be followed by GET.
func (v *Visit) send(address string) {
	v.W.Header().Set("Location", address)
	v.Status = http.StatusSeeOther
	v.W.WriteHeader(v.Status)
}

// tell has the next page say something, once.
func (v *Visit) tell(text string) error {
	v.Session.Message = session.Message{Kind: "success", Text: text}
	return v.Sessions.Keep(v.R.Context(), v.Session)
}

// ToTelling sends the browser to another page of ours, which says something.
func (v *Visit) ToTelling(path, text string) error {
	if err := v.tell(text); err != nil {
		return err
	}
	return v.To(path)
}

// Show sends a page, once all of it is written.
func (v *Visit) Show(status int, name string, page Content) error {
	out, err := v.Write(name, page)
	if err != nil {
		return err
	}
	v.Answer(status, out.Bytes())
	return nil
}

// Write writes a page, with what all pages have.
func (v *Visit) Write(name string, page Content) (*bytes.Buffer, error) {
	if err := v.dress(page.base()); err != nil {
		return nil, err
	}
	var out bytes.Buffer
	return &out, v.templates.write(&out, name, page)
}

// Answer sends a page that was written.
func (v *Visit) Answer(status int, page []byte) {
	v.W.Header().Set("Content-Type", "text/html; charset=utf-8")
	v.Status = status
	v.W.WriteHeader(status)
	_, _ = v.W.Write(page) // if it fails, nobody is left to tell
}

// maxForm is the largest form that is read, files excepted.
const maxForm = 128 << 10

// errTooLarge says that a form is larger than any of ours.
var errTooLarge = errors.New("the form is too large")

// readForm reads what was posted.
func (v *Visit) readForm() error {
	v.R.Body = http.MaxBytesReader(v.W, v.R.Body, maxForm)
	return formError(v.R.ParseForm(), errTooLarge)
}

// FileError is what reading a form with a file in it comes to.
func FileError(err error) error { return formError(err, errFileTooLarge) }

// errFileTooLarge says that a file is larger than files may be.
var errFileTooLarge = errors.New("the file is too large")

// formError is what reading a form comes to, if it is too large as well.
func formError(err, large error) error {
	if _, is := errors.AsType[*http.MaxBytesError](err); is {
		return large
	}
	if err != nil {
		return ErrUnreadable
	}
	return nil
}

// ErrUnreadable says that what was sent is no form.
var ErrUnreadable = errors.New("the form cannot be read")

// maxTo is the longest address that somebody is sent back to.
const maxTo = 500

// back returns the page that an address names, as far as somebody may be sent there:
// one of ours that is asked for by GET, and does nothing by that. Otherwise nothing.
func (p *Pages) back(address string) string {
	u, err := url.Parse(address)
	if err != nil || len(address) > maxTo || u.Scheme != "" || u.Host != "" || u.User != nil || u.Fragment != "" ||
		!strings.HasPrefix(address, "/") || strings.HasPrefix(address, "//") || strings.ContainsAny(address, "\\\r\n\t") {
		return ""
	}
	_, pattern := p.mux.Handler(&http.Request{Method: http.MethodGet, URL: u, Host: "here"})
	switch {
	case pattern == "", pattern == "GET /{$}", strings.HasPrefix(pattern, "GET /log-in/"), pattern == "GET /logged-out", pattern == "GET /session":
		return ""
	}
	return u.RequestURI()
}

// withTo returns an address with the page that somebody is to come back to.
func withTo(path, to string) string {
	if to == "" {
		return path
	}
	separator := "?"
	if strings.Contains(path, "?") {
		separator = "&"
	}
	return path + separator + url.Values{"to": {to}}.Encode()
}

// Language is that of the address.
func (v *Visit) Language() words.Language {
	if strings.HasPrefix(v.R.URL.Path, "/cy/") {
		return words.Welsh
	}
	return words.English
}

// In returns an address in the language of this one.
func (v *Visit) In(path string) string {
	if v.Language() == words.Welsh {
		return "/cy" + path
	}
	return path
}
