package store_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// forbidden is what the service must not be able to do, whatever becomes of it.
// Each statement would succeed as the owner.
var forbidden = []string{
	// The log.
	`UPDATE cpis.entry SET line = 'x'`,
	`UPDATE cpis.entry_l1_p0000 SET line = 'x'`,
	`DELETE FROM cpis.entry`,
	`DELETE FROM cpis.entry_l1_p0000`,
	`TRUNCATE cpis.entry`,
	`INSERT INTO cpis.entry_l1_p0000 (log, idx, line) VALUES (1, 0, 'x')`,
	`INSERT INTO cpis.log (id, origin) VALUES (7, 'forged')`,
	`UPDATE cpis.log SET origin = 'forged'`,
	`DELETE FROM cpis.log`,
	`INSERT INTO cpis.log_head (log, size, frontier, root) VALUES (7, 0, '', sha256(''))`,
	`UPDATE cpis.log_head SET log = 7`,
	`DELETE FROM cpis.log_head`,
	`TRUNCATE cpis.log_head`,
	`UPDATE cpis.checkpoint SET note = 'x'`,
	`DELETE FROM cpis.checkpoint`,
	`TRUNCATE cpis.checkpoint`,
	`UPDATE cpis.tile SET idx = 1`,
	`DELETE FROM cpis.tile`,
	`TRUNCATE cpis.tile`,
	// Versions, and what ties them to the log.
	`UPDATE cpis.plan_version SET sealed = 'x'`,
	`DELETE FROM cpis.plan_version`,
	`TRUNCATE cpis.plan_version`,
	`UPDATE cpis.person_version SET sealed = 'x'`,
	`DELETE FROM cpis.person_version`,
	`TRUNCATE cpis.person_version`,
	`UPDATE cpis.change SET entry = 1`,
	`DELETE FROM cpis.change`,
	// People and plans: they stay.
	`UPDATE cpis.person SET id = gen_random_uuid()`,
	`DELETE FROM cpis.person`,
	`TRUNCATE cpis.person CASCADE`,
	`UPDATE cpis.person_tag SET person_id = gen_random_uuid()`,
	`TRUNCATE cpis.person_tag`,
	`UPDATE cpis.plan SET id = gen_random_uuid()`,
	`UPDATE cpis.transfer SET receiver = 'x'`,
	`UPDATE cpis.transfer SET proposed = 'x'`,
	`DELETE FROM cpis.transfer`,
	`TRUNCATE cpis.transfer`,
	`UPDATE cpis.proposal SET proposed = 'x'`,
	`UPDATE cpis.proposal SET person_id = gen_random_uuid()`,
	`DELETE FROM cpis.proposal`,
	`DELETE FROM cpis.plan`,
	// What look-ups leave behind.
	`UPDATE cpis.access SET at = now()`,
	`DELETE FROM cpis.access`,
	`UPDATE cpis.notice SET at = now()`,
	`DELETE FROM cpis.notice`,
	`UPDATE cpis.review SET actor = 'x'`,
	`UPDATE cpis.review SET sealed = 'x'`,
	`UPDATE cpis.review SET kind = 'sample'`,
	`DELETE FROM cpis.review`,
	`DELETE FROM cpis.review_place`,
	`DELETE FROM cpis.review_sample`,
	`UPDATE cpis.review_sample SET organisation = 'x'`,
	`UPDATE cpis.idempotency SET response = 'x'`,
	`UPDATE cpis.delivery SET channel_id = gen_random_uuid()`,
	`UPDATE cpis.delivery SET notice_id = gen_random_uuid()`,
	`DELETE FROM cpis.delivery`,
	`UPDATE cpis.channel SET authority = 'x'`,
	`UPDATE cpis.channel SET kind = 'mesh'`,
	`DELETE FROM cpis.channel`,
	`UPDATE cpis.colleague SET authority = 'x'`,
	`UPDATE cpis.proposal SET proposed_issuer = 'x'`,
	`UPDATE cpis.dispatched SET authority = 'x'`,
	`DELETE FROM cpis.dispatched`,
	// What reports are made from, and why they were asked for.
	`UPDATE cpis.entry_index SET subject = NULL`,
	`DELETE FROM cpis.entry_index`,
	`DELETE FROM cpis.client_use`,
	`UPDATE cpis.entry_index_state SET log = 7`,
	`UPDATE cpis.report SET sealed = 'x'`,
	`DELETE FROM cpis.report`,
	`UPDATE cpis.export SET owner = 'x'`,
	`UPDATE cpis.export SET sealed = 'x'`,
	`UPDATE cpis.export SET expires_at = now()`,
	`UPDATE cpis.export_part SET sealed = 'x'`,
	// Who is logged in.
	`UPDATE cpis.session SET subject = 'x'`,
	`UPDATE cpis.session SET provider_session = 'x'`,
	`TRUNCATE cpis.session`,
	`UPDATE cpis.draft SET owner = 'x'`,
	`TRUNCATE cpis.draft`,
	// What finds plans, and by which identifiers people are called.
	`UPDATE cpis.holding SET person_id = gen_random_uuid()`,
	`DELETE FROM cpis.holding`,
	`UPDATE cpis.plan_index SET names = '{}'`,
	`UPDATE cpis.work_item SET need = 'adult'`,
	`DELETE FROM cpis.work_state`,
	// Who may call, and whom to ring.
	`INSERT INTO cpis.organisation (code, name, class, source) VALUES ('X', 'X', 'operator', 'command')`,
	`UPDATE cpis.organisation SET class = 'operator'`,
	`DELETE FROM cpis.organisation`,
	`UPDATE cpis.authority SET name = 'x'`,
	`INSERT INTO cpis.authority (gss_code, dfe_code, name) VALUES ('X', 'X', 'X')`,
	`DELETE FROM cpis.authority`,
	`UPDATE cpis.index_key SET version = 7`,
	// Which database the logs are written for.
	`INSERT INTO cpis.instance (log, claim, name, system, database, addresses, reason, operator, at) VALUES (1, 7, '', '', 1, '{}', '', '', now())`,
	`UPDATE cpis.instance SET system = 'x'`,
	`DELETE FROM cpis.instance`,
	// What was removed of the log, and what was set aside.
	`INSERT INTO cpis.retention (log, first, entry, before, reason, operator, at) VALUES (1, 1, 1, now(), '', '', now())`,
	`UPDATE cpis.retention SET first = 2`,
	`DELETE FROM cpis.retention`,
	`SELECT content FROM cpis.set_aside`,
	`INSERT INTO cpis.set_aside (id, log, kind, level, idx, content, reason, operator, at) VALUES (gen_random_uuid(), 1, 'entry', 0, 1, 'x', '', '', now())`,
	`DELETE FROM cpis.set_aside`,
	`TRUNCATE cpis.index_key`,
	// The schema.
	`UPDATE cpis.schema_version SET is_applied = false`,
	`INSERT INTO cpis.schema_version (version_id, is_applied) VALUES (10, true)`,
	`CREATE TABLE cpis.mine (id int)`,
	`CREATE TABLE public.mine (id int)`,
	`CREATE TEMPORARY TABLE mine (id int)`,
	`CREATE SCHEMA mine`,
	`CREATE FUNCTION cpis.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'`,
	`CREATE EXTENSION pgcrypto`,
	`ALTER TABLE cpis.entry ADD COLUMN mine int`,
	`ALTER TABLE cpis.entry_l1 DETACH PARTITION cpis.entry_l1_p0000`,
	`DROP TABLE cpis.entry_l1`,
	`DROP TABLE cpis.entry`,
	`DROP INDEX cpis.notice_order`,
	`DROP SCHEMA cpis CASCADE`,
	`CREATE TRIGGER mine BEFORE INSERT ON cpis.tile FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()`,
	`CREATE RULE mine AS ON INSERT TO cpis.tile DO INSTEAD NOTHING`,
	`SET ROLE cpis_owner`,
	`SET SESSION AUTHORIZATION cpis_owner`,
	`SET session_replication_role = replica`,
	`CREATE ROLE mine`,
	`CREATE DATABASE mine`,
	`ALTER SYSTEM SET fsync = off`,
	// The machine.
	`COPY cpis.organisation TO PROGRAM 'cat'`,
	`COPY cpis.organisation TO '/tmp/mine'`,
	`SELECT pg_read_file('postmaster.pid')`,
	`SELECT lo_import('/etc/passwd')`,
}

