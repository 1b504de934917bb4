package web_test

import (
	"crypto/sha256"
	"encoding/base64"
	"io"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"
	"github.com/rs/zerolog"

	"cpis/audit"
	"cpis/deploy/dev/idp"
	"cpis/policy"
	"cpis/service/directory"
	"cpis/service/domain"
	"cpis/service/guard"
	"cpis/service/identity"
	"cpis/service/servicetest"
	"cpis/service/store/dbtest"
	"cpis/service/web"
)

// site is the pages over a real service, PostgreSQL and identity provider.
type site struct {
	*servicetest.Fixture

	tb        testing.TB
	url       string
	provider  *idp.Provider
	transport http.RoundTripper
	strangers []identity.Reason
}

// newSite starts everything.
func newSite(tb testing.TB) *site {
	tb.Helper()
	s := &site{Fixture: servicetest.New(tb), tb: tb}
	s.addOrganisations()
	server := httptest.NewUnstartedServer(nil)
	s.url = "https://" + server.Listener.Addr().String()
	issuer := s.startProvider(server)
	known, err := directory.OpenDirectory(tb.Context(), s.DB)
	s.must(err)
	verifier, err := identity.New(tb.Context(), identity.Config{Audiences: []string{"https://cpis.test"}, Issuers: []identity.Issuer{issuer}}, known, s.Clock.Now)
	s.must(err)
	pages, err := web.New(web.Config{
		URL: s.url, People: verifier, Names: known, Sessions: s.Sessions, Notices: s.Notices, Contacts: s.Contacts,
		Reports: s.Reports, Exports: s.Exports, Reviews: s.Reports, LookUps: s.LookUps, Encounters: s.Notices,
		Hub: domain.Hub{Name: "National safeguarding hub", Phone: servicetest.HubPhone}, Now: s.Clock.Now, Log: zerolog.New(io.Discard),
		From:      func(*http.Request) string { return "203.0.113.0/24" },
		Strangers: func(_ string, why identity.Reason) { s.strangers = append(s.strangers, why) },
	})
	s.must(err)
	server.Config.Handler = pages
	server.StartTLS()
	tb.Cleanup(server.Close)
	s.transport = server.Client().Transport
	return s
}

// startProvider starts the identity provider, which knows the pages as a client.
func (s *site) startProvider(server *httptest.Server) identity.Issuer {
	s.tb.Helper()
	file := filepath.Join(s.tb.TempDir(), "secret")
	s.must(os.WriteFile(file, []byte("secret of the pages\n"), 0o600))
	app, logIn := idp.PagesClient(s.url, "secret of the pages", file)
	app.Client = &http.Client{Transport: lazily(func() http.RoundTripper { return server.Client().Transport })}
	var err error
	s.provider, err = idp.Start(s.tb.Context(), idp.Config{
		Address: "127.0.0.1:0", Directory: s.tb.TempDir(), Audience: "https://cpis.test", Applications: []idp.Application{app}, Now: time.Now,
	})
	s.must(err)
	s.tb.Cleanup(func() { _ = s.provider.Close(s.tb.Context()) })
	issuer := s.provider.Issuer()
	issuer.Pages = logIn
	return issuer
}

type lazily func() http.RoundTripper

func (l lazily) RoundTrip(r *http.Request) (*http.Response, error) { return l().RoundTrip(r) }

// addOrganisations adds those that people of the provider work for.
func (s *site) addOrganisations() {
	s.tb.Helper()
	owner := dbtest.OpenOwner(s.tb, s.Database).Guarded(s.Ring, func(string) {})
	log, err := owner.Logs.Find(s.tb.Context(), dbtest.Origin)
	s.must(err)
	admin := directory.Admin{Command: guard.Command{DB: owner, Log: log, Now: s.Clock.Now, Operator: "test"}}
	for _, o := range append(idp.Organisations(), idp.Organisation{Code: "F83004", Name: "Archway Medical Centre", Class: policy.GeneralPractice}) {
		s.must(admin.AddOrganisation(s.tb.Context(), o.Code, o.Name, o.Class))
	}
}

func (s *site) must(err error) {
	s.tb.Helper()
	if err != nil {
		s.tb.Fatal(err)
	}
}

