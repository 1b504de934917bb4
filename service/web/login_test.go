package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"cpis/service/identity"
	"cpis/service/web/webtest"
)

func TestLogIn_ComesBackToTheOwnHome(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	before := len(s.Entries())
	b := s.As("lead").Want(http.StatusOK, "/home", "What needs you today")
	s.WantEntries(before, "log_in done", "read_work done")
	e := s.LastOf("log_in")
	if e.Actor != "555021935103" || e.Organisation != "E09000019" || e.Role != "safeguarding_lead" || e.From != "203.0.113.0/24" || !strings.HasPrefix(e.Procedure, "GET /log-in/") {
		t.Errorf("got entry %+v", e)
	}
	if who := b.Doc.Find(".nhsuk-header__account").Text(); !strings.Contains(who, "LINDQVIST Grace (Ms)") || !strings.Contains(who, "Safeguarding lead") {
		t.Errorf("the header says %q", who)
	}
	b.Get("/").Want(http.StatusOK, "/home", "What needs you today")
}

func TestLogIn_OfEveryKindOfPerson(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
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
		b := s.As(key).Want(want.status, want.path, want.heading)
		if key == "no-role" {
			s.WantEntries(before, "log_in denied")
			b.Get("/notices").Want(http.StatusOK, "/", "Child protection information sharing")
			continue
		}
		s.WantEntries(before, "log_in done")
	}
}

func TestRole_IsChosenWithANewSession(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	b := s.Browser()
	b.Get("/notices?open=1").Want(http.StatusOK, "/", "Child protection information sharing")
	b.LogIn("two-roles")
	b.Want(http.StatusOK, "/role", "Choose your role")
	old := cookie(b)
	b.Submit("/role", nil).Want(http.StatusUnprocessableEntity, "/role", "Choose your role")
	if problem := b.Doc.Find(".nhsuk-error-summary a").AttrOr("href", ""); problem == "" || b.Doc.Find(problem).Length() != 1 {
		t.Errorf("the summary leads to %q", problem)
	}
	before := len(s.Entries())
	b.Submit("/role", map[string]string{"role": "1"}).Want(http.StatusForbidden, "/notices", "You cannot do this here")
	s.WantEntries(before, "choose_role done")
	if cookie(b) == old {
		t.Error("the session kept its id")
	}
	b.Get("/role").Submit("/role", map[string]string{"role": "0"}).Want(http.StatusOK, "/home", "What you can do here")

	many := s.As("six-roles").Get("/role?q=hackney")
	if n := many.Doc.Find(`input[name="role"]`).Length(); n != 1 {
		t.Errorf("%d roles are called Hackney", n)
	}
	many.Get("/role?q=nowhere").Want(http.StatusOK, "/role", "Choose your role")
}

// cookie is what the browser holds of its session.
func cookie(b *webtest.Browser) string {
	b.TB.Helper()
	u, err := url.Parse(b.URL)
	b.Must(err)
	for _, c := range b.Client.Jar.Cookies(u) {
		if c.Name == "__Host-cpis" {
			return c.Value
		}
	}
	return ""
}

func TestConfirm_ComesBackToTheSameFormWithWhatWasTyped(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	b := s.As("step-up-lead")
	b.Get("/contacts").Want(http.StatusOK, "/contacts", "Contacts")
	b.Get("/contacts/change").Want(http.StatusOK, "/confirm", "This needs your stronger log-in")
	// As if the level had lapsed while it was typed.
	b.Send(http.MethodPost, "/contacts/change", url.Values{"office": {"020 7527 7499"}, "hours": {"Mon-Fri 09:00-17:00"}}, nil)
	b.Want(http.StatusOK, "/confirm", "This needs your stronger log-in")
	old, before := cookie(b), len(s.Entries())
	b.Follow("Continue to")
	b.Be("step-up-lead")
	b.Want(http.StatusOK, "/contacts/change", "Change your contact numbers")
	if got := b.Doc.Find("#office").AttrOr("value", ""); got != "020 7527 7499" {
		t.Errorf("the form says %q", got)
	}
	if cookie(b) == old {
		t.Error("the session kept its id")
	}
	s.WantEntries(before, "log_in done", "read_contacts done")
	if e := s.LastOf("log_in"); e.Assurance != 3 {
		t.Errorf("got entry %+v", e)
	}
}

