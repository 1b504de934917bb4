package administrator_test

import (
	"net/url"
	"testing"

	"cpis/service/web/administrator"
	"cpis/service/web/webtest"
)

const key = "administrator"

// examples are how the routes are visited.
func examples() webtest.Examples {
	asked := url.Values{"role": {"clinician_scheduled"}, "class": {"general_practice"}, "action": {"look_up"}, "mode": {"unscheduled"}, "level": {"3"}}
	return webtest.Examples{
		"GET /status":          {As: key},
		"GET /status/channels": {As: key},

		"GET /policy":        {As: key},
		"GET /policy/ask":    {As: key},
		"GET /clients":       {As: key},
		"POST /policy/ask":   {As: key, Form: url.Values{}},
		"GET /policy/answer": {As: key, Path: "/policy/answer?" + asked.Encode()},
	}
}

func TestRoutes_LeaveTheEntriesThatTheySay(t *testing.T) {
	t.Parallel()
	webtest.New(t).CheckEntries(administrator.Area(administrator.UseCases{}).Routes, examples())
}

func TestPages_InABrowser(t *testing.T) {
	t.Parallel()
	webtest.New(t).StartChromium().LookAt(administrator.Area(administrator.UseCases{}).Routes, examples())
}
