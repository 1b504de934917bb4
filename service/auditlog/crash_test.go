package auditlog_test

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"testing"

	"cpis/audit"
	"cpis/service"
	"cpis/service/auditlog"
	"cpis/service/guard"
	"cpis/service/keys"
	"cpis/service/servicetest"
	"cpis/service/store"
	"cpis/service/store/dbtest"
)

// crashAct is something that writes to the log, or reads it, and may crash at any
// of its requests to the database. Its error is as it may be.
type crashAct struct {
	name string
	slow bool // for a soak
	do   func(ctx context.Context, c *crashing) error
}

var crashActs = []crashAct{
	{"a look-up", false, func(ctx context.Context, c *crashing) error { return c.lookUp(ctx, c.server) }},
	{"an act with its entry", false, func(ctx context.Context, c *crashing) error {
		_, err := c.server.Proofs.EntryBundle(ctx, servicetest.Auditor, &auditlog.BundleRequest{Number: 1, Path: "tile/entries/000.p/9"})
		return err
	}},
	{"a checkpoint, and a tile that became full", false, func(ctx context.Context, c *crashing) error { return c.server.Log.Sign(ctx) }},
	{"a tile that is made later", false, func(ctx context.Context, c *crashing) error {
		c.server.Log.HoldTiles(0)
		err := c.server.Log.Sign(ctx)
		c.server.Log.HoldTiles(2)
		return errors.Join(err, c.server.Log.FillTiles(ctx))
	}},
	{"the round", false, func(ctx context.Context, c *crashing) error { return c.server.Log.Scrub(ctx) }},
	{"an export", false, func(ctx context.Context, c *crashing) error {
		dir, _, err := exportTo(ctx, c.t, &auditlog.Admin{Command: c.command})
		if err != nil {
			return err
		}
		if _, err = audit.Verify(ctx, os.DirFS(dir), dbtest.Origin, c.known); err != nil {
			c.t.Errorf("an export that was told to be good: %v", err)
		}
		return err
	}},
	{"tiles rebuilt", false, func(ctx context.Context, c *crashing) error {
		if err := c.server.Log.Sign(ctx); err != nil {
			return err
		}
		c.Exec(`UPDATE cpis.tile SET hashes = decode(repeat('00', 8192), 'hex')`)
		defer func() { // as an operator does until it is done
			if _, err := c.menderNow().RebuildTiles(ctx, "again"); err != nil {
				c.t.Errorf("rebuilding again: %v", err)
			}
		}()
		_, err := (&auditlog.Mender{Command: c.command, Keeper: c.Keeper}).RebuildTiles(ctx, "found by the round")
		return err
	}},
	{"what was planted set aside", false, func(ctx context.Context, c *crashing) error {
		c.Exec(plantAtHead)
		defer func() {
			if _, err := c.menderNow().SetAside(ctx, "again"); err != nil {
				c.t.Errorf("setting aside again: %v", err)
			}
		}()
		_, err := (&auditlog.Mender{Command: c.command, Keeper: c.Keeper}).SetAside(ctx, "found by the signer")
		return err
	}},
	{"old lines removed", true, func(ctx context.Context, c *crashing) error {
		if err := c.server.Log.Sign(ctx); err != nil {
			return err
		}
		before := c.Clock.Now().AddDate(0, 0, 1)
		m := &auditlog.Mender{Command: c.command, Keeper: c.Keeper}
		if _, err := m.Retain(ctx, before, "seven years are over"); !errors.Is(err, auditlog.ErrNotSignedYet) {
			return err
		}
		if err := c.server.Log.Sign(ctx); err != nil {
			return err
		}
		_, err := m.Retain(ctx, before, "seven years are over")
		return err
	}},
}

// TestCrashes_ForkNothing breaks the way to the database at requests of each act:
// before one arrives, and once it has landed, when only the answer is lost.
// Whatever was signed then is one log, whoever goes on signs it on, and everything
// verifies.
func TestCrashes_ForkNothing(t *testing.T) {
	t.Parallel()
	crash(t, crashStride)
}

// crashStride is how many requests lie between those at which every run breaks.
const crashStride = 11

// TestSoakCrashes does so at each request, and with what takes long as well.
func TestSoakCrashes(t *testing.T) {
	t.Parallel()
	if os.Getenv("TEST_SOAK") == "" {
		t.Skip("TEST_SOAK is not set")
	}
	crash(t, 1)
}

