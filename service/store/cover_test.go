package store_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"cpis/service/store"
)

// uncovered are the columns without a MAC, and why that does no harm. A table
// alone stands for all its columns.
var uncovered = map[string]string{
	"person.wrapped_key": "opens only for its person, whose key alone opens what is sealed",
	"person.sealed":      "sealed for its person and version",
	"person.erased_at":   "nothing opens without the wrapped key",

	"person_version.person_id": "covered as the person's id",
	"person_version.sealed":    "as a person's",
	"person_version.change_id": "says where in the log to look",

	"plan.sealed":            "sealed for its plan and version",
	"plan_version.plan_id":   "covered as the plan's id",
	"plan_version.sealed":    "as a plan's",
	"plan_version.change_id": "says where in the log to look; the log says what happened",

	"authority.reminded_at": "makes a reminder come early or late",
	"organisation.source":   "says only whether reference data may correct the row, which has a MAC whoever wrote it",

	"transfer.proposed": "sealed for its transfer",
	"transfer.decided":  "likewise",
	"proposal.proposed": "sealed for its proposal",
	"proposal.decided":  "likewise",

	"channel.wrapped_key": "opens only for its channel",
	"channel.sealed":      "sealed for its channel and version",
	"channel.failures":    "how many notices are tried at once; whether a channel is left after three days, or each of its deliveries",
	"channel.failed_at":   "likewise",
	"channel.rests_until": "delays deliveries by two hours at most: who rests longer is tried",

	"upload.wrapped_key": "opens only for its upload",
	"upload.sealed":      "sealed for its upload and version",
	"upload.lease_until": "has an upload worked on sooner or later; two who do so meet at its version",
	"upload_part":        "sealed for its upload and place",
	"upload_rows":        "sealed for its upload, run and place",

	"review.sealed":      "sealed for its review",
	"review.wrapped_key": "opens only as a key of reviews",
	"review.closing":     "sealed for its review",
	"review.first_words": "likewise",

	"release.proposed":    "sealed for its release",
	"release.decided":     "likewise",
	"release.ended":       "likewise",
	"release.wrapped_key": "opens only for its release",

	"delivery.attempts": "which attempt it is that somebody settles, and how long to wait after it: an hour at most",
	"delivery.due_at":   "delays an attempt by two hours at most: what waits longer is tried; the last one follows from first_at",
	"delivery.last_at":  "shown, and decides nothing",
	"delivery.failure":  "likewise",

	"export.done":        "says how far it is, and decides nothing",
	"export.work":        "likewise",
	"export.lease_until": "has an export made sooner or later; of two who do so, one counts",
	"export.wrapped_key": "opens only for its export",
	"export.sealed":      "sealed for its export",
	"export.seen":        "sealed for its export and attempt",
	"export_part":        "sealed for its export, attempt and place",

	"work_state.one": "there is one row",

	"change":            "says where in the log to look",
	"colleague":         "its authority is sealed too, and compared; it is forgotten sooner or later",
	"instance":          "a server that does not find its database there refuses to start; to have a copy start takes its settings and keys too",
	"former_index_key":  "as an index key",
	"index_key":         "a wrapping opens only as the index key of its version",
	"log":               "its origin is part of what is signed",
	"log_head":          "compared with the signed tree each second",
	"entry":             "the line is hashed into the signed tree, and holds the subject, too",
	"tile":              "hashes of the signed tree",
	"checkpoint":        "signed",
	"review_place":      "whoever moves it on hides look-ups from the queue, as whoever deletes reviews does; the log has them",
	"review_sample":     "one that is missing is drawn again, the same; one that was planted has no entry in the log",
	"digest":            "signed by the log's key; one that is missing is made again",
	"entry_index":       "derived from the log, and compared with its lines, those that are shown and in turn all others",
	"entry_index_state": "says how far that has come; an entry that is left out is found when it is compared",
	"client_use":        "derived from the log, shown to administrators, and decides nothing",
	"report":            "sealed for its row; who asked is in the log",
	"session":           "sealed for its id, with when it ends; removing one logs somebody out",
	"draft":             "sealed for its id; removing one has somebody type again",
	"retention":         "says which entry of the log to look at; lines are missing rightly only if that names exactly their end",
	"set_aside":         "kept as evidence for people, and read by nothing else",
	"schema_version":    "a server refuses what it does not know",
}

