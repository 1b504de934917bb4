package vault_test

import (
	"context"
	"testing"
	"time"

	"cpis/deploy/dev/vaultdev"
	"cpis/service/keys"
	"cpis/service/keys/keystest"
	"cpis/service/keys/vault"
	"cpis/service/keys/vaulttest"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	keystest.Conformance(t, func(t *testing.T) keystest.Subject {
		t.Helper()
		return vaulttest.Real(t).Subject(t)
	})
}

// TestRealTokens lets the tokens of a real Vault live for seconds.
func TestRealTokens(t *testing.T) {
	t.Parallel()

	t.Run("AreRenewedAndReplaced", func(t *testing.T) {
		t.Parallel()
		v := vaulttest.Real(t)
		v.SetTokenLife(t, 2*time.Second, 3*time.Second)
		k := v.Keeper(t)
		// Nobody notices that tokens come and go.
		eventually(t, "a renewal and two more tokens", func() bool {
			mustWrap(t, k)
			s := k.State()
			return s.Renewals >= 1 && s.SignIns >= 3
		})
	})
	t.Run("AreReplacedWhenRevoked", func(t *testing.T) {
		t.Parallel()
		v, clock := vaulttest.Real(t), &clock{}
		cfg := v.Config()
		cfg.Now = clock.Now
		k := vaulttest.NewKeeper(t, cfg)
		w := mustWrap(t, k)
		v.Write(t, "sys/leases/revoke-prefix/auth/"+v.AppRole+"/login", nil)
		clock.Advance(afterGrace)
		wantOpens(t, k, w)
		if got := k.State().SignIns; got != 2 {
			t.Errorf("signed in %d times, want 2", got)
		}
	})
	t.Run("AreNotGivenForADestroyedSecretID", func(t *testing.T) {
		t.Parallel()
		v, clock := vaulttest.Real(t), &clock{}
		v.DestroySecretID(t)
		cfg := v.Config()
		cfg.Now = clock.Now
		k := vaulttest.NewKeeper(t, cfg)
		wantUnavailable(t, k.Ready(t.Context()))
		v.NewSecretID(t)
		clock.Advance(afterGrace)
		if err := k.Ready(t.Context()); err != nil {
			t.Errorf("with a new secret id: %v", err)
		}
	})
}

func TestRealKeys(t *testing.T) {
	t.Parallel()

	t.Run("RetiredVersionIsNotTampering", func(t *testing.T) {
		t.Parallel()
		v := vaulttest.Real(t)
		s := v.Subject(t)
		old := mustWrap(t, s.Keeper)
		if err := s.RotateWrapping(t.Context()); err != nil {
			t.Fatal(err)
		}
		config := v.Mount + "/keys/" + vault.DefaultWrappingKey + "/config"
		v.Write(t, config, map[string]any{"min_decryption_version": 2})
		opened, err := s.Keeper.Unwrap(t.Context(), []keys.Wrapped{old, mustWrap(t, s.Keeper)})
		if err != nil {
			t.Fatalf("unwrapping: %v", err)
		}
		wantUnavailable(t, opened[0].Err)
		if opened[1].Err != nil {
			t.Errorf("the newer one: %v", opened[1].Err)
		}
		v.Write(t, config, map[string]any{"min_decryption_version": 1})
		wantOpens(t, s.Keeper, old)
	})
	t.Run("MissingKeyIsNotMade", func(t *testing.T) {
		t.Parallel()
		v := vaulttest.Real(t)
		cfg := v.Config()
		cfg.WrappingKey = "misspelt"
		_, err := wrap(t, vaulttest.NewKeeper(t, cfg))
		wantUnavailable(t, err)
		list, err := v.Client.Logical().ListWithContext(t.Context(), v.Mount+"/keys")
		if err != nil {
			t.Fatal(err)
		}
		if names, _ := list.Data["keys"].([]any); len(names) != 2 {
			t.Errorf("keys: got %v, want the two that were there", names)
		}
	})
	t.Run("KeyThatDoesNotBindIsRefused", func(t *testing.T) {
		t.Parallel()
		v := vaulttest.Real(t)
		key := v.Mount + "/keys/" + vault.DefaultWrappingKey
		v.Write(t, key+"/config", map[string]any{"deletion_allowed": true})
		if _, err := v.Client.Logical().DeleteWithContext(t.Context(), key); err != nil {
			t.Fatal(err)
		}
		k := v.Keeper(t)
		_, err := wrap(t, k)
		wantUnavailable(t, err)
		v.Write(t, key, map[string]any{"type": "aes256-gcm96"}) // not derived
		_, err = wrap(t, k)
		wantUnavailable(t, err)
	})
}

