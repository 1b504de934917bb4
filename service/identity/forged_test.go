package identity_test

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"cpis/service/identity"
)

// newCertificate returns a self-signed client certificate.
func newCertificate(tb testing.TB) *x509.Certificate {
	tb.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "client"},
		NotBefore: begin, NotAfter: begin.Add(time.Hour),
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		tb.Fatal(err)
	}
	cert, err := x509.ParseCertificate(raw)
	if err != nil {
		tb.Fatal(err)
	}
	return cert
}

// TestVerify_Forged tries what an attacker would who has no key of the issuer.
func TestVerify_Forged(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name  string
		want  identity.Reason
		forge func(*fixture) string
	}{
		{"NoToken", identity.Missing, func(*fixture) string { return "" }},
		{"SignedBySomebodyElse", identity.Signature, func(f *fixture) string {
			return newSigner(f.tb, f.signer.id).Sign(f.nurse())
		}},
		{"AlgorithmNone", identity.Algorithm, func(f *fixture) string {
			return part(map[string]any{"alg": "none", "typ": "JWT", "kid": "k1"}) + "." + part(f.nurse()) + ".AA"
		}},
		{"AlgorithmNoneWithoutSignature", identity.Malformed, func(f *fixture) string {
			return part(map[string]any{"alg": "none", "typ": "JWT", "kid": "k1"}) + "." + part(f.nurse()) + "."
		}},
		{"AlgorithmNoneInOtherCase", identity.Algorithm, func(f *fixture) string {
			return part(map[string]any{"alg": "nOnE", "typ": "JWT", "kid": "k1"}) + "." + part(f.nurse()) + ".AA"
		}},
		{"NoAlgorithm", identity.Algorithm, func(f *fixture) string {
			return f.signer.SignWith(map[string]any{"alg": nil}, f.nurse())
		}},
		{"HMACWithThePublicKey", identity.Algorithm, hmacWithPublicKey},
		{"AlgorithmNotAgreedWithTheIssuer", identity.Algorithm, func(f *fixture) string {
			return f.signer.SignWith(map[string]any{"alg": "RS256"}, f.nurse())
		}},
		{"AlgorithmThatNobodyAccepts", identity.Algorithm, func(f *fixture) string {
			return f.signer.SignWith(map[string]any{"alg": "ES512"}, f.nurse())
		}},
		{"TamperedClaim", identity.Signature, func(f *fixture) string {
			token := strings.Split(f.signer.Sign(f.nurse()), ".")
			return token[0] + "." + part(with(f.nurse(), map[string]any{"nhsid_useruid": "1"})) + "." + token[2]
		}},
		{"TamperedHeader", identity.Signature, func(f *fixture) string {
			token := strings.Split(f.signer.Sign(f.nurse()), ".")
			return part(map[string]any{"alg": "ES256", "typ": "JWT", "kid": "k1"}) + "." + token[1] + "." + token[2]
		}},
		{"SignatureOfZeros", identity.Signature, func(f *fixture) string {
			token := strings.Split(f.signer.Sign(f.nurse()), ".")
			return token[0] + "." + token[1] + "." + base64.RawURLEncoding.EncodeToString(make([]byte, 64))
		}},
		{"SignatureInASN1", identity.Signature, func(f *fixture) string {
			token := strings.Split(f.signer.Sign(f.nurse()), ".")
			sum := sha256.Sum256([]byte(token[0] + "." + token[1]))
			raw, err := f.signer.key.Sign(rand.Reader, sum[:], nil)
			if err != nil {
				f.tb.Fatal(err)
			}
			return token[0] + "." + token[1] + "." + base64.RawURLEncoding.EncodeToString(raw)
		}},
		{"SignatureCutShort", identity.Signature, func(f *fixture) string {
			token := strings.Split(f.signer.Sign(f.nurse()), ".")
			return token[0] + "." + token[1] + "." + token[2][:84]
		}},
		{"NoSignature", identity.Malformed, func(f *fixture) string {
			token := strings.Split(f.signer.Sign(f.nurse()), ".")
			return token[0] + "." + token[1]
		}},
		{"UnknownKey", identity.UnknownKey, func(f *fixture) string {
			return newSigner(f.tb, "k2").Sign(f.nurse())
		}},
		{"NoKeyID", identity.UnknownKey, func(f *fixture) string {
			return f.signer.SignWith(map[string]any{"kid": nil}, f.nurse())
		}},
		{"KeyIDIsNumber", identity.UnknownKey, func(f *fixture) string {
			return f.signer.SignWith(map[string]any{"kid": 1}, f.nurse())
		}},
		{"LongKeyID", identity.UnknownKey, func(f *fixture) string {
			return f.signer.SignWith(map[string]any{"kid": strings.Repeat("k", 257)}, f.nurse())
		}},
		{"EmbeddedKey", identity.Header, func(f *fixture) string {
			mine := newSigner(f.tb, "k1")
			return mine.SignWith(map[string]any{"jwk": mine.public()}, f.nurse())
		}},
		{"AddressOfKeys", identity.Header, func(f *fixture) string {
			return newSigner(f.tb, "k1").SignWith(map[string]any{"jku": "https://evil.test/keys"}, f.nurse())
		}},
		{"AddressOfCertificate", identity.Header, func(f *fixture) string {
			return newSigner(f.tb, "k1").SignWith(map[string]any{"x5u": "https://evil.test/cert"}, f.nurse())
		}},
		{"EmbeddedCertificate", identity.Header, func(f *fixture) string {
			raw := base64.StdEncoding.EncodeToString(newCertificate(f.tb).Raw)
			return newSigner(f.tb, "k1").SignWith(map[string]any{"x5c": []string{raw}}, f.nurse())
		}},
		{"CriticalHeader", identity.Header, func(f *fixture) string {
			return f.signer.SignWith(map[string]any{"crit": []string{"b64"}, "b64": true}, f.nurse())
		}},
		{"Compressed", identity.Header, func(f *fixture) string {
			return f.signer.SignWith(map[string]any{"zip": "DEF"}, f.nurse())
		}},
		{"Nested", identity.Header, func(f *fixture) string {
			inner := f.signer.Sign(f.nurse())
			header := part(map[string]any{"alg": "ES256", "kid": "k1", "typ": "JWT", "cty": "JWT"})
			return f.signer.SignText(header + "." + base64.RawURLEncoding.EncodeToString([]byte(inner)))
		}},
		{"NestedWithoutSayingSo", identity.Malformed, func(f *fixture) string {
			inner := f.signer.Sign(f.nurse())
			header := part(map[string]any{"alg": "ES256", "kid": "k1", "typ": "JWT"})
			return f.signer.SignText(header + "." + base64.RawURLEncoding.EncodeToString([]byte(inner)))
		}},
		{"Encrypted", identity.Malformed, func(f *fixture) string {
			return f.signer.Sign(f.nurse()) + ".AAAA.AAAA"
		}},
		{"FourParts", identity.Malformed, func(f *fixture) string {
			return f.signer.Sign(f.nurse()) + ".AAAA"
		}},
		{"TwoSignatures", identity.Malformed, twoSignatures},
		{"OneSignatureInJSON", identity.Malformed, func(f *fixture) string {
			parsed, err := jose.ParseSignedCompact(f.signer.Sign(f.nurse()), []jose.SignatureAlgorithm{jose.ES256})
			if err != nil {
				f.tb.Fatal(err)
			}
			return parsed.FullSerialize()
		}},
		{"NoType", identity.Type, func(f *fixture) string {
			return f.signer.SignWith(map[string]any{"typ": nil}, f.nurse())
		}},
		{"LogoutType", identity.Type, func(f *fixture) string {
			return f.signer.SignWith(map[string]any{"typ": "logout+jwt"}, f.nurse())
		}},
		{"DuplicateClaim", identity.Malformed, func(f *fixture) string {
			return f.signer.SignJSON(`{"exp":1,` + body(f.nurse()) + `}`)
		}},
		{"DuplicateClaimWrittenDifferently", identity.Malformed, func(f *fixture) string {
			return f.signer.SignJSON(`{"\u0065xp":1,` + body(f.nurse()) + `}`)
		}},
		{"DuplicateClaimDeepInside", identity.Malformed, func(f *fixture) string {
			return f.signer.SignJSON(`{"x":[{"y":{"z":1,"z":2}}],` + body(f.nurse()) + `}`)
		}},
		{"DuplicateHeader", identity.Malformed, func(f *fixture) string {
			header := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none","typ":"JWT","kid":"k1","alg":"ES256"}`))
			return f.signer.SignText(header + "." + part(f.nurse()))
		}},
		{"TwoObjects", identity.Malformed, func(f *fixture) string {
			return f.signer.SignJSON(`{` + body(f.nurse()) + `}{}`)
		}},
		{"ClaimsAreAList", identity.Malformed, func(f *fixture) string {
			return f.signer.SignJSON(`[{` + body(f.nurse()) + `}]`)
		}},
		{"ClaimsAreNotUTF8", identity.Malformed, func(f *fixture) string {
			return f.signer.SignJSON(`{"x":"` + "\xff" + `",` + body(f.nurse()) + `}`)
		}},
		{"NestedTooDeeply", identity.Malformed, func(f *fixture) string {
			return f.signer.SignJSON(`{"x":` + strings.Repeat("[", 3000) + strings.Repeat("]", 3000) + `,` + body(f.nurse()) + `}`)
		}},
		{"Huge", identity.TooLarge, func(f *fixture) string {
			return f.signer.Sign(with(f.nurse(), map[string]any{"pad": strings.Repeat("x", 16<<10)}))
		}},
		{"Padded", identity.Malformed, func(f *fixture) string { return f.signer.Sign(f.nurse()) + "==" }},
		{"LineBreakInside", identity.Malformed, func(f *fixture) string {
			token := f.signer.Sign(f.nurse())
			return token[:len(token)-5] + "\n" + token[len(token)-5:]
		}},
		{"SpaceBefore", identity.Malformed, func(f *fixture) string { return " " + f.signer.Sign(f.nurse()) }},
		{"BitsThatMeanNothing", identity.Malformed, meaninglessBits},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			f.mustVerify(t, f.signer.Sign(f.nurse()))
			token := c.forge(f)
			f.mustRefuse(t, token, c.want)
			f.mustRefuse(t, token, c.want)
		})
	}
}

