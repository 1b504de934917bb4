package vaulttest

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// transit is the fake's transit engine. Version n of a key is at n-1. It is
// guarded by the fake's lock.
type transit struct {
	wrapping   []cipher.AEAD
	signing    []ed25519.PrivateKey
	derived    bool // whether a wrapping is bound to its context
	minVersion int
}

func newTransit() transit {
	t := transit{derived: true}
	t.rotateWrapping()
	t.rotateSigning()
	return t
}

func (t *transit) rotateWrapping() {
	key := make([]byte, 32)
	_, _ = rand.Read(key)
	block, err := aes.NewCipher(key)
	if err != nil {
		panic(err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		panic(err)
	}
	t.wrapping = append(t.wrapping, aead)
}

func (t *transit) rotateSigning() {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		panic(err)
	}
	t.signing = append(t.signing, private)
}

// transitRequest is what the engine is sent.
type transitRequest struct {
	Input []byte `json:"input"`
	Items []struct {
		Context    []byte `json:"context"`
		Plaintext  []byte `json:"plaintext"`
		Ciphertext string `json:"ciphertext"`
	} `json:"batch_input"`
}

type transitResult struct {
	Plaintext  []byte `json:"plaintext,omitempty"`
	Ciphertext string `json:"ciphertext,omitempty"`
	Error      string `json:"error,omitempty"`
}

func (t *transit) answer(w http.ResponseWriter, r *http.Request, path string) {
	var request transitRequest
	if r.Method != http.MethodGet && json.NewDecoder(r.Body).Decode(&request) != nil {
		refuse(w, http.StatusBadRequest, "malformed")
		return
	}
	switch {
	case len(t.wrapping) == 0:
		refuse(w, http.StatusBadRequest, "encryption key not found "+Canary)
	case path == "encrypt/"+wrappingKey:
		t.batch(w, request, func(context, plaintext []byte, _ string) transitResult {
			return transitResult{Ciphertext: t.seal(context, plaintext)}
		})
	case path == "decrypt/"+wrappingKey:
		t.batch(w, request, func(context, _ []byte, ciphertext string) transitResult {
			plaintext, err := t.open(context, ciphertext)
			return transitResult{Plaintext: plaintext, Error: err}
		})
	case path == "rewrap/"+wrappingKey:
		t.batch(w, request, func(context, _ []byte, ciphertext string) transitResult {
			plaintext, err := t.open(context, ciphertext)
			if err != "" {
				return transitResult{Error: err}
			}
			return transitResult{Ciphertext: t.seal(context, plaintext)}
		})
	case path == "sign/"+signingKey:
		t.sign(w, request.Input)
	case path == "keys/"+signingKey:
		t.publicKeys(w)
	default:
		refuse(w, http.StatusForbidden, "permission denied")
	}
}

// batch answers item by item; with a bad one among them the status is 400.
func (t *transit) batch(w http.ResponseWriter, request transitRequest, one func(context, plaintext []byte, ciphertext string) transitResult) {
	if len(request.Items) == 0 {
		refuse(w, http.StatusBadRequest, "missing batch input to process")
		return
	}
	code := http.StatusOK
	results := make([]transitResult, len(request.Items))
	for i, item := range request.Items {
		results[i] = one(item.Context, item.Plaintext, item.Ciphertext)
		if results[i].Error != "" {
			code = http.StatusBadRequest
		}
	}
	reply(w, code, map[string]any{"data": map[string]any{"batch_results": results}})
}

func (t *transit) bind(context []byte) []byte {
	if !t.derived {
		return nil
	}
	return context
}

func (t *transit) seal(context, plaintext []byte) string {
	newest := len(t.wrapping)
	sealed := t.wrapping[newest-1].Seal(nil, nil, plaintext, t.bind(context))
	return fmt.Sprintf("vault:v%d:%s", newest, base64.StdEncoding.EncodeToString(sealed))
}

// open decrypts; the error is in the real one's words.
func (t *transit) open(context []byte, ciphertext string) (plaintext []byte, problem string) {
	digits, encoded, ok := strings.Cut(strings.TrimPrefix(ciphertext, "vault:v"), ":")
	version, err := strconv.Atoi(digits)
	sealed, errEncoded := base64.StdEncoding.DecodeString(encoded)
	switch {
	case !ok, err != nil, errEncoded != nil:
		return nil, "invalid ciphertext: no prefix"
	case version > len(t.wrapping):
		return nil, "invalid ciphertext: version is too new"
	case version < max(t.minVersion, 1):
		return nil, "ciphertext or signature version is disallowed by policy (too old)"
	}
	plaintext, err = t.wrapping[version-1].Open(nil, nil, sealed, t.bind(context))
	if err != nil {
		return nil, "cipher: message authentication failed"
	}
	return plaintext, ""
}

func (t *transit) sign(w http.ResponseWriter, message []byte) {
	version := len(t.signing)
	signature := base64.StdEncoding.EncodeToString(ed25519.Sign(t.signing[version-1], message))
	reply(w, http.StatusOK, map[string]any{"data": map[string]any{
		"signature": fmt.Sprintf("vault:v%d:%s", version, signature), "key_version": version,
	}})
}

func (t *transit) publicKeys(w http.ResponseWriter) {
	versions := map[string]any{}
	for i, private := range t.signing {
		public, _ := private.Public().(ed25519.PublicKey)
		versions[strconv.Itoa(i+1)] = map[string]string{"public_key": base64.StdEncoding.EncodeToString(public)}
	}
	reply(w, http.StatusOK, map[string]any{"data": map[string]any{"keys": versions, "type": "ed25519"}})
}
