package identity_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cpis/service/identity"
)

const small = `{
	"audiences": ["https://cpis.test"],
	"leeway": "10s",
	"remember": 100,
	"issuers": [{
		"url": "https://issuer.test",
		"algorithms": ["RS512", "PS256"],
		"require_certificate": true,
		"systems": {
			"organisation": "\"https://issuer.test/claims\".organisation",
			"roles": [{"claim": "scope", "values": {"system/cpis.lookup": "clinical_system"}}],
			"assurance": [{"claim": "acr", "values": {"AAL3_ANY": 3}}]
		}
	}]
}`

func TestLoadConfig(t *testing.T) {
	t.Parallel()
	got, err := identity.LoadConfig(strings.NewReader(small))
	if err != nil {
		t.Fatal(err)
	}
	want := identity.Config{
		Audiences: []string{"https://cpis.test"},
		Leeway:    identity.Duration(10 * time.Second),
		Remember:  100,
		Issuers: []identity.Issuer{{
			URL: "https://issuer.test", Algorithms: []string{"RS512", "PS256"}, RequireCertificate: true,
			Systems: &identity.Mapping{
				Organisation: `"https://issuer.test/claims".organisation`,
				Roles:        []identity.RoleRule{{Claim: "scope", Values: map[string]string{"system/cpis.lookup": "clinical_system"}}},
				Assurance:    []identity.AssuranceRule{{Claim: "acr", Values: map[string]int{"AAL3_ANY": 3}}},
			},
		}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("LoadConfig (-want +got):\n%s", diff)
	}
}

func TestLoadConfig_WritesWhatItReads(t *testing.T) {
	t.Parallel()
	first, err := identity.LoadConfig(strings.NewReader(small))
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(first.Leeway)
	if err != nil || string(text) != `"10s"` {
		t.Errorf("Marshal of a duration: got %s, %v", text, err)
	}
}

// TestLoadConfig_ReportsAllMistakesAtOnce makes every mistake there is in one
// file.
func TestLoadConfig_ReportsAllMistakesAtOnce(t *testing.T) {
	t.Parallel()
	_, err := identity.LoadConfig(strings.NewReader(`{
		"audience": "https://cpis.test",
		"leeway": "61s",
		"max_lifetime": "25h",
		"retry_keys": "-1s",
		"keep_keys": 5,
		"remember": "many",
		"fetch_timeout": "soon",
		"issuers": [
			{
				"url": "http://issuer.test", "jwks_url": "ftp://issuer.test/keys", "jwks_file": "keys.json",
				"algorithms": ["RS256", "HS256", "none"], "client": "a..b", "require_certificate": "yes",
				"people": {
					"id": "a[b", "organisation": "[x=y]", "name": ".", "title": "a.",
					"roles": [{"claim": "a[b=c]]", "values": {"B0107": "nurse"}}, {}],
					"assurance": [{"claim": "\"acr", "values": {"high": 4}}, {"values": {}}]
				}
			},
			{"url": "https://issuer.test", "algorithms": [], "systems": {"roles": []}},
			{"url": "https://issuer.test", "algorithms": "RS256"},
			7
		]
	}`))
	if err == nil {
		t.Fatal("LoadConfig: got no error")
	}
	want := []string{
		`audience: is not a setting; settings here are audiences, fetch_timeout, issuers, keep_keys, leeway, max_lifetime, refresh_keys, remember, retry_keys`,
		`fetch_timeout: is not a length of time such as 30s or 5m`,
		`issuers[0].require_certificate: must be true or false`,
		`issuers[2].algorithms: must be a list`,
		`issuers[3]: must be an object`,
		`keep_keys: must be a text`,
		`remember: must be a whole number`,
		`retry_keys: is not a length of time such as 30s or 5m`,
		`leeway: must be more than 0s and at most 1m0s`,
		`max_lifetime: must be more than 0s and at most 24h0m0s`,
		`audiences: at least one is needed, and none may be empty`,
		`issuers[0].url: must be an https address, or http on the loopback interface`,
		`issuers[0].jwks_url: must be an https address, or http on the loopback interface`,
		`issuers[0]: has jwks_url and jwks_file; only one can count`,
		`issuers[0].algorithms[1]: "HS256" is not accepted; accepted are ES256, ES384, EdDSA, PS256, PS384, PS512, RS256, RS384, RS512`,
		`issuers[0].algorithms[2]: "none" is not accepted; accepted are ES256, ES384, EdDSA, PS256, PS384, PS512, RS256, RS384, RS512`,
		`issuers[0].client: "a..b" is not a claim path such as name, a.b or list[member=claim].name`,
		`issuers[0].people.id: "a[b" is not a claim path such as name, a.b or list[member=claim].name`,
		`issuers[0].people.name: "." is not a claim path such as name, a.b or list[member=claim].name`,
		`issuers[0].people.title: "a." is not a claim path such as name, a.b or list[member=claim].name`,
		`issuers[0].people.organisation: "[x=y]" is not a claim path such as name, a.b or list[member=claim].name`,
		`issuers[0].people.roles[0].claim: "a[b=c]]" is not a claim path such as name, a.b or list[member=claim].name`,
		`issuers[0].people.roles[0].values.B0107: "nurse" is not a role`,
		`issuers[0].people.roles[1].claim: is needed`,
		`issuers[0].people.roles[1].values: at least one is needed`,
		`issuers[0].people.assurance[0].claim: "\"acr" is not a claim path such as name, a.b or list[member=claim].name`,
		`issuers[0].people.assurance[0].values.high: 4 is not a level from 1 to 3`,
		`issuers[0].people.assurance[1].claim: is needed`,
		`issuers[0].people.assurance[1].values: at least one is needed`,
		`issuers[1].algorithms: at least one is needed`,
		`issuers[1].systems.organisation: is needed`,
		`issuers[1].systems.roles: at least one is needed`,
		`issuers[2].url: occurs twice`,
		`issuers[2]: needs people or systems, or nobody could call`,
		`issuers[2].algorithms: at least one is needed`,
		`issuers[3].url: must be an address such as https://issuer.example`,
		`issuers[3]: needs people or systems, or nobody could call`,
		`issuers[3].algorithms: at least one is needed`,
	}
	if diff := cmp.Diff(want, strings.Split(err.Error(), "\n")); diff != "" {
		t.Errorf("LoadConfig (-want +got):\n%s", diff)
	}
}

func TestLoadConfig_Refuses(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"Nothing":            ``,
		"AList":              `[]`,
		"TwoObjects":         small + small,
		"ASettingTwice":      strings.Replace(small, `"leeway"`, `"remember": 7, "leeway"`, 1),
		"TooMuch":            small + strings.Repeat(" ", 1<<20),
		"ANegativeMemory":    strings.Replace(small, `100`, `-1`, 1),
		"ALeewayOfNothing":   strings.Replace(small, `10s`, `0s`, 1),
		"AFraction":          strings.Replace(small, `100`, `1.5`, 1),
		"AUserInTheAddress":  strings.Replace(small, `https://issuer.test"`, `https://u:p@issuer.test"`, 1),
		"NullForAnObject":    strings.Replace(small, `"leeway"`, `"issuers": null, "leeway"`, 1),
		"ARoleThatIsNoText":  strings.Replace(small, `"clinical_system"`, `1`, 1),
		"RolesThatAreAList":  strings.Replace(small, `{"system/cpis.lookup": "clinical_system"}`, `["x"]`, 1),
		"AnEmptyAudience":    strings.Replace(small, `"https://cpis.test"`, `""`, 1),
		"AFragmentInAddress": strings.Replace(small, `https://issuer.test"`, `https://issuer.test#x"`, 1),
	} {
		if _, err := identity.LoadConfig(strings.NewReader(text)); err == nil {
			t.Errorf("%s: LoadConfig: got no error", name)
		}
	}
}