// body returns the members of an object without the braces.
func body(claims map[string]any) string {
	raw, err := json.Marshal(claims)
	if err != nil {
		panic(err)
	}
	return string(raw[1 : len(raw)-1])
}

// SignJSON signs a text as claims, even if it is not what claims should be.
func (s signer) SignJSON(claims string) string {
	header := part(map[string]any{"alg": s.algorithm, "kid": s.id, "typ": "at+jwt"})
	return s.SignText(header + "." + base64.RawURLEncoding.EncodeToString([]byte(claims)))
}

func hmacWithPublicKey(f *fixture) string {
	der, err := x509.MarshalPKIXPublicKey(f.signer.key.Public())
	if err != nil {
		f.tb.Fatal(err)
	}
	text := part(map[string]any{"alg": "HS256", "typ": "JWT", "kid": "k1"}) + "." + part(f.nurse())
	mac := hmac.New(sha256.New, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
	mac.Write([]byte(text))
	return text + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

func twoSignatures(f *fixture) string {
	made, err := jose.NewMultiSigner([]jose.SigningKey{
		{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: f.signer.key, KeyID: "k1"}},
		{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: newSigner(f.tb, "k1").key, KeyID: "k1"}},
	}, nil)
	if err != nil {
		f.tb.Fatal(err)
	}
	signed, err := made.Sign([]byte("{" + body(f.nurse()) + "}"))
	if err != nil {
		f.tb.Fatal(err)
	}
	return signed.FullSerialize()
}

