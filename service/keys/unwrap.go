package keys

import (
	"context"
	"fmt"
	"maps"
	"slices"
)

// Cached finds the data key of an owner among those that were unwrapped lately.
// It asks nobody and is cheap.
func (r *Ring) Cached(owner string) (*DataKey, bool) {
	return r.cache.get(owner, r.now())
}

// CacheLen is the number of data keys in memory.
func (r *Ring) CacheLen() int { return r.cache.size() }

// Forget drops an owner's data key from memory, one that is just being
// unwrapped included: those who wait for it get it, but it is not kept.
func (r *Ring) Forget(owner string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	maps.DeleteFunc(r.flights, func(w Wrapped, _ *flight) bool { return w.Owner == owner })
	r.cache.forget(owner)
}

// Unwrap opens any number of wrapped data keys: from the cache, or by the
// keeper in batches of at most MaxBatch, and then keeps them in the cache.
// Callers who want the same key at the same time share one call; it goes on
// when they leave, so none of them can spoil it for the others. An owner's key
// that is cached is taken as it is, whatever its wrapping: rotation changes
// wrappings, never keys. Results come in order. Their errors are
// ErrUnavailable, also if ctx ended first, and ErrTampered.
func (r *Ring) Unwrap(ctx context.Context, wrapped []Wrapped) []Result[*DataKey] {
	results := make([]Result[*DataKey], len(wrapped))
	waits, mine := r.board(ctx, wrapped, results)
	for batch := range slices.Chunk(mine, MaxBatch) {
		go r.fly(context.WithoutCancel(ctx), batch)
	}
	for i, f := range waits {
		if f != nil {
			results[i] = f.wait(ctx)
		}
	}
	return results
}

// flight is one wrapped key on its way through the keeper.
type flight struct {
	wrapped Wrapped
	landed  chan struct{} // closed when result is set
	result  Result[*DataKey]
}

// board finds what is cached and joins what is under way. What is left becomes
// new flights, which the caller must start.
func (r *Ring) board(ctx context.Context, wrapped []Wrapped, results []Result[*DataKey]) (waits, mine []*flight) {
	now := r.now()
	waits = make([]*flight, len(wrapped))
	r.mu.Lock()
	defer r.mu.Unlock()
	for i, w := range wrapped {
		if key, ok := r.cache.get(w.Owner, now); ok {
			results[i].Value = key
			continue
		}
		if f := r.flights[w]; f != nil {
			waits[i] = f
			continue
		}
		if ctx.Err() != nil {
			results[i].Err = gone(ctx)
			continue
		}
		f := &flight{wrapped: w, landed: make(chan struct{})}
		r.flights[w] = f
		waits[i] = f
		mine = append(mine, f)
	}
	return waits, mine
}

// fly has the keeper open a batch and hands out what comes back.
func (r *Ring) fly(ctx context.Context, batch []*flight) {
	r.calls <- struct{}{}
	defer func() { <-r.calls }()
	ctx, cancel := context.WithTimeout(ctx, r.timeout)
	defer cancel()
	wrapped := make([]Wrapped, len(batch))
	for i, f := range batch {
		wrapped[i] = f.wrapped
	}
	opened, err := r.keeper.Unwrap(ctx, wrapped)
	for i, f := range batch {
		switch {
		case err != nil:
			f.result.Err = err
		case opened[i].Err != nil:
			f.result.Err = opened[i].Err
		default:
			f.result.Value = newDataKey(&opened[i].Value.Key)
		}
	}
	r.land(batch)
}

// land puts keys into the cache, unless they were forgotten meanwhile, and
// wakes those who wait for them.
func (r *Ring) land(batch []*flight) {
	now := r.now()
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, f := range batch {
		if r.flights[f.wrapped] == f {
			delete(r.flights, f.wrapped)
			if f.result.Err == nil {
				r.cache.put(f.wrapped.Owner, f.result.Value, now)
			}
		}
		close(f.landed)
	}
}

// wait waits for the flight or the end of ctx, whichever comes first.
func (f *flight) wait(ctx context.Context) Result[*DataKey] {
	select {
	case <-f.landed:
		return f.result
	case <-ctx.Done():
		return Result[*DataKey]{Err: gone(ctx)}
	}
}

// gone is the error for somebody whose context ended before the key came.
func gone(ctx context.Context) error {
	return fmt.Errorf("%w: %w", ErrUnavailable, context.Cause(ctx))
}

// UnwrapAlone opens one wrapped data key of an owner that has several, such as
// those of reviews. It passes the cache by, which knows one key of each owner.
// The error is ErrUnavailable or ErrTampered.
func (r *Ring) UnwrapAlone(ctx context.Context, w Wrapped) (*DataKey, error) {
	ctx, cancel := context.WithTimeout(ctx, r.timeout)
	defer cancel()
	opened, err := r.keeper.Unwrap(ctx, []Wrapped{w})
	if err == nil {
		err = opened[0].Err
	}
	if err != nil {
		return nil, fmt.Errorf("unwrapping %s: %w", w.Owner, err)
	}
	return newDataKey(&opened[0].Value.Key), nil
}

// NewKey is a data key that was just made: to be used, and to be stored.
type NewKey struct {
	Wrapped Wrapped
	Key     *DataKey
}

// New creates a random data key for each owner and has the keeper wrap them, in
// batches of at most MaxBatch. They are not put into the cache: whether they
// come into use is known only when the caller's transaction has committed.
func (r *Ring) New(ctx context.Context, owners []string) ([]NewKey, error) {
	made := make([]NewKey, 0, len(owners))
	for batch := range slices.Chunk(owners, MaxBatch) {
		plain := make([]Plain, len(batch))
		for i, owner := range batch {
			plain[i] = randomKey(owner)
		}
		wrapped, err := r.keeper.Wrap(ctx, plain)
		if err != nil {
			return nil, fmt.Errorf("wrapping data keys: %w", err)
		}
		for i := range plain {
			made = append(made, NewKey{Wrapped: wrapped[i], Key: newDataKey(&plain[i].Key)})
		}
		clear(plain)
	}
	return made, nil
}
