package identity_test

import (
	"crypto/rand"
	"crypto/x509"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cpis/policy"
	"cpis/service/identity"
)

func TestVerify(t *testing.T) {
	t.Parallel()

	t.Run("APersonIsReadByTheSelectedRole", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		want := identity.Caller{
			ID: "555021935107", Name: "OKAFOR Ngozi (Mrs)", Title: "Nurse Access Role",
			ClientID: "symphony", Issuer: f.issuer.URL,
			Roles: policy.Roles(policy.ClinicianUnscheduled), Organisation: "RKE", Class: policy.AcuteTrust,
			Assurance: 2, Expires: begin.Add(10 * time.Minute),
		}
		got := f.mustVerify(t, f.signer.Sign(f.nurse()))
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("Verify (-want +got):\n%s", diff)
		}
	})

	t.Run("ASystemIsTheClientThatIsTheSubject", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		want := identity.Caller{
			ID: "epr-7", ClientID: "epr-7", Issuer: f.issuer.URL, System: true,
			Roles: policy.Roles(policy.ClinicalSystem), Organisation: "RKE", Class: policy.AcuteTrust,
			Expires: begin.Add(5 * time.Minute),
		}
		got := f.mustVerify(t, f.signer.Sign(f.system()))
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("Verify (-want +got):\n%s", diff)
		}
	})

	t.Run("TheSecondTimeIsLikeTheFirst", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		token := f.signer.Sign(f.nurse())
		first := f.mustVerify(t, token)
		if diff := cmp.Diff(first, f.mustVerify(t, token)); diff != "" {
			t.Errorf("Verify (-first +second):\n%s", diff)
		}
	})
}

