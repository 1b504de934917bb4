package store_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cpis/policy"
	"cpis/service/store"
	"cpis/service/store/dbtest"
)

func TestReferenceDataNeverOverwritesWhatPeopleSaid(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ctx := t.Context()
	owner := dbtest.OpenOwner(t, f.data)
	f.tx(func(tx *store.Tx) error {
		return tx.Directory.SetContact(ctx, york, "01904 000000", "Mon-Fri 8-17", "01904 000001", f.now)
	})
	added := store.OrganisationRow{Code: "NDA01", Name: "MINOR INJURIES UNIT", Class: "urgent_care", Postcode: "YO1 1AA"}
	f.must(owner.Tx(ctx, func(tx *store.Tx) error { return tx.Directory.PutOrganisation(ctx, added) }))
	f.must(owner.Tx(ctx, func(tx *store.Tx) error {
		_, err := tx.Directory.LoadReference(ctx, []store.OrganisationRow{
			{Code: added.Code, Name: "SOMETHING ELSE", Class: "dental"},
			{Code: trust, Name: "RENAMED TRUST", Class: "acute_trust", Postcode: "LS1 1AA"},
		}, []store.AuthorityRow{
			{GSS: york, DfE: "816", Name: "City of York", Kind: "Unitary Authorities", Region: "E12000003", OfficePhone: "wrong"},
		})
		return err
	}))

	organisations, err := f.db.Directory.Organisations(ctx)
	f.must(err)
	want := []store.OrganisationRow{
		added,
		{Code: other, Name: "YORK AND SCARBOROUGH", Class: "acute_trust", Postcode: "YO31 8HE"},
		{Code: trust, Name: "RENAMED TRUST", Class: "acute_trust", Postcode: "LS1 1AA"},
	}
	if diff := cmp.Diff(want, organisations); diff != "" {
		t.Errorf("organisations (-want +got):\n%s", diff)
	}
	authorities, err := f.db.Directory.Authorities(ctx)
	f.must(err)
	i := slices.IndexFunc(authorities, func(a store.AuthorityRow) bool { return a.GSS == york })
	wantYork := store.AuthorityRow{
		GSS: york, DfE: "816", ODS: "123", Name: "City of York", Kind: "Unitary Authorities", Region: "E12000003",
		OfficePhone: "01904 000000", OfficeHours: "Mon-Fri 8-17", DutyPhone: "01904 000001", ConfirmedAt: &f.now,
		ContactVersion: 1,
	}
	if diff := cmp.Diff(wantYork, authorities[i]); diff != "" {
		t.Errorf("authority (-want +got):\n%s", diff)
	}
	err = f.db.Tx(ctx, func(tx *store.Tx) error { return tx.Directory.SetContact(ctx, "E99999999", "", "", "", f.now) })
	if !errors.Is(err, store.ErrNotFound) {
		t.Errorf("contact of no authority: got %v, want %v", err, store.ErrNotFound)
	}
	err = f.db.Tx(ctx, func(tx *store.Tx) error { return tx.Directory.PutOrganisation(ctx, added) })
	if err == nil {
		t.Error("adding an organisation as the service: got no error")
	}
}

// The database takes the classes that policy knows, and no other.
func TestClassesArePolicys(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ctx := t.Context()
	owner := dbtest.OpenOwner(t, f.data)
	put := func(class policy.Class) error {
		return owner.Tx(ctx, func(tx *store.Tx) error {
			return tx.Directory.PutOrganisation(ctx, store.OrganisationRow{Code: "X1", Name: "X", Class: string(class)})
		})
	}
	for _, class := range []policy.Class{
		policy.AcuteTrust, policy.GeneralPractice, policy.UrgentCare, policy.Ambulance, policy.NHS111, policy.Dental,
		policy.Community, policy.MentalHealth, policy.SexualHealth, policy.LocalAuthority, policy.Oversight, policy.Operator,
	} {
		if err := put(class); err != nil {
			t.Errorf("class %s: %v", class, err)
		}
	}
	if put("circus") == nil {
		t.Error("a class that policy does not know: got no error")
	}
}
