package web_test

import (
	"context"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"cpis/service/web/webtest"
)

// impatient has scripts wait for moments only.
const impatient = `(() => { const wait = setTimeout; window.setTimeout = (f) => wait(f, 20) })()`

// Two minutes before a session ends its page says so, and whoever answers stays.
func TestSession_WarnsBeforeItEnds_InABrowser(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	c := s.StartChromium()
	c.LogIn("lead")
	ctx, cancel := context.WithTimeout(c.Ctx, time.Minute)
	defer cancel()
	_, err := cdp.Call(ctx, chromedp.FromContext(ctx).Target, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: impatient})
	s.Must(err)
	c.Open("/contacts/change")
	s.Clock.Advance(14 * time.Minute)
	opened := chromedp.CSS("dialog.time-left[open] button")
	s.Must(chromedp.Do(ctx, chromedp.WaitVisible(opened)))
	if at, err := chromedp.Run(ctx, chromedp.Evaluate[string](`document.activeElement.textContent`)); err != nil || at != "Stay logged in" {
		t.Errorf("the focus is at %q, %v", at, err)
	}
	s.Must(chromedp.Do(ctx, chromedp.Click(opened)))
	s.Must(chromedp.Do(ctx, chromedp.WaitNotPresent(opened)))
	s.Clock.Advance(14 * time.Minute)
	c.Open("/contacts/change")
	if at, err := chromedp.Run(ctx, chromedp.Location()); err != nil || at != s.URL+"/contacts/change" {
		t.Errorf("after the warning was answered: at %s, %v", at, err)
	}
}
