package dbtest_test

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"

	"cpis/deploy/dev/pgdev"
	"cpis/service/store/dbtest"
)

func TestDatabasesAreApart(t *testing.T) {
	t.Parallel()
	a, b := dbtest.New(t), dbtest.New(t)
	if a.Name == b.Name {
		t.Fatalf("two databases have one name: %s", a.Name)
	}
	execute(t, a.Owner, `DELETE FROM cpis.log_head`)
	if got := execute(t, b.Owner, `SELECT FROM cpis.log_head`); got != 1 {
		t.Errorf("logs in the other database: got %d, want one", got)
	}
}

// What a test wrote is gone from the database that the next one is given, and
// what cannot be emptied is given to nobody.
func TestDatabasesAreLikeNew(t *testing.T) {
	c := dbtest.Cluster(t, pgdev.Options{Fast: true})
	t.Setenv("TEST_DATABASE_URL", c.AdminURL())
	for _, test := range []struct {
		change string
		idle   int64 // databases that are left for the next test
	}{
		{`SELECT`, 1},
		{`DELETE FROM cpis.log_head`, 1},
		{`INSERT INTO cpis.organisation (code, name, class, source, mac) VALUES ('TST', 'Test', 'nhs_111', 'command', '\x00')`, 1},
		{`UPDATE cpis.log SET origin = 'other.example/log'`, 1},
		{`GRANT DELETE ON cpis.entry TO cpis_app`, 0},
		{`ALTER TABLE cpis.organisation ADD COLUMN other text`, 0},
		{`CREATE TABLE public.another (id int)`, 0},
		{`ALTER TABLE cpis.entry ALTER COLUMN line DROP NOT NULL`, 0},
		{`INSERT INTO cpis.organisation (code, name, class, source, mac)
		  SELECT 'TST' || n, repeat(md5(n::text), 20), 'nhs_111', 'command', '\x00' FROM generate_series(1, 30000) AS n`, 0},
		{`SELECT`, 1},
	} {
		t.Run(test.change, func(t *testing.T) {
			data := dbtest.New(t)
			if got := execute(t, data.Admin, `SELECT FROM cpis.log AS l JOIN cpis.log_head AS h ON h.log = l.id WHERE origin = '`+dbtest.Origin+`'`); got != 1 {
				t.Errorf("logs: got %d, want that of a new database", got)
			}
			if got := execute(t, data.Admin, `SELECT FROM cpis.organisation`); got != 0 {
				t.Errorf("organisations of an earlier test: got %d, want none", got)
			}
			if got := execute(t, data.Admin, `SELECT FROM information_schema.columns WHERE column_name = 'other'`); got != 0 {
				t.Error("the schema was changed by an earlier test")
			}
			execute(t, data.Admin, test.change)
		})
		if got := execute(t, c.AdminURL(), `SELECT FROM pg_database WHERE starts_with(datname, 'cpis_test_')`); got != test.idle {
			t.Errorf("databases left after %s: got %d, want %d", test.change, got, test.idle)
		}
	}
}

// The cluster of TEST_DATABASE_URL asks for passwords.
func TestClusterOfTheEnvironmentIsUsed(t *testing.T) {
	c := dbtest.Cluster(t, pgdev.Options{Fast: true})
	t.Setenv("TEST_DATABASE_URL", c.TCPURL("postgres"))
	data := dbtest.New(t)
	for role, url := range map[string]string{
		"postgres": data.Admin, "cpis_owner": data.Owner, "cpis_app": data.App, "cpis_auditor": data.Auditor,
	} {
		if got := execute(t, url, `SELECT FROM pg_roles WHERE rolname = current_user AND rolname = '`+role+`'`); got != 1 {
			t.Errorf("%s: signed in as somebody else", role)
		}
	}
	if got := execute(t, c.AdminURL(), `SELECT FROM pg_database WHERE datname = '`+data.Name+`'`); got != 1 {
		t.Error("the database was made in another cluster")
	}
}

// execute runs a statement and returns the number of its rows.
func execute(t *testing.T, url, sql string) int64 {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(t.Context()))
	tag, err := conn.Exec(t.Context(), sql)
	if err != nil {
		t.Fatal(err)
	}
	return tag.RowsAffected()
}
