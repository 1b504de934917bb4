package dbtest

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/jackc/pgx/v5"

	"cpis/deploy/postgres"
	"cpis/service/store"
)

// server is a cluster that databases are made in.
type server struct {
	admin string // address of a superuser

	mu    sync.Mutex      // held while what follows is used
	conn  *pgx.Conn       // of the superuser, in its own database; nil until it is needed
	owned map[string]bool // names of the databases that belong to this process
	free  []*made         // those that wait for a test
	state *state          // of a database before a test; nil until it is needed
}

// servers holds the servers of this process, so that each has one connection:
// starting a session costs PostgreSQL more than most tests do.
var servers sync.Map // address of the superuser → *server

func serverAt(admin string) *server {
	known, _ := servers.LoadOrStore(admin, &server{admin: admin, owned: map[string]bool{}})
	s, _ := known.(*server) // nothing else is stored
	return s
}

// do runs fn on the superuser's connection, one at a time.
func (s *server) do(ctx context.Context, fn func(*pgx.Conn) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conn == nil || s.conn.IsClosed() {
		conn, err := pgx.Connect(ctx, s.admin)
		if err != nil {
			return err
		}
		s.conn = conn
	}
	return fn(s.conn)
}

// made is a database that this process made, or took over from another.
type made struct {
	Database

	server *server
	quoted string
}

// testPrefix begins the names of databases that a test uses.
const testPrefix = "cpis_test_"

func newName() string {
	return testPrefix + store.SchemaHash() + "_" + strings.ToLower(rand.Text()[:12])
}

// clone copies the template. That is made once for each state of the
// migrations, under a lock, and shared by all test processes that use the
// cluster.
func (s *server) clone(ctx context.Context, template string) (*made, error) {
	name := newName()
	err := s.do(ctx, func(conn *pgx.Conn) error {
		if _, err := s.own(ctx, conn, name); err != nil {
			return err
		}
		_, err := conn.Exec(ctx, fmt.Sprintf(`CREATE DATABASE %s TEMPLATE %s`, name, template))
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("cloning template: %w", err)
	}
	// Rights on a database are not cloned with it.
	if err := store.Prepare(ctx, s.admin, name, ""); err != nil {
		return nil, err
	}
	return s.describe(name)
}

// describe returns the addresses of a database.
func (s *server) describe(name string) (*made, error) {
	m := &made{Database: Database{Name: name, sessions: &sessions{}}, server: s, quoted: pgx.Identifier{name}.Sanitize()}
	for _, role := range []struct {
		url  *string
		name string
	}{{&m.Admin, ""}, {&m.Owner, "cpis_owner"}, {&m.App, "cpis_app"}, {&m.Auditor, "cpis_auditor"}} {
		var err error
		if *role.url, err = address(s.admin, role.name, s.password(role.name), name); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// password returns a role's password: the same in all processes that share a
// cluster, and known to all who know the superuser's.
func (s *server) password(role string) string {
	sum := sha256.Sum256([]byte(role + "\x00" + s.admin))
	return hex.EncodeToString(sum[:12])
}

// template returns the name of the template, and makes it if it is missing. A
// half-made one has another name, so that a test that was killed leaves nothing
// that looks whole.
func (s *server) template(ctx context.Context) (string, error) {
	name := "cpis_template_" + store.SchemaHash()
	conn, err := pgx.Connect(ctx, s.admin)
	if err != nil {
		return "", err
	}
	_, err = conn.Exec(ctx, `SELECT pg_advisory_lock(hashtext('cpis test template'))`) // until the connection closes
	if err == nil {
		err = s.ensureTemplate(ctx, conn, name)
	}
	return name, joinClose(ctx, conn, err)
}

func (s *server) ensureTemplate(ctx context.Context, conn *pgx.Conn, name string) error {
	var exists bool
	err := conn.QueryRow(ctx, `SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1 AND shobj_description(oid, 'pg_database') IS NOT NULL)`, name).Scan(&exists)
	if err != nil || exists {
		return err
	}
	building := name + "_building"
	for _, old := range []string{name, building} {
		if _, err := conn.Exec(ctx, `DROP DATABASE IF EXISTS `+old+` WITH (FORCE)`); err != nil {
			return err
		}
	}
	m, err := s.build(ctx, building)
	if err != nil {
		return err
	}
	if err := m.noteState(ctx, conn); err != nil {
		return err
	}
	_, err = conn.Exec(ctx, fmt.Sprintf(`ALTER DATABASE %s RENAME TO %s`, building, name))
	return err
}

// build makes a database as an operator would.
func (s *server) build(ctx context.Context, name string) (*made, error) {
	if err := store.Prepare(ctx, s.admin, name, postgres.Roles); err != nil {
		return nil, err
	}
	for _, role := range []string{"cpis_owner", "cpis_app", "cpis_auditor"} {
		if err := execute(ctx, s.admin, fmt.Sprintf(`ALTER ROLE %s PASSWORD '%s'`, role, s.password(role))); err != nil {
			return nil, err
		}
	}
	m, err := s.describe(name)
	if err != nil {
		return nil, err
	}
	if err := store.Migrate(ctx, m.Owner); err != nil {
		return nil, err
	}
	db, err := store.Open(ctx, m.Owner, store.Options{AllowUnsafe: true, Owner: true})
	if err != nil {
		return nil, err
	}
	defer db.Close()
	return m, db.Tx(ctx, func(tx *store.Tx) error {
		_, err := tx.Logs.Create(ctx, Origin)
		return err
	})
}

func joinClose(ctx context.Context, conn *pgx.Conn, err error) error {
	return errors.Join(err, conn.Close(ctx))
}
