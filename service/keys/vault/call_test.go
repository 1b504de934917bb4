package vault_test

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"testing"
	"time"

	"cpis/service/keys"
	"cpis/service/keys/keystest"
	"cpis/service/keys/vault"
	"cpis/service/keys/vaulttest"
)

func TestFakeConforms(t *testing.T) {
	t.Parallel()
	keystest.Conformance(t, func(t *testing.T) keystest.Subject {
		t.Helper()
		return vaulttest.NewFake(t).Subject(t)
	})
}

func TestPassingTroubleIsOvercome(t *testing.T) {
	t.Parallel()
	for name, faults := range map[string][]vaulttest.Fault{
		"InternalError":    {vaulttest.Status(500), vaulttest.Status(500)},
		"BadGateway":       {vaulttest.Status(502)},
		"Unavailable":      {vaulttest.Status(503), vaulttest.Status(503), vaulttest.Status(503)},
		"Sealed":           {vaulttest.Sealed()},
		"LaggingReplica":   {vaulttest.Status(412)},
		"RateLimited":      {vaulttest.RateLimited(0)},
		"DroppedLine":      {vaulttest.Drop(), vaulttest.Drop()},
		"TruncatedAnswer":  {vaulttest.Truncate()},
		"HalfJSON":         {vaulttest.Cut()},
		"NotJSON":          {vaulttest.Body("<html>" + vaulttest.Canary)},
		"Hanging":          {vaulttest.Hang()},
		"OneAfterTheOther": {vaulttest.Drop(), vaulttest.Status(500), vaulttest.Cut(), vaulttest.RateLimited(0)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, func(c *vault.Config) {
				if name == "Hanging" {
					c.AttemptTimeout = 500 * time.Millisecond
				}
			}).signedIn(t)
			before := f.fake.Asked("encrypt")
			f.fake.Fail("encrypt", faults...)
			w := mustWrap(t, f)
			if got, want := f.fake.Asked("encrypt")-before, len(faults)+1; got != want {
				t.Errorf("Vault was asked %d times, want %d", got, want)
			}
			f.fake.Fail("decrypt", faults...)
			wantOpens(t, f, w)
			f.fake.Fail("sign", faults...)
			if _, _, err := f.Sign(t.Context(), []byte("m")); err != nil {
				t.Errorf("signing: %v", err)
			}
		})
	}
}

func TestLastingTroubleIsGivenUp(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]vaulttest.Fault{
		"InternalError":   vaulttest.Status(500),
		"Sealed":          vaulttest.Sealed(),
		"RateLimited":     vaulttest.RateLimited(0),
		"DroppedLine":     vaulttest.Drop(),
		"TruncatedAnswer": vaulttest.Truncate(),
		"HalfJSON":        vaulttest.Cut(),
		"NotJSON":         vaulttest.Body(vaulttest.Canary),
		"Hanging":         vaulttest.Hang(),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, func(c *vault.Config) {
				c.CallTimeout, c.AttemptTimeout, c.BreakAfter = 500*time.Millisecond, 200*time.Millisecond, 1000
			}).signedIn(t)
			before := f.fake.Asked("encrypt")
			f.fake.FailAlways("encrypt", fault)
			start := time.Now()
			_, err := wrap(t, f)
			wantUnavailable(t, err)
			if took := time.Since(start); took > time.Second {
				t.Errorf("it took %v, want at most the 500 ms of a call", took)
			}
			if asked := f.fake.Asked("encrypt") - before; asked < 2 || asked > 15 {
				t.Errorf("Vault was asked %d times, want a few", asked)
			}
			f.fake.Heal()
			mustWrap(t, f)
		})
	}
}

func TestRefusalIsNotRepeated(t *testing.T) {
	t.Parallel()
	for _, code := range []int{400, 404, 405, 413, 301, 204} {
		t.Run(http.StatusText(code), func(t *testing.T) {
			t.Parallel()
			f := newFixture(t).signedIn(t)
			before := f.fake.Asked("encrypt")
			f.fake.FailAlways("encrypt", vaulttest.Status(code))
			_, err := wrap(t, f)
			wantUnavailable(t, err)
			if got := f.fake.Asked("encrypt") - before; got != 1 {
				t.Errorf("Vault was asked %d times, want once", got)
			}
			if got := f.State().Breaker; got != vault.Closed {
				t.Errorf("the breaker is %v, want closed: Vault answers", got)
			}
		})
	}
}