func crash(t *testing.T, stride int) {
	t.Helper()
	for i, act := range crashActs {
		if act.slow && stride > 1 {
			continue
		}
		t.Run(act.name, func(t *testing.T) {
			t.Parallel()
			p := newPlace(t)
			for at := 1 + i%stride; p.crash(t, act, at, false); at += stride {
				if at > maxRequests {
					t.Fatalf("an act of more than %d requests", at)
				}
			}
			for at := 1 + (i+stride/2)%stride; p.crash(t, act, at, true); at += stride {
			}
		})
	}
}

// maxRequests is more than any act makes.
const maxRequests = 100

// The log before an act: the last entries are not signed, and fill a tile.
const (
	signedBefore = 250
	grownBefore  = 258
)

// place is a database to crash in, put back after each crash.
type place struct {
	*target

	wire *dbtest.Wire
	app  *store.DB // by the wire
	own  *store.DB // by the wire, as the owner
	keys *signings
}

func newPlace(t *testing.T) *place {
	t.Helper()
	p := &place{target: &target{dir: t.TempDir()}, keys: &signings{}}
	p.logFixture = newLog(t, p.keeping)
	p.signed(signedBefore)
	p.save("before")
	p.Grow(grownBefore)
	p.save("after")
	p.known, p.auditor = p.logFixture.keys(), p.logFixture.auditor()
	p.keys.Keeper = p.Keeper.Keeper
	p.Keeper.Keeper = p.keys
	p.wire = dbtest.NewWire(t, p.Database)
	p.app = dbtest.OpenURL(t, p.wire.By(t, p.Database.App), store.Options{AllowUnsafe: true}).Guarded(p.Ring, func(string) {})
	p.own = dbtest.OpenURL(t, p.wire.By(t, p.Database.Owner), store.Options{AllowUnsafe: true, Owner: true}).Guarded(p.Ring, func(string) {})
	return p
}

// crashing is one crash.
type crashing struct {
	*place

	t        *testing.T
	what     string
	server   *service.Service // whose way to the database breaks
	heard    *heard
	command  guard.Command // whose way breaks as well
	mu       sync.Mutex
	receipts []guard.Receipt // of what was answered
}

// crash tries an act that breaks at a request, and reports whether there are more.
func (p *place) crash(t *testing.T, act crashAct, at int, landed bool) bool {
	t.Helper()
	c := p.begin(t, fmt.Sprintf("request %d, landed %v", at, landed))
	p.wire.Break(at, landed)
	err := act.do(t.Context(), c)
	broke := p.wire.Mend()
	if !broke && err != nil { // on a connection that an earlier crash has broken
		p.wire.Break(at, landed)
		err = act.do(t.Context(), c)
		broke = p.wire.Mend()
	}
	if !broke && err != nil {
		t.Errorf("%s: %v, though nothing broke", c.what, err)
	}
	c.settle()
	return broke
}

// begin puts the database back, with a server that runs.
func (p *place) begin(t *testing.T, what string) *crashing {
	t.Helper()
	c := &crashing{place: p, t: t, what: what}
	p.restore("before")
	p.Exec(`DELETE FROM cpis.set_aside`)
	p.keys.forget()
	if err := os.RemoveAll(p.dir); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(p.dir, 0o700); err != nil {
		t.Fatal(err)
	}
	c.server, c.heard = p.restart(p.keeping, func(cfg *service.Config) { cfg.DB = p.app })
	if err := c.server.Log.Sign(t.Context()); err != nil {
		t.Fatalf("Sign: %v", err)
	}
	p.restore("after")
	c.command = guard.Command{DB: p.own, Log: p.log, Now: p.Clock.Now, Operator: "tester"}
	return c
}

// menderNow is a mender whose way to the database is whole.
func (c *crashing) menderNow() *auditlog.Mender {
	c.wire.Mend()
	return &auditlog.Mender{Command: c.command, Keeper: c.Keeper}
}

// lookUp makes a look-up, and keeps the receipt.
func (c *crashing) lookUp(ctx context.Context, s *service.Service) error {
	a, err := s.LookUps.LookUp(ctx, nurse, unscheduled(another))
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.receipts = append(c.receipts, a.Receipt)
	return nil
}

// settle has the same server go on, and another that starts.
func (c *crashing) settle() {
	c.t.Helper()
	started, heard := c.restart(c.keeping)
	for name, s := range map[string]*service.Service{"the server": c.server, "another": started} {
		for _, do := range []func(context.Context) error{
			func(ctx context.Context) error { return c.lookUp(ctx, s) }, s.Log.Sign, s.Log.FillTiles, s.Log.Scrub, s.Intact, s.Undamaged,
		} {
			if err := c.again(do); err != nil {
				c.t.Errorf("%s: %s goes on: %v", c.what, name, err)
			}
		}
	}
	c.heard.want(c.t, "")
	heard.want(c.t, "")
	c.server.Close()
	started.Close()
	c.verify()
}

