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
	// ContactVersion goes up with each change of the numbers. Flags are read
	// without it.
	ContactVersion int
}

// selectAuthority reads what scanAuthority scans.
const selectAuthority = `
		SELECT gss_code, dfe_code, coalesce(ods_code, ''), name, kind, region_gss_code,
		       office_phone, office_hours, duty_phone, confirmed_at, contact_version
		FROM cpis.authority`

func scanAuthority(row pgx.CollectableRow) (a AuthorityRow, err error) {
	err = row.Scan(&a.GSS, &a.DfE, &a.ODS, &a.Name, &a.Kind, &a.Region,
		&a.OfficePhone, &a.OfficeHours, &a.DutyPhone, &a.ConfirmedAt, &a.ContactVersion)
	return a, err
}

// Authorities gives all local authorities, in order of their GSS codes.
func (q queries) Authorities(ctx context.Context) ([]AuthorityRow, error) {
	return all(ctx, q.q, "reading authorities", scanAuthority, selectAuthority+`
		ORDER BY gss_code`)
}

// Authority gives one authority, by its GSS code. ErrNotFound says that there
// is none.
func (q queries) Authority(ctx context.Context, gss string) (AuthorityRow, error) {
	return one(ctx, q.q, "reading authority", scanAuthority, selectAuthority+`
		WHERE gss_code = $1`, gss)
}

// LockAuthority is [queries.Authority], and keeps others from changing it until
// the transaction ends. Plans of it may be written all the same.
func (tx *Tx) LockAuthority(ctx context.Context, gss string) (AuthorityRow, error) {
	return one(ctx, tx.q, "locking authority", scanAuthority, selectAuthority+`
		WHERE gss_code = $1
		FOR NO KEY UPDATE`, gss)
}

// SetAuthorityContact says whom to ring at an authority, as confirmed by it at
// a time: the next version. ErrNotFound says that there is no such authority.
func (tx *Tx) SetAuthorityContact(ctx context.Context, gss, officePhone, officeHours, dutyPhone string, confirmed time.Time) error {
	const doing = "setting contact of authority"
	n, err := tx.exec(ctx, doing, `
		UPDATE cpis.authority
		SET office_phone = $2, office_hours = $3, duty_phone = $4, confirmed_at = $5,
		    contact_version = contact_version + 1
		WHERE gss_code = $1`, gss, officePhone, officeHours, dutyPhone, confirmed)
	if err == nil && n == 0 {
		return &failure{doing: doing, kinds: []error{ErrNotFound}}
	}
	return err
}

// ConfirmAuthorityContact says that an authority's numbers were right at a time.
// ErrConflict says that there is no such authority.
func (tx *Tx) ConfirmAuthorityContact(ctx context.Context, gss string, confirmed time.Time) error {
	return tx.execAll(ctx, 1, "confirming contact of authority", `
		UPDATE cpis.authority
		SET confirmed_at = $2
		WHERE gss_code = $1`, gss, confirmed)
}

// RemindAuthority notes that an authority is reminded now of numbers that it did
// not confirm since a time, and gives its GSS code: one that was not reminded
// since another, and that ever gave numbers or holds a plan. ErrNotFound says
// that there is none. Two servers that do this at the same moment do not get the
// same.
func (tx *Tx) RemindAuthority(ctx context.Context, now, confirmedBefore, remindedBefore time.Time) (gss string, err error) {
	return one(ctx, tx.q, "reminding authority", pgx.RowTo[string], `
		UPDATE cpis.authority
		SET reminded_at = $1
		WHERE gss_code = (
		    SELECT gss_code
		    FROM cpis.authority AS a
		    WHERE (reminded_at IS NULL OR reminded_at <= $3)
		      AND (confirmed_at < $2
		           OR confirmed_at IS NULL AND EXISTS (SELECT FROM cpis.plan WHERE authority = a.gss_code AND NOT removed))
		    ORDER BY gss_code
		    LIMIT 1
		    FOR NO KEY UPDATE SKIP LOCKED)
		RETURNING gss_code`, now, confirmedBefore, remindedBefore)
}
