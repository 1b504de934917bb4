package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"cpis/service/identity"
)

func TestLogIn_ComesBackToTheOwnHome(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	before := len(s.Entries())
	b := s.as("lead").want(http.StatusOK, "/home", "What you can do here")
	s.wantEntries(before, "log_in done")
	e := s.lastOf("log_in")
	if e.Actor != "555021935103" || e.Organisation != "E09000019" || e.Role != "safeguarding_lead" || e.From != "203.0.113.0/24" || !strings.HasPrefix(e.Procedure, "GET /log-in/") {
		t.Errorf("got entry %+v", e)
	}
	if who := b.doc.Find(".nhsuk-header__account").Text(); !strings.Contains(who, "LINDQVIST Grace (Ms)") || !strings.Contains(who, "Safeguarding lead") {
		t.Errorf("the header says %q", who)
	}
	b.get("/").want(http.StatusOK, "/home", "What you can do here")
}

func TestLogIn_OfEveryKindOfPerson(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for key, want := range map[string]struct {
		status        int
		path, heading string
	}{
		"nurse":         {http.StatusOK, "/home", "What you can do here"},
		"gp":            {http.StatusOK, "/home", "What you can do here"},
		"privacy":       {http.StatusOK, "/home", "What you can do here"},
		"auditor":       {http.StatusOK, "/home", "What you can do here"},
		"administrator": {http.StatusOK, "/home", "What you can do here"},
		"two-roles":     {http.StatusOK, "/role", "Choose your role"},
		"six-roles":     {http.StatusOK, "/role", "Choose your role"},
		"no-role":       {http.StatusForbidden, "/no-role", "You have no role here"},
	} {
		before := len(s.Entries())
		b := s.as(key).want(want.status, want.path, want.heading)
		if key == "no-role" {
			s.wantEntries(before, "log_in denied")
			b.get("/notices").want(http.StatusOK, "/", "Child protection information sharing")
			continue
		}
		s.wantEntries(before, "log_in done")
	}
}

func TestRole_IsChosenWithANewSession(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := s.browser()
	b.get("/notices?open=1").want(http.StatusOK, "/", "Child protection information sharing")
	b.logIn("two-roles")
	b.want(http.StatusOK, "/role", "Choose your role")
	old := b.cookie()
	b.submit("/role", nil).want(http.StatusUnprocessableEntity, "/role", "Choose your role")
	if problem := b.doc.Find(".nhsuk-error-summary a").AttrOr("href", ""); problem == "" || b.doc.Find(problem).Length() != 1 {
		t.Errorf("the summary leads to %q", problem)
	}
	before := len(s.Entries())
	b.submit("/role", map[string]string{"role": "1"}).want(http.StatusForbidden, "/notices", "You cannot do this here")
	s.wantEntries(before, "choose_role done")
	if b.cookie() == old {
		t.Error("the session kept its id")
	}
	b.get("/role").submit("/role", map[string]string{"role": "0"}).want(http.StatusOK, "/home", "What you can do here")

	many := s.as("six-roles").get("/role?q=hackney")
	if n := many.doc.Find(`input[name="role"]`).Length(); n != 1 {
		t.Errorf("%d roles are called Hackney", n)
	}
	many.get("/role?q=nowhere").want(http.StatusOK, "/role", "Choose your role")
}

// cookie is what the browser holds of its session.
func (b *browser) cookie() string {
	b.tb.Helper()
	u, err := url.Parse(b.url)
	b.must(err)
	for _, c := range b.client.Jar.Cookies(u) {
		if c.Name == "__Host-cpis" {
			return c.Value
		}
	}
	return ""
}

