package vault

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/hashicorp/vault/api"
)

const (
	// graceOfNew is how long a new token is not doubted: a 403 so soon after
	// signing in says that something is not permitted, not that the token died.
	graceOfNew = time.Second
	// pauseAfterRefusal is how long nobody signs in again after Vault refused
	// the credentials: it would refuse them again.
	pauseAfterRefusal = time.Second
	// How long the renewing goroutine waits at least, and at most, after it
	// failed.
	minRenewalPause = 250 * time.Millisecond
	maxRenewalPause = 30 * time.Second
	// forever is how long it waits if there is nothing to renew.
	forever = time.Hour
)

// grant is what signing in or renewing yields.
type grant struct {
	token     string
	lifetime  time.Duration // from now; 0: without end
	renewable bool
}

// lease is a grant in use. It never changes: renewing makes another one with
// the same number.
type lease struct {
	grant
	number  uint64        // counts the tokens
	full    time.Duration // lifetime when the token was new
	since   time.Time     // when that was
	renewed time.Time     // when lifetime began
}

func (l *lease) expires() time.Time {
	if l.lifetime == 0 {
		return time.Time{}
	}
	return l.renewed.Add(l.lifetime)
}

// session keeps the service signed in. Whoever finds no token, or one that
// does not work, signs in; a goroutine renews the token before it expires.
type session struct {
	keeper    *Keeper
	auth      Auth
	now       func() time.Time
	transport *http.Transport
	client    *api.Client           // carries the current token
	current   atomic.Pointer[lease] // nil: not signed in
	woken     chan struct{}         // capacity 1: the lease changed

	signing   chan struct{} // capacity 1: a place in it guards what follows
	anonymous *api.Client   // for signing in
	number    uint64        // of the newest token
	refused   error         // of the last signing in, if Vault refused it
	refusedAt time.Time

	signIns, renewals atomic.Uint64
}

func newSession(k *Keeper) (*session, error) {
	transport, err := newTransport(k.cfg.CAFile)
	if err != nil {
		return nil, err
	}
	client, err := newClient(&k.cfg, transport)
	if err != nil {
		return nil, err
	}
	anonymous, err := newClient(&k.cfg, transport)
	if err != nil {
		return nil, err
	}
	return &session{
		keeper: k, auth: k.cfg.Auth, now: k.cfg.Now,
		transport: transport, client: client, anonymous: anonymous,
		woken: make(chan struct{}, 1), signing: make(chan struct{}, 1),
	}, nil
}

// lease returns the current lease, signing in first if there is none.
func (s *session) lease(ctx context.Context) (*lease, error) {
	if l := s.current.Load(); l != nil {
		return l, nil
	}
	return s.signIn(ctx, 0)
}

// doubt is told that a request under a lease met with a 403. It says whether
// another attempt makes sense, which will then be under another token.
func (s *session) doubt(l *lease) bool {
	if l == nil {
		return false // it was the signing in that was forbidden
	}
	current := s.current.Load()
	if current == nil || current.number != l.number {
		return true
	}
	if s.now().Sub(current.since) < graceOfNew {
		return false
	}
	s.current.CompareAndSwap(current, nil)
	return true
}

// signIn gets a token newer than number stale, or takes one that somebody else
// got meanwhile: of many who need one only one asks.
func (s *session) signIn(ctx context.Context, stale uint64) (*lease, error) {
	select {
	case s.signing <- struct{}{}:
		defer func() { <-s.signing }()
	case <-ctx.Done():
		return nil, &failure{operation: signIn, cause: context.Cause(ctx)}
	}
	if l := s.current.Load(); l != nil && l.number > stale {
		return l, nil
	}
	if s.refused != nil && s.now().Sub(s.refusedAt) < pauseAfterRefusal {
		return nil, s.refused
	}
	start := s.now()
	g, err := s.auth.signIn(ctx, s)
	s.keeper.observe(request{operation: signIn}, 1, start, err)
	if err != nil {
		return nil, s.noSignIn(err)
	}
	return s.begin(g), nil
}

// noSignIn remembers a refusal. It is called with a place in signing.
func (s *session) noSignIn(err error) error {
	f, ok := errors.AsType[*failure](err)
	if !ok {
		f = &failure{operation: signIn, cause: err} // a file could not be read
	}
	if f.status != 0 && !f.again {
		s.refused, s.refusedAt = f, s.now()
	}
	return f
}

