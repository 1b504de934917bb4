package auditlog_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"cpis/service"
	"cpis/service/auditlog"
	"cpis/service/domain"
	"cpis/service/keys/vaulttest"
	"cpis/service/servicetest"
	"cpis/service/store/dbtest"
)

// rollBack makes the database what it was when a checkpoint was signed, as a
// backup that is restored in its place does.
func (f *logFixture) rollBack(size int) {
	f.t.Helper()
	f.Exec(`DELETE FROM cpis.entry WHERE idx >= $1`, size)
	f.Exec(`DELETE FROM cpis.checkpoint WHERE size > $1`, size)
	f.Exec(`UPDATE cpis.log_head AS h SET size = c.size, frontier = c.frontier, root = c.root FROM cpis.checkpoint AS c WHERE h.log = c.log AND c.size = $1`, size)
}

// start makes a service that keeps its checkpoints somewhere.
func (f *logFixture) start(kept auditlog.Kept) (*service.Service, error) {
	f.t.Helper()
	s, err := service.New(f.t.Context(), service.Config{
		DB: f.DB, Ring: f.OpenRing(), Policy: servicetest.Rules(f.t), Log: dbtest.Origin, Now: f.Clock.Now,
		Hub: domain.Hub{Name: "National safeguarding hub", Phone: hubPhone}, Kept: kept,
	})
	if err == nil {
		f.t.Cleanup(s.Close)
	}
	return s, err
}

// A backup that is restored in place of the database is not signed: not while it
// is shorter than what was signed, and not when it has grown beyond that.
func TestKept_RefusesADatabaseThatWasRolledBack(t *testing.T) {
	t.Parallel()
	for name, place := range map[string]func(t *testing.T) auditlog.Kept{
		"InADirectory": func(t *testing.T) auditlog.Kept {
			t.Helper()
			return auditlog.KeptIn(t.TempDir(), dbtest.Origin)
		},
		"InVault": func(t *testing.T) auditlog.Kept {
			t.Helper()
			v := vaulttest.Real(t)
			d, err := v.Keeper(t).Document(v.Checkpoints(t), dbtest.Origin)
			if err != nil {
				t.Fatal(err)
			}
			return auditlog.KeptAs(d)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testRolledBack(t, place(t))
		})
	}
}

func testRolledBack(t *testing.T, kept auditlog.Kept) {
	t.Helper()
	f := newLog(t)
	s, err := f.start(kept)
	if err != nil {
		t.Fatalf("the first start: %v", err)
	}
	for _, size := range []int{5, 9} {
		f.Grow(size)
		if err := s.Log.Sign(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := f.start(kept); err != nil {
		t.Fatalf("a start of the same database: %v", err)
	}
	f.Grow(11)
	if _, err := f.start(kept); err != nil {
		t.Fatalf("a start of a database that has grown: %v", err)
	}
	f.rollBack(5)
	if _, err := f.start(kept); !errors.Is(err, auditlog.ErrRolledBack) {
		t.Errorf("a start of what was restored: got %v, want %v", err, auditlog.ErrRolledBack)
	}
	f.Grow(20)
	if _, err := f.start(kept); !errors.Is(err, auditlog.ErrRolledBack) {
		t.Errorf("a start of what was restored and has grown: got %v, want %v", err, auditlog.ErrRolledBack)
	}
	if f.Covered() != 5 {
		t.Errorf("a fork was signed: %d entries", f.Covered())
	}
}

// What is no checkpoint of the log keeps a server from starting, too: somebody
// has put it there.
func TestKept_RefusesWhatIsNone(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	f := newLog(t)
	f.signed(3)
	names, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(names) != 0 {
		t.Fatal(names, err)
	}
	if _, err := auditlog.KeptIn(dir, dbtest.Origin).Store(t.Context(), []byte("nothing")); err != nil {
		t.Fatal(err)
	}
	if _, err := f.start(auditlog.KeptIn(dir, dbtest.Origin)); err == nil || errors.Is(err, auditlog.ErrRolledBack) {
		t.Errorf("got %v, want an error that says that it is no checkpoint", err)
	}
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	s, err := f.start(auditlog.KeptIn(dir, dbtest.Origin))
	if err != nil {
		t.Fatal(err)
	}
	f.Grow(4)
	if err := s.Log.Sign(t.Context()); err == nil {
		t.Error("Sign: that the checkpoint could not be kept is not said")
	}
	if f.Covered() != 4 {
		t.Errorf("%d entries are signed, want 4", f.Covered())
	}
}
