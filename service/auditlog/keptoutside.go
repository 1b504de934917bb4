package auditlog

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"

	"cpis/audit"
)

// Document is a text outside of the database that several servers write.
type Document interface {
	// Read returns the text and its version; nil if there is none.
	Read(ctx context.Context) (text []byte, version int, err error)
	// Write writes the text after a version. If another was written meanwhile it
	// does nothing, and says so.
	Write(ctx context.Context, text []byte, after int) (version int, written bool, err error)
	String() string // says where it is
}

// KeptAs returns what is kept in a document, which servers share.
func KeptAs(d Document) Kept { return &keptDocument{document: d} }

type keptDocument struct {
	document Document

	mu      sync.Mutex // guards version
	version int        // of the document, as far as is known
}

// Load implements Kept.
func (k *keptDocument) Load(ctx context.Context) ([]byte, error) {
	note, version, err := k.document.Read(ctx)
	k.mu.Lock()
	defer k.mu.Unlock()
	k.version = version
	return note, err
}

// maxWrites is how often a checkpoint is tried to be written while other servers
// write theirs.
const maxWrites = 8

// errKeptElsewhere says that other servers wrote again and again.
var errKeptElsewhere = errors.New("other servers keep writing theirs")

// Store implements Kept. A checkpoint that another server has written stays, if it
// is newer. One of the same size that says something else is another log: somebody
// runs a copy.
func (k *keptDocument) Store(ctx context.Context, note []byte) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	for range maxWrites {
		version, written, err := k.document.Write(ctx, note, k.version)
		if err != nil {
			return err
		}
		if written {
			k.version = version
			return nil
		}
		held, version, err := k.document.Read(ctx)
		if err != nil {
			return err
		}
		k.version = version
		if done, err := supersedes(held, note); done || err != nil {
			return err
		}
	}
	return errKeptElsewhere
}

// supersedes reports whether a checkpoint that is kept already makes it needless to
// keep another.
func supersedes(held, note []byte) (bool, error) {
	if held == nil || bytes.Equal(held, note) {
		return held != nil, nil
	}
	there, err := audit.ReadCheckpoint(held)
	if err != nil {
		return false, fmt.Errorf("what is kept is no checkpoint: %w", err)
	}
	ours, err := audit.ReadCheckpoint(note)
	if err != nil {
		return false, err
	}
	if there.Size == ours.Size && there.Root != ours.Root {
		return false, fmt.Errorf("%w: another log of the same name was signed, of as many entries", ErrRolledBack)
	}
	return there.Size >= ours.Size, nil
}

// String implements Kept.
func (k *keptDocument) String() string { return k.document.String() }
