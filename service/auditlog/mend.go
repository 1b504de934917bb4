package auditlog

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"math"
	"time"

	"cpis/audit"
	"cpis/service/domain"
	"cpis/service/guard"
	"cpis/service/keys"
	"cpis/service/store"
)

// Mender mends a log's tables, as its owner. It changes no line that was signed:
// what it takes away is kept as evidence, or was old enough.
type Mender struct {
	guard.Command

	Keeper keys.Keeper
	// Wait is how long to wait for a running server to sign what has to be
	// signed first.
	Wait time.Duration
}

// maxReason bounds what an operator says about a command, in characters.
const maxReason = 500

// reasonOf reads a reason.
func reasonOf(text string) (string, error) {
	const example = "found by the alert of 3 May"
	var check domain.Reader
	reason := check.Text("reason", text, maxReason, example)
	if reason == "" {
		check.Add("reason", "is required", example)
	}
	return reason, check.Err()
}

// note returns what stands beside what is set aside.
func (m *Mender) note(reason string) store.AsideNote {
	return store.AsideNote{Reason: reason, Operator: m.Operator, At: m.Now().UTC()}
}

// Mended says what was set aside.
type Mended struct {
	Entries, Checkpoints, Tiles int64
}

// SetAside sets aside what somebody has put where the log goes on: entries beyond
// its head, and what is no checkpoint of it above the newest that is one. The
// service can go on then; what was set aside is kept, and exports hold it.
func (m *Mender) SetAside(ctx context.Context, text string) (Mended, error) {
	var done Mended
	reason, err := reasonOf(text)
	if err != nil {
		return done, err
	}
	_, bad, err := m.newest(ctx)
	if err != nil {
		return done, err
	}
	planted, err := m.DB.Logs.BeyondHead(ctx, m.Log.ID)
	if errors.Is(err, store.ErrNotFound) && len(bad) == 0 {
		return done, nil
	}
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return done, err
	}
	counts := audit.Counts{"checkpoints": int64(len(bad)), "from": planted}
	err = m.Do(ctx, "set_aside", counts, func(tx *store.Tx) (err error) {
		for _, c := range bad {
			if err := tx.Checkpoints.SetAside(ctx, m.Log.ID, c.Size, m.note(reason)); err != nil {
				return err
			}
		}
		done.Checkpoints = int64(len(bad))
		done.Entries, err = tx.Logs.SetEntriesAside(ctx, m.Log.ID, m.note(reason))
		counts["entries"] = done.Entries
		return err
	})
	return done, err
}

// newest returns the newest checkpoint that is one of the log, and what stands
// above it.
func (m *Mender) newest(ctx context.Context) (good *store.CheckpointRow, bad []store.StoredCheckpoint, err error) {
	known, err := verifierKeys(ctx, m.Keeper, m.Log)
	if err != nil {
		return nil, nil, err
	}
	for below := int64(math.MaxInt64); ; {
		page, err := m.DB.Checkpoints.Stored(ctx, m.Log.ID, below, checkpointsPage)
		if err != nil || len(page) == 0 {
			return nil, bad, err
		}
		for i := range page {
			if good := goodCheckpoint(&page[i], m.Log, known); good != nil {
				return good, bad, nil
			}
			bad = append(bad, page[i])
			below = page[i].Size
		}
	}
}

// errNothingSigned says that a log has no checkpoint to compare with.
var errNothingSigned = errors.New("the log has no checkpoint that verifies: nothing can be compared with it")

// RebuildTiles makes all tiles of the log anew from its lines, compares them with
// the newest checkpoint, and puts them in the place of those that differ or are
// missing. Those that differ are set aside. Of lines that were removed, the
// hashes are taken from the tiles of level 0.
func (m *Mender) RebuildTiles(ctx context.Context, text string) (Mended, error) {
	var done Mended
	reason, err := reasonOf(text)
	if err != nil {
		return done, err
	}
	good, _, err := m.newest(ctx)
	if err != nil {
		return done, err
	}
	if good == nil {
		return done, errNothingSigned
	}
	for {
		wrong, err := makeTiles(ctx, &audit.Builder{}, good.Tree, m.leaves, m.differing, maxHeldTiles)
		if err != nil || len(wrong) == 0 {
			return done, err
		}
		err = m.Do(ctx, "rebuild_tiles", audit.Counts{"tiles": int64(len(wrong))}, func(tx *store.Tx) error {
			return tx.Tiles.Replace(ctx, m.Log.ID, wrong, m.note(reason))
		})
		if err != nil {
			return done, err
		}
		done.Tiles += int64(len(wrong))
	}
}

