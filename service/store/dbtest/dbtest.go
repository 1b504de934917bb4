// Package dbtest gives tests real databases: [New] a fresh one with the whole
// schema, [Cluster] and [Installed] a PostgreSQL of its own for tests that crash
// it.
//
// Databases are made in the cluster that TEST_DATABASE_URL names (the address
// of a superuser), or else in a private one that is started from the installed
// binaries once for each test process and ends with it; with TEST_DATABASE_URL,
// they are left in the cluster for the next tests. If there is neither, tests are
// skipped, and fail if CI is set.
package dbtest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/url"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"cpis/deploy/dev/pgdev"
	"cpis/service/store"
)

// cleanupTimeout bounds what happens after a test, when its context is over.
const cleanupTimeout = 30 * time.Second

// Origin is the origin of the log that every database has.
const Origin = "log.example/test"

// Database is a fresh database. The fields are its addresses for the roles.
type Database struct {
	Name    string
	Admin   string // a superuser
	Owner   string // cpis_owner
	App     string // cpis_app
	Auditor string // cpis_auditor

	sessions *sessions // nil if none are kept
}

// New returns a database with the whole schema, one log and nothing else. After
// the test it is put back to that for another test, or dropped.
func New(tb testing.TB) *Database {
	tb.Helper()
	db, err := shared(tb).database(tb.Context())
	if err != nil {
		tb.Fatalf("making test database: %v", err)
	}
	tb.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(tb.Context()), cleanupTimeout)
		defer cancel()
		if err := db.release(ctx, tb.Failed()); err != nil {
			tb.Errorf("releasing test database: %v", err)
		}
	})
	return &db.Database
}

// NewUnconnected is New for a test that asks who is connected: connections of
// earlier tests are closed.
func NewUnconnected(tb testing.TB) *Database {
	tb.Helper()
	db := New(tb)
	db.sessions.close(tb.Context())
	return db
}

// Open opens a database as the service's role. Its rows have MACs, but not those
// that the service makes with its keys: see [store.DB.Guarded]. Connections may
// be those of an earlier test.
func Open(tb testing.TB, db *Database) *store.DB {
	tb.Helper()
	return db.sessions.open(tb, db.App, store.Options{AllowUnsafe: true})
}

// OpenOwner is Open as the owner's role.
func OpenOwner(tb testing.TB, db *Database) *store.DB {
	tb.Helper()
	return db.sessions.open(tb, db.Owner, store.Options{AllowUnsafe: true, Owner: true})
}

// AsSuperuser does what no part of the service can do.
func AsSuperuser(tb testing.TB, db *Database, do func(*pgx.Conn) error) {
	tb.Helper()
	if err := db.sessions.asSuperuser(tb.Context(), db.Admin, do); err != nil {
		tb.Fatalf("as superuser: %v", err)
	}
}

// OpenURL opens a database at an address, with connections of the test's own,
// and closes it after the test.
func OpenURL(tb testing.TB, url string, opts store.Options) *store.DB {
	tb.Helper()
	opened, err := store.Open(tb.Context(), url, opts)
	if err != nil {
		tb.Fatalf("opening test database: %v", err)
	}
	tb.Cleanup(opened.Close)
	return opened.Guarded(macs{}, func(string) {})
}

// macs makes MACs of rows under no key, for tests that need none.
type macs struct{}

// RowMAC implements store.MACs.
func (macs) RowMAC(text []byte) []byte {
	sum := sha256.Sum256(text)
	return sum[:]
}

// VerifiesRow implements store.MACs.
func (m macs) VerifiesRow(text, mac []byte) bool { return bytes.Equal(m.RowMAC(text), mac) }

// Cluster starts a PostgreSQL of the test's own, which it may crash and
// restart. fsync is on unless opts say otherwise.
func Cluster(tb testing.TB, opts pgdev.Options) *pgdev.Cluster {
	tb.Helper()
	needPostgreSQL(tb)
	if opts.Dir == "" {
		opts.Dir = Dir(tb)
	}
	opts.Temporary = true
	c, err := pgdev.Start(tb.Context(), opts)
	if err != nil {
		tb.Fatalf("starting test cluster: %v", err)
	}
	StopAfter(tb, c)
	return c
}

