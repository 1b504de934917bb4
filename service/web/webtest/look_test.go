package webtest_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"cpis/service/web/webtest"
)

// hearing is a test that hears what is wrong, instead of failing.
type hearing struct {
	testing.TB

	heard []string
}

func (h *hearing) Errorf(format string, args ...any) {
	h.heard = append(h.heard, fmt.Sprintf(format, args...))
}

// A check that finds nothing is worth what it would have found.
func TestLook_FindsWhatIsWrong(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	c := s.StartChromium()
	style := func(css string) string {
		return `(() => { const s = new CSSStyleSheet(); s.replaceSync("` + css + `"); document.adoptedStyleSheets = [s] })()`
	}
	for spoil, want := range map[string]string{
		`document.querySelector("main a").tabIndex = -1`:                           "the tab key reaches",
		`document.querySelector("main a").removeAttribute("href")`:                 "",
		style("a:focus { box-shadow: none !important; outline: none !important }"): "nobody sees that the focus",
		style("button, .nhsuk-button { border: 0 !important; outline: 0 }"):        "have no border",
		style("main { width: 2000px }"):                                            "px wide on a screen",
		`document.querySelector("html").removeAttribute("lang")`:                   "axe says",
		`console.error("spoilt")`:                                                  "the console says",
	} {
		heard := &hearing{TB: t}
		c.TB = heard
		c.Open("/")
		if err := chromedp.Do(c.Ctx, chromedp.Evaluate[chromedp.Void](spoil)); err != nil {
			t.Fatalf("%s: %v", spoil, err)
		}
		c.Look("spoilt")
		if all := strings.Join(heard.heard, "\n"); want == "" && all != "" || !strings.Contains(all, want) {
			t.Errorf("%s: heard %q, want %q", spoil, all, want)
		}
	}
}
