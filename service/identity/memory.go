package identity

import (
	"crypto/sha256"
	"crypto/x509"
	"sync"
	"sync/atomic"
	"time"
)

// token is a verified token: what it says, and what has to be looked at again
// each time it is used.
type token struct {
	caller  Caller // as it was when the token was first seen
	issuer  *issuer
	key     *key
	binding *[sha256.Size]byte // hash of the certificate it is bound to, nil if to none

	// shown is the last certificate that was found to have the hash, so that a
	// connection's later requests need not hash it again.
	shown atomic.Pointer[x509.Certificate]
}

// counts reports whether the token still counts at now.
func (t *token) counts(now time.Time) bool {
	return now.Before(t.caller.Expires) && !t.key.withdrawn.Load() && t.issuer.keys.live(now)
}

// shards is the number of independent parts of a memory. It is a power of two.
const shards = 16

// memory remembers verified tokens by their SHA-256. It is bounded: each shard
// has a young and an old generation; when the young one is full it becomes the
// old one, and what was in the old one and not asked for since is forgotten.
type memory struct {
	shards [shards]shard
}

type shard struct {
	mu         sync.RWMutex
	size       int // of one generation
	young, old map[[sha256.Size]byte]*token
	_          [64]byte // keeps the locks of neighbours on different cache lines
}

func newMemory(size int) *memory {
	m := new(memory)
	for i := range m.shards {
		m.shards[i].size = max(1, size/shards/2)
		m.shards[i].young = make(map[[sha256.Size]byte]*token)
	}
	return m
}

func (m *memory) get(sum *[sha256.Size]byte) *token {
	s := &m.shards[sum[0]%shards]
	s.mu.RLock()
	t, young := s.young[*sum]
	if !young {
		t = s.old[*sum]
	}
	s.mu.RUnlock()
	if t != nil && !young {
		m.put(sum, t)
	}
	return t
}

func (m *memory) put(sum *[sha256.Size]byte, t *token) {
	s := &m.shards[sum[0]%shards]
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, has := s.young[*sum]; !has && len(s.young) >= s.size {
		s.old, s.young = s.young, make(map[[sha256.Size]byte]*token, s.size)
	}
	s.young[*sum] = t
}

func (m *memory) forget(sum *[sha256.Size]byte) {
	s := &m.shards[sum[0]%shards]
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.young, *sum)
	delete(s.old, *sum)
}
