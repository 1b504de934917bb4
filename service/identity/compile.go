package identity

import (
	"errors"
	"fmt"
	"maps"
	"net"
	"net/url"
	"slices"
	"strings"
	"time"

	"cpis/policy"
)

// mistakes collects what is wrong with a configuration.
type mistakes []error

func (m *mistakes) add(setting, format string, args ...any) {
	*m = append(*m, fmt.Errorf("%s: %s", setting, fmt.Sprintf(format, args...)))
}

// compile checks c and returns its issuers without their keys.
func (c *Config) compile() ([]*issuer, []error) {
	var m mistakes
	c.checkLimits(&m)
	if len(c.Audiences) == 0 || slices.Contains(c.Audiences, "") {
		m.add("audiences", "at least one is needed, and none may be empty")
	}
	if len(c.Issuers) == 0 {
		m.add("issuers", "at least one is needed")
	}
	issuers := make([]*issuer, 0, len(c.Issuers))
	seen, paths := make(map[string]bool), make(map[string]bool)
	for n, i := range c.Issuers {
		at := fmt.Sprintf("issuers[%d]", n)
		if seen[i.URL] {
			m.add(at+".url", "occurs twice")
		}
		seen[i.URL] = true
		issuers = append(issuers, i.compile(at, &m))
		if i.Pages != nil {
			i.Pages.check(at, &i, c.Audiences, &m)
			if paths[i.Pages.Path] {
				m.add(at+".pages.path", "occurs twice")
			}
			paths[i.Pages.Path] = true
		}
	}
	return issuers, m
}

func (c *Config) checkLimits(m *mistakes) {
	atMost := func(setting string, v Duration, limit time.Duration) {
		if v < 0 || v > Duration(limit) {
			m.add(setting, "must be more than 0s and at most %s", limit)
		}
	}
	atMost("leeway", c.Leeway, maxLeeway)
	atMost("max_lifetime", c.MaxLifetime, maxTokenLifetime)
	atMost("refresh_keys", c.RefreshKeys, 24*time.Hour)
	atMost("retry_keys", c.RetryKeys, time.Hour)
	atMost("keep_keys", c.KeepKeys, 7*24*time.Hour)
	atMost("fetch_timeout", c.FetchTimeout, time.Minute)
	if c.Remember < 0 {
		m.add("remember", "must not be negative")
	}
}

func (i *Issuer) compile(at string, m *mistakes) *issuer {
	checkAddress(at+".url", i.URL, m)
	if i.JWKSURL != "" {
		checkAddress(at+".jwks_url", i.JWKSURL, m)
	}
	if i.JWKSURL != "" && i.JWKSFile != "" {
		m.add(at, "has jwks_url and jwks_file; only one can count")
	}
	if i.People == nil && i.Systems == nil {
		m.add(at, "needs people or systems, or nobody could call")
	}
	out := &issuer{url: i.URL, requireCertificate: i.RequireCertificate}
	out.algorithms = compileAlgorithms(at+".algorithms", i.Algorithms, m)
	out.client = compilePath(at+".client", i.Client, defaultClient, m)
	out.people = i.People.compile(at+".people", m)
	out.systems = i.Systems.compile(at+".systems", m)
	out.pages = i.Pages
	return out
}

// checkAddress refuses addresses that could be listened to on the way.
func checkAddress(setting, text string, m *mistakes) {
	if err := checkURL(text); err != nil {
		m.add(setting, "%v", err)
	}
}

func checkURL(text string) error {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "" || u.User != nil || u.Fragment != "":
		return errors.New("must be an address such as https://issuer.example")
	case u.Scheme == "https", u.Scheme == "http" && isLoopback(u.Hostname()):
		return nil
	default:
		return errors.New("must be an https address, or http on the loopback interface")
	}
}

func compileAlgorithms(at string, names []string, m *mistakes) map[string]bool {
	agreed := make(map[string]bool)
	for n, name := range names {
		if _, ok := algorithms[name]; !ok {
			m.add(fmt.Sprintf("%s[%d]", at, n), "%q is not accepted; accepted are %s", name, algorithmNames())
		}
		agreed[name] = true
	}
	if len(names) == 0 {
		m.add(at, "at least one is needed")
	}
	return agreed
}

// compilePath reads a claim path. An empty one means the default, which may be
// empty too.
func compilePath(at, text, otherwise string, m *mistakes) path {
	if text == "" {
		text = otherwise
	}
	if text == "" {
		return nil
	}
	p, err := parsePath(text)
	if err != nil {
		m.add(at, "%q %v", text, err)
	}
	return p
}

func (g *Mapping) compile(at string, m *mistakes) *mapping {
	if g == nil {
		return nil
	}
	if g.Organisation == "" {
		m.add(at+".organisation", "is needed")
	}
	if len(g.Roles) == 0 {
		m.add(at+".roles", "at least one is needed")
	}
	out := &mapping{
		id:           compilePath(at+".id", g.ID, defaultID, m),
		name:         compilePath(at+".name", g.Name, "", m),
		title:        compilePath(at+".title", g.Title, "", m),
		organisation: compilePath(at+".organisation", g.Organisation, "", m),
	}
	for n, r := range g.Roles {
		out.roles = append(out.roles, r.compile(fmt.Sprintf("%s.roles[%d]", at, n), m))
	}
	for n, r := range g.Assurance {
		out.assurance = append(out.assurance, r.compile(fmt.Sprintf("%s.assurance[%d]", at, n), m))
	}
	return out
}

func (r *RoleRule) compile(at string, m *mistakes) roleRule {
	out := roleRule{after: r.After, roles: make(map[string]policy.Role)}
	if out.claim = compilePath(at+".claim", r.Claim, "", m); r.Claim == "" {
		m.add(at+".claim", "is needed")
	}
	if len(r.Values) == 0 {
		m.add(at+".values", "at least one is needed")
	}
	for _, code := range slices.Sorted(maps.Keys(r.Values)) {
		role, ok := policy.ParseRole(r.Values[code])
		if !ok {
			m.add(at+".values."+code, "%q is not a role", r.Values[code])
		}
		out.roles[code] = role
	}
	return out
}

func (r *AssuranceRule) compile(at string, m *mistakes) assuranceRule {
	out := assuranceRule{levels: maps.Clone(r.Values)}
	if out.claim = compilePath(at+".claim", r.Claim, "", m); r.Claim == "" {
		m.add(at+".claim", "is needed")
	}
	if len(r.Values) == 0 {
		m.add(at+".values", "at least one is needed")
	}
	for _, value := range slices.Sorted(maps.Keys(r.Values)) {
		if level := r.Values[value]; level < 1 || level > 3 {
			m.add(at+".values."+value, "%d is not a level from 1 to 3", level)
		}
	}
	return out
}

// isLoopback reports whether host can only be this machine.
func isLoopback(host string) bool {
	return strings.EqualFold(host, "localhost") || net.ParseIP(host).IsLoopback()
}
