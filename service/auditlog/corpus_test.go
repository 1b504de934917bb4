package auditlog_test

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"cpis/audit"
	"cpis/service"
	"cpis/service/auditlog"
	"cpis/service/guard"
	"cpis/service/servicetest"
	"cpis/service/store/dbtest"
)

// How often each kind of tampering is tried, each time at another place: in every
// run, and in a soak.
const (
	triesOfTampering = 1
	soakOfTampering  = 20
)

// The log that is tampered with: two tiles are full, a third is not, and of that
// some entries are not signed.
const (
	tiled  = 2 * audit.TileWidth
	signed = 700
	grown  = 712
)

// TestTamperedDatabasesAreFound has somebody who may do everything with the
// database do it, at places left to chance, and has it found: by whom it is
// promised to be, which are the signer of a running server, its round over the
// log, the start of a server that keeps checkpoints, and whoever verifies an
// export; the first bad entry by its index.
func TestTamperedDatabasesAreFound(t *testing.T) { //nolint:tparallel // one database, put back after each
	t.Parallel()
	tamperDatabases(t, triesOfTampering)
}

// TestSoakTamperedDatabases does so hundreds of times.
func TestSoakTamperedDatabases(t *testing.T) { //nolint:tparallel // as above
	t.Parallel()
	if os.Getenv("TEST_SOAK") == "" {
		t.Skip("TEST_SOAK is not set")
	}
	tamperDatabases(t, soakOfTampering)
}

func tamperDatabases(t *testing.T, tries int) {
	t.Helper()
	target := newTarget(t)
	for _, kind := range databaseTamperings {
		for seed := range tries {
			t.Run(fmt.Sprintf("%s, try %d", kind.name, seed), func(t *testing.T) {
				c := target.aim(t, seed)
				kind.do(c)
				c.check()
			})
		}
	}
}

// target is a database that is tampered with again and again, and put back.
type target struct {
	*logFixture

	dir     string // the checkpoints that servers keep outside of the database
	kept    [][]byte
	leaves  []audit.Hash // of all entries
	known   []audit.VerifierKey
	auditor *auditlog.Admin
}

// logTables are what a log is kept in.
var logTables = []string{"entry", "tile", "checkpoint", "log_head", "retention"}

func newTarget(t *testing.T) *target {
	t.Helper()
	g := &target{dir: t.TempDir()}
	g.logFixture = newLog(t, g.keeping)
	for _, size := range []int{300, 560, signed} {
		g.signed(size)
		cp, err := g.Checkpoint(t.Context(), nurse, &auditlog.CheckpointRequest{})
		if err != nil {
			t.Fatal(err)
		}
		g.kept = append(g.kept, cp.Note)
	}
	g.save("before")
	g.Grow(grown)
	g.save("after")
	g.leaves, g.known, g.auditor = g.logFixture.leaves(), g.keys(), g.logFixture.auditor()
	return g
}

// keeping has a server keep checkpoints outside of the database.
func (g *target) keeping(c *service.Config) { c.Kept = auditlog.KeptIn(g.dir, dbtest.Origin) }

func (g *target) save(name string) {
	g.t.Helper()
	for _, table := range logTables {
		g.Exec(fmt.Sprintf(`CREATE TABLE public.%s_%s AS SELECT * FROM cpis.%[2]s`, name, table))
	}
}

func (g *target) restore(name string) {
	g.t.Helper()
	sql := `SET LOCAL session_replication_role = replica;`
	for _, table := range logTables {
		sql += fmt.Sprintf(`DELETE FROM cpis.%[2]s; INSERT INTO cpis.%[2]s SELECT * FROM public.%[1]s_%[2]s;`, name, table)
	}
	g.Exec(`DO $do$ BEGIN ` + sql + ` END $do$`)
}