func TestConfirm_ComesBackToTheSameFormWithWhatWasTyped(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := s.as("step-up-lead")
	b.get("/contacts").want(http.StatusOK, "/contacts", "Contacts")
	b.get("/contacts/change").want(http.StatusOK, "/confirm", "This needs your stronger log-in")
	// As if the level had lapsed while it was typed.
	b.send(http.MethodPost, "/contacts/change", url.Values{"office": {"020 7527 7499"}, "hours": {"Mon-Fri 09:00-17:00"}}, nil)
	b.want(http.StatusOK, "/confirm", "This needs your stronger log-in")
	old, before := b.cookie(), len(s.Entries())
	b.follow("Continue to")
	b.be("step-up-lead")
	b.want(http.StatusOK, "/contacts/change", "Change your contact numbers")
	if got := b.doc.Find("#office").AttrOr("value", ""); got != "020 7527 7499" {
		t.Errorf("the form says %q", got)
	}
	if b.cookie() == old {
		t.Error("the session kept its id")
	}
	s.wantEntries(before, "log_in done", "read_contacts done")
	if e := s.lastOf("log_in"); e.Assurance != 3 {
		t.Errorf("got entry %+v", e)
	}
}

func TestConfirm_SaysSoIfItIsNotStrongEnoughOrSomebodyElse(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := s.as("level-2-lead")
	b.get("/contacts/change").follow("Continue to")
	b.be("level-2-lead")
	b.want(http.StatusOK, "/confirm", "This needs your stronger log-in")
	if !strings.Contains(b.doc.Find("main").Text(), "was not strong enough") {
		t.Error("the page does not say that it was not strong enough")
	}
	b.follow("Continue to")
	b.be("lead")
	b.want(http.StatusForbidden, "/log-in/demonstration/back", "Somebody else logged in")
}

func TestLogOut_EndsItHereAndAtTheProvider(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := s.as("lead")
	old, before := b.cookie(), len(s.Entries())
	b.submit("/log-out", nil).want(http.StatusOK, "/logged-out", "You are logged out")
	s.wantEntries(before, "log_out done")
	if b.cookie() != "" {
		t.Error("the browser still holds the session")
	}
	b.get("/notices").want(http.StatusOK, "/", "Child protection information sharing")
	b.send(http.MethodGet, "/notices", nil, http.Header{"Cookie": {"__Host-cpis=" + old}}).want(http.StatusOK, "/", "Child protection information sharing")
}

func TestLogOut_BeforeARoleIsChosen(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := s.as("two-roles")
	before := len(s.Entries())
	b.submit("/log-out", nil).want(http.StatusOK, "/logged-out", "You are logged out")
	s.wantEntries(before, "log_out done")
	b.get("/").logIn("six-roles")
	b.get("/log-in/demonstration").be("lead") // without logging out
	b.want(http.StatusOK, "/home", "What you can do here")
}

func TestLogOut_AtTheProviderEndsItHere(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b, other := s.as("lead"), s.as("nurse")
	before := len(s.Entries())
	s.must(s.provider.SignOut(t.Context(), "lead"))
	s.wantEntries(before, "log_out done")
	b.get("/home").want(http.StatusOK, "/", "Child protection information sharing")
	other.get("/home").want(http.StatusOK, "/home", "What you can do here")

	token, err := s.provider.Token("nurse")
	s.must(err)
	forged := s.browser()
	for name, forgery := range map[string]string{"none": "", "an access token": token, "nonsense": "a.b.c"} {
		forged.send(http.MethodPost, "/log-out/demonstration", url.Values{"logout_token": {forgery}}, nil)
		if forged.status != http.StatusBadRequest {
			t.Errorf("%s: got %d", name, forged.status)
		}
	}
	other.get("/home").want(http.StatusOK, "/home", "What you can do here")
}

