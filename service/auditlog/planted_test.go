package auditlog_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"cpis/audit"
	"cpis/service/auditlog"
	"cpis/service/guard"
	"cpis/service/lookup"
)

// plantAtHead puts an entry where the next one belongs, as the service's role
// can.
const plantAtHead = `INSERT INTO cpis.entry (log, idx, line) SELECT log, size, 'planted' FROM cpis.log_head`

// One entry planted where the next one belongs stops all answers. It is said to
// be damage, and set aside without a restart.
func TestPlantedEntryIsDamageAndCanBeSetAside(t *testing.T) {
	t.Parallel()
	f := newLog(t)
	f.signed(5)
	f.Exec(plantAtHead)
	if _, err := f.LookUp(t.Context(), nurse, unscheduled(another)); err == nil {
		t.Fatal("a look-up without an entry")
	}
	if err := f.Sign(t.Context()); err != nil {
		t.Fatal(err)
	}
	f.heard.want(t, "entry 5 stands where the log has not come to")
	if !errors.Is(f.Log.Intact(), guard.ErrDamaged) || f.Damaged.Load() == 0 {
		t.Errorf("Intact: got %v, and %d reports of damage", f.Log.Intact(), f.Damaged.Load())
	}
	if _, err := f.LookUp(t.Context(), nurse, unscheduled(another)); !errors.Is(err, guard.ErrDamaged) {
		t.Errorf("look-up: got %v, want %v", err, guard.ErrDamaged)
	}
	mended, err := f.mender().SetAside(t.Context(), "planted")
	if err != nil || mended.Entries != 1 || mended.Checkpoints != 0 {
		t.Fatalf("SetAside: got %+v, %v", mended, err)
	}
	f.sign()
	if a := f.MustLookUp(nurse, unscheduled(another)); a.Verdict != lookup.NoFlagKnown {
		t.Errorf("got %v", a.Verdict)
	}
	f.sign()
	dir, _, report, err := f.export(f.auditor())
	if err != nil || report.Entries != 7 {
		t.Errorf("export: got %+v, %v", report, err)
	}
	names, err := filepath.Glob(filepath.Join(dir, "aside", "before", "entry-5-*"))
	if err != nil || len(names) != 1 {
		t.Errorf("set aside: got %v, %v", names, err)
	}
	if mended, err := f.mender().SetAside(t.Context(), "again"); err != nil || mended.Entries != 0 {
		t.Errorf("SetAside again: got %+v, %v", mended, err)
	}
}

// An entry planted far ahead is said to be damage, and keeps nobody from
// answering.
func TestPlantedEntryFarAhead(t *testing.T) {
	t.Parallel()
	f := newLog(t)
	f.signed(5)
	f.Exec(`INSERT INTO cpis.entry (log, idx, line) VALUES (1, 1000000, 'planted')`)
	f.more(1)
	f.sign()
	f.heard.want(t, "entry 1000000 stands where the log has not come to")
	if f.Log.Intact() != nil || f.Log.Undamaged() == nil {
		t.Errorf("intact: %v, undamaged: %v", f.Log.Intact(), f.Log.Undamaged())
	}
}

// A checkpoint that the log's key did not sign is served to nobody, whoever put
// it where, stops the service, and can be set aside.
func TestPlantedCheckpoint(t *testing.T) {
	t.Parallel()
	for name, sql := range map[string]string{
		"beyond the log":     `INSERT INTO cpis.checkpoint (log, size, root, frontier, note, at) VALUES (1, 8, sha256(''), decode(repeat('00', 32), 'hex'), 'garbage', now())`,
		"of the head":        `INSERT INTO cpis.checkpoint (log, size, root, frontier, note, at) SELECT log, size, root, frontier, 'garbage', now() FROM cpis.log_head`,
		"in place of a note": `UPDATE cpis.checkpoint SET note = 'garbage' WHERE size = 5`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newLog(t)
			f.signed(5)
			was, err := f.Checkpoint(t.Context(), nurse, &auditlog.CheckpointRequest{})
			if err != nil {
				t.Fatal(err)
			}
			f.Grow(7)
			f.Exec(sql)
			if got, err := f.Checkpoint(t.Context(), nurse, &auditlog.CheckpointRequest{}); err != nil || string(got.Note) != string(was.Note) {
				t.Errorf("Checkpoint: got %+v, %v", got, err)
			}
			_, _ = f.Sign(t.Context()), f.Sign(t.Context())
			if !errors.Is(f.Log.Intact(), guard.ErrDamaged) {
				t.Errorf("Intact: got %v", f.Log.Intact())
			}
			f.heard.want(t, "does not verify")
			s, _ := f.restart()
			if got, err := s.Proofs.Checkpoint(t.Context(), nurse, &auditlog.CheckpointRequest{}); !errors.Is(err, guard.ErrDamaged) {
				t.Errorf("Checkpoint of a server that just started: got %+v, %v, want %v", got, err, guard.ErrDamaged)
			}
			mended, err := f.mender().SetAside(t.Context(), "planted")
			if err != nil || mended.Checkpoints != 1 {
				t.Fatalf("SetAside: got %+v, %v", mended, err)
			}
			after, _ := f.restart()
			if err := after.Log.Sign(t.Context()); err != nil || after.Log.Intact() != nil {
				t.Errorf("Sign afterwards: %v, %v", err, after.Log.Intact())
			}
		})
	}
}

