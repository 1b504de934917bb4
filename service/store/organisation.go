package store

import (
	"context"

	"github.com/jackc/pgx/v5"
)

// OrganisationRow is an organisation whose people and systems may call.
type OrganisationRow struct {
	Code     string // ODS code
	Name     string
	Class    string // one of the classes that policy knows
	Postcode string
}

// Organisations gives all organisations, in order of their codes.
func (q queries) Organisations(ctx context.Context) ([]OrganisationRow, error) {
	return all(ctx, q.q, "reading organisations",
		func(row pgx.CollectableRow) (o OrganisationRow, err error) {
			err = row.Scan(&o.Code, &o.Name, &o.Class, &o.Postcode)
			return o, err
		}, `
		SELECT code, name, class, postcode
		FROM cpis.organisation
		ORDER BY code`)
}

// PutOrganisation adds an organisation that reference data does not have, or
// corrects one; loading reference data leaves it alone from then on. It needs
// the owner's rights (Options.Owner).
func (tx *Tx) PutOrganisation(ctx context.Context, o OrganisationRow) error {
	return tx.execAll(ctx, 1, "adding organisation", `
		INSERT INTO cpis.organisation (code, name, class, postcode, source)
		VALUES ($1, $2, $3, $4, 'command')
		ON CONFLICT (code) DO UPDATE
		SET name = excluded.name, class = excluded.class, postcode = excluded.postcode, source = 'command'`,
		o.Code, o.Name, o.Class, o.Postcode)
}

// LoadReference brings organisations and authorities up to date with reference
// data. It removes nothing, leaves alone what PutOrganisation wrote, and never
// touches an authority's telephone numbers and hours but to fill in those of a
// new one. It needs the owner's rights (Options.Owner).
func (tx *Tx) LoadReference(ctx context.Context, organisations []OrganisationRow, authorities []AuthorityRow) error {
	if err := tx.loadOrganisations(ctx, organisations); err != nil {
		return err
	}
	return tx.loadAuthorities(ctx, authorities)
}

func (tx *Tx) loadOrganisations(ctx context.Context, rows []OrganisationRow) error {
	n := len(rows)
	codes, names, classes, postcodes := make([]string, n), make([]string, n), make([]string, n), make([]string, n)
	for i, o := range rows {
		codes[i], names[i], classes[i], postcodes[i] = o.Code, o.Name, o.Class, o.Postcode
	}
	_, err := tx.exec(ctx, "loading organisations", `
		INSERT INTO cpis.organisation AS o (code, name, class, postcode, source)
		SELECT n.code, n.name, n.class, n.postcode, 'reference'
		FROM unnest($1::text[], $2::text[], $3::text[], $4::text[]) AS n (code, name, class, postcode)
		ORDER BY n.code
		ON CONFLICT (code) DO UPDATE
		SET name = excluded.name, class = excluded.class, postcode = excluded.postcode
		WHERE o.source = 'reference'
		  AND (o.name, o.class, o.postcode) IS DISTINCT FROM (excluded.name, excluded.class, excluded.postcode)`,
		codes, names, classes, postcodes)
	return err
}

func (tx *Tx) loadAuthorities(ctx context.Context, rows []AuthorityRow) error {
	for _, a := range rows { // 153 of them, once in a while
		_, err := tx.exec(ctx, "loading authorities", `
			INSERT INTO cpis.authority AS a (gss_code, dfe_code, ods_code, name, kind, region_gss_code,
			    office_phone, office_hours, duty_phone)
			VALUES ($1, $2, nullif($3, ''), $4, $5, $6, $7, $8, $9)
			ON CONFLICT (gss_code) DO UPDATE
			SET dfe_code = excluded.dfe_code, ods_code = coalesce(excluded.ods_code, a.ods_code),
			    name = excluded.name, kind = excluded.kind, region_gss_code = excluded.region_gss_code`,
			a.GSS, a.DfE, a.ODS, a.Name, a.Kind, a.Region, a.OfficePhone, a.OfficeHours, a.DutyPhone)
		if err != nil {
			return err
		}
	}
	return nil
}
