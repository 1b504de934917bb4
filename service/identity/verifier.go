package identity

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"cpis/policy"
)

// Directory knows the organisations.
type Directory interface {
	// Class returns the class of an organisation by its code, and false if the
	// organisation is not known. It is asked on every use of a token, by many
	// at once, and must answer from memory.
	Class(organisation string) (policy.Class, bool)
}

// issuer is a compiled Issuer with its keys.
type issuer struct {
	url                string
	algorithms         map[string]bool
	client             path
	requireCertificate bool
	people, systems    *mapping
	pages              *Pages
	keys               *keySet
}

// Verifier turns bearer tokens into callers. It is safe for concurrent use.
type Verifier struct {
	audiences           []string
	leeway, maxLifetime time.Duration
	issuers             map[string]*issuer
	directory           Directory
	now                 func() time.Time
	remembered          *memory
}

// New returns a verifier for the issuers of a configuration. It asks them for
// their keys; one that cannot be reached is asked again when it is needed, but
// a file with keys that cannot be read is an error.
func New(ctx context.Context, c Config, d Directory, now func() time.Time) (*Verifier, error) {
	compiled, problems := c.compile()
	if len(problems) > 0 {
		return nil, errors.Join(problems...)
	}
	c = c.withDefaults()
	v := &Verifier{
		audiences:   c.Audiences,
		leeway:      time.Duration(c.Leeway),
		maxLifetime: time.Duration(c.MaxLifetime),
		issuers:     make(map[string]*issuer),
		directory:   d,
		now:         now,
		remembered:  newMemory(c.Remember),
	}
	client := fetcher(c.Client)
	for n, i := range compiled {
		i.keys = &keySet{fetch: c.Issuers[n].source(client), now: now, timing: c.timing()}
		v.issuers[i.url] = i
	}
	return v, v.firstKeys(ctx, c.Issuers)
}

func (c *Config) timing() timing {
	return timing{
		refresh: time.Duration(c.RefreshKeys),
		retry:   time.Duration(c.RetryKeys),
		keep:    time.Duration(c.KeepKeys),
		timeout: time.Duration(c.FetchTimeout),
	}
}

