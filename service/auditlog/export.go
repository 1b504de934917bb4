package auditlog

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"cpis/audit"
	"cpis/policy"
	"cpis/service/guard"
	"cpis/service/store"
)

// Admin administers the log.
type Admin struct{ guard.Command }

// Exported says what an export holds, and what it does not hold yet.
type Exported struct {
	Checkpoint audit.Checkpoint // of all that was exported
	// Unsigned is the number of entries behind the checkpoint, which no export
	// can hold before a running server has signed them. The export's own entry
	// does not count.
	Unsigned int64
	// Copy says that the log was read from a copy that nobody has claimed, so
	// that the export is no entry of it.
	Copy bool
}

// Export writes a log, up to its latest checkpoint, as a directory that anybody
// with the log's public key can verify. It judges nothing: what was tampered
// with is written as it stands, for it is evidence. That it was asked for is an
// entry of the log, behind the part that is exported; but not of a copy's,
// which would then differ from the log that it was copied from.
func (a *Admin) Export(ctx context.Context, create audit.Create) (Exported, error) {
	cp, err := a.DB.LatestCheckpoint(ctx, a.Log.ID)
	if errors.Is(err, store.ErrNotFound) {
		return Exported{}, errors.New("the log has no checkpoint yet: a running server signs one within a second")
	}
	if err != nil {
		return Exported{}, err
	}
	stated := cp.Tree.Checkpoint(a.Log.Origin)
	exported := Exported{Checkpoint: stated, Copy: a.Copy}
	count := func(head audit.Tree, err error) error {
		exported.Unsigned = max(0, head.Size()-stated.Size) // a log that was cut off is evidence, too
		return err
	}
	if a.Copy {
		err = count(a.DB.Head(ctx, a.Log.ID))
	} else {
		err = a.Do(ctx, string(policy.ExportLog), audit.Counts{"entries": stated.Size}, func(tx *store.Tx) error {
			return count(tx.Head(ctx, a.Log.ID))
		})
	}
	if err != nil {
		return Exported{}, fmt.Errorf("recording the export: %w", err)
	}
	first, lines := a.lines(ctx, stated.Size)
	leaves := func(ctx context.Context, from, to int64) ([]audit.Hash, error) {
		hashes, err := hashLines(ctx, a.DB, a.Log.ID, from, to)
		if errors.Is(err, guard.ErrDamaged) {
			return nil, nil // cannot be derived; the verifier will say so
		}
		return hashes, err
	}
	return exported, audit.Export(ctx, audit.Source{
		Checkpoint: []byte(cp.Note),
		First:      first,
		Lines:      lines,
		Tiles:      audit.Derive(storedTiles{a.DB, a.Log.ID}, leaves),
		Tree:       cp.Tree,
	}, create)
}

// lines gives the stored lines up to a size, and the index of the first of
// them.
func (a *Admin) lines(ctx context.Context, size int64) (int64, iter.Seq2[[]byte, error]) {
	var first int64
	for row, err := range a.DB.StoredEntries(ctx, a.Log.ID, 0, size) {
		if err == nil {
			first = row.Index
		}
		break
	}
	return first, func(yield func([]byte, error) bool) {
		for row, err := range a.DB.StoredEntries(ctx, a.Log.ID, first, size) {
			if !yield(row.Line, err) {
				return
			}
		}
	}
}
