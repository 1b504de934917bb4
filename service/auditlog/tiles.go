package auditlog

import (
	"context"
	"errors"
	"fmt"

	"cpis/audit"
	"cpis/service/guard"
	"cpis/service/store"
)

// openEdge returns what makes the tree of a signed checkpoint, and its tiles, go
// on. Tiles and lines at the right edge are compared with the tree. If they do not
// add up, somebody changed them: that is reported, and no tiles are made until
// they do. What comes is signed all the same, because it is as good as ever.
//
// If the last tiles are owed, none are made here either, until FillTiles has made
// them.
func (s *Log) openEdge(ctx context.Context, tree audit.Tree) (*audit.Builder, error) {
	owed, err := s.owed(ctx, tree)
	if err != nil {
		return nil, err
	}
	stored := storedTiles{s.db, s.log.ID}
	leaves := leavesOf(s.db, s.log.ID)
	var first error
	for _, tiles := range []audit.Tiles{stored, above{stored}} { // those of level 0 are soon made anew
		b, err := audit.NewBuilder(ctx, tree, audit.Derive(tiles, leaves))
		bad, differs := errors.AsType[*audit.Mismatch](err)
		switch {
		case err == nil && first != nil:
			s.report("tile", first)
			return b, nil
		case err == nil && owed:
			return audit.BlindBuilder(tree), nil
		case err == nil:
			return b, nil
		case !differs:
			return nil, fmt.Errorf("reading the right edge of the log: %w", err)
		case bad.Tile.Level == 0:
			s.report("entry", fmt.Errorf("the last entries that were signed are others now: %w", err))
			return audit.BlindBuilder(tree), nil
		}
		first = err
	}
	s.report("tile", first)
	return audit.BlindBuilder(tree), nil
}

// FillTiles makes the tiles that were not made when their entries were signed,
// because there was too much to catch up with, or the right edge of the log could
// not be had. Usually there is nothing to do.
func (s *Log) FillTiles(ctx context.Context) error {
	tree, blind := s.signedTree()
	if !blind {
		return nil
	}
	if err := s.fillTiles(ctx, tree); err != nil {
		return err
	}
	s.signing.Lock()
	defer s.signing.Unlock()
	tree = s.signed.Tree()
	if err := s.fillTiles(ctx, tree); err != nil { // what was signed meanwhile
		return err
	}
	opened, err := s.openEdge(ctx, tree)
	if err != nil {
		return err
	}
	s.signed, s.verified = opened, opened.Clone()
	return nil
}

// signedTree returns the tree of the newest checkpoint, and whether its tiles are
// not made.
func (s *Log) signedTree() (tree audit.Tree, blind bool) {
	s.signing.Lock()
	defer s.signing.Unlock()
	return s.signed.Tree(), s.signed.Blind()
}

// fillTiles makes the tiles of a signed tree behind those that are stored.
func (s *Log) fillTiles(ctx context.Context, signed audit.Tree) error {
	for {
		count, err := s.db.Tiles.Count(ctx, s.log.ID, 0)
		if err != nil {
			return fmt.Errorf("counting tiles: %w", guard.Translate(err))
		}
		// The last one again, for the tiles above it may be missing.
		from := min(max(count-1, 0)*audit.TileWidth, signed.Size()/audit.TileWidth*audit.TileWidth)
		made, err := s.tilesFrom(ctx, signed, from)
		if err != nil || len(made) == 0 {
			return err
		}
		var planted []store.TileRow
		err = s.db.Tx(ctx, func(tx *store.Tx) (err error) {
			planted, err = tx.Tiles.Insert(ctx, s.log.ID, made)
			return err
		})
		if err != nil {
			return fmt.Errorf("keeping tiles: %w", guard.Translate(err))
		}
		s.reportTiles(planted)
		if len(made) < s.maxHeld {
			return nil
		}
	}
}

// tilesFrom makes the first tiles of a signed tree from an index on.
func (s *Log) tilesFrom(ctx context.Context, signed audit.Tree, from int64) ([]store.TileRow, error) {
	b, err := builderAt(ctx, s.db, s.log.ID, from)
	if err != nil {
		return nil, err
	}
	lines := func(ctx context.Context, from, to int64) ([]audit.Hash, error) {
		return hashLines(ctx, s.db, s.log.ID, from, to)
	}
	all := func(_ context.Context, full []audit.FullTile) ([]audit.FullTile, error) { return full, nil }
	return makeTiles(ctx, b, signed, lines, all, s.maxHeld)
}

