package auditlog_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"cpis/service"
	"cpis/service/domain"
	"cpis/service/guard"
	"cpis/service/keys"
	"cpis/service/lookup"
	"cpis/service/servicetest"
	"cpis/service/store"
	"cpis/service/store/dbtest"
)

// newLongLog makes a fixture whose signer reads a hundred entries at once, and
// whose log holds 600 that are not signed.
func newLongLog(t *testing.T) *fixture {
	t.Helper()
	f := newService(t)
	f.ReadInChunksOf(100)
	f.Grow(600)
	return f
}

// An attempt that ends too early leaves to the next one only what is left.
func TestSign_GoesOnWhereTheLastAttemptEnded(t *testing.T) {
	t.Parallel()
	f := newLongLog(t)
	// All are read, and what was found cannot be kept.
	f.AsSuperuser(func(conn *pgx.Conn) error {
		tx, err := conn.Begin(t.Context())
		if err != nil {
			return err
		}
		defer func() { _ = tx.Rollback(t.Context()) }()
		if _, err := tx.Exec(t.Context(), "LOCK TABLE cpis.tile IN ACCESS EXCLUSIVE MODE"); err != nil {
			return err
		}
		for range 2 {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			if err := f.Sign(ctx); err == nil || errors.Is(err, guard.ErrDamaged) {
				t.Errorf("Sign: got %v, want an error that passes", err)
			}
			if n := f.Verified(); n != 600 || f.Covered() != 0 {
				t.Errorf("%d entries are verified and %d signed, want 600 and 0", n, f.Covered())
			}
		}
		return nil
	})
	// All are read and kept, but not signed; then some more come.
	f.Keeper.TakeAway(true)
	if err := f.Sign(t.Context()); !errors.Is(err, keys.ErrUnavailable) {
		t.Errorf("Sign: got %v, want %v", err, keys.ErrUnavailable)
	}
	if n := f.Verified(); n != 600 || f.Covered() != 0 {
		t.Errorf("%d entries are verified and %d signed, want 600 and 0", n, f.Covered())
	}
	f.Grow(610)
	f.Keeper.TakeAway(false)
	if err := f.Sign(t.Context()); err != nil || f.Covered() != 610 {
		t.Errorf("Sign: got %v, %d entries signed, want 610", err, f.Covered())
	}
	if a := f.MustLookUp(nurse, unscheduled(another)); a.Verdict != lookup.NoFlagKnown {
		t.Errorf("got %v", a.Verdict)
	}
}

// What another server signed meanwhile is where the next attempt begins.
func TestSign_GoesOnWhereAnotherServerSigned(t *testing.T) {
	t.Parallel()
	f := newLongLog(t)
	f.Keeper.TakeAway(true)
	if err := f.Sign(t.Context()); err == nil {
		t.Fatal("Sign: no error without a keeper")
	}
	f.Keeper.TakeAway(false)
	f.Grow(620)
	if err := f.Another().Log.Sign(t.Context()); err != nil {
		t.Fatalf("Sign of another: %v", err)
	}
	f.Grow(650)
	if err := f.Sign(t.Context()); err != nil || f.Covered() != 650 || f.Verified() != 650 {
		t.Errorf("Sign: got %v, %d entries signed, %d verified", err, f.Covered(), f.Verified())
	}
}

// The short cut hides nothing: what was changed behind it is found.
func TestSign_FindsWhatChangedBehindWhatItVerified(t *testing.T) {
	t.Parallel()
	f := newLongLog(t)
	f.Keeper.TakeAway(true)
	if err := f.Sign(t.Context()); errors.Is(err, guard.ErrDamaged) || err == nil {
		t.Fatalf("Sign: got %v", err)
	}
	f.Grow(620)
	f.Exec("UPDATE cpis.entry SET line = (SELECT line FROM cpis.entry WHERE idx = 1) WHERE idx = 610")
	f.Keeper.TakeAway(false)
	if err := f.Sign(t.Context()); !errors.Is(err, guard.ErrDamaged) {
		t.Errorf("Sign: got %v, want %v", err, guard.ErrDamaged)
	}
}

// A log without entries needs no checkpoint, and its first entry is signed like
// any other.
func TestSign_EmptyLog(t *testing.T) {
	t.Parallel()
	f := newService(t)
	const origin = "second.example/log"
	owner := dbtest.OpenOwner(t, f.Database)
	var log store.Log
	f.Tx(owner, func(tx *store.Tx) (err error) {
		log, err = tx.Logs.Create(t.Context(), origin)
		return err
	})
	sizes := []int64{}
	s, err := service.New(t.Context(), service.Config{
		DB: f.DB, Ring: f.OpenRing(), Policy: servicetest.Rules(t), Log: origin, Now: f.Clock.Now,
		Hub:     domain.Hub{Name: "National safeguarding hub", Phone: hubPhone},
		Observe: service.Observer{Signed: func(size int64, _ time.Time) { sizes = append(sizes, size) }},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for range 2 {
		if err := s.Log.Sign(t.Context()); err != nil {
			t.Errorf("Sign of an empty log: %v", err)
		}
	}
	if _, err := f.DB.Checkpoints.Latest(t.Context(), log.ID); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("checkpoint of an empty log: got %v, want %v", err, store.ErrNotFound)
	}
	if _, err := s.LookUps.LookUp(t.Context(), nurse, unscheduled(another)); err != nil {
		t.Fatal(err)
	}
	if err := s.Log.Sign(t.Context()); err != nil {
		t.Errorf("Sign of the first entry: %v", err)
	}
	cp, err := f.DB.Checkpoints.Latest(t.Context(), log.ID)
	if err != nil || cp.Tree.Size() != 1 || len(sizes) != 3 || sizes[2] != 1 {
		t.Errorf("got a checkpoint of %d, %v; told of %v", cp.Tree.Size(), err, sizes)
	}
}

// A log is rolled back, and a server that never saw more of it lets it grow
// again, and signs. The one that did see more does not go along with that.
func TestSign_FindsWhatAnotherServerSignedAfterARollback(t *testing.T) {
	t.Parallel()
	f := newService(t)
	f.Grow(5)
	if err := f.Sign(t.Context()); err != nil {
		t.Fatal(err)
	}
	f.Grow(8)
	if err := f.Sign(t.Context()); err != nil {
		t.Fatal(err)
	}
	f.Exec("DELETE FROM cpis.entry WHERE idx >= 5")
	f.Exec("DELETE FROM cpis.checkpoint WHERE size > 5")
	f.Exec("UPDATE cpis.log_head AS h SET size = c.size, frontier = c.frontier, root = c.root FROM cpis.checkpoint AS c WHERE h.log = c.log")
	deceived := f.Another()
	for range 9 { // beyond where the log was
		if _, err := deceived.LookUps.LookUp(t.Context(), nurse, unscheduled(another)); err != nil {
			t.Fatal(err)
		}
	}
	if err := deceived.Log.Sign(t.Context()); err != nil {
		t.Fatalf("Sign of who cannot know: %v", err)
	}
	if err := f.Sign(t.Context()); !errors.Is(err, guard.ErrDamaged) {
		t.Errorf("Sign: got %v, want %v", err, guard.ErrDamaged)
	}
	if _, err := f.LookUp(t.Context(), nurse, unscheduled(another)); !errors.Is(err, guard.ErrDamaged) {
		t.Errorf("look-up afterwards: got %v, want %v", err, guard.ErrDamaged)
	}
}
