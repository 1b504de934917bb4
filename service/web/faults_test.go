package web_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/PuerkitoBio/goquery"
	"github.com/rs/zerolog"

	"cpis/policy"
	"cpis/service/domain"
	"cpis/service/guard"
	"cpis/service/identity"
	"cpis/service/servicetest"
	"cpis/service/web/frame"
	"cpis/service/web/webtest"
	"cpis/service/web/words"
)

func TestFaults_SayWhatToDoAndWhomToCall(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	b := s.As("nurse")
	for _, tt := range []struct {
		path    string
		status  int
		heading string
	}{
		{"/nowhere", http.StatusNotFound, "Page not found"},
		{"/notices", http.StatusForbidden, "You cannot do this here"},
		{"/help/refused/nonsense", http.StatusNotFound, "Page not found"},
		{"/log-in/nobody", http.StatusNotFound, "Page not found"},
	} {
		b.Get(tt.path).Want(tt.status, tt.path, tt.heading)
		if call := b.Doc.Find(`main a[href^="tel:"]`); call.Text() != servicetest.HubPhone || call.AttrOr("href", "") != "tel:+443000000000" {
			t.Errorf("%s does not say whom to call", tt.path)
		}
	}
	lead := s.As("lead")
	lead.Send(http.MethodPost, "/contacts/change", url.Values{"office": {strings.Repeat("x", 200_000)}}, nil)
	lead.Want(http.StatusRequestEntityTooLarge, "/contacts/change", "That is too much text")
}

// nobody is the people of pages to which nobody logs in.
type nobody struct{ frame.People }

func (nobody) LogIns() []identity.LogIn { return nil }

// failing are pages of which each fails in its own way.
func failing(t *testing.T, failures map[string]error) *frame.Pages {
	t.Helper()
	area := frame.Area{Templates: fstest.MapFS{}}
	for name, err := range failures {
		area.Routes = append(area.Routes, frame.Route{Pattern: "GET /" + name, Who: frame.Open, Plain: true, Serve: func(*frame.Visit) error { return err }})
	}
	pages, err := frame.New(frame.Config{
		URL: "https://cpis.test", People: nobody{}, Hub: domain.Hub{Name: "Hub", Phone: servicetest.HubPhone}, Now: time.Now, Log: zerolog.Nop(),
	}, area)
	if err != nil {
		t.Fatal(err)
	}
	return pages
}

// Whatever the policy refuses for, the page says why, and leads to what can be done. A
// reason without words is a page that says nothing.
func TestRefusals_SayWhyByTheRule(t *testing.T) {
	t.Parallel()
	failures := map[string]error{}
	for _, reason := range policy.Reasons() {
		failures[reason] = fmt.Errorf("look_up: %w", guard.Denied(policy.Decision{Rule: reason}))
	}
	pages := failing(t, failures)
	for reason := range failures {
		for _, language := range []words.Language{words.English, words.Welsh} {
			if why := words.In(language).Refused.Of(reason); len(why) != 2 {
				t.Errorf("%s says %q of %s", language, why, reason)
			}
		}
		page := fetch(t, pages, "/"+reason)
		why := words.In(words.English).Refused.Of(reason)
		if text := page.Find("main").Text(); !strings.Contains(text, why[0]) || !strings.Contains(text, why[1]) || !strings.Contains(text, servicetest.HubPhone) {
			t.Errorf("%s: the page says %q", reason, text)
		}
		if href := page.Find(`main a[href^="/help/refused/"]`).AttrOr("href", ""); href != "/help/refused/"+reason {
			t.Errorf("%s: the page leads to %q", reason, href)
		}
	}
}

// A refusal that is not in the log is no refusal yet: nobody is told its reason.
func TestRefusals_WithoutAnEntryAreNotTold(t *testing.T) {
	t.Parallel()
	failures := map[string]error{}
	for name, why := range map[string]error{
		"denied": guard.Denied(policy.Decision{Rule: policy.NoRule}), "invalid": &domain.InvalidError{}, "stale": &guard.StaleError{}, "gone": guard.ErrNotFound,
	} {
		failures[name] = errors.Join(why, guard.ErrUnrecorded)
	}
	pages := failing(t, failures)
	for name := range failures {
		if h1 := fetch(t, pages, "/"+name).Find("h1").Text(); h1 != "The service cannot answer just now" {
			t.Errorf("%s: the page says %q", name, h1)
		}
	}
}

func fetch(t *testing.T, pages *frame.Pages, path string) *goquery.Document {
	t.Helper()
	answer := httptest.NewRecorder()
	pages.ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
	doc, err := goquery.NewDocumentFromReader(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// Why a page is not for somebody is said as well, though the policy was not asked: the
// log has nothing of it, and the page says no such thing.
func TestRefusals_OfPagesForOtherRoles(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	b := s.As("nurse")
	before := len(s.Entries())
	b.Get("/notices").Follow("Why was this refused?").Want(http.StatusOK, "/help/refused/other_role", "Why this was refused")
	if text := b.Doc.Find("main").Text(); !strings.Contains(text, "another role") || strings.Contains(text, "is in the log") || !strings.Contains(text, "nothing about whether there is a flag") {
		t.Errorf("the page says %q", text)
	}
	if text := b.Get("/help/refused/not_own").Doc.Find("main").Text(); !strings.Contains(text, "is in the log") {
		t.Errorf("the page says %q", text)
	}
	s.WantEntries(before)
}

// The page that says whom to call answers when nothing else does.
func TestHelp_NeedsNoDatabase(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	b := s.As("lead")
	s.DB.Close()
	b.Get("/help/phone").Want(http.StatusOK, "/help/phone", "Who to call when this does not work")
	if b.Get("/notices"); b.Status < 500 {
		t.Errorf("got %d without a database", b.Status)
	}
	if text := b.Doc.Find("main").Text(); !strings.Contains(text, "This is not a “no”") {
		t.Errorf("the page says %q", text)
	}
}
