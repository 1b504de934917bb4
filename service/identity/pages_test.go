package identity_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"cpis/policy"
	"cpis/service/identity"
)

// withPages lets people of the fixture's issuer log in to pages.
func withPages(c *identity.Config) {
	c.Issuers[0].Pages = &identity.Pages{Path: "care", Name: "Care", Client: "pages", SecretFile: "secret"}
}

func somebody(tb testing.TB, f *fixture, v *identity.Verifier, claims map[string]any) *identity.Somebody {
	tb.Helper()
	text, err := json.Marshal(claims)
	if err != nil {
		tb.Fatal(err)
	}
	got, err := v.Somebody(f.Config().Issuers[0].URL, text, nil)
	if err != nil {
		tb.Fatal(err)
	}
	return got
}

// One mapping says who somebody is, in access tokens and at log-in.
func TestSomebody_IsWhoAnAccessTokenSays(t *testing.T) {
	t.Parallel()
	f := newFixture(t, withPages)
	v := f.MustNew(t, withPages)
	got := somebody(t, f, v, f.nurse())
	if got.Caller.Roles != policy.RolesOf(policy.ClinicianUnscheduled) || got.Caller.Organisation != "RKE" || got.Caller.Class != policy.AcuteTrust ||
		got.Caller.ClientID != "pages" || got.Caller.Assurance != 2 {
		t.Errorf("got %+v", got.Caller)
	}
	if !slices.Contains(got.Choices, got.Caller) {
		t.Errorf("the caller is none of the choices %+v", got.Choices)
	}
}

func TestSomebody_HasAChoiceForEachJobRoleThatCounts(t *testing.T) {
	t.Parallel()
	f := newFixture(t, withPages)
	v := f.MustNew(t, withPages)
	role := func(id, org, activity string) map[string]any {
		return map[string]any{"person_roleid": id, "org_code": org, "role_code": "S8000:G8000:R8001", "role_name": "Nurse", "activity_codes": []string{activity}}
	}
	got := somebody(t, f, v, with(f.nurse(), map[string]any{"selected_roleid": nil, "nhsid_nrbac_roles": []any{
		role("1", "RKE", "B0107"), role("2", "F83004", "B0170"), role("3", "RKE", "B0107"), // the same again
		role("4", "UNKNOWN", "B0107"), role("5", "RKE", "B0085"), "nonsense",
	}}))
	if got.Caller.Organisation != "" || got.Caller.Roles != 0 || got.Caller.ID == "" {
		t.Errorf("nothing was selected, and the caller is %+v", got.Caller)
	}
	var at []string
	for _, c := range got.Choices {
		at = append(at, c.Organisation+" "+c.Roles.String())
	}
	if want := "RKE clinician_unscheduled, F83004 clinician_scheduled"; strings.Join(at, ", ") != want {
		t.Errorf("got choices %q, want %q", at, want)
	}
}

func TestSomebody_TakesFromUserInfoWhatTheIDTokenLacks(t *testing.T) {
	t.Parallel()
	f := newFixture(t, withPages)
	v := f.MustNew(t, withPages)
	issuer := f.Config().Issuers[0].URL
	full := f.nurse()
	short := map[string]any{"sub": full["sub"], "nhsid_useruid": full["nhsid_useruid"], "authentication_assurance_level": "3"}
	idToken, _ := json.Marshal(short)
	info, _ := json.Marshal(full)
	got, err := v.Somebody(issuer, idToken, info)
	if err != nil || got.Caller.Organisation != "RKE" || got.Caller.Assurance != 3 {
		t.Errorf("got %+v, %v, want RKE and the level of the ID token", got, err)
	}
	other, _ := json.Marshal(with(full, map[string]any{"sub": "another"}))
	if _, err := v.Somebody(issuer, idToken, other); identity.ReasonOf(err) != identity.Claims {
		t.Errorf("userinfo of somebody else: got %v, want refused for its claims", err)
	}
}

func TestPlace_FindsTheClassAsItIsNow(t *testing.T) {
	t.Parallel()
	f := newFixture(t, withPages)
	v := f.MustNew(t, withPages)
	caller := somebody(t, f, v, f.nurse()).Caller
	caller.Class = ""
	if err := v.Place(&caller); err != nil || caller.Class != policy.AcuteTrust {
		t.Errorf("got %v, %v", caller.Class, err)
	}
	for name, change := range map[string]func(*identity.Caller){
		"unknown organisation": func(c *identity.Caller) { c.Organisation = "GONE" },
		"unknown issuer":       func(c *identity.Caller) { c.Issuer = "https://gone.test" },
		"another client":       func(c *identity.Caller) { c.ClientID = "app" },
	} {
		changed := caller
		change(&changed)
		if v.Place(&changed) == nil {
			t.Errorf("%s: got no error", name)
		}
	}
}

func TestPages_MistakesAreNamed(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for setting, change := range map[string]func(*identity.Pages){
		"pages.path":        func(p *identity.Pages) { p.Path = "Not a path" },
		"pages.name":        func(p *identity.Pages) { p.Name = "" },
		"pages.client":      func(p *identity.Pages) { p.Client = audience },
		"pages.secret_file": func(p *identity.Pages) { p.SecretFile = "" },
		"pages.key_id":      func(p *identity.Pages) { p.SecretFile, p.KeyFile = "", "key" },
	} {
		c := f.Config()
		withPages(&c)
		change(c.Issuers[0].Pages)
		if err := c.Validate(); err == nil || !strings.Contains(err.Error(), "issuers[0]."+setting) {
			t.Errorf("%s: got %v", setting, err)
		}
	}
}
