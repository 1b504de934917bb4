package acceptance_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"connectrpc.com/connect/v2"
	"github.com/jackc/pgx/v5"

	"cpis/audit"
	cpisv1 "cpis/proto/cpis/v1"
	"cpis/proto/cpis/v1/cpisv1connect"
	"cpis/service/auditlog"
	"cpis/service/guard"
	"cpis/service/store/dbtest"
)

func asError[T error](err error, target *T) bool { return errors.As(err, target) }

// verifiers returns the public keys of the log.
func (s *site) verifiers() []audit.VerifierKey {
	s.tb.Helper()
	pubs, err := s.keeper.PublicKeys(s.tb.Context())
	must(s.tb, err)
	var known []audit.VerifierKey
	for _, pub := range pubs {
		k, err := audit.NewVerifierKey(dbtest.Origin, pub)
		must(s.tb, err)
		known = append(known, k)
	}
	return known
}

// export exports the log into a new directory.
func (s *site) export() string {
	s.tb.Helper()
	dir := filepath.Join(s.tb.TempDir(), "export")
	must(s.tb, os.Mkdir(dir, 0o700))
	root, err := os.OpenRoot(dir)
	must(s.tb, err)
	owner := dbtest.OpenOwner(s.tb, s.database)
	_, err = (&auditlog.Admin{Command: s.command(owner)}).Export(s.tb.Context(), audit.CreateIn(root))
	must(s.tb, err)
	must(s.tb, root.Close())
	return dir
}

func (s *site) verify() error {
	s.tb.Helper()
	_, err := audit.Verify(s.tb.Context(), os.DirFS(s.export()), dbtest.Origin, s.verifiers())
	return err
}

// A receipt can be proved to be in the log, offline, by anybody.
func TestReceiptIsProved(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.register(everybody()...)
	a, err := s.lookups(protocols[0], "nurse").LookUp(t.Context(), &cpisv1.LookUpRequest{NhsNumber: onePlan})
	must(t, err)
	logs := cpisv1connect.NewLogServiceClient(s.connection(protocols[2], s.token("nurse")))
	_, err = logs.GetInclusionProof(t.Context(), &cpisv1.GetInclusionProofRequest{Index: a.Receipt.Index})
	if connect.CodeOf(err) != connect.CodeNotFound {
		t.Errorf("before the checkpoint: got %v, want not found", err)
	}
	must(t, s.service.Log.Sign(t.Context()))
	proof, err := logs.GetInclusionProof(t.Context(), &cpisv1.GetInclusionProofRequest{Index: a.Receipt.Index})
	must(t, err)
	leaf := audit.Hash(a.Receipt.LeafHash)
	index, cp, err := audit.VerifyProof([]byte(proof.Proof), leaf, dbtest.Origin, s.verifiers())
	if err != nil || index != a.Receipt.Index || cp.Size < a.Receipt.TreeSize {
		t.Errorf("got index %d, checkpoint %v and %v", index, cp, err)
	}
	if audit.Hash(proof.LeafHash) != leaf {
		t.Error("proof names another leaf than the receipt")
	}
}

// Whatever somebody with all rights over the database changes in entries that
// were signed, the offline verifier finds it, and says where.
func TestTamperedEntriesAreFound(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, sql string
		first     int64
	}{
		{"a changed byte", `UPDATE cpis.entry SET line = set_byte(line, 40, get_byte(line, 40) # 1) WHERE idx = 5`, 5},
		{"a changed last byte", `UPDATE cpis.entry SET line = set_byte(line, length(line) - 1, 32) WHERE idx = 9`, 9},
		{"two entries swapped", `UPDATE cpis.entry e SET line = o.line FROM cpis.entry o WHERE (e.idx, o.idx) IN ((3, 4), (4, 3))`, 3},
		{"an entry removed", `DELETE FROM cpis.entry WHERE idx = 7`, 7},
		{"an entry copied over another", `UPDATE cpis.entry SET line = (SELECT line FROM cpis.entry WHERE idx = 2) WHERE idx = 6`, 6},
		{"an entry inserted", `
			UPDATE cpis.entry SET idx = idx + 100000;
			UPDATE cpis.entry SET idx = idx - 100000 + (idx - 100000 >= 8)::int;
			INSERT INTO cpis.entry SELECT log, 8, line, subject FROM cpis.entry WHERE idx = 1;
			DELETE FROM cpis.entry e USING cpis.log_head h WHERE e.log = h.log AND e.idx >= h.size`, 8},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			client := s.lookups(protocols[0], "nurse")
			for range 20 {
				_, err := client.LookUp(t.Context(), &cpisv1.LookUpRequest{NhsNumber: unknown})
				must(t, err)
			}
			must(t, s.service.Log.Sign(t.Context()))
			if err := s.verify(); err != nil {
				t.Fatalf("before: %v", err)
			}
			s.exec(c.sql)
			err := s.verify()
			var bad *audit.BadEntry
			if !errors.As(err, &bad) || bad.Index > c.first || bad.Last < c.first {
				t.Errorf("got %v, want entry %d named", err, c.first)
			}
		})
	}
}

