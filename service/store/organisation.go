package store

import (
	"context"
	"slices"

	"github.com/jackc/pgx/v5"
)

// OrganisationRow is an organisation whose people and systems may call.
type OrganisationRow struct {
	Code     string // ODS code
	Name     string
	Class    string // one of the classes that policy knows
	Postcode string
}

// targets are where the columns of an organisation go.
func (o *OrganisationRow) targets() []any { return []any{&o.Code, &o.Name, &o.Class, &o.Postcode} }

func (o *OrganisationRow) cover(c *cover) {
	c.of("organisation")
	c.str("code", o.Code)
	c.str("name", o.Name)
	c.str("class", o.Class)
	c.str("postcode", o.Postcode)
}

const organisationColumns = `o.code, o.name, o.class, o.postcode, o.mac`

// Organisations returns all organisations, in order of their codes.
func (q directoryReads) Organisations(ctx context.Context) ([]OrganisationRow, error) {
	return all(ctx, q.q, "reading organisations",
		scanner[OrganisationRow](q.guard), `
		SELECT `+organisationColumns+`
		FROM cpis.organisation AS o
		ORDER BY code`)
}

// Organisation returns one organisation, by its code. ErrNotFound says that there is
// none.
func (q directoryReads) Organisation(ctx context.Context, code string) (OrganisationRow, error) {
	return one(ctx, q.q, "reading organisation", scanner[OrganisationRow](q.guard), `
		SELECT `+organisationColumns+`
		FROM cpis.organisation AS o
		WHERE o.code = $1`, code)
}

// PutOrganisation adds an organisation that reference data does not have, or
// corrects one; loading reference data leaves it alone from then on. It needs
// the owner's rights (Options.Owner).
func (tx directoryWrites) PutOrganisation(ctx context.Context, o OrganisationRow) error {
	return tx.execAll(ctx, 1, "adding organisation", `
		INSERT INTO cpis.organisation (code, name, class, postcode, source, mac)
		VALUES ($1, $2, $3, $4, 'command', $5)
		ON CONFLICT (code) DO UPDATE
		SET name = excluded.name, class = excluded.class, postcode = excluded.postcode, source = 'command', mac = excluded.mac`,
		o.Code, o.Name, o.Class, o.Postcode, tx.guard.mac(&o))
}

// LoadReference brings organisations and authorities up to date with reference
// data. It removes nothing, leaves alone what PutOrganisation wrote, and never
// touches an authority's telephone numbers and hours but to fill in those of a
// new one. Authorities that do not verify are left as they are, and returned. It
// needs the owner's rights (Options.Owner).
func (tx directoryWrites) LoadReference(ctx context.Context, organisations []OrganisationRow, authorities []AuthorityRow) ([]DamagedRow, error) {
	if err := tx.loadOrganisations(ctx, organisations); err != nil {
		return nil, err
	}
	return tx.loadAuthorities(ctx, authorities)
}

func (tx directoryWrites) loadOrganisations(ctx context.Context, rows []OrganisationRow) error {
	n := len(rows)
	codes, names, classes, postcodes := make([]string, n), make([]string, n), make([]string, n), make([]string, n)
	for i, o := range rows {
		codes[i], names[i], classes[i], postcodes[i] = o.Code, o.Name, o.Class, o.Postcode
	}
	_, err := tx.exec(ctx, "loading organisations", `
		INSERT INTO cpis.organisation AS o (code, name, class, postcode, source, mac)
		SELECT n.code, n.name, n.class, n.postcode, 'reference', n.mac
		FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bytea[]) AS n (code, name, class, postcode, mac)
		ORDER BY n.code
		ON CONFLICT (code) DO UPDATE
		SET name = excluded.name, class = excluded.class, postcode = excluded.postcode, mac = excluded.mac
		WHERE o.source = 'reference'
		  AND (o.name, o.class, o.postcode) IS DISTINCT FROM (excluded.name, excluded.class, excluded.postcode)`,
		codes, names, classes, postcodes, macsOf(tx.guard, rows))
	return err
}

// loadAuthorities writes those that are new or have changed: 153 of them, once in
// a while.
func (tx directoryWrites) loadAuthorities(ctx context.Context, rows []AuthorityRow) (damaged []DamagedRow, err error) {
	held, damaged, err := tx.lockAuthorities(ctx)
	if err != nil {
		return nil, err
	}
	for _, a := range rows {
		old, known := held[a.GSS]
		if known {
			a = old.renamed(a)
		}
		if known && a == old || slices.Contains(damaged, damagedAuthority(a.GSS)) {
			continue
		}
		if err := tx.putAuthority(ctx, &a); err != nil {
			return nil, err
		}
	}
	return damaged, nil
}

// lockAuthorities reads all authorities, by their codes, and keeps others from
// changing them. It returns those that do not verify by name.
func (tx directoryWrites) lockAuthorities(ctx context.Context) (held map[string]AuthorityRow, damaged []DamagedRow, err error) {
	held = make(map[string]AuthorityRow)
	_, err = all(ctx, tx.q, "locking authorities", func(row pgx.CollectableRow) (none struct{}, err error) {
		var a AuthorityRow
		var mac []byte
		if err = row.Scan(append(a.targets(), &mac)...); err != nil {
			return none, err
		}
		if tx.guard.verifies(&a, mac) {
			held[a.GSS] = a
		} else {
			damaged = append(damaged, damagedAuthority(a.GSS))
		}
		return none, nil
	}, selectAuthority+`
		ORDER BY gss_code
		FOR NO KEY UPDATE`)
	return held, damaged, err
}

func damagedAuthority(gss string) DamagedRow { return DamagedRow{Table: "authority", Row: gss} }

// renamed is an authority as the registers name it by now: whom to ring there is
// its own affair.
func (a *AuthorityRow) renamed(to AuthorityRow) AuthorityRow {
	now := *a
	now.DfE, now.Name, now.Kind, now.Region = to.DfE, to.Name, to.Kind, to.Region
	if to.ODS != "" {
		now.ODS = to.ODS
	}
	return now
}

func (tx directoryWrites) putAuthority(ctx context.Context, a *AuthorityRow) error {
	_, err := tx.exec(ctx, "loading authorities", `
		INSERT INTO cpis.authority AS a (gss_code, dfe_code, ods_code, name, kind, region_gss_code,
		    office_phone, office_hours, duty_phone, mac)
		VALUES ($1, $2, nullif($3, ''), $4, $5, $6, $7, $8, $9, $10)
		ON CONFLICT (gss_code) DO UPDATE
		SET dfe_code = excluded.dfe_code, ods_code = excluded.ods_code,
		    name = excluded.name, kind = excluded.kind, region_gss_code = excluded.region_gss_code, mac = excluded.mac`,
		a.GSS, a.DfE, a.ODS, a.Name, a.Kind, a.Region, a.OfficePhone, a.OfficeHours, a.DutyPhone, tx.guard.mac(a))
	return err
}

// NameOf returns the name of an organisation or authority, empty if it is not
// known, and whether it is an authority.
func (q directoryReads) NameOf(ctx context.Context, code string) (name string, authority bool, err error) {
	_, err = one(ctx, q.q, "reading the name of an organisation", func(row pgx.CollectableRow) (none struct{}, err error) {
		return none, row.Scan(&name, &authority)
	}, `
		SELECT coalesce((SELECT a.name FROM cpis.authority AS a WHERE a.gss_code = $1),
		                (SELECT o.name FROM cpis.organisation AS o WHERE o.code = $1), ''),
		       EXISTS (SELECT FROM cpis.authority AS a WHERE a.gss_code = $1)`, code)
	return name, authority, err
}
