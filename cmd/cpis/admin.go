package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/user"
	"strings"
	"time"

	"cpis/deploy/postgres"
	"cpis/policy"
	cpisv1 "cpis/proto/cpis/v1"
	"cpis/service/directory"
	"cpis/service/domain"
	"cpis/service/guard"
	"cpis/service/keys"
	"cpis/service/record"
	"cpis/service/reference"
	"cpis/service/store"
)

// databaseFlags say which database a command administers, and as whom.
type databaseFlags struct {
	Database     string `env:"CPIS_OWNER_DATABASE_URL" required:"" placeholder:"URL" help:"Database as cpis_owner, without password."`
	PasswordFile string `env:"CPIS_OWNER_DATABASE_PASSWORD_FILE" type:"path" placeholder:"FILE" help:"File with its password, where one is needed."`
	LogOrigin    string `env:"CPIS_LOG_ORIGIN" required:"" placeholder:"NAME" help:"Audit log to write to, such as cpis.example.org/log/1."`
	Instance     string `env:"CPIS_INSTANCE" placeholder:"NAME" help:"What the installation is called, where servers are told."`
}

// Variables whose files hold passwords of the database.
const (
	appPassword   = "CPIS_DATABASE_PASSWORD_FILE"       //nolint:gosec // names a variable
	ownerPassword = "CPIS_OWNER_DATABASE_PASSWORD_FILE" //nolint:gosec // as above
	adminPassword = "CPIS_ADMIN_DATABASE_PASSWORD_FILE" //nolint:gosec // as above

	auditorPassword = "CPIS_AUDITOR_DATABASE_PASSWORD_FILE" //nolint:gosec // as above
)

// withPassword puts the password of a file, which a variable names, into an
// address.
func withPassword(variable, address, file string) (string, error) {
	if file == "" {
		return address, nil
	}
	password, err := readSecret(variable, file)
	if err != nil {
		return "", err
	}
	u, err := url.Parse(address)
	if err != nil || u.Host == "" && u.Query().Get("host") == "" {
		return "", fmt.Errorf("%s: the database's address must be a URL such as postgres://cpis_app@db.example/cpis", variable) // not err: it quotes it
	}
	u.User = url.UserPassword(u.User.Username(), password)
	return u.String(), nil
}

// open opens the database for an administrator. The result closes it.
func (f *databaseFlags) open(ctx context.Context) (guard.Command, func(), error) {
	return f.openAs(ctx, asOwner)
}

// signedInAs says as whom a command opens the database: which variables it names,
// and with which options.
type signedInAs struct {
	url, password string
	options       store.Options
}

var (
	asOwner   = signedInAs{"CPIS_OWNER_DATABASE_URL", ownerPassword, store.Options{Owner: true, MaxConns: 4}}
	asAuditor = signedInAs{"CPIS_AUDITOR_DATABASE_URL", auditorPassword, store.Options{ReadOnly: true, MaxConns: 4}}
)

// openAs opens the database for a command.
func (f *databaseFlags) openAs(ctx context.Context, as signedInAs) (guard.Command, func(), error) {
	address, err := withPassword(as.password, f.Database, f.PasswordFile)
	if err != nil {
		return guard.Command{}, nil, err
	}
	db, err := store.Open(ctx, address, as.options)
	if err != nil {
		return guard.Command{}, nil, fmt.Errorf("%s: %w", as.url, err)
	}
	log, err := findLog(ctx, db, f.LogOrigin)
	if err != nil {
		db.Close()
		return guard.Command{}, nil, err
	}
	err = checkClaim(ctx, db, log, f.Instance, f.Database)
	if err != nil && !errors.Is(err, guard.ErrCopy) {
		db.Close()
		return guard.Command{}, nil, err
	}
	return guard.Command{DB: db, Log: log, Now: time.Now, Operator: operator(), Copy: err != nil}, db.Close, nil
}

