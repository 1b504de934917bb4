package store

import (
	"context"
	"crypto/sha256"
	"database/sql" // goose speaks nothing else
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"maps"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

//go:embed migrations/*.sql
var migrations embed.FS

const (
	// ownerRole owns the schema.
	ownerRole = "cpis_owner"
	// versionTable is where goose keeps which migrations have run.
	versionTable = "cpis.schema_version"
	// oldestSchema and newestSchema are the migrations that this program works
	// with. On others it does not start, and is not ready any more: what is new
	// there may mean something that it does not know.
	oldestSchema, newestSchema = 25, 25
)

// Prepare makes ready what migrations cannot make for themselves: the roles
// (roles is the SQL that makes them) and, if it does not exist, the database,
// which only they may then use. admin is an address of the cluster with the
// rights for that. It may be called again, and by several at once.
func Prepare(ctx context.Context, admin, database, roles string) error {
	return withConn(ctx, admin, nil, func(conn *pgx.Conn) error {
		if err := run(ctx, conn, "waiting for others", `SELECT pg_advisory_lock($1)`, lock.DefaultLockID); err != nil {
			return err
		}
		if err := run(ctx, conn, "making roles", roles); err != nil {
			return err
		}
		return prepareDatabase(ctx, conn, database)
	})
}

// prepareDatabase creates the database if it is missing, and closes it to others.
func prepareDatabase(ctx context.Context, conn *pgx.Conn, database string) error {
	exists, err := one(ctx, conn, "looking for database", pgx.RowTo[bool], `
		SELECT EXISTS (SELECT FROM pg_catalog.pg_database WHERE datname = $1)`, database)
	if err != nil {
		return err
	}
	name := pgx.Identifier{database}.Sanitize()
	if !exists {
		sql := `CREATE DATABASE ` + name + ` ENCODING 'UTF8' LOCALE 'C' TEMPLATE template0`
		if err := run(ctx, conn, "making database", sql); err != nil {
			return err
		}
	}
	for _, sql := range []string{
		`REVOKE ALL ON DATABASE ` + name + ` FROM PUBLIC`,
		`GRANT CREATE ON DATABASE ` + name + ` TO cpis_owner`,
		`GRANT CONNECT ON DATABASE ` + name + ` TO cpis_owner, cpis_app, cpis_auditor`,
	} {
		if err := run(ctx, conn, "granting database", sql); err != nil {
			return err
		}
	}
	return nil
}

// Migrate brings the schema of the database at url up to date and makes
// partitions ahead of need. The user must be cpis_owner or able to act as it.
// Only one migrates at a time; others wait.
func Migrate(ctx context.Context, url string) error {
	if err := migrate(ctx, url); err != nil {
		return fmt.Errorf("migrating: %w", err)
	}
	_, err := EnsurePartitions(ctx, url, partitionsAhead)
	return err
}

func migrate(ctx context.Context, url string) error {
	cfg, err := pgx.ParseConfig(url)
	if err != nil {
		return errBadURL
	}
	cfg.RuntimeParams["role"] = ownerRole
	cfg.RuntimeParams["search_path"] = "cpis"
	// A migration that waits for a lock makes all who come after it wait too:
	// better it fails and is run again.
	cfg.RuntimeParams["lock_timeout"] = "10s"
	db := stdlib.OpenDB(*cfg)
	defer db.Close()
	if err := makeSchema(ctx, db); err != nil {
		return translate("making schema", err)
	}
	return up(ctx, db)
}

// makeSchema creates the schema if it is missing. Only then is the right to make
// one asked for: a restored database has it from nobody.
func makeSchema(ctx context.Context, db *sql.DB) error {
	var missing bool
	if err := db.QueryRowContext(ctx, `SELECT to_regnamespace('cpis') IS NULL`).Scan(&missing); err != nil || !missing {
		return err
	}
	_, err := db.ExecContext(ctx, `CREATE SCHEMA IF NOT EXISTS cpis`)
	return err
}

// up runs the migrations that are missing.
func up(ctx context.Context, db *sql.DB) error {
	locker, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(1, 300))
	if err != nil {
		return err
	}
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	provider, err := goose.NewProvider(goose.DialectPostgres, db, files,
		goose.WithSessionLocker(locker), goose.WithTableName(versionTable), goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return err
	}
	// The server's message is kept here: it quotes the schema, not people, and
	// whoever migrates must know what is wrong.
	_, err = provider.Up(ctx)
	return err
}

// checkSchema compares the schema with what this program knows.
func (db *DB) checkSchema(ctx context.Context) error {
	version, err := one(ctx, db.pool, "reading schema version", pgx.RowTo[int], `
		SELECT coalesce(max(version_id), 0)
		FROM cpis.schema_version
		WHERE is_applied`)
	switch stateOf(err) {
	case undefinedTable, invalidSchemaName, insufficientRights:
		return fmt.Errorf("%w: no migration has run", ErrSchema)
	}
	if err != nil {
		return err
	}
	if version < oldestSchema || version > newestSchema {
		return fmt.Errorf("%w: version %d, known are %d to %d", ErrSchema, version, oldestSchema, newestSchema)
	}
	return nil
}

// errBadURL stands for the driver's error, which quotes the address, and with a
// misplaced character the password.
var errBadURL = errors.New("reading database address: not a valid URL or connection string")

// withConn runs fn on a connection of its own.
func withConn(ctx context.Context, url string, settings map[string]string, fn func(*pgx.Conn) error) (err error) {
	cfg, err := pgx.ParseConfig(url)
	if err != nil {
		return errBadURL
	}
	maps.Copy(cfg.RuntimeParams, settings)
	conn, err := pgx.ConnectConfig(ctx, cfg)
	if err != nil {
		return translate("connecting", err)
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), rollbackTimeout)
		defer cancel()
		err = errors.Join(err, translate("closing connection", conn.Close(ctx)))
	}()
	return fn(conn)
}

// run executes SQL that returns no rows.
func run(ctx context.Context, conn *pgx.Conn, doing, sql string, args ...any) error {
	_, err := conn.Exec(ctx, sql, args...)
	return translate(doing, err)
}

// SchemaHash identifies the state of the migrations that this program knows:
// databases with the same one have the same schema.
func SchemaHash() string {
	h := sha256.New()
	err := fs.WalkDir(migrations, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := migrations.ReadFile(path)
		fmt.Fprintf(h, "%s\n%d\n%s", path, len(text), text)
		return err
	})
	if err != nil {
		panic("store: reading embedded migrations: " + err.Error())
	}
	return hex.EncodeToString(h.Sum(nil)[:6])
}
