package auditlog_test

import (
	"context"
	"os"
	"strings"
	"sync"
	"testing"

	"cpis/audit"
	"cpis/service"
	"cpis/service/auditlog"
	"cpis/service/guard"
	"cpis/service/servicetest"
	"cpis/service/store"
	"cpis/service/store/dbtest"
)

// What tests of several packages share, under short names.
type (
	fixture = servicetest.Fixture
)

const (
	another  = servicetest.Another
	hubPhone = servicetest.HubPhone
)

var (
	newService  = servicetest.New
	nurse       = servicetest.Nurse
	unscheduled = servicetest.Unscheduled
)

// heard are the findings that a service told an operator of.
type heard struct {
	mu  sync.Mutex
	all []string
}

// observe has the findings of a service heard.
func (h *heard) observe(c *service.Config) {
	c.Observe.Tampered = func(err error) {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.all = append(h.all, err.Error())
	}
}

// want fails unless exactly one finding was heard, which contains a text; or
// none, if that is empty.
func (h *heard) want(t *testing.T, text string) {
	t.Helper()
	h.mu.Lock()
	defer h.mu.Unlock()
	if text == "" && len(h.all) > 0 || text != "" && (len(h.all) != 1 || !strings.Contains(h.all[0], text)) {
		t.Errorf("heard %q, want %q", h.all, text)
	}
}

// logFixture is a service whose findings are heard.
type logFixture struct {
	*fixture

	t     *testing.T
	heard *heard
	log   store.Log
}

func newLog(t *testing.T, change ...func(*service.Config)) *logFixture {
	t.Helper()
	h := &heard{}
	f := servicetest.NewWith(t, func(c *service.Config) {
		h.observe(c)
		for _, fn := range change {
			fn(c)
		}
	})
	log, err := f.DB.Logs.Find(t.Context(), dbtest.Origin)
	if err != nil {
		t.Fatal(err)
	}
	return &logFixture{fixture: f, t: t, heard: h, log: log}
}

// restart makes another service over the same database, as after a restart.
func (f *logFixture) restart(change ...func(*service.Config)) (*service.Service, *heard) {
	f.t.Helper()
	h := &heard{}
	return f.AnotherWith(f.OpenRing(), append(change, h.observe)...), h
}

// signed lets the log grow to a size, and signs it.
func (f *logFixture) signed(size int) {
	f.t.Helper()
	f.Grow(size)
	f.sign()
}

func (f *logFixture) sign() {
	f.t.Helper()
	if err := f.Sign(f.t.Context()); err != nil {
		f.t.Fatalf("Sign: %v", err)
	}
}

// more adds look-ups to a log that was tampered with, which nobody can count.
func (f *logFixture) more(n int) {
	f.t.Helper()
	var all sync.WaitGroup
	for range n {
		all.Go(func() {
			if _, err := f.LookUp(f.t.Context(), nurse, unscheduled(another)); err != nil {
				f.t.Errorf("LookUp: %s", servicetest.Explain(err))
			}
		})
	}
	all.Wait()
}

// leaves returns the leaf hashes of the log as it stands.
func (f *logFixture) leaves() []audit.Hash {
	f.t.Helper()
	var leaves []audit.Hash
	for row, err := range f.DB.Logs.StoredEntries(f.t.Context(), f.log.ID, 0, 1<<20) {
		if err != nil {
			f.t.Fatal(err)
		}
		leaves = append(leaves, audit.LeafHash(row.Line))
	}
	return leaves
}

// tile returns a tile of the lowest level as it is stored, nil if it is not.
func (f *logFixture) tile(index int64) []byte {
	f.t.Helper()
	rows, err := f.DB.Tiles.Get(f.t.Context(), f.log.ID, []store.TileID{{Index: index}})
	if err != nil {
		f.t.Fatal(err)
	}
	if len(rows) == 0 {
		return nil
	}
	return rows[0].Hashes
}

// keys are those of the log, as an auditor has them.
func (f *logFixture) keys() []audit.VerifierKey {
	f.t.Helper()
	pubs, err := f.Keeper.PublicKeys(f.t.Context())
	if err != nil {
		f.t.Fatal(err)
	}
	keys := make([]audit.VerifierKey, len(pubs))
	for i, pub := range pubs {
		if keys[i], err = audit.NewVerifierKey(dbtest.Origin, pub); err != nil {
			f.t.Fatal(err)
		}
	}
	return keys
}

// proves fails unless the entry with a leaf hash is proved to be in the log.
func (f *logFixture) proves(index int64, leaf audit.Hash) {
	f.t.Helper()
	p, err := f.InclusionProof(f.t.Context(), nurse, &auditlog.ProofRequest{Index: index})
	if err != nil {
		f.t.Errorf("proof of entry %d: %v", index, err)
		return
	}
	if got, _, err := audit.VerifyProof(p.Text, leaf, dbtest.Origin, f.keys()); err != nil || got != index {
		f.t.Errorf("proof of entry %d is that of %d, %v", index, got, err)
	}
}

// owner is the database as its owner opens it.
func (f *logFixture) owner() guard.Command {
	f.t.Helper()
	db := dbtest.OpenOwner(f.t, f.Database)
	return guard.Command{DB: db, Log: f.log, Now: f.Clock.Now, Operator: "tester"}
}

func (f *logFixture) mender() *auditlog.Mender {
	return &auditlog.Mender{Command: f.owner(), Keeper: f.Keeper}
}

// auditor is the database as the auditor opens it.
func (f *logFixture) auditor() *auditlog.Admin {
	f.t.Helper()
	db := dbtest.OpenURL(f.t, f.Database.Auditor, store.Options{AllowUnsafe: true, ReadOnly: true})
	return &auditlog.Admin{Command: guard.Command{DB: db, Log: f.log, Now: f.Clock.Now, Operator: "tester"}, ReadOnly: true}
}

// exportTo has a log exported into a folder of the test's own.
func exportTo(ctx context.Context, t *testing.T, admin *auditlog.Admin, keys ...audit.VerifierKey) (dir string, out auditlog.Exported, err error) {
	t.Helper()
	dir = t.TempDir()
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	out, err = admin.Export(ctx, audit.CreateIn(root), keys...)
	return dir, out, err
}

// mustExport is exportTo, and ends the test if that fails.
func mustExport(t *testing.T, admin *auditlog.Admin, keys ...audit.VerifierKey) (dir string, out auditlog.Exported) {
	t.Helper()
	dir, out, err := exportTo(t.Context(), t, admin, keys...)
	if err != nil {
		t.Fatalf("Export: %v", err)
	}
	return dir, out
}

// export exports the log, and says what the verifier says of that.
func (f *logFixture) export(admin *auditlog.Admin, keys ...audit.VerifierKey) (dir string, exported auditlog.Exported, report audit.Report, err error) {
	f.t.Helper()
	dir, exported = mustExport(f.t, admin, keys...)
	report, err = audit.Verify(f.t.Context(), os.DirFS(dir), dbtest.Origin, f.keys())
	return dir, exported, report, err
}
