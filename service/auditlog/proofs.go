package auditlog

import (
	"context"
	"errors"
	"fmt"

	"cpis/audit"
	"cpis/policy"
	"cpis/service/domain"
	"cpis/service/guard"
	"cpis/service/identity"
	"cpis/service/store"
	"cpis/service/text"
)

// Proof shows that an entry is in a log under a signed checkpoint.
type Proof struct {
	Text   []byte // with its checkpoint, for anybody to verify
	Hashes []audit.Hash
	Leaf   audit.Hash
}

// Checkpoint gives the latest signed checkpoint of a log; of this server's own
// if none is named. Checkpoints are meant to be public, so asking for one
// leaves no entry; it takes a caller all the same.
func (s *Log) Checkpoint(ctx context.Context, c *identity.Caller, origin string) ([]byte, error) {
	log, err := s.publicLog(ctx, c, origin)
	if err != nil {
		return nil, err
	}
	row, err := s.db.LatestCheckpoint(ctx, log.ID)
	if err != nil {
		return nil, fmt.Errorf("reading the checkpoint: %w", guard.Translate(err))
	}
	return []byte(row.Note), nil
}

// InclusionProof proves that an entry is in a log. ErrNotFound says that no
// checkpoint covers the entry yet: ask again in a second. Proofs hold hashes
// only, and like checkpoints leave no entry.
func (s *Log) InclusionProof(ctx context.Context, c *identity.Caller, origin string, index int64) (*Proof, error) {
	log, err := s.publicLog(ctx, c, origin)
	if err != nil {
		return nil, err
	}
	cp, err := s.db.CheckpointFor(ctx, log.ID, index)
	if err != nil {
		return nil, fmt.Errorf("reading the checkpoint: %w", guard.Translate(err))
	}
	p, err := audit.Prove(ctx, s.tilesOf(log.ID), []byte(cp.Note), index)
	if errors.Is(err, audit.ErrBroken) {
		s.observe.Damaged("tile")
		return nil, fmt.Errorf("making the proof: %w", guard.ErrDamaged)
	}
	if err != nil {
		return nil, fmt.Errorf("making the proof: %w", err)
	}
	leaf, err := s.leaf(ctx, log.ID, cp.Tree.Size(), index)
	if err != nil {
		return nil, err
	}
	return &Proof{Text: p.Text(), Hashes: p.Hashes, Leaf: leaf}, nil
}

// leaf gives the leaf hash of an entry, which stays when its line is gone.
func (s *Log) leaf(ctx context.Context, log store.LogID, size, index int64) (audit.Hash, error) {
	tile := audit.Tile{Index: index / audit.TileWidth, Width: audit.TileWidth}
	tile.Width = int(min(audit.TileWidth, size-tile.Index*audit.TileWidth))
	read, err := s.tilesOf(log).ReadTiles(ctx, []audit.Tile{tile})
	if err != nil {
		return audit.Hash{}, fmt.Errorf("reading the leaf hash: %w", err)
	}
	var leaf audit.Hash
	if len(read[0]) < tile.Width*len(leaf) {
		return leaf, fmt.Errorf("reading the leaf hash: %w", guard.ErrNotFound)
	}
	copy(leaf[:], read[0][index%audit.TileWidth*int64(len(leaf)):])
	return leaf, nil
}

// publicLog finds a log for a caller who may read proofs.
func (s *Log) publicLog(ctx context.Context, c *identity.Caller, origin string) (store.Log, error) {
	d := s.guard.Decide(&guard.Act{Caller: c, Action: policy.ReadProof})
	if !d.Allowed {
		e := guard.Entry(c, policy.ReadProof, "")
		e.Role, e.Rule = d.Role.String(), d.Rule
		return store.Log{}, s.guard.Record(ctx, &e, guard.Denied(d))
	}
	if origin == "" || origin == s.log.Origin {
		return s.log, nil
	}
	if !text.Fit(origin) {
		var v domain.Violations
		v.Add("log", text.Unfit, s.log.Origin)
		return store.Log{}, v.Err()
	}
	log, err := s.db.Log(ctx, origin)
	if err != nil {
		return store.Log{}, fmt.Errorf("finding the log: %w", guard.Translate(err))
	}
	return log, nil
}

// tilesOf gives the tiles of a log, full ones from the database and the others
// made from its entries. What they are made from is remembered between calls.
func (s *Log) tilesOf(log store.LogID) audit.Tiles {
	tiles, ok := s.tiles.Load(log)
	if !ok {
		leaves := func(ctx context.Context, from, to int64) ([]audit.Hash, error) {
			return hashLines(ctx, s.db, log, from, to)
		}
		tiles, _ = s.tiles.LoadOrStore(log, audit.Derive(storedTiles{s.db, log}, leaves))
	}
	return tiles.(audit.Tiles) //nolint:forcetypeassert,errcheck // nothing else is stored
}

// hashLines hashes the lines of entries as they stand in the database.
func hashLines(ctx context.Context, db *store.DB, log store.LogID, from, to int64) ([]audit.Hash, error) {
	leaves := make([]audit.Hash, 0, to-from)
	for row, err := range db.Entries(ctx, log, from, to) {
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
