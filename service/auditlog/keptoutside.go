package auditlog

import (
	"context"
	"sync"
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
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.read(ctx)
}

// read returns the text, and remembers its version. A document that had a version
// and has no text, or none any more, was deleted.
func (k *keptDocument) read(ctx context.Context) ([]byte, error) {
	note, version, err := k.document.Read(ctx)
	if err != nil {
		return nil, err
	}
	existed := k.version > 0 || version > 0
	k.version = version
	if note == nil && existed {
		return nil, ErrKeptDeleted
	}
	return note, nil
}

// Store implements Kept.
func (k *keptDocument) Store(ctx context.Context, note []byte) (met []byte, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	version, written, err := k.document.Write(ctx, note, k.version)
	if err != nil {
		return nil, err
	}
	if written {
		k.version = version
		return nil, nil
	}
	if met, err = k.read(ctx); met == nil && err == nil { // it was there, and is gone again
		err = errKeptElsewhere
	}
	return met, err
}

// String implements Kept.
func (k *keptDocument) String() string { return k.document.String() }
