package auditlog_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"sync"
	"testing"

	"cpis/audit"
	"cpis/service/auditlog"
)

// document is a text in memory, which can be made to fail.
type document struct {
	mu      sync.Mutex
	text    []byte
	version int
	err     error
	landed  bool // what fails is written all the same
}

func (d *document) Read(context.Context) ([]byte, int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return bytes.Clone(d.text), d.version, d.err
}

func (d *document) Write(_ context.Context, text []byte, after int) (int, bool, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.err != nil && !d.landed {
		return 0, false, d.err
	}
	if after != d.version {
		return 0, false, nil
	}
	d.text, d.version = bytes.Clone(text), d.version+1
	return d.version, d.err == nil, d.err
}

func (d *document) String() string { return "memory" }

// noteOf returns a checkpoint of so many entries, whose root is told from others by
// a number.
func noteOf(t *testing.T, size int64, root byte) []byte {
	t.Helper()
	key := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	public, _ := key.Public().(ed25519.PublicKey)
	c := audit.Checkpoint{Origin: "cpis.example/log/1", Size: size, Root: audit.Hash{root}}
	note, err := audit.SignCheckpoint(c, public, ed25519.Sign(key, c.Body()))
	if err != nil {
		t.Fatal(err)
	}
	return note
}

// Servers that share a place keep the newest checkpoint of all, whichever comes
// last.
func TestKeptAs_KeepsTheNewestOfAllServers(t *testing.T) {
	t.Parallel()
	d := &document{}
	one, two := auditlog.KeptAs(d), auditlog.KeptAs(d)
	for _, step := range []struct {
		by         auditlog.Kept
		size, want int64
	}{{one, 5, 5}, {two, 9, 9}, {one, 7, 9}, {one, 12, 12}, {two, 12, 12}, {two, 13, 13}, {one, 14, 14}} {
		if err := step.by.Store(t.Context(), noteOf(t, step.size, 1)); err != nil {
			t.Fatalf("storing %d: %v", step.size, err)
		}
		note, err := auditlog.KeptAs(d).Load(t.Context())
		if err != nil || !bytes.Equal(note, noteOf(t, step.want, 1)) {
			t.Errorf("after %d: got %s, %v, want that of %d", step.size, note, err, step.want)
		}
	}
}

// Another log of the same name and length is named: somebody runs a copy.
func TestKeptAs_NamesAnotherLog(t *testing.T) {
	t.Parallel()
	d := &document{}
	if err := auditlog.KeptAs(d).Store(t.Context(), noteOf(t, 5, 1)); err != nil {
		t.Fatal(err)
	}
	if err := auditlog.KeptAs(d).Store(t.Context(), noteOf(t, 5, 2)); !errors.Is(err, auditlog.ErrRolledBack) {
		t.Errorf("got %v, want %v", err, auditlog.ErrRolledBack)
	}
	if !bytes.Equal(d.text, noteOf(t, 5, 1)) {
		t.Error("what was kept was exchanged")
	}
}

// What could not be written is tried again, also if it was written all the same.
func TestKeptAs_GoesOnAfterAFailure(t *testing.T) {
	t.Parallel()
	for _, landed := range []bool{false, true} {
		d := &document{err: errors.New("away"), landed: landed}
		k := auditlog.KeptAs(d)
		if err := k.Store(t.Context(), noteOf(t, 5, 1)); err == nil {
			t.Fatal("no error")
		}
		d.err = nil
		for size := range int64(3) {
			if err := k.Store(t.Context(), noteOf(t, 5+size, 1)); err != nil {
				t.Errorf("landed %v: %v", landed, err)
			}
		}
		if !bytes.Equal(d.text, noteOf(t, 7, 1)) {
			t.Errorf("landed %v: kept %s", landed, d.text)
		}
	}
	d := &document{text: []byte("nothing"), version: 1}
	if err := auditlog.KeptAs(d).Store(t.Context(), noteOf(t, 5, 1)); err == nil {
		t.Error("what is no checkpoint was overwritten")
	}
}
