package record

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"cpis/audit"
	"cpis/service/domain"
	"cpis/service/guard"
	"cpis/service/keys"
	"cpis/service/store"
)

// KeyAdmin administers the keys.
type KeyAdmin struct {
	guard.Command

	Keeper keys.Keeper
}

// EnsureIndexKey creates the first index key, if there is none.
func (a *KeyAdmin) EnsureIndexKey(ctx context.Context) error {
	rows, err := a.DB.IndexKeys(ctx)
	if err != nil {
		return err
	}
	if len(rows) > 0 {
		return nil
	}
	return a.addIndexKey(ctx, 1)
}

func (a *KeyAdmin) addIndexKey(ctx context.Context, version int) error {
	wrapped, err := keys.NewIndexKey(ctx, a.Keeper, version)
	if err != nil {
		return fmt.Errorf("making the index key: %w", err)
	}
	return a.Do(ctx, "add_index_key", audit.Counts{"version": int64(version)}, func(tx *store.Tx) error {
		return tx.Keys.InsertIndex(ctx, store.IndexKeyRow{Version: version, Wrapped: wrapped.Text, At: a.Now().UTC()})
	})
}

// EnsureMACs creates the MACs of rows that an older version of the program wrote:
// once, with an entry that says how many. From then on a row without is damage,
// and left as it is. No server may run meanwhile.
func (a *KeyAdmin) EnsureMACs(ctx context.Context) (damaged []store.DamagedRow, err error) {
	counts := audit.Counts{}
	err = a.Do(ctx, "make_row_macs", counts, func(tx *store.Tx) (err error) {
		counts["rows"], damaged, err = tx.MACs.Make(ctx)
		if err == nil && counts["rows"] == 0 {
			return errNothingToDo
		}
		return err
	})
	if errors.Is(err, errNothingToDo) {
		err = nil
	}
	return damaged, err
}

// errNothingToDo ends a transaction that would leave an entry of nothing.
var errNothingToDo = errors.New("nothing to do")

// renewMACs creates MACs of all rows with the newest index key, but for those that
// do not verify.
func (a *KeyAdmin) renewMACs(ctx context.Context, version int) (damaged []store.DamagedRow, err error) {
	for place := new(store.MACPlace); place != nil; {
		var next *store.MACPlace
		var left []store.DamagedRow
		counts := audit.Counts{}
		err := a.Do(ctx, "renew_row_macs", counts, func(tx *store.Tx) (err error) {
			var n int
			next, n, left, err = tx.MACs.Renew(ctx, version, place, 10*page)
			counts["rows"] = int64(n)
			if err == nil && n == 0 {
				return errNothingToDo
			}
			return err
		})
		if err != nil && !errors.Is(err, errNothingToDo) {
			return damaged, err
		}
		place, damaged = next, append(damaged, left...)
	}
	return damaged, nil
}

// ErrRotating says that the index key is being rotated already, or is not.
var ErrRotating = errors.New("not possible in this state of the index key's rotation")

// ErrTooSoon says that servers may not have noticed the new index key yet.
var ErrTooSoon = errors.New("new index key is too new, and servers may not know it")

// RotateIndex begins to rotate the index key: it adds a new one, which running
// servers take into use by themselves. A minute later Retag may run, and then
// RetireIndex.
func (a *KeyAdmin) RotateIndex(ctx context.Context) (version int, err error) {
	rows, err := a.DB.IndexKeys(ctx)
	if err != nil {
		return 0, err
	}
	if len(rows) != 1 {
		return 0, ErrRotating
	}
	version = rows[0].Version + 1
	return version, a.addIndexKey(ctx, version)
}

// page is how many rows a command treats in one transaction.
const page = keys.MaxBatch

// aged refuses while the newest index key is younger than a step of the rotation
// needs.
func (a *KeyAdmin) aged(newest *store.IndexKeyRow, needs time.Duration) error {
	if wait := needs - a.Now().Sub(newest.At); wait > 0 {
		return fmt.Errorf("%w: wait another %v", ErrTooSoon, (wait + time.Second - 1).Truncate(time.Second))
	}
	return nil
}

