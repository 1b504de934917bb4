package auditlog

import (
	"context"
	"errors"
	"fmt"
	"time"

	"cpis/audit"
	"cpis/policy"
	"cpis/service/domain"
	"cpis/service/guard"
	"cpis/service/identity"
	"cpis/service/store"
	"cpis/service/text"
)

// CheckpointRequest asks for the latest checkpoint of a log.
type CheckpointRequest struct {
	Log    string // origin; this server's own if empty
	Number int64  // of the log, instead of its origin
}

// SignedCheckpoint is a checkpoint as it was signed, with what this server knows of
// the log.
type SignedCheckpoint struct {
	Note []byte
	Log  string // its origin
	Size int64  // how many entries it covers
	At   time.Time
	// Damaged says that something of the log was found not to be as it was signed,
	// since this server started.
	Damaged bool
	// ReadAgain is when this server last read a part of the log again and compared it
	// with what was signed; zero if it has not yet, or if it does not write the log.
	ReadAgain time.Time
}

// ProofRequest asks for the proof that an entry is in a log.
type ProofRequest struct {
	Log   string // origin; this server's own if empty
	Index int64
}

// Proof shows that an entry is in a log under a signed checkpoint.
type Proof struct {
	Text   []byte // with its checkpoint, for anybody to verify
	Size   int64  // how many entries that covers
	Signed time.Time
	Hashes []audit.Hash
	Leaf   audit.Hash
}

// Checkpoint returns the latest signed checkpoint of a log. Checkpoints are meant
// to be public, so asking for one leaves no entry; it takes a caller all the same.
func (s *Reader) Checkpoint(ctx context.Context, c *identity.Caller, q *CheckpointRequest) (*SignedCheckpoint, error) {
	log, err := s.publicLog(ctx, c, logName{q.Log, q.Number})
	if err != nil {
		return nil, err
	}
	cp, err := s.latest(ctx, log, 0)
	if err != nil {
		return nil, fmt.Errorf("reading the checkpoint: %w", err)
	}
	out := &SignedCheckpoint{Note: []byte(cp.Note), Log: log.Origin, Size: cp.Tree.Size(), At: cp.At}
	if log.ID == s.log.ID {
		out.Damaged = s.found.err() != nil
		if at := s.readAgain.Load(); at != nil {
			out.ReadAgain = *at
		}
	}
	return out, nil
}

// newestOf returns the newest checkpoint that this server has checked or made
// itself, nil if there is none of that log.
func (s *Reader) newestOf(log store.Log) *store.CheckpointRow {
	if log.ID != s.log.ID {
		return nil
	}
	return s.newest.Load()
}

// check returns nil if the key of a log signed a checkpoint, so that nothing
// leaves that somebody has put into the database. The keys are asked for again
// only if those at hand do not fit.
func (s *Reader) check(ctx context.Context, log store.Log, row *store.CheckpointRow) error {
	if known := s.keys.Load(); known != nil && opens(row, log, known.of(log.Origin)) == nil {
		return nil
	}
	pubs, err := s.keeper.PublicKeys(ctx)
	if err != nil {
		return fmt.Errorf("reading the log's public keys: %w", err)
	}
	known := publicKeys(pubs)
	s.keys.Store(&known)
	err = opens(row, log, known.of(log.Origin))
	if err != nil {
		s.report("checkpoint", err)
	}
	return err
}

// InclusionProof proves that an entry is in a log, under the first checkpoint
// that covers it, so that it is the same whenever it is asked for. ErrNotFound
// says that none does yet: ask again in a second. Proofs hold hashes only, and
// like checkpoints leave no entry.
func (s *Reader) InclusionProof(ctx context.Context, c *identity.Caller, q *ProofRequest) (*Proof, error) {
	log, err := s.publicLog(ctx, c, logName{origin: q.Log})
	if err != nil {
		return nil, err
	}
	cp, err := s.covering(ctx, log, q.Index)
	if err != nil {
		return nil, fmt.Errorf("reading the checkpoint: %w", err)
	}
	p, err := audit.Prove(ctx, s.tilesOf(log.ID), []byte(cp.Note), q.Index)
	if err != nil {
		return nil, s.unproved(log.ID, err)
	}
	return &Proof{Text: p.Text(), Size: cp.Tree.Size(), Signed: cp.At, Hashes: p.Hashes, Leaf: p.Leaf}, nil
}

// covering returns the first checkpoint that covers an entry; or, if that is no
// checkpoint of the log, the newest one that is known to be.
func (s *Reader) covering(ctx context.Context, log store.Log, index int64) (*store.CheckpointRow, error) {
	row, err := s.db.Checkpoints.For(ctx, log.ID, index)
	if errors.Is(err, audit.ErrMalformed) {
		err = guard.ErrDamaged
	}
	if err == nil {
		err = s.check(ctx, log, &row)
	}
	if newest := s.newestOf(log); errors.Is(err, guard.ErrDamaged) && newest != nil && newest.Tree.Size() > index {
		return newest, nil
	}
	return &row, guard.Translate(err)
}

// logName names a log by its origin or by its number; if it says neither, it is
// this server's own.
type logName struct {
	origin string
	number int64
}

// publicLog finds a log for a caller who may read proofs.
func (s *Reader) publicLog(ctx context.Context, c *identity.Caller, name logName) (store.Log, error) {
	d := s.guard.Decide(&guard.Act{Caller: c, Action: policy.ReadProof})
	if !d.Allowed {
		e := guard.Entry(c, policy.ReadProof, "")
		s.guard.Decided(&e, d)
		return store.Log{}, s.guard.Record(ctx, &e, guard.Denied(d))
	}
	return s.find(ctx, name)
}

// find finds a log.
func (s *Reader) find(ctx context.Context, name logName) (store.Log, error) {
	switch name {
	case logName{}, logName{origin: s.log.Origin}, logName{number: int64(s.log.ID)}:
		return s.log, nil
	}
	if !text.Fit(name.origin) {
		var v domain.Violations
		v.Add("log", text.Unfit, s.log.Origin)
		return store.Log{}, v.Err()
	}
	logs, err := s.db.Logs.All(ctx)
	if err != nil {
		return store.Log{}, fmt.Errorf("finding the log: %w", guard.Translate(err))
	}
	for _, log := range logs {
		if name == (logName{origin: log.Origin}) || name == (logName{number: int64(log.ID)}) {
			return log, nil
		}
	}
	return store.Log{}, fmt.Errorf("finding the log: %w", guard.ErrNotFound)
}

// tilesOf returns the tiles of a log, full ones from the database and the others
// made from its entries. What they are made from is remembered between calls.
func (s *Reader) tilesOf(log store.LogID) audit.Tiles {
	tiles, ok := s.tiles.Load(log)
	if !ok {
		leaves := func(ctx context.Context, from, to int64) ([]audit.Hash, error) {
			return hashLines(ctx, s.db, log, from, to)
		}
		tiles, _ = s.tiles.LoadOrStore(log, audit.Derive(storedTiles{s.db, log}, leaves))
	}
	return tiles.(audit.Tiles) //nolint:forcetypeassert,errcheck // nothing else is stored
}
