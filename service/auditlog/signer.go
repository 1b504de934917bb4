package auditlog

import (
	"context"
	"crypto/ed25519"
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

// maxHeldTiles bounds the tiles that wait in memory, 8 KiB each, until the
// entries that they are made from are signed. Who has to catch up with more
// makes none, and has them made from what is signed then.
const maxHeldTiles = 1024

// Sign brings the checkpoint up to the head of the log, if it is not there.
// The error is ErrDamaged if the log was tampered with, and something passing
// otherwise. Several servers may sign one log: the first one counts.
func (s *Log) Sign(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, signTimeout)
	defer cancel()
	s.signing.Lock()
	defer s.signing.Unlock()
	if err := s.lookBeyond(ctx); err != nil {
		return err
	}
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
		if err := s.keep(ctx); err != nil {
			return err
		}
		s.observe.Signed(head.Size(), s.clock.Now())
		return nil
	}
	if err := s.verify(ctx, head); err != nil {
		return s.breakIf(err)
	}
	return s.signHead(ctx, head)
}

// verify checks that the entries behind the last checkpoint lead to a tree. It
// begins where the attempt before has ended. That is a short cut and no
// evidence: if it leads elsewhere, all of them are read again, and decide.
func (s *Log) verify(ctx context.Context, to audit.Tree) error {
	began := s.verified.Tree()
	err := s.extend(ctx, to)
	if errors.Is(err, guard.ErrDamaged) && began != s.signed.Tree() {
		s.verified = s.signed.Clone()
		err = s.extend(ctx, to)
	}
	return err
}

// lastSigned returns the latest checkpoint, or an empty tree if there is none. It
// trusts neither the database nor who signed: the checkpoint must carry a
// signature of the log's key over the tree beside it, and must continue the one
// that this server saw last. Another server may have signed a log that somebody
// had rolled back before it came to know it.
func (s *Log) lastSigned(ctx context.Context) (store.CheckpointRow, error) {
	row, err := s.db.Checkpoints.Latest(ctx, s.log.ID)
	switch {
	case errors.Is(err, store.ErrNotFound):
		row = store.CheckpointRow{}
	case errors.Is(err, audit.ErrMalformed):
		return row, s.breakOff("checkpoint", "the last checkpoint speaks of no tree")
	case err != nil:
		return row, fmt.Errorf("reading the last checkpoint: %w", err)
	case row.Tree != s.signed.Tree() || row.Note != s.note:
		if err := s.checkSigned(ctx, &row); err != nil {
			return row, err
		}
	}
	before := s.signed.Tree()
	if row.Tree.Size() < before.Size() {
		return row, s.breakOff("checkpoint", "log was rolled back behind a checkpoint")
	}
	if before.Size() > 0 && row.Tree != before {
		if err := s.verify(ctx, row.Tree); err != nil {
			return row, s.breakIf(err)
		}
	}
	return row, s.setSigned(ctx, &row)
}

// breakIf stops the service if entries do not add up.
func (s *Log) breakIf(err error) error {
	if errors.Is(err, guard.ErrDamaged) {
		return s.breakOff("entry", err.Error())
	}
	return err
}

// setSigned remembers a checkpoint. If it is a new one, which may be another
// server's, entries are verified from there on.
func (s *Log) setSigned(ctx context.Context, row *store.CheckpointRow) error {
	if row.Tree != s.signed.Tree() {
		opened, err := s.edgeOf(ctx, row.Tree)
		if err != nil {
			return err
		}
		opened.Forget() // whoever signed has kept them
		s.verified, s.signed = opened, opened.Clone()
	}
	if s.note != row.Note {
		s.note = row.Note
		s.newest.Store(row)
	}
	return nil
}

// edgeOf returns what makes the tree of a checkpoint go on: what was verified, if
// that has come to it and the tiles that filled meanwhile are kept.
func (s *Log) edgeOf(ctx context.Context, tree audit.Tree) (*audit.Builder, error) {
	if s.verified.Tree() != tree {
		return s.openEdge(ctx, tree)
	}
	if len(s.verified.Full()) == 0 {
		return s.verified, nil
	}
	owed, err := s.owed(ctx, tree)
	if owed {
		return audit.BlindBuilder(tree), err
	}
	return s.verified, err
}

// owed reports whether tiles of a signed tree are not made yet, because whoever
// signed had too much to catch up with, or stopped before that.
func (s *Log) owed(ctx context.Context, tree audit.Tree) (bool, error) {
	count, err := s.db.Tiles.Count(ctx, s.log.ID, 0)
	if err != nil {
		return false, fmt.Errorf("counting tiles: %w", guard.Translate(err))
	}
	return count < tree.Size()/audit.TileWidth, nil
}

// checkSigned checks a checkpoint, and stops the service if it is not right.
func (s *Log) checkSigned(ctx context.Context, row *store.CheckpointRow) error {
	err := openSigned(ctx, s.ring.Keeper(), s.log, row)
	if errors.Is(err, guard.ErrDamaged) {
		return s.breakOff("checkpoint", err.Error())
	}
	return err
}

