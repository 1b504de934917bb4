package identity_test

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"cpis/policy"
	"cpis/service/identity"
)

var jsonBlock = regexp.MustCompile("(?s)```json\n(.*?)```")

// guide returns the guide for operators, and the JSON examples in it.
func guide(tb testing.TB) (string, []string) {
	tb.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "identity.md"))
	if err != nil {
		tb.Fatal(err)
	}
	var blocks []string
	for _, found := range jsonBlock.FindAllSubmatch(text, -1) {
		blocks = append(blocks, string(found[1]))
	}
	return string(text), blocks
}

// everywhere answers for every issuer in the guide.
type everywhere struct{ keys jose.JSONWebKeySet }

func (e everywhere) RoundTrip(r *http.Request) (*http.Response, error) {
	var answer any = e.keys
	if issuer, ok := strings.CutSuffix(r.URL.String(), "/.well-known/openid-configuration"); ok {
		answer = map[string]string{"issuer": issuer, "jwks_uri": issuer + "/keys"}
	}
	body, err := json.Marshal(answer)
	return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(bytes.NewReader(body)), Request: r}, err
}

// TestGuide_ExamplesWork configures a verifier by the first example and gives
// it tokens with the claims of the others.
func TestGuide_ExamplesWork(t *testing.T) {
	t.Parallel()
	_, blocks := guide(t)
	if len(blocks) != 4 {
		t.Fatalf("the guide has %d examples, want 4", len(blocks))
	}
	withPages := strings.Replace(blocks[0], `"people": {`, blocks[3]+`, "people": {`, 1)
	c, err := identity.LoadConfig(strings.NewReader(withPages))
	if err != nil {
		t.Fatal(err)
	}
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	rs256, rs512 := signer{"a", jose.RS256, key}, signer{"b", jose.RS512, key}
	c.Client = &http.Client{Transport: everywhere{jose.JSONWebKeySet{Keys: []jose.JSONWebKey{rs256.public(), rs512.public()}}}}
	now := func() time.Time { return time.Unix(1795453201, 0) }
	v, err := identity.New(t.Context(), c, newDirectory(), now)
	if err != nil {
		t.Fatal(err)
	}
	cert := newCertificate(t)
	for _, example := range []struct {
		signer signer
		claims string
		role   policy.Role
		level  int
	}{
		{rs256, blocks[1], policy.ClinicianUnscheduled, 2},
		{rs512, strings.Replace(blocks[2], "CERTIFICATE", thumbprint(cert), 1), policy.ClinicalSystem, 0},
	} {
		var claims map[string]any
		if err := json.Unmarshal([]byte(example.claims), &claims); err != nil {
			t.Fatal(err)
		}
		claims["iat"], claims["exp"] = 1795453200, 1795453500 // not as floating point numbers
		caller, err := v.Verify(t.Context(), example.signer.Jose(t, claims), cert)
		if err != nil {
			t.Fatal(err)
		}
		if caller.Roles != policy.Roles(example.role) || caller.Organisation != "RKE" || caller.Assurance != example.level {
			t.Errorf("Verify: got %+v", caller)
		}
	}
}

func TestGuide_NamesEveryReasonAndSetting(t *testing.T) {
	t.Parallel()
	text, _ := guide(t)
	for _, reason := range identity.Reasons() {
		if !strings.Contains(text, "| `"+string(reason)+"` |") {
			t.Errorf("the guide does not explain the reason %s", reason)
		}
	}
	_, err := identity.LoadConfig(strings.NewReader(`{"x": 1, "issuers": [{"x": 1, "people": {"x": 1}, "pages": {"x": 1}}]}`))
	if err == nil {
		t.Fatal("LoadConfig: got no error")
	}
	settings := regexp.MustCompile(`settings here are (.*)`)
	for _, found := range settings.FindAllStringSubmatch(err.Error(), -1) {
		for name := range strings.SplitSeq(found[1], ", ") {
			if !strings.Contains(text, "`"+name+"`") {
				t.Errorf("the guide does not explain the setting %s", name)
			}
		}
	}
}
