package frame

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"cpis/service/domain"
	"cpis/service/identity"
	"cpis/service/session"
	"cpis/service/web/words"
)

// People says who logs in, and at which providers. *identity.Verifier does.
type People interface {
	LogIns() []identity.LogIn
	Somebody(issuer string, idToken, userInfo []byte) (*identity.Somebody, error)
	Place(c *identity.Caller) error
}

// Names names organisations by their codes. *directory.Directory does.
type Names interface {
	Name(organisation string) string
	// Authorities returns the codes of all local authorities, by name.
	Authorities() []string
}

// Config is what Pages are made of. All is required but what says otherwise.
type Config struct {
	// URL is the address of the pages, as browsers see it: scheme and host. It is
	// https, or http on this machine.
	URL      string
	People   People
	Names    Names
	Sessions *session.Sessions
	Hub      domain.Hub // whom to call when this fails
	MaxFile  int64      // bytes of a file that is sent, and of what stands beside it
	Now      func() time.Time
	Log      zerolog.Logger
	// From says where a request comes from, as entries record it.
	From func(*http.Request) string
	// Strangers is told of log-ins that failed before it was known whose they were.
	Strangers func(from string, why identity.Reason)
	// Client asks identity providers. If nil, one with the system's root certificates.
	Client *http.Client
}

// Pages are the face. They are safe for concurrent use.
type Pages struct {
	Config

	origin    string // scheme and host
	secure    bool   // cookies are for https alone
	mux       *http.ServeMux
	cross     *http.CrossOriginProtection
	providers map[string]*provider
	templates templates
	areas     []Area
}

// New creates Pages: those that people log in by, and those of areas.
func New(c Config, areas ...Area) (*Pages, error) {
	u, err := url.Parse(c.URL)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || strings.Trim(u.Path, "/") != "" {
		return nil, errors.New("the pages' address must be a scheme and a host, such as https://cpis.example")
	}
	p := &Pages{
		Config: c, origin: u.Scheme + "://" + u.Host, secure: u.Scheme == "https",
		mux: http.NewServeMux(), cross: http.NewCrossOriginProtection(), providers: map[string]*provider{}, areas: areas,
	}
	if err := words.Check(); err != nil {
		return nil, err
	}
	if p.templates, err = readTemplates(areas); err != nil {
		return nil, err
	}
	for _, l := range c.People.LogIns() {
		if p.providers[l.Path], err = p.newProvider(l); err != nil {
			return nil, fmt.Errorf("log-in at %s: %w", l.Name, err)
		}
	}
	for _, r := range AllRoutes(areas...) {
		p.mux.HandleFunc(r.Pattern, func(_ http.ResponseWriter, req *http.Request) {
			v := visitOf(req.Context())
			v.R, v.route = req, r
			v.err = v.enter() //nolint:contextcheck // a visit has its request's
		})
	}
	return p, nil
}

// visitKey is under which a visit travels through the mux.
type visitKey struct{}

func visitOf(ctx context.Context) *Visit {
	v, _ := ctx.Value(visitKey{}).(*Visit)
	return v
}