func TestServiceCannot(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.child(nil)
	f.must(appendBatch(t, f.db, f.log, f.fullBatch()))
	app := connect(t, f.data.App)
	for _, sql := range forbidden {
		expectForbidden(t, app, sql)
	}
	f.verifyLog()
}

// The tables, by what the auditor may do with them.
var (
	auditorReads       = []string{"log", "log_head", "entry", "tile", "checkpoint", "instance", "retention", "set_aside", "schema_version", "entry_index", "entry_index_state"}
	auditorDoesNotRead = []string{
		"person", "person_version", "person_tag", "plan", "plan_index", "holding", "work_item", "work_state", "plan_version", "change", "transfer", "proposal",
		"access", "access_mark", "notice", "notice_act", "colleague", "channel", "dispatched", "delivery", "review", "review_place", "review_sample",
		"upload", "upload_part", "upload_rows", "upload_rules", "idempotency", "report", "release", "digest", "export", "export_part", "client_use", "index_key", "former_index_key", "organisation", "authority",
		"session", "draft",
	}
)

func TestAuditorReadsTheLogAndNothingElse(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.child(nil)
	auditor := connect(t, f.data.Auditor)
	// Even without the setting that makes its sessions read-only.
	_, err := auditor.Exec(t.Context(), `SET default_transaction_read_only = off`)
	f.must(err)
	for _, table := range auditorReads {
		if _, err := auditor.Exec(t.Context(), `SELECT count(*) FROM cpis.`+table); err != nil {
			t.Errorf("reading %s: %v", table, err)
		}
		expectForbidden(t, auditor, `DELETE FROM cpis.`+table)
	}
	for _, table := range auditorDoesNotRead {
		expectForbidden(t, auditor, `SELECT count(*) FROM cpis.`+table)
	}
	expectForbidden(t, auditor, `INSERT INTO cpis.entry (log, idx, line) VALUES (1, 0, 'x')`)
	expectForbidden(t, auditor, `CREATE TABLE cpis.mine (id int)`)
	expectForbidden(t, auditor, `SET ROLE cpis_app`)
}

