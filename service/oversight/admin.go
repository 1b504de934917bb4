package oversight

import (
	"context"
	"fmt"

	"cpis/audit"
	"cpis/service/guard"
	"cpis/service/store"
)

// Admin administers the indexes.
type Admin struct{ guard.Command }

// Checked says what was found of the index of a log.
type Checked struct {
	Origin  string
	Size    int64 // entries of the log
	Indexed int64 // those before it are in the index
	// Wrong is the first entry of which the index says something else than the
	// log, or -1.
	Wrong int64
}

// Rebuild throws the index of every log away and makes it again from the lines
// that are stored. Servers may run: until it is done, their reports say how far
// they reach. told hears how far it is.
func (a *Admin) Rebuild(ctx context.Context, told func(origin string, done, size int64)) ([]Checked, error) {
	logs, err := a.DB.Logs.All(ctx)
	if err != nil {
		return nil, err
	}
	err = a.Do(ctx, "rebuild_index", audit.Counts{"logs": int64(len(logs))}, func(tx *store.Tx) error {
		for _, log := range logs {
			if err := tx.Index.Empty(ctx, log.ID); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("emptying the index: %w", err)
	}
	for _, log := range logs {
		if err := a.extend(ctx, log, told); err != nil {
			return nil, err
		}
	}
	return a.states(ctx)
}

// extend indexes a log to its end. Where a server is at work on it, that one's
// work is what this waits for.
func (a *Admin) extend(ctx context.Context, log store.Log, told func(origin string, done, size int64)) error {
	for {
		next, size, err := extendIndex(ctx, a.DB, log.ID, true)
		if err != nil {
			return fmt.Errorf("indexing %s: %w", log.Origin, err)
		}
		told(log.Origin, next, size)
		if next >= size {
			return nil
		}
	}
}

// Check compares the index of every log with its lines, all of it, and changes
// nothing.
func (a *Admin) Check(ctx context.Context) ([]Checked, error) {
	checked, err := a.states(ctx)
	if err != nil {
		return nil, err
	}
	logs, err := a.DB.Logs.All(ctx)
	if err != nil {
		return nil, err
	}
	for i, log := range logs {
		for from := int64(0); from < checked[i].Indexed && checked[i].Wrong < 0; from += indexChunk {
			to := min(from+indexChunk, checked[i].Indexed)
			err := a.DB.Tx(ctx, func(tx *store.Tx) (err error) {
				checked[i].Wrong, err = compareIndex(ctx, tx, log.ID, from, to)
				return err
			})
			if err != nil {
				return nil, fmt.Errorf("comparing the index of %s: %w", log.Origin, err)
			}
		}
	}
	return checked, nil
}

// states says how far the indexes are.
func (a *Admin) states(ctx context.Context) ([]Checked, error) {
	states, err := a.DB.Index.States(ctx)
	if err != nil {
		return nil, err
	}
	all := make([]Checked, len(states))
	for i := range states {
		all[i] = Checked{Origin: states[i].Origin, Size: states[i].Size, Indexed: states[i].Next, Wrong: -1}
	}
	return all, nil
}