// TestClaims tries one change of good claims at a time.
func TestClaims(t *testing.T) {
	t.Parallel()
	now := begin.Unix()
	cases := []struct {
		name   string
		change map[string]any
		want   identity.Reason // empty: accepted
	}{
		{"Unchanged", nil, ""},
		{"Expired", map[string]any{"exp": now - 1}, identity.Expired},
		{"EndsNow", map[string]any{"exp": now}, identity.Expired},
		{"EndsInASecond", map[string]any{"exp": now + 1}, ""},
		{"EndsInHalfASecond", map[string]any{"exp": float64(now) + 0.5}, ""},
		{"NoEnd", map[string]any{"exp": nil}, identity.Claims},
		{"EndIsText", map[string]any{"exp": "1795453800"}, identity.Claims},
		{"EndIsNegative", map[string]any{"exp": -1}, identity.Claims},
		{"EndIsBeyondAllTime", map[string]any{"exp": 1e300}, identity.Claims},
		{"EndIsList", map[string]any{"exp": []any{now + 600}}, identity.Claims},
		{"LivesTooLong", map[string]any{"exp": now + 3601}, identity.Lifetime},
		{"LivesAnHour", map[string]any{"exp": now + 3600}, ""},
		{"IssuedLongAgo", map[string]any{"iat": now - 3600}, identity.Lifetime},
		{"NotYetValid", map[string]any{"nbf": now + 31}, identity.NotYetValid},
		{"ValidWithinLeeway", map[string]any{"nbf": now + 30}, ""},
		{"IssuedInTheFuture", map[string]any{"iat": now + 31}, identity.NotYetValid},
		{"NoIssueTime", map[string]any{"iat": nil}, identity.Claims},
		{"NoBeginning", map[string]any{"nbf": nil}, ""},
		{"BeginningIsText", map[string]any{"nbf": "soon"}, identity.Claims},
		{"OtherAudience", map[string]any{"aud": "https://other.test"}, identity.Audience},
		{"NoAudience", map[string]any{"aud": nil}, identity.Audience},
		{"AudienceIsPrefix", map[string]any{"aud": audience + "/"}, identity.Audience},
		{"AudienceHoldsOurs", map[string]any{"aud": []string{"https://other.test", audience}}, ""},
		{"AudienceHoldsANumber", map[string]any{"aud": []any{audience, 7}}, identity.Audience},
		{"AudienceIsObject", map[string]any{"aud": map[string]any{audience: true}}, identity.Audience},
		{"OtherIssuer", map[string]any{"iss": "https://evil.test"}, identity.UnknownIssuer},
		{"NoIssuer", map[string]any{"iss": nil}, identity.UnknownIssuer},
		{"IssuerIsList", map[string]any{"iss": []any{"x"}}, identity.UnknownIssuer},
		{"IDTokenByNonce", map[string]any{"nonce": "n"}, identity.Type},
		{"IDTokenByHash", map[string]any{"at_hash": "h"}, identity.Type},
		{"LogoutToken", map[string]any{"events": map[string]any{}}, identity.Type},
		{"NoSubject", map[string]any{"sub": nil}, identity.Claims},
		{"NoClient", map[string]any{"client_id": nil}, identity.Claims},
		{"NoUser", map[string]any{"nhsid_useruid": nil}, identity.Claims},
		{"UserIsEmpty", map[string]any{"nhsid_useruid": ""}, identity.Claims},
		{"UserIsNumber", map[string]any{"nhsid_useruid": 555021935107}, identity.Claims},
		{"UserHoldsALineBreak", map[string]any{"nhsid_useruid": "555\n021"}, identity.Claims},
		{"UserHoldsWhatNobodySees", map[string]any{"nhsid_useruid": "555\u200b021"}, identity.Claims},
		{"UserHasSpaceAround", map[string]any{"nhsid_useruid": " 555021935107"}, identity.Claims},
		{"UserHoldsANoBreakSpace", map[string]any{"nhsid_useruid": "555\u00a0021"}, identity.Claims},
		{"UserIsLong", map[string]any{"nhsid_useruid": strings.Repeat("5", 257)}, identity.Claims},
		{"NoName", map[string]any{"name": nil}, ""},
		{"NameIsObject", map[string]any{"name": map[string]any{}}, identity.Claims},
		{"NameHoldsANoBreakSpace", map[string]any{"name": "OKAFOR\u00a0Ngozi"}, ""},
		{"NameHoldsALineBreak", map[string]any{"name": "a\nb"}, identity.Claims},
		{"NameSteersATerminal", map[string]any{"name": "a\x1b[2Jb"}, identity.Claims},
		{"NameTurnsTheTextAround", map[string]any{"name": "a\u202eb"}, identity.Claims},
		{"NoRoleSelected", map[string]any{"selected_roleid": nil}, identity.Claims},
		{"RoleOfSomebodyElseSelected", map[string]any{"selected_roleid": "999"}, identity.Claims},
		{"RoleThatDoesNotFitTheOrganisation", map[string]any{"nhsid_nrbac_roles": roleAt("F83004", "B0107")}, ""},
		{"RoleThatFitsAPractice", map[string]any{"nhsid_nrbac_roles": roleAt("F83004", "B0107", "B0170")}, ""},
		{"NoActivity", map[string]any{"nhsid_nrbac_roles": roleAt("RKE")}, identity.NoRole},
		{"ActivityWithoutRight", map[string]any{"nhsid_nrbac_roles": roleAt("RKE", "B0085")}, identity.NoRole},
		{"UnknownOrganisation", map[string]any{"nhsid_nrbac_roles": roleAt("XXX", "B0107")}, identity.Organisation},
		{"OrganisationInLowerCase", map[string]any{"nhsid_nrbac_roles": roleAt("rke", "B0107")}, identity.Organisation},
		{"BoundToACertificate", map[string]any{"cnf": map[string]any{"x5t#S256": strings.Repeat("A", 43)}}, identity.Certificate},
		{"BoundToAKey", map[string]any{"cnf": map[string]any{"jkt": strings.Repeat("A", 43)}}, identity.Certificate},
		{"BoundToNothing", map[string]any{"cnf": map[string]any{}}, identity.Certificate},
		{"BoundIsNull", map[string]any{"cnf": rawNull{}}, identity.Certificate},
		{"BoundIsText", map[string]any{"cnf": "x"}, identity.Certificate},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			token := f.signer.Sign(with(f.nurse(), c.change))
			for range 2 { // remembered or not, the answer is the same
				if c.want == "" {
					f.mustVerify(t, token)
				} else {
					f.mustRefuse(t, token, c.want)
				}
			}
		})
	}
}

// rawNull is written as null, where nil would remove the claim.
type rawNull struct{}

func (rawNull) MarshalJSON() ([]byte, error) { return []byte("null"), nil }

func roleAt(organisation string, activities ...string) []any {
	return []any{map[string]any{
		"person_roleid": "555021935200", "org_code": organisation,
		"activity_codes": activities, "role_code": "S8000:G8000:R8001",
	}}
}

