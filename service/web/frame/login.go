package frame

import (
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"net/http"

	"golang.org/x/oauth2"

	"cpis/service/guard"
	"cpis/service/identity"
	"cpis/service/session"
	"cpis/service/web/nhsuk"
	"cpis/service/web/words"
)

// startPage says what this is, and offers ways to log in.
type startPage struct {
	Page

	Heading nhsuk.Heading
	Ended   nhsuk.InsetText
	LogIns  []nhsuk.Button
}

// showStart is the first page. Whoever is logged in goes to their own.
func showStart(v *Visit) error {
	to := v.back(v.R.URL.Query().Get("to"))
	if v.Session != nil {
		if to == "" {
			to = "/home"
		}
		return v.To(to)
	}
	name := words.In(words.English).Shell.Service
	page := &startPage{Page: Page{Title: name}, Heading: Heading(name)}
	if v.R.URL.Query().Get("ended") != "" {
		page.Ended.Text = "You were logged out. What you had typed is kept for you for 12 hours: log in again to go on."
	}
	for _, l := range v.People.LogIns() {
		page.LogIns = append(page.LogIns, nhsuk.Button{
			Text: "Log in with " + l.Name, Href: withTo("/log-in/"+l.Path, to), Variant: nhsuk.LogIn,
		})
	}
	return v.Show(http.StatusOK, "start", page)
}

// beginLogIn sends somebody to their identity provider.
func beginLogIn(v *Visit) error {
	o := v.providers[v.R.PathValue("provider")]
	if o == nil {
		return ErrNoPage
	}
	q := v.R.URL.Query()
	a := session.Attempt{
		Provider: o.Path, State: rand.Text(), Nonce: rand.Text(), Verifier: oauth2.GenerateVerifier(),
		To: v.back(q.Get("to")), Confirms: q.Get("confirm") != "" && v.Session != nil && v.Session.Provider == o.Path,
	}
	address, err := o.address(v.R.Context(), sent{a.State, a.Nonce, a.Verifier, a.Confirms && o.StrongerACR != ""})
	if err != nil {
		return err
	}
	kept, err := v.Sessions.Begin(a)
	if err != nil {
		return err
	}
	v.setCookie(v.attemptCookie(a.State), kept, int(attemptTime.Seconds()))
	v.send(address)
	return nil
}

// failedLogInError says why nobody was logged in.
type failedLogInError struct {
	to       string
	provider string
	why      identity.Reason // for metrics and the log
}

// Error says that nobody was logged in.
func (*failedLogInError) Error() string { return "log-in failed" }

// endLogIn takes what the provider answered, once.
func endLogIn(v *Visit) error {
	q := v.R.URL.Query()
	o := v.providers[v.R.PathValue("provider")]
	a, err := attemptOf(v, q.Get("state"))
	switch {
	case o == nil:
		return ErrNoPage
	case err != nil || a.Provider != o.Path:
		return &failedLogInError{provider: o.Path, why: identity.Expired}
	case q.Has("iss") && subtle.ConstantTimeCompare([]byte(q.Get("iss")), []byte(o.URL)) != 1: // RFC 9207
		return &failedLogInError{a.To, o.Path, identity.UnknownIssuer}
	case q.Get("code") == "":
		return &failedLogInError{a.To, o.Path, identity.Missing}
	}
	who, err := o.exchange(v.R.Context(), q.Get("code"), a.Nonce, a.Verifier)
	if errors.Is(err, errNotVouched) {
		return &failedLogInError{a.To, o.Path, identity.Signature}
	}
	if err != nil {
		return err
	}
	found, err := v.People.Somebody(o.URL, who.claims, who.userInfo)
	if err != nil {
		return &failedLogInError{a.To, o.Path, identity.ReasonOf(err)}
	}
	return welcome(v, o, &a, who, found)
}

// attemptOf returns the log-in that a browser has begun, and has it forget that.
func attemptOf(v *Visit, state string) (session.Attempt, error) {
	name := v.attemptCookie(state)
	cookie, err := v.R.Cookie(name)
	if err != nil {
		return session.Attempt{}, session.ErrEnded
	}
	v.setCookie(name, "", -1)
	return v.Sessions.Resume(cookie.Value, state)
}

// welcome begins a session for somebody, or confirms the one that there is.
func welcome(v *Visit, o *provider, a *session.Attempt, who *vouched, found *identity.Somebody) error {
	caller := found.Caller
	caller.Call = v.call()
	q := &session.LogInRequest{
		Login: session.Login{
			Issuer: o.URL, Subject: who.subject, SID: who.sid, IDToken: who.raw, Provider: o.Path,
		},
		Choices: found.Choices, Request: v.Request,
	}
	if a.Confirms {
		q.Replaces = v.Session
		if v.Session == nil {
			return &failedLogInError{a.To, o.Path, identity.Expired}
		}
	}
	opened, err := v.Sessions.LogIn(v.R.Context(), &caller, q)
	switch {
	case errors.Is(err, guard.ErrDenied):
		return v.To("/no-role?at=" + o.Path)
	case errors.Is(err, guard.ErrState):
		return errOtherPerson
	case err != nil:
		return err
	}
	if old := v.Session; old != nil && !a.Confirms { // nobody is two people in one browser
		if _, err := v.Sessions.LogOut(v.R.Context(), v.Caller(), &session.LogOutRequest{Session: old, Request: v.Request}); err != nil {
			return err
		}
	}
	return enterWith(v, opened, a)
}

// errOtherPerson says that somebody else confirmed a session than whose it is.
var errOtherPerson = errors.New("somebody else logged in")

// enterWith hands a session to the browser, and sends it on.
func enterWith(v *Visit, o *session.Opened, a *session.Attempt) error {
	v.setCookie(v.cookieName(), o.Token, 0)
	v.Session = o.Session
	to := a.To
	if to == "" {
		to = "/home"
	}
	switch {
	case !o.Session.Chosen():
		return v.To(withTo("/role", a.To))
	case a.Confirms && o.Session.Caller.Assurance < 3:
		return v.To(withTo("/confirm?again=1", a.To))
	}
	return v.To(to)
}

// noRolePage says whom to ask for a role.
type noRolePage struct {
	Page

	Heading nhsuk.Heading
	Help    nhsuk.InsetText
}

// showNoRole is where whoever has no role here ends.
func showNoRole(v *Visit) error {
	page := &noRolePage{Page: Page{Title: "You have no role here"}, Heading: Heading("You have no role here")}
	if o := v.providers[v.R.URL.Query().Get("at")]; o != nil {
		page.Help.Text = o.Help
	}
	return v.Show(http.StatusForbidden, "no_role", page)
}

// confirmPage asks for a stronger log-in.
type confirmPage struct {
	Page

	Again bool // it was not strong enough
	Can   bool // the provider knows a stronger one
	Go    nhsuk.Button
}

// showConfirm explains why a stronger log-in is needed, and leads to it.
func showConfirm(v *Visit) error {
	to := v.back(v.R.URL.Query().Get("to"))
	if level := v.Session.Caller.Assurance; level == 0 || level >= 3 {
		if to == "" {
			to = "/home"
		}
		return v.To(to)
	}
	o := v.providers[v.Session.Provider]
	page := &confirmPage{
		Page: Page{Title: "This needs your stronger log-in"}, Again: v.R.URL.Query().Get("again") != "", Can: o.StrongerACR != "",
		Go: nhsuk.Button{Text: "Continue to " + o.Name, Href: withTo("/log-in/"+o.Path+"?confirm=1", to)},
	}
	return v.Show(http.StatusOK, "confirm", page)
}