// firstKeys asks all issuers at once. Of failures only those of files count.
func (v *Verifier) firstKeys(ctx context.Context, issuers []Issuer) error {
	errs := make([]error, len(issuers))
	var wg sync.WaitGroup
	for n, i := range issuers {
		wg.Go(func() {
			if err := v.issuers[i.URL].keys.ask(ctx, 0); err != nil && i.JWKSFile != "" {
				errs[n] = fmt.Errorf("issuer %s: %w", i.URL, err)
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// Verify returns who holds the token. The token is what follows "Bearer " in
// the Authorization header, see [Bearer]; peer is the certificate that the
// client proved to hold when the connection was made, or nil. An error is
// [ErrUnauthenticated] or [ErrUnavailable].
func (v *Verifier) Verify(ctx context.Context, bearer string, peer *x509.Certificate) (Caller, error) {
	switch {
	case bearer == "":
		return Caller{}, refuse(Missing)
	case len(bearer) > maxToken:
		return Caller{}, refuse(TooLarge)
	}
	t, err := v.token(ctx, bearer)
	if err != nil {
		return Caller{}, err
	}
	return v.admit(t, peer)
}

// token returns the verified token, from memory if it was verified before.
func (v *Verifier) token(ctx context.Context, bearer string) (*token, error) {
	now := v.now()
	sum := hashToken(bearer)
	if t := v.remembered.get(&sum); t != nil {
		t.issuer.keys.freshen(ctx, now)
		if t.counts(now) {
			return t, nil
		}
		v.remembered.forget(&sum)
	}
	t, err := v.verify(ctx, bearer, now)
	if err != nil {
		return nil, err
	}
	v.remembered.put(&sum, t)
	return t, nil
}

// hashToken returns the SHA-256 of a token. The buffer holds most tokens, so
// that hashing one takes nothing from the heap.
func hashToken(bearer string) [sha256.Size]byte {
	var buffer [2048]byte
	return sha256.Sum256(append(buffer[:0], bearer...))
}

// verify checks a token that is seen for the first time.
func (v *Verifier) verify(ctx context.Context, bearer string, now time.Time) (*token, error) {
	read, reason := parseJWS(bearer)
	if reason != "" {
		return nil, refuse(reason)
	}
	name, _ := read.claims["iss"].(string)
	from := v.issuers[name]
	if from == nil {
		return nil, refuse(UnknownIssuer)
	}
	from.keys.freshen(ctx, now)
	t, err := v.check(ctx, from, &read, now)
	if refusal, ok := errors.AsType[*RefusalError](err); ok {
		refusal.Issuer = from.url
	} else if err != nil {
		err = fmt.Errorf("issuer %s: %w", from.url, err)
	}
	return t, err
}

func (v *Verifier) check(ctx context.Context, from *issuer, read *jws, now time.Time) (*token, error) {
	if !from.algorithms[read.algorithm] {
		return nil, refuse(Algorithm)
	}
	k, err := from.keys.find(ctx, read.keyID)
	if err != nil {
		return nil, err
	}
	if !read.signedWith(k) {
		return nil, refuse(Signature)
	}
	t := &token{issuer: from, key: k}
	if reason := v.readClaims(t, read.claims, now); reason != "" {
		return nil, refuse(reason)
	}
	return t, nil
}

// readClaims fills t from claims whose signature was checked.
func (v *Verifier) readClaims(t *token, c claims, now time.Time) Reason {
	if !c.isAccessToken() {
		return Type
	}
	expires, reason := c.checkTimes(now, v.leeway, v.maxLifetime)
	if reason != "" {
		return reason
	}
	if !c.meantFor(v.audiences) {
		return Audience
	}
	binding, ok := c.binding()
	if !ok || binding == nil && t.issuer.requireCertificate {
		return Certificate
	}
	t.binding = binding
	if t.caller, reason = t.issuer.caller(c); reason != "" {
		return reason
	}
	t.caller.Expires = expires
	return ""
}

// caller reads who calls, by the mapping for people or for systems.
func (i *issuer) caller(c claims) (Caller, Reason) {
	subject, ok1 := c["sub"].(string)
	client, ok2 := c.text(i.client)
	if !ok1 || !ok2 {
		return Caller{}, Claims
	}
	system := subject == client
	read := i.people
	if system {
		read = i.systems
	}
	if read == nil {
		return Caller{}, Claims
	}
	caller, reason := read.caller(c)
	caller.ClientID, caller.Issuer, caller.System = client, i.url, system
	return caller, reason
}

// admit checks what can change while a token lives: the certificate of the
// connection, and the organisation with its class.
func (v *Verifier) admit(t *token, peer *x509.Certificate) (Caller, error) {
	if t.binding != nil && !t.boundTo(peer) {
		return Caller{}, &RefusalError{Certificate, t.issuer.url}
	}
	caller := t.caller
	var known bool
	if caller.Class, known = v.directory.Class(caller.Organisation); !known {
		return Caller{}, &RefusalError{Organisation, t.issuer.url}
	}
	return caller, nil
}

// boundTo reports whether the token is bound to the certificate.
func (t *token) boundTo(peer *x509.Certificate) bool {
	switch {
	case peer == nil:
		return false
	case t.shown.Load() == peer:
		return true
	case sha256.Sum256(peer.Raw) != *t.binding:
		return false
	}
	t.shown.Store(peer)
	return true
}

// Bearer returns the token in the value of an Authorization header, or an
// empty text if it holds something else.
func Bearer(authorization string) string {
	scheme, token, _ := strings.Cut(authorization, " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimLeft(token, " ")
}

// Refresh asks all issuers for their keys now, for an operator who knows that
// a key was withdrawn. It returns the failures; after one, the keys that were
// known remain.
func (v *Verifier) Refresh(ctx context.Context) error {
	var errs []error
	for _, i := range v.issuers {
		if err := i.keys.askAnew(ctx); err != nil {
			errs = append(errs, fmt.Errorf("issuer %s: %w", i.url, err))
		}
	}
	return errors.Join(errs...)
}

// Ready reports whether anybody's token can be accepted: nil, or
// ErrUnavailable if no issuer's keys are known. It asks those that are not, as
// often as the timing allows: if no requests come, nobody else would.
func (v *Verifier) Ready(ctx context.Context) error {
	errs := make([]error, 0, len(v.issuers))
	for _, i := range v.issuers {
		if i.keys.live(v.now()) {
			continue
		}
		if err := i.keys.ask(ctx, i.keys.timing.retry); err != nil {
			errs = append(errs, fmt.Errorf("issuer %s: %w", i.url, err))
		}
	}
	if v.Unknown() < len(v.issuers) {
		return nil
	}
	return fmt.Errorf("%w: %w", ErrUnavailable, errors.Join(errs...))
}

// Unknown is how many issuers there are whose keys are not known, or were not
// confirmed for too long.
func (v *Verifier) Unknown() int {
	n, now := 0, v.now()
	for _, i := range v.issuers {
		if !i.keys.live(now) {
			n++
		}
	}
	return n
}

// IssuerStatus is what an operator may want to know of an issuer.
type IssuerStatus struct {
	URL       string    // the issuer
	Keys      int       // how many of its keys are known
	Confirmed time.Time // when it last confirmed them, zero if never
	Err       error     // what came of the last question, nil if it was answered
}

// Issuers returns the state of all issuers, for metrics and readiness.
func (v *Verifier) Issuers() []IssuerStatus {
	all := make([]IssuerStatus, 0, len(v.issuers))
	for _, i := range v.issuers {
		all = append(all, i.keys.status(i.url))
	}
	slices.SortFunc(all, func(a, b IssuerStatus) int { return strings.Compare(a.URL, b.URL) })
	return all
}