// openSigned checks a checkpoint's signature, and that it speaks of the tree
// that is kept beside it.
func openSigned(ctx context.Context, keeper keys.Keeper, log store.Log, row *store.CheckpointRow) error {
	known, err := verifierKeys(ctx, keeper, log)
	if err != nil {
		return err
	}
	return opens(row, log, known)
}

// publicKeys are those of a log's signing key, in all its versions.
type publicKeys []ed25519.PublicKey

// of returns them as those who verify a log take them.
func (k publicKeys) of(origin string) []audit.VerifierKey {
	var known []audit.VerifierKey
	for _, pub := range k {
		if key, err := audit.NewVerifierKey(origin, pub); err == nil { // no other signed anything
			known = append(known, key)
		}
	}
	return known
}

// verifierKeys returns the public keys of a log.
func verifierKeys(ctx context.Context, keeper keys.Keeper, log store.Log) ([]audit.VerifierKey, error) {
	pubs, err := keeper.PublicKeys(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading the log's public keys: %w", err)
	}
	return publicKeys(pubs).of(log.Origin), nil
}

// opens returns nil if one of the keys signed a checkpoint, and it speaks of the
// tree that is kept beside it.
func opens(row *store.CheckpointRow, log store.Log, known []audit.VerifierKey) error {
	cp, err := audit.OpenCheckpoint([]byte(row.Note), log.Origin, known)
	if err != nil {
		return fmt.Errorf("checkpoint of %d entries does not verify: %w", row.Tree.Size(), guard.ErrDamaged)
	}
	if cp != row.Tree.Checkpoint(log.Origin) {
		return fmt.Errorf("checkpoint of %d entries speaks of another tree: %w", row.Tree.Size(), guard.ErrDamaged)
	}
	return nil
}

// nearHead is how far from the head an entry stops the next appends: more than a
// group of look-ups has.
const nearHead = 4096

// lookBeyond looks whether an entry stands where the log has not come to. No
// append can pass it, so whoever planted it has stopped the service; it can go on
// as soon as the entry was set aside.
func (s *Log) lookBeyond(ctx context.Context) error {
	planted, err := s.db.Logs.BeyondHead(ctx, s.log.ID)
	if errors.Is(err, store.ErrNotFound) {
		s.blocked.Store(false)
		return nil
	}
	if err != nil {
		return fmt.Errorf("looking beyond the head: %w", err)
	}
	head, err := s.db.Head(ctx, s.log.ID)
	if err != nil && !errors.Is(err, audit.ErrMalformed) {
		return fmt.Errorf("reading the head: %w", err)
	}
	s.blocked.Store(planted < head.Size()+nearHead)
	s.report("entry", fmt.Errorf("entry %d stands where the log has not come to: %w", planted, guard.ErrDamaged))
	return nil
}

// breakOff stops the service for good: the log was tampered with, and to sign
// what comes would vouch for that.
func (s *Log) breakOff(table, why string) error {
	err := fmt.Errorf("%s: %w", why, guard.ErrDamaged)
	s.broken.Store(true)
	s.report(table, err)
	return err
}

// signHead has the keeper sign the head, and keeps the checkpoint together with
// the tiles that became full. They are made of nothing but what was compared with
// the head.
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
	row := store.CheckpointRow{Log: s.log.ID, Tree: head, Note: string(note), At: s.clock.Now().UTC()}
	var planted []store.TileRow
	err = s.db.Tx(ctx, func(tx *store.Tx) (err error) {
		if err := tx.Checkpoints.Insert(ctx, row); err != nil {
			return err
		}
		planted, err = tx.Tiles.Insert(ctx, s.log.ID, tileRows(s.verified.Full()))
		return err
	})
	switch {
	case errors.Is(err, store.ErrConflict):
		return nil // another server was first: what it says is checked the next time
	case err != nil:
		return fmt.Errorf("keeping the checkpoint: %w", err)
	}
	s.reportTiles(planted)
	if err := s.setSigned(ctx, &row); err != nil {
		return err
	}
	if err := s.keep(ctx); err != nil {
		return err
	}
	s.observe.Signed(head.Size(), s.clock.Now())
	return nil
}

// extend reads the entries between the verified tree and another again, and
// checks that they lead from one to the other. It remembers how far it came.
func (s *Log) extend(ctx context.Context, to audit.Tree) error {
	size := s.verified.Tree()
	if to.Size() < size.Size() {
		return fmt.Errorf("log is shorter than its checkpoint: %w", guard.ErrDamaged)
	}
	for at := size.Size(); at < to.Size(); {
		next := min(to.Size(), at+s.chunk)
		leaves, err := hashLines(ctx, s.db, s.log.ID, at, next)
		if err != nil {
			return err
		}
		for _, leaf := range leaves {
			s.verified.Append(leaf)
		}
		if len(s.verified.Full()) > s.maxHeld {
			s.verified = audit.BlindBuilder(s.verified.Tree())
		}
		at = next
	}
	if s.verified.Tree() != to {
		return fmt.Errorf("entries do not add up to the head: %w", guard.ErrDamaged)
	}
	return nil
}