// begin puts a new token to use. It is called with a place in signing.
func (s *session) begin(g grant) *lease {
	now := s.now()
	s.refused = nil
	s.number++
	l := &lease{grant: g, number: s.number, full: g.lifetime, since: now, renewed: now}
	s.client.SetToken(g.token)
	s.current.Store(l)
	s.signIns.Add(1)
	select {
	case s.woken <- struct{}{}:
	default: // it will wake, and look, anyway
	}
	return l
}

// authAnswer is Vault's answer to signing in and renewing.
type authAnswer struct {
	Auth struct {
		Token     string `json:"client_token"`
		Lifetime  int64  `json:"lease_duration"`
		Renewable bool   `json:"renewable"`
	} `json:"auth"`
}

func (a *authAnswer) grant() grant {
	return grant{token: a.Auth.Token, lifetime: seconds(a.Auth.Lifetime), renewable: a.Auth.Renewable}
}

func seconds(n int64) time.Duration { return time.Duration(min(max(n, 0), 1<<32)) * time.Second }

// logIn signs in at an auth method.
func (s *session) logIn(ctx context.Context, mount string, credentials map[string]string) (grant, error) {
	var a authAnswer
	r := request{operation: signIn, path: "auth/" + mount + "/login", body: credentials}
	if err := s.keeper.exchange(ctx, s.anonymous, r, &a); err != nil {
		return grant{}, err
	}
	if a.Auth.Token == "" {
		return grant{}, &failure{operation: r.operation, cause: errMalformed}
	}
	return a.grant(), nil
}

// lookUp asks how long a given token is good for.
func (s *session) lookUp(ctx context.Context, token string) (grant, error) {
	s.anonymous.SetToken(token)
	defer s.anonymous.SetToken("")
	var a struct {
		Data struct {
			Lifetime  int64 `json:"ttl"`
			Renewable bool  `json:"renewable"`
		} `json:"data"`
	}
	r := request{operation: signIn, path: "auth/token/lookup-self"}
	if err := s.keeper.exchange(ctx, s.anonymous, r, &a); err != nil {
		return grant{}, err
	}
	return grant{token: token, lifetime: seconds(a.Data.Lifetime), renewable: a.Data.Renewable}, nil
}

// keepAlive signs in and renews until ctx ends.
func (s *session) keepAlive(ctx context.Context) {
	failures := 0
	for {
		timer := time.NewTimer(s.untilDue(failures))
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-s.woken:
			timer.Stop()
			failures = 0
			continue
		case <-timer.C:
		}
		if err := s.renew(ctx); err != nil {
			failures++
		} else {
			failures = 0
		}
	}
}

// untilDue is how long to wait with the next renewal: until about two thirds
// of the token's life have passed, or, after failures, longer and longer.
func (s *session) untilDue(failures int) time.Duration {
	if failures > 0 {
		d := min(minRenewalPause<<min(failures, 10), maxRenewalPause)
		return d/2 + rand.N(d/2) //nolint:gosec // not a secret
	}
	l := s.current.Load()
	if l == nil {
		return 0
	}
	if l.lifetime == 0 {
		return forever
	}
	share := 0.6 + 0.1*rand.Float64() //nolint:gosec // not a secret
	due := l.renewed.Add(time.Duration(share * float64(l.lifetime)))
	return max(due.Sub(s.now()), minRenewalPause)
}

// renew renews the token; or signs in again if there is none, or it cannot
// be renewed, or not for long any more.
func (s *session) renew(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, s.keeper.cfg.CallTimeout)
	defer cancel()
	l := s.current.Load()
	if l == nil {
		_, err := s.signIn(ctx, 0)
		return err
	}
	if l.lifetime == 0 {
		return nil
	}
	if l.renewable {
		g, err := s.renewSelf(ctx)
		if f, ok := errors.AsType[*failure](err); ok && f.again {
			return err // Vault is away: the token is as good as it was
		}
		if err == nil && 2*g.lifetime > l.full {
			s.prolong(l, g)
			return nil
		}
	}
	_, err := s.signIn(ctx, l.number)
	return err
}

func (s *session) renewSelf(ctx context.Context) (grant, error) {
	start := s.now()
	var a authAnswer
	r := request{operation: "renew", path: "auth/token/renew-self", body: struct{}{}}
	err := s.keeper.exchange(ctx, s.client, r, &a)
	s.keeper.observe(r, 1, start, err)
	return a.grant(), err
}

// prolong notes a renewal, unless the token was given up meanwhile.
func (s *session) prolong(l *lease, g grant) {
	longer := *l
	longer.lifetime, longer.renewed = g.lifetime, s.now()
	if s.current.CompareAndSwap(l, &longer) {
		s.renewals.Add(1)
	}
}
