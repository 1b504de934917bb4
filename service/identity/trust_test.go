package identity_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cpis/policy"
	"cpis/service/identity"
)

// What administrators see of an issuer is what counts, and no secret and no file.
func TestTrusts_SayWhatIsConfigured(t *testing.T) {
	t.Parallel()
	f := newFixture(t, withPages)
	all := f.MustNew(t, withPages).Trusts()
	if len(all) != 1 {
		t.Fatalf("%d issuers, want 1", len(all))
	}
	got := all[0]
	if got.Issuer != f.Config().Issuers[0].URL || got.PagesName != "Care" || got.PagesClient != "pages" || got.Confirmed.IsZero() || got.Away {
		t.Errorf("got %+v", got)
	}
	if diff := cmp.Diff([]string{audience}, got.Audiences); diff != "" {
		t.Errorf("audiences (-want +got):\n%s", diff)
	}
	if got.People == nil || !got.People.Roles.Has(policy.ClinicianUnscheduled) {
		t.Errorf("people: %+v", got.People)
	}
	if len(got.Keys) == 0 || len(got.Keys[0].Thumbprint) != 43 {
		t.Errorf("keys: %+v", got.Keys)
	}
	if text, err := json.Marshal(got); err != nil || strings.Contains(string(text), "secret") {
		t.Errorf("%s, %v: speaks of a secret", text, err)
	}
}

func TestTrusts_SayThatKeysAreNotKnown(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	v := f.MustNew(t, func(c *identity.Config) { c.Issuers[0].JWKSURL = "http://127.0.0.1:1/keys" })
	if got := v.Trusts()[0]; !got.Away || !got.Confirmed.IsZero() || len(got.Keys) != 0 {
		t.Errorf("got %+v, want an issuer that never answered", got)
	}
}
