package web_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"cpis/deploy/dev/idp"
	"cpis/service/web"
)

// widths are those of a phone, a tablet and a desk.
var widths = []int64{320, 768, 1280}

// chromium is a real browser, with scripts.
type chromium struct {
	*site

	ctx  context.Context //nolint:containedctx // the browser's own: chromedp finds it there
	axe  string
	mu   sync.Mutex // guards said
	said []string   // what the console complained of
}

// startChromium starts the browser. Without one, or without axe-core, the test is
// skipped, but not in CI.
func (s *site) startChromium() *chromium {
	s.tb.Helper()
	program, err := exec.LookPath("chromium")
	script, axeErr := os.ReadFile(filepath.Join("..", "..", ".tmp", "axe", "node_modules", "axe-core", "axe.min.js"))
	switch {
	case err == nil && axeErr == nil:
	case os.Getenv("CI") != "":
		s.tb.Fatal("chromium or axe-core is not there: make browser")
	default:
		s.tb.Skip("needs chromium and axe-core: make browser")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(program), chromedp.IgnoreCertErrors)
	ctx, stop := chromedp.NewExecAllocator(s.tb.Context(), options...)
	s.tb.Cleanup(stop)
	ctx, end := chromedp.NewContext(ctx)
	s.tb.Cleanup(end)
	c := &chromium{site: s, ctx: ctx, axe: string(script)}
	s.must(chromedp.Listen(ctx, c.hear))
	return c
}

// hear keeps what the console complains of. That a page is a refusal is none of it.
func (c *chromium) hear(event any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch e := event.(type) {
	case *log.EventEntryAdded:
		if e.Entry.Source != log.EntrySourceNetwork {
			c.said = append(c.said, e.Entry.Text)
		}
	case *runtime.EventExceptionThrown:
		c.said = append(c.said, e.ExceptionDetails.Text)
	}
}

// open asks for a page.
func (c *chromium) open(path string) {
	c.tb.Helper()
	if strings.HasPrefix(path, "/") {
		path = c.url + path
	}
	ctx, cancel := context.WithTimeout(c.ctx, time.Minute)
	defer cancel()
	if err := chromedp.Do(ctx, chromedp.Navigate(path)); err != nil {
		c.tb.Fatalf("%s: %v", path, err)
	}
}

// logIn logs somebody in, as they would do it.
func (c *chromium) logIn(key string) {
	c.tb.Helper()
	c.open("/log-in/demonstration")
	ctx, cancel := context.WithTimeout(c.ctx, time.Minute)
	defer cancel()
	button := chromedp.CSS(`button[value="` + key + `"]`)
	if _, err := chromedp.RunResponse(ctx, chromedp.Click(button)); err != nil {
		c.tb.Fatalf("logging in as %s: %v", key, err)
	}
	who, err := chromedp.Run(ctx, chromedp.Text(chromedp.CSS(".nhsuk-header__account")))
	if i := slices.IndexFunc(idp.People(), func(p idp.Person) bool { return p.Key == key }); err != nil || !strings.Contains(who, idp.People()[i].Name) {
		c.tb.Fatalf("logging in as %s: the header says %q, %v", key, who, err)
	}
}

// axeRun returns what axe finds on the page, by WCAG 2.0 to 2.2, A and AA. One thing
// is left out: the design system's own script sets aria-expanded on radios that open
// something, which browsers and screen readers understand.
const axeRun = `axe.run(document, {runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}).then((r) =>
	r.violations.map((v) => [v.id, v.nodes.map((n) => n.html).filter((html) =>
		!(v.id === "aria-allowed-attr" && html.includes("nhsuk-radios__input")))]).filter(([, nodes]) => nodes.length > 0)
		.map(([id, nodes]) => id + ": " + nodes.join(" ")))`

// look judges the page that is open, at all widths.
func (c *chromium) look(name string) {
	c.tb.Helper()
	ctx, cancel := context.WithTimeout(c.ctx, time.Minute)
	defer cancel()
	for _, width := range widths {
		if err := chromedp.Do(ctx, chromedp.EmulateViewport(width, 900)); err != nil {
			c.tb.Fatalf("%s: %v", name, err)
		}
		wide, err := chromedp.Run(ctx, chromedp.Evaluate[int64](`document.documentElement.scrollWidth`))
		if err != nil || wide > width {
			c.tb.Errorf("%s: %d px wide on a screen of %d, %v", name, wide, width, err)
		}
		if dir := os.Getenv("TEST_SCREENSHOTS"); dir != "" {
			picture, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
			c.must(err)
			c.must(os.WriteFile(filepath.Join(dir, fmt.Sprintf("%s-%d.png", name, width)), picture, 0o600))
		}
	}
	if err := chromedp.Do(ctx, chromedp.Evaluate[chromedp.Void](c.axe)); err != nil {
		c.tb.Fatalf("%s: %v", name, err)
	}
	found, err := chromedp.Run(ctx, chromedp.Evaluate[[]string](axeRun, chromedp.EvalAwaitPromise, chromedp.EvalAsValue))
	if err != nil || len(found) > 0 {
		c.tb.Errorf("%s: axe says %v, %q", name, err, found)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.said) > 0 {
		c.tb.Errorf("%s: the console says %q", name, c.said)
	}
	c.said = nil
}

// Every page, in a real browser at three widths: nothing for axe to find, nothing in
// the console, nothing wider than the screen.
func TestPages_InABrowser(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	c := s.startChromium()
	notice := s.aNotice()
	for _, path := range []string{"/", "/?ended=1", "/logged-out", "/no-role?at=demonstration", "/nowhere", "/log-in/demonstration/back"} {
		c.open(path)
		c.look("nobody" + strings.NewReplacer("/", "-", "?", "-", "=", "-").Replace(path))
	}
	c.logIn("six-roles")
	c.look("role-of-six")
	c.logIn("step-up-lead")
	c.open("/confirm")
	c.look("confirm")
	fill := strings.NewReplacer("/notices/{id}", "/notices/"+notice, "{reason}", "no_rule", "{report}", "child")
	whose := map[web.Who]string{web.Watchers: "auditor", web.Clinicians: "nurse"}
	for _, key := range []string{"lead", "auditor", "nurse"} {
		c.logIn(key)
		for _, r := range web.Routes() {
			method, path, _ := strings.Cut(r.Pattern, " ")
			path = fill.Replace(path)
			if method != http.MethodGet || r.Who == web.Open && !r.Plain || first(whose[r.Who], "lead") != key ||
				strings.Contains(path, "{") || path == "/logged-out" || path == "/role" || path == "/confirm" {
				continue // looked at above, of another role, or of something that is asked for first
			}
			c.open(path)
			c.look(key + strings.ReplaceAll(strings.Replace(path, notice, "one", 1), "/", "-"))
		}
	}
	c.open("/home")
	c.look("nurse-home")
}
