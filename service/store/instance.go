package store

import (
	"context"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// ClaimRow says for which database a log is written, and since when.
type ClaimRow struct {
	Log       LogID
	Number    int    // from 1, one more with each claim of the log
	Name      string // of the installation
	System    string // identifier of the cluster
	Database  int64  // oid of the database
	Addresses []string
	Reason    string
	Operator  string
	At        time.Time
}

// Latest returns the latest claim of each log that was ever claimed.
func (q claimReads) Latest(ctx context.Context) ([]ClaimRow, error) {
	return all(ctx, q.q, "reading claims",
		func(row pgx.CollectableRow) (c ClaimRow, err error) {
			err = row.Scan(&c.Log, &c.Number, &c.Name, &c.System, &c.Database, &c.Addresses, &c.Reason, &c.Operator, &c.At)
			return c, err
		}, `
		SELECT i.log, i.claim, i.name, i.system, i.database, i.addresses, i.reason, i.operator, i.at
		FROM cpis.instance AS i
		WHERE i.claim = (SELECT max(l.claim) FROM cpis.instance AS l WHERE l.log = i.log)
		ORDER BY i.log`)
}

// Insert keeps a claim. ErrConflict says that another came first.
func (tx claimWrites) Insert(ctx context.Context, c *ClaimRow) error {
	_, err := tx.exec(ctx, "keeping claim", `
		INSERT INTO cpis.instance (log, claim, name, system, database, addresses, reason, operator, at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
		c.Log, c.Number, c.Name, c.System, c.Database, c.Addresses, c.Reason, c.Operator, c.At)
	return err
}

// Place is where a database lies, as PostgreSQL itself says. A standby that
// takes over is the same place; what was restored from a dump is another.
type Place struct {
	System   string // identifier of the cluster
	Database int64  // oid of the database
}

// Place returns where the database lies.
func (db *DB) Place(ctx context.Context) (Place, error) {
	return one(ctx, db.q, "reading where the database lies", pgx.RowToStructByPos[Place], `
		SELECT c.system_identifier::text, d.oid::bigint
		FROM pg_catalog.pg_control_system() AS c
		CROSS JOIN pg_catalog.pg_database AS d
		WHERE d.datname = current_database()`)
}

// Served reports whether a server of the service is connected.
func (db *DB) Served(ctx context.Context) (bool, error) {
	return one(ctx, db.q, "looking for servers", pgx.RowTo[bool], `
		SELECT EXISTS (
		    SELECT
		    FROM pg_catalog.pg_stat_activity
		    WHERE datname = current_database()
		      AND usename = 'cpis_app'
		      AND application_name = 'cpis'
		)`)
}

// AddressOf returns under which address a URL reaches its database: hosts,
// ports and name, in one order. What other machines call by the same name (a
// socket, loopback) is named together with the machine.
func AddressOf(url, machine string) (string, error) {
	cfg, err := pgx.ParseConfig(url)
	if err != nil {
		return "", errBadURL
	}
	hosts := []string{hostOf(cfg.Host, cfg.Port, machine)}
	for _, f := range cfg.Fallbacks {
		hosts = append(hosts, hostOf(f.Host, f.Port, machine))
	}
	slices.Sort(hosts) // the same host stands there with and without TLS
	return strings.Join(slices.Compact(hosts), ",") + "/" + cfg.Database, nil
}

func hostOf(host string, port uint16, machine string) string {
	name := strings.ToLower(host)
	if ip := net.ParseIP(name); strings.HasPrefix(name, "/") || name == "localhost" || ip.IsLoopback() {
		name = machine + ":" + name
	}
	return net.JoinHostPort(name, strconv.Itoa(int(port)))
}
