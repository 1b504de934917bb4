package auditlog

import (
	"context"
	"fmt"

	"cpis/audit"
	"cpis/service/store"
)

// Evidence is what proves entries of a log: its newest checkpoint, and tiles.
type Evidence struct {
	Note  []byte
	Size  int64 // how many entries the checkpoint covers
	Tiles audit.Tiles
}

// Evidence returns what proves that entries are in a log. The checkpoint is one
// that the log's key signed; tiles are to be compared with it. ErrNotFound says
// that none has been signed yet.
func (s *Reader) Evidence(ctx context.Context, log store.Log) (Evidence, error) {
	row, err := s.latest(ctx, log, 0)
	if err != nil {
		return Evidence{}, fmt.Errorf("reading the checkpoint: %w", err)
	}
	return Evidence{Note: []byte(row.Note), Size: row.Tree.Size(), Tiles: s.tilesOf(log.ID)}, nil
}

// Contradicted is told that entries or tiles did not add up to a checkpoint. What
// was made of the tiles is forgotten, for they may be healed.
func (s *Reader) Contradicted(why error) {
	s.report("tile", why)
	s.tiles.Clear()
}
