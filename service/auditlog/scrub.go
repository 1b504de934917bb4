package auditlog

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"

	"cpis/audit"
	"cpis/service/guard"
	"cpis/service/store"
)

// scrub is where the round over the log stands.
type scrub struct {
	mu   sync.Mutex // held while a part is verified; guards what follows
	pace int64      // entries of a part, a multiple of a tile's width
	next int64      // where the next part begins
	on   bool       // a part was verified already
	left retention  // what was removed, as last verified
}

// roundUp makes a pace a multiple of a tile's width.
func roundUp(pace, otherwise int64) int64 {
	if pace <= 0 {
		pace = otherwise
	}
	return (pace + audit.TileWidth - 1) / audit.TileWidth * audit.TileWidth
}

// Scrub reads the next part of the log that was signed, compares it with what
// was signed, and reports what differs. Part by part it goes round the whole log.
// Where it begins is left to chance, so that servers that are restarted often
// still come everywhere.
//
// What it finds stops nothing: what was signed long ago is evidence, and the
// entries that come are as good as ever.
func (s *Log) Scrub(ctx context.Context) error {
	s.scrub.mu.Lock()
	defer s.scrub.mu.Unlock()
	edge := s.signedEdge()
	tree := edge.Tree()
	first, err := s.removedBefore(ctx, edge)
	if errors.Is(err, errNotSigned) || err == nil && tree.Size() <= first {
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading what was removed: %w", err)
	}
	from, to := s.scrub.part(first, tree.Size())
	if err := s.scrubPart(ctx, edge, from, to); err != nil {
		return fmt.Errorf("reading the log again: %w", err)
	}
	s.scrub.next, s.scrub.on = to, true
	now := s.clock.Moment()
	s.readAgain.Store(&now)
	s.observe.Scrubbed(to-from, to == tree.Size())
	return nil
}

// part returns the next part of the entries from one index up to another.
func (c *scrub) part(first, size int64) (from, to int64) {
	switch {
	case !c.on:
		from = first + rand.Int64N(size-first) //nolint:gosec // guards nothing
		from = from / audit.TileWidth * audit.TileWidth
	case c.next >= first && c.next < size:
		from = c.next / audit.TileWidth * audit.TileWidth
	default:
		from = first
	}
	return from, min(from+c.pace, size)
}

// signedEdge returns the tree of the newest checkpoint with its right edge.
func (s *Log) signedEdge() *audit.Builder {
	s.signing.Lock()
	defer s.signing.Unlock()
	return s.signed.Clone()
}

// scrubPart verifies entries and reports what differs. The error is one of
// reading.
func (s *Log) scrubPart(ctx context.Context, edge *audit.Builder, from, to int64) error {
	tiles := edge.Over(storedTiles{s.db, s.log.ID})
	if edge.Blind() { // those that are not stored are made from lines
		tiles = audit.Derive(storedTiles{s.db, s.log.ID}, leavesOf(s.db, s.log.ID))
	}
	lines := linesOf(ctx, s.db, s.log.ID, from, to, func(err error) { s.report("entry", err) })
	_, err := audit.CheckRange(ctx, edge.Tree(), from, to, tiles, lines)
	if err == nil || !errors.Is(err, audit.ErrBroken) {
		return err
	}
	bad, isEntry := errors.AsType[*audit.BadEntry](err)
	err = fmt.Errorf("%w: %w", guard.ErrDamaged, err)
	if !isEntry {
		s.report("tile", err)
		return nil
	}
	// Lines may have been removed, rightly, while they were read.
	first, failed := s.removedBefore(ctx, s.signedEdge())
	if failed == nil && bad.Index >= first {
		s.report("entry", err)
	}
	return nil
}

// checkBeside compares the columns beside a line with what it says. They are not
// signed, and are there to find lines by.
func checkBeside(row *store.EntryRow) error {
	e, err := audit.ParseLine(row.Line)
	if err != nil {
		return nil //nolint:nilerr // what is wrong with the line itself is found elsewhere
	}
	if !bytes.Equal(e.Subject, row.Subject) {
		return fmt.Errorf("entry %d stands under a subject that is not its line's: %w", row.Index, guard.ErrDamaged)
	}
	return nil
}

// retention is what an entry of the log says was removed.
type retention struct {
	first int64 // the lines before it
	entry int64 // which says so
}

// errNotSigned says that lines are about to be removed, and the entry that says
// so is not signed yet.
var errNotSigned = errors.New("not signed yet")

// removedBefore returns the index before which lines were removed, if an entry
// that is signed says so, and 0 otherwise.
func (s *Log) removedBefore(ctx context.Context, edge *audit.Builder) (int64, error) {
	row, err := s.db.Logs.LatestRetention(ctx, s.log.ID)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return 0, nil
	case err != nil:
		return 0, guard.Translate(err)
	}
	said := retention{row.First, row.Entry}
	if said == s.scrub.left {
		return said.first, nil
	}
	ok, err := saysRemoved(ctx, s.db, s.log.ID, edge, said)
	if err != nil {
		return 0, err
	}
	if ok {
		s.scrub.left = said
		return said.first, nil
	}
	head, err := s.db.Head(ctx, s.log.ID)
	tree := edge.Tree()
	if err == nil && tree.Size() <= said.entry && said.entry < head.Size() {
		return 0, errNotSigned
	}
	s.report("retention", fmt.Errorf("entry %d does not say that lines before %d were removed: %w", said.entry, said.first, guard.ErrDamaged))
	return s.scrub.left.first, nil
}

// saysRemoved reports whether an entry that is signed says what was removed.
func saysRemoved(ctx context.Context, db *store.DB, log store.LogID, edge *audit.Builder, said retention) (bool, error) {
	tree := edge.Tree()
	if said.entry >= tree.Size() || said.first > said.entry {
		return false, nil
	}
	row, err := db.Logs.Entry(ctx, log, said.entry)
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("reading an entry: %w", guard.Translate(err))
	}
	e, err := audit.ParseLine(row.Line)
	if err != nil {
		return false, nil //nolint:nilerr // it says nothing, then
	}
	first, removes := e.Retains()
	if !removes || first != said.first {
		return false, nil
	}
	tiles := edge.Over(audit.Derive(storedTiles{db, log}, leavesOf(db, log)))
	return audit.Contains(ctx, tree, tiles, said.entry, audit.LeafHash(row.Line))
}
