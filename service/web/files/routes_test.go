package files_test

import (
	"net/url"
	"testing"
	"time"

	"github.com/google/uuid"

	"cpis/service/servicetest"
	"cpis/service/upload"
	"cpis/service/web/files"
	"cpis/service/web/webtest"
)

// aFile has a file sent that waits for approval, with a row that is wrong.
func aFile(s *webtest.Site) *upload.Upload {
	s.TB.Helper()
	return s.MustSend(servicetest.Lead, servicetest.Delta, servicetest.SheetHeader+servicetest.SheetRow()+servicetest.SheetRow("kind=none", "reference=<script>alert(1)</script>"))
}

// examples are how the routes are visited, of an authority with a file that waits.
func examples(s *webtest.Site) webtest.Examples {
	s.TB.Helper()
	u := aFile(s)
	file, decide := "/files/"+u.ID, url.Values{"version": {"3"}, "request": {uuid.NewString()}}
	all := webtest.Examples{
		"GET /files":               {As: "lead"},
		"GET /files/template":      {As: "lead", File: true},
		"GET /quality":             {As: "lead"},
		"GET /files/new":           {As: "lead"},
		"POST /files/new":          {As: "lead", Form: url.Values{"extent": {"delta"}}, Send: servicetest.SheetHeader + servicetest.SheetRow(servicetest.NumberB)},
		"GET /files/{id}":          {As: "lead", Path: file},
		"GET /files/{id}/rows":     {As: "lead", Path: file + "/rows"},
		"GET /files/{id}/result":   {As: "lead", Path: file + "/result", File: true},
		"GET /files/{id}/approve":  {As: "lead", Path: file + "/approve"},
		"POST /files/{id}/approve": {As: "lead", Path: file + "/approve", Form: decide},
		"GET /files/{id}/cancel":   {As: "lead", Path: file + "/cancel"},
		"POST /files/{id}/cancel":  {As: "lead", Path: file + "/cancel", Form: decide},
		"GET /files/rules":         {As: "lead"},
	}
	all.Add(s.As("lead"), "lead", webtest.Journey{Pattern: "/files/rules/change", Start: "/files/rules/change", Page: "pass", Typed: rulings()})
	return all
}

// rulings are right answers to what the rules ask.
func rulings() webtest.Answers {
	return webtest.Answers{
		"pass":   {"pass": "yes"},
		"limits": {"max_new": "1,000", "max_changed": "20", "max_ending": "3", "max_rejected_percent": "2"},
		"brake":  {"brake_percent": "4"},
	}
}

func TestRoutes_LeaveTheEntriesThatTheySay(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	s.CheckEntries(files.Area(files.UseCases{}).Routes, examples(s))
}

func TestPages_InABrowser(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	c := s.StartChromium()
	c.LookAt(files.Area(files.UseCases{}).Routes, examples(s))
	s.MustApply(servicetest.OtherLead, servicetest.Whole, string(servicetest.ManyRows(500, 0)))
	s.Clock.Advance(48 * time.Hour)
	held := s.MustSend(servicetest.OtherLead, servicetest.Whole, string(servicetest.ManyRows(100, 0))+servicetest.SheetRow("kind=none"))
	c.LogIn("camden-lead")
	c.Open("/quality")
	c.Look("quality-of-500")
	file := "/files/" + held.ID
	for name, path := range map[string]string{"held": file, "held-approve": file + "/approve", "held-rows": file + "/rows?outcome=ending"} {
		c.Open(path)
		c.Look("files-" + name)
	}
	for _, state := range []upload.State{upload.Received, upload.Checked, upload.Applying, upload.Applied, upload.Rejected, upload.Cancelled} {
		s.Pretend(`UPDATE cpis.upload SET state = $2 WHERE id = $1`, held.ID, string(state))
		c.Open(file)
		c.Look("files-" + string(state))
	}
}
