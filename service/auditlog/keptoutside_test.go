package auditlog_test

import (
	"bytes"
	"context"
	"errors"
	"sync"
	"testing"

	"cpis/audit"
	"cpis/service"
	"cpis/service/auditlog"
	"cpis/service/guard"
	"cpis/service/store/dbtest"
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

// Whoever keeps a checkpoint is told of the one that another server has kept
// meanwhile, and changes nothing then.
func TestKeptAs_TellsWhatItMet(t *testing.T) {
	t.Parallel()
	d := &document{}
	one, two := auditlog.KeptAs(d), auditlog.KeptAs(d)
	for _, step := range []struct {
		by              auditlog.Kept
		note, met, kept string
	}{
		{one, "five", "", "five"},
		{two, "nine", "five", "five"},
		{two, "nine", "", "nine"},
		{one, "seven", "nine", "nine"},
		{one, "twelve", "", "twelve"},
		{one, "thirteen", "", "thirteen"},
	} {
		met, err := step.by.Store(t.Context(), []byte(step.note))
		if err != nil || string(met) != step.met || string(d.text) != step.kept {
			t.Errorf("%s: met %q, %v, and kept %q; want %q, nil and %q", step.note, met, err, d.text, step.met, step.kept)
		}
	}
}

// What could not be written is tried again, also if it was written all the same.
func TestKeptAs_GoesOnAfterAFailure(t *testing.T) {
	t.Parallel()
	for _, landed := range []bool{false, true} {
		d := &document{err: errors.New("away"), landed: landed}
		k := auditlog.KeptAs(d)
		if _, err := k.Store(t.Context(), []byte("five")); err == nil {
			t.Fatal("no error")
		}
		d.err = nil
		met, err := k.Store(t.Context(), []byte("five"))
		if err != nil || (string(met) == "five") != landed || string(d.text) != "five" {
			t.Errorf("landed %v: met %q, %v, and kept %q", landed, met, err, d.text)
		}
		if met, err = k.Store(t.Context(), []byte("six")); err != nil || met != nil || string(d.text) != "six" {
			t.Errorf("landed %v: met %q, %v, and kept %q afterwards", landed, met, err, d.text)
		}
	}
}

// A document that is gone is not one that there never was.
func TestKeptAs_SaysThatItWasDeleted(t *testing.T) {
	t.Parallel()
	for name, left := range map[string]int{"Deleted": 1, "WithItsVersions": 0} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := &document{}
			k := auditlog.KeptAs(d)
			if note, err := k.Load(t.Context()); note != nil || err != nil {
				t.Fatalf("before the first: got %q, %v", note, err)
			}
			if _, err := k.Store(t.Context(), []byte("five")); err != nil {
				t.Fatal(err)
			}
			d.text, d.version = nil, left
			if _, err := k.Load(t.Context()); !errors.Is(err, auditlog.ErrKeptDeleted) {
				t.Errorf("loading: got %v, want %v", err, auditlog.ErrKeptDeleted)
			}
			if left == 0 {
				return // to a server that starts now, it never was
			}
			if _, err := auditlog.KeptAs(d).Load(t.Context()); !errors.Is(err, auditlog.ErrKeptDeleted) {
				t.Errorf("loading at a start: got %v, want %v", err, auditlog.ErrKeptDeleted)
			}
		})
	}
}

// Servers of one database share a place: each meets what the other has kept, and
// the newest of all stays.
func TestKept_ServersOfOneDatabaseShareAPlace(t *testing.T) {
	t.Parallel()
	f, d := newLog(t), &document{}
	var servers [2]*service.Service
	for i := range servers {
		var err error
		if servers[i], err = f.start(auditlog.KeptAs(d)); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 6 {
		f.Grow(3 + 2*i)
		for _, s := range []*service.Service{servers[i%2], servers[1-i%2]} {
			if err := s.Log.Sign(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if cp, err := audit.ReadCheckpoint(d.text); err != nil || cp.Size != f.Covered() {
			t.Errorf("kept: got %d entries, %v; want %d", cp.Size, err, f.Covered())
		}
	}
}

// A running server that meets the checkpoint of a copy of its database stops:
// shorter than its own log, as long, and longer.
func TestKept_ARunningServerMeetsACopy(t *testing.T) {
	t.Parallel()
	for name, size := range map[string]int64{"Shorter": 4, "AsLong": 9, "Longer": 12} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, d := newLog(t), &document{}
			s := f.keeping(d, 5)
			d.text, d.version = f.signedElsewhere(size), d.version+1
			f.Grow(9)
			if err := s.Log.Sign(t.Context()); !errors.Is(err, guard.ErrDamaged) {
				t.Errorf("signing: got %v, want %v", err, guard.ErrDamaged)
			}
			if err := s.Log.Intact(); err == nil {
				t.Error("the server goes on")
			}
			if cp, err := audit.ReadCheckpoint(d.text); err != nil || cp.Size != size {
				t.Errorf("what the copy had kept was exchanged: %d entries, %v", cp.Size, err)
			}
		})
	}
}

// keeping starts a server that keeps its checkpoints in a document, and has it sign
// so many entries.
func (f *logFixture) keeping(d *document, size int) *service.Service {
	f.t.Helper()
	s, err := f.start(auditlog.KeptAs(d))
	if err != nil {
		f.t.Fatal(err)
	}
	f.Grow(size)
	if err := s.Log.Sign(f.t.Context()); err != nil {
		f.t.Fatal(err)
	}
	return s
}

// signedElsewhere returns a checkpoint of so many other entries, signed by the
// log's key.
func (f *logFixture) signedElsewhere(size int64) []byte {
	f.t.Helper()
	cp := audit.Checkpoint{Origin: dbtest.Origin, Size: size, Root: audit.Hash{1}}
	sig, public, err := f.OpenRing().Keeper().Sign(f.t.Context(), cp.Body())
	if err != nil {
		f.t.Fatal(err)
	}
	note, err := audit.SignCheckpoint(cp, public, sig)
	if err != nil {
		f.t.Fatal(err)
	}
	return note
}

// What was deleted under a running server is reported, and kept again.
func TestKept_IsKeptAgainIfItWasDeleted(t *testing.T) {
	t.Parallel()
	f, d := newLog(t), &document{}
	s := f.keeping(d, 5)
	d.text, d.version = nil, 0
	f.Grow(9)
	if err := s.Log.Sign(t.Context()); !errors.Is(err, auditlog.ErrKeptDeleted) || s.Log.Undamaged() == nil {
		t.Errorf("signing: got %v, and found %v", err, s.Log.Undamaged())
	}
	if err := s.Log.Sign(t.Context()); err != nil {
		t.Fatal(err)
	}
	if cp, err := audit.ReadCheckpoint(d.text); err != nil || cp.Size != 9 {
		t.Errorf("kept: got %d entries, %v; want 9", cp.Size, err)
	}
}
