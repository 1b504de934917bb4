package dbtest

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"cpis/service/store"
)

// Cloning a database costs ten times what emptying one does, and most tests only
// write a few rows. So a database is put back after its test to what it was
// before, and left to the next test: of this process, with the connections that
// are open already, or of another one after this has ended. It is dropped if the
// test failed, changed more than rows, or wrote many.

// state is what a database looks like before a test.
type state struct {
	Shape     string
	Tables    []table
	Sequences []string // statements that set them
}

// A table is a table of the schema with the rows that it has before a test.
type table struct {
	Name string // quoted
	Rows string // JSON; empty if there are none
}

// database returns a database that an earlier test has left, or else a clone of
// the migrated template.
func (s *server) database(ctx context.Context) (*made, error) {
	if m := s.next(); m != nil {
		return m, nil
	}
	template, err := s.template(ctx)
	if err == nil {
		err = s.readState(ctx, template)
	}
	if err != nil {
		return nil, fmt.Errorf("preparing template: %w", err)
	}
	if m, err := s.takeOver(ctx); m != nil || err != nil {
		return m, err
	}
	return s.clone(ctx, template)
}

// next returns a database of this process that waits for a test, or nil.
func (s *server) next() *made {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.free) == 0 {
		return nil
	}
	last := len(s.free) - 1
	m := s.free[last]
	s.free = s.free[:last]
	return m
}

// own takes a database for this process, unless it belongs to one already. The
// lock ends with the process, however that ends.
func (s *server) own(ctx context.Context, conn *pgx.Conn, name string) (ok bool, err error) {
	if s.owned[name] {
		return false, nil
	}
	err = conn.QueryRow(ctx, `SELECT pg_try_advisory_lock(hashtext('cpis test database'), hashtext($1))`, name).Scan(&ok)
	if ok {
		s.owned[name] = true
	}
	return ok, err
}

// takeOver returns a database that a process has left which has ended, or nil.
func (s *server) takeOver(ctx context.Context) (found *made, err error) {
	err = s.do(ctx, func(conn *pgx.Conn) error {
		names, err := list(ctx, conn, `SELECT datname FROM pg_database WHERE starts_with(datname, '`+testPrefix+store.SchemaHash()+`_') ORDER BY random()`)
		for _, name := range names {
			ok, failed := s.own(ctx, conn, name)
			if failed != nil {
				return failed
			}
			if ok {
				found, err = s.describe(name)
				break
			}
		}
		return err
	})
	if found == nil || err != nil {
		return nil, err
	}
	if ok, err := found.restore(ctx); ok && err == nil {
		return found, nil
	}
	return nil, found.drop(ctx)
}

// release puts a database back to what it was and leaves it to the next test,
// or drops it if that cannot be done.
func (m *made) release(ctx context.Context, failed bool) error {
	if !failed {
		if ok, err := m.restore(ctx); ok && err == nil {
			m.server.mu.Lock()
			defer m.server.mu.Unlock()
			m.server.free = append(m.server.free, m)
			return nil
		}
	}
	return m.drop(ctx)
}

func (m *made) drop(ctx context.Context) error {
	m.sessions.close(ctx)
	return m.server.do(ctx, func(conn *pgx.Conn) error {
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

// noteState notes beside a database what it looks like: it is about to become the
// template.
func (m *made) noteState(ctx context.Context, conn *pgx.Conn) error {
	own, err := pgx.Connect(ctx, m.Admin)
	if err != nil {
		return err
	}
	s, err := stateOf(ctx, own)
	if err := joinClose(ctx, own, err); err != nil {
		return err
	}
	text, err := json.Marshal(s)
	if err != nil {
		return err
	}
	_, err = conn.Exec(ctx, `COMMENT ON DATABASE `+m.quoted+` IS '`+strings.ReplaceAll(string(text), `'`, `''`)+`'`)
	return err
}

// readState reads what the template, and so every clone, looks like.
func (s *server) readState(ctx context.Context, template string) error {
	return s.do(ctx, func(conn *pgx.Conn) error {
		if s.state != nil {
			return nil
		}
		var text string
		err := conn.QueryRow(ctx, `SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = $1`, template).Scan(&text)
		if err != nil {
			return err
		}
		return json.Unmarshal([]byte(text), &s.state)
	})
}

func stateOf(ctx context.Context, conn *pgx.Conn) (*state, error) {
	s := &state{}
	if err := conn.QueryRow(ctx, shape).Scan(&s.Shape); err != nil {
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
		t := table{Name: name}
		sql := `SELECT coalesce(json_agg(t ORDER BY t::text)::text, '') FROM ` + name + ` AS t`
		if err := conn.QueryRow(ctx, sql).Scan(&t.Rows); err != nil {
			return nil, fmt.Errorf("reading %s: %w", name, err)
		}
		s.Tables = append(s.Tables, t)
	}
	s.Sequences, err = sequences(ctx, conn)
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

// restore puts the rows back that were there before the test. It reports whether
// that was possible: what a test has changed in the schema, and what has grown,
// is not undone.
func (m *made) restore(ctx context.Context) (ok bool, err error) {
	err = m.sessions.asSuperuser(ctx, m.Admin, func(conn *pgx.Conn) error {
		ok, err = m.server.state.restore(ctx, conn)
		return err
	})
	return ok, err
}

// busy counts the sessions that are at work. Programs that were killed leave some
// for a moment.
const busy = `
	SELECT count(*)
	FROM pg_stat_activity
	WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend' AND state <> 'idle'`

// patience is how often busy sessions are counted before a database is given up.
const patience = 100

func awaitIdle(ctx context.Context, conn *pgx.Conn) (bool, error) {
	for range patience {
		var n int
		if err := conn.QueryRow(ctx, busy).Scan(&n); err != nil || n == 0 {
			return n == 0, err
		}
		if _, err := conn.Exec(ctx, `SELECT pg_sleep(0.01)`); err != nil {
			return false, err
		}
	}
	return false, nil
}

func (s *state) restore(ctx context.Context, conn *pgx.Conn) (bool, error) {
	if ok, err := awaitIdle(ctx, conn); !ok {
		return false, err
	}
	var now string
	var size int64
	if err := conn.QueryRow(ctx, shape).Scan(&now); err != nil || now != s.Shape {
		return false, err
	}
	if err := conn.QueryRow(ctx, `SELECT pg_database_size(current_database())`).Scan(&size); err != nil || size > maxReused {
		return false, err
	}
	batch := &pgx.Batch{}
	batch.Queue(`SET session_replication_role = replica`) // until it is kept: no foreign key decides the order
	for _, t := range s.Tables {
		batch.Queue(`DELETE FROM ` + t.Name)
	}
	for _, t := range s.Tables {
		if t.Rows != "" {
			batch.Queue(`INSERT INTO `+t.Name+` OVERRIDING SYSTEM VALUE SELECT * FROM json_populate_recordset(NULL::`+t.Name+`, $1::json)`, t.Rows)
		}
	}
	for _, set := range s.Sequences {
		batch.Queue(set)
	}
	return true, conn.SendBatch(ctx, batch).Close() // one transaction: all of it or nothing
}