// Entries that were changed before they were signed stop the service: it
// answers nobody any more.
func TestTamperedBeforeSigningStopsTheService(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	ask := s.asker()
	must(t, ask())
	must(t, s.service.Log.Sign(t.Context()))
	must(t, ask())
	s.exec(`UPDATE cpis.entry SET line = set_byte(line, 40, get_byte(line, 40) # 1) WHERE idx = (SELECT max(idx) FROM cpis.entry)`)
	if err := s.service.Log.Sign(t.Context()); err == nil {
		t.Error("the signer signed a log that was tampered with")
	}
	if err := ask(); connect.CodeOf(err) != connect.CodeDataLoss {
		t.Errorf("got %v, want data loss", err)
	}
}

// rollBack puts the whole log back to where it was when earlier was made:
// entries, head and checkpoints. All of them then fit together.
const rollBack = `
	DELETE FROM cpis.entry WHERE idx >= (SELECT size FROM public.earlier);
	DELETE FROM cpis.checkpoint WHERE size > (SELECT size FROM public.earlier);
	UPDATE cpis.log_head h SET size = e.size, frontier = e.frontier, root = e.root FROM public.earlier e WHERE h.log = e.log`

// Whatever somebody with all rights over the database does to the log as a
// whole, the next signature is refused, and the service stops answering.
func TestRolledBackLogStopsTheService(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, sql string
		unsigned  int // look-ups after the last checkpoint, before the change
		after     int // and after the change
	}{
		{"the checkpoint gone", `DELETE FROM cpis.checkpoint`, 0, 0},
		{"an earlier checkpoint the last", `DELETE FROM cpis.checkpoint WHERE size > (SELECT size FROM public.earlier)`, 0, 0},
		{"rolled back", rollBack, 0, 0},
		{"rolled back, with unsigned entries", rollBack, 2, 0},
		{"rolled back and grown beyond", rollBack, 0, 9},
		{"the head alone rolled back", `
			UPDATE cpis.log_head h SET size = e.size, frontier = e.frontier, root = e.root
			FROM public.earlier e WHERE h.log = e.log`, 0, 0},
		{"the entries alone rolled back", `DELETE FROM cpis.entry WHERE idx >= (SELECT size FROM public.earlier)`, 2, 0},
		{"another root in the head", `UPDATE cpis.log_head SET root = sha256(root)`, 0, 0},
		{"another root in the head, with unsigned entries", `UPDATE cpis.log_head SET root = sha256(root)`, 2, 0},
		{"another tree in the head", `UPDATE cpis.log_head SET root = sha256(root), frontier = overlay(frontier placing sha256(frontier) from 1)`, 0, 0},
		{"another tree in the head, with unsigned entries", `UPDATE cpis.log_head SET frontier = overlay(frontier placing sha256(frontier) from 1)`, 2, 0},
		{"another tree in the checkpoint", `UPDATE cpis.checkpoint SET frontier = overlay(frontier placing sha256(frontier) from 1)`, 2, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			ask := s.asker()
			askTimes := func(n int) {
				for range n {
					must(t, ask())
				}
			}
			askTimes(3)
			must(t, s.service.Log.Sign(t.Context()))
			s.exec(`CREATE TABLE public.earlier AS SELECT * FROM cpis.log_head`)
			askTimes(4)
			must(t, s.service.Log.Sign(t.Context()))
			askTimes(c.unsigned)
			s.exec(c.sql)
			askTimes(c.after)
			if err := s.service.Log.Sign(t.Context()); !errors.Is(err, guard.ErrDamaged) {
				t.Errorf("signing: got %v, want %v", err, guard.ErrDamaged)
			}
			if err := ask(); connect.CodeOf(err) != connect.CodeDataLoss {
				t.Errorf("look-up: got %v, want data loss", err)
			}
		})
	}
}

// asker returns somebody who asks, always the same.
func (s *site) asker() func() error {
	s.tb.Helper()
	client := s.lookups(protocols[0], "nurse")
	return func() error {
		_, err := client.LookUp(s.tb.Context(), lookUpOf(unknown))
		return err
	}
}

// exec runs SQL as a superuser, past every right.
func (s *site) exec(sql string) {
	s.tb.Helper()
	dbtest.AsSuperuser(s.tb, s.database, func(conn *pgx.Conn) error {
		_, err := conn.Exec(s.tb.Context(), sql, pgx.QueryExecModeSimpleProtocol)
		return err
	})
}
