package vault

import (
	"context"

	"cpis/service/keys"
)

// operation is what Vault does with keys: as errors and metrics name it, and
// where Vault has it.
type operation struct{ name, path string }

var (
	wrapKeys   = operation{"wrap", "encrypt"}
	unwrapKeys = operation{"unwrap", "decrypt"}
	rewrapKeys = operation{"rewrap", "rewrap"}
)

// Wrap implements keys.Keeper.
func (k *Keeper) Wrap(ctx context.Context, plain []keys.Plain) ([]keys.Wrapped, error) {
	if len(plain) > keys.MaxBatch {
		return nil, keys.ErrBatchTooLarge
	}
	items := make([]item, len(plain))
	for i := range plain {
		items[i] = item{Context: []byte(plain[i].Owner), Plaintext: plain[i].Key[:]}
	}
	results, err := k.batch(ctx, wrapKeys, items)
	if err != nil {
		return nil, err
	}
	wrapped := make([]keys.Wrapped, len(plain))
	for i := range results {
		wrapped[i], err = results[i].wrapped(plain[i].Owner)
		if err != nil {
			return nil, &failure{operation: wrapKeys.name, cause: errRefused} // all or nothing
		}
	}
	return wrapped, nil
}

// Unwrap implements keys.Keeper.
func (k *Keeper) Unwrap(ctx context.Context, wrapped []keys.Wrapped) ([]keys.Result[keys.Plain], error) {
	return each(ctx, k, unwrapKeys, wrapped, func(w keys.Wrapped, r *itemResult) (keys.Plain, error) {
		return r.plain(w.Owner)
	})
}

// Rewrap implements keys.Keeper.
func (k *Keeper) Rewrap(ctx context.Context, wrapped []keys.Wrapped) ([]keys.Result[keys.Wrapped], error) {
	return each(ctx, k, rewrapKeys, wrapped, func(w keys.Wrapped, r *itemResult) (keys.Wrapped, error) {
		fresh, err := r.wrapped(w.Owner)
		if err == nil && version(fresh) == version(w) {
			return w, nil // Vault seals anew even what is under the newest key
		}
		return fresh, err
	})
}

// each sends wrapped keys to Vault and reads the results. What cannot be a
// wrapping is not sent: Vault would take some texts for others.
func each[T any](
	ctx context.Context, k *Keeper, o operation, wrapped []keys.Wrapped,
	read func(keys.Wrapped, *itemResult) (T, error),
) ([]keys.Result[T], error) {
	if len(wrapped) > keys.MaxBatch {
		return nil, keys.ErrBatchTooLarge
	}
	items := make([]item, 0, len(wrapped))
	for _, w := range wrapped {
		if version(w) > 0 {
			items = append(items, item{Context: []byte(w.Owner), Ciphertext: w.Text})
		}
	}
	answers, err := k.batch(ctx, o, items)
	if err != nil {
		return nil, err
	}
	results := make([]keys.Result[T], len(wrapped))
	for i, w := range wrapped {
		if version(w) == 0 {
			results[i].Err = keys.ErrTampered
			continue
		}
		results[i].Value, results[i].Err = read(w, &answers[0])
		answers = answers[1:]
	}
	return results, nil
}

// batch has Vault work on items: one result for each.
func (k *Keeper) batch(ctx context.Context, o operation, items []item) ([]itemResult, error) {
	if len(items) == 0 {
		return nil, ended(ctx, o.name)
	}
	if err := k.checkBinding(ctx); err != nil {
		return nil, err
	}
	return k.send(ctx, o, items)
}

func (k *Keeper) send(ctx context.Context, o operation, items []item) ([]itemResult, error) {
	var answer batchAnswer
	r := request{
		operation: o.name,
		path:      k.cfg.Mount + "/" + o.path + "/" + k.cfg.WrappingKey,
		body:      batch{Items: items},
		items:     len(items),
	}
	if err := k.call(ctx, r, &answer); err != nil {
		return nil, err
	}
	if len(answer.results()) != len(items) {
		return nil, &failure{operation: o.name, cause: errMalformed}
	}
	return answer.results(), nil
}

// ended returns the error of a context that has ended, or nil.
func ended(ctx context.Context, name string) error {
	if ctx.Err() == nil {
		return nil
	}
	return &failure{operation: name, cause: context.Cause(ctx)}
}

// checkBinding makes sure, once, that the wrapping key binds keys to their
// owners: Vault silently ignores the owner if the key is not a derived one.
func (k *Keeper) checkBinding(ctx context.Context) error {
	if k.bound.Load() {
		return nil
	}
	const check = "check the wrapping key"
	sealed, err := k.send(ctx, operation{check, wrapKeys.path}, []item{{Context: []byte("check/1"), Plaintext: make([]byte, 32)}})
	if err != nil {
		return err
	}
	opened, err := k.send(ctx, operation{check, unwrapKeys.path}, []item{{Context: []byte("check/2"), Ciphertext: sealed[0].Ciphertext}})
	if err != nil {
		return err
	}
	if opened[0].Error == "" {
		return &failure{operation: check, cause: errKeyUnbound}
	}
	k.bound.Store(true)
	return nil
}
