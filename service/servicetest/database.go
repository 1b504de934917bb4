package servicetest

import (
	"github.com/jackc/pgx/v5"

	"cpis/service/store"
	"cpis/service/store/dbtest"
)

// Held is how much is held.
type Held struct{ Persons, PersonVersions, Plans, PlanVersions, Answers int }

// Held counts what is held.
func (f *databaseSteps) Held() Held {
	f.TB.Helper()
	var h Held
	f.AsSuperuser(func(conn *pgx.Conn) error {
		return conn.QueryRow(f.TB.Context(), `
			SELECT (SELECT count(*) FROM cpis.person),
			       (SELECT count(*) FROM cpis.person_version),
			       (SELECT count(*) FROM cpis.plan),
			       (SELECT count(*) FROM cpis.plan_version),
			       (SELECT count(*) FROM cpis.idempotency)`).
			Scan(&h.Persons, &h.PersonVersions, &h.Plans, &h.PlanVersions, &h.Answers)
	})
	return h
}

// Exec runs SQL as a superuser: what no part of the service can do.
func (f *databaseSteps) Exec(sql string, args ...any) {
	f.TB.Helper()
	f.AsSuperuser(func(conn *pgx.Conn) error {
		_, err := conn.Exec(f.TB.Context(), sql, args...)
		return err
	})
}

// Pretend runs SQL as a superuser as if the service had done what it does: all rows
// get MACs as they are then.
func (f *databaseSteps) Pretend(sql string, args ...any) {
	f.TB.Helper()
	f.EachGuarded(`ALTER TABLE cpis.%[1]s DROP CONSTRAINT IF EXISTS %[1]s_mac_check`)
	f.Exec(sql, args...)
	f.EachGuarded(`UPDATE cpis.%s SET mac = NULL`)
	f.Tx(f.owner(), func(tx *store.Tx) error {
		_, _, err := tx.MACs.Make(f.TB.Context())
		return err
	})
}

// owner opens the database as its owner.
func (f *databaseSteps) owner() *store.DB {
	f.TB.Helper()
	return dbtest.OpenOwner(f.TB, f.Database).Guarded(f.Ring, func(string) { f.Damaged.Add(1) })
}

// EachGuarded runs SQL for every table whose rows have MACs.
func (f *databaseSteps) EachGuarded(format string) {
	f.TB.Helper()
	f.Exec(`DO $do$
		DECLARE t text;
		BEGIN
		    FOR t IN SELECT table_name FROM information_schema.columns WHERE table_schema = 'cpis' AND column_name = 'mac' LOOP
		        EXECUTE replace(replace(` + "'" + format + "'" + `, '%[1]s', t), '%s', t);
		    END LOOP;
		END $do$`)
}

// AsSuperuser does what no part of the service can do.
func (f *databaseSteps) AsSuperuser(do func(*pgx.Conn) error) {
	f.TB.Helper()
	dbtest.AsSuperuser(f.TB, f.Database, do)
}

// HoldLog keeps everybody from appending to the log until it is released.
func (f *databaseSteps) HoldLog() (release func()) {
	f.TB.Helper()
	return f.all.Hold(`SELECT FROM cpis.log_head FOR UPDATE`)
}

// WaitForBlocked waits until n transactions wait for others.
func (f *databaseSteps) WaitForBlocked(n int) {
	f.TB.Helper()
	f.AsSuperuser(func(conn *pgx.Conn) error {
		for blocked := 0; blocked != n; {
			err := conn.QueryRow(f.TB.Context(), `
				SELECT count(*)
				FROM pg_stat_activity
				WHERE datname = current_database() AND wait_event_type = 'Lock'`).Scan(&blocked)
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// Count counts the rows of a table.
func (f *databaseSteps) Count(table string) (n int) {
	f.TB.Helper()
	f.AsSuperuser(func(conn *pgx.Conn) error {
		return conn.QueryRow(f.TB.Context(), `SELECT count(*) FROM cpis.`+pgx.Identifier{table}.Sanitize()).Scan(&n)
	})
	return n
}

// Dump returns the rows of a table as text.
func (f *databaseSteps) Dump(table string) (rows []string) {
	f.TB.Helper()
	f.AsSuperuser(func(conn *pgx.Conn) error {
		found, err := conn.Query(f.TB.Context(), `SELECT t::text FROM cpis.`+pgx.Identifier{table}.Sanitize()+` AS t`)
		if err != nil {
			return err
		}
		rows, err = pgx.CollectRows(found, pgx.RowTo[string])
		return err
	})
	return rows
}