// A proof is never made under a checkpoint that nobody signed.
func TestProof_UnderNothingButWhatWasSigned(t *testing.T) {
	t.Parallel()
	f := newLog(t)
	f.signed(5)
	f.signed(9)
	leaves := f.leaves()
	f.Exec(`UPDATE cpis.checkpoint SET note = replace(note, '5', '6') WHERE size = 5`)
	f.proves(3, leaves[3])
	f.heard.want(t, "checkpoint of 5 entries does not verify")
}

// Whatever is wrong, an export holds everything there is, names what is wrong,
// and needs no more than the auditor's role.
func TestExport_OfATamperedLog(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		sql, noted string   // what whoever exports it notes
		holds      []string // files
		found      string   // what the verifier says
	}{
		"nothing": {`SELECT 1`, "", nil, ""},
		"garbage note": {
			`UPDATE cpis.checkpoint SET note = 'garbage' WHERE size = 9`, "checkpoint of 9 entries",
			[]string{"aside/checkpoint-9", "unsigned.ndjson"},
			"checkpoint of 9 entries",
		},
		"a note of another key": {
			`UPDATE cpis.checkpoint SET note = regexp_replace(note, E'(\n\u2014 \\S+ ).*', E'\\1AAAA') WHERE size = 9`, "checkpoint of 9 entries",
			[]string{"aside/checkpoint-9"},
			"checkpoint of 9 entries",
		},
		"all notes": {
			`UPDATE cpis.checkpoint SET note = 'garbage'`, "checkpoint of 9 entries",
			[]string{"aside/checkpoint-9", "aside/checkpoint-5", "entries.ndjson"},
			"no checkpoint",
		},
		"a checkpoint that speaks of no tree": {
			`INSERT INTO cpis.checkpoint (log, size, root, frontier, note, at) VALUES (1, 4611686018427387904, sha256(''), decode(repeat('00', 32), 'hex'), 'x', now())`,
			"checkpoint of 4611686018427387904 entries",
			[]string{"checkpoint"},
			"checkpoint of 4611686018427387904",
		},
		"an entry at the head": {plantAtHead, "entry 12: it stands where", []string{"aside/entry-12"}, "entry 12: it stands where"},
		"the head": {
			`UPDATE cpis.log_head SET root = sha256('x')`, "head: what stands there is that of no log", []string{"aside/entry-9", "aside/entry-11"}, "head: what stands",
		},
		"the head set back": {
			`UPDATE cpis.log_head AS h SET size = c.size, frontier = c.frontier, root = c.root FROM cpis.checkpoint AS c WHERE c.size = 5`,
			"head: the log is said to have 5 entries",
			[]string{"checkpoint"},
			"entry 5: it stands where",
		},
		"a subject":  {`UPDATE cpis.entry SET subject = NULL WHERE idx = 3`, "entry 3: it stands under a subject", nil, "entry 3: it stands under"},
		"a line":     {`UPDATE cpis.entry SET line = 'x' WHERE idx = 3`, "", nil, "entries 0 to 7: not as signed"},
		"the oldest": {`DELETE FROM cpis.entry WHERE idx < 3`, "", []string{"first"}, "entries 3 to 7: not as signed"},
		"all lines":  {`DELETE FROM cpis.entry`, "", []string{"first"}, "entries 0 to 8: removed, and no entry"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newLog(t)
			f.signed(5)
			f.signed(9)
			f.Grow(12)
			f.Exec(c.sql)
			dir, exported, _, err := f.export(f.auditor(), f.keys()...)
			if noted := strings.Join(exported.Damage, "\n"); (c.noted == "") != (noted == "") || !strings.Contains(noted, c.noted) {
				t.Errorf("noted %q, want %q", noted, c.noted)
			}
			for _, file := range c.holds {
				if _, err := os.Stat(filepath.Join(dir, filepath.FromSlash(file))); err != nil {
					t.Error(err)
				}
			}
			if (c.found == "") != (err == nil) || err != nil && (!errors.Is(err, audit.ErrBroken) || !strings.Contains(err.Error(), c.found)) {
				t.Errorf("verified: got %v, want %q", err, c.found)
			}
			if exported.Unrecorded == "" {
				t.Error("the auditor's export is said to be an entry")
			}
		})
	}
}