func TestRateLimit(t *testing.T) {
	t.Parallel()

	t.Run("WaitsAsLongAsAsked", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t).signedIn(t)
		f.fake.Fail("encrypt", vaulttest.RateLimited(time.Second))
		start := time.Now()
		mustWrap(t, f)
		if took := time.Since(start); took < time.Second {
			t.Errorf("it waited %v, want a second", took)
		}
	})
	t.Run("DoesNotWaitInVain", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t).signedIn(t)
		f.fake.FailAlways("encrypt", vaulttest.RateLimited(time.Minute))
		start := time.Now()
		_, err := wrap(t, f)
		wantUnavailable(t, err)
		if took := time.Since(start); took > time.Second {
			t.Errorf("it waited %v for what comes after its deadline", took)
		}
	})
}

func TestContextIsObeyed(t *testing.T) {
	t.Parallel()

	t.Run("Deadline", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t, func(c *vault.Config) { c.AttemptTimeout = time.Minute }).signedIn(t)
		f.fake.FailAlways("encrypt", vaulttest.Hang())
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		start := time.Now()
		_, err := f.Wrap(ctx, []keys.Plain{somebody})
		wantUnavailable(t, err)
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want %v among it", err, context.DeadlineExceeded)
		}
		if took := time.Since(start); took > time.Second {
			t.Errorf("it took %v, want 50 ms", took)
		}
	})
	t.Run("CancelDuringBackoff", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t).signedIn(t)
		f.fake.FailAlways("encrypt", vaulttest.RateLimited(2*time.Second))
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(50*time.Millisecond, cancel)
		start := time.Now()
		_, err := f.Wrap(ctx, []keys.Plain{somebody})
		wantUnavailable(t, err)
		if took := time.Since(start); took > time.Second {
			t.Errorf("it took %v, want 50 ms", took)
		}
	})
	t.Run("WhileSigningIn", func(t *testing.T) {
		t.Parallel()
		fake := vaulttest.NewFake(t)
		fake.FailAlways("login", vaulttest.Hang())
		cfg := fake.Config()
		cfg.AttemptTimeout = time.Minute
		k := vaulttest.NewKeeper(t, cfg)
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		start := time.Now()
		wantUnavailable(t, k.Ready(ctx))
		if took := time.Since(start); took > time.Second {
			t.Errorf("it took %v, want 50 ms", took)
		}
	})
}

func TestSlowAnswerIsAnAnswer(t *testing.T) {
	t.Parallel()
	f := newFixture(t).signedIn(t)
	before := f.fake.Asked("encrypt")
	f.fake.Fail("encrypt", vaulttest.Slow(100*time.Millisecond))
	mustWrap(t, f)
	if got := f.fake.Asked("encrypt") - before; got != 1 {
		t.Errorf("Vault was asked %d times, want once", got)
	}
}

func TestRedirectIsNotFollowed(t *testing.T) {
	t.Parallel()
	f := newFixture(t).signedIn(t)
	elsewhere := vaulttest.NewFake(t)
	f.fake.FailAlways("encrypt", vaulttest.Redirect(elsewhere.URL))
	_, err := wrap(t, f)
	wantUnavailable(t, err)
	if elsewhere.Headers() != nil {
		t.Error("the keeper went elsewhere, with its token")
	}
}

