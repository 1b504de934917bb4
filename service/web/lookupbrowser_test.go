package web_test

import (
	"context"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"cpis/service/domain"
)

// lookUp looks somebody up, as a person at a screen does.
func (c *chromium) lookUp(path, number string) {
	c.tb.Helper()
	c.open(path)
	ctx, cancel := context.WithTimeout(c.ctx, time.Minute)
	defer cancel()
	for _, field := range []struct{ id, value string }{
		{"#number", number}, {"#born-day", "30"}, {"#born-month", "4"}, {"#born-year", "2019"}, {"#setting", "emergency_department"},
	} {
		if err := chromedp.Do(ctx, chromedp.SetValue(chromedp.CSS(field.id), field.value)); err != nil {
			c.tb.Fatalf("%s: %v", field.id, err)
		}
	}
	if _, err := chromedp.RunResponse(ctx, chromedp.Click(chromedp.CSS("main form button"))); err != nil {
		c.tb.Fatalf("looking up: %v", err)
	}
}

// The three answers, a restricted child and the ways on, in a real browser at three
// widths.
func TestLookUp_InABrowser(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	c := s.startChromium()
	s.register(func(*domain.Registration) {})
	s.register(func(r *domain.Registration) { r.NHSNumber, r.Restricted = "9990000069", true })
	c.logIn("nurse")
	c.open("/look-up")
	c.look("look-up")
	c.lookUp("/look-up", "1")
	c.look("look-up-wrong")
	c.lookUp("/look-up", unflagged)
	c.look("answer-none")
	c.lookUp("/cy/look-up", flagged)
	c.look("answer-flag-cy")
	c.lookUp("/look-up", "9990000069")
	c.look("answer-restricted")
	c.lookUp("/look-up", flagged)
	c.look("answer-flag")
	at, err := chromedp.Run(c.ctx, chromedp.Location())
	c.must(err)
	c.open(at + "/wrong-patient")
	c.look("wrong-patient")
	c.open(at + "/break-glass")
	c.look("break-glass")
}
