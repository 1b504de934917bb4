package dbtest

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"github.com/jackc/pgx/v5"

	"cpis/service/store"
)

// Cloning a database costs ten times what emptying one does, and most tests
// only write a few rows. So a database is put back after its test to what it was
// before, and left, under a name that says so, to whichever test process of the
// cluster asks next. It is dropped if the test changed more than rows, or wrote
// many.

// state is what a database looks like before a test.
type state struct {
	shape     string
	tables    []table
	sequences []string // statements that set them
}

// A table is a table of the schema with the rows that it has before a test.
type table struct {
	name string // quoted
	rows string // JSON; empty if there are none
}

// states holds the state of new databases by the superuser's address.
var states sync.Map // string → *state

// idle returns the first part of the names of databases that wait for a test.
func idle() string { return "cpis_idle_" + store.SchemaHash() + "_" }

// claim returns a database that waits for a test, or nil if there is none.
// Renaming decides between two that want the same.
func (s *server) claim(ctx context.Context) (*made, error) {
	var found *made
	err := s.do(ctx, func(conn *pgx.Conn) error {
		names, err := list(ctx, conn, `SELECT datname FROM pg_database WHERE starts_with(datname, '`+idle()+`') ORDER BY random()`)
		for _, name := range names {
			claimed := newName()
			if _, failed := conn.Exec(ctx, `ALTER DATABASE `+name+` RENAME TO `+claimed); failed == nil {
				found, err = s.describe(claimed)
				break
			}
		}
		return err
	})
	return found, err
}

// release puts a database back to what it was and leaves it to the next test,
// or drops it if that cannot be done.
func (m *made) release(ctx context.Context) error {
	restored, err := m.restore(ctx)
	return m.server.do(ctx, func(conn *pgx.Conn) error {
		if err == nil && restored {
			name := idle() + strings.TrimPrefix(m.Name, testPrefix)
			if _, err := conn.Exec(ctx, `ALTER DATABASE `+m.quoted+` RENAME TO `+name); err == nil {
				return nil
			}
		}
		_, err := conn.Exec(ctx, `DROP DATABASE IF EXISTS `+m.quoted+` WITH (FORCE)`)
		return err
	})
}

// maxReused is the size in bytes above which a database is dropped: a new one
// has about 11 MB.
const maxReused = 24 << 20

// shape sums up all that restoring does not undo: relations with their columns,
// constraints, rights and settings, and functions. What PostgreSQL brings along
// is left out.
const shape = `
	WITH space AS (
	    SELECT oid, nspname, nspacl FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'
	),
	relation AS (
	    SELECT * FROM pg_class WHERE relnamespace IN (SELECT oid FROM space)
	)
	SELECT md5(concat(
	    (SELECT string_agg(concat(s.nspname, s.nspacl), ',' ORDER BY s.oid) FROM space AS s),
	    (SELECT string_agg(concat(c.oid, c.relname, c.relkind, c.relowner, c.relacl, c.reloptions, c.relpartbound), ',' ORDER BY c.oid)
	     FROM relation AS c),
	    (SELECT string_agg(concat(a.attrelid, a.attname, a.attnotnull, a.atttypid, a.attacl), ',' ORDER BY a.attrelid, a.attnum)
	     FROM pg_attribute AS a JOIN relation AS c ON c.oid = a.attrelid),
	    (SELECT string_agg(concat(k.oid, k.convalidated, pg_get_constraintdef(k.oid)), ',' ORDER BY k.oid)
	     FROM pg_constraint AS k WHERE k.connamespace IN (SELECT oid FROM space)),
	    (SELECT string_agg(concat(t.oid, t.tgenabled), ',' ORDER BY t.oid) FROM pg_trigger AS t),
	    (SELECT string_agg(concat(p.oid, p.prosrc, p.proacl), ',' ORDER BY p.oid)
	     FROM pg_proc AS p WHERE p.pronamespace IN (SELECT oid FROM space)),
	    (SELECT concat(d.datacl, d.datdba, d.datconnlimit) FROM pg_database AS d WHERE d.datname = current_database()),
	    (SELECT string_agg(concat(s.setrole, s.setconfig), ',' ORDER BY s.setrole)
	     FROM pg_db_role_setting AS s JOIN pg_database AS d ON d.oid = s.setdatabase WHERE d.datname = current_database())
	))`

