package oversight

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"cpis/service/domain"
	"cpis/service/guard"
	"cpis/service/store"
)

const (
	// indexChunk is how many entries are indexed, or compared, in one
	// transaction.
	indexChunk = 2000
	// indexChunks is how many of those Follow does for each log before it leaves
	// the database to look-ups: a log that grew for years is indexed in minutes,
	// and nobody waits for it.
	indexChunks = 10

	// crowd is how many look-ups between two rounds, a second apart, leave no room
	// for indexing, which costs a fifth of what they do; patience is how long the
	// index then stays behind.
	crowd    = 500
	patience = 30 * time.Second
)

// IndexConfig is what an Index is made of. All is required.
type IndexConfig struct {
	DB    *store.DB
	Clock domain.Clock
	// Submitted is how often look-ups came: indexing gives way to them.
	Submitted func() uint64
	Observe   Observer
}

// Index is what reports find entries by. It follows the logs, and is compared with
// them.
type Index struct {
	db        *store.DB
	clock     domain.Clock
	submitted func() uint64
	observe   Observer

	seen atomic.Uint64 // look-ups that were submitted, by the last round
}

// NewIndex makes an Index.
func NewIndex(c IndexConfig) *Index {
	return &Index{db: c.DB, clock: c.Clock, submitted: c.Submitted, observe: c.Observe}
}

// Follow indexes what the logs hold and the index does not. If several servers
// run, one of them does it at a time. It lets a crowd of look-ups pass, unless
// the index has been behind for long.
func (s *Index) Follow(ctx context.Context) error {
	submitted := s.submitted()
	crowded := submitted-s.seen.Swap(submitted) > crowd
	return s.eachLog(ctx, func(ctx context.Context, state *store.IndexState) error {
		if state.Next >= state.Size || crowded && s.clock.Now().Sub(state.Last) < patience {
			return nil
		}
		for range indexChunks {
			next, size, err := extendIndex(ctx, s.db, state.Log, false)
			if err != nil {
				return s.unreadable(ctx, err)
			}
			if next >= size {
				return nil
			}
		}
		return nil
	})
}

// eachLog does something for each log whose index is not known to be damaged.
func (s *Index) eachLog(ctx context.Context, do func(context.Context, *store.IndexState) error) error {
	states, err := s.db.Index.States(ctx)
	if err != nil {
		return fmt.Errorf("reading how far the index is: %w", err)
	}
	for i := range states {
		if states[i].Damaged != nil {
			continue // until somebody has looked, and makes it again
		}
		if err := do(ctx, &states[i]); err != nil {
			return err
		}
	}
	return nil
}

// unreadable reports a line that is no entry: the index ends before it until a
// program comes that can read it, and its lag says so.
func (s *Index) unreadable(ctx context.Context, err error) error {
	if ctx.Err() == nil && isUnreadable(err) {
		s.observe.Damaged("entry")
	}
	return err
}

// extendIndex indexes at most so many of the entries that follow. It returns how
// far the index is then, and how many entries the log has; two zeros if somebody
// else is at work on it and this is not to wait.
func extendIndex(ctx context.Context, db *store.DB, log store.LogID, wait bool) (next, size int64, err error) {
	err = db.Tx(ctx, func(tx *store.Tx) error {
		from, _, ok, err := tx.Index.Lock(ctx, log, wait)
		if next, size = 0, 0; err != nil || !ok {
			return err
		}
		head, err := tx.Logs.Head(ctx, log)
		if err != nil {
			return err
		}
		size = head.Size()
		if next = min(from+indexChunk, size); next <= from {
			return nil
		}
		rows, used, err := deriveAll(ctx, tx, log, from, next)
		if err != nil {
			return err
		}
		if err := tx.Index.NoteClients(ctx, used.all()); err != nil {
			return err
		}
		return tx.Index.Insert(ctx, log, rows, next)
	})
	return next, size, err
}

// deriveAll derives what the index should have from one entry up to, but not
// including, another, and which client systems were used meanwhile. Lines that are no longer stored are passed over: whether
// they may be missing is for those who verify the log.
func deriveAll(ctx context.Context, tx *store.Tx, log store.LogID, from, to int64) ([]store.IndexRow, clientUses, error) {
	rows, used := make([]store.IndexRow, 0, to-from), clientUses{}
	for entry, err := range tx.Logs.StoredEntries(ctx, log, from, to) {
		if err != nil {
			return nil, nil, err
		}
		e, err := parseEntry(&entry)
		if err != nil {
			return nil, nil, err
		}
		rows = append(rows, indexRow(log, entry.Index, &e))
		used.note(&e)
	}
	return rows, used, nil
}

// Check compares a part of each index with the log, and goes on from there
// the next time, round and round. An index that says something else is damage:
// somebody is woken, and nobody is answered from it until it is made again.
func (s *Index) Check(ctx context.Context) error {
	return s.eachLog(ctx, func(ctx context.Context, state *store.IndexState) error {
		_, wrong, err := checkIndex(ctx, s.db, state.Log, indexChunk, s.clock.Moment())
		if wrong >= 0 {
			s.observe.Damaged("entry_index")
		}
		return err
	})
}

// checkIndex compares at most so many entries. It returns how far it came, 0 at
// the end, after which it begins anew; and the first entry of which the index
// says something else, or -1.
func checkIndex(ctx context.Context, db *store.DB, log store.LogID, limit int64, now time.Time) (done, wrong int64, err error) {
	err = db.Tx(ctx, func(tx *store.Tx) error {
		done, wrong = 0, -1
		next, checked, ok, err := tx.Index.Lock(ctx, log, false)
		if err != nil || !ok {
			return err
		}
		end := min(checked+limit, next)
		if end <= checked {
			return tx.Index.SetChecked(ctx, log, 0)
		}
		if wrong, err = compareIndex(ctx, tx, log, checked, end); err != nil {
			return err
		}
		if wrong >= 0 {
			return tx.Index.SetDamaged(ctx, log, now)
		}
		done = end - checked
		return tx.Index.SetChecked(ctx, log, end)
	})
	return done, wrong, err
}

// compareIndex returns the first entry of a range of which the index says
// something else than the log, or -1. An index may know lines that are no longer
// stored.
func compareIndex(ctx context.Context, tx *store.Tx, log store.LogID, from, to int64) (int64, error) {
	want, used, err := deriveAll(ctx, tx, log, from, to)
	if err != nil {
		return -1, err
	}
	if err := tx.Index.NoteClients(ctx, used.all()); err != nil { // of entries that were indexed before clients were noted
		return -1, err
	}
	got, err := tx.Index.Rows(ctx, log, from, to)
	if err != nil {
		return -1, err
	}
	for i := range want {
		at := slices.IndexFunc(got, func(r store.IndexRow) bool { return r.Index >= want[i].Index })
		if at < 0 || !same(&got[at], &want[i]) {
			return want[i].Index, nil
		}
		got = got[at+1:]
	}
	return -1, nil
}

// damagedIndex reports whether the index of any log is damaged.
func damagedIndex(states []store.IndexState) error {
	for i := range states {
		if states[i].Damaged != nil {
			return fmt.Errorf("the index of %s does not say what the log says: %w", states[i].Origin, guard.ErrDamaged)
		}
	}
	return nil
}
