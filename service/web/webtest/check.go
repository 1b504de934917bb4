package webtest

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"github.com/PuerkitoBio/goquery"

	"cpis/service/web"
)

// identifiers are those of the test's people, which have no place in addresses,
// titles and cookies.
var identifiers = []string{"9990000018", "999 000 0018", "Quill", "Example"}

// check checks what holds for every page.
func (b *Browser) check() {
	b.TB.Helper()
	wrong := func(format string, args ...any) {
		b.TB.Helper()
		b.TB.Errorf("%s: "+format, append([]any{b.At.Path}, args...)...)
	}
	title := b.Doc.Find("title").Text()
	if h := b.heading(); b.Doc.Find("h1").Length() != 1 || !strings.Contains(title, h) {
		wrong("%d headings, the first is %q; the title is %q", b.Doc.Find("h1").Length(), h, title)
	}
	b.checkMarkup(wrong)
	b.checkHeaders(wrong)
	for _, secret := range identifiers {
		if strings.Contains(b.At.String()+title+strings.Join(b.Header.Values("Set-Cookie"), ""), secret) {
			wrong("says %q in its address, title or cookie", secret)
		}
	}
}

func (b *Browser) checkMarkup(wrong func(string, ...any)) {
	ids := map[string]bool{}
	b.Doc.Find("*").Each(func(_ int, e *goquery.Selection) {
		if id, has := e.Attr("id"); has {
			if ids[id] || id == "" {
				wrong("id %q occurs twice, or is empty", id)
			}
			ids[id] = true
		}
		for _, a := range e.Nodes[0].Attr {
			if a.Key == "style" || strings.HasPrefix(a.Key, "on") {
				wrong("<%s %s>", e.Nodes[0].Data, a.Key)
			}
		}
	})
	b.Doc.Find("input, select, textarea").Each(func(_ int, in *goquery.Selection) {
		if in.AttrOr("type", "") != "hidden" && b.Doc.Find(`label[for="`+in.AttrOr("id", "")+`"]`).Length() != 1 {
			wrong("no label for %s", in.AttrOr("name", "?"))
		}
	})
	b.Doc.Find("form").Each(func(_ int, f *goquery.Selection) {
		if f.AttrOr("action", "") == "" {
			wrong("a form without action")
		}
	})
	b.Doc.Find("script").Each(func(_ int, sc *goquery.Selection) {
		sum := sha256.Sum256([]byte(sc.Text()))
		hash := "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
		if _, outside := sc.Attr("src"); !outside && !strings.Contains(b.Header.Get("Content-Security-Policy"), hash) {
			wrong("a script that the policy does not know: %s", hash)
		}
	})
	b.Doc.Find("a[href], form[action]").Each(func(_ int, e *goquery.Selection) {
		method := strings.ToUpper(e.AttrOr("method", "GET"))
		to := e.AttrOr("href", "") + e.AttrOr("action", "")
		if strings.HasPrefix(to, "/") && !isRoute(method, to) {
			wrong("%s %s is no route", method, to)
		}
	})
}

func (b *Browser) checkHeaders(wrong func(string, ...any)) {
	csp := b.Header.Get("Content-Security-Policy")
	for _, must := range []string{"default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "require-trusted-types-for 'script'"} {
		if !strings.Contains(csp, must) {
			wrong("policy lacks %s", must)
		}
	}
	if strings.Contains(csp, "unsafe") {
		wrong("policy is %s", csp)
	}
	for name, want := range map[string]string{
		"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin",
		"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin",
		"Strict-Transport-Security": "max-age=31536000; includeSubDomains",
	} {
		if got, _, _ := strings.Cut(b.Header.Get(name), ", no-transform"); got != want { // said of answers besides
			wrong("%s: got %q, want %q", name, got, want)
		}
	}
}

// routes has all pages of ours. Every link of every page is looked up in it.
var routes = sync.OnceValue(func() *http.ServeMux {
	mux := http.NewServeMux()
	for _, r := range web.Routes() {
		mux.HandleFunc(r.Pattern, func(http.ResponseWriter, *http.Request) {})
	}
	return mux
})

// isRoute reports whether an address is that of a page of ours.
func isRoute(method, address string) bool {
	u, err := url.Parse(address)
	if err != nil {
		return false
	}
	_, pattern := routes().Handler(&http.Request{Method: method, URL: u, Host: "x"})
	return pattern != ""
}