// meaninglessBits changes bits that base64 does not use: the same signature in
// another text.
func meaninglessBits(f *fixture) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	token := f.signer.Sign(f.nurse())
	last := strings.IndexByte(alphabet, token[len(token)-1])
	changed := token[:len(token)-1] + string(alphabet[last|1])
	raw, err := base64.RawURLEncoding.DecodeString(changed[strings.LastIndex(changed, ".")+1:])
	if err != nil || !strings.HasSuffix(token, base64.RawURLEncoding.EncodeToString(raw)) {
		f.tb.Fatalf("the changed text is not the same signature")
	}
	return changed
}

// TestAlgorithms signs and checks with every algorithm that can be agreed.
func TestAlgorithms(t *testing.T) {
	t.Parallel()
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	_, edKey, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signers := []signer{
		newSigner(t, "es256"),
		{"es384", jose.ES384, p384},
		{"ed", jose.EdDSA, edKey},
		{"rs256", jose.RS256, rsaKey},
		{"rs384", jose.RS384, rsaKey},
		{"rs512", jose.RS512, rsaKey},
		{"ps256", jose.PS256, rsaKey},
		{"ps384", jose.PS384, rsaKey},
		{"ps512", jose.PS512, rsaKey},
	}
	var all []string
	for _, s := range signers {
		all = append(all, string(s.algorithm))
	}
	for _, s := range signers {
		t.Run(string(s.algorithm), func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			f.issuer.Publish(s)
			f.Verifier = f.MustNew(t, func(c *identity.Config) { c.Issuers[0].Algorithms = []string{string(s.algorithm)} })
			token := s.Jose(t, f.nurse())
			f.mustVerify(t, token)

			// Agreed with the issuer, but not what the key is for.
			for _, other := range signers {
				if other.algorithm == s.algorithm || other.key.Public() != s.key.Public() {
					continue
				}
				g := newFixture(t)
				g.issuer.Publish(s)
				g.Verifier = g.MustNew(t, func(c *identity.Config) { c.Issuers[0].Algorithms = all })
				g.mustRefuse(t, signer{s.id, other.algorithm, s.key}.Jose(t, g.nurse()), identity.Signature)
			}
		})
	}
}