// The auditor's role has no right but to read, on whatever there is or will be.
func TestAuditorsRoleCanOnlyRead(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	got := query[[]string](t, f.admin, `
		WITH relations AS (
		    SELECT oid, oid::regclass::text AS name
		    FROM pg_class
		    WHERE relnamespace = 'cpis'::regnamespace
		      AND relkind IN ('r', 'p', 'v', 'm', 'f')
		)
		SELECT coalesce(array_agg(what ORDER BY what), '{}')
		FROM (
		    SELECT r.name || ': ' || p AS what
		    FROM relations AS r
		    CROSS JOIN unnest(ARRAY['INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER']) AS p
		    WHERE has_table_privilege('cpis_auditor', r.oid, p)
		       OR p IN ('INSERT', 'UPDATE', 'REFERENCES') AND has_any_column_privilege('cpis_auditor', r.oid, p)
		    UNION ALL
		    SELECT 'sequence ' || s.oid::regclass::text
		    FROM pg_class AS s
		    WHERE s.relnamespace = 'cpis'::regnamespace
		      AND CASE WHEN s.relkind = 'S' THEN has_sequence_privilege('cpis_auditor', s.oid, 'USAGE, UPDATE') END
		    UNION ALL
		    SELECT 'function ' || p.oid::regprocedure::text
		    FROM pg_proc AS p
		    WHERE p.pronamespace = 'cpis'::regnamespace
		      AND has_function_privilege('cpis_auditor', p.oid, 'EXECUTE')
		    UNION ALL
		    SELECT 'schema ' || n.nspname
		    FROM pg_namespace AS n
		    WHERE n.nspname NOT LIKE 'pg\_temp%'
		      AND n.nspname NOT LIKE 'pg\_toast\_temp%'
		      AND has_schema_privilege('cpis_auditor', n.oid, 'CREATE')
		    UNION ALL
		    SELECT 'member of ' || m.roleid::regrole::text
		    FROM pg_auth_members AS m
		    WHERE m.member = 'cpis_auditor'::regrole
		    UNION ALL
		    SELECT 'database: ' || p
		    FROM unnest(ARRAY['CREATE', 'TEMPORARY']) AS p
		    WHERE has_database_privilege('cpis_auditor', current_database(), p)
		    UNION ALL
		    SELECT 'may ' || k
		    FROM pg_roles AS r
		    CROSS JOIN LATERAL (VALUES ('all', r.rolsuper), ('make roles', r.rolcreaterole),
		        ('make databases', r.rolcreatedb), ('see all rows', r.rolbypassrls), ('replicate', r.rolreplication)) AS v (k, has)
		    WHERE r.rolname = 'cpis_auditor'
		      AND v.has
		) AS rights`)
	if len(got) > 0 {
		t.Errorf("the auditor's role has rights: %q", got)
	}
	if on := query[string](t, connect(t, f.data.Auditor), `SELECT current_setting('default_transaction_read_only')`); on != "on" {
		t.Errorf("its sessions are not read-only by themselves: %s", on)
	}
}

// A table that a later migration makes belongs into one of the lists above.
func TestEveryTableIsListedForTheAuditor(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	got := query[[]string](t, f.admin, `
		SELECT array_agg(relname::text ORDER BY relname::text)
		FROM pg_class
		WHERE relnamespace = 'cpis'::regnamespace
		  AND relkind IN ('r', 'p')
		  AND NOT relispartition`)
	want := slices.Concat(auditorReads, auditorDoesNotRead)
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("tables (-listed +there):\n%s", diff)
	}
}

// expectForbidden runs a statement, alone, and expects insufficient_privilege.
func expectForbidden(t *testing.T, conn *pgx.Conn, sql string) {
	t.Helper()
	_, err := conn.Exec(t.Context(), sql)
	if e, ok := errors.AsType[*pgconn.PgError](err); !ok || e.Code != "42501" {
		t.Errorf("%s: got %v, want SQLSTATE 42501", sql, err)
	}
}