func TestConfirm_SaysSoIfItIsNotStrongEnoughOrSomebodyElse(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	b := s.As("level-2-lead")
	b.Get("/contacts/change").Follow("Continue to")
	b.Be("level-2-lead")
	b.Want(http.StatusOK, "/confirm", "This needs your stronger log-in")
	if !strings.Contains(b.Doc.Find("main").Text(), "was not strong enough") {
		t.Error("the page does not say that it was not strong enough")
	}
	b.Follow("Continue to")
	b.Be("lead")
	b.Want(http.StatusForbidden, "/log-in/demonstration/back", "Somebody else logged in")
}

func TestLogOut_EndsItHereAndAtTheProvider(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	b := s.As("lead")
	old, before := cookie(b), len(s.Entries())
	b.Submit("/log-out", nil).Want(http.StatusOK, "/logged-out", "You are logged out")
	s.WantEntries(before, "log_out done")
	if cookie(b) != "" {
		t.Error("the browser still holds the session")
	}
	b.Get("/notices").Want(http.StatusOK, "/", "Child protection information sharing")
	b.Send(http.MethodGet, "/notices", nil, http.Header{"Cookie": {"__Host-cpis=" + old}}).Want(http.StatusOK, "/", "Child protection information sharing")
}

func TestLogOut_BeforeARoleIsChosen(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	b := s.As("two-roles")
	before := len(s.Entries())
	b.Submit("/log-out", nil).Want(http.StatusOK, "/logged-out", "You are logged out")
	s.WantEntries(before, "log_out done")
	b.Get("/").LogIn("six-roles")
	b.Get("/log-in/demonstration").Be("lead") // without logging out
	b.Want(http.StatusOK, "/home", "What needs you today")
}

func TestLogOut_AtTheProviderEndsItHere(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	b, other := s.As("lead"), s.As("nurse")
	before := len(s.Entries())
	s.Must(s.Provider.SignOut(t.Context(), "lead"))
	s.WantEntries(before, "log_out done")
	b.Get("/home").Want(http.StatusOK, "/", "Child protection information sharing")
	other.Get("/home").Want(http.StatusOK, "/home", "What you can do here")

	token, err := s.Provider.Token("nurse")
	s.Must(err)
	forged := s.Browser()
	for name, forgery := range map[string]string{"none": "", "an access token": token, "nonsense": "a.b.c"} {
		forged.Send(http.MethodPost, "/log-out/demonstration", url.Values{"logout_token": {forgery}}, nil)
		if forged.Status != http.StatusBadRequest {
			t.Errorf("%s: got %d", name, forged.Status)
		}
	}
	other.Get("/home").Want(http.StatusOK, "/home", "What you can do here")
}

func TestSession_EndsIdleAndKeepsWhatWasTyped(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	b := s.As("lead")
	b.Get("/contacts/change")
	s.Clock.Advance(14 * time.Minute)
	b.Get("/session").Want(http.StatusOK, "/session", "Time left") // asking is not doing
	s.Clock.Advance(2 * time.Minute)
	b.Send(http.MethodPost, "/contacts/change", url.Values{"office": {"020 7527 7498"}}, nil)
	b.Want(http.StatusOK, "/", "Child protection information sharing")
	if !strings.Contains(b.Doc.Find("main").Text(), "What you had typed is kept") {
		t.Error("the page does not say that it is kept")
	}
	b.LogIn("lead")
	b.Want(http.StatusOK, "/contacts/change", "Change your contact numbers")
	if got := b.Doc.Find("#office").AttrOr("value", ""); got != "020 7527 7498" {
		t.Errorf("the form says %q", got)
	}
	s.Clock.Advance(14 * time.Minute)
	b.Get("/session").Submit("/session", nil).Want(http.StatusOK, "/home", "What needs you today")
	s.Clock.Advance(14 * time.Minute)
	b.Get("/home").Want(http.StatusOK, "/home", "What needs you today")
}

