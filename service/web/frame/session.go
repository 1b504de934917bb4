package frame

import (
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"cpis/service/session"
	"cpis/service/web/nhsuk"
	"cpis/service/web/words"
)

// attemptTime is how long a browser keeps that a log-in has begun.
const attemptTime = 10 * time.Minute

// cookieName is that of the session's cookie. What begins with __Host- browsers take
// from this host alone, by https.
func (p *Pages) cookieName() string {
	if p.secure {
		return "__Host-cpis"
	}
	return "cpis"
}

// attemptCookie is that of a log-in that has begun: each its own, so that several
// tabs can.
func (p *Pages) attemptCookie(state string) string {
	short := strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' || r >= '2' && r <= '7' {
			return r
		}
		return -1
	}, state)
	return p.cookieName() + "-log-in-" + short[:min(len(short), 12)]
}

// setCookie sets a cookie for some seconds, until the browser is closed (0), or never
// again (-1).
func (v *Visit) setCookie(name, value string, seconds int) {
	http.SetCookie(v.W, &http.Cookie{ //nolint:gosec // secure but on this machine, where there is no https
		Name: name, Value: value, Path: "/", MaxAge: seconds, Secure: v.secure, HttpOnly: true,
		SameSite: http.SameSiteLaxMode, // strict ones are not sent on the way back from the provider
	})
}

// logOut ends the session, here and at the provider.
func logOut(v *Visit) error {
	_, err := v.Sessions.LogOut(v.R.Context(), v.Caller(), &session.LogOutRequest{Session: v.Session, Request: v.Request})
	if err != nil {
		return err
	}
	v.forget()
	if o := v.providers[v.Session.Provider]; o != nil {
		if address := o.logOutAddress(v.R.Context(), v.Session.IDToken, v.origin+"/logged-out"); address != "" {
			v.send(address)
			return nil
		}
	}
	return v.To("/logged-out")
}

// forget has the browser forget the session and whatever it showed. The change of the
// cookie is what keeps pages out of the browser's own memory of where it was.
func (v *Visit) forget() {
	v.setCookie(v.cookieName(), "", -1)
	v.W.Header().Set("Clear-Site-Data", `"cache", "storage"`)
}

// plainPage says something, under a heading.
type plainPage struct {
	Page

	Heading nhsuk.Heading
}

// showLoggedOut is where people come who have logged out, here or at the provider.
func showLoggedOut(v *Visit) error {
	if _, err := v.R.Cookie(v.cookieName()); err == nil {
		v.forget()
	}
	return v.Show(http.StatusOK, "logged_out", &plainPage{Page{Title: "You are logged out"}, Heading("You are logged out")})
}

// logOutByProvider is told by an identity provider that somebody has logged out
// there (OpenID Connect Back-Channel Logout).
func logOutByProvider(v *Visit) error {
	o := v.providers[v.R.PathValue("provider")]
	if o == nil {
		return ErrNoPage
	}
	if err := v.readForm(); err != nil {
		return err
	}
	known, err := o.ask(v.R.Context())
	if err != nil {
		return err
	}
	token, err := known.verifier.VerifyLogout(v.R.Context(), v.R.PostForm.Get("logout_token"))
	if err != nil {
		v.Status = http.StatusBadRequest
		v.W.Header().Set("Content-Type", "application/json")
		v.W.WriteHeader(v.Status)
		_, _ = v.W.Write([]byte(`{"error":"invalid_request"}`))
		return nil //nolint:nilerr // it was answered
	}
	_, err = v.Sessions.End(v.R.Context(), &session.EndRequest{
		Issuer: o.URL, Subject: token.Subject, SID: token.SessionID, From: v.From(v.R), Request: v.Request, Provider: v.route.Pattern,
	})
	if err != nil {
		return err
	}
	v.Status = http.StatusOK
	v.W.WriteHeader(v.Status)
	return nil
}

// timeLeftPage says when the session ends.
type timeLeftPage struct {
	Page

	Heading  nhsuk.Heading
	IdleEnd  string
	End      string
	Stay     nhsuk.Button
	ReturnTo string
}

// showTimeLeft says when the session ends. To ask is not to do something.
func showTimeLeft(v *Visit) error {
	if strings.Contains(v.R.Header.Get("Accept"), "application/json") {
		body, err := json.Marshal(map[string]any{"idle_end": v.Session.IdleEnd, "end": v.Session.End(), "seconds_left": v.timeLeft()})
		if err != nil {
			return err
		}
		v.W.Header().Set("Content-Type", "application/json")
		v.Status = http.StatusOK
		_, _ = v.W.Write(body)
		return nil
	}
	return v.Show(http.StatusOK, "session", &timeLeftPage{
		Page: Page{Title: "Time left"}, Heading: Heading("Time left"),
		IdleEnd: words.English.Clock(v.Session.IdleEnd), End: words.English.Clock(v.Session.End()), Stay: nhsuk.Button{Text: "Stay logged in", PreventDoubleClick: true},
		ReturnTo: v.back(refererPath(v.R)),
	})
}

// timeLeft is how long the session lasts if nothing is done, in seconds.
func (v *Visit) timeLeft() int { return int(v.Session.IdleEnd.Sub(v.Now()).Seconds()) }

// stay is something done in the session, and nothing else.
func stay(v *Visit) error {
	if err := v.Sessions.Keep(v.R.Context(), v.Session); err != nil {
		return err
	}
	to := v.back(v.R.PostForm.Get("to"))
	if to == "" {
		to = "/home"
	}
	return v.To(to)
}

// refererPath is the page that somebody comes from, if it is one of ours.
func refererPath(r *http.Request) string {
	_, after, _ := strings.Cut(r.Referer(), "//")
	host, path, _ := strings.Cut(after, "/")
	if host != r.Host {
		return ""
	}
	return "/" + path
}
