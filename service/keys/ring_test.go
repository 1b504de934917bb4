package keys_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"cpis/service/keys"
	"cpis/service/keys/local"
)

func TestTags(t *testing.T) {
	t.Parallel()
	oldKey := keys.Plain{Owner: "index/1", Key: [32]byte{1}}
	newKey := keys.Plain{Owner: "index/2", Key: [32]byte{2}}
	before, during, after := openIndex(t, oldKey), openIndex(t, newKey, oldKey), openIndex(t, newKey)
	const number = "9990000018"

	if got := before.IndexVersion(); got != 1 {
		t.Errorf("IndexVersion before: got %d, want 1", got)
	}
	if got := during.IndexVersion(); got != 2 {
		t.Errorf("IndexVersion during: got %d, want 2", got)
	}
	if diff := cmp.Diff([]int{2, 1}, during.IndexVersions()); diff != "" {
		t.Errorf("IndexVersions during (-want +got): %s", diff)
	}
	if before.Tag(number) == after.Tag(number) {
		t.Error("tags do not depend on the index key")
	}
	if during.Tag(number) != after.Tag(number) {
		t.Error("Tag is not under the newest key")
	}
	want := []keys.Tag{after.Tag(number), before.Tag(number)}
	if diff := cmp.Diff(want, during.Tags(number)); diff != "" {
		t.Errorf("Tags (-want +got): %s", diff)
	}
	if diff := cmp.Diff(want[1:], before.Tags(number)); diff != "" {
		t.Errorf("Tags of a single key (-want +got): %s", diff)
	}
	wantHashes := [][32]byte{after.Hash("d", "a"), before.Hash("d", "a")}
	if diff := cmp.Diff(wantHashes, during.Hashes("d", "a")); diff != "" {
		t.Errorf("Hashes (-want +got): %s", diff)
	}
	if during.Hash("d", "a") != wantHashes[0] {
		t.Error("Hash is not under the newest key")
	}
}

func TestSetIndex(t *testing.T) {
	t.Parallel()
	f := newFixture(t, keys.RingConfig{})
	index := func(version int) keys.Wrapped {
		t.Helper()
		w, err := keys.NewIndexKey(t.Context(), f.Keeper(), version)
		if err != nil {
			t.Fatal(err)
		}
		return w
	}
	set := func(wrapped ...keys.Wrapped) error { return f.SetIndex(t.Context(), wrapped) }
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatalf("SetIndex: %v", err)
		}
	}
	two, three, four := index(2), index(3), index(4)
	const number = "9990000018"
	must(set(two))
	tag, stable, local := f.Tag(number), f.StableHash("d", "a"), f.LocalTag(number)
	must(set(three, two))
	want := []keys.VersionedTag{{Tag: f.Tag(number), Version: 3}, {Tag: tag, Version: 2}}
	if diff := cmp.Diff(want, f.VersionedTags(number)); diff != "" {
		t.Errorf("VersionedTags (-want +got): %s", diff)
	}
	if f.Tag(number) == tag || f.StableHash("d", "a") != stable || f.LocalTag(number) != local {
		t.Error("with a new key, Tag should change, and neither StableHash nor LocalTag")
	}
	newest := f.Tag(number)
	if err := set(); err == nil {
		t.Error("SetIndex without keys: no error")
	}
	f.keeper.Leave()
	if err := set(four, three); !errors.Is(err, keys.ErrUnavailable) {
		t.Errorf("SetIndex of a new key: got %v, want %v", err, keys.ErrUnavailable)
	}
	if diff := cmp.Diff([]int{3, 2}, f.IndexVersions()); diff != "" {
		t.Errorf("IndexVersions after errors (-want +got): %s", diff)
	}
	must(set(three)) // is open already
	if f.Tag(number) != newest || f.StableHash("d", "a") == stable || f.LocalTag(number) != local {
		t.Error("when a key retires, StableHash should change, and neither Tag nor LocalTag")
	}
	if other := newFixture(t, keys.RingConfig{}); other.LocalTag(number) == local {
		t.Error("LocalTag is the same for another ring")
	}
}

