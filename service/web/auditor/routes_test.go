package auditor_test

import (
	"net/url"
	"path"
	"testing"

	"cpis/service/web/auditor"
	"cpis/service/web/webtest"
)

const officer = "practice-privacy"

// anExport asks for a report and for its file, and returns the file and the question.
func anExport(b *webtest.Browser) (export, question string) {
	b.TB.Helper()
	b.Get("/reports/break_glass").Submit("/reports/break_glass", map[string]string{"reason": "routine"})
	question = path.Base(b.At.Path)
	b.Submit(b.At.Path, nil)
	return path.Base(b.At.Path), question
}

// examples are how the routes are visited, where somebody broke the glass.
func examples(s *webtest.Site) webtest.Examples {
	s.TB.Helper()
	review := "/reviews/" + s.Review()
	id, question := anExport(s.As(officer))
	report, export := "/reports/break_glass", "/exports/"+id
	return webtest.Examples{
		"GET /reports":                           {As: officer},
		"GET /reports/{report}":                  {As: officer, Path: report},
		"POST /reports/{report}":                 {As: officer, Path: report, Form: url.Values{}},
		"GET /reports/{report}/{question}":       {As: officer, Path: report + "/" + question},
		"GET /reports/{report}/{question}/count": {As: officer, Path: report + "/" + question + "/count"},
		"POST /reports/{report}/{question}":      {As: officer, Path: report + "/" + question, Form: url.Values{}},
		"GET /exports":                           {As: officer},
		"GET /exports/{id}":                      {As: officer, Path: export},
		"GET /exports/{id}/file":                 {As: officer, Path: export + "/file", File: true},
		"POST /exports/{id}/delete":              {As: officer, Path: export + "/delete", Form: url.Values{}},
		"GET /reviews":                           {As: officer},
		"GET /reviews/{id}":                      {As: officer, Path: review},
		"POST /reviews/{id}":                     {As: officer, Path: review, Form: url.Values{}},
		"GET /reviews/{id}/{question}":           {As: officer, Path: review + "/" + question},
		"POST /reviews/{id}/{question}": {As: officer, Path: review + "/" + question, Form: url.Values{
			"outcome": {"justified"}, "found": {"Was this practice's patient"},
		}},
		"GET /log":           {As: officer},
		"POST /log":          {As: officer, Form: url.Values{"receipt": {"nonsense"}}},
		"GET /log/{receipt}": {As: officer, Path: aReceipt(s)},
	}
}

func TestRoutes_LeaveTheEntriesThatTheySay(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	s.CheckEntries(auditor.Area(auditor.UseCases{}).Routes, examples(s))
}

func TestPages_InABrowser(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	s.StartChromium().LookAt(auditor.Area(auditor.UseCases{}).Routes, examples(s))
}