func TestVerify_KindOfCaller(t *testing.T) {
	t.Parallel()

	t.Run("PeopleAreRefusedWhereOnlySystemsAreTrusted", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t, func(c *identity.Config) { c.Issuers[0].People = nil })
		f.mustRefuse(t, f.signer.Sign(f.nurse()), identity.Claims)
		f.mustVerify(t, f.signer.Sign(f.system()))
	})

	t.Run("SystemsAreRefusedWhereOnlyPeopleAreTrusted", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t, func(c *identity.Config) { c.Issuers[0].Systems = nil })
		f.mustRefuse(t, f.signer.Sign(f.system()), identity.Claims)
		f.mustVerify(t, f.signer.Sign(f.nurse()))
	})

	t.Run("APersonGetsNothingFromAScope", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		caller := f.mustVerify(t, f.signer.Sign(with(f.nurse(), map[string]any{"scope": "system/cpis.lookup"})))
		if got, want := caller.Roles, policy.Roles(policy.ClinicianUnscheduled); got != want {
			t.Errorf("Roles: got %v, want %v", got, want)
		}
	})

	t.Run("AJobRoleCountsByItsLastPart", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		role := map[string]any{"person_roleid": "555021935200", "org_code": "RKE", "role_code": "S0001:G0002:R0001"}
		caller := f.mustVerify(t, f.signer.Sign(with(f.nurse(), map[string]any{"nhsid_nrbac_roles": []any{role}})))
		if got, want := caller.Roles, policy.Roles(policy.PrivacyOfficer); got != want {
			t.Errorf("Roles: got %v, want %v", got, want)
		}
	})

	t.Run("TwoRolesOfOneIDAreNotChosenFrom", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		twice := append(roleAt("RKE", "B0107"), roleAt("F83004", "B0170")...)
		f.mustRefuse(t, f.signer.Sign(with(f.nurse(), map[string]any{"nhsid_nrbac_roles": twice})), identity.Claims)
	})
}

func TestVerify_Assurance(t *testing.T) {
	t.Parallel()
	rules := []identity.AssuranceRule{
		{Claim: "acr", Values: map[string]int{"AAL2_OR_AAL3_ANY": 2, "AAL3_ANY": 3}},
		{Claim: "amr", Values: map[string]int{"otp": 2, "sc": 3}},
	}
	cases := []struct {
		name     string
		acr, amr any
		want     int
	}{
		{"TheLowestRuleCounts", "AAL3_ANY", []string{"pwd", "otp"}, 2},
		{"TheHighestOfAListCounts", "AAL3_ANY", []string{"otp", "sc"}, 3},
		{"AnUnknownValueIsTheLowestLevel", "AAL9", []string{"sc"}, 1},
		{"AMissingValueIsTheLowestLevel", nil, []string{"sc"}, 1},
		{"AnObjectIsTheLowestLevel", map[string]any{"AAL3_ANY": 3}, []string{"sc"}, 1},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, func(cfg *identity.Config) { cfg.Issuers[0].People.Assurance = rules })
			caller := f.mustVerify(t, f.signer.Sign(with(f.nurse(), map[string]any{"acr": c.acr, "amr": c.amr})))
			if caller.Assurance != c.want {
				t.Errorf("Assurance: got %d, want %d", caller.Assurance, c.want)
			}
		})
	}
	t.Run("WithoutRulesItIsNotStated", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t, func(cfg *identity.Config) { cfg.Issuers[0].People.Assurance = nil })
		if got := f.mustVerify(t, f.signer.Sign(f.nurse())).Assurance; got != 0 {
			t.Errorf("Assurance: got %d, want 0", got)
		}
	})
}

