package idp

import (
	"crypto"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// maxAssertion is how long an assertion may last. The NHS API platform allows
// five minutes too.
const maxAssertion = 5 * time.Minute

// assertionAlgorithms are those that systems may sign assertions with: RS512
// is what the NHS API platform asks for, RS384 and ES384 what SMART does.
var assertionAlgorithms = []jose.SignatureAlgorithm{
	jose.RS256, jose.RS384, jose.RS512, jose.PS256, jose.PS384, jose.PS512, jose.ES256, jose.ES384,
}

func assertionAlgorithmNames() []string {
	var names []string
	for _, a := range assertionAlgorithms {
		names = append(names, string(a))
	}
	return names
}

var errAssertion = errors.New("not a valid assertion")

// assertions checks the assertions by which systems prove who they are
// (private_key_jwt), each of which counts once.
type assertions struct {
	now       func() time.Time
	audiences jwt.Audience

	mu   sync.Mutex
	keys map[keyName]crypto.PublicKey
	used map[string]time.Time // when the assertion with that id ends
}

type keyName struct{ client, key string }

func newAssertions(now func() time.Time, audiences ...string) *assertions {
	return &assertions{
		now: now, audiences: audiences,
		keys: make(map[keyName]crypto.PublicKey), used: make(map[string]time.Time),
	}
}

// RegisterKey registers a public key, under a name of the system's choosing, one
// of those that a system may sign assertions with. It returns [ErrNobody] if
// there is no such system.
func (p *Provider) RegisterKey(system, name string, public crypto.PublicKey) error {
	person, ok := byKey(system)
	if !ok || !person.System {
		return fmt.Errorf("%w: %q is not a system", ErrNobody, system)
	}
	p.assertions.mu.Lock()
	defer p.assertions.mu.Unlock()
	p.assertions.keys[keyName{person.ID, name}] = public
	return nil
}

// check returns the client id that an assertion proves.
func (a *assertions) check(text string) (string, error) {
	token, err := jwt.ParseSigned(text, assertionAlgorithms)
	if err != nil || len(token.Headers) != 1 {
		return "", errAssertion
	}
	var claims jwt.Claims
	if err := token.UnsafeClaimsWithoutVerification(&claims); err != nil {
		return "", errAssertion
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	key, ok := a.keys[keyName{claims.Issuer, token.Headers[0].KeyID}]
	if !ok {
		return "", fmt.Errorf("%w: unknown key", errAssertion)
	}
	if err := token.Claims(key, &claims); err != nil {
		return "", fmt.Errorf("%w: wrong signature", errAssertion)
	}
	return claims.Issuer, a.spendLocked(&claims)
}

// spendLocked checks the claims of an assertion whose signature was checked,
// and sees to it that it does not count again.
func (a *assertions) spendLocked(c *jwt.Claims) error {
	now := a.now()
	expected := jwt.Expected{Subject: c.Issuer, AnyAudience: a.audiences, Time: now}
	if err := c.ValidateWithLeeway(expected, 10*time.Second); err != nil {
		return fmt.Errorf("%w: subject, audience or times", errAssertion)
	}
	if c.Expiry == nil || c.Expiry.Time().After(now.Add(maxAssertion+10*time.Second)) {
		return fmt.Errorf("%w: lasts too long", errAssertion)
	}
	for id, ends := range a.used {
		if ends.Before(now.Add(-time.Minute)) {
			delete(a.used, id)
		}
	}
	id := c.Issuer + " " + c.ID
	if _, spent := a.used[id]; spent || c.ID == "" {
		return fmt.Errorf("%w: used before, or without an id", errAssertion)
	}
	a.used[id] = c.Expiry.Time()
	return nil
}