// browser is somebody's browser, without scripts.
type browser struct {
	*site

	client *http.Client
	at     *url.URL
	status int
	header http.Header
	doc    *goquery.Document
	text   string
}

func (s *site) browser() *browser {
	s.tb.Helper()
	jar, err := cookiejar.New(nil)
	s.must(err)
	return &browser{site: s, client: &http.Client{Jar: jar, Transport: s.transport}}
}

// as returns the browser of somebody who is logged in.
func (s *site) as(key string) *browser {
	s.tb.Helper()
	b := s.browser()
	b.get("/")
	b.logIn(key)
	return b
}

// logIn follows the button of the page, and says at the provider who one is.
func (b *browser) logIn(key string) {
	b.tb.Helper()
	b.follow("Log in with")
	b.be(key)
}

// be says at the provider who one is.
func (b *browser) be(key string) {
	b.tb.Helper()
	request := b.doc.Find(`input[name="request"]`).AttrOr("value", "")
	b.send(http.MethodPost, b.at.Scheme+"://"+b.at.Host+"/signin", url.Values{"request": {request}, "person": {key}}, nil)
}

// get asks for a page.
func (b *browser) get(address string) *browser {
	b.tb.Helper()
	return b.send(http.MethodGet, address, nil, nil)
}

// follow follows the first link whose text begins so.
func (b *browser) follow(text string) *browser {
	b.tb.Helper()
	link := b.doc.Find("a").FilterFunction(func(_ int, a *goquery.Selection) bool {
		return strings.HasPrefix(strings.TrimSpace(a.Text()), text)
	}).First()
	href, ok := link.Attr("href")
	if !ok {
		b.tb.Fatalf("no link %q on %s: %s", text, b.at, b.heading())
	}
	to, err := b.at.Parse(href)
	b.must(err)
	return b.get(to.String())
}

// submit sends the form that posts to an address, with some fields filled in.
func (b *browser) submit(action string, fields map[string]string) *browser {
	b.tb.Helper()
	form := b.doc.Find(`form[method="post"][action="` + action + `"]`)
	if form.Length() != 1 {
		b.tb.Fatalf("%d forms post to %s on %s (%s)", form.Length(), action, b.at, b.heading())
	}
	values := url.Values{}
	form.Find("input, textarea, select").Each(func(_ int, in *goquery.Selection) {
		kind := in.AttrOr("type", "text")
		if _, checked := in.Attr("checked"); (kind == "radio" || kind == "checkbox") && !checked {
			return
		}
		value := in.AttrOr("value", "")
		if goquery.NodeName(in) == "textarea" {
			value = in.Text()
		}
		values.Set(in.AttrOr("name", ""), value)
	})
	for name, value := range fields {
		values.Set(name, value)
	}
	return b.send(http.MethodPost, action, values, nil)
}

// send sends a request, follows where it leads, and checks the page that comes.
func (b *browser) send(method, address string, form url.Values, header http.Header) *browser {
	b.tb.Helper()
	if strings.HasPrefix(address, "/") {
		address = b.url + address
	}
	var body io.Reader
	if form != nil {
		body = strings.NewReader(form.Encode())
	}
	r, err := http.NewRequestWithContext(b.tb.Context(), method, address, body)
	b.must(err)
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	maps.Copy(r.Header, header)
	answer, err := b.client.Do(r)
	b.must(err)
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	b.must(err)
	b.at, b.status, b.header, b.text = answer.Request.URL, answer.StatusCode, answer.Header, string(text)
	b.doc, err = goquery.NewDocumentFromReader(strings.NewReader(b.text))
	b.must(err)
	if strings.HasPrefix(b.at.String(), b.url) && strings.HasPrefix(b.header.Get("Content-Type"), "text/html") {
		b.check()
	}
	return b
}

func (b *browser) heading() string { return strings.TrimSpace(b.doc.Find("h1").First().Text()) }

// want checks which page came.
func (b *browser) want(status int, path, heading string) *browser {
	b.tb.Helper()
	if b.status != status || b.at.Path != path || b.heading() != heading {
		b.tb.Errorf("got %d %s %q, want %d %s %q\n%s", b.status, b.at.Path, b.heading(), status, path, heading, strings.TrimSpace(b.doc.Find("main").Text()))
	}
	return b
}