func TestSetIndexWhileReading(t *testing.T) {
	t.Parallel()
	f := newFixture(t, keys.RingConfig{})
	one, err := keys.NewIndexKey(t.Context(), f.Keeper(), 1)
	if err != nil {
		t.Fatal(err)
	}
	two, err := keys.NewIndexKey(t.Context(), f.Keeper(), 2)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				if tags := f.VersionedTags("9990000018"); tags[0].Version != len(tags) {
					t.Errorf("%d tags, the first of version %d", len(tags), tags[0].Version)
				}
			}
		})
	}
	for range 200 {
		for _, wrapped := range [][]keys.Wrapped{{two, one}, {one}} {
			if err := f.SetIndex(t.Context(), wrapped); err != nil {
				t.Errorf("SetIndex: %v", err)
			}
		}
	}
	close(done)
	all.Wait()
}

func TestHashesOfDifferentThingsDiffer(t *testing.T) {
	t.Parallel()
	ring := openIndex(t, keys.Plain{Owner: "index/1", Key: [32]byte{1}})
	large := bytes.Repeat([]byte("x"), 100_000)
	seen := map[[32]byte]string{}
	for name, h := range map[string][32]byte{
		"parts":    ring.Hash("d", "a", "b"),
		"joined":   ring.Hash("d", "ab"),
		"moved":    ring.Hash("da", "b"),
		"domain":   ring.Hash("e", "a", "b"),
		"none":     ring.Hash("d"),
		"empty":    ring.Hash("d", ""),
		"tag":      ring.Tag("d"),
		"large":    ring.HashBytes("d", large),
		"larger":   ring.HashBytes("d", append(large, 'x')),
		"anything": ring.HashBytes("d", []byte("a")),
	} {
		if other, ok := seen[h]; ok {
			t.Errorf("%s and %s have the same hash", name, other)
		}
		seen[h] = name
	}
	if ring.HashBytes("d", large) != ring.Hash("d", string(large)) {
		t.Error("a large part hashes differently the second time")
	}
}

func TestTagsAreSafeForConcurrentUse(t *testing.T) {
	t.Parallel()
	ring := openIndex(t, keys.Plain{Owner: "index/1", Key: [32]byte{1}})
	var all sync.WaitGroup
	for worker := range 8 {
		number := fmt.Sprintf("999000001%d", worker)
		want := ring.Tag(number)
		all.Go(func() {
			for range 500 {
				if ring.Tag(number) != want {
					t.Errorf("the tag of %s changed", number)
				}
			}
		})
	}
	all.Wait()
}

func TestOpenRingRefuses(t *testing.T) {
	t.Parallel()
	file, err := local.Create(filepath.Join(t.TempDir(), "keys.json"))
	if err != nil {
		t.Fatal(err)
	}
	wrap := func(owner string) keys.Wrapped {
		w, err := file.Wrap(t.Context(), []keys.Plain{{Owner: owner}})
		if err != nil {
			t.Fatal(err)
		}
		return w[0]
	}
	clocked := keys.RingConfig{Now: time.Now}
	tampered := keys.Wrapped{Owner: "index/2", Text: wrap("index/1").Text}
	for name, c := range map[string]struct {
		index []keys.Wrapped
		cfg   keys.RingConfig
		want  error
	}{
		"NoIndexKey":        {nil, clocked, nil},
		"ThreeIndexKeys":    {[]keys.Wrapped{wrap("index/3"), wrap("index/2"), wrap("index/1")}, clocked, nil},
		"OldestFirst":       {[]keys.Wrapped{wrap("index/1"), wrap("index/2")}, clocked, nil},
		"SameVersionTwice":  {[]keys.Wrapped{wrap("index/1"), wrap("index/1")}, clocked, nil},
		"SomebodyElsesKey":  {[]keys.Wrapped{wrap("person/1")}, clocked, nil},
		"NoVersion":         {[]keys.Wrapped{wrap("index/")}, clocked, nil},
		"VersionZero":       {[]keys.Wrapped{wrap("index/0")}, clocked, nil},
		"VersionNotWritten": {[]keys.Wrapped{wrap("index/01")}, clocked, nil},
		"MovedKey":          {[]keys.Wrapped{tampered}, clocked, keys.ErrTampered},
		"NoClock":           {[]keys.Wrapped{wrap("index/1")}, keys.RingConfig{}, nil},
		"NegativeSize":      {[]keys.Wrapped{wrap("index/1")}, keys.RingConfig{Now: time.Now, CacheSize: -1}, nil},
		"NegativeTime":      {[]keys.Wrapped{wrap("index/1")}, keys.RingConfig{Now: time.Now, CacheFor: -1}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := keys.OpenRing(t.Context(), file, c.index, c.cfg)
			if err == nil || (c.want != nil && !errors.Is(err, c.want)) {
				t.Errorf("got %v, want an error (%v)", err, c.want)
			}
		})
	}
	t.Run("KeeperAway", func(t *testing.T) {
		t.Parallel()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := keys.OpenRing(ctx, file, []keys.Wrapped{wrap("index/1")}, clocked)
		if !errors.Is(err, keys.ErrUnavailable) {
			t.Errorf("got %v, want %v", err, keys.ErrUnavailable)
		}
	})
	t.Run("NewIndexKeyOfVersionZero", func(t *testing.T) {
		t.Parallel()
		if _, err := keys.NewIndexKey(t.Context(), file, 0); err == nil {
			t.Error("it was made")
		}
	})
}

