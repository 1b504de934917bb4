package lead_test

import (
	"net/url"
	"testing"

	"github.com/google/uuid"

	"cpis/service/servicetest"
	"cpis/service/web/lead"
	"cpis/service/web/webtest"
)

// examples are how the routes are visited, of an authority that was told something.
func examples(s *webtest.Site) webtest.Examples {
	s.TB.Helper()
	notice := "/notices/" + s.Notice()
	s.Register(named(1, "Robin", "Quill", "2019-04-30"))
	s.Register(named(2, "Wren", "Quill", "2021-01-02"))
	s.MustFill()
	s.Turn()
	b := s.As("lead")
	found := b.Get("/people").Submit("/people", map[string]string{"family": "Quill"}).At.Path
	channel := addWebhook(b)
	version := func(n string) url.Values { return url.Values{"version": {n}} }
	return webtest.Examples{
		"GET /people":           {As: "lead"},
		"POST /people":          {As: "lead", Form: url.Values{}},
		"GET /found/{question}": {As: "lead", Path: found},
		"GET /people/{id}":      {As: "lead", Path: "/people/" + s.MustGet(servicetest.Lead, child).ID},
		"GET /plans":            {As: "lead"},

		"GET /channels":              {As: "lead"},
		"GET /channels/new":          {As: "lead"},
		"POST /channels/new":         {As: "lead", Form: url.Values{}},
		"GET /channels/{id}":         {As: "lead", Path: channel},
		"POST /channels/{id}/test":   {As: "lead", Path: channel + "/test", Form: url.Values{}},
		"GET /channels/{id}/change":  {As: "lead", Path: channel + "/change"},
		"POST /channels/{id}/change": {As: "lead", Path: channel + "/change", Form: version("1")},
		"GET /channels/{id}/secret":  {As: "lead", Path: channel + "/secret"},
		"POST /channels/{id}/secret": {As: "lead", Path: channel + "/secret", Form: version("1")},
		"GET /channels/{id}/remove":  {As: "lead", Path: channel + "/remove"},
		"POST /channels/{id}/remove": {As: "lead", Path: channel + "/remove", Form: version("1")},

		"GET /notices":            {As: "lead"},
		"GET /notices/{id}":       {As: "lead", Path: notice},
		"POST /notices/{id}":      {As: "lead", Path: notice, Form: url.Values{"version": {"1"}, "outcome": {"no_action"}}},
		"GET /notices/{id}/give":  {As: "lead", Path: notice + "/give"},
		"POST /notices/{id}/give": {As: "lead", Path: notice + "/give", Form: url.Values{"version": {"1"}, "to": {uuid.NewString()}}},
		"GET /figures":            {As: "lead"},
		"GET /figures/file":       {As: "lead", File: true},
		"GET /contacts":           {As: "lead"},
		"GET /contacts/change":    {As: "lead"},
		"POST /contacts/change":   {As: "lead", Form: url.Values{"version": {"1"}}},
		"POST /contacts/confirm":  {As: "lead", Form: url.Values{"version": {"1"}}},
	}
}

func TestRoutes_LeaveTheEntriesThatTheySay(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	s.CheckEntries(lead.Area(lead.UseCases{}).Routes, examples(s))
}

func TestPages_InABrowser(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	s.StartChromium().LookAt(lead.Area(lead.UseCases{}).Routes, examples(s))
}
