package directory

import (
	"context"

	"cpis/policy"
	"cpis/service/domain"
	"cpis/service/guard"
	"cpis/service/store"
)

// Admin administers who takes part.
type Admin struct{ guard.Command }

// AddOrganisation makes an organisation known, or corrects it. The error may be
// *InvalidError.
func (a *Admin) AddOrganisation(ctx context.Context, code, name string, class policy.Class) error {
	var check domain.Reader
	code = check.RequiredText("code", code, domain.MaxAuthority, "RKE")
	name = check.RequiredText("name", name, domain.MaxNameLength, "Example NHS Trust")
	if err := check.Err(); err != nil {
		return err
	}
	return a.Do(ctx, "add_organisation", nil, func(tx *store.Tx) error {
		return tx.Directory.PutOrganisation(ctx, store.OrganisationRow{Code: code, Name: name, Class: string(class)})
	})
}

// SetContact says whom to ring at an authority. The error may be *InvalidError.
func (a *Admin) SetContact(ctx context.Context, gss string, contacts Numbers) error {
	var check domain.Reader
	right := contacts.read(&check, "")
	if err := check.Err(); err != nil {
		return err
	}
	return a.Do(ctx, "set_contact", nil, func(tx *store.Tx) error {
		return tx.Directory.SetContact(ctx, gss, right.Office, right.Hours, right.Duty, a.Now().UTC())
	})
}
