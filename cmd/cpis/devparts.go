package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"cpis/deploy/dev/demo"
	"cpis/deploy/dev/idp"
	"cpis/deploy/dev/pgdev"
	"cpis/deploy/dev/vaultdev"
	"cpis/deploy/postgres"
	"cpis/service/directory"
	"cpis/service/guard"
	"cpis/service/identity"
	"cpis/service/store"
)

// devClient is this program as the demo's identity provider knows it.
const devClient = "cpis"

// settings are environment variables: those that the service in the demo is
// configured by, and further ones for the commands that administer it.
type settings map[string]string

func (s settings) get(name string) string { return s[name] }

// write writes the variables for a shell to read.
func (s settings) write(name string) error {
	var b strings.Builder
	b.WriteString("# How the other commands find the demo: . " + name + "\n")
	for _, name := range slices.Sorted(maps.Keys(s)) {
		b.WriteString("export " + name + "=" + demo.Quote(s[name]) + "\n")
	}
	return replaceFile(name, b.String())
}

// replaceFile writes a file for its owner only. Whoever reads it meanwhile sees
// the old or the new text.
func replaceFile(name, text string) error {
	next := name + ".new"
	if err := os.WriteFile(next, []byte(text), 0o600); err != nil {
		return err
	}
	return os.Rename(next, name)
}

// openDir creates the directory, and sees to it that what is kept there is
// opened with the keys it was sealed with.
func (d *dev) openDir(context.Context) error {
	kept, dir := d.keysKept()
	if d.cmd.Dir != "" {
		dir = d.cmd.Dir
	}
	for _, address := range []string{d.cmd.Listen, d.cmd.AdminListen, d.cmd.PagesListen, d.cmd.IDPListen} {
		if !loopback(address) {
			return fmt.Errorf("%s can be reached from other machines; the demo must not be", address)
		}
	}
	// If root runs this, PostgreSQL's user must pass through; each file in
	// it is for its owner only.
	if err := os.MkdirAll(dir, 0o711); err != nil { //nolint:gosec // see above
		return err
	}
	mark := filepath.Join(dir, "keys-kept")
	before, err := os.ReadFile(mark)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		err = replaceFile(mark, kept)
	case err == nil && string(before) != kept:
		err = fmt.Errorf("%s was made with its keys kept %s and cannot be opened with keys kept %s: choose another --dir", dir, before, kept)
	}
	if err != nil {
		return err
	}
	d.dir = dir
	return d.openLog()
}

// keysKept says where the keys are kept, and the usual directory for that.
func (d *dev) keysKept() (kept, dir string) {
	address := d.w.getenv("VAULT_ADDR")
	switch {
	case d.cmd.Vault:
		return "in its own Vault", ".tmp/dev-vault"
	case address != "":
		return "in the Vault at " + address, ".tmp/dev-vault-elsewhere"
	}
	return "in a file", ".tmp/dev"
}

