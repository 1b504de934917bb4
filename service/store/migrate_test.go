package store_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"cpis/deploy/dev/pgdev"
	"cpis/service/store"
	"cpis/service/store/dbtest"
)

var update = flag.Bool("update", false, "write schema.sql anew")

// schema.sql is for reading: the schema that all migrations make.
func TestSchemaIsAsDumped(t *testing.T) {
	t.Parallel()
	c, data := dbtest.Installed(t, pgdev.Options{Fast: true})
	dump := c.Command(t.Context(), "pg_dump", "--schema-only", "--schema=cpis", "--no-owner",
		"--exclude-table=cpis.entry_l*", "--exclude-table=cpis.schema_version", "--exclude-table=cpis.schema_version_id_seq", data.Name)
	dump.Stderr = os.Stderr
	out, err := dump.Output()
	if err != nil {
		t.Fatal(err)
	}
	got := normalise(out)
	if *update {
		if err := os.WriteFile("schema.sql", got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile("schema.sql")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("schema.sql is out of date; go test -run SchemaIsAsDumped -update (-want +got):\n%s", diff)
	}
}

var noise = regexp.MustCompile(`(?m)^(--.*|SET .*|SELECT pg_catalog.set_config.*|\\(un)?restrict .*|ALTER TABLE ONLY cpis.entry ATTACH PARTITION .*)\n`)

// normalise removes what differs between versions of pg_dump.
func normalise(dump []byte) []byte {
	out := noise.ReplaceAll(dump, nil)
	out = regexp.MustCompile(`\n{3,}`).ReplaceAll(out, []byte("\n\n"))
	header := "-- The schema that the migrations make, for reading. Written by\n-- go test ./service/store -run SchemaIsAsDumped -update\n\n"
	return append([]byte(header), bytes.TrimLeft(out, "\n")...)
}

func TestMigrationsAreNumberedAndExplained(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("migrations/*.sql")
	if err != nil || len(files) == 0 {
		t.Fatalf("migrations: got %d, %v", len(files), err)
	}
	for i, path := range files {
		number, _, _ := strings.Cut(filepath.Base(path), "_")
		if n, err := strconv.Atoi(number); err != nil || n != i+1 {
			t.Errorf("%s: want number %d", path, i+1)
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !regexp.MustCompile(`(?s)^-- \+goose Up\n\n-- Why: .*\n-- Locks: .*\n-- Takes: `).Match(text) {
			t.Errorf("%s: does not begin by saying why, what it locks and how long it takes", path)
		}
		if bytes.Contains(text, []byte("+goose Down")) {
			t.Errorf("%s: goes down, which a log cannot", path)
		}
	}
	if len(files) != store.NewestSchema {
		t.Errorf("newest schema that the program knows: got %d, want %d", store.NewestSchema, len(files))
	}
}

func TestMigrateMayRunAgainAndByMany(t *testing.T) {
	t.Parallel()
	data := dbtest.New(t)
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			for _, url := range []string{data.Owner, data.Admin} { // the owner, and who may act as it
				if err := store.Migrate(t.Context(), url); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if err := store.Migrate(t.Context(), data.App); err == nil {
		t.Error("migrating as the service: got no error")
	}
	admin := connect(t, data.Admin)
	owners := query[string](t, admin, `
		SELECT string_agg(DISTINCT pg_get_userbyid(relowner), ' ')
		FROM pg_class
		WHERE relnamespace = 'cpis'::regnamespace`)
	if owners != "cpis_owner" {
		t.Errorf("owners of the schema: got %s, want cpis_owner alone", owners)
	}
}

// A dump leaves out who may do what with the database itself, so whoever owns
// the schema of a restored one may not make schemas there.
func TestMigrateARestoredDatabase(t *testing.T) {
	t.Parallel()
	data := dbtest.New(t)
	admin := connect(t, data.Admin)
	if _, err := admin.Exec(t.Context(), `REVOKE CREATE ON DATABASE `+pgx.Identifier{data.Name}.Sanitize()+` FROM cpis_owner`); err != nil {
		t.Fatal(err)
	}
	if err := store.Migrate(t.Context(), data.Owner); err != nil {
		t.Error(err)
	}
}

func TestPartitionsAreMadeAhead(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	// As if the log had come to the last partition but one.
	f.exec(`
		UPDATE cpis.log_head
		SET size = 8 * (1::bigint << 26) - 2,
		    frontier = decode(repeat('00', 32 * bit_count((8 * (1::bigint << 26) - 2)::bit(64))::int), 'hex')`)
	if _, err := store.EnsurePartitions(t.Context(), f.data.App, 4); err == nil {
		t.Error("making partitions as the service: got no error")
	}
	for _, want := range []int{3, 0} {
		made, err := store.EnsurePartitions(t.Context(), f.data.Owner, 4)
		if err != nil || made != want {
			t.Errorf("partitions made: got %d, %v; want %d", made, err, want)
		}
	}
	if got := f.count(`SELECT count(*) FROM pg_inherits WHERE inhparent = 'cpis.entry_l1'::regclass`); got != 12 {
		t.Errorf("partitions: got %d, want 12", got)
	}
	// The new ones are like the old ones.
	if got := f.count(`SELECT count(DISTINCT n) FROM (
		SELECT (SELECT count(*) FROM pg_index WHERE indrelid = i.inhrelid)::text
		    || (SELECT count(*) FROM pg_constraint WHERE conrelid = i.inhrelid)::text
		FROM pg_inherits AS i
		WHERE i.inhparent = 'cpis.entry_l1'::regclass) AS t (n)`); got != 1 {
		t.Errorf("kinds of partitions: got %d, want one", got)
	}
	f.exec(`
		INSERT INTO cpis.entry (log, idx, line)
		SELECT 1, 9 * (1::bigint << 26) + n, 'x'
		FROM generate_series(-1, 1) AS n`) // across the border
}

// What a database of the version before holds of several logs, across a border of
// partitions, stands in partitions of each log afterwards, byte for byte.
func TestMigrationGivesEachLogItsPartitions(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	owner := connect(t, f.data.Owner)
	for _, sql := range []string{
		`DROP TABLE cpis.entry, cpis.retention, cpis.set_aside`,
		`CREATE TABLE cpis.entry (
		    log smallint NOT NULL, idx bigint NOT NULL, line bytea NOT NULL, subject bytea,
		    PRIMARY KEY (log, idx), CHECK (idx >= 0 AND octet_length(line) > 0)
		) PARTITION BY RANGE (idx)`,
		`CREATE TABLE cpis.entry_p0000 PARTITION OF cpis.entry FOR VALUES FROM (0) TO (67108864)`,
		`CREATE TABLE cpis.entry_p0001 PARTITION OF cpis.entry FOR VALUES FROM (67108864) TO (134217728)`,
		`INSERT INTO cpis.log (id, origin) VALUES (2, 'log.example/second')`,
		`INSERT INTO cpis.log_head (log, size, frontier, root) VALUES (2, 0, '', sha256(''))`,
		`INSERT INTO cpis.entry (log, idx, line, subject)
		 SELECT l, i, convert_to(l || ' ' || i, 'UTF8'), CASE i % 2 WHEN 0 THEN sha256('x') END
		 FROM generate_series(1, 2) AS l, unnest(ARRAY[0, 1, 67108863, 67108864]::bigint[]) AS i`,
	} {
		_, err := owner.Exec(t.Context(), sql)
		f.must(err)
	}
	const all = `SELECT string_agg(concat_ws(' ', log, idx, line, subject), ',' ORDER BY log, idx) FROM cpis.entry`
	before := query[string](t, owner, all)
	f.must(runMigration(t, owner, "entries_of_a_log"))
	if diff := cmp.Diff(before, query[string](t, owner, all)); diff != "" {
		t.Errorf("entries (-before +after):\n%s", diff)
	}
	for _, c := range []struct {
		table string
		want  int
	}{{"entry_l1", 4}, {"entry_l2", 4}, {"entry_l1_p0000", 3}, {"entry_l2_p0001", 1}} {
		if got := f.count(`SELECT count(*) FROM cpis.` + c.table); got != c.want {
			t.Errorf("%s holds %d entries, want %d", c.table, got, c.want)
		}
	}
	if made, err := store.EnsurePartitions(t.Context(), f.data.Owner, 8); err != nil || made != 14 {
		t.Errorf("partitions made ahead: %d, %v, want 7 of each log", made, err)
	}
}

// runMigration runs one migration again, whatever came after it.
func runMigration(t *testing.T, conn *pgx.Conn, name string) error {
	t.Helper()
	files, err := filepath.Glob("migrations/*_" + name + ".sql")
	if err != nil || len(files) != 1 {
		t.Fatalf("migration %s: %v, %v", name, files, err)
	}
	text, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	_, err = conn.PgConn().Exec(t.Context(), string(text)).ReadAll()
	return err
}
