package keys_test

import (
	"context"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"cpis/service/keys"
	"cpis/service/keys/local"
)

// clock is a clock that tests move.
type clock struct {
	now atomic.Int64
}

func (c *clock) Now() time.Time          { return time.Unix(0, c.now.Load()) }
func (c *clock) Advance(d time.Duration) { c.now.Add(int64(d)) }

// keeper is a real keeper that counts calls of Unwrap and can be told to hold
// them up or to be away.
type keeper struct {
	*local.Keeper
	calls atomic.Int64 // of Unwrap
	asked atomic.Int64 // items in them
	most  atomic.Int64 // the largest of them

	mu   sync.Mutex
	away bool
	held chan struct{} // nil: not held up
}

func (k *keeper) Unwrap(ctx context.Context, wrapped []keys.Wrapped) ([]keys.Result[keys.Plain], error) {
	k.calls.Add(1)
	k.asked.Add(int64(len(wrapped)))
	k.most.Store(max(k.most.Load(), int64(len(wrapped))))
	k.mu.Lock()
	away, held := k.away, k.held
	k.mu.Unlock()
	if held != nil {
		select {
		case <-held:
		case <-ctx.Done():
			return nil, keys.ErrUnavailable
		}
	}
	if away {
		return nil, keys.ErrUnavailable
	}
	return k.Keeper.Unwrap(ctx, wrapped)
}

// Leave makes every call fail until Return.
func (k *keeper) Leave()  { k.set(func() { k.away = true }) }
func (k *keeper) Return() { k.set(func() { k.away = false }) }

// Hold makes calls wait until the function it returns is called.
func (k *keeper) Hold() (release func()) {
	held := make(chan struct{})
	k.set(func() { k.held = held })
	return sync.OnceFunc(func() {
		k.set(func() { k.held = nil })
		close(held)
	})
}

func (k *keeper) set(change func()) {
	k.mu.Lock()
	defer k.mu.Unlock()
	change()
}

// fixture is a ring over a real keeper, with a clock of its own.
type fixture struct {
	*keys.Ring
	keeper *keeper
	clock  *clock
}

func newFixture(tb testing.TB, cfg keys.RingConfig) *fixture {
	tb.Helper()
	file, err := local.Create(filepath.Join(tb.TempDir(), "keys.json"))
	if err != nil {
		tb.Fatalf("creating keys: %v", err)
	}
	f := &fixture{keeper: &keeper{Keeper: file}, clock: &clock{}}
	cfg.Now = f.clock.Now
	index, err := keys.NewIndexKey(tb.Context(), f.keeper, 1)
	if err != nil {
		tb.Fatalf("making an index key: %v", err)
	}
	f.Ring, err = keys.OpenRing(tb.Context(), f.keeper, []keys.Wrapped{index}, cfg)
	if err != nil {
		tb.Fatalf("opening ring: %v", err)
	}
	f.keeper.calls.Store(0) // the index key's
	f.keeper.asked.Store(0)
	return f
}

// MustNew makes n data keys that are stored, not cached.
func (f *fixture) MustNew(tb testing.TB, owners ...string) []keys.Wrapped {
	tb.Helper()
	made, err := f.New(tb.Context(), owners)
	if err != nil {
		tb.Fatalf("making keys: %v", err)
	}
	wrapped := make([]keys.Wrapped, len(made))
	for i := range made {
		wrapped[i] = made[i].Wrapped
	}
	return wrapped
}

// MustUnwrap opens one key.
func (f *fixture) MustUnwrap(tb testing.TB, w keys.Wrapped) *keys.DataKey {
	tb.Helper()
	r := f.Unwrap(tb.Context(), []keys.Wrapped{w})[0]
	if r.Err != nil {
		tb.Fatalf("unwrapping: %v", r.Err)
	}
	return r.Value
}

// wantCached checks whether an owner's key is cached.
func (f *fixture) wantCached(tb testing.TB, owner string, want bool) {
	tb.Helper()
	if key, ok := f.Cached(owner); ok != want || (key != nil) != want {
		tb.Errorf("Cached(%q): got %v, want %v", owner, ok, want)
	}
}

// openDataKey makes a data key of given bytes the way the service gets them.
func openDataKey(tb testing.TB, key [32]byte) *keys.DataKey {
	tb.Helper()
	f := newFixture(tb, keys.RingConfig{})
	wrapped, err := f.Keeper().Wrap(tb.Context(), []keys.Plain{{Owner: "person/1", Key: key}})
	if err != nil {
		tb.Fatalf("wrapping: %v", err)
	}
	return f.MustUnwrap(tb, wrapped[0])
}

// openIndex makes a ring with index keys of given bytes, the newest first.
func openIndex(tb testing.TB, index ...keys.Plain) *keys.Ring {
	tb.Helper()
	file, err := local.Create(filepath.Join(tb.TempDir(), "keys.json"))
	if err != nil {
		tb.Fatalf("creating keys: %v", err)
	}
	wrapped, err := file.Wrap(tb.Context(), index)
	if err != nil {
		tb.Fatalf("wrapping: %v", err)
	}
	ring, err := keys.OpenRing(tb.Context(), file, wrapped, keys.RingConfig{Now: time.Now})
	if err != nil {
		tb.Fatalf("opening ring: %v", err)
	}
	return ring
}
