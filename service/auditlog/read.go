package auditlog

import (
	"context"
	"errors"
	"fmt"

	"cpis/audit"
	"cpis/policy"
	"cpis/service/guard"
	"cpis/service/identity"
	"cpis/service/store"
)

// TileRequest asks for a tile of a log's tree.
type TileRequest struct {
	Number int64  // of the log
	Path   string // of the tile, such as tile/0/x001/234, as C2SP tlog-tiles has it
}

// HashTile is a tile, as it was signed.
type HashTile struct {
	Hashes []byte
}

// Tile returns a tile of a log's tree, compared with what was signed. ErrNotFound
// says that no checkpoint covers it. Tiles hold hashes only, and like proofs
// leave no entry.
func (s *Reader) Tile(ctx context.Context, c *identity.Caller, q *TileRequest) (*HashTile, error) {
	log, err := s.publicLog(ctx, c, logName{number: q.Number})
	if err != nil {
		return nil, err
	}
	tile, err := audit.ParseTilePath(q.Path)
	if err != nil {
		return nil, guard.ErrNotFound
	}
	hashes, err := s.readTile(ctx, log, tile)
	if err != nil {
		return nil, err
	}
	return &HashTile{hashes}, nil
}

// readTile returns a tile that a checkpoint covers.
func (s *Reader) readTile(ctx context.Context, log store.Log, t audit.Tile) ([]byte, error) {
	cp, err := s.latest(ctx, log, t.End())
	if err != nil {
		return nil, fmt.Errorf("reading the checkpoint: %w", err)
	}
	hashes, err := audit.ReadTile(ctx, cp.Tree, s.tilesOf(log.ID), t)
	if err != nil {
		return nil, s.unproved(log.ID, err)
	}
	return hashes, nil
}

// BundleRequest asks for the lines whose leaf hashes are in a tile of level 0.
type BundleRequest struct {
	Number  int64  // of the log
	Path    string // of the bundle, such as tile/entries/x001/234
	Request string // request id
}

// Bundle is some lines of the log, in the form of C2SP tlog-tiles.
type Bundle struct {
	guard.Receipt

	Lines []byte
}

// EntryBundle returns lines of a log, each compared with what was signed, to an
// auditor who reads the whole log. ErrNotFound says that no checkpoint covers all
// of them, or that retention has removed one. Each reading is an entry, which
// makes the log that is read grow: an auditor who follows it reads one entry of
// their own in each bundle of 256.
func (s *Reader) EntryBundle(ctx context.Context, c *identity.Caller, q *BundleRequest) (*Bundle, error) {
	var bundle []byte
	tile, bad := audit.ParseBundlePath(q.Path)
	act := guard.Act{Caller: c, Action: policy.ReadLog, Request: q.Request, Prepare: func(ctx context.Context) (err error) {
		if bad != nil {
			return guard.ErrNotFound
		}
		bundle, err = s.readBundle(ctx, q.Number, tile)
		return err
	}}
	return guard.Answer(ctx, s.guard, act, func(_ context.Context, _ *store.Tx, e *audit.Entry) (*Bundle, error) {
		e.Counts = audit.Counts{"log": q.Number, "from": tile.Index * audit.TileWidth, "shown": int64(tile.Width)}
		return &Bundle{Lines: bundle}, nil
	})
}

// readBundle reads the lines whose leaf hashes are in a tile.
func (s *Reader) readBundle(ctx context.Context, number int64, tile audit.Tile) (bundle []byte, err error) {
	log, err := s.find(ctx, logName{number: number})
	if err != nil {
		return nil, err
	}
	hashes, err := s.readTile(ctx, log, tile)
	if err != nil {
		return nil, err
	}
	next := tile.Index * audit.TileWidth
	beside := func(err error) { s.report("entry", err) }
	for line, err := range linesOf(ctx, s.db, log.ID, next, next+int64(tile.Width), beside) {
		switch {
		case err != nil:
			return nil, fmt.Errorf("reading entries: %w", err)
		case line == nil:
			return nil, s.missing(ctx, log.ID, next)
		case audit.LeafHash(line) != audit.Hash(hashes[:len(audit.Hash{})]):
			return nil, s.badEntry(next, audit.Changed)
		}
		bundle, hashes = audit.AppendBundled(bundle, line), hashes[len(audit.Hash{}):]
		next++
	}
	return bundle, nil
}

// missing says why a line is not there.
func (s *Reader) missing(ctx context.Context, log store.LogID, index int64) error {
	removed, err := s.db.Logs.LatestRetention(ctx, log)
	switch {
	case err == nil && index < removed.First:
		return fmt.Errorf("reading entries: %w", guard.ErrNotFound)
	case err != nil && !errors.Is(err, store.ErrNotFound):
		return fmt.Errorf("reading what was removed: %w", guard.Translate(err))
	}
	return s.badEntry(index, audit.Missing)
}

// badEntry reports an entry that is not as it was signed.
func (s *Reader) badEntry(index int64, what audit.Problem) error {
	err := fmt.Errorf("%w: %w", guard.ErrDamaged, &audit.BadEntry{Index: index, Last: index, Problem: what, Other: -1})
	s.report("entry", err)
	return err
}