func TestNewKeys(t *testing.T) {
	t.Parallel()
	f := newFixture(t, keys.RingConfig{})
	owners := make([]string, 2*keys.MaxBatch+1)
	for i := range owners {
		owners[i] = fmt.Sprintf("person/%d", i)
	}
	made, err := f.New(t.Context(), owners)
	if err != nil || len(made) != len(owners) {
		t.Fatalf("New: got %d keys, %v", len(made), err)
	}
	f.wantCached(t, owners[0], false)
	for i, m := range made {
		if m.Wrapped.Owner != owners[i] {
			t.Fatalf("key %d is %q's, want %q's", i, m.Wrapped.Owner, owners[i])
		}
		sealed := m.Key.Seal([]byte(owners[i]), here)
		opened, err := f.MustUnwrap(t, m.Wrapped).Open(sealed, here)
		if err != nil || string(opened) != owners[i] {
			t.Fatalf("key %d: got %q, %v", i, opened, err)
		}
	}
	if none, err := f.New(t.Context(), nil); err != nil || len(none) != 0 {
		t.Errorf("New of nobody: got %d keys, %v", len(none), err)
	}
}

func TestUnwrap(t *testing.T) {
	t.Parallel()

	t.Run("FillsTheCache", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t, keys.RingConfig{})
		w := f.MustNew(t, "person/1")[0]
		f.wantCached(t, "person/1", false)
		first := f.MustUnwrap(t, w)
		f.wantCached(t, "person/1", true)
		if f.MustUnwrap(t, w) != first || f.keeper.calls.Load() != 1 {
			t.Errorf("the keeper was asked %d times, want once", f.keeper.calls.Load())
		}
	})
	t.Run("SplitsIntoBatches", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t, keys.RingConfig{})
		owners := make([]string, 3*keys.MaxBatch+7)
		for i := range owners {
			owners[i] = fmt.Sprintf("person/%d", i)
		}
		for i, r := range f.Unwrap(t.Context(), f.MustNew(t, owners...)) {
			if cached, _ := f.Cached(owners[i]); r.Err != nil || cached != r.Value {
				t.Fatalf("key %d: %v", i, r.Err)
			}
		}
		if f.keeper.calls.Load() != 4 || f.keeper.most.Load() != keys.MaxBatch {
			t.Errorf("%d calls of at most %d", f.keeper.calls.Load(), f.keeper.most.Load())
		}
	})
	t.Run("OfNothingAsksNobody", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t, keys.RingConfig{})
		if got := f.Unwrap(t.Context(), nil); len(got) != 0 || f.keeper.calls.Load() != 0 {
			t.Errorf("got %d results of %d calls", len(got), f.keeper.calls.Load())
		}
	})
	t.Run("AsksOnceForOneOwnerNamedTwice", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t, keys.RingConfig{})
		w := f.MustNew(t, "person/1")[0]
		results := f.Unwrap(t.Context(), []keys.Wrapped{w, w, w})
		if results[0].Value == nil || results[0].Value != results[2].Value || f.keeper.asked.Load() != 1 {
			t.Errorf("the keeper was asked for %d keys, want 1", f.keeper.asked.Load())
		}
	})
	t.Run("BadKeySparesTheOthersAndIsNotCached", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t, keys.RingConfig{})
		wrapped := f.MustNew(t, "person/1", "person/2", "person/3")
		wrapped[1].Text = wrapped[0].Text
		results := f.Unwrap(t.Context(), wrapped)
		if results[0].Err != nil || !errors.Is(results[1].Err, keys.ErrTampered) || results[2].Err != nil {
			t.Errorf("got errors %v, %v, %v", results[0].Err, results[1].Err, results[2].Err)
		}
		f.wantCached(t, "person/1", true)
		f.wantCached(t, "person/2", false)
	})
	t.Run("BadWrappingDoesNotSpoilTheGoodOneOfTheSameOwner", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t, keys.RingConfig{})
		good := f.MustNew(t, "person/1")[0]
		bad := keys.Wrapped{Owner: good.Owner, Text: "garbage"}
		results := f.Unwrap(t.Context(), []keys.Wrapped{bad, good})
		if !errors.Is(results[0].Err, keys.ErrTampered) || results[1].Err != nil {
			t.Errorf("got errors %v, %v", results[0].Err, results[1].Err)
		}
	})
}

