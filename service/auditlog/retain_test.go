package auditlog_test

import (
	"errors"
	"testing"
	"time"

	"cpis/audit"
	"cpis/service/auditlog"
	"cpis/service/guard"
	"cpis/service/store"
)

// old lets a log of 700 entries get old, of which 600 had been signed by a time,
// beside another log with entries.
func old(t *testing.T) (f *logFixture, before time.Time) {
	t.Helper()
	f = newLog(t, slowly)
	f.signed(600)
	before = f.Clock.Now().Add(time.Hour)
	f.Clock.Advance(2 * time.Hour)
	f.signed(700)
	var other store.Log
	f.Tx(f.owner().DB, func(tx *store.Tx) (err error) {
		other, err = tx.Logs.Create(t.Context(), "log.example/other")
		return err
	})
	f.Exec(`INSERT INTO cpis.entry (log, idx, line) SELECT $1::smallint, idx, line FROM cpis.entry WHERE log = 1 AND idx < 300`, other.ID)
	return f, before
}

// Old lines go after the entry that says so was signed, and of no other log.
// Exports verify, running servers find nothing missing, and proofs hold.
func TestRetain_SaysSoFirst(t *testing.T) {
	t.Parallel()
	f, before := old(t)
	leaves := f.leaves()
	_, err := f.mender().Retain(t.Context(), before, "eight years have passed")
	if !errors.Is(err, auditlog.ErrNotSignedYet) {
		t.Fatalf("before it is signed: got %v, want %v", err, auditlog.ErrNotSignedYet)
	}
	if n := len(f.leaves()); n != 701 {
		t.Fatalf("%d lines are left, want all", n)
	}
	if err := f.Scrub(t.Context()); err != nil {
		t.Error(err)
	}
	f.sign()
	removed, err := f.mender().Retain(t.Context(), before, "eight years have passed")
	want := auditlog.Removed{First: 512, Entry: 700, Deleted: 512}
	if err != nil || removed != want {
		t.Fatalf("got %+v, %v, want %+v", removed, err, want)
	}
	f.round()
	f.heard.want(t, "")
	_, exported, report, err := f.export(f.auditor(), f.keys()...)
	if err != nil || report.First != 512 || report.Entries != 189 || len(exported.Damage) > 0 {
		t.Errorf("export: got %+v, %+v, %v", exported, report, err)
	}
	f.proves(3, leaves[3])
	var others int
	for _, err := range f.DB.Logs.StoredEntries(t.Context(), 2, 0, 1000) {
		if err != nil {
			t.Fatal(err)
		}
		others++
	}
	if others != 300 {
		t.Errorf("of the other log %d lines are left, want 300", others)
	}
	if again, err := f.mender().Retain(t.Context(), before, "again"); err != nil || again.First != 512 || again.Deleted != 0 {
		t.Errorf("again: got %+v, %v", again, err)
	}
	f.Exec(`DELETE FROM cpis.entry WHERE log = 1 AND idx < 520`)
	f.round()
	f.heard.want(t, "entry 512: missing")
	if _, _, _, err := f.export(f.auditor(), f.keys()...); !errors.Is(err, audit.ErrBroken) {
		t.Errorf("export with more removed: got %v, want ErrBroken", err)
	}
}

// What is not as it was signed is evidence, and not removed.
func TestRetain_KeepsEvidence(t *testing.T) {
	t.Parallel()
	f, before := old(t)
	f.Exec(`UPDATE cpis.entry SET line = 'x' WHERE log = 1 AND idx = 17`)
	if _, err := f.mender().Retain(t.Context(), before, "x"); !errors.Is(err, audit.ErrBroken) {
		t.Errorf("got %v, want ErrBroken", err)
	}
}

func TestRetain_NothingOld(t *testing.T) {
	t.Parallel()
	f, _ := old(t)
	got, err := f.mender().Retain(t.Context(), time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC), "x")
	if err != nil || !got.Nothing {
		t.Errorf("got %+v, %v", got, err)
	}
	if _, err := f.mender().Retain(t.Context(), time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC), " "); err == nil {
		t.Error("no reason: got no error")
	}
	copied := f.mender()
	copied.Copy = true
	if _, err := copied.SetAside(t.Context(), "x"); err != nil {
		t.Errorf("nothing to set aside, of a copy: %v", err)
	}
	f.Exec(plantAtHead + ` WHERE log = 1`)
	if _, err := copied.SetAside(t.Context(), "x"); !errors.Is(err, guard.ErrCopy) {
		t.Errorf("of a copy: got %v, want %v", err, guard.ErrCopy)
	}
}

// A row that says that lines were removed, and no entry that is signed does, is
// believed by nobody.
func TestScrub_BelievesNoRowAboutRemoval(t *testing.T) {
	t.Parallel()
	f := newLog(t, slowly)
	f.signed(600)
	f.Exec(`INSERT INTO cpis.retention (log, first, entry, before, reason, operator, at) VALUES (1, 256, 300, now(), '', '', now())`)
	f.Exec(`DELETE FROM cpis.entry WHERE idx < 256`)
	f.round()
	f.heard.mu.Lock()
	defer f.heard.mu.Unlock()
	if len(f.heard.all) != 2 {
		t.Errorf("heard %q, want that the row lies, and that lines are missing", f.heard.all)
	}
}
