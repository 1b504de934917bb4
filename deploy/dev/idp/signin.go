package idp

import (
	"bytes"
	_ "embed"
	"html/template"
	"net/http"
	"net/url"
	"slices"

	"github.com/zitadel/oidc/v3/pkg/op"
)

//go:embed signin.html
var signInHTML string

//go:embed style.css
var styleCSS []byte

var signInTemplate = template.Must(template.New("signin").Parse(signInHTML))

// page is what the sign-in page shows.
type page struct {
	Request string // the sign-in that is under way, empty if there is none
	Message string // what went wrong, or right
	People  []Person
}

// signInPage shows who one can be.
func (p *Provider) signInPage(w http.ResponseWriter, r *http.Request) {
	id := r.URL.Query().Get("request")
	signIn, err := p.storage.signIn(id)
	if err != nil {
		p.show(w, http.StatusNotFound, "", page{Message: "This sign-in has ended. Go back to the application and start again."})
		return
	}
	people := slices.DeleteFunc(People(), func(one Person) bool { return one.System })
	p.show(w, http.StatusOK, origin(signIn.redirectURI), page{Request: id, People: people})
}

// signIn takes the choice, and sends the person back to the application.
func (p *Provider) signIn(w http.ResponseWriter, r *http.Request) {
	id := r.PostFormValue("request")
	person, ok := byKey(r.PostFormValue("person"))
	if !ok || person.System {
		p.show(w, http.StatusBadRequest, "", page{Message: "There is nobody of that name."})
		return
	}
	if err := p.storage.finish(id, person, p.now()); err != nil {
		p.show(w, http.StatusNotFound, "", page{Message: "This sign-in has ended. Go back to the application and start again."})
		return
	}
	back := op.AuthCallbackURL(p.op)(op.ContextWithIssuer(r.Context(), p.url), id)
	http.Redirect(w, r, back, http.StatusSeeOther)
}

// signedOut is where people come who sign out of an application that does not
// say where to go.
func (p *Provider) signedOut(w http.ResponseWriter, _ *http.Request) {
	p.show(w, http.StatusOK, "", page{Message: "You are signed out."})
}

// show renders the page. Browsers apply form-action to where a form leads in
// the end, so the application's origin has to be in it.
func (p *Provider) show(w http.ResponseWriter, status int, application string, v page) {
	var out bytes.Buffer
	if err := signInTemplate.Execute(&out, v); err != nil {
		http.Error(w, "internal error", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; base-uri 'none'; "+
		"frame-ancestors 'none'; form-action 'self' "+application)
	w.WriteHeader(status)
	_, _ = w.Write(out.Bytes())
}

func origin(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Scheme + "://" + u.Host
}

func style(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/css; charset=utf-8")
	_, _ = w.Write(styleCSS)
}
