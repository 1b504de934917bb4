package keys

import (
	"crypto/hmac"
	"crypto/sha256"
	"hash"
	"sync"
)

// Tag is the keyed blind index of an NHS number: the only form of it that the
// database sees. Whoever lacks the index key cannot tell which number it
// stands for, nor try numbers out.
type Tag [sha256.Size]byte

// What is hashed under an index key starts with one of these, so that a value
// made for one use is never a value of another. None is the start of another.
const (
	tagPrefix  = "cpis nhs-number v1\x00"
	hashPrefix = "cpis hash v1\x00"
	rowPrefix  = "cpis row v1\x00"
	sealPrefix = "cpis seal v1\x00"
)

// maxKept is the largest input buffer that is kept for reuse, in bytes.
const maxKept = 4096

// mac computes HMAC-SHA-256 under one key, safe for concurrent use. A state
// remembers the key's padded blocks after its first use, so that a short
// message costs two SHA-256 blocks and no allocation.
type mac struct {
	states sync.Pool
}

// macState is one running computation. Its buffers live in it because what is
// handed through the hash.Hash interface would otherwise move to the heap.
type macState struct {
	hmac hash.Hash
	in   []byte
	out  [sha256.Size]byte
}

func newMAC(key [32]byte) *mac {
	return &mac{states: sync.Pool{New: func() any {
		return &macState{hmac: hmac.New(sha256.New, key[:]), in: make([]byte, 0, 128)}
	}}}
}

// borrow returns a state with an empty input; give back with sum.
func (m *mac) borrow() *macState {
	s, _ := m.states.Get().(*macState)
	s.in = s.in[:0]
	return s
}

// sum hashes the input and gives the state back.
func (m *mac) sum(s *macState) [sha256.Size]byte {
	s.hmac.Reset()
	_, _ = s.hmac.Write(s.in) // a hash never fails to write
	s.hmac.Sum(s.out[:0])
	out := s.out
	clear(s.in)
	if cap(s.in) > maxKept {
		s.in = nil
	}
	m.states.Put(s)
	return out
}

// tag hashes an NHS number:
//
//	HMAC-SHA-256(index key, "cpis nhs-number v1" ‖ 0x00 ‖ number)
func (m *mac) tag(number string) Tag {
	s := m.borrow()
	s.in = append(s.in, tagPrefix...)
	s.in = append(s.in, number...)
	return m.sum(s)
}

// hash hashes parts, each with its length before it, so that no two lists of
// parts have the same bytes:
//
//	HMAC-SHA-256(index key, "cpis hash v1" ‖ 0x00 ‖ length ‖ domain ‖ (length ‖ part)…)
func (m *mac) hash(domain string, parts []string) [sha256.Size]byte {
	s := m.borrow()
	s.in = append(s.in, hashPrefix...)
	s.in = appendPart(s.in, domain)
	for _, part := range parts {
		s.in = appendPart(s.in, part)
	}
	return m.sum(s)
}

// hashBytes is hash of one part.
func (m *mac) hashBytes(domain string, part []byte) [sha256.Size]byte {
	s := m.borrow()
	s.in = append(s.in, hashPrefix...)
	s.in = appendPart(s.in, domain)
	s.in = appendPart(s.in, part)
	return m.sum(s)
}

// row hashes the text of a row's columns, which is unambiguous in itself.
func (m *mac) row(text []byte) [sha256.Size]byte {
	s := m.borrow()
	s.in = append(s.in, rowPrefix...)
	s.in = append(s.in, text...)
	return m.sum(s)
}

// seal derives the key of a context, whatever the version there:
//
//	HMAC-SHA-256(index key, "cpis seal v1" ‖ 0x00 ‖ context)
func (m *mac) seal(c Context) [sha256.Size]byte {
	c.Version = 0
	s := m.borrow()
	s.in = append(s.in, sealPrefix...)
	s.in = c.appendTo(s.in)
	return m.sum(s)
}
