package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"time"

	"cpis/deploy/postgres"
	"cpis/service/guard"
	"cpis/service/keys"
	"cpis/service/record"
	"cpis/service/reference"
	"cpis/service/store"
)

type migrateCmd struct {
	databaseFlags
	serverFlags
	AppPasswordFile   string `env:"CPIS_DATABASE_PASSWORD_FILE" type:"path" placeholder:"FILE" help:"File with the password of cpis_app, the servers' user. It is set if cpis_app has none."`
	AdminDatabase     string `env:"CPIS_ADMIN_DATABASE_URL" placeholder:"URL" help:"Address of the cluster, for its superuser. With it, the roles and the database are created first, and roles without a password get those of the files."`
	AdminPasswordFile string `env:"CPIS_ADMIN_DATABASE_PASSWORD_FILE" type:"path" placeholder:"FILE" help:"File with the password of the superuser, if it has one."`
}

// Run brings schema, reference data, log and index key up to date. It may be
// run again.
func (c *migrateCmd) Run(ctx context.Context, w *world) error {
	keeper, closeKeeper, err := keeperFrom(ctx, w)
	if err != nil {
		return err
	}
	defer closeKeeper()
	address, err := withPassword(ownerPassword, c.Database, c.PasswordFile)
	if err != nil {
		return err
	}
	if c.AdminDatabase != "" {
		if err := c.prepare(ctx, address); err != nil {
			return err
		}
	}
	return migrate(ctx, address, c, keeper, w.stdout)
}

func (c *migrateCmd) prepare(ctx context.Context, address string) error {
	admin, err := withPassword(adminPassword, c.AdminDatabase, c.AdminPasswordFile)
	if err != nil {
		return err
	}
	u, err := url.Parse(address)
	if err != nil {
		return errors.New("CPIS_OWNER_DATABASE_URL: the database's address must be a URL")
	}
	if err := store.Prepare(ctx, admin, u.Path[min(1, len(u.Path)):], postgres.Roles); err != nil {
		return fmt.Errorf("CPIS_ADMIN_DATABASE_URL: %w", err)
	}
	return c.givePasswords(ctx, admin)
}

// givePasswords sets the passwords of the files for roles that were just created:
// without, they could not sign in.
func (c *migrateCmd) givePasswords(ctx context.Context, admin string) error {
	passwords := map[string]string{}
	for role, file := range map[string][2]string{
		"cpis_owner": {ownerPassword, c.PasswordFile}, "cpis_app": {appPassword, c.AppPasswordFile},
	} {
		if file[1] == "" {
			continue
		}
		password, err := readSecret(file[0], file[1])
		if err != nil {
			return err
		}
		passwords[role] = password
	}
	if len(passwords) == 0 {
		return nil
	}
	if err := store.GivePasswords(ctx, admin, passwords); err != nil {
		return fmt.Errorf("CPIS_ADMIN_DATABASE_URL: %w", err)
	}
	return nil
}

// migrate brings a database up to date, whatever state it is in. address is
// that of the command, with a password if it has one.
func migrate(ctx context.Context, address string, c *migrateCmd, keeper keys.Keeper, out io.Writer) error {
	if err := store.Migrate(ctx, address); err != nil {
		return fmt.Errorf("CPIS_OWNER_DATABASE_URL: %w", err)
	}
	db, err := store.Open(ctx, address, store.Options{Owner: true, MaxConns: 4})
	if err != nil {
		return fmt.Errorf("CPIS_OWNER_DATABASE_URL: %w", err)
	}
	defer db.Close()
	log, err := ensureLog(ctx, db, c.LogOrigin)
	if err != nil {
		return err
	}
	admin := &record.KeyAdmin{
		Command: guard.Command{DB: db, Log: log, Now: time.Now, Operator: c.operator()}, Keeper: keeper,
	}
	r, err := c.claim(ctx, db, c.serverFlags)
	if err != nil {
		return err
	}
	if _, err := admin.EnsureClaim(ctx, r); err != nil {
		return err
	}
	copied := guard.Claimed(ctx, db, log, &r.Marks)
	if copied != nil && !errors.Is(copied, guard.ErrCopy) {
		return copied
	}
	admin.Copy = copied != nil
	if err := admin.EnsureIndexKey(ctx); err != nil {
		return err
	}
	var damaged []store.DamagedRow
	if copied == nil {
		if damaged, err = loadRows(ctx, admin); err != nil {
			return err
		}
	}
	_, err = fmt.Fprintf(out, "The database is up to date; the log is %s.\n%s\n", c.LogOrigin, reference.Attribution)
	if err == nil && len(damaged) > 0 {
		err = printDamaged(out, damaged)
	}
	if copied != nil && err == nil {
		_, err = fmt.Fprintf(out, "ATTENTION: %v. Until it is claimed no server starts on it; then run this again. %s.\n", copied, advice)
	}
	return err
}

// loadRows creates the MACs of rows that have none, and loads the registers. It
// is left out for a copy: MACs are made once, with an entry in the log. Damaged
// rows are left as they are, and returned.
func loadRows(ctx context.Context, admin *record.KeyAdmin) (damaged []store.DamagedRow, err error) {
	if admin.DB, err = guarded(ctx, admin.DB, admin.Keeper); err != nil {
		return nil, err
	}
	if damaged, err = admin.EnsureMACs(ctx); err != nil {
		return nil, fmt.Errorf("making the MACs of rows: %w", err)
	}
	authorities, err := loadReference(ctx, admin.DB)
	for _, d := range authorities {
		if !slices.Contains(damaged, d) {
			damaged = append(damaged, d)
		}
	}
	return damaged, err
}

// ensureLog returns the log, and creates it if there is none.
func ensureLog(ctx context.Context, db *store.DB, origin string) (log store.Log, err error) {
	err = db.Tx(ctx, func(tx *store.Tx) error {
		log, err = tx.Logs.Find(ctx, origin)
		if errors.Is(err, store.ErrNotFound) {
			log, err = tx.Logs.Create(ctx, origin)
		}
		return err
	})
	return log, err
}

// loadReference loads the registers, and returns authorities that are damaged.
func loadReference(ctx context.Context, db *store.DB) (damaged []store.DamagedRow, err error) {
	organisations, err := reference.Organisations()
	if err != nil {
		return nil, err
	}
	authorities, err := reference.Authorities()
	if err != nil {
		return nil, err
	}
	orgs := make([]store.OrganisationRow, len(organisations))
	for i, o := range organisations {
		orgs[i] = store.OrganisationRow{Code: o.Code, Name: o.Name, Class: string(o.Class), Postcode: o.Postcode}
	}
	las := make([]store.AuthorityRow, len(authorities))
	for i, a := range authorities {
		las[i] = store.AuthorityRow{GSS: a.GSS, DfE: a.DfE, Name: a.Name, Kind: a.Kind, Region: a.Region}
	}
	err = db.Tx(ctx, func(tx *store.Tx) (err error) {
		damaged, err = tx.Directory.LoadReference(ctx, orgs, las)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("loading the reference data: %w", err)
	}
	return damaged, nil
}
