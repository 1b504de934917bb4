package auditlog

import (
	"context"
	"errors"
	"fmt"
	"time"

	"cpis/audit"
	"cpis/service/guard"
	"cpis/service/keys"
	"cpis/service/store"
)

// signChunk is how many entries are read at once between two checkpoints.
const signChunk = 1 << 14

// signTimeout bounds one attempt of the signer. Catching up after a long absence
// may take several: each goes on where the one before ended.
const signTimeout = time.Minute

// Sign brings the checkpoint up to the head of the log, if it is not there.
// The error is ErrDamaged if the log was tampered with, and something passing
// otherwise. Several servers may sign one log: the first one counts.
func (s *Log) Sign(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, signTimeout)
	defer cancel()
	s.signing.Lock()
	defer s.signing.Unlock()
	signed, err := s.lastSigned(ctx)
	if err != nil {
		return err
	}
	head, err := s.db.Head(ctx, s.log.ID)
	switch {
	case errors.Is(err, audit.ErrMalformed):
		return s.breakOff("log_head", "the head is not that of any log")
	case err != nil:
		return fmt.Errorf("reading the head: %w", err)
	}
	if head == signed.Tree { // nothing new, or nothing at all
		s.observe.Signed(head.Size(), s.clock.Now())
		return nil
	}
	if err := s.verify(ctx, head); err != nil {
		return s.breakIf(err)
	}
	return s.signHead(ctx, head)
}

// verify checks that the entries behind the last checkpoint lead to the head.
// It begins where the attempt before has ended. That is a short cut and no
// evidence: where it leads elsewhere, all of them are read again, and decide.
func (s *Log) verify(ctx context.Context, head audit.Tree) error {
	began := s.verified
	err := s.extend(ctx, head)
	if errors.Is(err, guard.ErrDamaged) && began != s.signed {
		s.verified = s.signed
		err = s.extend(ctx, head)
	}
	return err
}

// lastSigned gives the latest checkpoint, or an empty tree if there is none. It
// trusts neither the database nor who signed: the checkpoint must carry a
// signature of the log's key over the tree beside it, and must continue the one
// that this server saw last. Another server may have signed a log that somebody
// had rolled back before it came to know it.
func (s *Log) lastSigned(ctx context.Context) (store.CheckpointRow, error) {
	row, err := s.db.LatestCheckpoint(ctx, s.log.ID)
	switch {
	case errors.Is(err, store.ErrNotFound):
		row = store.CheckpointRow{}
	case err != nil:
		return row, fmt.Errorf("reading the last checkpoint: %w", err)
	case row.Tree != s.signed:
		if err := s.checkSigned(ctx, &row); err != nil {
			return row, err
		}
	}
	if row.Tree.Size() < s.signed.Size() {
		return row, s.breakOff("checkpoint", "log was rolled back behind a checkpoint")
	}
	if s.signed.Size() > 0 && row.Tree != s.signed {
		if err := s.verify(ctx, row.Tree); err != nil {
			return row, s.breakIf(err)
		}
	}
	s.setSigned(row.Tree)
	return row, nil
}

// breakIf stops the service where entries do not add up.
func (s *Log) breakIf(err error) error {
	if errors.Is(err, guard.ErrDamaged) {
		return s.breakOff("entry", err.Error())
	}
	return err
}

// setSigned remembers a checkpoint. Where it is a new one, which may be another
// server's, entries are verified from there on.
func (s *Log) setSigned(tree audit.Tree) {
	if tree != s.signed {
		s.signed, s.verified = tree, tree
	}
}

// checkSigned checks a checkpoint, and stops the service if it is not right.
func (s *Log) checkSigned(ctx context.Context, row *store.CheckpointRow) error {
	err := openSigned(ctx, s.ring.Keeper(), s.log, row)
	if errors.Is(err, guard.ErrDamaged) {
		s.broken.Store(true)
		s.observe.Damaged("checkpoint")
	}
	return err
}

// openSigned checks a checkpoint's signature, and that it speaks of the tree
// that is kept beside it.
func openSigned(ctx context.Context, keeper keys.Keeper, log store.Log, row *store.CheckpointRow) error {
	pubs, err := keeper.PublicKeys(ctx)
	if err != nil {
		return fmt.Errorf("reading the log's public keys: %w", err)
	}
	known := make([]audit.VerifierKey, len(pubs))
	for i, pub := range pubs {
		if known[i], err = audit.NewVerifierKey(log.Origin, pub); err != nil {
			return fmt.Errorf("reading the log's public keys: %w", err)
		}
	}
	cp, err := audit.OpenCheckpoint([]byte(row.Note), log.Origin, known)
	if err != nil {
		return fmt.Errorf("last checkpoint does not verify: %w", guard.ErrDamaged)
	}
	if cp != row.Tree.Checkpoint(log.Origin) {
		return fmt.Errorf("last checkpoint speaks of another tree: %w", guard.ErrDamaged)
	}
	return nil
}

// breakOff stops the service for good: the log was tampered with.
func (s *Log) breakOff(table, why string) error {
	s.broken.Store(true)
	s.observe.Damaged(table)
	return fmt.Errorf("%s: %w", why, guard.ErrDamaged)
}

