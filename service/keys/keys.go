// Package keys seals what is personal, makes the blind index, and signs
// checkpoints. Key-encryption keys never leave their Keeper (Vault, or a file
// for trying out); data keys, one per person, are stored wrapped and live
// unwrapped only in the bounded cache of a Ring.
//
// It is a leaf: it knows neither the service nor the database, it does not
// log, and no error of it quotes a plaintext, a ciphertext or a key. The one
// invariant to know: a wrapped key opens only for the owner it was wrapped
// for, and a sealed value only in the Context it was sealed in.
package keys

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
)

var (
	// ErrUnavailable says that the keeper cannot be reached or will not answer
	// now. Nothing is known about the keys asked for.
	ErrUnavailable = errors.New("keys unavailable")
	// ErrTampered says that a ciphertext does not verify: it was changed,
	// moved, or sealed under another key.
	ErrTampered = errors.New("ciphertext does not verify")
)

// MaxBatch is the largest number of items of one call to a Keeper. It keeps a
// call short (a full batch takes Vault a few milliseconds), so that nobody
// waits long behind somebody else's.
const MaxBatch = 200

// ErrBatchTooLarge says that a Keeper was given more than MaxBatch items. It is
// a mistake of the program, not of its surroundings.
var ErrBatchTooLarge = fmt.Errorf("more than %d keys in one call", MaxBatch)

// Wrapped is a data key as it is stored: wrapped by a keeper's key-encryption
// key and bound to its owner.
type Wrapped struct {
	Owner string // whom the key is for: "person/<uuid>", "index/<version>"
	Text  string // the wrapping, opaque; names the version of the key-encryption key
}

// Plain is a data key in the clear: 32 random bytes. It never leaves memory,
// and prints as "[redacted]".
type Plain struct {
	Owner string
	Key   [32]byte
}

// String hides the key.
func (Plain) String() string { return redacted }

// Format hides the key whatever the verb.
func (Plain) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// MarshalText hides the key, in JSON too.
func (Plain) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// Result is one item of a batch: a value or an error of its own. The error is
// ErrUnavailable or ErrTampered.
type Result[T any] struct {
	Value T
	Err   error
}

// Keeper holds key-encryption and signing keys. Calls take at most MaxBatch
// items (ErrBatchTooLarge), return one result for each in order, and an error
// only if nothing could be done at all: ErrUnavailable, also when the
// context ends. An empty batch is not an error. Implementations are safe for
// concurrent use and obey the context's deadline.
type Keeper interface {
	// Wrap wraps new data keys under the newest key-encryption key.
	Wrap(ctx context.Context, keys []Plain) ([]Wrapped, error)
	// Unwrap opens wrapped data keys.
	Unwrap(ctx context.Context, wrapped []Wrapped) ([]Result[Plain], error)
	// Rewrap wraps under the newest key-encryption key what an older one
	// wrapped, without the plain key leaving the keeper. A wrapping that is
	// already the newest comes back as it is.
	Rewrap(ctx context.Context, wrapped []Wrapped) ([]Result[Wrapped], error)
	// Sign signs a message with the newest version of the log's Ed25519 key
	// and says which public key verifies it.
	Sign(ctx context.Context, message []byte) (signature []byte, key ed25519.PublicKey, err error)
	// PublicKeys returns the public keys of all versions of the log's key, the
	// newest first.
	PublicKeys(ctx context.Context) ([]ed25519.PublicKey, error)
	// Ready reports whether the keeper can be used now: nil or ErrUnavailable.
	Ready(ctx context.Context) error
}
