package vault_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"cpis/service/keys"
	"cpis/service/keys/vault"
	"cpis/service/keys/vaulttest"
)

// clock is the real one, which tests can put forward.
type clock struct {
	ahead atomic.Int64
}

func (c *clock) Now() time.Time          { return time.Now().Add(time.Duration(c.ahead.Load())) }
func (c *clock) Advance(d time.Duration) { c.ahead.Add(int64(d)) }

// fixture is a keeper on a fake Vault, signed in.
type fixture struct {
	*vault.Keeper
	fake  *vaulttest.Fake
	clock *clock
}

func newFixture(tb testing.TB, change ...func(*vault.Config)) *fixture {
	tb.Helper()
	f := &fixture{fake: vaulttest.NewFake(tb), clock: &clock{}}
	cfg := f.fake.Config()
	cfg.Now = f.clock.Now
	for _, c := range change {
		c(&cfg)
	}
	f.Keeper = vaulttest.NewKeeper(tb, cfg)
	return f
}

// signedIn waits until the keeper is signed in and has checked its key, so
// that what follows is about the calls of the test only.
func (f *fixture) signedIn(tb testing.TB) *fixture {
	tb.Helper()
	mustWrap(tb, f)
	return f
}

var somebody = keys.Plain{Owner: "person/1", Key: [32]byte{1, 2, 3}}

func wrap(tb testing.TB, k keys.Keeper) (keys.Wrapped, error) {
	tb.Helper()
	wrapped, err := k.Wrap(tb.Context(), []keys.Plain{somebody})
	if err != nil {
		return keys.Wrapped{}, err
	}
	return wrapped[0], nil
}

func mustWrap(tb testing.TB, k keys.Keeper) keys.Wrapped {
	tb.Helper()
	w, err := wrap(tb, k)
	if err != nil {
		tb.Fatalf("wrapping: %v", err)
	}
	return w
}

func wantOpens(tb testing.TB, k keys.Keeper, w keys.Wrapped) {
	tb.Helper()
	opened, err := k.Unwrap(tb.Context(), []keys.Wrapped{w})
	if err != nil || opened[0].Err != nil || opened[0].Value.Key != somebody.Key {
		tb.Errorf("unwrapping: got %v, %v", opened, err)
	}
}

// wantUnavailable checks an error: what it is, and that it tells no secret.
func wantUnavailable(tb testing.TB, err error) {
	tb.Helper()
	if !errors.Is(err, keys.ErrUnavailable) {
		tb.Fatalf("got %v, want %v", err, keys.ErrUnavailable)
	}
	for _, secret := range []string{vaulttest.Canary, "vault:v", "hvs."} {
		if strings.Contains(err.Error(), secret) {
			tb.Errorf("the error tells a secret: %v", err)
		}
	}
}

// eventually waits for something that happens by itself.
func eventually(tb testing.TB, what string, happened func() bool) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), 20*time.Second)
	defer cancel()
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	for !happened() {
		select {
		case <-ctx.Done():
			tb.Fatalf("waited in vain: %s", what)
		case <-ticker.C:
		}
	}
}