// openWithKeeper is open for commands that need keys as well: also to read and
// write rows with MACs.
func (f *databaseFlags) openWithKeeper(ctx context.Context, w *world) (*record.KeyAdmin, func(), error) {
	keeper, closeKeeper, err := keeperFrom(ctx, w)
	if err != nil {
		return nil, nil, err
	}
	command, closeDB, err := f.open(ctx)
	if err != nil {
		closeKeeper()
		return nil, nil, err
	}
	done := func() { closeDB(); closeKeeper() }
	if command.DB, err = guarded(ctx, command.DB, keeper); err != nil {
		done()
		return nil, nil, err
	}
	return &record.KeyAdmin{Command: command, Keeper: keeper}, done, nil
}

// guarded returns a database whose rows an administrator's command can verify.
func guarded(ctx context.Context, db *store.DB, keeper keys.Keeper) (*store.DB, error) {
	ring, err := openRing(ctx, db, keeper, keys.RingConfig{CacheSize: 1, Now: time.Now})
	if err != nil {
		return nil, err
	}
	return db.Guarded(ring, func(string) {}), nil // the command fails, and says so
}

// operator names who runs the command.
func operator() string {
	u, err := user.Current()
	if err != nil {
		return "unknown"
	}
	return u.Username
}

type migrateCmd struct {
	databaseFlags
	serverFlags
	AppPasswordFile   string `env:"CPIS_DATABASE_PASSWORD_FILE" type:"path" placeholder:"FILE" help:"File with the servers' password, for the first time."`
	AdminDatabase     string `env:"CPIS_ADMIN_DATABASE_URL" placeholder:"URL" help:"Cluster as its superuser: makes the roles and the database first, and gives roles without a password those of the files."`
	AdminPasswordFile string `env:"CPIS_ADMIN_DATABASE_PASSWORD_FILE" type:"path" placeholder:"FILE" help:"File with its password, where one is needed."`
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

// givePasswords gives roles that were just made the passwords of the files:
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
// that of the command, with a password where it has one.
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
		Command: guard.Command{DB: db, Log: log, Now: time.Now, Operator: operator()}, Keeper: keeper,
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
	if copied == nil {
		if err := loadRows(ctx, admin); err != nil {
			return err
		}
	}
	_, err = fmt.Fprintf(out, "The database is up to date; the log is %s.\n%s\n", c.LogOrigin, reference.Attribution)
	if copied != nil && err == nil {
		_, err = fmt.Fprintf(out, "ATTENTION: %v. Until it is claimed no server starts on it; then run this again. %s.\n", copied, advice)
	}
	return err
}

// loadRows makes the MACs of rows that have none, and loads the registers. It
// is left out for a copy: MACs are made once, with an entry in the log.
func loadRows(ctx context.Context, admin *record.KeyAdmin) (err error) {
	if admin.DB, err = guarded(ctx, admin.DB, admin.Keeper); err != nil {
		return err
	}
	if err := admin.EnsureMACs(ctx); err != nil {
		return fmt.Errorf("making the MACs of rows: %w", err)
	}
	return loadReference(ctx, admin.DB)
}

// ensureLog gives the log, and makes it where there is none.
func ensureLog(ctx context.Context, db *store.DB, origin string) (log store.Log, err error) {
	err = db.Tx(ctx, func(tx *store.Tx) error {
		log, err = tx.Log(ctx, origin)
		if errors.Is(err, store.ErrNotFound) {
			log, err = tx.CreateLog(ctx, origin)
		}
		return err
	})
	return log, err
}

// loadReference loads the registers.
func loadReference(ctx context.Context, db *store.DB) error {
	organisations, err := reference.Organisations()
	if err != nil {
		return err
	}
	authorities, err := reference.Authorities()
	if err != nil {
		return err
	}
	orgs := make([]store.OrganisationRow, len(organisations))
	for i, o := range organisations {
		orgs[i] = store.OrganisationRow{Code: o.Code, Name: o.Name, Class: string(o.Class), Postcode: o.Postcode}
	}
	las := make([]store.AuthorityRow, len(authorities))
	for i, a := range authorities {
		las[i] = store.AuthorityRow{GSS: a.GSS, DfE: a.DfE, Name: a.Name, Kind: a.Kind, Region: a.Region}
	}
	err = db.Tx(ctx, func(tx *store.Tx) error { return tx.LoadReference(ctx, orgs, las) })
	if err != nil {
		return fmt.Errorf("loading the reference data: %w", err)
	}
	return nil
}