// again does something until the connections that have broken are gone.
func (c *crashing) again(do func(context.Context) error) error {
	var err error
	for range 5 {
		err = do(c.t.Context())
		if !errors.Is(err, store.ErrUnavailable) && !errors.Is(err, guard.ErrUnavailable) && !errors.Is(err, guard.ErrUnrecorded) {
			return err
		}
	}
	return err
}

// verify verifies an export with everything that was ever signed, and compares it
// with what was answered.
func (c *crashing) verify() {
	c.t.Helper()
	dir, _, err := exportTo(c.t.Context(), c.t, c.auditor, c.known...)
	if err != nil {
		c.t.Fatalf("%s: Export: %v", c.what, err)
	}
	notes := c.keys.notes(c.t)
	report, err := audit.Verify(c.t.Context(), os.DirFS(dir), dbtest.Origin, c.known, notes...)
	if err != nil || report.Kept != len(notes) {
		c.t.Errorf("%s: with %d checkpoints that were signed: %+v, %v", c.what, len(notes), report, err)
	}
	leaves := c.logFixture.leaves()
	for _, r := range c.receipts {
		if i := r.Index - report.First; i < 0 || i >= int64(len(leaves)) || leaves[i] != r.Leaf {
			c.t.Errorf("%s: what was answered is not entry %d", c.what, r.Index)
		}
	}
}

// signings are a keeper that remembers what it has signed, whatever became of
// that.
type signings struct {
	keys.Keeper

	mu     sync.Mutex
	signed []signing
	fails  atomic.Bool // it signs nothing
	loses  atomic.Bool // it signs, and the answer is lost
}

type signing struct {
	body, sig []byte
	pub       ed25519.PublicKey
}

// Sign implements keys.Keeper.
func (s *signings) Sign(ctx context.Context, message []byte) ([]byte, ed25519.PublicKey, error) {
	if s.fails.Load() {
		return nil, nil, keys.ErrUnavailable
	}
	sig, pub, err := s.Keeper.Sign(ctx, message)
	if err != nil {
		return nil, nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.signed = append(s.signed, signing{message, sig, pub})
	if s.loses.Load() {
		return nil, nil, keys.ErrUnavailable
	}
	return sig, pub, nil
}

func (s *signings) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.signed = nil
}

// notes are the checkpoints that were signed.
func (s *signings) notes(t *testing.T) [][]byte {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	var notes [][]byte
	for _, one := range s.signed {
		c, err := audit.ParseCheckpointBody(one.body)
		if err != nil {
			t.Fatal(err)
		}
		note, err := audit.SignCheckpoint(c, one.pub, one.sig)
		if err != nil {
			t.Fatal(err)
		}
		notes = append(notes, note)
	}
	return notes
}

// TestCrashes_OfTheKeeper has the keeper fail to sign, or sign and not be heard.
func TestCrashes_OfTheKeeper(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	for name, fault := range map[string]*atomic.Bool{"failed": &p.keys.fails, "failed but landed": &p.keys.loses} {
		c := p.begin(t, name)
		fault.Store(true)
		for range 2 { // with a head that moves on
			if err := c.server.Log.Sign(t.Context()); !errors.Is(err, keys.ErrUnavailable) {
				t.Errorf("%s: got %v", name, err)
			}
			if err := c.lookUp(t.Context(), c.server); err != nil {
				t.Errorf("%s: look-up: %v", name, err)
			}
		}
		fault.Store(false)
		c.settle()
	}
}

// TestCrashes_OfWhatIsKept has the checkpoint outside of the database not be
// written, or be written and not be heard of.
func TestCrashes_OfWhatIsKept(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	for _, landed := range []bool{false, true} {
		c := p.begin(t, fmt.Sprintf("landed %v", landed))
		kept := &brokenKept{Kept: auditlog.KeptIn(p.dir, dbtest.Origin), landed: landed}
		s, _ := p.restart(func(cfg *service.Config) { cfg.Kept = kept })
		kept.broken = true
		if err := s.Log.Sign(t.Context()); !errors.Is(err, errKept) {
			t.Errorf("%s: got %v", c.what, err)
		}
		kept.broken = false
		c.settle()
	}
}

var errKept = errors.New("the disk is full")

type brokenKept struct {
	auditlog.Kept

	broken, landed bool
}

// Store implements auditlog.Kept.
func (k *brokenKept) Store(ctx context.Context, note []byte) (met []byte, err error) {
	if !k.broken || k.landed {
		met, err = k.Kept.Store(ctx, note)
	}
	if k.broken {
		return nil, errors.Join(err, errKept)
	}
	return met, err
}