// leaves reads leaf hashes from lines, and of those that were removed from the
// tiles of level 0. They are for the caller to compare with what was signed.
func (m *Mender) leaves(ctx context.Context, from, to int64) ([]audit.Hash, error) {
	first, err := m.DB.Logs.FirstEntry(ctx, m.Log.ID)
	if errors.Is(err, store.ErrNotFound) {
		return nil, fmt.Errorf("all lines are missing: %w", guard.ErrDamaged)
	}
	if err != nil {
		return nil, err
	}
	var leaves []audit.Hash
	if removed := min(first/audit.TileWidth*audit.TileWidth, to); from < removed {
		if leaves, err = tiledLeaves(ctx, m.DB, m.Log.ID, from, removed); err != nil {
			return nil, err
		}
	}
	if rest := from + int64(len(leaves)); rest < to {
		read, err := hashLines(ctx, m.DB, m.Log.ID, rest, to)
		return append(leaves, read...), err
	}
	return leaves, nil
}

// tiledLeaves reads the leaf hashes of whole tiles.
func tiledLeaves(ctx context.Context, db *store.DB, log store.LogID, from, to int64) ([]audit.Hash, error) {
	var tiles []audit.Tile
	for at := from; at < to; at += audit.TileWidth {
		tiles = append(tiles, audit.Tile{Index: at / audit.TileWidth, Width: audit.TileWidth})
	}
	data, err := storedTiles{db, log}.ReadTiles(ctx, tiles)
	if err != nil {
		return nil, err
	}
	leaves := make([]audit.Hash, 0, to-from)
	for i, tile := range data {
		hashes, err := audit.HashesOf(tile)
		if err != nil {
			return nil, fmt.Errorf("the hashes of removed lines are missing (%s): %w", tiles[i].Path(), guard.ErrDamaged)
		}
		leaves = append(leaves, hashes...)
	}
	return leaves, nil
}

// differing returns the tiles that are not stored as they should be.
func (m *Mender) differing(ctx context.Context, full []audit.FullTile) ([]audit.FullTile, error) {
	tiles := make([]audit.Tile, len(full))
	for i := range full {
		tiles[i] = full[i].Tile
	}
	stored, err := storedTiles{m.DB, m.Log.ID}.ReadTiles(ctx, tiles)
	if err != nil {
		return nil, err
	}
	var wrong []audit.FullTile
	for i := range full {
		if !bytes.Equal(stored[i], full[i].Hashes) {
			wrong = append(wrong, full[i])
		}
	}
	return wrong, nil
}

// Removed says what retention has removed.
type Removed struct {
	First            int64 // the index of the first line left
	Entry            int64 // that says so
	Deleted, Dropped int64 // lines one by one, and partitions as a whole
	Nothing          bool  // was old enough
}

// ErrNotSignedYet says that a removal is an entry of the log, which no server has
// signed yet. Nothing was removed; it goes on when it is asked for again.
var ErrNotSignedYet = errors.New("the entry that says what is removed is not signed yet: is a server running? Nothing was removed; run this again")

// Retain removes the lines that had been signed before a time. That they are
// removed is an entry of the log, which is signed before any line goes: so that
// whoever verifies an export can tell retention from theft. Hashes stay, and all
// that is removed is verified first: evidence is not removed.
func (m *Mender) Retain(ctx context.Context, before time.Time, text string) (Removed, error) {
	reason, err := reasonOf(text)
	if err != nil {
		return Removed{}, err
	}
	edge, err := m.signedEdge(ctx)
	if err != nil {
		return Removed{}, err
	}
	last, err := m.DB.Logs.LatestRetention(ctx, m.Log.ID)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return Removed{}, err
	}
	first, err := m.oldEnough(ctx, before)
	if err != nil {
		return Removed{}, err
	}
	if first <= last.First {
		if last.First == 0 {
			return Removed{Nothing: true}, nil
		}
		return m.remove(ctx, &last) // which may have been interrupted
	}
	if err := m.verifyBefore(ctx, edge, last.First, first); err != nil {
		return Removed{}, fmt.Errorf("the lines to be removed are not as they were signed, so they are evidence: %w", err)
	}
	err = m.Do(ctx, "retain_log", audit.Counts{"first": first}, func(tx *store.Tx) error {
		return tx.Logs.InsertRetention(ctx, &store.RetentionRow{
			Log: m.Log.ID, First: first, Before: before.UTC(), Reason: reason, Operator: m.Operator, At: m.Now().UTC(),
		})
	})
	if err != nil {
		return Removed{}, err
	}
	if last, err = m.DB.Logs.LatestRetention(ctx, m.Log.ID); err != nil {
		return Removed{}, err
	}
	return m.remove(ctx, &last)
}

