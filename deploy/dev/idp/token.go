package idp

import (
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// ErrNobody says that there is no such person.
var ErrNobody = errors.New("nobody of that name")

// errNoSigner cannot happen: keys of another kind are not read.
var errNoSigner = errors.New("not a signing key")

// ownClient is the client id of tokens that were made without an application.
const ownClient = "cpis-dev"

// Option changes the claims of a token.
type Option func(claims map[string]any)

// Lifetime makes a token last that long.
func Lifetime(d time.Duration) Option {
	return func(claims map[string]any) {
		if issued, ok := claims["iat"].(int64); ok {
			claims["exp"] = issued + int64(d/time.Second)
		}
	}
}

// BoundTo binds a token to a client certificate.
func BoundTo(certificate *x509.Certificate) Option {
	sum := sha256.Sum256(certificate.Raw)
	return Claim("cnf", map[string]string{"x5t#S256": base64.RawURLEncoding.EncodeToString(sum[:])})
}

// Claim sets a claim. A nil value removes it.
func Claim(name string, value any) Option {
	return func(claims map[string]any) {
		if claims[name] = value; value == nil {
			delete(claims, name)
		}
	}
}

// Token returns an access token of the person with that key, or an error that
// is [ErrNobody].
func (p *Provider) Token(key string, options ...Option) (string, error) {
	person, ok := byKey(key)
	if !ok {
		return "", fmt.Errorf("%w: %q is not one of %s", ErrNobody, key, strings.Join(keys(), ", "))
	}
	client := ownClient
	if person.System {
		client = person.ID
	}
	return p.accessToken(person, client, person.Scopes, options...)
}

func keys() []string {
	var all []string
	for _, person := range People() {
		all = append(all, person.Key)
	}
	return all
}

// accessToken creates the access token that an application gets for a person.
func (p *Provider) accessToken(person Person, client string, scopes []string, options ...Option) (string, error) {
	now := p.now().Unix()
	claims := person.claims()
	claims["iss"], claims["aud"], claims["client_id"] = p.url, p.audience, client
	claims["iat"], claims["nbf"], claims["exp"] = now, now, now+int64(p.lifetime/time.Second)
	claims["jti"] = rand.Text()
	if len(scopes) > 0 {
		claims["scope"] = strings.Join(scopes, " ")
	}
	for _, change := range options {
		change(claims)
	}
	return p.MintRaw(nil, claims)
}

// MintRaw signs any claims with any header, for tests of what must be refused.
// Members of the header that are not given are those of an access token; the
// signature is that of the newest key, whatever the header says.
func (p *Provider) MintRaw(header, claims map[string]any) (string, error) {
	key := p.keys.signing()
	full := map[string]any{"alg": algorithm, "kid": key.KeyID, "typ": "at+jwt"}
	maps.Copy(full, header)
	head, err := json.Marshal(full)
	if err != nil {
		return "", fmt.Errorf("writing header: %w", err)
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", fmt.Errorf("writing claims: %w", err)
	}
	return sign(key, encode(head)+"."+encode(payload))
}

// sign appends to the first two parts of a token their signature.
func sign(key jose.JSONWebKey, text string) (string, error) {
	private, ok := key.Key.(*ecdsa.PrivateKey)
	if !ok {
		return "", errNoSigner
	}
	sum := sha256.Sum256([]byte(text))
	r, s, err := ecdsa.Sign(rand.Reader, private, sum[:])
	if err != nil {
		return "", fmt.Errorf("signing token: %w", err)
	}
	var signature [64]byte
	r.FillBytes(signature[:32])
	s.FillBytes(signature[32:])
	return text + "." + encode(signature[:]), nil
}

func encode(raw []byte) string { return base64.RawURLEncoding.EncodeToString(raw) }