// keeperFrom opens the keeper that the environment names.
func keeperFrom(ctx context.Context, w *world) (keys.Keeper, func(), error) {
	e := &environment{getenv: w.getenv}
	k := readKeeper(e)
	if err := errors.Join(e.errs...); err != nil {
		return nil, nil, err
	}
	return openKeeper(ctx, k, nil)
}

type organisationCmd struct {
	List organisationListCmd `cmd:"" help:"List organisations, with their codes and classes."`
	Add  organisationAddCmd  `cmd:"" help:"Add an organisation, or correct its class."`
}

type organisationAddCmd struct {
	databaseFlags
	Code  string `arg:"" help:"ODS code."`
	Class string `arg:"" help:"Class, such as urgent_care, ambulance, nhs_111, dental, community, mental_health, sexual_health, oversight or operator."`
	Name  string `arg:"" help:"Name."`
}

// Run adds the organisation. Running servers know it within half a minute.
func (c *organisationAddCmd) Run(ctx context.Context, w *world) error {
	class, ok := policy.ParseClass(c.Class)
	if !ok || class == policy.LocalAuthority {
		return fmt.Errorf("class must be one of %v", policy.AllClasses())
	}
	admin, done, err := c.openWithKeeper(ctx, w)
	if err != nil {
		return err
	}
	defer done()
	return (&directory.Admin{Command: admin.Command}).AddOrganisation(ctx, c.Code, c.Name, class)
}

type authorityCmd struct {
	List    authorityListCmd    `cmd:"" help:"List local authorities, with their codes and numbers."`
	Contact authorityContactCmd `cmd:"" help:"Set the office and emergency duty numbers of an authority."`
}

type authorityContactCmd struct {
	databaseFlags
	GSS    string `arg:"" name:"gss-code" help:"GSS code, such as E09000019."`
	Office string `help:"Number in office hours."`
	Hours  string `help:"Office hours, such as \"Mon-Thu 08:45-17:15; Fri 08:45-16:45\"; needed with --office."`
	Duty   string `required:"" help:"Number of the emergency duty team."`
}

// Run sets the contact. Look-ups show it at once.
func (c *authorityContactCmd) Run(ctx context.Context, w *world) error {
	admin, done, err := c.openWithKeeper(ctx, w)
	if err != nil {
		return err
	}
	defer done()
	err = (&directory.Admin{Command: admin.Command}).SetContact(ctx, c.GSS, directory.Numbers{Office: c.Office, Hours: c.Hours, Duty: c.Duty})
	return explained(err)
}

// explained adds to an error of a request everything that is wrong with it.
func explained(err error) error {
	invalid, ok := errors.AsType[*domain.InvalidError](err)
	if !ok {
		return err
	}
	lines := []string{invalid.Error()}
	for _, v := range invalid.Violations {
		lines = append(lines, violationText(&cpisv1.FieldViolation{Field: v.Field, Problem: v.Problem, Example: v.Example}))
	}
	return errors.New(strings.Join(lines, "\n  "))
}

type auditKeyCmd struct {
	LogOrigin string `env:"CPIS_LOG_ORIGIN" required:"" placeholder:"NAME" help:"Name of the log."`
}

// Run prints the public keys, the newest first.
func (c *auditKeyCmd) Run(ctx context.Context, w *world) error {
	keeper, done, err := keeperFrom(ctx, w)
	if err != nil {
		return err
	}
	defer done()
	return printKeys(ctx, keeper, c.LogOrigin, w.stdout)
}

// makeDir makes a directory that must not exist, for its owner only.
func makeDir(name string) (*os.Root, error) {
	if err := os.Mkdir(name, 0o700); err != nil {
		return nil, err
	}
	return os.OpenRoot(name)
}
