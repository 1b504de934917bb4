package auditlog

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"cpis/audit"
	"cpis/service/guard"
	"cpis/service/identity"
	"cpis/service/store"
)

// ConsistencyRequest asks for the proof that a log still holds what it held when
// it had fewer entries.
type ConsistencyRequest struct {
	Log  string // origin; this server's own if empty
	Size int64  // how many entries it had
}

// Consistency shows that a log has only grown.
type Consistency struct {
	Note   []byte // the latest signed checkpoint
	Hashes []audit.Hash
}

// ConsistencyProof proves that a log, under its latest checkpoint, still holds
// what it held when it had so many entries, unchanged. ErrNotFound says that no
// checkpoint covers so many: whoever holds one that does has found a log that was
// rolled back. Like other proofs it holds hashes only, and leaves no entry.
func (s *Reader) ConsistencyProof(ctx context.Context, c *identity.Caller, q *ConsistencyRequest) (*Consistency, error) {
	log, err := s.publicLog(ctx, c, logName{origin: q.Log})
	if err != nil {
		return nil, err
	}
	cp, err := s.latest(ctx, log, q.Size)
	if err != nil {
		return nil, fmt.Errorf("reading the checkpoint: %w", err)
	}
	tiles := s.tilesOf(log.ID)
	then, err := audit.ReadTree(ctx, q.Size, tiles)
	if err != nil {
		return nil, s.unproved(log.ID, err)
	}
	// What the tree was then is as true as the proof, which is compared with what
	// was signed.
	hashes, err := audit.ProveConsistency(ctx, tiles, then.Checkpoint(log.Origin), cp.Tree.Checkpoint(log.Origin))
	if err != nil {
		return nil, s.unproved(log.ID, err)
	}
	return &Consistency{Note: []byte(cp.Note), Hashes: hashes}, nil
}

// latest returns the latest checkpoint of a log: the newest that this server has
// checked or made, if that covers so many entries, or else the newest that is
// stored. ErrNotFound says that none covers so many.
func (s *Reader) latest(ctx context.Context, log store.Log, size int64) (*store.CheckpointRow, error) {
	if newest := s.newestOf(log); newest != nil && newest.Tree.Size() >= size {
		return newest, nil
	}
	row, err := s.db.Checkpoints.Latest(ctx, log.ID)
	if errors.Is(err, audit.ErrMalformed) {
		return nil, guard.ErrDamaged
	}
	if err != nil {
		return nil, guard.Translate(err)
	}
	if err := s.check(ctx, log, &row); err != nil {
		return nil, err
	}
	if row.Tree.Size() < size {
		return nil, guard.ErrNotFound
	}
	return &row, nil
}

// unproved returns why nothing could be proved. Hashes, and lines to make them of,
// that are not there or do not add up to what was signed, are damage, and reported.
func (s *Reader) unproved(log store.LogID, err error) error {
	damaged := func(target error) bool { return errors.Is(err, target) }
	if !slices.ContainsFunc([]error{audit.ErrBroken, audit.ErrNoTile, guard.ErrDamaged}, damaged) {
		return fmt.Errorf("making the proof: %w", err)
	}
	err = fmt.Errorf("making the proof: %w: %w", guard.ErrDamaged, err)
	s.report("tile", err)
	s.tiles.Delete(log) // what was made of it is as wrong, and it may be healed
	return err
}
