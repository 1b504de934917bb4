package lead_test

import (
	"net/url"
	"testing"

	"github.com/google/uuid"

	"cpis/service/web/lead"
	"cpis/service/web/webtest"
)

// examples are how the routes are visited, of an authority that was told something.
func examples(s *webtest.Site) webtest.Examples {
	s.TB.Helper()
	notice := "/notices/" + s.Notice()
	return webtest.Examples{
		"GET /notices":            {As: "lead"},
		"GET /notices/{id}":       {As: "lead", Path: notice},
		"POST /notices/{id}":      {As: "lead", Path: notice, Form: url.Values{"version": {"1"}, "outcome": {"no_action"}}},
		"GET /notices/{id}/give":  {As: "lead", Path: notice + "/give"},
		"POST /notices/{id}/give": {As: "lead", Path: notice + "/give", Form: url.Values{"version": {"1"}, "to": {uuid.NewString()}}},
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