// tamperedLog is the database while it is tampered with, and what must be found.
type tamperedLog struct {
	*target

	t      *testing.T
	rnd    *rand.Rand
	server *service.Service // which ran before, and runs on
	heard  *heard

	entry  int    // the first bad entry, or -1
	found  string // what the round of the server finds
	signer string // what its signer finds, which stops the service
	start  error  // what keeps another server from starting
	file   string // the bad file, and
	damage string // what whoever exports finds, and
	err    error  // what is wrong as a whole, as whoever verifies says
	hidden bool   // of whoever verifies
}

// aim puts the database back, with a server that runs.
func (g *target) aim(t *testing.T, seed int) *tamperedLog {
	t.Helper()
	f := *g.logFixture
	f.t = t
	c := &tamperedLog{target: g, t: t, rnd: rand.New(rand.NewPCG(8, uint64(seed))), entry: -1}
	g.restore("before")
	if _, err := auditlog.KeptIn(g.dir, dbtest.Origin).Store(t.Context(), g.kept[len(g.kept)-1]); err != nil {
		t.Fatal(err)
	}
	c.server, c.heard = f.restart(g.keeping)
	if err := c.server.Log.Sign(t.Context()); err != nil {
		t.Fatalf("Sign: %v", err)
	}
	g.restore("after")
	return c
}

// check fails unless what was done is found.
func (c *tamperedLog) check() {
	c.t.Helper()
	c.checkStart()
	c.checkVerifier()
	c.checkRound()
	c.checkSigner()
}

func (c *tamperedLog) checkStart() {
	c.t.Helper()
	_, err := c.logFixture.start(auditlog.KeptIn(c.dir, dbtest.Origin))
	if !errors.Is(err, c.start) || (err != nil) != (c.start != nil) {
		c.t.Errorf("start: got %v, want %v", err, c.start)
	}
}

// checkVerifier exports the log as an auditor does, and verifies that.
func (c *tamperedLog) checkVerifier() {
	c.t.Helper()
	dir, _ := mustExport(c.t, c.auditor, c.known...)
	_, err := audit.Verify(c.t.Context(), os.DirFS(dir), dbtest.Origin, c.known, c.kept...)
	entry, isEntry := errors.AsType[*audit.BadEntry](err)
	tile, isTile := errors.AsType[*audit.BadTile](err)
	switch {
	case c.hidden:
		if err != nil {
			c.t.Errorf("verify: got %v, though nobody vouches for what was changed", err)
		}
	case !errors.Is(err, audit.ErrBroken), c.err != nil && !errors.Is(err, c.err), !strings.Contains(err.Error(), c.damage):
		c.t.Errorf("verify: got %v, want %v %q", err, c.err, c.damage)
	case c.file != "" && (!isTile || tile.Path != c.file):
		c.t.Errorf("verify: got %v, want %s named", err, c.file)
	case c.entry >= 0 && c.err == nil && c.damage == "" && (!isEntry || !c.named(entry)):
		c.t.Errorf("verify: got %v, want entry %d named", err, c.entry)
	}
}

// named reports whether the first bad entry is named: exactly, unless its tile is
// not full, or lies as well.
func (c *tamperedLog) named(bad *audit.BadEntry) bool {
	if c.entry < tiled && !strings.Contains(c.found, "not as signed") {
		return bad.Index == int64(c.entry)
	}
	return bad.Index <= int64(c.entry) && int64(c.entry) <= bad.Last
}

func (c *tamperedLog) checkRound() {
	c.t.Helper()
	for range 2 { // it begins anywhere
		if err := c.server.Log.Scrub(c.t.Context()); err != nil {
			c.t.Fatalf("Scrub: %v", err)
		}
	}
	c.hears("round", c.found)
}

// hears fails unless something was told of by now, if it is to be.
func (c *tamperedLog) hears(who, text string) {
	c.t.Helper()
	c.heard.mu.Lock()
	defer c.heard.mu.Unlock()
	if all := strings.Join(c.heard.all, "\n"); !strings.Contains(all, text) {
		c.t.Errorf("%s: heard %q, want %q", who, all, text)
	}
}