// TestVaultAway takes a real Vault away, in every way there is, and brings it
// back with the keys it had.
func TestVaultAway(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		leave func(*testing.T, *vaultdev.Server) error
		back  func(*testing.T, *vaultdev.Server) error
	}{
		"Paused": {
			leave: func(_ *testing.T, s *vaultdev.Server) error { return s.Pause() },
			back:  func(_ *testing.T, s *vaultdev.Server) error { return s.Resume() },
		},
		"Killed": {
			leave: func(_ *testing.T, s *vaultdev.Server) error { return s.Kill() },
			back:  func(t *testing.T, s *vaultdev.Server) error { t.Helper(); return s.Restart(t.Context()) },
		},
		"Sealed": {
			leave: func(t *testing.T, s *vaultdev.Server) error { t.Helper(); return s.Seal(t.Context()) },
			back:  func(t *testing.T, s *vaultdev.Server) error { t.Helper(); return s.Restart(t.Context()) },
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := vaulttest.Own(t)
			k := vaulttest.NewKeeper(t, vault.Config{
				Address:        server.Address(),
				Auth:           vault.AppRole{RoleIDFile: server.RoleIDFile(), SecretIDFile: server.SecretIDFile()},
				AttemptTimeout: 200 * time.Millisecond, CallTimeout: 2 * time.Second,
				BreakAfter: 3, BreakFor: 50 * time.Millisecond, Now: time.Now,
			})
			w := mustWrap(t, k)
			if err := c.leave(t, server); err != nil {
				t.Fatal(err)
			}
			start := time.Now()
			_, err := wrap(t, k)
			wantUnavailable(t, err)
			if took := time.Since(start); took > 3*time.Second {
				t.Errorf("it took %v to give up", took)
			}
			if got := k.State().Breaker; got == vault.Closed {
				t.Errorf("the breaker is %v", got)
			}
			if err := c.back(t, server); err != nil {
				t.Fatal(err)
			}
			eventually(t, "Vault to be found again", func() bool {
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				return k.Ready(ctx) == nil
			})
			wantOpens(t, k, w)
		})
	}
}

func BenchmarkReal(b *testing.B) {
	k := vaulttest.Real(b).Keeper(b)
	plain := make([]keys.Plain, keys.MaxBatch)
	for i := range plain {
		plain[i] = keys.Plain{Owner: "person/" + string(rune('a'+i%26)), Key: [32]byte{byte(i)}}
	}
	wrapped, err := k.Wrap(b.Context(), plain)
	if err != nil {
		b.Fatal(err)
	}
	for name, call := range map[string]func() error{
		"Wrap/200":   func() error { _, err := k.Wrap(b.Context(), plain); return err },
		"Unwrap/1":   func() error { _, err := k.Unwrap(b.Context(), wrapped[:1]); return err },
		"Unwrap/200": func() error { _, err := k.Unwrap(b.Context(), wrapped); return err },
		"Rewrap/200": func() error { _, err := k.Rewrap(b.Context(), wrapped); return err },
		"Sign":       func() error { _, _, err := k.Sign(b.Context(), make([]byte, 100)); return err },
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if err := call(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