// openLog opens what the service writes its operator's log to.
func (d *dev) openLog() (err error) {
	d.log, err = os.OpenFile(d.logName(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err == nil {
		d.atStop(func(context.Context) error { return d.log.Close() })
	}
	return err
}

func (d *dev) logName() string { return filepath.Join(d.dir, "cpis.log") }

func (d *dev) startPostgreSQL(ctx context.Context) (err error) {
	d.cluster, err = pgdev.Start(ctx, pgdev.Options{Dir: filepath.Join(d.dir, "postgres")})
	if errors.Is(err, pgdev.ErrInUse) {
		return fmt.Errorf("is the demo running already? %w", err)
	}
	if err == nil {
		d.atStop(d.cluster.Stop)
	}
	return err
}

// startKeys decides where the keys are, and starts Vault if it is asked for.
func (d *dev) startKeys(ctx context.Context) (err error) {
	d.env = settings{}
	switch {
	case d.cmd.Vault:
		d.vault, err = vaultdev.Start(ctx, vaultdev.Options{Dir: filepath.Join(d.dir, "vault")})
		if err != nil {
			return err
		}
		d.atStop(d.vault.Stop)
		d.env["VAULT_ADDR"] = d.vault.Address()
		d.env["CPIS_VAULT_ROLE_ID_FILE"], d.env["CPIS_VAULT_SECRET_ID_FILE"] = d.vault.RoleIDFile(), d.vault.SecretIDFile()
	case d.w.getenv("VAULT_ADDR") != "":
		for _, name := range []string{
			"VAULT_ADDR", "VAULT_CACERT", "VAULT_NAMESPACE", "CPIS_VAULT_MOUNT", "CPIS_VAULT_ROLE_ID_FILE",
			"CPIS_VAULT_SECRET_ID_FILE", "CPIS_VAULT_TOKEN_FILE", "CPIS_VAULT_KUBERNETES_ROLE",
		} {
			if value := d.w.getenv(name); value != "" {
				d.env[name] = value
			}
		}
	default:
		d.env["CPIS_LOCAL_KEYS"] = "i-understand"
		d.env["CPIS_LOCAL_KEYS_FILE"], err = filepath.Abs(filepath.Join(d.dir, "keys.json"))
	}
	return err
}

// startProvider starts the identity provider, and writes down that its tokens
// count.
func (d *dev) startProvider(ctx context.Context) (err error) {
	pages, logIn, err := d.pagesClient(ctx)
	if err != nil {
		return err
	}
	d.provider, err = idp.Start(ctx, idp.Config{
		Address: d.cmd.IDPListen, Directory: d.dir, Audience: devAudience, Lifetime: tokenLifetime, Now: time.Now,
		Applications: []idp.Application{{ID: devClient, RedirectURIs: []string{"http://127.0.0.1" + callbackPath}, Native: true}, pages},
	})
	if err != nil {
		return err
	}
	d.atStop(d.provider.Close)
	d.env["CPIS_IDP_URL"] = d.provider.URL()
	d.env["CPIS_SIGN_IN_ISSUER"], d.env["CPIS_SIGN_IN_CLIENT"] = d.provider.URL(), devClient
	d.env["CPIS_ISSUERS"], err = filepath.Abs(filepath.Join(d.dir, "issuers.json"))
	if err != nil {
		return err
	}
	issuer := d.provider.Issuer()
	issuer.Pages = logIn
	return writeIssuers(d.env["CPIS_ISSUERS"], identity.Config{Audiences: []string{devAudience}, Issuers: []identity.Issuer{issuer}})
}

// pagesClient makes the pages known to the identity provider, and the other way
// round. Their address must be known before either runs: a port that is free is
// taken now, and again by the service.
func (d *dev) pagesClient(ctx context.Context) (idp.Application, *identity.Pages, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", d.cmd.PagesListen)
	if err != nil {
		return idp.Application{}, nil, fmt.Errorf("%s: %w", d.cmd.PagesListen, err)
	}
	address := listener.Addr().String()
	if err := listener.Close(); err != nil {
		return idp.Application{}, nil, fmt.Errorf("%s: %w", address, err)
	}
	d.pages = "http://" + address
	d.env["CPIS_PAGES_LISTEN"], d.env["CPIS_PAGES_URL"] = address, d.pages
	secret, file := rand.Text(), filepath.Join(d.dir, "pages-secret")
	if err := replaceFile(file, secret); err != nil {
		return idp.Application{}, nil, err
	}
	if file, err = filepath.Abs(file); err != nil {
		return idp.Application{}, nil, fmt.Errorf("naming the secret of the pages: %w", err)
	}
	app, logIn := idp.PagesClient(d.pages, secret, file)
	return app, logIn, nil
}

// writeIssuers writes down whose tokens count.
func writeIssuers(name string, c identity.Config) error {
	data, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return fmt.Errorf("writing issuers: %w", err)
	}
	return replaceFile(name, string(data)+"\n")
}

// prepareDatabase creates the database, and tells it of what is invented here.
func (d *dev) prepareDatabase(ctx context.Context) error {
	owner := d.cluster.URL("cpis_owner", devDatabase)
	maps.Copy(d.env, settings{
		"CPIS_LISTEN": d.cmd.Listen, "CPIS_ADMIN_LISTEN": d.cmd.AdminListen,
		"CPIS_DATABASE_URL":       d.cluster.URL("cpis_app", devDatabase),
		"CPIS_OWNER_DATABASE_URL": owner,
		"CPIS_LOG_ORIGIN":         devOrigin,
		"CPIS_HUB_NAME":           demo.HubName, "CPIS_HUB_PHONE": demo.HubPhone,
	})
	if err := store.Prepare(ctx, d.cluster.AdminURL(), devDatabase, postgres.Roles); err != nil {
		return fmt.Errorf("making roles and database: %w", err)
	}
	keeper, done, err := keeperFrom(ctx, &world{getenv: d.env.get})
	if err != nil {
		return err
	}
	defer done()
	target := databaseFlags{Database: owner, LogOrigin: devOrigin}
	if err := migrate(ctx, owner, &migrateCmd{databaseFlags: target}, keeper, io.Discard); err != nil {
		return err
	}
	keyAdmin, closeAdmin, err := target.openWithKeeper(ctx, &world{getenv: d.env.get})
	if err != nil {
		return err
	}
	defer closeAdmin()
	if keyAdmin.Copy {
		if err := claimAgain(ctx, &target, &keyAdmin.Command); err != nil {
			return err
		}
		if err := migrate(ctx, owner, &migrateCmd{databaseFlags: target}, keeper, io.Discard); err != nil {
			return err
		}
	}
	admin := &directory.Admin{Command: keyAdmin.Command}
	return errors.Join(addOrganisations(ctx, admin), setContacts(ctx, admin))
}

// claimAgain claims the demo's database, which is reached by another port at
// each start.
func claimAgain(ctx context.Context, target *databaseFlags, admin *guard.Command) error {
	r, err := target.claim(ctx, admin.DB, serverFlags{})
	if err != nil {
		return err
	}
	r.Reason, r.Continue = "the demo was started again", true
	if err := admin.Claim(ctx, r); err != nil {
		return err
	}
	admin.Copy = false
	return nil
}

// addOrganisations adds the organisations that exist in the demo only.
func addOrganisations(ctx context.Context, admin *directory.Admin) error {
	known, err := admin.DB.Directory.Organisations(ctx)
	if err != nil {
		return err
	}
	for _, o := range idp.Organisations() {
		same := func(row store.OrganisationRow) bool { return row.Code == o.Code }
		if slices.ContainsFunc(known, same) {
			continue // each change is an entry in the log
		}
		if err := admin.AddOrganisation(ctx, o.Code, o.Name, o.Class); err != nil {
			return err
		}
	}
	return nil
}

// setContacts sets the invented numbers of the demo's authorities, if
// they have none: a lead may have changed them since.
func setContacts(ctx context.Context, admin *directory.Admin) error {
	held, err := admin.DB.Directory.Authorities(ctx)
	if err != nil {
		return err
	}
	for _, a := range demo.Authorities() {
		same := func(row store.AuthorityRow) bool { return row.GSS == a.GSS && row.ContactVersion > 0 }
		if slices.ContainsFunc(held, same) {
			continue
		}
		if err := admin.SetContact(ctx, a.GSS, directory.Numbers{Office: a.Office, Hours: a.Hours, Duty: a.Duty}); err != nil {
			return err
		}
	}
	return nil
}