func TestEveryColumnIsCoveredOrHarmless(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	covered := store.CoveredColumns()
	rows, err := f.admin.Query(t.Context(), //nolint:rowserrcheck // ForEachRow returns it
		`SELECT c.table_name::text, c.column_name::text
		FROM information_schema.columns AS c
		JOIN pg_class AS r ON r.relname = c.table_name AND r.relnamespace = 'cpis'::regnamespace
		WHERE c.table_schema = 'cpis'
		  AND NOT r.relispartition
		ORDER BY c.table_name, c.ordinal_position`)
	f.must(err)
	var table, column string
	used := map[string]bool{}
	_, err = pgx.ForEachRow(rows, []any{&table, &column}, func() error {
		name := table + "." + column
		_, whole := uncovered[table]
		_, alone := uncovered[name]
		guarded, known := covered[table], column == "mac"
		for _, c := range guarded {
			known = known || c == column
			used[table+"."+c] = true
		}
		switch {
		case whole && guarded == nil, alone && !known:
			used[table], used[name] = true, true
		case !known:
			t.Errorf("%s is neither covered by a MAC nor listed as harmless: what could whoever changes it bring about?", name)
		case alone:
			t.Errorf("%s is covered, and listed as harmless", name)
		}
		return nil
	})
	f.must(err)
	for name, why := range uncovered {
		if !used[name] || strings.TrimSpace(why) == "" {
			t.Errorf("%s: not there, or without a reason", name)
		}
	}
}

// flips change a value of each type to another one.
var flips = map[string]string{
	"boolean":                  "NOT %s",
	"integer":                  "%s + 1",
	"smallint":                 "%s + 1",
	"bigint":                   "%s + 1",
	"text":                     "coalesce(%s, '') || 'x'",
	"bytea":                    "sha256(coalesce(%s, ''))",
	"uuid":                     "CASE WHEN %s IS NULL THEN gen_random_uuid() ELSE gen_random_uuid() END",
	"date":                     "coalesce(%s, '2026-01-01') + 1",
	"timestamp with time zone": "coalesce(%s, '2026-01-01') + interval '1 s'",
	"_text":                    "%s || 'x'::text",
	"_bytea":                   "%s || sha256('')",
	"jsonb":                    "%s || '{\"ending\": 7}'",
}

// Whatever column of a guarded row is changed, and where its MAC is taken away,
// the row no longer verifies.
func TestEveryCoveredColumnIsCompared(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.fillGuarded()
	f.exec(`DO $$
		DECLARE c record;
		BEGIN
		    FOR c IN SELECT conname, conrelid::regclass AS name FROM pg_constraint
		        WHERE contype = 'c' AND connamespace = 'cpis'::regnamespace AND conparentid = 0 AND coninhcount = 0
		    LOOP
		        EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', c.name, c.conname);
		    END LOOP;
		END $$`)
	for table, columns := range store.CoveredColumns() {
		for _, column := range append(columns, "mac") {
			kind := query[string](t, f.admin, `
				SELECT CASE data_type WHEN 'ARRAY' THEN udt_name ELSE data_type END::text
				FROM information_schema.columns
				WHERE table_schema = 'cpis' AND table_name = $1 AND column_name = $2`, table, stored(table, column))
			to := "NULL" // of what is sealed it is covered that it is there
			if column != "mac" && column != "sealed" {
				to = fmt.Sprintf(flips[kind], stored(table, column))
			}
			f.flipping(table, stored(table, column)+` = `+to, func() {
				got, err := f.db.MACs.Damaged(t.Context())
				f.must(err)
				if len(got) != 1 || got[0].Table != table {
					t.Errorf("%s.%s = %s: got damage %v, want of one row", table, column, to, got)
				}
			})
		}
	}
	if got, err := f.db.MACs.Damaged(t.Context()); err != nil || len(got) != 0 {
		t.Errorf("got damage %v, %v where nothing is changed", got, err)
	}
}

