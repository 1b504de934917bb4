package web_test

import (
	"net/http"
	"strings"
	"testing"

	"cpis/service/web"
	"cpis/service/web/webtest"
)

// Every page for everybody, in a real browser at three widths: nothing for axe to find, nothing in
// the console, nothing wider than the screen.
func TestPages_InABrowser(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	c := s.StartChromium()
	for _, path := range []string{"/", "/?ended=1", "/logged-out", "/no-role?at=demonstration", "/nowhere", "/log-in/demonstration/back"} {
		c.Open(path)
		c.Look("nobody" + strings.NewReplacer("/", "-", "?", "-", "=", "-").Replace(path))
	}
	c.LogIn("six-roles")
	c.Look("role-of-six")
	c.LogIn("step-up-lead")
	c.Open("/confirm")
	c.Look("confirm")
	c.LogIn("administrator")
	for _, r := range web.Routes() {
		method, path, _ := strings.Cut(r.Pattern, " ")
		if path = strings.ReplaceAll(path, "{reason}", "no_rule"); method == http.MethodGet && r.Plain && path != "/logged-out" {
			c.Open(path)
			c.Look("everybody" + strings.ReplaceAll(path, "/", "-"))
		}
	}
	for _, key := range []string{"administrator", "nurse", "auditor", "lead"} {
		c.LogIn(key)
		c.Open("/home")
		c.Look(key + "-home")
	}
	c.Open("/session")
	c.Look("session")
}