func TestNew_RefusesAConfigurationWithMistakes(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	if _, err := identity.New(t.Context(), identity.Config{}, f.directory, f.clock.Now); err == nil {
		t.Errorf("New: got no error")
	}
}

// TestClaimPaths reads an organisation from all kinds of places.
func TestClaimPaths(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name, path string
		claims     map[string]any
		found      bool
	}{
		{"TopLevel", "org", map[string]any{"org": "RKE"}, true},
		{"Inside", "act.org.code", map[string]any{"act": map[string]any{"org": map[string]any{"code": "RKE"}}}, true},
		{"Quoted", `"https://x.test/org"`, map[string]any{"https://x.test/org": "RKE"}, true},
		{"QuotedInside", `a."b.c".d`, map[string]any{"a": map[string]any{"b.c": map[string]any{"d": "RKE"}}}, true},
		{"QuotedChoice", `l["the id"="my role"].org`, map[string]any{
			"my role": "2",
			"l":       []any{map[string]any{"the id": "1", "org": "X"}, map[string]any{"the id": "2", "org": "RKE"}},
		}, true},
		{"ChoiceInsideAChoice", `l[id=one].l[id=two].org`, map[string]any{
			"one": "1", "two": "2",
			"l": []any{map[string]any{"id": "1", "l": []any{map[string]any{"id": "2", "org": "RKE"}}}},
		}, true},
		{"Missing", "org", nil, false},
		{"NotAnObject", "act.org", map[string]any{"act": "RKE"}, false},
		{"NotAList", "l[id=sel].org", map[string]any{"sel": "1", "l": map[string]any{"id": "1", "org": "RKE"}}, false},
		{"ListOfTexts", "l[id=sel].org", map[string]any{"sel": "1", "l": []any{"1"}}, false},
		{"NothingSelected", "l[id=sel].org", map[string]any{"l": []any{map[string]any{"org": "RKE"}}}, false},
		{"EmptySelection", "l[id=sel].org", map[string]any{"sel": "", "l": []any{map[string]any{"id": "", "org": "RKE"}}}, false},
		{"SelectionIsAnObject", "l[id=sel].org", map[string]any{"sel": map[string]any{}, "l": []any{map[string]any{"id": map[string]any{}, "org": "RKE"}}}, false},
		{"ListWhereATextShouldBe", "org", map[string]any{"org": []string{"RKE"}}, false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, func(cfg *identity.Config) { cfg.Issuers[0].Systems.Organisation = c.path })
			token := f.signer.Sign(with(with(f.system(), map[string]any{"organisation": nil}), c.claims))
			if c.found {
				f.mustVerify(t, token)
			} else {
				f.mustRefuse(t, token, identity.Claims)
			}
		})
	}
}

// TestScopes finds a scope in a text and in a list, but not in part of a word.
func TestScopes(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		scope any
		found bool
	}{
		"Text":          {"a system/cpis.lookup b", true},
		"List":          {[]string{"a", "system/cpis.lookup"}, true},
		"Longer":        {"system/cpis.lookups", false},
		"Prefixed":      {"x:system/cpis.lookup", false},
		"OtherCase":     {"System/cpis.lookup", false},
		"ListInAList":   {[]any{[]string{"system/cpis.lookup"}}, false},
		"ListWithSpace": {[]string{"a system/cpis.lookup"}, false},
		"Object":        {map[string]any{"system/cpis.lookup": true}, false},
		"Missing":       {nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			token := f.signer.Sign(with(f.system(), map[string]any{"scope": c.scope}))
			if c.found {
				f.mustVerify(t, token)
			} else {
				f.mustRefuse(t, token, identity.NoRole)
			}
		})
	}
}
