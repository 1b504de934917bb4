package keys

import (
	"crypto/aes"
	"crypto/cipher"
	"fmt"
	"io"
	"sync"
)

// sealedFormat is the first byte of every sealed value. Another value of it
// would mean another cipher or layout.
const sealedFormat = 0x01

// SealedOverhead is by how many bytes a sealed value is longer than its
// plaintext: format, nonce and tag.
const SealedOverhead = 1 + 12 + 16

// DataKey is an opened data key: AES-256-GCM under random nonces. It is safe
// for concurrent use. One key may seal 2³² values; a person's never comes near.
//
// A sealed value is
//
//	size  content
//	1     format, 0x01
//	12    nonce, random
//	n     ciphertext, as long as the plaintext
//	16    GCM tag over the ciphertext and the Context
type DataKey struct {
	aead cipher.AEAD
}

// newDataKey creates a usable key of 32 bytes.
func newDataKey(key *[32]byte) *DataKey {
	block, err := aes.NewCipher(key[:])
	if err != nil {
		panic("keys: " + err.Error()) // only for a key that is not 32 bytes long
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		panic("keys: " + err.Error()) // only for a block that is not 16 bytes long
	}
	return &DataKey{aead: aead}
}

// Seal encrypts plaintext so that only Open of the same key with the same
// context returns it back. Equal plaintexts give different sealed values.
func (k *DataKey) Seal(plaintext []byte, c Context) []byte {
	sealed := make([]byte, 1, SealedOverhead+len(plaintext))
	sealed[0] = sealedFormat
	associated := borrowContext(c)
	defer contexts.Put(associated)
	return k.aead.Seal(sealed, nil, plaintext, *associated)
}

// Open decrypts what Seal made. The error is ErrTampered. The plaintext is
// memory of its own and sealed is left as it is.
func (k *DataKey) Open(sealed []byte, c Context) ([]byte, error) {
	if len(sealed) < SealedOverhead || sealed[0] != sealedFormat {
		return nil, ErrTampered
	}
	associated := borrowContext(c)
	defer contexts.Put(associated)
	plaintext, err := k.aead.Open(nil, nil, sealed[1:], *associated)
	if err != nil {
		return nil, ErrTampered
	}
	return plaintext, nil
}

// String hides the key.
func (*DataKey) String() string { return redacted }

// Format hides the key whatever the verb.
func (*DataKey) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// contexts keeps buffers for encoded contexts: the cipher is behind an
// interface, so a buffer on the stack would be moved to the heap for each call.
var contexts = sync.Pool{New: func() any { b := make([]byte, 0, 128); return &b }}

func borrowContext(c Context) *[]byte {
	b, _ := contexts.Get().(*[]byte)
	*b = c.appendTo((*b)[:0])
	return b
}
