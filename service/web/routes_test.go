package web_test

import (
	"flag"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"cpis/service/domain"
	"cpis/service/servicetest"
	"cpis/service/web"
)

var update = flag.Bool("update", false, "write golden files anew")

// columns are whom the matrix asks, in its order.
var columns = []string{"", "nurse", "gp", "lead", "level-2-lead", "privacy", "auditor", "administrator", "two-roles"}

// The golden list of routes, and what each role gets to see. A bookmark never breaks
// unnoticed, and no page opens to somebody new.
func TestRoutes_AndWhoSeesWhat(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	browsers := map[string]*browser{"": s.browser()}
	for _, key := range columns[1:] {
		browsers[key] = s.as(key)
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
			fmt.Fprintf(&out, " %-13s", browsers[key].visit(r.Pattern))
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
func (b *browser) visit(pattern string) string {
	method, path, _ := strings.Cut(pattern, " ")
	for name, value := range map[string]string{"{$}": "", "{provider}": "demonstration", "{reason}": "no_rule", "{id}": nobodys, "{report}": "child", "{question}": nobodys, "{q}": nobodys} {
		path = strings.ReplaceAll(path, name, value)
	}
	if path == "/log-out" || path == "/logged-out" || path == "/role" && method == http.MethodPost {
		return "."
	}
	follow := b.client.CheckRedirect
	b.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	defer func() { b.client.CheckRedirect = follow }()
	var form url.Values
	if method == http.MethodPost {
		form = url.Values{}
	}
	b.send(method, path, form, nil)
	if to, err := url.Parse(b.header.Get("Location")); b.status == http.StatusSeeOther && err == nil {
		if to.Host != "" {
			return "provider"
		}
		return to.Path
	}
	return fmt.Sprint(b.status)
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

// A page is an entry like a call is: each route leaves the one that it says, and
// those that say none leave none.
func TestRoutes_LeaveTheEntriesThatTheySay(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	notice, review := s.aNotice(), s.aReview()
	lead, officer := s.as("lead"), s.as("practice-privacy")
	export, question := officer.anExport()
	ids := strings.NewReplacer("/exports/{id}", "/exports/"+export, "/reviews/{id}", "/reviews/"+review, "{id}", notice, "{report}", "break_glass", "{question}", question)
	for _, r := range web.Routes() {
		method, path, _ := strings.Cut(r.Pattern, " ")
		if r.Who == web.Clinicians {
			continue // tests of looking up look at these
		}
		if r.Who == web.Open || strings.HasPrefix(path, "/log") || path == "/role" {
			continue // tests of logging in look at these
		}
		path = ids.Replace(path)
		b, form := lead, url.Values{"version": {"1"}, "outcome": {"no_action"}, "to": {uuid.NewString()}}
		switch r.Who {
		case web.Watchers:
			b, form = officer, url.Values{}
		case web.PrivacyOfficers:
			b, form = officer, url.Values{"outcome": {"justified"}, "found": {"Was this practice's patient"}}
		}
		before := len(s.Entries())
		if method == http.MethodGet {
			b.get(path)
		} else {
			b.send(method, path, form, nil)
		}
		var got string
		if all := s.actions(before); len(all) > 0 {
			got, _, _ = strings.Cut(all[0], " ")
		}
		if got != r.Action {
			t.Errorf("%s: got entry %q, want %q (status %d)", r.Pattern, got, r.Action, b.status)
		}
	}
}

// aNotice has a child seen in the emergency department, and returns the notice.
func (s *site) aNotice() string {
	s.tb.Helper()
	s.MustRegister(servicetest.Lead, servicetest.RightCPP())
	s.MustLookUp(servicetest.Nurse, servicetest.Attended("ED-1"))
	rows, err := s.DB.Notices.Newest(s.tb.Context(), servicetest.Islington, 1)
	s.must(err)
	return rows[0].ID.String()
}

// aReview has a GP look by break-glass, and returns the review.
func (s *site) aReview() string {
	s.tb.Helper()
	gp := *servicetest.Gp
	gp.Organisation = "F83004"
	q := servicetest.Attended("GP-1")
	q.BreakGlass, q.Grounds = "collapsed in <script>the waiting room", domain.Emergency
	s.MustLookUp(&gp, q)
	s.must(s.Index.Follow(s.tb.Context()))
	return s.lastOf("look_up").Review.ID
}

// anExport asks for a report and for its file, and returns the file and the question.
func (b *browser) anExport() (export, question string) {
	b.tb.Helper()
	b.get("/reports/break_glass").submit("/reports/break_glass", map[string]string{"reason": "routine"})
	question = path.Base(b.at.Path)
	b.submit(b.at.Path, nil)
	return path.Base(b.at.Path), question
}
