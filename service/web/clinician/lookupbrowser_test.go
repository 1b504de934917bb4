package clinician_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"cpis/service/domain"
	"cpis/service/web/webtest"
)

// lookUp looks somebody up, as a person at a screen does.
func lookUpIn(c *webtest.Chromium, path, number string) {
	c.TB.Helper()
	c.Open(path)
	ctx, cancel := context.WithTimeout(c.Ctx, time.Minute)
	defer cancel()
	for _, field := range []struct{ id, value string }{
		{"#number", number}, {"#born-day", "30"}, {"#born-month", "4"}, {"#born-year", "2019"}, {"#setting", "emergency_department"},
	} {
		if err := chromedp.Do(ctx, chromedp.SetValue(chromedp.CSS(field.id), field.value)); err != nil {
			c.TB.Fatalf("%s: %v", field.id, err)
		}
	}
	if _, err := chromedp.RunResponse(ctx, chromedp.Click(chromedp.CSS("main form button"))); err != nil {
		c.TB.Fatalf("looking up: %v", err)
	}
}

// A clinic list: empty, with what is wrong, and with all three answers.
func TestList_InABrowser(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	c := s.StartChromium()
	s.Register(func(*domain.Registration) {})
	s.Register(func(r *domain.Registration) { r.NHSNumber, r.Restricted = "9990000069", true })
	c.LogIn("gp")
	for name, lines := range map[string]string{
		"list-wrong": "12", "list-answers": strings.Join([]string{flaggedLine, unflaggedLine, mistakenLine, "9990000069 30/4/2019"}, "\n"),
	} {
		c.Open("/list")
		for id, value := range map[string]string{"#patients": lines, "#setting": "general_practice"} {
			c.Must(chromedp.Do(c.Ctx, chromedp.SetValue(chromedp.CSS(id), value)))
		}
		if _, err := chromedp.RunResponse(c.Ctx, chromedp.Click(chromedp.CSS("main form button"))); err != nil {
			t.Fatal(err)
		}
		c.Look(name)
	}
	c.Open("/cy/list")
	c.Look("list-cy")
}

// The three answers, a restricted child and the ways on, in a real browser at three
// widths.
func TestLookUp_InABrowser(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	c := s.StartChromium()
	s.Register(func(*domain.Registration) {})
	s.Register(func(r *domain.Registration) { r.NHSNumber, r.Restricted = "9990000069", true })
	c.LogIn("nurse")
	c.Open("/look-up")
	c.Look("look-up")
	lookUpIn(c, "/look-up", "1")
	c.Look("look-up-wrong")
	lookUpIn(c, "/look-up", unflagged)
	c.Look("answer-none")
	lookUpIn(c, "/cy/look-up", flagged)
	c.Look("answer-flag-cy")
	lookUpIn(c, "/look-up", "9990000069")
	c.Look("answer-restricted")
	lookUpIn(c, "/look-up", flagged)
	c.Look("answer-flag")
	at, err := chromedp.Run(c.Ctx, chromedp.Location())
	c.Must(err)
	c.Open(at + "/wrong-patient")
	c.Look("wrong-patient")
	c.Open(at + "/break-glass")
	c.Look("break-glass")
}