// StopAfter stops a cluster after the test.
func StopAfter(tb testing.TB, c *pgdev.Cluster) {
	tb.Helper()
	tb.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(tb.Context()), cleanupTimeout)
		defer cancel()
		if err := c.Stop(ctx); err != nil {
			tb.Errorf("stopping test cluster: %v", err)
		}
	})
}

// Installed starts a PostgreSQL of the test's own with a database that has the
// whole schema and one log. It is a copy of one that is made once for each test
// process.
func Installed(tb testing.TB, opts pgdev.Options) (*pgdev.Cluster, *Database) {
	tb.Helper()
	needPostgreSQL(tb)
	from, err := installed()
	if err != nil {
		tb.Fatalf("making the cluster that others are copied from: %v", err)
	}
	opts.From = from
	c := Cluster(tb, opts)
	db, err := serverAt(c.AdminURL()).describe(installedName)
	if err != nil {
		tb.Fatalf("finding test database: %v", err)
	}
	return c, &db.Database
}

// installedName is the name of the database in clusters that are copied.
const installedName = "cpis"

// installed is the cluster that others are copied from. It rests.
var installed = sync.OnceValues(func() (*pgdev.Cluster, error) {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "cpis-test-pg-")
	if err != nil {
		return nil, err
	}
	c, err := pgdev.Start(ctx, pgdev.Options{Dir: dir, Temporary: true})
	if err != nil {
		return nil, err
	}
	if _, err := serverAt(c.AdminURL()).build(ctx, installedName); err != nil {
		return nil, errors.Join(err, c.Stop(ctx))
	}
	return c, c.Rest(ctx)
})

// shared is the server that databases of this process are made in.
func shared(tb testing.TB) *server {
	tb.Helper()
	if admin := os.Getenv("TEST_DATABASE_URL"); admin != "" {
		return serverAt(admin)
	}
	needPostgreSQL(tb)
	s, err := private()
	if err != nil {
		tb.Fatalf("starting PostgreSQL for tests: %v", err)
	}
	return s
}

// private is the cluster of this process. It outlives the test that asked
// first, and ends with the process.
var private = sync.OnceValues(func() (*server, error) {
	dir, err := os.MkdirTemp("", "cpis-test-pg-")
	if err != nil {
		return nil, err
	}
	c, err := pgdev.Start(context.Background(), pgdev.Options{Dir: dir, Fast: true, Temporary: true})
	if err != nil {
		return nil, err
	}
	return serverAt(c.AdminURL()), nil
})

// Dir makes a directory for a cluster. A temporary cluster removes it.
func Dir(tb testing.TB) string {
	tb.Helper()
	// Not tb.TempDir: another user, who runs PostgreSQL for root, must get in.
	dir, err := os.MkdirTemp("", "cpis-test-pg-") //nolint:usetesting // see above.
	if err != nil {
		tb.Fatalf("making directory for test cluster: %v", err)
	}
	return dir
}

// needPostgreSQL skips the test where there is no PostgreSQL to start.
func needPostgreSQL(tb testing.TB) {
	tb.Helper()
	_, err := pgdev.Binaries()
	switch {
	case err == nil:
	case os.Getenv("CI") != "":
		tb.Fatalf("%v, and TEST_DATABASE_URL is not set", err)
	default:
		tb.Skipf("%v; or set TEST_DATABASE_URL to the address of a superuser", err)
	}
}

// address is an address like another for another user and database.
func address(admin, user, password, database string) (string, error) {
	u, err := url.Parse(admin)
	if err != nil || u.Scheme == "" {
		return "", fmt.Errorf("TEST_DATABASE_URL must be a URL: postgres://user@host/database")
	}
	if user != "" {
		u.User = url.UserPassword(user, password)
	}
	u.Path = "/" + database
	return u.String(), nil
}

// execute runs one statement on a connection of its own.
func execute(ctx context.Context, url, sql string) error {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	_, err = conn.Exec(ctx, sql)
	return joinClose(ctx, conn, err)
}
