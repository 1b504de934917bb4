package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"cpis/policy"
	"cpis/service/reference"
	"cpis/service/store"
)

// registerFlags say where a register is read.
type registerFlags struct {
	Database     string `env:"CPIS_OWNER_DATABASE_URL" placeholder:"URL" help:"Address of the installation's database, for cpis_owner, without the password. Without it, the register that this program was built with is listed."`
	PasswordFile string `env:"CPIS_OWNER_DATABASE_PASSWORD_FILE" type:"path" placeholder:"FILE" help:"File with the password of cpis_owner, if it has one."`
	Text         string `arg:"" optional:"" help:"Only those with this in their name, or with this code."`
}

// read calls fn with the database, if one is named.
func (f *registerFlags) read(ctx context.Context, w *world, fn func(*store.DB) error) error {
	keeper, closeKeeper, err := keeperFrom(ctx, w)
	if err != nil {
		return err
	}
	defer closeKeeper()
	address, err := withPassword(ownerPassword, f.Database, f.PasswordFile)
	if err != nil {
		return err
	}
	db, err := store.Open(ctx, address, store.Options{Owner: true, MaxConns: 4})
	if err != nil {
		return fmt.Errorf("opening the database: %w", err)
	}
	defer db.Close()
	rows, err := guarded(ctx, db, keeper)
	if err != nil {
		return err
	}
	return fn(rows)
}

// fits reports whether a row is one of those asked for.
func (f *registerFlags) fits(name string, codes ...string) bool {
	for _, code := range codes {
		if strings.EqualFold(code, f.Text) {
			return true
		}
	}
	return strings.Contains(strings.ToLower(name), strings.ToLower(f.Text))
}

type authorityListCmd struct{ registerFlags }

// Run lists the authorities, with the numbers to ring if there is a database.
func (c *authorityListCmd) Run(ctx context.Context, w *world) error {
	rows, err := c.authorities(ctx, w)
	if err != nil {
		return err
	}
	return printRows(w.stdout, "GSS CODE\tDFE CODE\tNAME\tOFFICE\tOFFICE HOURS\tEMERGENCY DUTY TEAM\tCONFIRMED", func(line func(...string)) {
		for _, a := range rows {
			if c.fits(a.Name, a.GSS, a.DfE, a.ODS) {
				line(a.GSS, a.DfE, a.Name, a.OfficePhone, a.OfficeHours, a.DutyPhone, dayOf(a.ConfirmedAt))
			}
		}
	})
}

func (c *authorityListCmd) authorities(ctx context.Context, w *world) (rows []store.AuthorityRow, err error) {
	if c.Database != "" {
		err = c.read(ctx, w, func(db *store.DB) (err error) {
			rows, err = db.Directory.Authorities(ctx)
			return err
		})
		return rows, err
	}
	register, err := reference.Authorities()
	for _, a := range register {
		rows = append(rows, store.AuthorityRow{GSS: a.GSS, DfE: a.DfE, Name: a.Name})
	}
	return rows, err
}

// dayOf writes the day of a moment; nothing for none.
func dayOf(t *time.Time) string {
	if t == nil {
		return ""
	}
	return t.In(englandsZone()).Format("02 Jan 2006")
}

type organisationListCmd struct {
	registerFlags
	Class string `placeholder:"CLASS" help:"Only this class, such as acute_trust or urgent_care."`
}

// Run lists the organisations that may be known as callers.
func (c *organisationListCmd) Run(ctx context.Context, w *world) error {
	if _, ok := policy.ParseClass(c.Class); c.Class != "" && !ok {
		return fmt.Errorf("class must be one of %v", policy.AllClasses())
	}
	rows, err := c.organisations(ctx, w)
	if err != nil {
		return err
	}
	return printRows(w.stdout, "ODS CODE\tCLASS\tNAME", func(line func(...string)) {
		for _, o := range rows {
			if (c.Class == "" || c.Class == o.Class) && c.fits(o.Name, o.Code) {
				line(o.Code, o.Class, o.Name)
			}
		}
	})
}

func (c *organisationListCmd) organisations(ctx context.Context, w *world) (rows []store.OrganisationRow, err error) {
	if c.Database != "" {
		err = c.read(ctx, w, func(db *store.DB) (err error) {
			rows, err = db.Directory.Organisations(ctx)
			return err
		})
		return rows, err
	}
	register, err := reference.Organisations()
	for _, o := range register {
		rows = append(rows, store.OrganisationRow{Code: o.Code, Name: o.Name, Class: string(o.Class)})
	}
	return rows, err
}

// printRows prints a table under its heads.
func printRows(out io.Writer, heads string, rows func(line func(...string))) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(table, heads) // Flush says what went wrong
	rows(func(cells ...string) {
		for i := range cells {
			cells[i] = printable(cells[i])
		}
		_, _ = fmt.Fprintln(table, strings.Join(cells, "\t"))
	})
	return table.Flush()
}
