package auditlog

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"

	"cpis/audit"
	"cpis/service/guard"
)

// Kept is the newest checkpoint, kept outside of the database. A database that
// lacks it was restored or rolled back, and must not be signed: what would be
// signed contradicts what was.
type Kept interface {
	// Load returns the checkpoint that is kept; nil if there never was one.
	Load(ctx context.Context) (note []byte, err error)
	// Store keeps a checkpoint in place of the last one that was loaded, stored or
	// met. If there is another by now, it changes nothing and returns that one.
	Store(ctx context.Context, note []byte) (met []byte, err error)
	String() string // says where it is kept
}

// ErrRolledBack says that the database does not contain what was signed last.
var ErrRolledBack = errors.New("the database lacks entries that were signed")

// ErrKeptDeleted says that a checkpoint was kept, and is gone.
var ErrKeptDeleted = errors.New("the checkpoint that was kept there was deleted")

// errKeptElsewhere says that other servers wrote again and again.
var errKeptElsewhere = errors.New("other servers keep writing theirs")

// maxStores is how often a checkpoint is tried to be kept while other servers
// keep theirs.
const maxStores = 8

// CheckKept compares the database with the checkpoint that was kept outside of
// it, before anything is signed. ErrRolledBack says that it does not contain it,
// ErrKeptDeleted that somebody deleted what was to be compared.
func (s *Log) CheckKept(ctx context.Context) error {
	if s.kept == nil {
		return nil
	}
	note, err := s.kept.Load(ctx)
	if errors.Is(err, ErrKeptDeleted) {
		return fmt.Errorf("%s: %w", s.kept, err)
	}
	if err != nil || note == nil {
		return err
	}
	_, err = s.compareKept(ctx, note)
	return err
}

// compareKept opens a checkpoint that is kept. ErrRolledBack says that the
// database does not contain it.
func (s *Log) compareKept(ctx context.Context, note []byte) (audit.Checkpoint, error) {
	known, err := verifierKeys(ctx, s.ring.Keeper(), s.log)
	if err != nil {
		return audit.Checkpoint{}, err
	}
	cp, err := audit.OpenCheckpoint(note, s.log.Origin, known)
	if err != nil {
		return cp, fmt.Errorf("%s holds no checkpoint of the log %s: %w", s.kept, s.log.Origin, err)
	}
	ok, err := s.contains(ctx, cp)
	if err != nil {
		return cp, fmt.Errorf("comparing with %s: %w", s.kept, err)
	}
	if !ok {
		return cp, fmt.Errorf("%w: %s has a checkpoint of %d entries that it does not contain, so it was restored from a backup or changed, or is another log under the same key", ErrRolledBack, s.kept, cp.Size)
	}
	return cp, nil
}

// contains reports whether the log, as it stands in the database, is the one of a
// checkpoint or continues it.
func (s *Log) contains(ctx context.Context, cp audit.Checkpoint) (bool, error) {
	head, err := s.db.Head(ctx, s.log.ID)
	if err != nil {
		return false, guard.Translate(err)
	}
	if head.Size() < cp.Size {
		return false, nil
	}
	stored := storedTiles{s.db, s.log.ID}
	for _, tiles := range []audit.Tiles{stored, above{stored}, noTiles{}} { // a planted tile is no other log
		tree, err := audit.ReadTree(ctx, cp.Size, audit.Derive(tiles, leavesOf(s.db, s.log.ID)))
		if err != nil && !errors.Is(err, audit.ErrNoTile) {
			return false, err
		}
		if err == nil && tree.Root() == cp.Root {
			return true, nil
		}
	}
	return false, nil
}

// noTiles are none: all are made from lines.
type noTiles struct{}

// ReadTiles implements audit.Tiles.
func (noTiles) ReadTiles(_ context.Context, tiles []audit.Tile) ([][]byte, error) {
	return make([][]byte, len(tiles)), nil
}

// keep keeps the newest checkpoint outside of the database, if it is not there. A
// newer one of another server stays. One that this database does not contain is
// another log under the same key: a copy is being signed, or this is the copy.
func (s *Log) keep(ctx context.Context) error {
	if s.kept == nil || s.note == s.keptNote {
		return nil
	}
	err := s.storeKept(ctx)
	switch {
	case errors.Is(err, ErrRolledBack):
		return s.breakOff("checkpoint", err.Error())
	case errors.Is(err, ErrKeptDeleted): // this server has it, and keeps it again the next time
		s.report("checkpoint", fmt.Errorf("%s: %w", s.kept, err))
	}
	if err != nil {
		return fmt.Errorf("keeping the checkpoint outside of the database: %w", err)
	}
	s.keptNote = s.note
	return nil
}

func (s *Log) storeKept(ctx context.Context) error {
	ours := s.signed.Tree()
	for range maxStores {
		met, err := s.kept.Store(ctx, []byte(s.note))
		if err != nil || met == nil {
			return err
		}
		cp, err := s.compareKept(ctx, met)
		if err != nil || cp.Size >= ours.Size() {
			return err
		}
	}
	return errKeptElsewhere
}

// KeptIn returns what is kept in a directory, in a file for each log.
func KeptIn(dir, origin string) Kept {
	return keptFile(filepath.Join(dir, url.PathEscape(origin)+".checkpoint"))
}

type keptFile string

// Load implements Kept.
func (f keptFile) Load(context.Context) ([]byte, error) {
	note, err := os.ReadFile(string(f))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return note, err
}

// Store implements Kept. The file is never half written, and this server's alone.
func (f keptFile) Store(_ context.Context, note []byte) (met []byte, err error) {
	temp, err := os.CreateTemp(filepath.Dir(string(f)), ".checkpoint-*")
	if err != nil {
		return nil, err
	}
	_, err = temp.Write(note)
	err = errors.Join(err, temp.Sync(), temp.Close())
	if err == nil {
		err = os.Rename(temp.Name(), string(f))
	}
	if err != nil {
		return nil, errors.Join(err, os.Remove(temp.Name()))
	}
	return nil, nil
}

// String implements Kept.
func (f keptFile) String() string { return string(f) }
