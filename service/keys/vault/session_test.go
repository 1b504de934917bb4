package vault_test

import (
	"errors"
	"io/fs"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"cpis/service/keys"
	"cpis/service/keys/vault"
	"cpis/service/keys/vaulttest"
)

// afterGrace is past the time for which a new token is not doubted.
const afterGrace = 2 * time.Second

func TestSigningIn(t *testing.T) {
	t.Parallel()
	write := func(tb testing.TB, path, content string) {
		tb.Helper()
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			tb.Fatal(err)
		}
	}

	t.Run("ByAppRole", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t).signedIn(t)
		if got := f.State(); !got.SignedIn || got.SignIns != 1 {
			t.Errorf("state: got %+v", got)
		}
	})
	t.Run("ByAppRoleMountedElsewhere", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t, func(c *vault.Config) {
			role, _ := c.Auth.(vault.AppRole)
			role.Mount = "trust/apps"
			c.Auth = role
		}).signedIn(t)
		if f.fake.Asked("apps") == 0 {
			t.Error("the other mount was not asked")
		}
	})
	t.Run("ByKubernetes", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t, func(c *vault.Config) {
			path := t.TempDir() + "/token"
			write(t, path, "jwt-"+vaulttest.Canary)
			c.Auth = vault.Kubernetes{Role: "cpis", JWTFile: path}
		}).signedIn(t)
		if f.fake.Asked("kubernetes") == 0 {
			t.Error("the Kubernetes method was not asked")
		}
	})
	t.Run("ByTokenFile", func(t *testing.T) {
		t.Parallel()
		path := t.TempDir() + "/token"
		f := newFixture(t, func(c *vault.Config) { c.Auth = vault.TokenFile(path) })
		write(t, path, f.fake.NewToken()+"\n")
		f.signedIn(t)
		if f.State().TokenExpires.IsZero() {
			t.Error("nobody asked how long the token lives")
		}
		// An agent replaces the token that has died.
		f.fake.Revoke()
		write(t, path, f.fake.NewToken())
		f.clock.Advance(afterGrace)
		mustWrap(t, f)
	})
	t.Run("WithRefusedCredentialsDoesNotHammer", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t, func(c *vault.Config) {
			role, _ := c.Auth.(vault.AppRole)
			write(t, role.SecretIDFile, "wrong-"+vaulttest.Canary)
		})
		for range 20 {
			_, err := wrap(t, f)
			wantUnavailable(t, err)
		}
		if got := f.fake.Asked("login"); got > 3 {
			t.Errorf("Vault was asked %d times to let nobody in", got)
		}
		if got := f.State(); got.SignedIn || got.Breaker != vault.Closed {
			t.Errorf("state: got %+v", got)
		}
		write(t, f.fake.Path("secret-id"), "secret-"+vaulttest.Canary)
		f.clock.Advance(afterGrace)
		mustWrap(t, f)
	})
	for name, content := range map[string]string{
		"Empty": " \n", "TwoLines": "one\ntwo", "Control": "a\x00b", "Huge": strings.Repeat("a", 100_000),
	} {
		t.Run("WithBadFile"+name, func(t *testing.T) {
			t.Parallel()
			path := t.TempDir() + "/secret-id"
			write(t, path, content)
			f := newFixture(t, func(c *vault.Config) {
				role, _ := c.Auth.(vault.AppRole)
				role.SecretIDFile = path
				c.Auth = role
			})
			_, err := wrap(t, f)
			wantUnavailable(t, err)
			if !strings.Contains(err.Error(), path) || strings.Contains(err.Error(), strings.TrimSpace(content)+"!") {
				t.Errorf("the error does not name the file: %v", err)
			}
		})
	}
	t.Run("WithMissingFileWorksOnceItIsThere", func(t *testing.T) {
		t.Parallel()
		path := t.TempDir() + "/token"
		f := newFixture(t, func(c *vault.Config) { c.Auth = vault.TokenFile(path) })
		_, err := wrap(t, f)
		wantUnavailable(t, err)
		if !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("got %v, want %v among it", err, fs.ErrNotExist)
		}
		write(t, path, f.fake.NewToken())
		mustWrap(t, f)
	})
	t.Run("OvercomesPassingTrouble", func(t *testing.T) {
		t.Parallel()
		fake := vaulttest.NewFake(t)
		fake.Fail("login", vaulttest.Sealed(), vaulttest.Drop(), vaulttest.Status(500), vaulttest.Cut())
		mustWrap(t, vaulttest.NewKeeper(t, fake.Config()))
	})
	t.Run("WithoutTokenInTheAnswerIsRefused", func(t *testing.T) {
		t.Parallel()
		fake := vaulttest.NewFake(t)
		fake.FailAlways("login", vaulttest.Body(`{"auth":null}`))
		_, err := wrap(t, vaulttest.NewKeeper(t, fake.Config()))
		wantUnavailable(t, err)
	})
}