// remember gives a database its state: the one that all new ones have, read from
// the first that this process sees.
func (m *made) remember(ctx context.Context) error {
	if known, ok := states.Load(m.server.admin); ok {
		m.state, _ = known.(*state) // nothing else is stored
		return nil
	}
	conn, err := pgx.Connect(ctx, m.Admin)
	if err != nil {
		return err
	}
	if m.state, err = stateOf(ctx, conn); err == nil {
		states.Store(m.server.admin, m.state)
	}
	return joinClose(ctx, conn, err)
}

func stateOf(ctx context.Context, conn *pgx.Conn) (*state, error) {
	s := &state{}
	if err := conn.QueryRow(ctx, shape).Scan(&s.shape); err != nil {
		return nil, fmt.Errorf("reading the shape: %w", err)
	}
	names, err := list(ctx, conn, `
		SELECT c.oid::regclass::text
		FROM pg_class AS c
		WHERE c.relnamespace = 'cpis'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
		ORDER BY c.oid`)
	if err != nil {
		return nil, fmt.Errorf("listing tables: %w", err)
	}
	for _, name := range names {
		t := table{name: name}
		sql := `SELECT coalesce(json_agg(t ORDER BY t::text)::text, '') FROM ` + name + ` AS t`
		if err := conn.QueryRow(ctx, sql).Scan(&t.rows); err != nil {
			return nil, fmt.Errorf("reading %s: %w", name, err)
		}
		s.tables = append(s.tables, t)
	}
	s.sequences, err = sequences(ctx, conn)
	return s, err
}

// sequences returns the statements that set each sequence to what it is now.
func sequences(ctx context.Context, conn *pgx.Conn) ([]string, error) {
	names, err := list(ctx, conn, `
		SELECT c.oid::regclass::text FROM pg_class AS c WHERE c.relnamespace = 'cpis'::regnamespace AND c.relkind = 'S' ORDER BY c.oid`)
	if err != nil {
		return nil, fmt.Errorf("listing sequences: %w", err)
	}
	var set []string
	for _, name := range names {
		var sql string
		err := conn.QueryRow(ctx, `SELECT format('SELECT setval(%L, %s, %L)', '`+name+`', last_value, is_called) FROM `+name).Scan(&sql)
		if err != nil {
			return nil, fmt.Errorf("reading %s: %w", name, err)
		}
		set = append(set, sql)
	}
	return set, nil
}

func list(ctx context.Context, conn *pgx.Conn, sql string) ([]string, error) {
	rows, err := conn.Query(ctx, sql)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

// restore puts the rows back that were there before the test. It says whether
// that was possible: what a test has changed in the schema, and what has grown,
// is not undone.
func (m *made) restore(ctx context.Context) (bool, error) {
	conn, err := pgx.Connect(ctx, m.Admin)
	if err != nil {
		return false, err
	}
	ok, err := m.state.restore(ctx, conn)
	return ok, joinClose(ctx, conn, err)
}

// alone ends all other connections to the database: programs that were killed
// leave some.
const alone = `
	SELECT coalesce(bool_and(pg_terminate_backend(a.pid, 5000)), true)
	FROM pg_stat_activity AS a
	WHERE a.datname = current_database() AND a.pid <> pg_backend_pid() AND a.backend_type = 'client backend'`

func (s *state) restore(ctx context.Context, conn *pgx.Conn) (bool, error) {
	var ended bool
	if err := conn.QueryRow(ctx, alone).Scan(&ended); err != nil || !ended {
		return false, err
	}
	var now string
	var size int64
	if err := conn.QueryRow(ctx, shape).Scan(&now); err != nil || now != s.shape {
		return false, err
	}
	if err := conn.QueryRow(ctx, `SELECT pg_database_size(current_database())`).Scan(&size); err != nil || size > maxReused {
		return false, err
	}
	batch := &pgx.Batch{}
	batch.Queue(`SET session_replication_role = replica`) // no foreign key decides the order
	for _, t := range s.tables {
		batch.Queue(`DELETE FROM ` + t.name)
	}
	for _, t := range s.tables {
		if t.rows != "" {
			batch.Queue(`INSERT INTO `+t.name+` OVERRIDING SYSTEM VALUE SELECT * FROM json_populate_recordset(NULL::`+t.name+`, $1::json)`, t.rows)
		}
	}
	for _, set := range s.sequences {
		batch.Queue(set)
	}
	return true, conn.SendBatch(ctx, batch).Close() // one transaction: all of it or nothing
}
