package auditlog_test

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"cpis/audit"
	"cpis/service/auditlog"
	"cpis/service/guard"
	"cpis/service/identity"
	"cpis/service/servicetest"
)

var overseer = servicetest.Auditor

// Tiles are those that the log was signed with, partial ones of any width too.
func TestTile_IsAsSigned(t *testing.T) {
	t.Parallel()
	f := newLog(t)
	f.signed(300)
	f.Grow(310)
	leaves := f.leaves()
	for path, want := range map[string][]audit.Hash{
		"tile/0/000": leaves[:256], "tile/0/000.p/17": leaves[:17], "tile/0/001.p/44": leaves[256:300], "tile/0/001.p/1": leaves[256:257],
		"tile/1/000.p/1": {rootOf(leaves[:256])},
	} {
		got, err := f.Tile(t.Context(), nurse, &auditlog.TileRequest{Number: 1, Path: path})
		if err != nil || !bytes.Equal(got.Hashes, audit.TileOf(want)) {
			t.Errorf("%s: %v, or not as signed", path, err)
		}
	}
}

func rootOf(leaves []audit.Hash) audit.Hash {
	tree := treeOf(leaves)
	return tree.Root()
}

// What no checkpoint covers is not there, nor what is no path.
func TestTile_IsNotThere(t *testing.T) {
	t.Parallel()
	f := newLog(t)
	f.signed(300)
	f.Grow(310)
	for _, path := range []string{
		"tile/0/001", "tile/0/001.p/45", "tile/0/002.p/1", "tile/1/000", "tile/1/000.p/2", "tile/2/000.p/1", "tile/7/000.p/1", "tile/8/000.p/1", "tile/63/000",
		"tile/0/000.p/0", "tile/0/000.p/256", "tile/0/0", "tile/00/000", "tile/0/x000/000", "tile/0/", "tile/-1/000", "tile/entries/000.p/1", "tile/data/000",
		"tile/0/x999/x999/x999/x999/x999/x999/999", "",
	} {
		if _, err := f.Tile(t.Context(), nurse, &auditlog.TileRequest{Number: 1, Path: path}); !errors.Is(err, guard.ErrNotFound) {
			t.Errorf("%s: got %v, want %v", path, err, guard.ErrNotFound)
		}
	}
	for _, number := range []int64{2, -1, 9999} {
		if _, err := f.Tile(t.Context(), nurse, &auditlog.TileRequest{Number: number, Path: "tile/0/000"}); !errors.Is(err, guard.ErrNotFound) {
			t.Errorf("log %d: got %v, want %v", number, err, guard.ErrNotFound)
		}
	}
	f.heard.want(t, "")
}

// The lines of a log are those that were signed, and each reading is an entry,
// which stands before the lines leave.
func TestEntryBundle_IsAsSignedAndLeavesAnEntry(t *testing.T) {
	t.Parallel()
	f := newLog(t)
	f.signed(300)
	leaves := f.leaves()
	for i, c := range []struct {
		path string
		want []audit.Hash
		from int64
	}{
		{"tile/entries/000", leaves[:256], 0}, {"tile/entries/000.p/3", leaves[:3], 0}, {"tile/entries/001.p/44", leaves[256:], 256},
	} {
		got, err := f.EntryBundle(t.Context(), overseer, &auditlog.BundleRequest{Number: 1, Path: c.path, Request: "01935970-2a4b-7a10-9d3e-6a5f1c2b3d4e"})
		if err != nil {
			t.Fatalf("%s: %v", c.path, err)
		}
		lines, err := audit.ReadBundle(got.Lines)
		if err != nil || len(lines) != len(c.want) {
			t.Fatalf("%s: %d lines, %v", c.path, len(lines), err)
		}
		for j, line := range lines {
			if audit.LeafHash(line) != c.want[j] {
				t.Errorf("%s: line %d is another", c.path, j)
			}
		}
		e := f.LastEntry()
		if int64(300+i) != got.Index || e.Action != "read_log" || e.Outcome != "done" || e.Rule != "H2" || e.Organisation != overseer.Organisation ||
			e.Counts["from"] != c.from || e.Counts["shown"] != int64(len(c.want)) || e.Counts["log"] != 1 || e.Request == "" {
			t.Errorf("%s: receipt %+v, entry %+v", c.path, got.Receipt, e)
		}
	}
}

