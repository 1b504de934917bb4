package identity

import (
	"crypto"
	"encoding/base64"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"

	"cpis/policy"
)

// Trust is an issuer as it is configured: what it may say, and whose signature counts.
// It holds no secret, and names no file.
type Trust struct {
	Issuer             string
	Audiences          []string // one of which a token must be meant for
	Algorithms         []string // of signatures
	RequireCertificate bool     // tokens must be bound to a client certificate
	People             *Says    // of people; nil if people of this issuer are refused
	Systems            *Says    // of systems; likewise
	PagesName          string   // what stands on the button by which people log in to the pages; empty if they cannot
	PagesClient        string   // client id of the pages at the issuer
	Keys               []PublicKey
	Confirmed          time.Time // when the issuer last confirmed its keys; zero if never
	Away               bool      // it did not answer the last time that it was asked
}

// Says is what an issuer may say of somebody.
type Says struct {
	Roles  policy.Roles // that it may grant
	Levels []int        // of log-ins that it may state, the lowest first; none if it states none
}

// PublicKey is a key with which an issuer signs.
type PublicKey struct {
	ID         string // as the issuer names it
	Algorithm  string // empty if the issuer does not say
	Thumbprint string // RFC 7638, SHA-256, base64url
}

// Trusts returns the issuers as they are configured, by their names.
func (v *Verifier) Trusts() []Trust {
	all := make([]Trust, 0, len(v.issuers))
	for _, i := range v.issuers {
		status := i.keys.status(i.url)
		t := Trust{
			Issuer: i.url, Audiences: slices.Clone(v.audiences), Algorithms: slices.Sorted(maps.Keys(i.algorithms)),
			RequireCertificate: i.requireCertificate, People: i.people.says(), Systems: i.systems.says(),
			Keys: i.keys.public(), Confirmed: status.Confirmed, Away: status.Err != nil,
		}
		if i.pages != nil {
			t.PagesName, t.PagesClient = i.pages.Name, i.pages.Client
		}
		all = append(all, t)
	}
	slices.SortFunc(all, func(a, b Trust) int { return strings.Compare(a.Issuer, b.Issuer) })
	return all
}

// says returns what a mapping lets an issuer say.
func (m *mapping) says() *Says {
	if m == nil {
		return nil
	}
	out := &Says{}
	for _, r := range m.roles {
		for _, role := range r.roles {
			out.Roles |= policy.Roles(role)
		}
	}
	for _, r := range m.assurance {
		out.Levels = slices.AppendSeq(out.Levels, maps.Values(r.levels))
	}
	slices.Sort(out.Levels)
	out.Levels = slices.Compact(out.Levels)
	return out
}

// public returns the keys that count, by their names.
func (s *keySet) public() []PublicKey {
	current := s.current.Load()
	if current == nil {
		return nil
	}
	all := make([]PublicKey, 0, len(current.keys))
	for _, id := range slices.Sorted(maps.Keys(current.keys)) {
		k := current.keys[id]
		whole := jose.JSONWebKey{Key: k.public}
		sum, err := whole.Thumbprint(crypto.SHA256)
		if err != nil {
			continue // parseKey took in what has one
		}
		all = append(all, PublicKey{ID: k.id, Algorithm: k.algorithm, Thumbprint: base64.RawURLEncoding.EncodeToString(sum)})
	}
	return all
}