func TestKeeperAway(t *testing.T) {
	t.Parallel()
	f := newFixture(t, keys.RingConfig{CacheFor: time.Minute})
	wrapped := f.MustNew(t, "person/1", "person/2")
	f.MustUnwrap(t, wrapped[0])
	f.keeper.Leave()

	results := f.Unwrap(t.Context(), wrapped)
	if results[0].Err != nil {
		t.Errorf("the cached key: %v", results[0].Err)
	}
	if !errors.Is(results[1].Err, keys.ErrUnavailable) {
		t.Errorf("the other key: got %v, want %v", results[1].Err, keys.ErrUnavailable)
	}
	f.clock.Advance(time.Minute)
	if r := f.Unwrap(t.Context(), wrapped[:1])[0]; !errors.Is(r.Err, keys.ErrUnavailable) {
		t.Errorf("the key that expired: got %v, want %v", r.Err, keys.ErrUnavailable)
	}
	f.keeper.Return()
	for i, r := range f.Unwrap(t.Context(), wrapped) {
		if r.Err != nil {
			t.Errorf("key %d, the keeper being back: %v", i, r.Err)
		}
	}
}

// TestSharing runs in bubbles, so that "everybody waits" can be waited for.
func TestSharing(t *testing.T) {
	t.Parallel()

	t.Run("ManyCallersOneCall", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			f := newFixture(t, keys.RingConfig{})
			w := f.MustNew(t, "person/1")[0]
			release := f.keeper.Hold()
			var all sync.WaitGroup
			for range 32 {
				all.Go(func() {
					if r := f.Unwrap(t.Context(), []keys.Wrapped{w})[0]; r.Err != nil {
						t.Errorf("unwrapping: %v", r.Err)
					}
				})
			}
			synctest.Wait()
			release()
			all.Wait()
			if got := f.keeper.calls.Load(); got != 1 {
				t.Errorf("32 callers made %d calls, want 1", got)
			}
		})
	})
	t.Run("FirstCallerLeavesAndTheOthersGetTheKey", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			f := newFixture(t, keys.RingConfig{})
			w := f.MustNew(t, "person/1")[0]
			release := f.keeper.Hold()
			ctx, leave := context.WithCancel(t.Context())
			var all sync.WaitGroup
			all.Go(func() {
				r := f.Unwrap(ctx, []keys.Wrapped{w})[0]
				if !errors.Is(r.Err, keys.ErrUnavailable) || !errors.Is(r.Err, context.Canceled) {
					t.Errorf("the one who left: got %v", r.Err)
				}
			})
			synctest.Wait()
			all.Go(func() {
				if r := f.Unwrap(t.Context(), []keys.Wrapped{w})[0]; r.Err != nil {
					t.Errorf("the one who stayed: %v", r.Err)
				}
			})
			synctest.Wait()
			leave()
			synctest.Wait()
			release()
			all.Wait()
			f.wantCached(t, "person/1", true)
		})
	})
	t.Run("KeyForgottenOnItsWayIsNotKept", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			f := newFixture(t, keys.RingConfig{})
			w := f.MustNew(t, "person/1")[0]
			release := f.keeper.Hold()
			var all sync.WaitGroup
			all.Go(func() { f.MustUnwrap(t, w) })
			synctest.Wait()
			f.Forget("person/1")
			release()
			all.Wait()
			f.wantCached(t, "person/1", false)
		})
	})
	t.Run("SilentKeeperIsGivenUp", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			f := newFixture(t, keys.RingConfig{CallTimeout: time.Second})
			wrapped := f.MustNew(t, "person/1", "person/2")
			defer f.keeper.Hold()()
			start := time.Now()
			for _, r := range f.Unwrap(t.Context(), wrapped) {
				if !errors.Is(r.Err, keys.ErrUnavailable) {
					t.Errorf("got %v, want %v", r.Err, keys.ErrUnavailable)
				}
			}
			if took := time.Since(start); took != time.Second {
				t.Errorf("it took %v, want a second", took)
			}
		})
	})
	t.Run("EndedContextGetsOnlyWhatIsCached", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t, keys.RingConfig{})
		wrapped := f.MustNew(t, "person/1", "person/2")
		f.MustUnwrap(t, wrapped[0])
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		results := f.Unwrap(ctx, wrapped)
		if results[0].Err != nil || !errors.Is(results[1].Err, keys.ErrUnavailable) {
			t.Errorf("got errors %v, %v", results[0].Err, results[1].Err)
		}
		if got := f.keeper.calls.Load(); got != 1 {
			t.Errorf("the keeper was asked %d times, want once", got)
		}
	})
}

