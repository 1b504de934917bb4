package clinician_test

import (
	"net/url"
	"path"
	"testing"

	"cpis/service/web/clinician"
	"cpis/service/web/webtest"
)

// examples are how the routes are visited, of questions that were asked.
func examples(s *webtest.Site) webtest.Examples {
	s.TB.Helper()
	nurse, gp, all := s.As("nurse"), s.As("gp"), webtest.Examples{}
	for _, language := range []string{"", "/cy"} {
		ask := language + "/look-up"
		id := path.Base(lookUp(nurse, ask, unflagged).At.Path)
		for route, form := range map[string]url.Values{"": {}, "/{q}": nil, "/{q}/break-glass": {}, "/{q}/wrong-patient": {}} {
			at := ask
			if route != "" {
				at = ask + "/" + id + route[len("/{q}"):]
			}
			all["GET "+ask+route] = webtest.Example{As: "nurse", Path: at}
			if form != nil {
				all["POST "+ask+route] = webtest.Example{As: "nurse", Path: at, Form: form}
			}
		}
		list := language + "/list"
		answers := lookUpList(gp, list, unflaggedLine, mistakenLine).At.Path
		all["GET "+list] = webtest.Example{As: "gp"}
		all["POST "+list] = webtest.Example{As: "gp", Path: list, Form: url.Values{}}
		all["POST "+list+"/file"] = webtest.Example{As: "gp", Path: list + "/file", Form: url.Values{}, Send: unflaggedLine}
		all["GET "+list+"/{q}"] = webtest.Example{As: "gp", Path: answers}
		all["GET "+list+"/{q}/{line}"] = webtest.Example{As: "gp", Path: answers + "/1"}
		wrong := ask + "/{q}/wrong-patient"
		all["POST "+wrong] = webtest.Example{As: "nurse", Path: all["POST "+wrong].Path, Form: url.Values{"reason": {"Another number was typed"}}}
	}
	return all
}

func TestRoutes_LeaveTheEntriesThatTheySay(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	s.CheckEntries(clinician.Area(clinician.UseCases{}).Routes, examples(s))
}
