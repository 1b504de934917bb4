package store

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
)

// AuthorityRow is a local authority with children's services, and whom to ring
// there. Telephone numbers and hours are empty where not known.
type AuthorityRow struct {
	GSS, DfE, ODS string // its codes; ODS empty where it has none
	Name          string
	Kind          string
	Region        string // GSS code
	OfficePhone   string
	OfficeHours   string
	DutyPhone     string     // emergency duty team
	ConfirmedAt   *time.Time // when the authority last said that they are right
}

// Authorities gives all local authorities, in order of their GSS codes.
func (q queries) Authorities(ctx context.Context) ([]AuthorityRow, error) {
	return all(ctx, q.q, "reading authorities",
		func(row pgx.CollectableRow) (a AuthorityRow, err error) {
			err = row.Scan(&a.GSS, &a.DfE, &a.ODS, &a.Name, &a.Kind, &a.Region,
				&a.OfficePhone, &a.OfficeHours, &a.DutyPhone, &a.ConfirmedAt)
			return a, err
		}, `
		SELECT gss_code, dfe_code, coalesce(ods_code, ''), name, kind, region_gss_code,
		       office_phone, office_hours, duty_phone, confirmed_at
		FROM cpis.authority
		ORDER BY gss_code`)
}

// SetAuthorityContact says whom to ring at an authority, as confirmed by it at
// a time. ErrNotFound says that there is no such authority.
func (tx *Tx) SetAuthorityContact(ctx context.Context, gss, officePhone, officeHours, dutyPhone string, confirmed time.Time) error {
	const doing = "setting contact of authority"
	n, err := tx.exec(ctx, doing, `
		UPDATE cpis.authority
		SET office_phone = $2, office_hours = $3, duty_phone = $4, confirmed_at = $5
		WHERE gss_code = $1`, gss, officePhone, officeHours, dutyPhone, confirmed)
	if err == nil && n == 0 {
		return &failure{doing: doing, kinds: []error{ErrNotFound}}
	}
	return err
}
