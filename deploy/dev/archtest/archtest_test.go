package archtest_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cpis/deploy/dev/archtest"
)

const (
	module = "cpis"
	root   = "../../.."
)

func TestArrowsOfThisModuleAreStraight(t *testing.T) {
	t.Parallel()
	noteSources(t)
	packages := list(t)
	if len(packages) < 5 {
		t.Fatalf("go list found %d packages, which cannot be all", len(packages))
	}
	bent := archtest.Check(module, packages)
	for _, b := range bent {
		t.Error(b)
	}
	if len(bent) > 0 {
		t.Logf("the table, in deploy/dev/archtest/table.go:\n\n%s", archtest.Table())
	}
}

func TestTopOfThisTreeIsAsAgreed(t *testing.T) {
	t.Parallel()
	for _, wrong := range archtest.CheckTop(topNames(t)) {
		t.Error(wrong)
	}
}

func TestBentArrowsAreFound(t *testing.T) {
	t.Parallel()
	pkg := func(name string, imports ...string) archtest.Package {
		return archtest.Package{ImportPath: module + "/" + name, Imports: imports}
	}
	tests := []struct {
		name string
		give archtest.Package
		want []string
	}{
		{"StraightArrowsAreFine", pkg("service", "context", "cpis/audit", "cpis/service/store"), nil},
		{"ForeignPackagesAreNotLookedAt", archtest.Package{ImportPath: "net/http", Imports: []string{"log"}}, nil},
		{
			"StoreNamesAPlan", pkg("service/store", "cpis/service"),
			[]string{"service/store imports service, which is not one of its arrows"},
		},
		{
			"AuditImportsOurs", pkg("audit", "cpis/policy"),
			[]string{"audit imports policy, which is not one of its arrows"},
		},
		{
			"FacePassesRoomsBy", pkg("service/rpc", "cpis/service/lookup", "cpis/service/store", "cpis/service"),
			[]string{
				"service/rpc imports service, which is not one of its arrows",
				"service/rpc imports service/store, which is not one of its arrows",
			},
		},
		{
			"RoomReachesIntoAnother", pkg("service/upload", "cpis/service/plan", "cpis/service/lookup"),
			[]string{"service/upload imports service/lookup, which is not one of its arrows"},
		},
		{
			"WordsKnowTheirUsers", pkg("service/domain", "cpis/service/guard"),
			[]string{"service/domain imports service/guard, which is not one of its arrows"},
		},
		{
			"FoldersBeneathAreCovered", pkg("service/web/static", "cpis/policy"),
			[]string{"service/web/static imports policy, which is not one of its arrows"},
		},
		{
			"KeysMakersDoNotSeeEachOther", pkg("service/keys/local", "cpis/service/keys/vault"),
			[]string{"service/keys/local imports service/keys/vault, which is not one of its arrows"},
		},
		{
			"ServiceKnowsTheWire", pkg("service", "net/http", "connectrpc.com/connect/v2"),
			[]string{
				"service imports connectrpc.com/connect/v2, which belongs elsewhere",
				"service imports net/http, which belongs elsewhere",
			},
		},
		{
			"SQLOutsideStore", pkg("service/rpc", "github.com/jackc/pgx/v5/pgxpool"),
			[]string{"service/rpc imports github.com/jackc/pgx/v5/pgxpool, which belongs elsewhere"},
		},
		{"SQLInStore", pkg("service/store", "github.com/jackc/pgx/v5/pgxpool"), nil},
		{
			"VaultOutsideItsKeeper", pkg("service/keys", "github.com/hashicorp/vault/api"),
			[]string{"service/keys imports github.com/hashicorp/vault/api, which belongs elsewhere"},
		},
		{
			"CasbinOutsidePolicy", pkg("service", "github.com/casbin/casbin/v2"),
			[]string{"service imports github.com/casbin/casbin/v2, which belongs elsewhere"},
		},
		{
			"GlobalLoggerAnywhere", pkg("cmd/cpis", "github.com/rs/zerolog", "github.com/rs/zerolog/log"),
			[]string{"cmd/cpis imports github.com/rs/zerolog/log, which belongs elsewhere"},
		},
		{
			"TestHelperInProduction", pkg("cmd/cpis", "cpis/service/store/dbtest"),
			[]string{"cmd/cpis imports service/store/dbtest, which is not one of its arrows"},
		},
		{"TestHelpersAreFree", pkg("service/store/dbtest", "cpis/deploy/dev/pgdev", "github.com/jackc/pgx/v5"), nil},
		{
			"DevelopmentHelperInProduction", pkg("service", "cpis/deploy/dev/pgdev"),
			[]string{"service imports deploy/dev/pgdev, which is not one of its arrows"},
		},
		{
			"PackageWithoutARow", pkg("util", "cpis/audit"),
			[]string{"util has no row in the table of arrows: say what it may import"},
		},
		{
			"BuildConstraintsHideFiles",
			archtest.Package{ImportPath: "cpis/audit", IgnoredGoFiles: []string{"secret.go", "race_test.go"}},
			[]string{"audit hides secret.go behind build constraints, where nothing here is checked"},
		},
		{
			"PurePackageReachesTheNetwork",
			archtest.Package{ImportPath: "cpis/audit", Deps: []string{"io", "net"}},
			[]string{"audit reaches net, which it must be able to do without"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := archtest.Check(module, []archtest.Package{tt.give})
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("Check (-want +got):\n%s", diff)
			}
		})
	}
}

func TestStrayAndMissingTopNamesAreFound(t *testing.T) {
	t.Parallel()
	names := slices.DeleteFunc(topNames(t), func(name string) bool { return name == "go.mod" })
	got := archtest.CheckTop(append(names, "utils"))
	want := []string{"go.mod is missing at the top of the tree", "utils does not belong at the top of the tree"}
	for _, w := range want {
		if !slices.Contains(got, w) {
			t.Errorf("CheckTop: got %q, want %q among them", got, w)
		}
	}
}

// list asks the go command for the packages of this module.
func list(t *testing.T) []archtest.Package {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-deps",
		"-json=ImportPath,Imports,Deps,IgnoredGoFiles", "./...")
	cmd.Dir = root
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("listing packages: %v", err)
	}
	var packages []archtest.Package
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p archtest.Package
		err := d.Decode(&p)
		if errors.Is(err, io.EOF) {
			return packages
		}
		if err != nil {
			t.Fatalf("reading the list of packages: %v", err)
		}
		if strings.HasPrefix(p.ImportPath, module+"/") {
			packages = append(packages, p)
		}
	}
}

// topNames returns the names at the top of the tree that are, or could be,
// committed: what .gitignore names is nobody's business.
func topNames(t *testing.T) []string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "git", "ls-files", "--cached", "--others", "--exclude-standard")
	cmd.Dir = root
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("listing files: %v", err)
	}
	var names []string
	for line := range strings.Lines(string(out)) {
		name, _, _ := strings.Cut(strings.TrimSpace(line), "/")
		names = append(names, name)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// noteSources looks at every Go file of the module, so that go test sees that
// this test depends on them and does not answer from its cache.
func noteSources(t *testing.T) {
	t.Helper()
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && path != root && strings.HasPrefix(d.Name(), ".") && d.Name() != ".." {
			return fs.SkipDir
		}
		if filepath.Ext(path) == ".go" {
			_, err = os.Stat(path)
		}
		return err
	})
	if err != nil {
		t.Fatalf("looking at the sources: %v", err)
	}
}
