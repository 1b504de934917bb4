// Package webtest is the pages over a real service, PostgreSQL and identity provider,
// and browsers that visit them: one without scripts, and Chromium.
package webtest

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"cpis/audit"
	"cpis/deploy/dev/idp"
	"cpis/policy"
	"cpis/service"
	"cpis/service/deliver"
	"cpis/service/directory"
	"cpis/service/domain"
	"cpis/service/faces"
	"cpis/service/guard"
	"cpis/service/identity"
	"cpis/service/servicetest"
	"cpis/service/store/dbtest"
	"cpis/service/web"
	"cpis/service/web/frame"
)

// Site is the pages over a real service, PostgreSQL and identity provider.
type Site struct {
	*servicetest.Fixture

	TB        testing.TB
	URL       string
	Provider  *idp.Provider
	Sender    *Sender
	transport http.RoundTripper
	Strangers []identity.Reason
}

// MaxFile is how large files may be.
const MaxFile = 1 << 20

// New starts everything; with other use cases, if a test changes them.
func New(tb testing.TB, change ...func(*web.UseCases)) *Site {
	tb.Helper()
	s, verifier := &Site{TB: tb, Sender: &Sender{}}, (*identity.Verifier)(nil)
	s.Fixture = servicetest.NewWith(tb, func(c *service.Config) {
		c.Senders = map[deliver.ChannelKind]deliver.Sender{deliver.WebhookChannel: s.Sender}
		c.Trusted = func() []identity.Trust { return verifier.Trusts() }
	})
	s.addOrganisations()
	server := httptest.NewUnstartedServer(nil)
	s.URL = "https://" + server.Listener.Addr().String()
	issuer := s.startProvider(server)
	known, err := directory.OpenDirectory(tb.Context(), s.DB)
	s.Must(err)
	verifier, err = identity.New(tb.Context(), identity.Config{Audiences: []string{"https://cpis.test"}, Issuers: []identity.Issuer{issuer}}, known, s.Clock.Now)
	s.Must(err)
	uses := faces.Web(s.Service)
	for _, c := range change {
		c(&uses)
	}
	pages, err := web.New(web.Config{
		Config: frame.Config{
			URL: s.URL, People: verifier, Names: known, Sessions: s.Sessions,
			Hub: domain.Hub{Name: "National safeguarding hub", Phone: servicetest.HubPhone}, MaxFile: MaxFile, Now: s.Clock.Now, Log: zerolog.New(io.Discard),
			From:      func(*http.Request) string { return "203.0.113.0/24" },
			Strangers: func(_ string, why identity.Reason) { s.Strangers = append(s.Strangers, why) },
		},
		UseCases: uses,
	})
	s.Must(err)
	server.Config.Handler = pages
	server.StartTLS()
	tb.Cleanup(server.Close)
	s.transport = server.Client().Transport
	return s
}

// startProvider starts the identity provider, which knows the pages as a client.
func (s *Site) startProvider(server *httptest.Server) identity.Issuer {
	s.TB.Helper()
	file := filepath.Join(s.TB.TempDir(), "secret")
	s.Must(os.WriteFile(file, []byte("secret of the pages\n"), 0o600))
	app, logIn := idp.PagesClient(s.URL, "secret of the pages", file)
	app.Client = &http.Client{Transport: lazily(func() http.RoundTripper { return server.Client().Transport })}
	var err error
	s.Provider, err = idp.Start(s.TB.Context(), idp.Config{
		Address: "127.0.0.1:0", Directory: s.TB.TempDir(), Audience: "https://cpis.test", Applications: []idp.Application{app}, Now: time.Now,
	})
	s.Must(err)
	s.TB.Cleanup(func() { _ = s.Provider.Close(s.TB.Context()) })
	issuer := s.Provider.Issuer()
	issuer.Pages = logIn
	return issuer
}

type lazily func() http.RoundTripper

func (l lazily) RoundTrip(r *http.Request) (*http.Response, error) { return l().RoundTrip(r) }

// addOrganisations adds those that people of the provider work for.
func (s *Site) addOrganisations() {
	s.TB.Helper()
	owner := dbtest.OpenOwner(s.TB, s.Database).Guarded(s.Ring, func(string) {})
	log, err := owner.Logs.Find(s.TB.Context(), dbtest.Origin)
	s.Must(err)
	admin := directory.Admin{Command: guard.Command{DB: owner, Log: log, Now: s.Clock.Now, Operator: "test"}}
	for _, o := range append(idp.Organisations(), idp.Organisation{Code: "F83004", Name: "Archway Medical Centre", Class: policy.GeneralPractice}) {
		s.Must(admin.AddOrganisation(s.TB.Context(), o.Code, o.Name, o.Class))
	}
}

// Must ends the test at an error.
func (s *Site) Must(err error) {
	s.TB.Helper()
	if err != nil {
		s.TB.Fatal(err)
	}
}

// Actions returns the actions of the entries since there were so many.
func (s *Site) Actions(since int) []string {
	s.TB.Helper()
	var all []string
	for _, e := range s.Entries()[since:] {
		all = append(all, e.Action+" "+e.Outcome)
	}
	return all
}

// WantEntries checks which entries an act leaves.
func (s *Site) WantEntries(since int, want ...string) {
	s.TB.Helper()
	if got := s.Actions(since); !slices.Equal(got, want) {
		s.TB.Errorf("got entries %q, want %q", got, want)
	}
}

// LastOf returns the newest entry of an action.
func (s *Site) LastOf(action string) audit.Entry {
	s.TB.Helper()
	for _, e := range slices.Backward(s.Entries()) {
		if e.Action == action {
			return e
		}
	}
	s.TB.Fatalf("no entry of %s", action)
	return audit.Entry{}
}
