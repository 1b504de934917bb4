package webtest

import (
	"net/http"
	"net/url"
	"strings"

	"cpis/service/web/frame"
)

// Example is how tests visit a route.
type Example struct {
	As   string     // who visits, by their key at the identity provider
	Path string     // with ids that are there; if empty, the route's own
	Form url.Values // what is sent to a route that takes a form
	File bool       // what comes is no page to look at
	Send string     // a file of plans that is sent with the form
}

// Examples are those of an area, by the patterns of its routes.
type Examples map[string]Example

// of returns the example of a route, with its path. A route without one is not tested,
// which fails.
func (all Examples) of(s *Site, r frame.Route) Example {
	s.TB.Helper()
	e, ok := all[r.Pattern]
	if !ok {
		s.TB.Fatalf("%s: no example visits it", r.Pattern)
	}
	if e.Path == "" {
		_, e.Path, _ = strings.Cut(r.Pattern, " ")
	}
	return e
}

// CheckEntries visits all routes of an area, in their order: a page is an entry like a
// call is, so each leaves the one that it says, and those that say none leave none.
func (s *Site) CheckEntries(routes []frame.Route, examples Examples) {
	s.TB.Helper()
	browsers := map[string]*Browser{}
	for _, r := range routes {
		e := examples.of(s, r)
		if browsers[e.As] == nil {
			browsers[e.As] = s.As(e.As)
		}
		b := browsers[e.As]
		before := len(s.Entries())
		if strings.HasPrefix(r.Pattern, "GET ") {
			b.Get(e.Path)
		} else {
			b.post(e)
		}
		var got string
		if all := s.Actions(before); len(all) > 0 {
			got, _, _ = strings.Cut(all[0], " ")
		}
		if got != r.Action {
			s.TB.Errorf("%s: got entry %q, want %q (status %d)", r.Pattern, got, r.Action, b.Status)
		}
	}
}

// LookAt looks at all pages of an area, in a real browser at all widths.
func (c *Chromium) LookAt(routes []frame.Route, examples Examples) {
	c.TB.Helper()
	as := ""
	for _, r := range routes {
		e := examples.of(c.Site, r)
		method, pattern, _ := strings.Cut(r.Pattern, " ")
		if method != http.MethodGet || e.File {
			continue
		}
		if e.As != as {
			c.LogIn(e.As)
			as = e.As
		}
		c.Open(e.Path)
		c.Look(e.As + strings.NewReplacer("/", "-", "{", "", "}", "").Replace(pattern))
	}
}

// post sends what an example sends.
func (b *Browser) post(e Example) {
	b.TB.Helper()
	if e.Send == "" {
		b.Send(http.MethodPost, e.Path, e.Form, nil)
		return
	}
	b.SendFiles(e.Path, e.Form, File{"plans.csv", e.Send})
}