// identifiers are those of the test's people, which have no place in addresses,
// titles and cookies.
var identifiers = []string{"9990000018", "999 000 0018", "Quill", "Example"}

// check checks what holds for every page.
func (b *browser) check() {
	b.tb.Helper()
	wrong := func(format string, args ...any) {
		b.tb.Helper()
		b.tb.Errorf("%s: "+format, append([]any{b.at.Path}, args...)...)
	}
	title := b.doc.Find("title").Text()
	if h := b.heading(); b.doc.Find("h1").Length() != 1 || !strings.Contains(title, h) {
		wrong("%d headings, the first is %q; the title is %q", b.doc.Find("h1").Length(), h, title)
	}
	b.checkMarkup(wrong)
	b.checkHeaders(wrong)
	for _, secret := range identifiers {
		if strings.Contains(b.at.String()+title+strings.Join(b.header.Values("Set-Cookie"), ""), secret) {
			wrong("says %q in its address, title or cookie", secret)
		}
	}
}

func (b *browser) checkMarkup(wrong func(string, ...any)) {
	ids := map[string]bool{}
	b.doc.Find("*").Each(func(_ int, e *goquery.Selection) {
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
	b.doc.Find("input, select, textarea").Each(func(_ int, in *goquery.Selection) {
		if in.AttrOr("type", "") != "hidden" && b.doc.Find(`label[for="`+in.AttrOr("id", "")+`"]`).Length() != 1 {
			wrong("no label for %s", in.AttrOr("name", "?"))
		}
	})
	b.doc.Find("form").Each(func(_ int, f *goquery.Selection) {
		if f.AttrOr("action", "") == "" {
			wrong("a form without action")
		}
	})
	b.doc.Find("script").Each(func(_ int, sc *goquery.Selection) {
		sum := sha256.Sum256([]byte(sc.Text()))
		hash := "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
		if _, outside := sc.Attr("src"); !outside && !strings.Contains(b.header.Get("Content-Security-Policy"), hash) {
			wrong("a script that the policy does not know: %s", hash)
		}
	})
	b.doc.Find("a[href], form[action]").Each(func(_ int, e *goquery.Selection) {
		method := strings.ToUpper(e.AttrOr("method", "GET"))
		to := e.AttrOr("href", "") + e.AttrOr("action", "")
		if strings.HasPrefix(to, "/") && !isRoute(method, to) {
			wrong("%s %s is no route", method, to)
		}
	})
}

func (b *browser) checkHeaders(wrong func(string, ...any)) {
	csp := b.header.Get("Content-Security-Policy")
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
		if got, _, _ := strings.Cut(b.header.Get(name), ", no-transform"); got != want { // said of answers besides
			wrong("%s: got %q, want %q", name, got, want)
		}
	}
}

// isRoute reports whether an address is that of a page of ours.
func isRoute(method, address string) bool {
	u, err := url.Parse(address)
	if err != nil {
		return false
	}
	mux := http.NewServeMux()
	for _, r := range web.Routes() {
		mux.HandleFunc(r.Pattern, func(http.ResponseWriter, *http.Request) {})
	}
	_, pattern := mux.Handler(&http.Request{Method: method, URL: u, Host: "x"})
	return pattern != ""
}

// actions returns the actions of the entries since there were so many.
func (s *site) actions(since int) []string {
	s.tb.Helper()
	var all []string
	for _, e := range s.Entries()[since:] {
		all = append(all, e.Action+" "+e.Outcome)
	}
	return all
}

// wantEntries checks which entries an act leaves.
func (s *site) wantEntries(since int, want ...string) {
	s.tb.Helper()
	if got := s.actions(since); !slices.Equal(got, want) {
		s.tb.Errorf("got entries %q, want %q", got, want)
	}
}

func (s *site) lastOf(action string) audit.Entry {
	s.tb.Helper()
	for _, e := range slices.Backward(s.Entries()) {
		if e.Action == action {
			return e
		}
	}
	s.tb.Fatalf("no entry of %s", action)
	return audit.Entry{}
}