// Retag writes, for every person, a tag under the newest index key for each NHS number
// that finds it, for every plan what finds it under that key, and every row a MAC. It may be interrupted and run again. ring must hold both keys.
// It refuses with ErrTooSoon in the first minute after RotateIndex, when servers
// may still register people under the old key alone.
//
// What is damaged keeps nobody else waiting. It is left as it is, and returned: rows
// that do not verify, and people whose numbers cannot be opened, who are found
// under the old key only.
func (a *KeyAdmin) Retag(ctx context.Context, ring *keys.Ring, progress func(done int)) (damaged []store.DamagedRow, err error) {
	rows, err := a.DB.IndexKeys(ctx)
	if err != nil {
		return nil, err
	}
	if len(rows) == 0 || rows[0].Version != ring.IndexVersion() {
		return nil, ErrRotating // another command has changed the keys meanwhile
	}
	if err := a.aged(&rows[0], retagAfter); err != nil {
		return nil, err
	}
	a = a.with(ring)
	r := retagging{KeyAdmin: a, ring: ring, version: rows[0].Version}
	if err := r.all(ctx, progress); err != nil {
		return r.damaged, err
	}
	if err := a.indexer(ring, r.version).all(ctx); err != nil {
		return r.damaged, err
	}
	unsound, err := a.renewMACs(ctx, r.version)
	for _, d := range unsound {
		if !slices.Contains(r.damaged, d) {
			r.damaged = append(r.damaged, d)
		}
	}
	return r.damaged, err
}

// RetireIndex ends the rotation: it removes the old tags, and makes the old key a
// former one, which finds nothing but entries of the log. It refuses while any
// person has no new tag, and with ErrTooSoon in the first two minutes after
// RotateIndex: a server that knew only the old key would find nobody any more.
//
// It also refuses, with ErrDamaged, while rows have no new MAC because they do not
// verify: without the old key they cannot be put back from a backup any more.
// These are returned. With giveUp it goes on all the same.
func (a *KeyAdmin) RetireIndex(ctx context.Context, giveUp bool) (damaged []store.DamagedRow, err error) {
	rows, err := a.DB.IndexKeys(ctx)
	if err != nil {
		return nil, err
	}
	if len(rows) != 2 {
		return nil, ErrRotating
	}
	if err := a.aged(&rows[0], retireAfter); err != nil {
		return nil, err
	}
	damaged, err = a.retagged(ctx, rows[0].Version)
	switch {
	case err != nil:
		return damaged, err
	case len(damaged) > 0 && !giveUp:
		return damaged, fmt.Errorf("some rows have no new MAC, and cannot get one: %w", guard.ErrDamaged)
	}
	return damaged, a.retire(ctx, rows[1].Version)
}

// indexer returns what gives plans what finds them under an index key.
func (a *KeyAdmin) indexer(ring *keys.Ring, version int) *filler {
	today := domain.Clock(a.Now).Today()
	return &filler{db: a.DB, indexer: indexer{ring, today}, version: version, damaged: func(string) {}}
}

// retire removes the tags of an index key, and makes it a former one.
func (a *KeyAdmin) retire(ctx context.Context, old int) error {
	for removed := int64(1); removed > 0; {
		err := a.Do(ctx, "delete_tags", audit.Counts{"version": int64(old)}, func(tx *store.Tx) (err error) {
			removed, err = tx.Tags.DeleteVersion(ctx, old, 10*page)
			if err != nil {
				return err
			}
			others, err := tx.Plans.ForgetVersion(ctx, old, 10*page)
			removed = max(removed, others)
			return err
		})
		if err != nil {
			return err
		}
	}
	return a.Do(ctx, "retire_index_key", audit.Counts{"version": int64(old)}, func(tx *store.Tx) error {
		return tx.Keys.RetireIndex(ctx, old, a.Now().UTC())
	})
}

// with is the same administrator whose rows are verified with a ring.
func (a *KeyAdmin) with(ring *keys.Ring) *KeyAdmin {
	same := *a
	same.DB = a.DB.Guarded(ring, func(string) {}) // the command fails, and says so
	return &same
}