// makeTiles lets a tree grow until it should be the signed one, and returns the
// first of the tiles that are wanted, at most n. They are right: whatever they
// are made from is compared with the signed tree before any is returned.
func makeTiles(
	ctx context.Context, b *audit.Builder, signed audit.Tree, leaves audit.LeafReader,
	wanted func(context.Context, []audit.FullTile) ([]audit.FullTile, error), n int,
) ([]store.TileRow, error) {
	var made []audit.FullTile
	from := b.Tree()
	for at := from.Size(); at < signed.Size(); at += signChunk {
		read, err := leaves(ctx, at, min(at+signChunk, signed.Size()))
		if err != nil {
			return nil, err
		}
		for _, leaf := range read {
			b.Append(leaf)
		}
		full, err := wanted(ctx, b.Full())
		if err != nil {
			return nil, err
		}
		made = append(made, full[:min(len(full), n-len(made))]...)
		b.Forget()
	}
	if b.Tree() != signed {
		return nil, fmt.Errorf("entries do not add up to the last checkpoint: %w", guard.ErrDamaged)
	}
	return tileRows(made), nil
}

// builderAt returns what goes on from an index, as stored tiles say, which is for
// the caller to compare with what was signed.
func builderAt(ctx context.Context, db *store.DB, log store.LogID, from int64) (*audit.Builder, error) {
	tiles := audit.Derive(storedTiles{db, log}, leavesOf(db, log))
	tree, err := audit.ReadTree(ctx, from, tiles)
	if err == nil {
		var b *audit.Builder
		if b, err = audit.NewBuilder(ctx, tree, tiles); err == nil {
			return b, nil
		}
	}
	if errors.Is(err, audit.ErrBroken) || errors.Is(err, audit.ErrNoTile) {
		return nil, fmt.Errorf("tiles before entry %d do not add up: %w", from, guard.ErrDamaged)
	}
	return nil, fmt.Errorf("reading tiles: %w", err)
}

func tileRows(full []audit.FullTile) []store.TileRow {
	rows := make([]store.TileRow, len(full))
	for i, t := range full {
		rows[i] = store.TileRow{Level: t.Tile.Level, Index: t.Tile.Index, Hashes: t.Hashes}
	}
	return rows
}

// reportTiles reports tiles that are not those of the log.
func (s *Log) reportTiles(planted []store.TileRow) {
	for _, t := range planted {
		s.report("tile", fmt.Errorf("%s is not that of the log: %w", pathOf(t), guard.ErrDamaged))
	}
}

func pathOf(t store.TileRow) string {
	return audit.Tile{Level: t.Level, Index: t.Index, Width: audit.TileWidth}.Path()
}

// storedTiles are the full tiles that the database keeps.
type storedTiles struct {
	db  *store.DB
	log store.LogID
}

// ReadTiles returns the tiles that are kept, and nil for the others.
func (t storedTiles) ReadTiles(ctx context.Context, tiles []audit.Tile) ([][]byte, error) {
	ids := make([]store.TileID, len(tiles))
	at := make(map[store.TileID]int, len(tiles))
	for i, tile := range tiles {
		ids[i] = store.TileID{Level: tile.Level, Index: tile.Index}
		at[ids[i]] = i
	}
	rows, err := t.db.Tiles.Get(ctx, t.log, ids)
	if err != nil {
		return nil, fmt.Errorf("reading tiles: %w", guard.Translate(err))
	}
	found := make([][]byte, len(tiles))
	for _, row := range rows {
		found[at[store.TileID{Level: row.Level, Index: row.Index}]] = row.Hashes
	}
	return found, nil
}

// above are the tiles that are stored but those of level 0.
type above struct{ audit.Tiles }

// ReadTiles implements audit.Tiles.
func (a above) ReadTiles(ctx context.Context, tiles []audit.Tile) ([][]byte, error) {
	data, err := a.Tiles.ReadTiles(ctx, tiles)
	for i, t := range tiles {
		if err == nil && t.Level == 0 {
			data[i] = nil
		}
	}
	return data, err
}

// leavesOf reads leaf hashes from the lines of a log. If one is missing, it
// returns none: nothing can be derived from the others then.
func leavesOf(db *store.DB, log store.LogID) audit.LeafReader {
	return func(ctx context.Context, from, to int64) ([]audit.Hash, error) {
		leaves, err := hashLines(ctx, db, log, from, to)
		if errors.Is(err, guard.ErrDamaged) {
			return nil, nil
		}
		return leaves, err
	}
}

// hashLines hashes the lines of entries as they stand in the database.
func hashLines(ctx context.Context, db *store.DB, log store.LogID, from, to int64) ([]audit.Hash, error) {
	leaves := make([]audit.Hash, 0, to-from)
	for row, err := range db.Logs.Entries(ctx, log, from, to) {
		if errors.Is(err, store.ErrNotFound) {
			return nil, fmt.Errorf("an entry is missing: %w", guard.ErrDamaged)
		}
		if err != nil {
			return nil, fmt.Errorf("reading entries: %w", guard.Translate(err))
		}
		leaves = append(leaves, audit.LeafHash(row.Line))
	}
	return leaves, nil
}
