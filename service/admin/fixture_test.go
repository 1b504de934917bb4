package admin_test

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cpis/service/admin"
	"cpis/service/servicetest"
)

var update = flag.Bool("update", false, "write golden files anew")

// administrator runs the installation of the fixture.
var administrator = servicetest.Administrator

// golden compares a text with a file of testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got); if that is meant: go test ./service/admin -update\n%s", name, diff)
	}
}

// mustExplain asks what the policy decides.
func mustExplain(t *testing.T, f *servicetest.Fixture, q admin.ExplainPolicyRequest) *admin.Explanation {
	t.Helper()
	out, err := f.Installation.ExplainPolicy(t.Context(), administrator, &q)
	if err != nil {
		t.Fatalf("ExplainPolicy %+v: %s", q, servicetest.Explain(err))
	}
	return out
}
