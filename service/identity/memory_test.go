package identity_test

import (
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"cpis/policy"
	"cpis/service/identity"
)

func TestRemembered_DoesNotOutliveTheToken(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	token := f.signer.Sign(f.nurse())
	for range 10 {
		f.mustVerify(t, token)
		f.clock.Advance(time.Minute)
	}
	f.mustRefuse(t, token, identity.Expired)
}

// TestRemembered_TakesNothingFromTheHeap cannot run beside others, as their
// allocations would be counted.
func TestRemembered_TakesNothingFromTheHeap(t *testing.T) {
	f := newFixture(t)
	token := f.signer.Sign(f.nurse())
	f.mustVerify(t, token)
	if n := testing.AllocsPerRun(100, func() { f.mustVerify(t, token) }); n > 0 {
		t.Errorf("Verify of a remembered token: allocates %v times, want 0", n)
	}
}

// TestRemembered_WhileTheKeyStays sets the clock back, so that a token which is
// not remembered would be refused as not yet valid.
func TestRemembered_WhileTheKeyStays(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	token, other := f.signer.Sign(f.nurse()), f.signer.Sign(f.nurse())
	f.mustVerify(t, token)
	f.issuer.Publish(newSigner(t, "k0"), f.signer)
	if err := f.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	f.clock.Advance(-time.Minute)
	f.mustRefuse(t, other, identity.NotYetValid)
	f.mustVerify(t, token)
}

func TestRemembered_ChangedTokenIsAnotherToken(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	token := f.signer.Sign(f.nurse())
	f.mustVerify(t, token)
	for i := range len(token) {
		changed := []byte(token)
		if changed[i]++; changed[i] == '.' {
			changed[i]++
		}
		if _, err := f.Verify(t.Context(), string(changed), nil); err == nil {
			t.Fatalf("a token with another byte %d was accepted", i)
		}
	}
	f.mustVerify(t, token)
}

// TestRemembered_IsBounded cannot run beside others, as it looks at the heap.
func TestRemembered_IsBounded(t *testing.T) {
	f := newFixture(t, func(c *identity.Config) { c.Remember = 64 })
	before := heap()
	for range 3000 {
		f.mustVerify(t, f.signer.Sign(with(f.nurse(), map[string]any{"name": strings.Repeat("n", 250)})))
	}
	if grown := heap() - before; grown > 1<<20 {
		t.Errorf("3000 tokens with a memory for 64: the heap grew by %d bytes", grown)
	}
	runtime.KeepAlive(f)
}

func heap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// TestConcurrently uses one verifier from many sides while keys come and go
// and organisations change: for the race detector, and for deadlocks.
func TestConcurrently(t *testing.T) {
	t.Parallel()
	f := newFixture(t, func(c *identity.Config) { c.Remember = 64 })
	var tokens []string
	for range 40 {
		tokens = append(tokens, f.signer.Sign(with(f.nurse(), map[string]any{"exp": begin.Unix() + 3600})))
	}
	cert := newCertificate(t)
	bound := f.signer.Sign(with(f.system(), map[string]any{"cnf": map[string]any{"x5t#S256": thumbprint(cert)}}))

	var wg sync.WaitGroup
	for n := range 8 {
		wg.Go(func() {
			for m := range 300 {
				_, err := f.Verify(t.Context(), tokens[(n+m)%len(tokens)], nil)
				if reason := identity.ReasonOf(err); err != nil && reason != identity.Organisation {
					t.Errorf("Verify: got error %v", err)
				}
				if _, err := f.Verify(t.Context(), bound, cert); err != nil && identity.ReasonOf(err) != identity.Organisation {
					t.Errorf("Verify of a bound token: got error %v", err)
				}
			}
		})
	}
	wg.Go(func() {
		for n := range 20 {
			f.issuer.Publish(f.signer, newSigner(t, fmt.Sprint("more", n)))
			if err := f.Refresh(t.Context()); err != nil {
				t.Errorf("Refresh: got error %v", err)
			}
			f.clock.Advance(10 * time.Second)
			f.directory.Set("RKE", "")
			f.directory.Set("RKE", policy.AcuteTrust)
			f.Issuers()
		}
	})
	wg.Wait()
	f.mustVerify(t, signer{"k1", jose.ES256, f.signer.key}.Sign(f.nurse()))
}
