package webtest

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"cpis/deploy/dev/idp"
)

// widths are those of a phone, a tablet and a desk.
var widths = []int64{320, 768, 1280}

// Chromium is a real browser, with scripts.
type Chromium struct {
	*Site

	Ctx  context.Context //nolint:containedctx // the browser's own: chromedp finds it there
	axe  string
	mu   sync.Mutex // guards said
	said []string   // what the console complained of
}

// StartChromium starts the browser. Without one, or without axe-core, the test is
// skipped, but not in CI.
func (s *Site) StartChromium() *Chromium {
	s.TB.Helper()
	program, err := exec.LookPath("chromium")
	script, axeErr := os.ReadFile(filepath.Join(top(), ".tmp", "axe", "node_modules", "axe-core", "axe.min.js"))
	switch {
	case err == nil && axeErr == nil:
	case os.Getenv("CI") != "":
		s.TB.Fatal("chromium or axe-core is not there: make browser")
	default:
		s.TB.Skip("needs chromium and axe-core: make browser")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(program), chromedp.IgnoreCertErrors)
	ctx, stop := chromedp.NewExecAllocator(s.TB.Context(), options...)
	s.TB.Cleanup(stop)
	ctx, end := chromedp.NewContext(ctx)
	s.TB.Cleanup(end)
	c := &Chromium{Site: s, Ctx: ctx, axe: string(script)}
	s.Must(chromedp.Listen(ctx, c.hear))
	return c
}

// top is the folder of the module, above that of the test.
func top() string {
	folder := "."
	for range 8 {
		if _, err := os.Stat(filepath.Join(folder, "go.mod")); err == nil {
			break
		}
		folder = filepath.Join(folder, "..")
	}
	return folder
}

// hear keeps what the console complains of. That a page is a refusal is none of it.
func (c *Chromium) hear(event any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch e := event.(type) {
	case *log.EventEntryAdded:
		if e.Entry.Source != log.EntrySourceNetwork {
			c.said = append(c.said, e.Entry.Text)
		}
	case *runtime.EventConsoleAPICalled:
		if e.Type == "error" || e.Type == "warning" {
			c.said = append(c.said, string(e.Type)+" of a script")
		}
	case *runtime.EventExceptionThrown:
		c.said = append(c.said, e.ExceptionDetails.Text)
	}
}

// Open asks for a page.
func (c *Chromium) Open(path string) {
	c.TB.Helper()
	if strings.HasPrefix(path, "/") {
		path = c.URL + path
	}
	ctx, cancel := context.WithTimeout(c.Ctx, time.Minute)
	defer cancel()
	if err := chromedp.Do(ctx, chromedp.Navigate(path)); err != nil {
		c.TB.Fatalf("%s: %v", path, err)
	}
}

// LogIn logs somebody in, as they would do it.
func (c *Chromium) LogIn(key string) {
	c.TB.Helper()
	c.Open("/log-in/demonstration")
	ctx, cancel := context.WithTimeout(c.Ctx, time.Minute)
	defer cancel()
	button := chromedp.CSS(`button[value="` + key + `"]`)
	if _, err := chromedp.RunResponse(ctx, chromedp.Click(button)); err != nil {
		c.TB.Fatalf("logging in as %s: %v", key, err)
	}
	who, err := chromedp.Run(ctx, chromedp.Text(chromedp.CSS(".nhsuk-header__account")))
	if i := slices.IndexFunc(idp.People(), func(p idp.Person) bool { return p.Key == key }); err != nil || !strings.Contains(who, idp.People()[i].Name) {
		c.TB.Fatalf("logging in as %s: the header says %q, %v", key, who, err)
	}
}

// settledWidth returns how wide the page is, once its script has put what does not
// fit of the menu under "More": that comes a little after the screen has changed.
const settledWidth = `new Promise((done) => {
	const end = performance.now() + 2000
	const look = () => {
		const wide = document.documentElement.scrollWidth
		if (wide <= innerWidth || performance.now() > end) done(wide)
		else requestAnimationFrame(look)
	}
	look()
})`

// axeRun returns what axe finds on the page, by WCAG 2.0 to 2.2, A and AA. Two things
// are left out: the design system's own script sets aria-expanded on radios that open
// something, which browsers and screen readers understand; and it names the button of a
// file by its label and its own text, in which axe does not find that text again.
const axeRun = `axe.run(document, {runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}).then((r) =>
	r.violations.map((v) => [v.id, v.nodes.map((n) => n.html).filter((html) =>
		!(v.id === "aria-allowed-attr" && html.includes("nhsuk-radios__input")) &&
		!(v.id === "label-content-name-mismatch" && html.includes("nhsuk-file-upload__drop-button")))]).filter(([, nodes]) => nodes.length > 0)
		.map(([id, nodes]) => id + ": " + nodes.join(" ")))`

// Look judges the page that is open, at all widths.
func (c *Chromium) Look(name string) {
	c.TB.Helper()
	ctx, cancel := context.WithTimeout(c.Ctx, 3*time.Minute)
	defer cancel()
	for _, width := range widths {
		if err := chromedp.Do(ctx, chromedp.EmulateViewport(width, 900)); err != nil {
			c.TB.Fatalf("%s: %v", name, err)
		}
		wide, err := chromedp.Run(ctx, chromedp.Evaluate[int64](settledWidth, chromedp.EvalAwaitPromise))
		if err != nil || wide > width {
			c.TB.Errorf("%s: %d px wide on a screen of %d, %v", name, wide, width, err)
		}
		if dir := os.Getenv("TEST_SCREENSHOTS"); dir != "" {
			picture, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
			c.Must(err)
			c.Must(os.WriteFile(filepath.Join(dir, fmt.Sprintf("%s-%d.png", name, width)), picture, 0o600))
		}
	}
	c.checkKeyboard(ctx, name)
	c.checkForcedColours(ctx, name)
	if err := chromedp.Do(ctx, chromedp.Evaluate[chromedp.Void](c.axe)); err != nil {
		c.TB.Fatalf("%s: %v", name, err)
	}
	found, err := chromedp.Run(ctx, chromedp.Evaluate[[]string](axeRun, chromedp.EvalAwaitPromise, chromedp.EvalAsValue))
	if err != nil || len(found) > 0 {
		c.TB.Errorf("%s: axe says %v, %q", name, err, found)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.said) > 0 {
		c.TB.Errorf("%s: the console says %q", name, c.said)
	}
	c.said = nil
}
