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

	"cpis/deploy/dev/pgdev"
	"cpis/service/store"
	"cpis/service/store/dbtest"
)

var update = flag.Bool("update", false, "write schema.sql anew")

// schema.sql is for reading: the schema that all migrations make.
func TestSchemaIsAsDumped(t *testing.T) {
	t.Parallel()
	c := dbtest.Cluster(t, pgdev.Options{Fast: true})
	data := dbtest.NewIn(t, c)
	dump := c.Command(t.Context(), "pg_dump", "--schema-only", "--schema=cpis", "--no-owner",
		"--exclude-table=cpis.entry_p*", "--exclude-table=cpis.schema_version", "--exclude-table=cpis.schema_version_id_seq", data.Name)
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

func TestPartitionsAreMadeAhead(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	// As if the log had come to the last partition but one.
	f.exec(`
		UPDATE cpis.log_head
		SET size = 15 * (1::bigint << 26) - 2,
		    frontier = decode(repeat('00', 32 * bit_count((15 * (1::bigint << 26) - 2)::bit(64))::int), 'hex')`)
	if _, err := store.EnsurePartitions(t.Context(), f.data.App, 4); err == nil {
		t.Error("making partitions as the service: got no error")
	}
	for _, want := range []int{3, 0} {
		made, err := store.EnsurePartitions(t.Context(), f.data.Owner, 4)
		if err != nil || made != want {
			t.Errorf("partitions made: got %d, %v; want %d", made, err, want)
		}
	}
	if got := f.count(`SELECT count(*) FROM pg_inherits WHERE inhparent = 'cpis.entry'::regclass`); got != 19 {
		t.Errorf("partitions: got %d, want 19", got)
	}
	// The new ones are like the old ones.
	if got := f.count(`SELECT count(DISTINCT n) FROM (
		SELECT (SELECT count(*) FROM pg_index WHERE indrelid = i.inhrelid)::text
		    || (SELECT count(*) FROM pg_constraint WHERE conrelid = i.inhrelid)::text
		FROM pg_inherits AS i
		WHERE i.inhparent = 'cpis.entry'::regclass) AS t (n)`); got != 1 {
		t.Errorf("kinds of partitions: got %d, want one", got)
	}
	f.exec(`
		INSERT INTO cpis.entry (log, idx, line)
		SELECT 1, 16 * (1::bigint << 26) + n, 'x'
		FROM generate_series(-1, 1) AS n`) // across the border
}
