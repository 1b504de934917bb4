package identity_test

import (
	"encoding/base64"
	"strings"
	"testing"

	"cpis/service/text"
)

// FuzzVerify returns the token reader anything at all. Nothing may be accepted
// that was not signed by the issuer, and nothing may make it panic.
func FuzzVerify(f *testing.F) {
	x := newFixture(f)
	good := x.signer.Sign(x.nurse())
	parts := strings.Split(good, ".")
	for _, seed := range []string{
		"", ".", "..", "...", good, good + ".", parts[0], parts[0] + ".." + parts[2],
		part(map[string]any{"alg": "none", "typ": "JWT", "kid": "k1"}) + "." + parts[1] + ".",
		part(map[string]any{"alg": "HS256", "typ": "JWT", "kid": "k1"}) + "." + parts[1] + ".AA",
		newSigner(f, "k1").Sign(x.nurse()), newSigner(f, "k2").Sign(x.nurse()),
		`{"payload":"` + parts[1] + `","protected":"` + parts[0] + `","signature":"` + parts[2] + `"}`,
		x.signer.SignJSON(`{"exp":1e999}`), x.signer.SignJSON(strings.Repeat("[", 100)),
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, token string) {
		if _, err := x.Verify(t.Context(), token, nil); err == nil && token != good {
			t.Errorf("accepted a token that nobody signed: %q", token)
		}
	})
}

// FuzzVerify_Signed signs anything at all with the issuer's key: the issuer is
// trusted to say who somebody is, but not to be without mistakes.
func FuzzVerify_Signed(f *testing.F) {
	x := newFixture(f)
	const header = `{"alg":"ES256","kid":"k1","typ":"at+jwt"}`
	f.Add(header, "{"+body(x.nurse())+"}")
	f.Add(header, "{"+body(x.system())+"}")
	f.Add(header, `{"iss":null,"aud":[[]],"exp":{},"cnf":{"x5t#S256":[]}}`)
	f.Add(`{"alg":["ES256"],"kid":{},"typ":0}`, `{}`)
	f.Add(`[]`, `null`)
	f.Fuzz(func(t *testing.T, header, claims string) {
		token := x.signer.SignText(
			base64.RawURLEncoding.EncodeToString([]byte(header)) + "." +
				base64.RawURLEncoding.EncodeToString([]byte(claims)))
		caller, err := x.Verify(t.Context(), token, nil)
		if err != nil {
			return
		}
		class, known := x.directory.Class(caller.Organisation)
		if !known || class != caller.Class || caller.ID == "" || caller.ClientID == "" ||
			caller.Issuer != x.issuer.URL || !caller.Expires.After(begin) {
			t.Errorf("accepted a caller who is nobody: %+v", caller)
		}
		for _, s := range []string{caller.ID, caller.ClientID, caller.Organisation, caller.Name, caller.Title} {
			if !text.Fit(s) || text.Fold(s) != s {
				t.Errorf("accepted a text that people do not see: %q", s)
			}
		}
		if caller.Roles == 0 {
			t.Errorf("accepted a caller without a role")
		}
	})
}