// signedEdge returns the tree of the newest checkpoint with its right edge.
func (m *Mender) signedEdge(ctx context.Context) (*audit.Builder, error) {
	good, bad, err := m.newest(ctx)
	switch {
	case err != nil:
		return nil, err
	case good == nil:
		return nil, errNothingSigned
	case len(bad) > 0:
		return nil, fmt.Errorf("checkpoints were tampered with: %w", guard.ErrDamaged)
	}
	return builderOf(ctx, m.DB, m.Log.ID, good.Tree)
}

// oldEnough returns the index of the first line that stays: all before it had
// been signed before a time, and fill tiles.
func (m *Mender) oldEnough(ctx context.Context, before time.Time) (int64, error) {
	cp, err := m.DB.Checkpoints.Before(ctx, m.Log.ID, before)
	if errors.Is(err, store.ErrNotFound) {
		return 0, nil
	}
	return cp.Tree.Size() / audit.TileWidth * audit.TileWidth, err
}

// verifyBefore verifies the entries from one index up to another.
func (m *Mender) verifyBefore(ctx context.Context, edge *audit.Builder, from, to int64) error {
	tiles := edge.Over(storedTiles{m.DB, m.Log.ID})
	for ; from < to; from += signChunk {
		end := min(from+signChunk, to)
		lines := linesOf(ctx, m.DB, m.Log.ID, from, end, func(error) {})
		if _, err := audit.CheckRange(ctx, edge.Tree(), from, end, tiles, lines); err != nil {
			return err
		}
	}
	return nil
}

// remove removes what an entry says is removed, as soon as that is signed.
func (m *Mender) remove(ctx context.Context, r *store.RetentionRow) (Removed, error) {
	removed := Removed{First: r.First, Entry: r.Entry}
	edge, err := m.waitSigned(ctx, r.Entry)
	if err != nil {
		return removed, err
	}
	ok, err := saysRemoved(ctx, m.DB, m.Log.ID, edge, retention{r.First, r.Entry})
	if err != nil {
		return removed, err
	}
	if !ok {
		return removed, fmt.Errorf("entry %d does not say that lines before %d are removed: %w", r.Entry, r.First, guard.ErrDamaged)
	}
	removed.Deleted, removed.Dropped, err = m.DB.RemoveEntries(ctx, m.Log.ID, r.First)
	return removed, err
}

// signedPoll is how often it is looked whether a server has signed.
const signedPoll = 200 * time.Millisecond

// waitSigned waits until a checkpoint covers an entry.
func (m *Mender) waitSigned(ctx context.Context, entry int64) (*audit.Builder, error) {
	ctx, cancel := context.WithTimeout(ctx, max(m.Wait, signedPoll))
	defer cancel()
	tick := time.NewTicker(signedPoll)
	defer tick.Stop()
	for {
		edge, err := m.signedEdge(context.WithoutCancel(ctx))
		if err != nil {
			return nil, err
		}
		if tree := edge.Tree(); tree.Size() > entry {
			return edge, nil
		}
		select {
		case <-ctx.Done():
			return nil, ErrNotSignedYet
		case <-tick.C:
		}
	}
}

// builderOf returns the right edge of a tree that is known to be true.
func builderOf(ctx context.Context, db *store.DB, log store.LogID, tree audit.Tree) (*audit.Builder, error) {
	b, err := audit.NewBuilder(ctx, tree, audit.Derive(storedTiles{db, log}, leavesOf(db, log)))
	if errors.Is(err, audit.ErrBroken) {
		return nil, fmt.Errorf("%w: %w", guard.ErrDamaged, err)
	}
	return b, err
}

// linesOf yields the stored lines of a range, and nil for those that are missing.
// Wrong is told what stands beside a line and does not follow from it.
func linesOf(ctx context.Context, db *store.DB, log store.LogID, from, to int64, wrong func(error)) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		next := from
		for row, err := range db.Logs.StoredEntries(ctx, log, from, to) {
			if err != nil {
				yield(nil, guard.Translate(err))
				return
			}
			for ; next < row.Index; next++ {
				if !yield(nil, nil) {
					return
				}
			}
			if err := checkBeside(&row); err != nil {
				wrong(err)
			}
			if !yield(row.Line, nil) {
				return
			}
			next++
		}
		for ; next < to; next++ {
			if !yield(nil, nil) {
				return
			}
		}
	}
}
