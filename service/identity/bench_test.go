package identity_test

import (
	"crypto/rand"
	"crypto/rsa"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"cpis/service/identity"
)

func BenchmarkVerifyRemembered(b *testing.B) {
	f := newFixture(b)
	token := f.signer.Sign(f.nurse())
	f.mustVerify(b, token)
	b.Logf("token of %d bytes", len(token))
	b.Run("alone", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := f.Verify(b.Context(), token, nil); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("parallel", func(b *testing.B) {
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				if _, err := f.Verify(b.Context(), token, nil); err != nil {
					b.Error(err)
				}
			}
		})
	})
}

// BenchmarkVerifyCold verifies a token that is not remembered, because a
// second one that lives in the same place is verified in between.
func BenchmarkVerifyCold(b *testing.B) {
	b.Run("ES256", func(b *testing.B) {
		f := newFixture(b)
		benchmarkCold(b, f, func() string { return f.signer.Sign(f.nurse()) })
	})
	b.Run("RS256", func(b *testing.B) {
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			b.Fatal(err)
		}
		f := newFixture(b, func(c *identity.Config) { c.Issuers[0].Algorithms = []string{"RS256"} })
		rs := signer{"rs", jose.RS256, key}
		f.issuer.Publish(rs)
		if err := f.Refresh(b.Context()); err != nil {
			b.Fatal(err)
		}
		benchmarkCold(b, f, func() string { return rs.Jose(b, f.nurse()) })
	})
}

func benchmarkCold(b *testing.B, f *fixture, mint func() string) {
	b.Helper()
	tokens := make([]string, 512)
	for i := range tokens {
		tokens[i] = mint()
	}
	f.Verifier = f.MustNew(b, func(c *identity.Config) {
		c.Issuers[0].Algorithms = []string{"ES256", "RS256"}
		c.Remember = 1 // so few that none is found again
	})
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		if _, err := f.Verify(b.Context(), tokens[n%len(tokens)], nil); err != nil {
			b.Fatal(err)
		}
	}
}