// signHead has the keeper sign the head and keeps the checkpoint.
func (s *Log) signHead(ctx context.Context, head audit.Tree) error {
	cp := head.Checkpoint(s.log.Origin)
	sig, pub, err := s.ring.Keeper().Sign(ctx, cp.Body())
	if err != nil {
		return fmt.Errorf("signing the checkpoint: %w", err)
	}
	note, err := audit.SignCheckpoint(cp, pub, sig)
	if err != nil {
		return fmt.Errorf("signing the checkpoint: %w", err)
	}
	err = s.db.Tx(ctx, func(tx *store.Tx) error {
		return tx.InsertCheckpoint(ctx, store.CheckpointRow{
			Log: s.log.ID, Tree: head, Note: string(note), At: s.clock.Now().UTC(),
		})
	})
	if err != nil && !errors.Is(err, store.ErrConflict) { // another server was first
		return fmt.Errorf("keeping the checkpoint: %w", err)
	}
	s.setSigned(head)
	s.observe.Signed(head.Size(), s.clock.Now())
	return nil
}

// extend reads the entries between the verified tree and another again, checks
// that they lead from one to the other, and keeps the tiles that became full. It
// remembers how far it came.
func (s *Log) extend(ctx context.Context, to audit.Tree) error {
	if to.Size() < s.verified.Size() {
		return fmt.Errorf("log is shorter than its checkpoint: %w", guard.ErrDamaged)
	}
	for s.verified.Size() < to.Size() {
		tree := s.verified
		next := min(to.Size(), tree.Size()+s.chunk)
		// Tiles begin at multiples of their width, so a few entries that are
		// signed already are read once more.
		start := tree.Size() / audit.TileWidth * audit.TileWidth
		leaves, err := hashLines(ctx, s.db, s.log.ID, start, next)
		if err != nil {
			return err
		}
		grown := tree
		for _, leaf := range leaves[tree.Size()-start:] {
			grown.Append(leaf)
		}
		if err := s.keepTiles(ctx, tree.Size(), next, start, leaves); err != nil {
			return err
		}
		s.verified = grown
	}
	if s.verified != to {
		return fmt.Errorf("entries do not add up to the head: %w", guard.ErrDamaged)
	}
	return nil
}

// keepTiles stores the tiles that became full when the log grew; leaves are
// those from index start on.
func (s *Log) keepTiles(ctx context.Context, from, to, start int64, leaves []audit.Hash) error {
	known := func(ctx context.Context, a, b int64) ([]audit.Hash, error) {
		if a >= start {
			return leaves[a-start : b-start], nil
		}
		return hashLines(ctx, s.db, s.log.ID, a, b)
	}
	tiles := audit.Derive(storedTiles{s.db, s.log.ID}, known)
	var level []audit.Tile // those of one level: the next are made from them
	for tile := range audit.FullTiles(from, to) {
		if len(level) > 0 && level[0].Level != tile.Level {
			if err := s.keepLevel(ctx, tiles, level); err != nil {
				return err
			}
			level = level[:0]
		}
		level = append(level, tile)
	}
	return s.keepLevel(ctx, tiles, level)
}

// keepLevel makes tiles of one level and stores them.
func (s *Log) keepLevel(ctx context.Context, from audit.Tiles, level []audit.Tile) error {
	if len(level) == 0 {
		return nil
	}
	made, err := from.ReadTiles(ctx, level)
	if err != nil {
		return fmt.Errorf("making tiles: %w", err)
	}
	rows := make([]store.TileRow, len(level))
	for i, tile := range level {
		if made[i] == nil {
			return fmt.Errorf("making tiles: %w", audit.ErrNoTile)
		}
		rows[i] = store.TileRow{Level: tile.Level, Index: tile.Index, Hashes: made[i]}
	}
	err = s.db.Tx(ctx, func(tx *store.Tx) error { return tx.InsertTiles(ctx, s.log.ID, rows) })
	if err != nil {
		return fmt.Errorf("keeping tiles: %w", err)
	}
	return nil
}

// storedTiles are the full tiles that the database keeps.
type storedTiles struct {
	db  *store.DB
	log store.LogID
}

// ReadTiles gives the tiles that are kept, and nil for the others.
func (t storedTiles) ReadTiles(ctx context.Context, tiles []audit.Tile) ([][]byte, error) {
	found := make([][]byte, len(tiles))
	at := make(map[audit.Tile]int, len(tiles))
	byLevel := make(map[int][]int64)
	for i, tile := range tiles {
		at[audit.Tile{Level: tile.Level, Index: tile.Index}] = i
		byLevel[tile.Level] = append(byLevel[tile.Level], tile.Index)
	}
	for level, indexes := range byLevel {
		rows, err := t.db.Tiles(ctx, t.log, level, indexes)
		if err != nil {
			return nil, fmt.Errorf("reading tiles: %w", guard.Translate(err))
		}
		for _, row := range rows {
			found[at[audit.Tile{Level: row.Level, Index: row.Index}]] = row.Hashes
		}
	}
	return found, nil
}
