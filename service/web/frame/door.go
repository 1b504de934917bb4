package frame

import (
	"context"
	"errors"
	"net/http"
	"runtime/debug"
	"strings"

	"github.com/google/uuid"
	"github.com/rs/zerolog"

	"cpis/service/session"
	"cpis/service/web/assets"
)

// ServeHTTP is the door. In this order: request id, recovery, headers, cross-site
// requests, then session, role and level as the route says, and the page.
func (p *Pages) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.HasPrefix(r.URL.Path, assets.Root) {
		assets.Handler().ServeHTTP(w, r)
		return
	}
	v := &Visit{Pages: p, W: w, R: r, Request: uuid.NewString(), began: p.Now()}
	defer v.finish() //nolint:contextcheck // a visit has its request's
	p.protect(w.Header())
	w.Header().Set("X-Request-Id", v.Request)
	switch {
	case r.Header.Get("Sec-Purpose") != "" || r.Header.Get("Purpose") == "prefetch":
		v.Status = http.StatusServiceUnavailable // a page is an act: nobody did it yet
		w.WriteHeader(v.Status)
	case p.cross.Check(r) != nil:
		v.err = errCrossSite
	default:
		v.pass() //nolint:contextcheck // a visit has its request's
	}
}

// errCrossSite says that another site sent a form.
var errCrossSite = errors.New("sent by another site")

// ErrNoPage says that there is no such page, or none for who asks.
var ErrNoPage = errors.New("no such page")

// pass hands the request to its route.
func (v *Visit) pass() {
	if _, pattern := v.mux.Handler(v.R); pattern == "" {
		v.err = ErrNoPage
		return
	}
	v.mux.ServeHTTP(v.W, v.R.WithContext(context.WithValue(v.R.Context(), visitKey{}, v)))
}

// finish turns an error into its page, and logs the request: its route, and nothing
// of what it names.
func (v *Visit) finish() {
	if panicked := recover(); panicked != nil {
		v.Log.Error().Str("request", v.Request).Str("route", v.route.Pattern).Bytes("stack", debug.Stack()).Msg("a page panicked")
		v.err = errPanicked
	}
	if v.err != nil {
		v.fail(v.err)
	}
	level, failure := zerolog.InfoLevel, ""
	if v.Status >= http.StatusInternalServerError && v.err != nil {
		level, failure = zerolog.ErrorLevel, plainly(v.err)
	}
	v.Log.WithLevel(level).Str("error", failure).Str("route", v.route.Pattern).Int("status", v.Status).Str("request", v.Request).
		Float64("took", float64(v.Now().Sub(v.began).Microseconds())/1e3).Msg("page")
}

// errPanicked says that a page ended without being one.
var errPanicked = errors.New("a page panicked")

// protect sets what holds for everything that leaves.
func (p *Pages) protect(h http.Header) {
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; img-src 'self'; connect-src 'self'; manifest-src 'self'; "+
		"script-src 'self' '"+assets.SnippetHash+"'; form-action 'self'"+p.providerOrigins()+
		"; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
	if p.secure {
		h.Set("Strict-Transport-Security", "max-age=31536000; includeSubDomains")
	}
}

// enter lets a visit into its route, or says where else to go.
func (v *Visit) enter() error {
	if v.route.Plain {
		return v.route.Serve(v)
	}
	err := v.findSession()
	switch {
	case v.route.Who == Open:
		if v.Session != nil && !v.route.Quiet {
			_ = v.Sessions.Touch(v.R.Context(), v.Session) // the page needs no session
		}
		return v.route.Serve(v)
	case err != nil:
		return err
	case v.Session == nil:
		return v.askToLogIn()
	}
	if err := v.admit(); err != nil || v.Status != 0 {
		return err
	}
	if !v.route.Quiet {
		if err := v.Sessions.Touch(v.R.Context(), v.Session); err != nil {
			return err
		}
	}
	if v.R.Method == http.MethodPost && !v.route.Streams {
		if err := v.readForm(); err != nil {
			return err
		}
	}
	return v.route.Serve(v)
}

// findSession finds who is logged in. Whose organisation is not known any more, or
// whose provider, is logged in no longer.
func (v *Visit) findSession() error {
	cookie, err := v.R.Cookie(v.cookieName())
	if err != nil {
		return nil //nolint:nilerr // no cookie, nobody
	}
	v.token = cookie.Value
	found, err := v.Sessions.Find(v.R.Context(), v.token)
	switch {
	case errors.Is(err, session.ErrEnded):
		v.ended = found
		return nil
	case err != nil:
		return err
	}
	if known := !found.Chosen() || v.People.Place(&found.Caller) == nil; known && v.providers[found.Provider] != nil {
		v.Session = found
	}
	return nil
}

// askToLogIn sends somebody to the way in, and keeps what they sent for them.
func (v *Visit) askToLogIn() error {
	to := v.back(v.R.URL.RequestURI())
	if v.R.Method != http.MethodGet {
		if to = v.back(v.R.URL.Path); to != "" && v.ended != nil {
			if err := v.keepTyped(session.OwnerOf(&v.ended.Caller)); err != nil {
				return err
			}
		}
	}
	start := "/"
	if v.token != "" {
		start = "/?ended=1"
	}
	return v.To(withTo(start, to))
}

// admit sees to it that somebody acts in a role that the page is for, and is known
// strongly enough for it.
func (v *Visit) admit() error {
	if v.route.Who == Anybody {
		return nil
	}
	if !v.Session.Chosen() {
		return v.To(withTo("/role", v.back(v.R.URL.RequestURI())))
	}
	if v.route.Who != Everyone && !v.Is(v.route.Who) {
		return errNotForRole
	}
	if level := v.Session.Caller.Assurance; level != 0 && level < v.route.Level {
		return v.askToConfirm()
	}
	return nil
}

// errNotForRole says that a page is for another role.
var errNotForRole = errors.New("the page is for another role")

// askToConfirm sends somebody to a stronger log-in, from which they come back to the
// same page with what they had typed.
func (v *Visit) askToConfirm() error {
	to := v.back(v.R.URL.RequestURI())
	if v.R.Method != http.MethodGet {
		to = v.back(v.R.URL.Path)
		if err := v.keepTyped(v.Owner()); err != nil {
			return err
		}
	}
	return v.To(withTo("/confirm", to))
}
