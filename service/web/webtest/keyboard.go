package webtest

import (
	"context"
	"strings"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// reachable counts what somebody must be able to reach: links, buttons and fields that
// are seen; of radios that belong together one, for arrows reach the others.
const reachable = `(() => {
	const groups = new Set();
	return [...document.querySelectorAll("a[href], button, input:not([type=hidden]), select, textarea, summary")].filter((e) => {
		if (e.disabled || !e.checkVisibility({visibilityProperty: true})) return false;
		if (e.type !== "radio") return true;
		const known = groups.has(e.name);
		groups.add(e.name);
		return !known;
	}).length;
})()`

// focused describes what has the focus: nothing at the end of the page, "again" where
// it was before, and "unseen" with what does not show that it has it.
const focused = `new Promise((r) => requestAnimationFrame(r)).then(() => {
	const e = document.activeElement;
	if (!e || e === document.body) return "";
	if (e.dataset.reached) return "again";
	e.dataset.reached = "yes";
	const shows = (s) => s.boxShadow !== "none" || (s.outlineStyle !== "none" && s.outlineWidth !== "0px");
	const label = e.labels && e.labels[0];
	const seen = shows(getComputedStyle(e)) || (label && shows(getComputedStyle(label, "::before")));
	return (seen ? "" : "unseen ") + e.tagName + " " + (e.id || e.name || e.textContent.trim()).slice(0, 40);
})`

// fromTop has the tab key begin at the top of the page, wherever the focus was.
const fromTop = `document.body.tabIndex = -1, document.body.focus(), document.body.removeAttribute("tabindex")`

// checkKeyboard goes through the page by the tab key alone: everything is reached, and
// shows that it has the focus; nothing holds it.
func (c *Chromium) checkKeyboard(ctx context.Context, name string) {
	c.TB.Helper()
	want, err := chromedp.Run(ctx, chromedp.Evaluate[int](reachable))
	c.Must(err)
	c.Must(chromedp.Do(ctx, chromedp.Evaluate[chromedp.Void](fromTop)))
	want = min(want, enoughTabs) // a long table is more of the same
	got, last := 0, ""
	for got < want {
		c.Must(chromedp.Do(ctx, chromedp.KeyEvent(kb.Tab)))
		at := c.nextFocus(ctx)
		if at == "" || at == "again" {
			break
		}
		if strings.HasPrefix(at, "unseen ") {
			c.TB.Errorf("%s: nobody sees that the focus is at %s", name, at)
		}
		got, last = got+1, at
	}
	if got != want {
		c.TB.Errorf("%s: the tab key reaches %d of %d, and ends after %s", name, got, want, last)
	}
}

// enoughTabs is how many times the tab key is pressed on a page at most.
const enoughTabs = 60

// nextFocus returns what has the focus. A busy browser moves it a moment after the key.
func (c *Chromium) nextFocus(ctx context.Context) (at string) {
	c.TB.Helper()
	for range 100 {
		var err error
		at, err = chromedp.Run(ctx, chromedp.Evaluate[string](focused, chromedp.EvalAwaitPromise))
		c.Must(err)
		if at != "" && at != "again" {
			break
		}
	}
	return at
}

// borderless are fields and buttons of which nothing is left if a system forces its own
// colours: no border, no underline.
const borderless = `[...document.querySelectorAll("button, .nhsuk-button, input:not([type=hidden]):not([type=radio]):not([type=checkbox]), select, textarea")]
	.filter((e) => e.checkVisibility()).filter((e) => {
		const s = getComputedStyle(e);
		return (s.borderTopStyle === "none" || s.borderTopWidth === "0px") && s.outlineStyle === "none" && !s.textDecorationLine.includes("underline");
	}).map((e) => e.outerHTML.slice(0, 80))`

// checkForcedColours looks at the page as systems show it that force their own colours.
func (c *Chromium) checkForcedColours(ctx context.Context, name string) {
	c.TB.Helper()
	force := func(value string) {
		_, err := cdp.Call(ctx, chromedp.FromContext(ctx).Target, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "forced-colors", Value: value}},
		})
		c.Must(err)
	}
	force("active")
	active, err := chromedp.Run(ctx, chromedp.Evaluate[bool](`matchMedia("(forced-colors: active)").matches`))
	c.Must(err)
	found, err := chromedp.Run(ctx, chromedp.Evaluate[[]string](borderless))
	if err != nil || len(found) > 0 || !active {
		c.TB.Errorf("%s: with forced colours (%v) %q have no border, %v", name, active, found, err)
	}
	force("none")
}
