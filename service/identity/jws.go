package identity

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/base64"
	"maps"
	"slices"
	"strings"

	"github.com/go-jose/go-jose/v4"
)

const (
	// maxToken is the longest token that is looked at, in bytes. Real ones have
	// one or two kilobytes.
	maxToken = 16 << 10
	// maxKeyID is the longest name of a key.
	maxKeyID = 256
	// minRSA is the shortest RSA key that counts, in bits.
	minRSA = 2048
)

// algorithms are the signature algorithms that may be agreed with an issuer,
// and which keys fit each. All are asymmetric: with a symmetric one whoever
// can check a token can also make one.
var algorithms = map[string]func(crypto.PublicKey) bool{
	"RS256": isRSA, "RS384": isRSA, "RS512": isRSA,
	"PS256": isRSA, "PS384": isRSA, "PS512": isRSA,
	"ES256": isECDSA(elliptic.P256()), "ES384": isECDSA(elliptic.P384()),
	"EdDSA": isEd25519,
}

func algorithmNames() string {
	return strings.Join(slices.Sorted(maps.Keys(algorithms)), ", ")
}

func isRSA(k crypto.PublicKey) bool {
	key, ok := k.(*rsa.PublicKey)
	return ok && key.N.BitLen() >= minRSA
}

func isECDSA(curve elliptic.Curve) func(crypto.PublicKey) bool {
	return func(k crypto.PublicKey) bool {
		key, ok := k.(*ecdsa.PublicKey)
		return ok && key.Curve == curve
	}
}

func isEd25519(k crypto.PublicKey) bool {
	_, ok := k.(ed25519.PublicKey)
	return ok
}

// jws is a token that was read and not yet believed.
type jws struct {
	text      string
	algorithm string
	keyID     string
	claims    claims
}

// parseJWS reads a token in compact form: three parts, each in canonical
// base64url, the first two of them strict JSON objects. A token of two
// signatures, an encrypted or a nested one does not have that form.
func parseJWS(text string) (jws, Reason) {
	var parts [3][]byte
	rest := text
	for i := range parts {
		part, after, more := strings.Cut(rest, ".")
		raw, err := decodePart(part)
		if err != nil || len(raw) == 0 || more != (i < len(parts)-1) {
			return jws{}, Malformed
		}
		parts[i], rest = raw, after
	}
	header, err := parseObject(parts[0])
	if err != nil {
		return jws{}, Malformed
	}
	t := jws{text: text}
	if reason := t.readHeader(header); reason != "" {
		return jws{}, reason
	}
	if t.claims, err = parseObject(parts[1]); err != nil {
		return jws{}, Malformed
	}
	return t, ""
}

// decodePart decodes base64url without padding. Unlike the standard decoder
// it does not skip line breaks, nor does it let bits pass that mean nothing:
// one token has one text.
func decodePart(part string) ([]byte, error) {
	if strings.ContainsAny(part, "\r\n") {
		return nil, base64.CorruptInputError(0)
	}
	return base64.RawURLEncoding.Strict().DecodeString(part)
}

// refusedHeaders change how the token is to be read (crit, b64, zip, enc,
// cty), or would bring along the key to check it with. An honest issuer has no
// use for them.
var refusedHeaders = [...]string{"crit", "b64", "zip", "enc", "cty", "jwk", "jku", "x5u", "x5c"}

func (t *jws) readHeader(header map[string]any) Reason {
	for _, name := range refusedHeaders {
		if _, has := header[name]; has {
			return Header
		}
	}
	var ok bool
	if t.algorithm, ok = header["alg"].(string); !ok {
		return Algorithm
	}
	if _, ok = algorithms[t.algorithm]; !ok {
		return Algorithm
	}
	if typ, _ := header["typ"].(string); !isTokenType(typ) {
		return Type
	}
	if t.keyID, _ = header["kid"].(string); t.keyID == "" || len(t.keyID) > maxKeyID {
		return UnknownKey
	}
	return ""
}

// isTokenType reports whether a token of type typ can be an access token: it
// is one by RFC 9068, or a JWT of a kind not stated. Types are media types and
// so compared without regard to case.
func isTokenType(typ string) bool {
	const prefix = "application/"
	if len(typ) > len(prefix) && strings.EqualFold(typ[:len(prefix)], prefix) {
		typ = typ[len(prefix):]
	}
	return strings.EqualFold(typ, "at+jwt") || strings.EqualFold(typ, "JWT")
}

// signedWith reports whether the token carries the key's signature.
func (t *jws) signedWith(k *key) bool {
	if !k.fits(t.algorithm) {
		return false
	}
	parsed, err := jose.ParseSignedCompact(t.text, []jose.SignatureAlgorithm{jose.SignatureAlgorithm(t.algorithm)})
	if err != nil || len(parsed.Signatures) != 1 {
		return false
	}
	_, err = parsed.Verify(k.public)
	return err == nil
}
