package auditlog_test

import (
	"bytes"
	"context"
	"errors"
	"testing"

	"cpis/audit"
	"cpis/service"
	"cpis/service/auditlog"
	"cpis/service/guard"
	"cpis/service/lookup"
)

// A line that was signed, and whose tile is not full yet, is changed. The tile
// that becomes full is that of the lines that were signed, and proofs of those
// that come hold.
func TestSign_MakesNoTileOfAChangedLine(t *testing.T) {
	t.Parallel()
	f := newLog(t)
	f.signed(200)
	honest := f.leaves()
	f.Exec(`UPDATE cpis.entry SET line = (SELECT line FROM cpis.entry WHERE idx = 7) WHERE idx = 5`)
	f.more(100)
	f.sign()
	all := f.leaves()
	copy(all, honest)
	if want := audit.TileOf(all[:256]); !bytes.Equal(f.tile(0), want) {
		t.Error("the tile is not that of the lines that were signed")
	}
	for _, index := range []int64{0, 5, 210, 290} {
		f.proves(index, all[index])
	}
}

// A server that is started anew cannot know the line that was there. It says so,
// answers, signs what comes, and makes no tile of the forgery.
func TestSign_AfterARestartMakesNoTileOfAChangedLine(t *testing.T) {
	t.Parallel()
	f := newLog(t)
	f.signed(200)
	f.Exec(`UPDATE cpis.entry SET line = (SELECT line FROM cpis.entry WHERE idx = 7) WHERE idx = 5`)
	s, heard := f.restart()
	if err := s.Log.Sign(t.Context()); err != nil {
		t.Fatal(err)
	}
	heard.want(t, "last entries that were signed are others now: tile/0/000.p/200")
	f.more(100)
	if err := s.Log.Sign(t.Context()); err != nil {
		t.Errorf("Sign of what came: %v", err)
	}
	if err := s.Log.FillTiles(t.Context()); !errors.Is(err, guard.ErrDamaged) {
		t.Errorf("FillTiles: got %v, want %v", err, guard.ErrDamaged)
	}
	if f.tile(0) != nil {
		t.Error("a tile was made of lines that were not signed")
	}
	if f.Covered() != 300 || s.Log.Undamaged() == nil || s.Log.Intact() != nil {
		t.Errorf("covered %d; undamaged: %v, intact: %v", f.Covered(), s.Log.Undamaged(), s.Log.Intact())
	}
	if a, err := s.LookUps.LookUp(t.Context(), nurse, unscheduled(another)); err != nil || a.Verdict != lookup.NoFlagKnown {
		t.Errorf("look-up: got %+v, %v", a, err)
	}
}

// Whoever can insert plants a tile before its time. It is compared, said to be
// damaged, and can be healed; what was planted is kept.
func TestSign_ComparesTilesThatAreThere(t *testing.T) {
	t.Parallel()
	f := newLog(t)
	f.signed(200)
	f.Exec(`INSERT INTO cpis.tile (log, level, idx, hashes) VALUES (1, 0, 0, decode(repeat('00', 8192), 'hex'))`)
	f.signed(300)
	f.heard.want(t, "tile/0/000 is not that of the log")
	if _, err := f.InclusionProof(t.Context(), nurse, &auditlog.ProofRequest{Index: 3}); !errors.Is(err, guard.ErrDamaged) {
		t.Errorf("proof with the planted tile: got %v, want %v", err, guard.ErrDamaged)
	}
	leaves := f.leaves()
	mended, err := f.mender().RebuildTiles(t.Context(), "tiles were planted")
	if err != nil || mended.Tiles != 1 {
		t.Fatalf("RebuildTiles: got %+v, %v", mended, err)
	}
	if !bytes.Equal(f.tile(0), audit.TileOf(leaves[:256])) {
		t.Error("the tile is not that of the log")
	}
	for _, index := range []int64{0, 3, 290} {
		f.proves(index, leaves[index])
	}
	_, rows, err := f.owner().DB.Logs.SetAside(t.Context(), f.log.ID, [16]byte{}, 10)
	if err != nil || len(rows) != 1 || !bytes.Equal(rows[0].Content, make([]byte, 8192)) {
		t.Errorf("set aside: %d, %v", len(rows), err)
	}
	if mended, err := f.mender().RebuildTiles(t.Context(), "again"); err != nil || mended.Tiles != 0 {
		t.Errorf("RebuildTiles again: got %+v, %v", mended, err)
	}
	if e := f.LastEntry(); e.Rule != "rebuild_tiles" || e.Counts["tiles"] != 1 {
		t.Errorf("its entry: %+v", e)
	}
}

// Tiles of a log whose lines are not those that were signed are not made anew.
func TestRebuildTiles_BelievesNothingButWhatWasSigned(t *testing.T) {
	t.Parallel()
	f := newLog(t)
	f.signed(300)
	before := f.tile(0)
	f.Exec(`UPDATE cpis.entry SET line = (SELECT line FROM cpis.entry WHERE idx = 7) WHERE idx = 5`)
	if _, err := f.mender().RebuildTiles(t.Context(), "x"); !errors.Is(err, guard.ErrDamaged) {
		t.Errorf("got %v, want %v", err, guard.ErrDamaged)
	}
	if !bytes.Equal(before, f.tile(0)) {
		t.Error("the tile has changed")
	}
}

// Who has to catch up with more than can wait in memory makes the tiles later.
func TestFillTiles_AfterALongAbsence(t *testing.T) {
	t.Parallel()
	f := newLog(t)
	f.HoldTiles(2)
	f.signed(1100)
	if f.tile(0) != nil {
		t.Error("tiles were made at once")
	}
	if err := f.FillTiles(t.Context()); err != nil {
		t.Fatal(err)
	}
	f.signed(1300)
	leaves := f.leaves()
	for index := range int64(5) {
		if !bytes.Equal(f.tile(index), audit.TileOf(leaves[256*index:256*index+256])) {
			t.Errorf("tile %d is not that of the log", index)
		}
	}
	f.heard.want(t, "")
	f.proves(1299, leaves[1299])
}

// Tiles that another running server has not made yet for what it signed are no
// damage either, and are made by whoever comes first.
func TestFillTiles_OfAServerThatRunsBeside(t *testing.T) {
	t.Parallel()
	f := newLog(t)
	f.HoldTiles(0)
	f.signed(3)
	beside, heard := f.restart()
	if err := beside.Log.Sign(t.Context()); err != nil {
		t.Fatal(err)
	}
	f.signed(300)
	f.fillsOwed(beside, heard)
}

// A server that ended before it had made tiles for what it signed leaves that to
// the next one, which takes nothing for damage.
func TestFillTiles_OfAServerThatEnded(t *testing.T) {
	t.Parallel()
	f := newLog(t)
	f.HoldTiles(0)
	f.signed(300)
	next, heard := f.restart()
	f.fillsOwed(next, heard)
}

// fillsOwed has a server make the first tile, which another one owes, and take
// nothing for damage before and after.
func (f *logFixture) fillsOwed(s *service.Service, heard *heard) {
	f.t.Helper()
	if f.tile(0) != nil {
		f.t.Fatal("the tile was made at once")
	}
	for _, do := range []func(context.Context) error{s.Log.Sign, s.Log.Scrub, s.Log.FillTiles, s.Log.Scrub} {
		if err := do(f.t.Context()); err != nil {
			f.t.Error(err)
		}
	}
	heard.want(f.t, "")
	if !bytes.Equal(f.tile(0), audit.TileOf(f.leaves()[:256])) {
		f.t.Error("the tile was not made")
	}
}
