package auditlog_test

import (
	"errors"
	"testing"

	"cpis/audit"
	"cpis/service/auditlog"
	"cpis/service/guard"
	"cpis/service/identity"
	"cpis/service/servicetest"
	"cpis/service/store/dbtest"
)

// treeOf returns the tree of the first leaves.
func treeOf(leaves []audit.Hash) audit.Tree {
	var tree audit.Tree
	for _, leaf := range leaves {
		tree.Append(leaf)
	}
	return tree
}

// Whoever kept a checkpoint has it proved that the log still holds all that it
// held then, whichever size that was.
func TestConsistencyProof_OfEachSize(t *testing.T) {
	t.Parallel()
	f := newLog(t)
	f.signed(300)
	f.signed(520)
	leaves := f.leaves()
	for _, size := range []int{0, 1, 2, 255, 256, 257, 299, 300, 511, 512, 519, 520} {
		p, err := f.ConsistencyProof(t.Context(), nurse, &auditlog.ConsistencyRequest{Size: int64(size)})
		if err != nil {
			t.Errorf("size %d: %v", size, err)
			continue
		}
		later, err := audit.OpenCheckpoint(p.Note, dbtest.Origin, f.keys())
		if err != nil || later.Size != 520 {
			t.Errorf("size %d: the latest checkpoint is of %d entries, %v", size, later.Size, err)
		}
		tree := treeOf(leaves[:size])
		if err := audit.VerifyConsistency(p.Hashes, tree.Checkpoint(dbtest.Origin), later); err != nil {
			t.Errorf("size %d: %v", size, err)
		}
	}
}

// Nobody is told that a log holds what it never held, or what no checkpoint
// covers yet.
func TestConsistencyProof_OfWhatIsNotSigned(t *testing.T) {
	t.Parallel()
	f := newLog(t)
	for _, want := range []int{0, 5} {
		f.Grow(want + 2)
		if _, err := f.ConsistencyProof(t.Context(), nurse, &auditlog.ConsistencyRequest{Size: int64(want + 1)}); !errors.Is(err, guard.ErrNotFound) {
			t.Errorf("%d entries are signed: got %v, want %v", want, err, guard.ErrNotFound)
		}
		f.signed(5)
	}
	if _, err := f.ConsistencyProof(t.Context(), nurse, &auditlog.ConsistencyRequest{Log: "elsewhere.example/log"}); !errors.Is(err, guard.ErrNotFound) {
		t.Errorf("of another log: got %v, want %v", err, guard.ErrNotFound)
	}
}

// A server that has not heard of a checkpoint yet, because another made it, looks.
func TestConsistencyProof_FromWhatAnotherServerSigned(t *testing.T) {
	t.Parallel()
	f := newLog(t)
	f.signed(5)
	other, _ := f.restart()
	f.Grow(9)
	if err := other.Log.Sign(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := f.ConsistencyProof(t.Context(), nurse, &auditlog.ConsistencyRequest{Size: 9}); err != nil {
		t.Error(err)
	}
}

// What does not add up to what was signed proves nothing, and is reported.
func TestConsistencyProof_OfDamage(t *testing.T) {
	t.Parallel()
	for name, sql := range map[string]string{
		"a tile":              `UPDATE cpis.tile SET hashes = decode(repeat('00', 8192), 'hex')`,
		"a line":              `UPDATE cpis.entry SET line = 'x' WHERE idx = 290`,
		"a line and its tile": `DELETE FROM cpis.entry WHERE idx = 7; DELETE FROM cpis.tile`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newLog(t)
			f.signed(300)
			f.Exec(sql)
			s, heard := f.restart()
			got, err := s.Proofs.ConsistencyProof(t.Context(), nurse, &auditlog.ConsistencyRequest{Size: 299})
			if !errors.Is(err, guard.ErrDamaged) {
				t.Errorf("got %+v, %v, want %v", got, err, guard.ErrDamaged)
			}
			heard.want(t, "making the proof")
		})
	}
}

// Whoever has no role where it fits is refused, and the refusal is an entry.
func TestConsistencyProof_IsForThoseWithARole(t *testing.T) {
	t.Parallel()
	f := newLog(t)
	f.signed(3)
	stranger := *nurse
	stranger.Class = servicetest.Lead.Class
	for name, use := range map[string]func(*identity.Caller) error{
		"a consistency proof": func(c *identity.Caller) error {
			_, err := f.ConsistencyProof(t.Context(), c, &auditlog.ConsistencyRequest{Size: 1})
			return err
		},
		"a tile": func(c *identity.Caller) error {
			_, err := f.Tile(t.Context(), c, &auditlog.TileRequest{Number: 1, Path: "tile/0/000.p/3"})
			return err
		},
	} {
		if err := use(&stranger); !errors.Is(err, guard.ErrDenied) {
			t.Errorf("%s: got %v, want %v", name, err, guard.ErrDenied)
		}
		if e := f.LastEntry(); e.Action != "read_proof" || e.Outcome != "denied" {
			t.Errorf("%s: the entry is %+v", name, e)
		}
	}
}