// retagged refuses with ErrRotating while any person has no tag, or any row no
// MAC, under an index key. Rows that cannot get one are returned.
func (a *KeyAdmin) retagged(ctx context.Context, version int) (damaged []store.DamagedRow, err error) {
	left, err := a.DB.Tags.PeopleWithout(ctx, version, uuid.Nil, 1)
	if err != nil {
		return nil, err
	}
	if len(left) > 0 { // Retag says who cannot get one
		return nil, fmt.Errorf("some persons have no new tag yet: %w", ErrRotating)
	}
	state, err := a.DB.Plans.WorkState(ctx)
	if err != nil {
		return nil, err
	}
	if state.Filled < version {
		return nil, fmt.Errorf("some plans are not found by the new key yet: %w", ErrRotating)
	}
	damaged, others, err := a.DB.MACs.Lack(ctx, version)
	if err == nil && others {
		err = fmt.Errorf("some rows have no new MAC yet: %w", ErrRotating)
	}
	return damaged, err
}

func damagedPerson(id uuid.UUID) store.DamagedRow {
	return store.DamagedRow{Table: "person", Row: id.String()}
}

// Rewrap wraps all data keys and index keys anew under the newest
// key-encryption key, and returns how many were not wrapped so already. It may be
// interrupted and run again: what is wrapped newly already stays as it is.
//
// For an hour after a rotation servers still store reasons of break-glass under
// keys that the older key-encryption key wrapped, and for moments persons: only
// a run after that that returns 0 says that nothing needs the older one.
func (a *KeyAdmin) Rewrap(ctx context.Context, progress func(done int)) (changed int, err error) {
	if changed, err = a.rewrapIndex(ctx); err != nil {
		return changed, err
	}
	done := 0
	for _, table := range store.KeyTables() {
		for after := uuid.Nil; ; {
			rows, err := a.DB.Keys.After(ctx, table, after, page)
			if err != nil {
				return changed, err
			}
			if len(rows) == 0 {
				break
			}
			after = rows[len(rows)-1].ID
			n, err := a.rewrapRows(ctx, table, rows)
			if err != nil {
				return changed, err
			}
			changed += n
			done += len(rows)
			progress(done)
		}
	}
	return changed, nil
}

// rewrapIndex re-wraps the index keys, and returns how many needed it.
func (a *KeyAdmin) rewrapIndex(ctx context.Context) (changed int, err error) {
	rows, err := a.DB.IndexKeys(ctx)
	if err != nil {
		return 0, err
	}
	former, err := a.DB.Keys.FormerIndex(ctx)
	if err != nil {
		return 0, err
	}
	for _, row := range slices.Concat(rows, former) {
		r, err := a.Keeper.Rewrap(ctx, WrappedIndexKeys([]store.IndexKeyRow{row}))
		if err == nil {
			err = r[0].Err
		}
		if err != nil {
			return changed, fmt.Errorf("re-wrapping the index key: %w", err)
		}
		if r[0].Value.Text == row.Wrapped {
			continue
		}
		err = a.Do(ctx, "rewrap_index_key", audit.Counts{"version": int64(row.Version)}, func(tx *store.Tx) error {
			return tx.Keys.ReplaceIndex(ctx, row, r[0].Value.Text)
		})
		if err != nil {
			return changed, err
		}
		changed++
	}
	return changed, nil
}

// rewrapRows re-wraps one page, and returns how many needed it.
func (a *KeyAdmin) rewrapRows(ctx context.Context, table store.KeyTable, rows []store.KeyRow) (int, error) {
	wrapped := make([]keys.Wrapped, len(rows))
	for i, row := range rows {
		wrapped[i] = keys.Wrapped{Owner: table.Owner(row.ID), Text: row.Wrapped}
	}
	results, err := a.Keeper.Rewrap(ctx, wrapped)
	if err != nil {
		return 0, fmt.Errorf("re-wrapping: %w", err)
	}
	var changed []store.Rewrapped
	for i, r := range results {
		if r.Err != nil {
			return 0, fmt.Errorf("re-wrapping: %w", r.Err)
		}
		if r.Value.Text != rows[i].Wrapped {
			changed = append(changed, store.Rewrapped{ID: rows[i].ID, Old: rows[i].Wrapped, New: r.Value.Text})
		}
	}
	if len(changed) == 0 {
		return 0, nil
	}
	return len(changed), a.Do(ctx, "rewrap", audit.Counts{"keys": int64(len(changed))}, func(tx *store.Tx) error {
		_, err := tx.Keys.Replace(ctx, table, changed)
		return err
	})
}
