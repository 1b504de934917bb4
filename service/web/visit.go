package web

import (
	"bytes"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"cpis/service/identity"
	"cpis/service/session"
)

// visit is one request on its way through the door and a page.
type visit struct {
	*Pages

	w       http.ResponseWriter
	r       *http.Request
	route   Route
	request string // request id
	began   time.Time
	status  int
	err     error

	token   string           // that the browser holds
	session *session.Session // nil if nobody is logged in
	ended   *session.Session // one that ended by itself, of which no more than the owner counts
}

// caller returns who acts, as a call of this page.
func (v *visit) caller() *identity.Caller {
	c := v.session.Caller
	c.Call = v.call()
	return &c
}

func (v *visit) call() identity.Call {
	return identity.Call{From: v.From(v.r), Procedure: v.route.Pattern}
}

// owner is whose drafts the person's are.
func (v *visit) owner() session.Owner { return session.OwnerOf(&v.session.Caller) }

// is reports whether somebody is logged in who acts in one of the roles of a page.
func (v *visit) is(who Who) bool {
	if v.session == nil {
		return false
	}
	for r := range v.session.Caller.Roles.All() {
		if slices.Contains(strings.Split(string(who), ","), r.String()) {
			return true
		}
	}
	return false
}

// to sends the browser to another page of ours.
func (v *visit) to(path string) error {
	v.send(path)
	return nil
}

// send answers with a redirection, which is always to be followed by GET.
func (v *visit) send(address string) {
	v.w.Header().Set("Location", address)
	v.status = http.StatusSeeOther
	v.w.WriteHeader(v.status)
}

// tell has the next page say something, once.
func (v *visit) tell(text string) error {
	v.session.Message = session.Message{Kind: "success", Text: text}
	return v.Sessions.Keep(v.r.Context(), v.session)
}

// toTelling sends the browser to another page of ours, which says something.
func (v *visit) toTelling(path, text string) error {
	if err := v.tell(text); err != nil {
		return err
	}
	return v.to(path)
}

// show sends a page, once all of it is written.
func (v *visit) show(status int, name string, page interface{ base() *Page }) error {
	out, err := v.write(name, page)
	if err != nil {
		return err
	}
	v.answer(status, out.Bytes())
	return nil
}

// write writes a page, with what all pages have.
func (v *visit) write(name string, page interface{ base() *Page }) (*bytes.Buffer, error) {
	if err := v.dress(page.base()); err != nil {
		return nil, err
	}
	var out bytes.Buffer
	return &out, v.templates.write(&out, name, page)
}

// answer sends a page that was written.
func (v *visit) answer(status int, page []byte) {
	v.w.Header().Set("Content-Type", "text/html; charset=utf-8")
	v.status = status
	v.w.WriteHeader(status)
	_, _ = v.w.Write(page) // if it fails, nobody is left to tell
}

// maxForm is the largest form that is read, files excepted.
const maxForm = 128 << 10

// errTooLarge says that a form is larger than any of ours.
var errTooLarge = errors.New("the form is too large")

// readForm reads what was posted.
func (v *visit) readForm() error {
	v.r.Body = http.MaxBytesReader(v.w, v.r.Body, maxForm)
	if err := v.r.ParseForm(); err != nil {
		if _, large := errors.AsType[*http.MaxBytesError](err); large {
			return errTooLarge
		}
		return errUnreadable
	}
	return nil
}

// errUnreadable says that what was sent is no form.
var errUnreadable = errors.New("the form cannot be read")

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
