package audit

import (
	"errors"
	"fmt"
)

// Errors of this package. All that is said about evidence, rather than about
// the reading of it, wraps ErrBroken; a full disk or a cancelled context does
// not.
var (
	// ErrBroken says that a log, an export or a proof does not verify.
	// errors.As finds a *BadEntry or a *BadTile in it if there is one.
	ErrBroken = errors.New("audit log does not verify")

	// ErrMalformed says that a text is not in the form this package writes.
	ErrMalformed = errors.New("malformed")

	// ErrVersion says that an entry is of a version this package does not
	// know. It may be well-formed.
	ErrVersion = errors.New("unknown version of entry")

	// ErrSignature says that a checkpoint carries no valid signature by a key
	// of its log, or one that does not verify.
	ErrSignature = errors.New("checkpoint is not signed by a known key of the log")

	// ErrOtherLog says that a checkpoint is properly formed but speaks of
	// another log than the one asked about.
	ErrOtherLog = errors.New("checkpoint is of another log")

	// ErrForked says that two checkpoints of one log contradict each other:
	// the entries they share are not the same. Whoever signed both has
	// rewritten the log.
	ErrForked = errors.New("checkpoints contradict each other")

	// ErrRolledBack says that a log is shorter than a checkpoint somebody kept
	// of it.
	ErrRolledBack = errors.New("log is shorter than a checkpoint kept of it")

	// ErrNoTile says that a tile which is needed is not there.
	ErrNoTile = errors.New("tile is not there")
)

// Problem says what is wrong with an entry.
type Problem string

// The problems, as the verifier names them.
const (
	// Changed: the line is not the one that was signed, and the signed one is
	// nowhere in the export.
	Changed Problem = "changed"
	// Missing: the entry, and perhaps some after it, was taken out.
	Missing Problem = "missing"
	// Inserted: a line stands here that is no entry, or a second copy of one.
	Inserted Problem = "inserted"
	// OutOfOrder: another entry's line stands here, and this entry's later.
	OutOfOrder Problem = "out of order"
	// Truncated: the last line of the export is incomplete; it does not end
	// with a line feed.
	Truncated Problem = "truncated"
	// Extra: lines follow after the last entry that the checkpoint covers.
	Extra Problem = "beyond the checkpoint"
	// Unlocated: at least one of the entries from Index to Last is not as it
	// was signed. Which one cannot be said, because the tile that would tell
	// was damaged too.
	Unlocated Problem = "not as signed, and their tile is damaged too"
	// Removed: the oldest lines are not there, and neither an entry of the log
	// nor whoever verifies says that they were removed.
	Removed Problem = "removed, and no entry of the log says so"
	// NotAnEntry: the line is exactly what was signed, but it is not an entry
	// of a version that this package knows.
	NotAnEntry Problem = "as signed, but not a well-formed entry"
)

// BadEntry names the first entry that does not verify. It wraps ErrBroken.
type BadEntry struct { //nolint:errname // it is a finding first, and an error because it is returned
	Index   int64   // the first bad entry, counted from 0
	Last    int64   // the last entry the problem may concern; Index if it is one alone
	Problem Problem // what is wrong
	Other   int64   // the entry whose line stands at Index instead, or -1
}

// Error implements error.
func (e *BadEntry) Error() string {
	what := fmt.Sprintf("entry %d: %s", e.Index, e.Problem)
	if e.Last != e.Index {
		what = fmt.Sprintf("entries %d to %d: %s", e.Index, e.Last, e.Problem)
	}
	if e.Other >= 0 {
		what += fmt.Sprintf(" (entry %d stands there)", e.Other)
	}
	return what
}

// Unwrap returns ErrBroken.
func (e *BadEntry) Unwrap() error { return ErrBroken }

// BadTile says that tiles of an export are damaged or missing although every
// entry was found to be as it was signed. It wraps ErrBroken. Tiles can be
// rebuilt from the entries.
type BadTile struct { //nolint:errname // as BadEntry
	Path  string // the first bad file, relative to the export
	Count int64  // how many files are bad
}

// Error implements error.
func (e *BadTile) Error() string {
	return fmt.Sprintf("all entries verify, but %d of the files with their hashes are damaged or missing, first %s", e.Count, e.Path)
}

// Unwrap returns ErrBroken.
func (e *BadTile) Unwrap() error { return ErrBroken }