// Whoever plants a cookie in somebody's browser does not get their session.
func TestSession_IsNotFixed(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	attacker := s.As("nurse")
	planted := cookie(attacker)
	victim := s.Browser()
	u, err := url.Parse(s.URL)
	s.Must(err)
	victim.Client.Jar.SetCookies(u, []*http.Cookie{{Name: "__Host-cpis", Value: planted, Secure: true, Path: "/"}})
	victim.Get("/log-in/demonstration")
	victim.Be("lead")
	victim.Want(http.StatusOK, "/home", "What needs you today")
	if cookie(victim) == planted {
		t.Fatal("the planted id became the victim's")
	}
	attacker.Get("/home").Want(http.StatusOK, "/", "Child protection information sharing") // and it ended
}

func TestLogIn_IsOfTheBrowserThatBeganIt(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	attacker, victim := s.Browser(), s.Browser()
	attacker.Client.CheckRedirect = func(r *http.Request, _ []*http.Request) error {
		if strings.HasSuffix(r.URL.Path, "/back") {
			return http.ErrUseLastResponse
		}
		return nil
	}
	attacker.Get("/log-in/demonstration")
	attacker.Be("lead")
	back := attacker.Header.Get("Location")
	victim.Get(back).Want(http.StatusForbidden, "/log-in/demonstration/back", "You are not logged in")
	if len(s.Strangers) != 1 || s.Strangers[0] != identity.Expired {
		t.Errorf("got strangers %q", s.Strangers)
	}
	victim.Follow("Log in again")
	victim.Be("nurse")
	victim.Want(http.StatusOK, "/home", "What you can do here")
}

func TestLogIn_LeadsToPagesOfOursAlone(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	for _, to := range []string{
		"https://evil.example/", "//evil.example/", "/\\evil.example", "/log-in/demonstration", "/logged-out", "javascript:alert(1)", "/nowhere",
		"/notices\r\nSet-Cookie: a=b", "http:notices", "/notices#x", "/" + strings.Repeat("x", 600),
	} {
		b := s.Browser()
		b.Get("/?to=" + url.QueryEscape(to))
		b.LogIn("lead")
		b.Want(http.StatusOK, "/home", "What needs you today")
	}
	b := s.Browser()
	b.Get("/?to=" + url.QueryEscape("/notices?open=1"))
	b.LogIn("lead")
	if b.Want(http.StatusOK, "/notices", "Notices"); b.At.RawQuery != "open=1" {
		t.Errorf("came back to %s", b.At)
	}
}

func TestDoor_RefusesWhatOtherSitesSend(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	b := s.As("lead")
	before := len(s.Entries())
	for name, header := range map[string]http.Header{
		"cross-site": {"Sec-Fetch-Site": {"cross-site"}}, "same-site": {"Sec-Fetch-Site": {"same-site"}},
		"origin": {"Sec-Fetch-Site": {}, "Origin": {"https://evil.example"}}, "no origin": {"Sec-Fetch-Site": {}, "Origin": {"null"}},
	} {
		b.Send(http.MethodPost, "/contacts/confirm", url.Values{"version": {"1"}}, header)
		if b.Status != http.StatusForbidden {
			t.Errorf("%s: got %d", name, b.Status)
		}
	}
	b.Send(http.MethodGet, "/notices", nil, http.Header{"Sec-Purpose": {"prefetch"}})
	if b.Status != http.StatusServiceUnavailable {
		t.Errorf("prefetching: got %d", b.Status)
	}
	s.WantEntries(before)
}