// stored is what a covered column is called in a table: a version is covered as
// what it is a version of.
func stored(table, column string) string {
	if of, ok := strings.CutSuffix(table, "_version"); ok && column == "id" {
		return of + "_id"
	}
	return column
}

// fillGuarded puts a row at least into every table that has MACs.
func (f *fixture) fillGuarded() {
	f.tb.Helper()
	ctx := f.tb.Context()
	child, plans := f.child(nil)
	f.change(func(tx *store.Tx) error {
		return errors.Join(
			tx.Transfers.Insert(ctx, &store.TransferRow{
				ID: newID(), Plan: plans[0].ID, Person: child.ID, Sender: leeds, Receiver: york, State: "open", ProposedAt: f.now, Proposed: []byte{1},
			}),
			tx.Proposals.Insert(ctx, &store.ProposalRow{
				ID: newID(), Authority: leeds, Kind: "restrict", Person: child.ID, ProposedBy: "somebody", ProposedAt: f.now, Proposed: []byte{1},
			}),
			tx.Channels.Insert(ctx, &store.ChannelRow{ID: newID(), Authority: leeds, Rank: 1, Kind: "mesh", WrappedKey: "w", Sealed: []byte{1}, MadeAt: f.now}),
			tx.Uploads.Insert(ctx, &store.UploadRow{
				ID: newID(), Authority: leeds, State: "received", Format: "csv", Extent: "delta", WrappedKey: "w", Sealed: []byte{1},
				Counts: []byte(`{"new":1,"ending":2}`), SentAt: f.now, ChangedAt: f.now,
			}),
			tx.Exports.Insert(ctx, &store.ExportRow{
				ID: newID(), Organisation: leeds, Owner: []byte{1}, State: "making", Entries: 3, AskedAt: f.now, ExpiresAt: f.now, WrappedKey: "w", Sealed: []byte{1},
			}),
			tx.Uploads.InsertRules(ctx, &store.UploadRulesRow{Authority: leeds, Version: 1, By: "somebody", At: f.now}),
		)
	})
	b := f.fullBatch()
	f.must(appendBatch(f.tb, f.db, f.log, b))
	f.dispatch(1)
	f.must(f.act(store.NoticeActRow{Notice: b.Notices[0].ID, Version: 2, Act: "assign", AssignedTo: "b", Actor: "a", At: f.now, Sealed: []byte{1}}))
	f.tx(func(tx *store.Tx) error {
		return tx.Accesses.MarkCopies(ctx, []uuid.UUID{b.Accesses[0].ID}, f.now)
	})
	f.tx(func(tx *store.Tx) error { return tx.Releases.Insert(ctx, f.release()) })
	f.tx(func(tx *store.Tx) error {
		plans[0].Index = store.PlanIndex{Rows: []store.PlanIndexRow{{Plan: plans[0].ID, IndexVersion: 1, PlanVersion: 1, Names: [][]byte{make([]byte, 16)}}}, Need: "adult"}
		_, err := tx.Plans.LockWorkState(ctx)
		return errors.Join(err, tx.Plans.Reindex(ctx, plans))
	})
	f.tx(func(tx *store.Tx) error {
		return tx.Answers.Keep(ctx, store.IdempotentRow{Organisation: leeds, Key: "k", Fingerprint: []byte{1}, Response: []byte{1}, At: f.now})
	})
}

// flipping runs look while one row of a table is changed, as nobody but its owner
// can.
func (f *fixture) flipping(table, change string, look func()) {
	f.tb.Helper()
	f.run(`SET session_replication_role = replica`, // nothing keeps references
		`CREATE TEMPORARY TABLE saved AS SELECT * FROM cpis.`+table,
		`UPDATE cpis.`+table+` SET `+change+` WHERE ctid = (SELECT ctid FROM cpis.`+table+` LIMIT 1)`)
	look()
	f.run(`DELETE FROM cpis.`+table, `INSERT INTO cpis.`+table+` SELECT * FROM saved`, `DROP TABLE saved`)
}

// run runs statements as the superuser, on one connection.
func (f *fixture) run(statements ...string) {
	f.tb.Helper()
	for _, sql := range statements {
		_, err := f.admin.Exec(f.tb.Context(), sql)
		f.must(err)
	}
}
