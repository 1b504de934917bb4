package web_test

import (
	"flag"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cpis/service/web"
	"cpis/service/web/webtest"
)

var update = flag.Bool("update", false, "write golden files anew")

// columns are whom the matrix asks, in its order.
var columns = []string{"", "nurse", "gp", "lead", "level-2-lead", "privacy", "auditor", "administrator", "two-roles"}

// The golden list of routes, and what each role gets to see. A bookmark never breaks
// unnoticed, and no page opens to somebody new.
func TestRoutes_AndWhoSeesWhat(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	browsers := map[string]*webtest.Browser{"": s.Browser()}
	for _, key := range columns[1:] {
		browsers[key] = s.As(key)
	}
	var out strings.Builder
	fmt.Fprintf(&out, "%-40s", "route")
	for _, key := range columns {
		fmt.Fprintf(&out, " %-13s", first(key, "nobody"))
	}
	out.WriteString("\n")
	for _, r := range web.Routes() {
		fmt.Fprintf(&out, "%-40s", r.Pattern)
		for _, key := range columns {
			fmt.Fprintf(&out, " %-13s", visit(browsers[key], r.Pattern))
		}
		fmt.Fprintln(&out)
	}
	golden(t, "routes.golden", strings.ReplaceAll(out.String(), " \n", "\n"))
}

func first(texts ...string) string {
	for _, t := range texts {
		if t != "" {
			return t
		}
	}
	return ""
}

// nobodys is the id of nothing.
const nobodys = "0193596c-7b1e-7cc2-8f0e-2f2f4f0a9a11"

// visit asks for a route, and says what came: a status, or where else it led. What
// would end the session is not asked for.
func visit(b *webtest.Browser, pattern string) string {
	method, path, _ := strings.Cut(pattern, " ")
	for name, value := range map[string]string{"{$}": "", "{provider}": "demonstration", "{reason}": "no_rule", "{id}": nobodys, "{report}": "child", "{question}": nobodys, "{q}": nobodys, "{line}": "1", "{receipt}": nobodys, "{j}": nobodys, "{page}": "check"} {
		path = strings.ReplaceAll(path, name, value)
	}
	if path == "/log-out" || path == "/logged-out" || path == "/role" && method == http.MethodPost {
		return "."
	}
	follow := b.Client.CheckRedirect
	b.Client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	defer func() { b.Client.CheckRedirect = follow }()
	var form url.Values
	if method == http.MethodPost {
		form = url.Values{}
	}
	b.Send(method, path, form, nil)
	if to, err := url.Parse(b.Header.Get("Location")); b.Status == http.StatusSeeOther && err == nil {
		if to.Host != "" {
			return "provider"
		}
		return regexp.MustCompile(`[0-9a-f-]{36}`).ReplaceAllStringFunc(to.Path, func(id string) string {
			if id != nobodys {
				return "{j}" // a journey begins, each under another id
			}
			return id
		})
	}
	return fmt.Sprint(b.Status)
}

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
		t.Errorf("%s (-want +got); if that is meant: go test ./service/web -run Routes -update\n%s", name, diff)
	}
}