func (c *tamperedLog) checkSigner() {
	c.t.Helper()
	err := c.server.Log.Sign(c.t.Context())
	switch {
	case c.signer == "" && err != nil:
		c.t.Errorf("sign: got %v, though what is to be signed is as it was written", err)
	case c.signer != "" && !errors.Is(c.server.Log.Intact(), guard.ErrDamaged):
		c.t.Errorf("sign: got %v, and the service goes on", err)
	}
	c.hears("sign", c.signer)
}

// entryIn is the index of an entry, left to chance.
func (c *tamperedLog) entryIn(from, to int) int { return from + c.rnd.IntN(to-from) }

// change runs SQL in which %d is the first bad entry.
func (c *tamperedLog) change(entry int, sql string) {
	c.t.Helper()
	c.entry, c.found = entry, fmt.Sprintf("entry %d: changed", entry)
	c.Exec(strings.ReplaceAll(sql, "%d", fmt.Sprint(entry)))
}

// lose runs SQL that takes entries away, of which the first is given.
func (c *tamperedLog) lose(entry int, sql string) {
	c.t.Helper()
	c.change(entry, sql)
	c.found = fmt.Sprintf("entry %d: missing", entry)
}

// rollBack makes the database what it was when a checkpoint was signed, as a
// backup that is restored in its place does.
func (c *tamperedLog) rollBack(size int) {
	c.t.Helper()
	c.logFixture.rollBack(size)
	c.Exec(`DELETE FROM cpis.tile WHERE (idx + 1) * 256 > $1`, size)
}

// goOn has a server that cannot know let the log grow, and sign it.
func (c *tamperedLog) goOn(size int) {
	c.t.Helper()
	s := c.Another()
	for range size {
		if _, err := s.LookUps.LookUp(c.t.Context(), nurse, unscheduled(another)); err != nil {
			c.t.Fatalf("LookUp: %s", servicetest.Explain(err))
		}
	}
	if err := s.Log.Sign(c.t.Context()); err != nil {
		c.t.Fatalf("Sign of who cannot know: %v", err)
	}
}

// rewrite changes a line, and all that follows from it: tiles, head and
// checkpoint, which is signed with another key if there is one.
func (c *tamperedLog) rewrite(entry int, key ed25519.PrivateKey) {
	c.t.Helper()
	c.Exec(fmt.Sprintf(`UPDATE cpis.entry SET line = replace(convert_from(line, 'UTF8'), 'no_flag_known', 'denied')::bytea WHERE idx = %d`, entry))
	b := &audit.Builder{}
	for i, leaf := range c.logFixture.leaves()[:grown] {
		if b.Append(leaf); i+1 == signed {
			c.putCheckpoint(b.Tree(), key)
		}
	}
	for _, full := range b.Full() {
		c.Exec(`UPDATE cpis.tile SET hashes = $1 WHERE level = $2 AND idx = $3`, full.Hashes, full.Tile.Level, full.Tile.Index)
	}
	head := b.Tree()
	root := head.Root()
	c.Exec(`UPDATE cpis.log_head SET frontier = $1, root = $2`, head.AppendFrontier(nil), root[:])
}

func (c *tamperedLog) putCheckpoint(tree audit.Tree, key ed25519.PrivateKey) {
	c.t.Helper()
	root := tree.Root()
	c.Exec(`UPDATE cpis.checkpoint SET frontier = $1, root = $2 WHERE size = $3`, tree.AppendFrontier(nil), root[:], tree.Size())
	if key == nil {
		return
	}
	cp := tree.Checkpoint(dbtest.Origin)
	note, err := audit.SignCheckpoint(cp, ed25519.PublicKey(key[ed25519.SeedSize:]), ed25519.Sign(key, cp.Body()))
	if err != nil {
		c.t.Fatal(err)
	}
	c.Exec(`UPDATE cpis.checkpoint SET note = $1 WHERE size = $2`, string(note), tree.Size())
}
