package idp

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"github.com/go-jose/go-jose/v4"
)

// algorithm is the one algorithm that tokens are signed with.
const algorithm = jose.ES256

// keysFile is the name of the file with the signing keys.
const keysFile = "idp-keys.json"

// ErrKeysReadable says that others than the owner may read the file with the
// signing keys.
var ErrKeysReadable = errors.New("others may read the signing keys")

// keyring holds the signing keys, newest first: the newest signs, all are
// published. They are kept in a file, so that tokens outlive a restart.
type keyring struct {
	file string

	mu   sync.RWMutex
	keys []jose.JSONWebKey
}

// openKeyring reads the keys in a directory, or makes the first one.
func openKeyring(dir string) (*keyring, error) {
	k := &keyring{file: filepath.Join(dir, keysFile)}
	info, err := os.Stat(k.file)
	if errors.Is(err, fs.ErrNotExist) {
		return k, k.rotate()
	}
	if err != nil {
		return nil, fmt.Errorf("looking for signing keys: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("%w: %s has mode %v, want 0600", ErrKeysReadable, k.file, info.Mode().Perm())
	}
	return k, k.read()
}

func (k *keyring) read() error {
	data, err := os.ReadFile(k.file)
	if err != nil {
		return fmt.Errorf("reading signing keys: %w", err)
	}
	var set jose.JSONWebKeySet
	if err := json.Unmarshal(data, &set); err != nil {
		return fmt.Errorf("reading signing keys in %s: not a key set", k.file)
	}
	for _, key := range set.Keys {
		if _, ok := key.Key.(*ecdsa.PrivateKey); !ok || !key.Valid() {
			return fmt.Errorf("reading signing keys in %s: not a signing key", k.file)
		}
	}
	if len(set.Keys) == 0 {
		return fmt.Errorf("reading signing keys in %s: none there", k.file)
	}
	k.keys = set.Keys
	return nil
}

// rotate creates a new key, which signs from now on. The others stay published.
func (k *keyring) rotate() error {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return fmt.Errorf("making a signing key: %w", err)
	}
	key := jose.JSONWebKey{Key: private, Algorithm: string(algorithm), Use: "sig"}
	sum, err := key.Thumbprint(crypto.SHA256)
	if err != nil {
		return fmt.Errorf("naming a signing key: %w", err)
	}
	key.KeyID = base64.RawURLEncoding.EncodeToString(sum)
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.replaceLocked(append([]jose.JSONWebKey{key}, k.keys...))
}

// removeOld keeps only the key that signs.
func (k *keyring) removeOld() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.replaceLocked(k.keys[:1:1])
}

// replaceLocked writes the keys to the file before they are used: a token
// whose key is lost in a crash would be refused for no reason one could see.
func (k *keyring) replaceLocked(keys []jose.JSONWebKey) error {
	data, err := json.MarshalIndent(jose.JSONWebKeySet{Keys: keys}, "", "\t")
	if err != nil {
		return fmt.Errorf("writing signing keys: %w", err)
	}
	next := k.file + ".new"
	if err := os.WriteFile(next, data, 0o600); err != nil {
		return fmt.Errorf("writing signing keys: %w", err)
	}
	if err := os.Rename(next, k.file); err != nil {
		return fmt.Errorf("writing signing keys: %w", err)
	}
	k.keys = keys
	return nil
}

// signing returns the key that signs.
func (k *keyring) signing() jose.JSONWebKey {
	k.mu.RLock()
	defer k.mu.RUnlock()
	return k.keys[0]
}

// public returns the public part of all keys.
func (k *keyring) public() []jose.JSONWebKey {
	k.mu.RLock()
	defer k.mu.RUnlock()
	var public []jose.JSONWebKey
	for _, key := range k.keys {
		public = append(public, key.Public())
	}
	return public
}
