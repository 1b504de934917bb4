package identity_test

import (
	"testing"
	"time"

	"cpis/service/identity"
)

// besides makes a verifier trust another issuer, too.
func besides(other *issuer) func(*identity.Config) {
	return func(c *identity.Config) {
		another := c.Issuers[0]
		another.URL, another.JWKSURL = other.URL, other.URL+"/keys"
		c.Issuers = append(c.Issuers, another)
	}
}

func wantUnknown(t *testing.T, v *identity.Verifier, n int) {
	t.Helper()
	if got := v.Unknown(); got != n {
		t.Errorf("Unknown: got %d, want %d", got, n)
	}
}

func TestReady_AsksUntilTheKeysAreKnown(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.issuer.Answer(down)
	f.Verifier = f.MustNew(t)
	wantUnknown(t, f.Verifier, 1)
	before := f.issuer.asked.Load()
	for range 10 {
		wantUnavailable(t, f.Ready(t.Context()))
	}
	if asked := f.issuer.asked.Load() - before; asked > 1 {
		t.Errorf("the issuer was asked %d times within a moment", asked)
	}
	f.issuer.Answer(nil)
	f.clock.Advance(time.Minute)
	if err := f.Ready(t.Context()); err != nil { // nobody has called
		t.Errorf("Ready: %v", err)
	}
	wantUnknown(t, f.Verifier, 0)
}

func TestReady_OneIssuerIsEnough(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	other := newIssuer(t, newSigner(t, "o1"))
	other.Answer(down)
	f.Verifier = f.MustNew(t, besides(other))
	wantUnknown(t, f.Verifier, 1)
	if err := f.Ready(t.Context()); err != nil {
		t.Errorf("Ready: %v", err)
	}
	other.Answer(nil)
	f.clock.Advance(time.Minute)
	if err := f.Ready(t.Context()); err != nil {
		t.Errorf("Ready: %v", err)
	}
	wantUnknown(t, f.Verifier, 0)
}

func TestReady_KeysThatNobodyConfirmedAreNotKnown(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	wantUnknown(t, f.Verifier, 0)
	f.issuer.Answer(down)
	f.clock.Advance(24*time.Hour - time.Minute)
	if err := f.Ready(t.Context()); err != nil {
		t.Errorf("Ready: %v", err)
	}
	wantUnknown(t, f.Verifier, 0)
	f.clock.Advance(2 * time.Minute)
	wantUnavailable(t, f.Ready(t.Context()))
	wantUnknown(t, f.Verifier, 1)
}