func TestSession_EndsIdleAndKeepsWhatWasTyped(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := s.as("lead")
	b.get("/contacts/change")
	s.Clock.Advance(14 * time.Minute)
	b.get("/session").want(http.StatusOK, "/session", "Time left") // asking is not doing
	s.Clock.Advance(2 * time.Minute)
	b.send(http.MethodPost, "/contacts/change", url.Values{"office": {"020 7527 7498"}}, nil)
	b.want(http.StatusOK, "/", "Child protection information sharing")
	if !strings.Contains(b.doc.Find("main").Text(), "What you had typed is kept") {
		t.Error("the page does not say that it is kept")
	}
	b.logIn("lead")
	b.want(http.StatusOK, "/contacts/change", "Change your contact numbers")
	if got := b.doc.Find("#office").AttrOr("value", ""); got != "020 7527 7498" {
		t.Errorf("the form says %q", got)
	}
	s.Clock.Advance(14 * time.Minute)
	b.get("/session").submit("/session", nil).want(http.StatusOK, "/home", "What you can do here")
	s.Clock.Advance(14 * time.Minute)
	b.get("/home").want(http.StatusOK, "/home", "What you can do here")
}

// Whoever plants a cookie in somebody's browser does not get their session.
func TestSession_IsNotFixed(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	attacker := s.as("nurse")
	planted := attacker.cookie()
	victim := s.browser()
	u, err := url.Parse(s.url)
	s.must(err)
	victim.client.Jar.SetCookies(u, []*http.Cookie{{Name: "__Host-cpis", Value: planted, Secure: true, Path: "/"}})
	victim.get("/log-in/demonstration")
	victim.be("lead")
	victim.want(http.StatusOK, "/home", "What you can do here")
	if victim.cookie() == planted {
		t.Fatal("the planted id became the victim's")
	}
	attacker.get("/home").want(http.StatusOK, "/", "Child protection information sharing") // and it ended
}

func TestLogIn_IsOfTheBrowserThatBeganIt(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	attacker, victim := s.browser(), s.browser()
	attacker.client.CheckRedirect = func(r *http.Request, _ []*http.Request) error {
		if strings.HasSuffix(r.URL.Path, "/back") {
			return http.ErrUseLastResponse
		}
		return nil
	}
	attacker.get("/log-in/demonstration")
	attacker.be("lead")
	back := attacker.header.Get("Location")
	victim.get(back).want(http.StatusForbidden, "/log-in/demonstration/back", "You are not logged in")
	if len(s.strangers) != 1 || s.strangers[0] != identity.Expired {
		t.Errorf("got strangers %q", s.strangers)
	}
	victim.follow("Log in again")
	victim.be("nurse")
	victim.want(http.StatusOK, "/home", "What you can do here")
}

func TestLogIn_LeadsToPagesOfOursAlone(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for _, to := range []string{
		"https://evil.example/", "//evil.example/", "/\\evil.example", "/log-in/demonstration", "/logged-out", "javascript:alert(1)", "/nowhere",
		"/notices\r\nSet-Cookie: a=b", "http:notices", "/notices#x", "/" + strings.Repeat("x", 600),
	} {
		b := s.browser()
		b.get("/?to=" + url.QueryEscape(to))
		b.logIn("lead")
		b.want(http.StatusOK, "/home", "What you can do here")
	}
	b := s.browser()
	b.get("/?to=" + url.QueryEscape("/notices?open=1"))
	b.logIn("lead")
	if b.want(http.StatusOK, "/notices", "Notices"); b.at.RawQuery != "open=1" {
		t.Errorf("came back to %s", b.at)
	}
}

func TestDoor_RefusesWhatOtherSitesSend(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := s.as("lead")
	before := len(s.Entries())
	for name, header := range map[string]http.Header{
		"cross-site": {"Sec-Fetch-Site": {"cross-site"}}, "same-site": {"Sec-Fetch-Site": {"same-site"}},
		"origin": {"Sec-Fetch-Site": {}, "Origin": {"https://evil.example"}}, "no origin": {"Sec-Fetch-Site": {}, "Origin": {"null"}},
	} {
		b.send(http.MethodPost, "/contacts/confirm", url.Values{"version": {"1"}}, header)
		if b.status != http.StatusForbidden {
			t.Errorf("%s: got %d", name, b.status)
		}
	}
	b.send(http.MethodGet, "/notices", nil, http.Header{"Sec-Purpose": {"prefetch"}})
	if b.status != http.StatusServiceUnavailable {
		t.Errorf("prefetching: got %d", b.status)
	}
	s.wantEntries(before)
}
