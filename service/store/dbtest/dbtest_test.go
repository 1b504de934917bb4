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

// execute runs a statement and gives the number of its rows.
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