// Lines say who looked at whom: they are for auditors at oversight, and for nobody
// else. Whoever asks is an entry.
func TestEntryBundle_IsForOversightAlone(t *testing.T) {
	t.Parallel()
	f := newLog(t)
	f.signed(3)
	weak := *overseer
	weak.Assurance = 2
	for name, c := range map[string]struct {
		caller *identity.Caller
		rule   string
	}{
		"a nurse": {nurse, "no_rule"}, "a privacy officer": {servicetest.PrivacyOfficer, "no_rule"}, "a lead": {servicetest.Lead, "no_rule"},
		"an administrator": {servicetest.Administrator, "no_rule"}, "a weak sign-in": {&weak, "assurance_too_low"},
	} {
		got, err := f.EntryBundle(t.Context(), c.caller, &auditlog.BundleRequest{Number: 1, Path: "tile/entries/000.p/1"})
		if !errors.Is(err, guard.ErrDenied) {
			t.Errorf("%s: got %+v, %v", name, got, err)
		}
		if e := f.LastEntry(); e.Action != "read_log" || e.Outcome != "denied" || e.Rule != c.rule {
			t.Errorf("%s: entry %+v", name, e)
		}
	}
}

// What is not there is an entry, too: whoever reads is seen.
func TestEntryBundle_IsNotThere(t *testing.T) {
	t.Parallel()
	f := newLog(t)
	f.signed(300)
	for _, path := range []string{"tile/entries/001", "tile/entries/002.p/1", "tile/0/000", "tile/entries/0", "tile/entries/"} {
		_, err := f.EntryBundle(t.Context(), overseer, &auditlog.BundleRequest{Number: 1, Path: path})
		if e := f.LastEntry(); !errors.Is(err, guard.ErrNotFound) || e.Action != "read_log" || e.Outcome != "refused" || e.Reason != "not_found" {
			t.Errorf("%s: got %v, entry %+v", path, err, e)
		}
	}
}

// Lines that retention removed are not there; lines that somebody took away are
// damage.
func TestEntryBundle_TellsRetentionFromTheft(t *testing.T) {
	t.Parallel()
	f := newLog(t)
	f.signed(600)
	f.Exec(`DELETE FROM cpis.entry WHERE idx < 300`)
	f.Exec(`INSERT INTO cpis.retention (log, first, entry, before, reason, operator, at) VALUES (1, 256, 599, now(), 'x', 'x', now())`)
	for path, want := range map[string]error{"tile/entries/000": guard.ErrNotFound, "tile/entries/001": guard.ErrDamaged} {
		if _, err := f.EntryBundle(t.Context(), overseer, &auditlog.BundleRequest{Number: 1, Path: path}); !errors.Is(err, want) {
			t.Errorf("%s: got %v, want %v", path, err, want)
		}
	}
	f.heard.want(t, "entry 256: missing")
}

// What was changed does not leave as if it had been signed.
func TestRead_OfDamage(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		sql, path, heard string
	}{
		"a line":          {`UPDATE cpis.entry SET line = 'x' WHERE idx = 7`, "tile/entries/000", "entry 7: changed"},
		"a tile":          {`UPDATE cpis.tile SET hashes = decode(repeat('00', 8192), 'hex')`, "tile/entries/000", "tile/0/000"},
		"a line and tile": {`UPDATE cpis.entry SET line = 'x' WHERE idx = 7; DELETE FROM cpis.tile`, "tile/entries/000", "tile/0/000"},
		"a tile alone":    {`UPDATE cpis.tile SET hashes = decode(repeat('00', 8192), 'hex')`, "tile/0/000", "tile/0/000"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newLog(t)
			f.signed(300)
			f.Exec(c.sql)
			s, heard := f.restart()
			_, err := s.Proofs.EntryBundle(t.Context(), overseer, &auditlog.BundleRequest{Number: 1, Path: c.path})
			if c.path == "tile/0/000" {
				_, err = s.Proofs.Tile(t.Context(), overseer, &auditlog.TileRequest{Number: 1, Path: c.path})
			}
			if !errors.Is(err, guard.ErrDamaged) {
				t.Errorf("got %v, want %v", err, guard.ErrDamaged)
			}
			heard.want(t, c.heard)
		})
	}
}

// A log that somebody reads goes on growing, an entry for each bundle: whoever
// follows it comes to its end.
func TestEntryBundle_FollowingComesToAnEnd(t *testing.T) {
	t.Parallel()
	f := newLog(t)
	f.signed(700)
	for next, reads := int64(0), 0; ; reads++ {
		size := f.Covered()
		if size-next < 2 { // what is left is the last reading itself
			if reads > 6 {
				t.Errorf("%d readings of %d entries", reads, size)
			}
			break
		}
		tile := audit.Tile{Index: next / 256, Width: int(min(256, size-next/256*256))}
		if _, err := f.EntryBundle(t.Context(), overseer, &auditlog.BundleRequest{Number: 1, Path: audit.BundlePath(tile)}); err != nil {
			t.Fatal(fmt.Errorf("%+v: %w", tile, err))
		}
		next = tile.Index*256 + int64(tile.Width)
		f.sign()
	}
}