func TestVerify_Certificate(t *testing.T) {
	t.Parallel()
	own, other := newCertificate(t), newCertificate(t)
	// The same certificate, as another connection would bring it.
	again, err := x509.ParseCertificate(own.Raw)
	if err != nil {
		t.Fatal(err)
	}
	bound := func(f *fixture) string {
		return f.signer.Sign(with(f.system(), map[string]any{"cnf": map[string]any{"x5t#S256": thumbprint(own)}}))
	}

	t.Run("ABoundTokenCountsOnlyWithItsCertificate", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		token := bound(f)
		for range 2 {
			for _, c := range []struct {
				name string
				peer *x509.Certificate
				want identity.Reason
			}{
				{"other", other, identity.Certificate},
				{"own", own, ""},
				{"none", nil, identity.Certificate},
				{"other", other, identity.Certificate},
				{"own again", again, ""},
			} {
				_, err := f.Verify(t.Context(), token, c.peer)
				if got := identity.ReasonOf(err); got != c.want || (err == nil) != (c.want == "") {
					t.Errorf("Verify with %s certificate: got %v, want %q", c.name, err, c.want)
				}
			}
		}
	})

	t.Run("AnUnboundTokenCountsWithAnyCertificate", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		if _, err := f.Verify(t.Context(), f.signer.Sign(f.nurse()), other); err != nil {
			t.Errorf("Verify: got error %v, want a caller", err)
		}
	})

	t.Run("AnIssuerCanBeHeldToBoundTokens", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t, func(c *identity.Config) { c.Issuers[0].RequireCertificate = true })
		_, err := f.Verify(t.Context(), f.signer.Sign(f.system()), own)
		wantRefusal(t, err, identity.Certificate)
		if _, err := f.Verify(t.Context(), bound(f), own); err != nil {
			t.Errorf("Verify: got error %v, want a caller", err)
		}
	})

	t.Run("AHashThatIsNoHashBindsToNothing", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		for _, cnf := range []map[string]any{
			{"x5t#S256": thumbprint(own) + "="},
			{"x5t#S256": thumbprint(own)[:42]},
			{"x5t#S256": 7},
			{"x5t#S256": thumbprint(own), "jkt": "x"},
		} {
			_, err := f.Verify(t.Context(), f.signer.Sign(with(f.system(), map[string]any{"cnf": cnf})), own)
			wantRefusal(t, err, identity.Certificate)
		}
	})
}

// A name is kept as people see it.
func TestVerify_NamesAreFolded(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	token := f.signer.Sign(with(f.nurse(), map[string]any{"name": "\ufeffOKAFOR\u00a0Ngozi\u200b "}))
	if got := f.mustVerify(t, token).Name; got != "OKAFOR Ngozi" {
		t.Errorf("Verify: got name %q", got)
	}
}

func TestVerify_DirectoryIsAskedEachTime(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	token := f.signer.Sign(f.nurse())
	f.mustVerify(t, token)

	f.directory.Set("RKE", "")
	f.mustRefuse(t, token, identity.Organisation)

	f.directory.Set("RKE", policy.GeneralPractice) // where the role does not fit: that is for the policy to say
	if got := f.mustVerify(t, token); got.Class != policy.GeneralPractice || got.Roles != policy.Roles(policy.ClinicianUnscheduled) {
		t.Errorf("Verify: got class %q and roles %v", got.Class, got.Roles)
	}

	f.directory.Set("RKE", policy.UrgentCare)
	if got := f.mustVerify(t, token); got.Class != policy.UrgentCare || got.Roles != policy.Roles(policy.ClinicianUnscheduled) {
		t.Errorf("Verify: got class %q and roles %v", got.Class, got.Roles)
	}
}

func TestVerify_TypesOfAccessTokens(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for _, typ := range []string{"JWT", "jwt", "at+jwt", "AT+JWT", "application/at+jwt", "Application/JWT"} {
		f.mustVerify(t, f.signer.SignWith(map[string]any{"typ": typ}, f.nurse()))
	}
	for _, typ := range []any{"", "application/", "application/x+jwt", "dpop+jwt", "JOSE", "id_token", 1, []string{"JWT"}} {
		f.mustRefuse(t, f.signer.SignWith(map[string]any{"typ": typ}, f.nurse()), identity.Type)
	}
}

func TestReasons_AreAllDifferent(t *testing.T) {
	t.Parallel()
	seen := make(map[identity.Reason]bool)
	for _, r := range identity.Reasons() {
		if r == "" || seen[r] {
			t.Errorf("Reasons: %q is empty or occurs twice", r)
		}
		seen[r] = true
	}
}

func TestReasonOf_OtherErrorsHaveNone(t *testing.T) {
	t.Parallel()
	if got := identity.ReasonOf(errors.New("other")); got != "" {
		t.Errorf("ReasonOf: got %q, want none", got)
	}
}

func TestBearer(t *testing.T) {
	t.Parallel()
	token := rand.Text()
	for header, want := range map[string]string{
		"Bearer " + token:        token,
		"bearer " + token:        token,
		"BEARER   " + token:      token,
		"Basic " + token:         "",
		"Bearer":                 "",
		"Bearer ":                "",
		"":                       "",
		token:                    "",
		"Bearer a b":             "a b", // which no verifier accepts
		"Bearer: " + token:       "",
		" Bearer " + token:       "",
		"Bearer\t" + token:       "",
		"DPoP " + token:          "",
		"Bearer,Bearer " + token: "",
	} {
		if got := identity.Bearer(header); got != want {
			t.Errorf("Bearer(%q): got %q, want %q", header, got, want)
		}
	}
}