func TestDeadToken(t *testing.T) {
	t.Parallel()

	t.Run("IsReplacedByWhoeverNotices", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t).signedIn(t)
		f.clock.Advance(afterGrace)
		f.fake.Revoke()
		mustWrap(t, f)
		if got := f.State().SignIns; got != 2 {
			t.Errorf("signed in %d times, want 2", got)
		}
	})
	t.Run("IsReplacedOnceForAll", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t).signedIn(t)
		f.clock.Advance(afterGrace)
		f.fake.Revoke()
		var all sync.WaitGroup
		for range 50 {
			all.Go(func() {
				if _, err := wrap(t, f); err != nil {
					t.Errorf("wrapping: %v", err)
				}
			})
		}
		all.Wait()
		if got := f.State().SignIns; got != 2 {
			t.Errorf("signed in %d times, want 2", got)
		}
	})
	t.Run("IsToldFromAMissingPermission", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t).signedIn(t)
		f.fake.FailAlways("encrypt", vaulttest.Status(403))
		f.clock.Advance(afterGrace)
		for range 20 {
			_, err := wrap(t, f)
			wantUnavailable(t, err)
		}
		if got := f.State().SignIns; got > 3 {
			t.Errorf("signed in %d times for what is not permitted", got)
		}
		f.fake.Heal()
		mustWrap(t, f)
	})
}

// TestRenewal lets tokens live for a second: Vault counts in seconds, so this
// takes a few real ones.
func TestRenewal(t *testing.T) {
	t.Parallel()

	t.Run("KeepsTheTokenAlive", func(t *testing.T) {
		t.Parallel()
		fake := vaulttest.NewFake(t)
		fake.SetTokenLife(1, 1, true)
		k := vaulttest.NewKeeper(t, fake.Config())
		eventually(t, "three renewals", func() bool { return k.State().Renewals >= 3 })
		if got := k.State(); got.SignIns != 1 || !got.TokenExpires.After(time.Now()) {
			t.Errorf("state: got %+v", got)
		}
	})
	t.Run("SignsInAnewWhenItCannotBeRenewed", func(t *testing.T) {
		t.Parallel()
		fake := vaulttest.NewFake(t)
		fake.SetTokenLife(1, 1, false)
		k := vaulttest.NewKeeper(t, fake.Config())
		eventually(t, "two more tokens", func() bool { return k.State().SignIns >= 3 })
		if got := k.State().Renewals; got != 0 {
			t.Errorf("renewed %d times what cannot be renewed", got)
		}
	})
	t.Run("SignsInAnewWhenTheEndIsNear", func(t *testing.T) {
		t.Parallel()
		fake := vaulttest.NewFake(t)
		fake.SetTokenLife(2, 1, true) // renewing no longer gives the full time
		k := vaulttest.NewKeeper(t, fake.Config())
		eventually(t, "another token", func() bool { return k.State().SignIns >= 2 })
	})
	t.Run("SurvivesVaultBeingAway", func(t *testing.T) {
		t.Parallel()
		fake := vaulttest.NewFake(t)
		fake.SetTokenLife(1, 1, true)
		fake.FailAlways("renew-self", vaulttest.Drop())
		k := vaulttest.NewKeeper(t, fake.Config())
		eventually(t, "two failed renewals", func() bool { return fake.Asked("renew-self") >= 2 })
		fake.Heal()
		eventually(t, "a renewal", func() bool { return k.State().Renewals > 0 })
		mustWrap(t, k)
	})
	t.Run("OfTokenThatNeverEndsIsNotTried", func(t *testing.T) {
		t.Parallel()
		fake := vaulttest.NewFake(t)
		fake.SetTokenLife(0, 0, false)
		k := vaulttest.NewKeeper(t, fake.Config())
		mustWrap(t, k)
		if got := k.State(); !got.SignedIn || !got.TokenExpires.IsZero() {
			t.Errorf("state: got %+v", got)
		}
	})
}

func TestNewDoesNotWaitForVault(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	cfg := f.fake.Config()
	cfg.CallTimeout, cfg.BreakFor = time.Second, 100*time.Millisecond
	f.fake.Close() // nobody listens there any more
	start := time.Now()
	k := vaulttest.NewKeeper(t, cfg)
	if took := time.Since(start); took > time.Second {
		t.Errorf("New took %v", took)
	}
	_, err := wrap(t, k)
	wantUnavailable(t, err)
	eventually(t, "the breaker to open", func() bool {
		_, err := wrap(t, k)
		wantUnavailable(t, err)
		return k.State().Breaker == vault.Open
	})
}

func TestCloseIsPrompt(t *testing.T) {
	t.Parallel()
	fake := vaulttest.NewFake(t)
	fake.FailAlways("login", vaulttest.Hang())
	cfg := fake.Config()
	cfg.AttemptTimeout = time.Minute
	k, err := vault.New(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "the first attempt", func() bool { return fake.Asked("login") > 0 })
	start := time.Now()
	if err := k.Close(); err != nil {
		t.Errorf("closing: %v", err)
	}
	if took := time.Since(start); took > time.Second {
		t.Errorf("Close took %v", took)
	}
	_, err = k.Wrap(t.Context(), []keys.Plain{somebody})
	wantUnavailable(t, err)
	if err := k.Close(); err != nil {
		t.Errorf("closing again: %v", err)
	}
}