func TestCache(t *testing.T) {
	t.Parallel()

	t.Run("UseDoesNotProlong", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t, keys.RingConfig{CacheFor: time.Minute})
		f.MustUnwrap(t, f.MustNew(t, "person/1")[0])
		for range 59 {
			f.clock.Advance(time.Second)
			f.wantCached(t, "person/1", true)
		}
		f.clock.Advance(time.Second)
		f.wantCached(t, "person/1", false)
	})
	t.Run("ExpiredKeysLeaveMemory", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t, keys.RingConfig{CacheFor: time.Minute})
		for i := range 10 {
			f.MustUnwrap(t, f.MustNew(t, fmt.Sprintf("person/%d", i))[0])
			f.clock.Advance(10 * time.Second)
		}
		f.wantCached(t, "person/0", false) // 100 s old; looking drops the expired
		if got := f.CacheLen(); got != 5 {
			t.Errorf("%d keys in memory, want 5", got)
		}
		f.wantCached(t, "person/4", false) // 60 s
		f.wantCached(t, "person/5", true)  // 50 s
	})
	t.Run("HoldsNoMoreThanItsSize", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t, keys.RingConfig{CacheSize: 3})
		for i := range 20 {
			f.MustUnwrap(t, f.MustNew(t, fmt.Sprintf("person/%d", i))[0])
			if f.CacheLen() > 3 {
				t.Fatalf("%d keys in memory, want at most 3", f.CacheLen())
			}
			f.wantCached(t, fmt.Sprintf("person/%d", i), true)
		}
	})
	t.Run("KeepsWhatIsUsed", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t, keys.RingConfig{CacheSize: 4})
		f.MustUnwrap(t, f.MustNew(t, "person/often")[0])
		for i := range 50 {
			f.wantCached(t, "person/often", true)
			f.MustUnwrap(t, f.MustNew(t, fmt.Sprintf("person/%d", i))[0])
		}
	})
	t.Run("ForgottenKeyIsGone", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t, keys.RingConfig{})
		f.MustUnwrap(t, f.MustNew(t, "person/1")[0])
		f.Forget("person/1")
		f.Forget("person/unknown")
		f.wantCached(t, "person/1", false)
	})
	t.Run("ConcurrentUse", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t, keys.RingConfig{CacheSize: 8, CacheFor: time.Minute})
		owners := make([]string, 16)
		for i := range owners {
			owners[i] = fmt.Sprintf("person/%d", i)
		}
		wrapped := f.MustNew(t, owners...)
		var all sync.WaitGroup
		for worker := range 8 {
			all.Go(func() {
				for i := range 300 {
					n := (i*7 + worker) % len(owners)
					f.Unwrap(t.Context(), wrapped[n:n+1])
					f.Cached(owners[(n+3)%len(owners)])
					if i%50 == 0 {
						f.Forget(owners[n])
						f.clock.Advance(10 * time.Second)
					}
				}
			})
		}
		all.Wait()
		if got := f.CacheLen(); got > 8 {
			t.Errorf("%d keys in memory, want at most 8", got)
		}
	})
}
