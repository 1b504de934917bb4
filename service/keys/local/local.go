// Package local keeps keys in a file. It is for trying the service out where
// there is no Vault, and for nothing else: whoever can read the file and the
// database can read everything, copies of the file cannot be called back, and
// nobody can say afterwards who used it.
//
// The file is JSON, readable by its owner only, and holds all versions of the
// key-encryption key and of the log's signing key. A wrapped key is
//
//	local:v<version>:<base64 of nonce ‖ encrypted key ‖ tag>
//
// sealed with AES-256-GCM and bound to its owner by the associated data.
package local

import (
	"context"
	"crypto/cipher"
	"crypto/ed25519"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"cpis/service/keys"
	"cpis/service/keys/internal/wrapping"
)

// name stands at the start of every wrapping made here.
const name = "local"

// Keeper is a keys.Keeper whose keys are in a file.
type Keeper struct {
	path   string
	set    atomic.Pointer[keySet] // replaced as a whole, never changed
	rotate sync.Mutex             // held while the file is written
}

var _ keys.Keeper = (*Keeper)(nil)

// Create creates a key file with fresh keys and opens it. It never overwrites: if
// there is a file already, the error is fs.ErrExist.
func Create(path string) (*Keeper, error) {
	f := fileFormat{Format: formatName}
	f.addWrapping()
	f.addSigning()
	if err := createFile(path, &f); err != nil {
		return nil, fmt.Errorf("creating key file: %w", err)
	}
	return Open(path)
}

// Open reads a key file. It refuses one that others than its owner may read or
// write.
func Open(path string) (*Keeper, error) {
	k := &Keeper{path: path}
	if err := k.reload(); err != nil {
		return nil, err
	}
	return k, nil
}

// reload reads the file again: another process may have rotated its keys.
func (k *Keeper) reload() error {
	f, err := readFile(k.path)
	if err != nil {
		return fmt.Errorf("reading key file: %w", err)
	}
	set, err := f.keySet()
	if err != nil {
		return fmt.Errorf("reading key file: %w", err)
	}
	k.set.Store(set)
	return nil
}

// RotateWrapping adds a new version of the key-encryption key. What older ones
// wrapped can still be opened.
func (k *Keeper) RotateWrapping() error { return k.change((*fileFormat).addWrapping) }

// RotateSigning adds a new version of the log's signing key.
func (k *Keeper) RotateSigning() error { return k.change((*fileFormat).addSigning) }

func (k *Keeper) change(add func(*fileFormat)) error {
	k.rotate.Lock()
	defer k.rotate.Unlock()
	if err := changeFile(k.path, add); err != nil {
		return fmt.Errorf("rotating keys: %w", err)
	}
	return k.reload()
}

// Wrap implements keys.Keeper.
func (k *Keeper) Wrap(ctx context.Context, plain []keys.Plain) ([]keys.Wrapped, error) {
	if err := check(ctx, len(plain)); err != nil {
		return nil, err
	}
	set := k.set.Load()
	wrapped := make([]keys.Wrapped, len(plain))
	for i := range plain {
		wrapped[i] = set.wrap(&plain[i])
	}
	return wrapped, nil
}

// Unwrap implements keys.Keeper.
func (k *Keeper) Unwrap(ctx context.Context, wrapped []keys.Wrapped) ([]keys.Result[keys.Plain], error) {
	if err := check(ctx, len(wrapped)); err != nil {
		return nil, err
	}
	results := make([]keys.Result[keys.Plain], len(wrapped))
	for i, w := range wrapped {
		results[i].Value, _, results[i].Err = k.unwrap(w)
	}
	return results, nil
}

// Rewrap implements keys.Keeper.
func (k *Keeper) Rewrap(ctx context.Context, wrapped []keys.Wrapped) ([]keys.Result[keys.Wrapped], error) {
	if err := check(ctx, len(wrapped)); err != nil {
		return nil, err
	}
	results := make([]keys.Result[keys.Wrapped], len(wrapped))
	for i, w := range wrapped {
		plain, version, err := k.unwrap(w)
		set := k.set.Load()
		switch {
		case err != nil:
			results[i].Err = err
		case version == len(set.wrapping):
			results[i].Value = w
		default:
			results[i].Value = set.wrap(&plain)
		}
	}
	return results, nil
}

// unwrap opens one wrapping and says which version of the key made it. A
// version not known yet may have been added by another process.
func (k *Keeper) unwrap(w keys.Wrapped) (plain keys.Plain, version int, err error) {
	version, sealed, ok := wrapping.Parse(name, w.Text)
	if !ok {
		return keys.Plain{}, 0, keys.ErrTampered
	}
	if version > len(k.set.Load().wrapping) {
		if err := k.reload(); err != nil {
			return keys.Plain{}, 0, fmt.Errorf("%w: %w", keys.ErrUnavailable, err)
		}
	}
	plain, err = k.set.Load().open(w.Owner, version, sealed)
	return plain, version, err
}

// Sign implements keys.Keeper.
func (k *Keeper) Sign(ctx context.Context, message []byte) ([]byte, ed25519.PublicKey, error) {
	if err := check(ctx, 0); err != nil {
		return nil, nil, err
	}
	set := k.set.Load()
	newest := set.signing[len(set.signing)-1]
	return ed25519.Sign(newest, message), publicKey(newest), nil
}

// PublicKeys implements keys.Keeper.
func (k *Keeper) PublicKeys(ctx context.Context) ([]ed25519.PublicKey, error) {
	if err := check(ctx, 0); err != nil {
		return nil, err
	}
	set := k.set.Load()
	public := make([]ed25519.PublicKey, 0, len(set.signing))
	for _, private := range slices.Backward(set.signing) {
		public = append(public, publicKey(private))
	}
	return public, nil
}

func publicKey(private ed25519.PrivateKey) ed25519.PublicKey {
	public, _ := private.Public().(ed25519.PublicKey) // always is one
	return public
}

// Ready implements keys.Keeper: keys in memory are always ready.
func (k *Keeper) Ready(ctx context.Context) error { return check(ctx, 0) }

// check refuses what no keeper may take on.
func check(ctx context.Context, items int) error {
	if items > keys.MaxBatch {
		return keys.ErrBatchTooLarge
	}
	if ctx.Err() != nil {
		return fmt.Errorf("%w: %w", keys.ErrUnavailable, context.Cause(ctx))
	}
	return nil
}

// keySet is what a key file holds, ready for use. Version n is at n-1.
type keySet struct {
	wrapping []cipher.AEAD
	signing  []ed25519.PrivateKey
}

func (s *keySet) wrap(plain *keys.Plain) keys.Wrapped {
	version := len(s.wrapping)
	sealed := s.wrapping[version-1].Seal(nil, nil, plain.Key[:], associated(plain.Owner))
	return keys.Wrapped{Owner: plain.Owner, Text: wrapping.Format(name, version, sealed)}
}

func (s *keySet) open(owner string, version int, sealed []byte) (keys.Plain, error) {
	if version > len(s.wrapping) {
		return keys.Plain{}, keys.ErrTampered
	}
	opened, err := s.wrapping[version-1].Open(nil, nil, sealed, associated(owner))
	if err != nil {
		return keys.Plain{}, keys.ErrTampered
	}
	plain := keys.Plain{Owner: owner}
	copy(plain.Key[:], opened)
	clear(opened)
	return plain, nil
}

// associated binds a wrapping to its owner.
func associated(owner string) []byte { return []byte("cpis local wrapping v1\x00" + owner) }

// errKeyLength says that the file holds something that cannot be a key.
var errKeyLength = errors.New("a key is not 32 bytes long")
