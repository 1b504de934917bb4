package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/user"
	"strings"
	"time"

	"cpis/policy"
	cpisv1 "cpis/proto/cpis/v1"
	"cpis/service/directory"
	"cpis/service/domain"
	"cpis/service/guard"
	"cpis/service/keys"
	"cpis/service/record"
	"cpis/service/store"
	"cpis/service/text"
)

// databaseFlags say which database a command administers, and as whom.
type databaseFlags struct {
	Database     string `env:"CPIS_OWNER_DATABASE_URL" required:"" placeholder:"URL" help:"Address of the database, for cpis_owner, without the password."`
	PasswordFile string `env:"CPIS_OWNER_DATABASE_PASSWORD_FILE" type:"path" placeholder:"FILE" help:"File with the password of cpis_owner, if it has one."`
	LogOrigin    string `env:"CPIS_LOG_ORIGIN" required:"" placeholder:"NAME" help:"Audit log to write to, such as cpis.example.org/log/1."`
	Instance     string `env:"CPIS_INSTANCE" placeholder:"NAME" help:"Name of the installation, if servers have one."`
	Operator     string `env:"CPIS_OPERATOR" placeholder:"USER" help:"User id of whoever runs the command, if several work as one user of the operating system. It stands in the log."`
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
	return guard.Command{DB: db, Log: log, Now: time.Now, Operator: f.operator(), Copy: err != nil}, db.Close, nil
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

// operator names who runs the command: as they say, and as the operating system
// does.
func (f *databaseFlags) operator() string {
	name := "unknown"
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	if said := text.Fold(f.Operator); said != "" && said != name {
		return said + " as " + name
	}
	return name
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
	Code  string `arg:"" help:"ODS code of the organisation."`
	Class string `arg:"" help:"Class of the organisation, such as urgent_care, ambulance, nhs_111, dental, community, mental_health, sexual_health, oversight or operator."`
	Name  string `arg:"" help:"Name of the organisation."`
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
	GSS    string `arg:"" name:"gss-code" help:"GSS code of the authority, such as E09000019."`
	Office string `help:"Number of the office."`
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

// makeDir creates a directory that must not exist, for its owner only.
func makeDir(name string) (*os.Root, error) {
	if err := os.Mkdir(name, 0o700); err != nil {
		return nil, err
	}
	return os.OpenRoot(name)
}
