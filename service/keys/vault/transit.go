package vault

import (
	"crypto/ed25519"
	"encoding/base64"
	"strconv"
	"strings"

	"cpis/service/keys"
	"cpis/service/keys/internal/wrapping"
)

// name stands at the start of every wrapping made by Transit.
const name = "vault"

// item is one item of a batch sent to Transit. The context is the owner: for a
// derived key Vault makes the key-encryption key of it, so that a wrapping
// opens for its owner only. Associated data would do the same, but Transit
// does not take it when it rewraps.
type item struct {
	Context    []byte `json:"context"`
	Plaintext  []byte `json:"plaintext,omitempty"`
	Ciphertext string `json:"ciphertext,omitempty"`
}

type batch struct {
	Items []item `json:"batch_input"`
}

// itemised is an answer to a batch.
type itemised interface{ results() []itemResult }

// itemResult is Vault's answer to one item.
type itemResult struct {
	Plaintext  []byte `json:"plaintext"`
	Ciphertext string `json:"ciphertext"`
	Error      string `json:"error"`
}

type batchAnswer struct {
	Data struct {
		Items []itemResult `json:"batch_results"`
	} `json:"data"`
}

func (a *batchAnswer) results() []itemResult { return a.Data.Items }

// err says what an item's error means. Vault has no codes for them: what is
// known to speak of the ciphertext is tampering; all else, such as a version
// of the key that is not to be used any more, leaves open whether the
// ciphertext is good.
func (r *itemResult) err() error {
	if r.Error == "" {
		return nil
	}
	for _, known := range []string{"message authentication failed", "invalid ciphertext", "missing ciphertext"} {
		if strings.Contains(r.Error, known) {
			return keys.ErrTampered
		}
	}
	return keys.ErrUnavailable
}

// plain takes the key out of an unwrapped item.
func (r *itemResult) plain(owner string) (keys.Plain, error) {
	if err := r.err(); err != nil {
		return keys.Plain{}, err
	}
	p := keys.Plain{Owner: owner}
	if copy(p.Key[:], r.Plaintext) != len(p.Key) || len(r.Plaintext) != len(p.Key) {
		return keys.Plain{}, keys.ErrTampered // it is authentic, but no data key
	}
	return p, nil
}

// wrapped takes the wrapping out of an item.
func (r *itemResult) wrapped(owner string) (keys.Wrapped, error) {
	if err := r.err(); err != nil {
		return keys.Wrapped{}, err
	}
	if _, _, ok := wrapping.Parse(name, r.Ciphertext); !ok {
		return keys.Wrapped{}, keys.ErrUnavailable
	}
	return keys.Wrapped{Owner: owner, Text: r.Ciphertext}, nil
}

// version is the key version that made a wrapping; 0: it is not one.
func version(w keys.Wrapped) int {
	v, _, ok := wrapping.Parse(name, w.Text)
	if !ok || w.Owner == "" {
		return 0
	}
	return v
}

type signRequest struct {
	Input []byte `json:"input"`
}

type signAnswer struct {
	Data struct {
		Signature string `json:"signature"`
	} `json:"data"`
}

// parseSignature reads "vault:v<version>:<base64>".
func parseSignature(text string) (version int, signature []byte, ok bool) {
	rest, ok := strings.CutPrefix(text, name+":v")
	if !ok {
		return 0, nil, false
	}
	digits, encoded, _ := strings.Cut(rest, ":")
	version, err := strconv.Atoi(digits)
	if err != nil || version < 1 {
		return 0, nil, false
	}
	signature, err = base64.StdEncoding.DecodeString(encoded)
	if err != nil || len(signature) != ed25519.SignatureSize {
		return 0, nil, false
	}
	return version, signature, true
}

type keyAnswer struct {
	Data struct {
		Versions map[string]struct {
			PublicKey string `json:"public_key"`
		} `json:"keys"`
	} `json:"data"`
}

// publicKeys reads the public keys by their versions.
func (a *keyAnswer) publicKeys() (map[int]ed25519.PublicKey, bool) {
	public := make(map[int]ed25519.PublicKey, len(a.Data.Versions))
	for text, v := range a.Data.Versions {
		version, err := strconv.Atoi(text)
		key, errKey := base64.StdEncoding.DecodeString(v.PublicKey)
		if err != nil || errKey != nil || len(key) != ed25519.PublicKeySize {
			return nil, false
		}
		public[version] = key
	}
	return public, len(public) > 0
}
