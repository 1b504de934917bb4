package identity

import (
	"context"
	"crypto"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// key is one public key of an issuer.
type key struct {
	id        string
	algorithm string // the only one it is for, or empty if the issuer does not say
	public    crypto.PublicKey

	// withdrawn is set when the issuer no longer publishes the key. Whatever
	// was verified with it stops counting at once.
	withdrawn atomic.Bool
}

// fits reports whether the key may check signatures of an algorithm.
func (k *key) fits(algorithm string) bool {
	return (k.algorithm == "" || k.algorithm == algorithm) && algorithms[algorithm](k.public)
}

func (k *key) equal(other *key) bool {
	public, ok := k.public.(interface{ Equal(crypto.PublicKey) bool })
	return ok && k.algorithm == other.algorithm && public.Equal(other.public)
}

var errNoKeySet = errors.New("the answer is not a set of keys")

// parseKeys reads a JSON Web Key Set. Keys that are not for signatures, not
// public, of a kind we do not know or too weak are left out, as is a name that
// two keys bear: nobody could say which is meant.
func parseKeys(data []byte) (map[string]*key, error) {
	var set struct {
		Keys *[]json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(data, &set); err != nil || set.Keys == nil {
		return nil, errNoKeySet
	}
	keys := make(map[string]*key)
	twice := make(map[string]bool)
	for _, raw := range *set.Keys {
		k := parseKey(raw)
		if k == nil {
			continue
		}
		twice[k.id] = keys[k.id] != nil
		keys[k.id] = k
	}
	for id := range keys {
		if twice[id] {
			delete(keys, id)
		}
	}
	return keys, nil
}

func parseKey(raw []byte) *key {
	var k jose.JSONWebKey
	if err := k.UnmarshalJSON(raw); err != nil || !k.IsPublic() || k.KeyID == "" {
		return nil
	}
	if k.Use != "" && k.Use != "sig" {
		return nil
	}
	out := &key{id: k.KeyID, algorithm: k.Algorithm, public: k.Key}
	for name := range algorithms {
		if out.fits(name) {
			return out
		}
	}
	return nil
}

// timing says how often an issuer is asked.
type timing struct {
	refresh, retry, keep, timeout time.Duration
}

// keySet is what is known of the keys of one issuer.
type keySet struct {
	fetch  func(context.Context) ([]byte, error)
	now    func() time.Time
	timing timing

	current atomic.Pointer[snapshot]
	due     atomic.Int64 // when to ask again, Unix nanoseconds

	mu     sync.Mutex    // guards what follows; never held while asking
	flight chan struct{} // closed when the question under way is answered; nil if there is none
	paused bool          // nobody had asked for long before that question
	tried  time.Time     // when the last question was asked
	err    error         // what came of it
}

// snapshot is the issuer's keys as it published them at one time.
type snapshot struct {
	keys      map[string]*key
	confirmed time.Time
}

// find returns the key of a name. If it is not known, the issuer is asked,
// though not more often than the timing allows, and many callers together ask
// once.
func (s *keySet) find(ctx context.Context, id string) (*key, error) {
	if k := s.known(id); k != nil {
		return k, nil
	}
	err := s.ask(ctx, s.timing.retry)
	if k := s.known(id); k != nil {
		return k, nil
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return nil, refuse(UnknownKey)
}

func (s *keySet) known(id string) *key {
	now := s.now()
	if !s.live(now) {
		return nil
	}
	return s.current.Load().keys[id]
}

// live reports whether the issuer has confirmed its keys recently enough.
func (s *keySet) live(now time.Time) bool {
	current := s.current.Load()
	return current != nil && now.Sub(current.confirmed) < s.timing.keep
}

// freshen asks for the keys again if that is due, without waiting: the keys
// that are known go on counting meanwhile. Only after a pause, when nobody has
// asked for so long that withdrawn keys might still be counted, it waits.
func (s *keySet) freshen(ctx context.Context, now time.Time) {
	if now.UnixNano() < s.due.Load() {
		return
	}
	s.mu.Lock()
	if s.flight == nil && now.UnixNano() >= s.due.Load() {
		s.startLocked(ctx)
	}
	flight, wait := s.flight, s.paused
	s.mu.Unlock()
	if flight == nil || !wait {
		return
	}
	select {
	case <-flight:
	case <-ctx.Done():
	}
}

// ask waits for the answer to a question that was asked no longer ago than
// recent, asking if nobody has, and returns what came of it.
func (s *keySet) ask(ctx context.Context, recent time.Duration) error {
	s.mu.Lock()
	flight := s.flight
	if flight == nil {
		if now := s.now(); !s.tried.IsZero() && now.Sub(s.tried) < recent {
			defer s.mu.Unlock()
			return s.err
		}
		flight = s.startLocked(ctx)
	}
	s.mu.Unlock()
	select {
	case <-flight:
	case <-ctx.Done():
		return ctx.Err()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// startLocked asks the issuer on behalf of everybody, so that one caller who
// hangs up does not spoil it for the others.
func (s *keySet) startLocked(ctx context.Context) chan struct{} {
	flight, now := make(chan struct{}), s.now()
	s.paused = now.Sub(s.tried) > 2*s.timing.refresh
	s.flight, s.tried = flight, now
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.timing.timeout)
	go func() {
		defer cancel()
		keys, err := s.load(ctx)
		s.land(keys, err)
		close(flight)
	}()
	return flight
}

func (s *keySet) load(ctx context.Context) (map[string]*key, error) {
	data, err := s.fetch(ctx)
	if err != nil {
		return nil, err
	}
	return parseKeys(data)
}

// land takes in what came of a question. Keys that stay the same stay the same
// object, so that what was verified with them remains; after a failure the old
// keys remain.
func (s *keySet) land(keys map[string]*key, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.flight, s.err = nil, err
	now := s.now()
	if err != nil {
		s.due.Store(now.Add(s.timing.retry).UnixNano())
		return
	}
	next := &snapshot{keys: keys, confirmed: now}
	var withdrawn []*key
	if last := s.current.Load(); last != nil {
		withdrawn = next.inherit(last)
	}
	s.current.Store(next)
	for _, k := range withdrawn {
		k.withdrawn.Store(true) // last: nobody can find it any more
	}
	s.due.Store(now.Add(s.timing.refresh).UnixNano())
}

// inherit keeps the objects of keys that have not changed, and returns those
// that are gone.
func (n *snapshot) inherit(last *snapshot) (withdrawn []*key) {
	for id, old := range last.keys {
		if k := n.keys[id]; k != nil && k.equal(old) {
			n.keys[id] = old
			continue
		}
		withdrawn = append(withdrawn, old)
	}
	return withdrawn
}

// askAnew asks the issuer now, after a question that is already under way: its
// answer might be older than what the caller knows.
func (s *keySet) askAnew(ctx context.Context) error {
	s.mu.Lock()
	flight := s.flight
	s.mu.Unlock()
	if flight != nil {
		select {
		case <-flight:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return s.ask(ctx, 0)
}

func (s *keySet) status(url string) IssuerStatus {
	s.mu.Lock()
	defer s.mu.Unlock()
	status := IssuerStatus{URL: url, Err: s.err}
	if current := s.current.Load(); current != nil {
		status.Keys, status.Confirmed = len(current.keys), current.confirmed
	}
	return status
}
