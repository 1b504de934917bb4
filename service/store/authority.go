package store

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
)

// AuthorityRow is a local authority with children's services, and whom to ring
// there. Telephone numbers and hours are empty if not known.
type AuthorityRow struct {
	GSS, DfE, ODS  string // its codes; ODS empty if it has none
	Name           string
	Kind           string
	Region         string // GSS code
	OfficePhone    string
	OfficeHours    string
	DutyPhone      string     // emergency duty team
	ConfirmedAt    *time.Time // when the authority last said that they are right
	ContactVersion int        // goes up with each change of the numbers
}

const authorityColumns = `a.gss_code, a.dfe_code, coalesce(a.ods_code, ''), a.name, a.kind, a.region_gss_code,
		       a.office_phone, a.office_hours, a.duty_phone, a.confirmed_at, a.contact_version, a.mac`

// selectAuthority reads what scanAuthority scans.
const selectAuthority = `
		SELECT ` + authorityColumns + `
		FROM cpis.authority AS a`

// targets are where the columns of an authority go.
func (a *AuthorityRow) targets() []any {
	return []any{
		&a.GSS, &a.DfE, &a.ODS, &a.Name, &a.Kind, &a.Region,
		&a.OfficePhone, &a.OfficeHours, &a.DutyPhone, &a.ConfirmedAt, &a.ContactVersion,
	}
}

func (a *AuthorityRow) cover(c *cover) {
	c.of("authority")
	c.str("gss_code", a.GSS)
	c.str("dfe_code", a.DfE)
	c.str("ods_code", a.ODS)
	c.str("name", a.Name)
	c.str("kind", a.Kind)
	c.str("region_gss_code", a.Region)
	c.str("office_phone", a.OfficePhone)
	c.str("office_hours", a.OfficeHours)
	c.str("duty_phone", a.DutyPhone)
	c.maybe("confirmed_at", a.ConfirmedAt)
	c.int("contact_version", a.ContactVersion)
}

func (q queries) scanAuthority(row pgx.CollectableRow) (AuthorityRow, error) {
	return scanner[AuthorityRow](q.guard)(row)
}

// Authorities returns all local authorities, in order of their GSS codes.
func (q directoryReads) Authorities(ctx context.Context) ([]AuthorityRow, error) {
	return all(ctx, q.q, "reading authorities", q.scanAuthority, selectAuthority+`
		ORDER BY gss_code`)
}

// Authority returns one authority, by its GSS code. ErrNotFound says that there
// is none.
func (q directoryReads) Authority(ctx context.Context, gss string) (AuthorityRow, error) {
	return one(ctx, q.q, "reading authority", q.scanAuthority, selectAuthority+`
		WHERE gss_code = $1`, gss)
}

// LockAuthority is Authority, and keeps others from changing it until
// the transaction ends. Plans of it may be written all the same.
func (tx directoryWrites) LockAuthority(ctx context.Context, gss string) (AuthorityRow, error) {
	return one(ctx, tx.q, "locking authority", tx.scanAuthority, selectAuthority+`
		WHERE gss_code = $1
		FOR NO KEY UPDATE`, gss)
}

// SetContact says whom to ring at an authority, as confirmed by it at
// a time: the next version. ErrNotFound says that there is no such authority.
func (tx directoryWrites) SetContact(ctx context.Context, gss, officePhone, officeHours, dutyPhone string, confirmed time.Time) error {
	a, err := tx.LockAuthority(ctx, gss)
	if err != nil {
		return err
	}
	a.OfficePhone, a.OfficeHours, a.DutyPhone, a.ConfirmedAt = officePhone, officeHours, dutyPhone, &confirmed
	a.ContactVersion++
	return tx.putContact(ctx, &a)
}

// putContact writes the contact of an authority that is locked.
func (tx directoryWrites) putContact(ctx context.Context, a *AuthorityRow) error {
	return tx.execAll(ctx, 1, "setting contact of authority", `
		UPDATE cpis.authority
		SET office_phone = $2, office_hours = $3, duty_phone = $4, confirmed_at = $5, contact_version = $6, mac = $7
		WHERE gss_code = $1`,
		a.GSS, a.OfficePhone, a.OfficeHours, a.DutyPhone, a.ConfirmedAt, a.ContactVersion, tx.guard.mac(a))
}

// ConfirmContact says that an authority's numbers were right at a time.
// ErrNotFound says that there is no such authority.
func (tx directoryWrites) ConfirmContact(ctx context.Context, gss string, confirmed time.Time) error {
	a, err := tx.LockAuthority(ctx, gss)
	if err != nil {
		return err
	}
	a.ConfirmedAt = &confirmed
	return tx.putContact(ctx, &a)
}

// Remind finds an authority that has not confirmed its numbers since a time, was
// not reminded since another, and once gave numbers or holds a plan. It notes that
// the authority is reminded now, and returns its GSS code; ErrNotFound if there is
// none. Two servers that do this at the same moment get different ones.
func (tx directoryWrites) Remind(ctx context.Context, now, confirmedBefore, remindedBefore time.Time) (gss string, err error) {
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