func TestBreaker(t *testing.T) {
	t.Parallel()
	// broken is a fixture whose breaker has just opened.
	broken := func(t *testing.T) *fixture {
		t.Helper()
		f := newFixture(t, func(c *vault.Config) {
			c.BreakAfter, c.BreakFor, c.CallTimeout = 3, time.Minute, 2*time.Second
		}).signedIn(t)
		f.fake.FailAlways("encrypt", vaulttest.Status(500))
		before := f.fake.Asked("encrypt")
		_, err := wrap(t, f)
		wantUnavailable(t, err)
		if got := f.fake.Asked("encrypt") - before; got != 3 {
			t.Errorf("Vault was asked %d times until the breaker opened, want 3", got)
		}
		if got := f.State().Breaker; got != vault.Open {
			t.Errorf("the breaker is %v, want open", got)
		}
		return f
	}

	t.Run("RefusesAtOnceWhileOpen", func(t *testing.T) {
		t.Parallel()
		f := broken(t)
		before := f.fake.Asked("v1")
		start := time.Now()
		for range 100 {
			_, err := wrap(t, f)
			wantUnavailable(t, err)
			wantUnavailable(t, f.Ready(t.Context()))
		}
		if took := time.Since(start); took > time.Second {
			t.Errorf("200 refusals took %v", took)
		}
		if got := f.fake.Asked("v1"); got != before {
			t.Errorf("Vault was asked %d times while the breaker was open", got-before)
		}
	})
	t.Run("ClosesWhenVaultIsBack", func(t *testing.T) {
		t.Parallel()
		f := broken(t)
		f.fake.Heal()
		f.clock.Advance(time.Minute)
		mustWrap(t, f)
		if got := f.State().Breaker; got != vault.Closed {
			t.Errorf("the breaker is %v, want closed", got)
		}
	})
	t.Run("OpensAgainIfTheProbeFails", func(t *testing.T) {
		t.Parallel()
		f := broken(t)
		f.clock.Advance(time.Minute)
		before := f.fake.Asked("encrypt")
		for range 5 {
			_, err := wrap(t, f)
			wantUnavailable(t, err)
		}
		if got := f.fake.Asked("encrypt") - before; got != 1 {
			t.Errorf("Vault was asked %d times, want one probe", got)
		}
	})
	t.Run("OnlyOneProbes", func(t *testing.T) {
		t.Parallel()
		f := broken(t)
		f.fake.Heal()
		f.fake.FailAlways("encrypt", vaulttest.Slow(150*time.Millisecond))
		f.clock.Advance(time.Minute)
		before := f.fake.Asked("encrypt")
		var all sync.WaitGroup
		for range 20 {
			all.Go(func() { _, _ = wrap(t, f) })
		}
		eventually(t, "a probe", func() bool { return f.State().Breaker == vault.HalfOpen })
		all.Wait()
		if got := f.fake.Asked("encrypt") - before; got != 1 {
			t.Errorf("Vault was asked %d times, want one probe", got)
		}
	})
	t.Run("CallersWhoLeaveDoNotOpenIt", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t, func(c *vault.Config) { c.BreakAfter, c.AttemptTimeout = 2, time.Minute }).signedIn(t)
		f.fake.FailAlways("encrypt", vaulttest.Hang())
		for range 5 {
			before := f.fake.Asked("encrypt")
			ctx, leave := context.WithCancel(t.Context())
			var all sync.WaitGroup
			all.Go(func() {
				_, err := f.Wrap(ctx, []keys.Plain{somebody})
				wantUnavailable(t, err)
			})
			eventually(t, "the request", func() bool { return f.fake.Asked("encrypt") > before })
			leave()
			all.Wait()
		}
		if got := f.State().Breaker; got != vault.Closed {
			t.Errorf("the breaker is %v, want closed", got)
		}
	})
	t.Run("NamesOfItsStates", func(t *testing.T) {
		t.Parallel()
		for state, want := range map[vault.BreakerState]string{
			vault.Closed: "closed", vault.Open: "open", vault.HalfOpen: "half-open", -1: "unknown",
		} {
			if got := state.String(); got != want {
				t.Errorf("%d: got %q, want %q", state, got, want)
			}
		}
	})
}

func TestObserve(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	seen := map[string]vault.Call{}
	f := newFixture(t, func(c *vault.Config) {
		c.Observe = func(call vault.Call) {
			mu.Lock()
			defer mu.Unlock()
			seen[call.Operation] = call
		}
	}).signedIn(t)
	f.fake.Fail("encrypt", vaulttest.Status(503))
	w := mustWrap(t, f)
	f.fake.Fail("decrypt", vaulttest.Status(404))
	_, err := f.Unwrap(t.Context(), []keys.Wrapped{w, w})
	wantUnavailable(t, err)

	mu.Lock()
	defer mu.Unlock()
	if got := seen["wrap"]; got.Items != 1 || got.Tries != 2 || got.Err != nil || got.Took <= 0 {
		t.Errorf("wrap: got %+v", got)
	}
	if got := seen["unwrap"]; got.Items != 2 || got.Tries != 1 || got.Err == nil {
		t.Errorf("unwrap: got %+v", got)
	}
	if got := seen["sign in"]; got.Tries != 1 || got.Err != nil {
		t.Errorf("sign in: got %+v", got)
	}
}
